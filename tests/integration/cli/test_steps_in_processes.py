"""``weft job execute`` with steps in processes of their own: what they print is shown while they run, each line with its step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.cli.conftest import Weft

DEFS = """
    import os
    from weft import ComputeResources, Definitions, job, multiprocess_executor, op

    @op
    def one() -> int:
        print("one speaks")
        print("and ends", end="")
        return 1

    @op
    def other() -> int:
        print("other speaks")
        return os.getpid()

    @op
    def both(one: int, other: int) -> None:
        print("together" if os.getpid() != other else "in one process")

    @op(resources=ComputeResources(memory="100MiB"))
    def hungry() -> None:
        bytearray(b"x" * (300 << 20))
        import time; time.sleep(20)

    @job(executor_def=multiprocess_executor)
    def speaking():
        both(one(), other())

    @job
    def eating():
        hungry()

    defs = Definitions(jobs=[speaking, eating])
"""


@pytest.mark.parametrize("config", [None, "reuse_workers: true, max_concurrent: 1", "start_method: {spawn: {}}"])
def test_every_line_is_shown_with_its_step(weft: Weft, config: str | None) -> None:
    weft.write(defs=DEFS)
    options = []
    if config is not None:
        (weft.folder / "run.yaml").write_text(f"execution: {{config: {{{config}}}}}\n", "utf-8")
        options = ["-c", "run.yaml"]
    lines = [line[10:] for line in weft("job", "execute", "speaking", *options).stdout.splitlines() if " | " in line]
    word = "in one process" if config and "reuse" in config else "together"
    assert sorted(" ".join(line.split()) for line in lines) == sorted(
        ["one | one speaks", "one | and ends", "other | other speaks", f"both | {word}"]
    )


def test_a_step_with_too_much_memory_is_named_as_such(weft: Weft) -> None:
    weft.write(defs=DEFS)
    done = weft("job", "execute", "eating", code=1)
    assert "ran out of memory: peak" in done.stdout
    assert "of the 100 MiB that it may have" in done.stdout
