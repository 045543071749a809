"""What is decided about runs that have a worker."""

from __future__ import annotations

import signal

import pytest
from hypothesis import given, strategies as st

from weft.model.events import RunCanceled, RunFailed
from weft.model.run import FailureReason, RunStatus
from weft.planning.monitoring import (
    Decision,
    Finish,
    GoOn,
    Kill,
    Lost,
    MonitoringRules,
    Seen,
    Sight,
    StartAgain,
    Terminate,
    Tried,
    Wait,
    Watched,
    WorkerEnd,
    after_loss,
    decide,
    tried,
    watch,
)

RULES = MonitoringRules(
    start_timeout_seconds=100.0,
    lease_seconds=10.0,
    cancel_grace_seconds=20.0,
    max_launch_retries=2,
    max_resume_attempts=1,
)


def seen(
    now: float,
    *,
    status: RunStatus = RunStatus.STARTED,
    sight: Sight = Sight.ALIVE,
    beats: int = 0,
    token: int = 1,
    max_runtime_seconds: float | None = None,
    ran_seconds: float = 0.0,
    is_forced: bool = False,
) -> Seen:
    return Seen(
        token=token,
        status=status,
        beats=beats,
        sight=sight,
        now=now,
        max_runtime_seconds=max_runtime_seconds,
        ran_seconds=ran_seconds,
        is_forced=is_forced,
    )


def looks(*sights: Seen) -> list[Decision]:
    """The decisions of one watcher, look after look."""
    watched: Watched | None = None
    decisions = []
    for one in sights:
        decision, watched = decide(one, watch(one, watched), RULES)
        decisions.append(decision)
    return decisions


@given(st.lists(st.tuples(st.floats(0, 10_000), st.integers(0, 3)), max_size=20))
def test_a_worker_that_can_be_seen_alive_is_never_ended_for_its_silence(steps: list[tuple[float, int]]) -> None:
    now, beats, sights = 0.0, 0, []
    for passed, more in steps:
        now, beats = now + passed, beats + more
        sights.append(seen(now, beats=beats))
    assert all(isinstance(decision, Wait) for decision in looks(*sights))


@given(st.lists(st.floats(0, 9.9), max_size=30))
def test_a_worker_that_nobody_can_see_lives_as_long_as_it_is_heard(gaps: list[float]) -> None:
    now, sights = 0.0, []
    for beats, gap in enumerate(gaps):
        now += gap
        sights.append(seen(now, beats=beats, sight=Sight.UNKNOWN))
    assert all(isinstance(decision, Wait) for decision in looks(*sights))


def test_a_worker_that_nobody_can_see_is_lost_when_its_lease_runs_out() -> None:
    *before, last = looks(*(seen(now, sight=Sight.UNKNOWN) for now in (0.0, 5.0, 10.0)))
    assert before == [Wait(), Wait()]
    assert isinstance(last, Lost)


def test_a_worker_that_has_gone_is_lost_at_once() -> None:
    for status in (RunStatus.STARTING, RunStatus.STARTED, RunStatus.CANCELING):
        [decision] = looks(seen(0.0, status=status, sight=Sight.GONE))
        assert isinstance(decision, Lost)


def test_a_frozen_worker_is_ended_when_it_has_not_moved_for_a_lease() -> None:
    *before, last = looks(*(seen(now, sight=Sight.FROZEN) for now in (0.0, 9.0, 10.0)))
    assert before == [Wait(), Wait()]
    assert isinstance(last, Kill)


def test_a_worker_that_never_begins_is_given_up_after_the_start_timeout() -> None:
    *before, last = looks(
        *(seen(now, status=RunStatus.STARTING, sight=Sight.AWAITED) for now in (0.0, 50.0, 99.0, 100.0))
    )
    assert set(map(type, before)) == {Wait}
    assert isinstance(last, Kill)


def test_a_worker_that_is_slow_to_begin_and_heard_is_waited_for() -> None:
    sights = [seen(9.0 * beats, beats=beats, status=RunStatus.STARTING) for beats in range(30)]
    assert set(map(type, looks(*sights))) == {Wait}


def test_a_run_whose_launcher_died_is_lost_at_once() -> None:
    [decision] = looks(seen(0.0, status=RunStatus.STARTING, sight=Sight.ABANDONED))
    assert isinstance(decision, Lost)


def test_a_cancelled_worker_is_asked_once_and_killed_after_the_grace_time() -> None:
    decisions = looks(*(seen(now, status=RunStatus.CANCELING) for now in (0.0, 1.0, 19.0, 20.0)))
    assert decisions[:3] == [Terminate(), Wait(), Wait()]
    assert isinstance(decisions[3], Kill)


def test_a_forced_cancel_kills_at_once() -> None:
    [decision] = looks(seen(0.0, status=RunStatus.CANCELING, is_forced=True))
    assert isinstance(decision, Kill)


