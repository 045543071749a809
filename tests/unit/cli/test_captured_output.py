"""Captured output, read back step by step."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, strategies as st

from weft.cli.captured_output import Chunk, captured_chunks
from weft.logs.store import LocalComputeLogStore
from weft.model.run import Run, RunStatus
from weft.model.step import LogRange, Step, StepStatus

RUN = Run(id="r", job_name="nightly", status=RunStatus.SUCCESS, created_at=0.0)


def store(folder: Path, out: bytes = b"", err: bytes = b"") -> LocalComputeLogStore:
    (folder / "r").mkdir(exist_ok=True)
    (folder / "r" / "run.out").write_bytes(out)
    (folder / "r" / "run.err").write_bytes(err)
    return LocalComputeLogStore(folder)


def step(key: str, *logs: LogRange) -> Step:
    return Step(run_id="r", key=key, status=StepStatus.SUCCEEDED, logs=logs)


def test_a_step_has_its_own_bytes_of_each_stream(tmp_path: Path) -> None:
    logs = store(tmp_path, b"before|first|second|after", b"oops")
    steps = [step("a", LogRange("run", 7, 13, 0, 4)), step("b", LogRange("run", 13, 20, 4, 4))]
    assert list(captured_chunks(logs, RUN, steps, ["stdout", "stderr"], step_key="a")) == [
        Chunk("a", "stdout", "first|"),
        Chunk("a", "stderr", "oops"),
    ]
    assert list(captured_chunks(logs, RUN, steps, ["stdout"])) == [
        Chunk(None, "stdout", "before|"),
        Chunk("a", "stdout", "first|"),
        Chunk("b", "stdout", "second|"),
        Chunk(None, "stdout", "after"),
    ]


def test_every_attempt_of_a_step_counts(tmp_path: Path) -> None:
    logs = store(tmp_path, b"onetwo")
    retried = step("a", LogRange("run", 0, 3, 0, 0), LogRange("run", 3, 6, 0, 0))
    chunks = captured_chunks(logs, RUN, [retried], ["stdout"], step_key="a")
    assert "".join(chunk.text for chunk in chunks) == "onetwo"


def test_what_is_behind_belongs_to_the_step_that_never_ended(tmp_path: Path) -> None:
    logs = store(tmp_path, b"onetwo")
    ended = step("a", LogRange("run", 0, 3, 0, 0))
    running = Step(run_id="r", key="b", status=StepStatus.RUNNING)
    other = Step(run_id="r", key="c", status=StepStatus.RUNNING)
    assert list(captured_chunks(logs, RUN, [ended, running], ["stdout"], step_key="b")) == [Chunk("b", "stdout", "two")]
    # Of two it cannot be told which.
    assert list(captured_chunks(logs, RUN, [ended, running, other], ["stdout"]))[-1] == Chunk(None, "stdout", "two")


def test_a_file_that_is_gone_gives_nothing(tmp_path: Path) -> None:
    logs = LocalComputeLogStore(tmp_path)
    steps = [step("a", LogRange("run", 0, 10, 0, 0))]
    assert list(captured_chunks(logs, RUN, steps, ["stdout", "stderr"])) == []


def test_characters_that_are_no_utf_8_are_replaced(tmp_path: Path) -> None:
    logs = store(tmp_path, b"\xff\xc3\xa9")
    chunks = list(captured_chunks(logs, RUN, [], ["stdout"]))
    assert [chunk.text for chunk in chunks] == ["\ufffdé"]


@given(st.lists(st.integers(0, 5), max_size=6))
def test_the_whole_of_a_stream_is_read_once_and_in_order(tmp_path_factory: object, widths: list[int]) -> None:
    folder: Path = tmp_path_factory.mktemp("logs")  # type: ignore[attr-defined]
    data = bytes(range(97, 97 + 26))
    logs, steps, position = store(folder, data), [], 0
    for number, width in enumerate(widths):
        if number % 2:  # every other stretch belongs to nobody
            steps.append(step(f"s{number}", LogRange("run", position, min(26, position + width), 0, 0)))
        position = min(26, position + width)
    chunks = captured_chunks(logs, RUN, steps, ["stdout"])
    assert "".join(chunk.text for chunk in chunks) == data.decode()
