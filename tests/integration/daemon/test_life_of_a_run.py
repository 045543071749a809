"""Runs from the queue to their end, through real processes."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from msgspec.structs import replace
from tests.integration.daemon.served import Served, until

from weft.config.instance_settings import InstanceSettings, MonitoringSettings, QueueSettings, RunRetrySettings
from weft.model.run import FailureReason, RunStatus
from weft.processes.tree import state_of
from weft.runs.cancel import CancelOutcome, cancel_run

Serve = Callable[..., Served]

QUICK = InstanceSettings(
    monitoring=MonitoringSettings(
        heartbeat_seconds=0.2, lease_seconds=1.0, poll_seconds=0.1, cancel_grace_seconds=1.0, start_timeout_seconds=5.0
    ),
    queue=QueueSettings(poll_seconds=0.2),
)

SMALL = """
@op
def one():
    mark("one")
    return 1

@op
def two(x):
    return x + 1

@job
def small():
    two(one())
"""

SLOW = """
@op
def slow():
    child = subprocess.Popen(["sleep", "600"])
    mark("child", child.pid)
    try:
        mark("slow")
        time.sleep(600)
    finally:
        mark("torn_down")

@job
def endless():
    slow()
"""

STUBBORN = """
@op
def stubborn():
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    mark("child", child.pid)
    mark("slow")
    while True:
        try:
            time.sleep(600)
        except BaseException:
            pass

@job
def endless():
    stubborn()
