"""Cancelling runs that a process carries out itself: nobody else has to be there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.integration.daemon.served import Served, until
from tests.integration.daemon.test_life_of_a_run import QUICK, SLOW, STUBBORN, is_gone

from weft.model.events import RunStarted
from weft.model.run import RunStatus
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
