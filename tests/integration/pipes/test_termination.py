"""Programs end with their step, and what they say is seen while they run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.integration.pipes.world import DAGSTER, PACKAGE, WEFT, program

from weft import (
    AssetExecutionContext,
    Instance,
    PipesFileMessageReader,
    PipesSocketMessageReader,
    PipesStdioMessageReader,
    PipesSubprocessClient,
    PipesTempFileContextInjector,
    asset,
    materialize,
    open_pipes_session,
)
from weft.model.events import LogMessage

# A process of its own that runs an asset: signals are for processes.
RUNNER = """
    import sys
    from weft import AssetExecutionContext, Instance, PipesSubprocessClient, asset, materialize

    @asset
    def made(context: AssetExecutionContext):
        client = PipesSubprocessClient(forward_termination={forward}, termination_timeout_seconds={patience})
        return client.run(command={command!r}, context=context).get_results()

    with Instance.at(__import__("pathlib").Path({home!r})) as instance:
        result = materialize([made], instance=instance, raise_on_error=False)
        print(result.run_id, flush=True)
"""

CHILD = """
    import os, pathlib, signal, subprocess, sys, time
    folder = pathlib.Path({folder!r})
    grandchild = subprocess.Popen(["sleep", "600"])
    (folder / "pids").write_text(f"{{os.getpid()}} {{grandchild.pid}}")
    {handler}
    with open_pipes() as pipes:
        try:
            pipes.log.info("ready")
            (folder / "ready").touch()
            while True:
                time.sleep(60)
        except KeyboardInterrupt:
            pipes.log.info("cleaned up")
            (folder / "clean").touch()
            raise SystemExit(3)
"""


def start(
    tmp_path: Path, *, forward: bool = True, patience: float = 20, handler: str = ""
) -> tuple[subprocess.Popen[str], list[int]]:
    """A run whose program is ready; gives the process of the run, and the pids of the program and its child."""
    command = program(tmp_path, CHILD.format(folder=str(tmp_path), handler=handler), DAGSTER)
    runner = tmp_path / "runner.py"
    text = RUNNER.format(forward=forward, patience=patience, command=command, home=str(tmp_path / "home"))
    runner.write_text(textwrap.dedent(text))
    process = subprocess.Popen([sys.executable, str(runner)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until((tmp_path / "ready").exists, process)
    return process, [int(pid) for pid in (tmp_path / "pids").read_text().split()]


def until(holds: Any, process: subprocess.Popen[str] | None = None) -> None:
    pause = threading.Event()
    for _ in range(3000):
        if holds():
            return
        assert process is None or process.poll() is None, process.communicate()
        pause.wait(0.01)
    raise AssertionError("it never came to be")


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_program_is_asked_to_end_with_its_run_and_may_clean_up(number: signal.Signals, tmp_path: Path) -> None:
    process, pids = start(tmp_path)
    process.send_signal(number)
    out, _ = process.communicate(timeout=30)

    assert (tmp_path / "clean").exists()
    assert not any(map(lives, pids)), "nor does what it had started live on"
    with Instance.at(tmp_path / "home") as instance:
        run = instance.runs.get(out.split()[-1]) if out.split() else instance.runs.list().items[0]
        assert run is not None
        assert run.status.value == "CANCELED"
        logs = [
            stored.event.body.message
            for stored in instance.events.read(run.id, limit=1000)
            if isinstance(stored.event.body, LogMessage)
        ]
    assert "cleaned up" in logs


def test_a_program_that_does_not_end_is_killed_after_its_time(tmp_path: Path) -> None:
    process, pids = start(tmp_path, patience=0.2, handler="signal.signal(signal.SIGINT, signal.SIG_IGN)")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)

    assert not any(map(lives, pids))


def test_a_program_outlives_its_step_where_termination_is_not_forwarded(tmp_path: Path) -> None:
    process, pids = start(tmp_path, forward=False)
    try:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
        assert lives(pids[0])
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("kind", ["file", "stdio", "socket"])
def test_what_a_program_says_is_recorded_while_it_runs(kind: str, tmp_path: Path) -> None:
    """The program waits until its first line stands in the database; nothing but the line itself wakes who waits."""
    reader: Any = {
        "file": lambda: PipesFileMessageReader(tmp_path / "messages"),
        "stdio": lambda: PipesStdioMessageReader("stdout"),
        "socket": PipesSocketMessageReader,
    }[kind]()
    command = program(
        tmp_path,
        """
        import sys
        with open_pipes() as pipes:
            pipes.log.info("first")
            print("printed", file=sys.stderr, flush=True)
            assert sys.stdin.readline() == "go on\\n"
            pipes.log.info("second")
        """,
        WEFT,
    )
    home = tmp_path / "home"

    def logs(instance: Instance, run_id: str) -> list[str]:
        found = [stored.event.body for stored in instance.events.read(run_id, limit=1000)]
        return [body.message for body in found if isinstance(body, LogMessage)]

    @asset
    def made(context: AssetExecutionContext):
        with open_pipes_session(context, PipesTempFileContextInjector(), reader) as session:
            environment = {**os.environ, "PYTHONPATH": str(PACKAGE), **session.get_bootstrap_env_vars()}
            child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
            if isinstance(reader, PipesStdioMessageReader):
                reader.consume(child.stdout)
            with Instance.at(home) as other:
                until(lambda: "first" in logs(other, context.run_id))
                assert "second" not in logs(other, context.run_id)
            child.stdin.write(b"go on\n")
            child.stdin.close()
            assert child.wait() == 0
            if not isinstance(reader, PipesStdioMessageReader):
                child.stdout.close()
        return session.get_results()

    with Instance.at(home) as instance:
        result = materialize([made], instance=instance)
        assert logs(instance, result.run_id)[-1] != "first"
        assert "second" in logs(instance, result.run_id)


def test_nothing_is_left_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    command = program(tmp_path, "import json\nwith open_pipes() as pipes: pass\n", DAGSTER)

    @asset
    def made(context: AssetExecutionContext):
        return PipesSubprocessClient().run(command=command, context=context).get_results()

    assert materialize([made]).success
    assert json.dumps([path.name for path in (tmp_path / "tmp").glob("weft-pipes-*")]) == "[]"