"""


def is_gone(pid: int) -> bool:
    state = state_of(pid)
    return state is None or state.is_zombie


def test_a_queued_run_is_carried_out_by_a_worker_of_its_own(serve: Serve) -> None:
    served = serve(SMALL, QUICK)
    with served.daemon():
        run = served.finished(served.submit("small"))
    assert run.status is RunStatus.SUCCESS
    assert int(served.marked("one")) != os.getpid()
    types = served.types(run.id)
    assert types[:4] == ["RUN_ENQUEUED", "RUN_DEQUEUED", "RUN_STARTING", "RUN_START"]
    assert types[-1] == "RUN_SUCCESS"
    assert served.instance.queue.get(run.id) is None


def test_changed_code_gets_a_new_zygote(serve: Serve) -> None:
    served = serve(SMALL, QUICK)
    with served.daemon():
        assert served.finished(served.submit("small")).status is RunStatus.SUCCESS
        served.write(SMALL.replace('mark("one")', 'mark("other")'))
        assert served.finished(served.submit("small")).status is RunStatus.SUCCESS
        served.marked("other")


def test_code_that_does_not_load_fails_the_run_with_the_users_traceback(serve: Serve) -> None:
    served = serve(SMALL, QUICK)
    run_id = served.submit("small")
    served.write("raise RuntimeError('no database here')")
    with served.daemon():
        run = served.finished(run_id)
    assert (run.status, run.failure_reason) == (RunStatus.FAILURE, FailureReason.START_FAILED)
    assert run.error is not None
    assert "no database here" in str(run.error)


def test_a_job_that_is_not_in_the_code_any_more_fails_the_run(serve: Serve) -> None:
    served = serve(SMALL, QUICK)
    run_id = served.submit("small")
    served.write(SMALL.replace("def small", "def renamed"))
    with served.daemon():
        run = served.finished(run_id)
    assert (run.status, run.failure_reason) == (RunStatus.FAILURE, FailureReason.CONFIG)


def test_a_killed_worker_fails_its_run_with_the_signal(serve: Serve) -> None:
    served = serve(SLOW, QUICK)
    with served.daemon():
        run_id = served.submit("endless")
        pid, child = int(served.marked("slow")), int(served.marked("child"))
        os.kill(pid, signal.SIGKILL)
        run = served.finished(run_id)
        assert (run.status, run.failure_reason) == (RunStatus.FAILURE, FailureReason.SIGNALED)
        until(lambda: is_gone(child), "the end of what the worker had started")
    assert "STEP_START" in served.types(run_id)


def test_a_worker_that_exits_fails_its_run_with_the_exit_code(serve: Serve) -> None:
    served = serve("@op\ndef leaves():\n    os._exit(7)\n\n@job\ndef short():\n    leaves()\n", QUICK)
    with served.daemon():
        run = served.finished(served.submit("short"))
    assert (run.status, run.failure_reason) == (RunStatus.FAILURE, FailureReason.EXITED)
    [last] = [one.event.body for one in served.instance.events.read(run.id) if one.event.type == "RUN_FAILURE"]
    assert last.exit_code == 7  # type: ignore[union-attr]


def test_a_frozen_worker_is_ended_and_its_run_is_lost(serve: Serve) -> None:
    served = serve(SLOW, QUICK)
    with served.daemon():
        run_id = served.submit("endless")
        pid = int(served.marked("slow"))
        os.kill(pid, signal.SIGSTOP)
        run = served.finished(run_id)
        assert (run.status, run.failure_reason) == (RunStatus.FAILURE, FailureReason.LOST)
        until(lambda: is_gone(pid), "the end of the frozen worker")


def test_a_lost_run_goes_on_with_another_worker(serve: Serve) -> None:
    served = serve(
        """
        @op
        def first():
            mark("first-" + str(os.getpid()))
            return 20

        @op
        def second(x):
            if not (MARKS / "second").exists():
                mark("second")
                time.sleep(600)
            mark("result", x + 1)

        @job
        def two_steps():
            second(first())
        """,
        replace(QUICK, monitoring=replace(QUICK.monitoring, max_resume_attempts=1)),
    )
    with served.daemon():
        run_id = served.submit("two_steps")
        os.kill(int(served.marked("second")), signal.SIGKILL)
        run = served.finished(run_id)
    assert run.status is RunStatus.SUCCESS
    assert run.worker == 2
    assert served.marked("result") == "21"
    assert len(list(served.marks.glob("first-*"))) == 1, "what had succeeded was run again"


def test_a_failed_run_is_repeated_from_the_failure(serve: Serve) -> None:
    served = serve(
        """
        @op
        def first():
            mark("first-" + str(os.getpid()))
            return 20

        @op
        def second(x):
            if not (MARKS / "second").exists():
                mark("second")
                raise ValueError("not yet")

        @job
        def two_steps():
            second(first())
        """,
        replace(QUICK, retries=RunRetrySettings(max_retries=1)),
    )
    with served.daemon():
        # The first look only notes where the log ends.
        until(lambda: served.instance.keyvalue.get("run_retries/cursor"), "the cursor")
        run_id = served.submit("two_steps")
        assert served.finished(run_id).status is RunStatus.FAILURE
        other = until(lambda: served.run(run_id).tags.get("weft/auto_retry_run_id"), "the retry")
        again = served.finished(other)
    assert again.status is RunStatus.SUCCESS
    assert again.parent_run_id == run_id
    assert len(list(served.marks.glob("first-*"))) == 1


def test_a_waiting_run_is_cancelled_at_once(serve: Serve) -> None:
    served = serve(SMALL, QUICK)
    run_id = served.submit("small")
    assert cancel_run(run_id, served.instance) is CancelOutcome.CANCELED
    assert served.run(run_id).status is RunStatus.CANCELED
    assert cancel_run(run_id, served.instance) is CancelOutcome.WAS_OVER
    with served.daemon():
        other = served.finished(served.submit("small"))
    assert other.status is RunStatus.SUCCESS
    assert "RUN_START" not in served.types(run_id)


def test_a_cancelled_run_tears_down_and_leaves_nothing_behind(serve: Serve) -> None:
    served = serve(SLOW, QUICK)
    with served.daemon():
        run_id = served.submit("endless")
        pid, child = int(served.marked("slow")), int(served.marked("child"))
        assert cancel_run(run_id, served.instance) is CancelOutcome.CANCELING
        assert served.finished(run_id).status is RunStatus.CANCELED
        served.marked("torn_down")
        until(lambda: is_gone(pid) and is_gone(child), "the end of the worker and its child")


def test_a_run_that_does_not_listen_is_killed_after_the_grace_time(serve: Serve) -> None:
    served = serve(STUBBORN, QUICK)
    with served.daemon():
        run_id = served.submit("endless")
        pid, child = int(served.marked("slow")), int(served.marked("child"))
        cancel_run(run_id, served.instance)
        assert served.finished(run_id).status is RunStatus.CANCELED
        until(lambda: is_gone(pid) and is_gone(child), "the end of the worker and its child")


def test_a_forced_cancel_does_not_wait(serve: Serve) -> None:
    served = serve(STUBBORN, replace(QUICK, monitoring=replace(QUICK.monitoring, cancel_grace_seconds=600.0)))
    with served.daemon():
        run_id = served.submit("endless")
        pid, child = int(served.marked("slow")), int(served.marked("child"))
        cancel_run(run_id, served.instance, is_forced=True)
        assert served.finished(run_id).status is RunStatus.CANCELED
        until(lambda: is_gone(pid) and is_gone(child), "the end of the worker and its child")


def test_a_run_that_takes_too_long_is_ended(serve: Serve) -> None:
    served = serve(SLOW, QUICK)
    with served.daemon():
        run = served.finished(served.submit("endless", tags={"weft/max_runtime": "0.5"}))
        assert (run.status, run.failure_reason) == (RunStatus.FAILURE, FailureReason.TIMED_OUT)
        served.marked("torn_down")


def test_runs_outlive_the_daemon_that_started_them(serve: Serve) -> None:
    served = serve(
        """
        @op
        def waits():
            mark("waits")
            while not (MARKS / "go").exists():
                time.sleep(0.01)

        @job
        def patient():
            waits()
        """,
        QUICK,
    )
    with served.daemon():
        run_id = served.submit("patient")
        pid = int(served.marked("waits"))
    assert not is_gone(pid)
    with served.daemon():
        (served.marks / "go").touch()
        assert served.finished(run_id).status is RunStatus.SUCCESS


def test_another_daemon_finds_out_what_became_of_a_run(serve: Serve) -> None:
    served = serve(SLOW, QUICK)
    with served.daemon():
        run_id = served.submit("endless")
        pid = int(served.marked("slow"))
    os.kill(pid, signal.SIGKILL)
    with served.daemon():
        run = served.finished(run_id)
    assert (run.status, run.failure_reason) == (RunStatus.FAILURE, FailureReason.LOST)


def test_limits_hold_with_two_daemons(serve: Serve) -> None:
    served = serve(
        """
        @op
        def counted():
            here = MARKS / ("here-" + str(os.getpid()))
            here.touch()
            now = len(list(MARKS.glob("here-*")))
            mark("peak-" + str(now))
            time.sleep(0.05)
            here.unlink()

        @job
        def counts():
            counted()
        """,
        replace(QUICK, queue=QueueSettings(max_concurrent_runs=2, poll_seconds=0.2)),
    )
    run_ids = [served.submit("counts") for _ in range(12)]
    with served.daemon(), served.daemon():
        runs = [served.finished(run_id) for run_id in run_ids]
    assert {run.status for run in runs} == {RunStatus.SUCCESS}
    assert {run.worker for run in runs} == {1}
    peaks = {int(path.name.split("-")[1]) for path in served.marks.glob("peak-*")}
    assert max(peaks) <= 2


def test_one_request_makes_one_run(serve: Serve) -> None:
    served = serve(SMALL, QUICK)
    first, second = served.submit("small", key="today"), served.submit("small", key="today")
    assert first == second
    [swallowed] = served.instance.queue.duplicates()
    assert (swallowed.key, swallowed.run_id) == ("today", first)
