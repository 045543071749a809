"""Cancelling runs that a process carries out itself: nobody else has to be there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.integration.daemon.served import Served, until
from tests.integration.daemon.test_life_of_a_run import QUICK, SLOW, STUBBORN, is_gone

from weft.model.events import RunStarted
from weft.model.run import RunStatus
from weft.processes.tree import all_processes
from weft.runs.cancel import CancelOutcome, cancel_run

Serve = Callable[..., Served]


@contextmanager
def executing(served: Served) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A process that executes the job ``endless``, and the id of its run, once a step has begun."""
    command = ["job", "execute", "endless", "-f", str(served.file), "--home", str(served.home)]
    process = subprocess.Popen(
        [sys.executable, "-c", "from weft.cli.main import main; main()", *command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        served.marked("slow")
        [run] = served.instance.runs.list().items
        until(lambda: any(isinstance(one.event.body, RunStarted) for one in served.instance.events.read(run.id)))
        yield process, run.id
    finally:
        process.kill()
        process.wait()


def test_a_run_of_another_process_tears_down_and_ends(serve: Serve) -> None:
    served = serve(SLOW, QUICK)
    with executing(served) as (process, run_id):
        child = int(served.marked("child"))
        assert cancel_run(run_id, served.instance) is CancelOutcome.CANCELING
        assert served.finished(run_id).status is RunStatus.CANCELED
        served.marked("torn_down")
        process.wait(30)
    subprocess.run(["kill", "-9", str(child)], check=False, stderr=subprocess.DEVNULL)


def test_a_run_of_another_process_is_killed_where_that_is_wanted(serve: Serve) -> None:
    served = serve(STUBBORN, QUICK)
    with executing(served) as (process, run_id):
        child = int(served.marked("child"))
        cancel_run(run_id, served.instance, is_forced=True)
        process.wait(30)
        assert cancel_run(run_id, served.instance) in (CancelOutcome.CANCELING, CancelOutcome.WAS_OVER)
        assert served.finished(run_id).status is RunStatus.CANCELED
        until(lambda: is_gone(child), "the end of what it had started")


def test_a_run_whose_process_is_gone_is_cancelled_at_once(serve: Serve) -> None:
    served = serve(SLOW, QUICK)
    with executing(served) as (process, run_id):
        process.kill()
        process.wait()
        cancel_run(run_id, served.instance)
        assert served.finished(run_id).status is RunStatus.CANCELED
        child = int(served.marked("child"))
    subprocess.run(["kill", "-9", str(child)], check=False, stderr=subprocess.DEVNULL)


def test_a_queued_run_whose_daemon_is_gone_is_killed_and_over(serve: Serve) -> None:
    served = serve(STUBBORN, QUICK)
    with served.daemon():
        run_id = served.submit("endless")
        pid, child = int(served.marked("slow")), int(served.marked("child"))
        live = until(lambda: (found := served.instance.queue.get(run_id)) and found.worker.pid and found)
    assert live.worker.pid == pid
    cancel_run(run_id, served.instance, is_forced=True)
    assert served.run(run_id).status is RunStatus.CANCELED
    until(lambda: is_gone(pid) and is_gone(child), "the end of the worker and its child")


def test_what_a_worker_started_is_found_when_everybody_between_is_dead(serve: Serve) -> None:
    served = serve(SLOW.replace('["sleep", "600"]', '["sleep", "600"], start_new_session=True'), QUICK)
    with served.daemon() as daemon:
        run_id = served.submit("endless")
        pid, child = int(served.marked("slow")), int(served.marked("child"))
        until(lambda: served.instance.queue.get(run_id).worker.pid, "the place of the worker")
        for state in all_processes().values():
            if state.parent == os.getpid() and state.pid != pid and b"weft.codeserver.zygote" in command_of(state.pid):
                os.kill(state.pid, signal.SIGKILL)
        os.kill(pid, signal.SIGKILL)
        assert served.finished(run_id).status is RunStatus.FAILURE
        until(lambda: is_gone(child), "the end of what the worker had started")
        assert daemon.errors == {}


def command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
