"""External processes of queued runs: they end with the worker of their run, however that ends."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.integration.daemon.served import Served, until

from weft.model.events import LogMessage, StepFailed
from weft.model.run import RunStatus
from weft.runs.cancel import cancel_run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")

CHILD = """
import os, subprocess, time
from pathlib import Path
from dagster_pipes import open_dagster_pipes
with open_dagster_pipes() as pipes:
    pipes.log.info("up")
    marks = Path(pipes.get_extra("marks"))
    grandchild = subprocess.Popen(["sleep", "600"])
    (marks / "pids.part").write_text(f"{os.getpid()} {grandchild.pid} {os.getppid()}")
    try:
        # From here on it may be asked to end.
        (marks / "pids.part").rename(marks / "pids")
        time.sleep(float(pipes.get_extra("seconds")))
    except KeyboardInterrupt:
        pipes.log.info("cleaned up")
        raise
    grandchild.kill()
"""

CODE = """
    def make(name, seconds, executor, **settings):
        @op(name=name, **settings)
        def runs_it(context: OpExecutionContext):
            PipesSubprocessClient().run(
                command=[sys.executable, str(MARKS.parent / "child.py")],
                context=context,
                extras={"marks": str(MARKS), "seconds": seconds},
            )

        @job(name=f"{name}_{executor.name}", executor_def=executor)
        def made():
            runs_it()

        return made

    defs = Definitions(jobs=[
        make(name, seconds, executor, **settings)
        for name, seconds, settings in (("quick", 0, {}), ("slow", 600, {}), ("late", 600, {"timeout_seconds": 3}))
        for executor in (in_process_executor, multiprocess_executor)
    ])
"""

EXECUTORS = pytest.mark.parametrize("executor", ["in_process", "multiprocess"])


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    (tmp_path / "child.py").write_text(CHILD, "utf-8")
    served = Served(tmp_path, CODE)
    yield served
    served.instance.close()


def pids(served: Served) -> list[int]:
    """Of the program, of what it started, and of the worker that started it."""
    until((served.marks / "pids").exists, "the program")
    return [int(pid) for pid in (served.marks / "pids").read_text().split()]


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def logs(served: Served, run_id: str) -> list[str]:
    found = [stored.event.body for stored in served.instance.events.read(run_id)]
    return [body.message for body in found if isinstance(body, LogMessage)]


def over(served: Served, run_id: str) -> Callable[[], bool]:
    return lambda: served.run(run_id).status.is_finished


@EXECUTORS
def test_a_program_runs_in_the_worker_of_a_queued_run(executor: str, served: Served) -> None:
    with served.daemon():
        run_id = served.submit(f"quick_{executor}")
        until(over(served, run_id))

    assert served.run(run_id).status is RunStatus.SUCCESS
    assert "up" in logs(served, run_id)


@EXECUTORS
def test_a_cancelled_run_asks_its_program_to_end_and_leaves_nothing(executor: str, served: Served) -> None:
    with served.daemon():
        run_id = served.submit(f"slow_{executor}")
        program, grandchild, _ = pids(served)
        cancel_run(run_id, served.instance)
        until(over(served, run_id))

    assert served.run(run_id).status is RunStatus.CANCELED
    assert "cleaned up" in logs(served, run_id)
    assert not lives(program)
    assert not lives(grandchild)


@EXECUTORS
def test_a_killed_worker_leaves_no_program(executor: str, served: Served) -> None:
    with served.daemon():
        run_id = served.submit(f"slow_{executor}")
        program, grandchild, worker = pids(served)
        until(lambda: "up" in logs(served, run_id), "the first message")
        os.kill(worker, signal.SIGKILL)
        until(over(served, run_id))
        until(lambda: not lives(program) and not lives(grandchild), "the end of the program")

    assert served.run(run_id).status is RunStatus.FAILURE


@EXECUTORS
def test_a_program_ends_when_its_step_takes_too_long(executor: str, served: Served) -> None:
    with served.daemon():
        run_id = served.submit(f"late_{executor}")
        program, grandchild, _ = pids(served)
        until(over(served, run_id))

    assert served.run(run_id).status is RunStatus.FAILURE
    [failed] = [
        stored.event.body for stored in served.instance.events.read(run_id) if isinstance(stored.event.body, StepFailed)
    ]
    assert "3" in str(failed.error)
    assert not lives(program)
    assert not lives(grandchild)
