"""Launched runs whose steps have processes of their own."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from tests.integration.daemon.served import Served, until
from tests.integration.daemon.test_life_of_a_run import QUICK

from weft.model.run import FailureReason, RunStatus
from weft.processes.tree import identify, is_alive
from weft.runs.cancel import cancel_run

Serve = Callable[..., Served]

CODE = """
@op
def one():
    mark("one")
    return os.getpid()

@op
def two(pid):
    mark("pids", f"{pid} {os.getpid()}")

@job(executor_def=multiprocess_executor)
def small():
    two(one())

@op
def slow():
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    mark("child", child.pid)
    try:
        mark("slow")
        time.sleep(600)
    finally:
        mark("torn_down")

@job(executor_def=multiprocess_executor)
def endless():
    slow()

@op
def crash():
    os.kill(os.getpid(), signal.SIGKILL)

@job(executor_def=multiprocess_executor)
def crashing():
    crash()
    one()

@job(executor_def=multiprocess_executor, resource_defs={"io_manager": InMemoryIOManager()})
def forgetful():
    two(one())

@op(resources=ComputeResources(memory="120MiB"))
def hungry():
    bytearray(b"x" * (400 << 20))
    time.sleep(60)

@job
def eating():
    hungry()
"""


def gone(*pids: str) -> None:
    until(lambda: not any(is_alive(identify(int(pid))) for pid in pids), "the end of the processes")


def test_a_launched_run_carries_its_steps_out_in_processes_of_their_own(serve: Serve) -> None:
    served = serve(CODE, QUICK)
    with served.daemon():
        run_id = served.submit("small")
        assert served.finished(run_id).status is RunStatus.SUCCESS
    one, two = served.marked("pids").split()
    worker = next(e.event.body for e in served.instance.events.read(run_id) if e.event.type == "RUN_START")
    assert len({one, two, str(worker.pid)}) == 3  # type: ignore[union-attr]  # that event has it


def test_a_cancelled_run_ends_its_steps_and_what_they_have_started(serve: Serve) -> None:
    served = serve(CODE, QUICK)
    with served.daemon():
        run_id = served.submit("endless")
        pids = served.marked("slow"), served.marked("child")
        cancel_run(run_id, served.instance)
        assert served.finished(run_id).status is RunStatus.CANCELED
    assert served.marked("torn_down")
    gone(*pids)


def test_steps_do_not_outlive_a_killed_worker_of_the_run(serve: Serve) -> None:
    served = serve(CODE, QUICK)
    with served.daemon():
        run_id = served.submit("endless")
        pids = served.marked("slow"), served.marked("child")
        live = until(lambda: served.instance.queue.get(run_id))
        assert live.worker is not None
        os.kill(live.worker.pid, signal.SIGKILL)
        run = served.finished(run_id)
    assert (run.status, run.failure_reason) == (RunStatus.FAILURE, FailureReason.SIGNALED)
    gone(*pids)


def test_a_crash_fails_its_step_alone(serve: Serve) -> None:
    served = serve(CODE, QUICK)
    with served.daemon():
        run_id = served.submit("crashing")
        run = served.finished(run_id)
    assert (run.status, run.failure_reason) == (RunStatus.FAILURE, FailureReason.STEP_FAILED)
    assert served.marked("one")


def test_a_run_that_its_executor_cannot_carry_out_says_why(serve: Serve) -> None:
    served = serve(CODE, QUICK)
    with served.daemon():
        run = served.finished(served.submit("forgetful"))
    assert (run.status, run.failure_reason) == (RunStatus.FAILURE, FailureReason.CONFIG)
    assert run.error is not None
    assert run.error.code == "WEFT-X309"


def test_a_declared_limit_of_memory_holds_in_a_launched_run(serve: Serve) -> None:
    served = serve(CODE, QUICK)
    with served.daemon():
        run_id = served.submit("eating")
        assert served.finished(run_id).failure_reason is FailureReason.STEP_FAILED
    (failed,) = [e.event.body for e in served.instance.events.read(run_id) if e.event.type == "STEP_FAILURE"]
    assert failed.error.code == "WEFT-X303"  # type: ignore[union-attr]  # that event has it