def test_the_grace_time_counts_from_the_first_look_of_whoever_watches() -> None:
    late = looks(*(seen(now, status=RunStatus.CANCELING) for now in (1000.0, 1010.0)))
    assert late == [Terminate(), Wait()]


def test_a_run_that_takes_too_long_is_asked_to_end_and_then_killed() -> None:
    decisions = looks(*(seen(now, max_runtime_seconds=60.0, beats=int(now)) for now in (0.0, 59.0, 60.0, 79.0, 80.0)))
    assert decisions[:4] == [Wait(), Wait(), Terminate(), Wait()]
    assert isinstance(decisions[4], Kill)


def test_what_a_run_took_before_it_was_first_seen_counts() -> None:
    decisions = looks(seen(0.0, max_runtime_seconds=60.0, ran_seconds=59.0), seen(1.0, max_runtime_seconds=60.0))
    assert decisions == [Wait(), Terminate()]


def test_another_worker_is_another_matter() -> None:
    decisions = looks(
        seen(0.0, sight=Sight.UNKNOWN),
        seen(9.0, sight=Sight.UNKNOWN, token=2),
        seen(18.0, sight=Sight.UNKNOWN, token=2),
    )
    assert set(map(type, decisions)) == {Wait}


# --- after a loss ----------------------------------------------------------------------------------------------------

ENDS = {
    "signal": WorkerEnd(signal=signal.SIGKILL),
    "exit": WorkerEnd(exit_code=7),
    "memory": WorkerEnd(signal=signal.SIGKILL, is_out_of_memory=True, peak_memory_bytes=2**30),
    "killed": WorkerEnd(signal=signal.SIGKILL, was_killed=True, why="its worker was stopped"),
    "unknown": WorkerEnd(why="its worker is gone"),
}


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        ("signal", FailureReason.SIGNALED),
        ("exit", FailureReason.EXITED),
        ("memory", FailureReason.OUT_OF_MEMORY),
        ("killed", FailureReason.LOST),
        ("unknown", FailureReason.LOST),
    ],
)
def test_a_lost_run_says_how_its_worker_ended(end: str, reason: FailureReason) -> None:
    step = after_loss(RunStatus.STARTED, Tried(resumes=1), None, ENDS[end], RULES)
    assert isinstance(step, Finish)
    assert isinstance(step.body, RunFailed)
    assert step.body.reason is reason
    assert step.body.signal == ENDS[end].signal
    assert step.body.exit_code == ENDS[end].exit_code
    assert step.body.message


@pytest.mark.parametrize("end", ENDS.values(), ids=list(ENDS))
def test_a_cancelled_run_is_cancelled_however_its_worker_ended(end: WorkerEnd) -> None:
    step = after_loss(RunStatus.CANCELING, Tried(), None, end, RULES)
    assert isinstance(step, Finish)
    assert isinstance(step.body, RunCanceled)


@pytest.mark.parametrize("end", ENDS.values(), ids=list(ENDS))
def test_a_run_that_took_too_long_has_timed_out_however_its_worker_ended(end: WorkerEnd) -> None:
    step = after_loss(RunStatus.STARTED, Tried(), "too long", end, RULES)
    assert isinstance(step, Finish)
    assert isinstance(step.body, RunFailed)
    assert step.body.reason is FailureReason.TIMED_OUT


def test_a_lost_run_goes_on_as_often_as_the_rules_say() -> None:
    assert isinstance(after_loss(RunStatus.STARTED, Tried(starts=9), None, ENDS["signal"], RULES), GoOn)
    assert isinstance(after_loss(RunStatus.STARTED, Tried(resumes=1), None, ENDS["signal"], RULES), Finish)


def test_a_run_that_never_began_is_started_again_as_often_as_the_rules_say() -> None:
    for starts in (0, 1):
        assert isinstance(
            after_loss(RunStatus.STARTING, Tried(starts=starts, resumes=9), None, ENDS["unknown"], RULES), StartAgain
        )
    step = after_loss(RunStatus.STARTING, Tried(starts=2), None, ENDS["unknown"], RULES)
    assert isinstance(step, Finish)
    assert isinstance(step.body, RunFailed)
    assert step.body.reason is FailureReason.START_FAILED


def test_what_a_run_has_been_through_is_read_from_its_events() -> None:
    enqueued, dequeued, starting = "RUN_ENQUEUED", "RUN_DEQUEUED", "RUN_STARTING"
    assert tried([enqueued, dequeued, starting]) == Tried()
    assert tried([enqueued, dequeued, starting, enqueued, dequeued, starting]) == Tried(starts=1)
    assert tried([enqueued, dequeued, starting, starting, starting]) == Tried(resumes=2)
    again = [enqueued, dequeued, starting, starting, enqueued, dequeued, starting, starting]
    assert tried(again) == Tried(starts=1, resumes=2)
