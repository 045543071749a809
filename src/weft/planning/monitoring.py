"""What is to be done about a run that has a worker. Pure: what was seen goes in, one decision comes out.

Two principles. *Silence proves nothing*: a worker without heartbeats may be cut off from the database, or starved; only where nobody can look at it is a lease
that ran out taken for its death. *No clock is compared with another*: how long something has lasted is counted by whoever watches, from when it first saw it.
"""

from __future__ import annotations

import signal
from collections.abc import Iterable
from enum import Enum
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from weft.model.events import EventBody, RunCanceled, RunFailed
from weft.model.run import FailureReason, RunStatus


class MonitoringRules(Struct, frozen=True, kw_only=True):
    """How long what may last, in seconds, and how often what is tried again."""

    start_timeout_seconds: float = 180.0
    # Of a launcher that has died with a run in its hands.
    lease_seconds: float = 10.0
    cancel_grace_seconds: float = 20.0
    max_launch_retries: int = 3
    max_resume_attempts: int = 0


class Sight(Enum):
    """What can be seen of the worker of a run."""

    ALIVE = "alive"
    # There, but stopped.
    FROZEN = "frozen"
    GONE = "gone"
    # Where nobody here can look.
    UNKNOWN = "unknown"
    # Not there yet; its launcher is alive.
    AWAITED = "awaited"
    # Not there yet, and its launcher has died.
    ABANDONED = "abandoned"


class Seen(Struct, frozen=True, kw_only=True):
    """One look at a run with a worker. Times are of the watcher's monotonic clock."""

    token: int
    status: RunStatus
    beats: int
    sight: Sight
    now: float
    # How long it may run; None: for ever. For how long it had run when it was first seen.
    max_runtime_seconds: float | None = None
    ran_seconds: float = 0.0
    # Whether its cancellation is to be without teardown.
    is_forced: bool = False


class Watched(Struct, frozen=True, kw_only=True):
    """What is remembered of a run between two looks."""

    token: int
    status: RunStatus
    beats: int
    # Since when it has this worker in this state.
    since: float
    # When it was last heard.
    heard_at: float
    # Seconds that it had run before `since`.
    ran_before: float = 0.0
    # When it was asked to end, and why.
    asked_at: float | None = None
    overdue: str | None = None
    # Why its worker was killed; None: it was not, by this watcher.
    killed: str | None = None


class Wait(Struct, frozen=True):
    """Nothing is to be done."""


class Terminate(Struct, frozen=True):
    """Ask the worker to end."""


class Kill(Struct, frozen=True):
    """End the worker and everything that it started; then it is lost (`after_loss`)."""

    why: str


class Lost(Struct, frozen=True):
    """The worker has gone; see `after_loss`."""

    why: str


Decision: TypeAlias = Wait | Terminate | Kill | Lost


def watch(seen: Seen, before: Watched | None) -> Watched:
    """What is remembered after this look."""
    if before is None or (before.token, before.status) != (seen.token, seen.status):
        is_same_worker = before is not None and before.token == seen.token
        return Watched(
            token=seen.token,
            status=seen.status,
            beats=seen.beats,
            since=seen.now,
            heard_at=seen.now,
            ran_before=seen.ran_seconds,
            overdue=before.overdue if is_same_worker and before is not None else None,
            killed=before.killed if is_same_worker and before is not None else None,
        )
    if before.beats != seen.beats:
        return replace(before, beats=seen.beats, heard_at=seen.now)
    return before


def decide(seen: Seen, watched: Watched, rules: MonitoringRules) -> tuple[Decision, Watched]:
    """What is to be done about the run, and what is remembered of that. `watched` is that of this look (`watch`)."""
    silent = seen.now - watched.heard_at
    if seen.sight is Sight.GONE:
        return Lost("its worker is gone"), watched
    if seen.sight is Sight.FROZEN and silent >= rules.lease_seconds:
        return Kill(f"its worker was stopped, and has not moved for {silent:.0f} seconds"), watched
    if seen.status is RunStatus.CANCELING:
        return _canceling(seen, watched, rules)
    if seen.status is RunStatus.STARTING:
        return _starting(seen, watched, rules)
    overdue = _overdue(seen, watched)
    if overdue is not None:
        # The worker watches its own time; this is for one that cannot any more.
        return _end(seen, replace(watched, overdue=overdue), rules, overdue)
    if seen.sight is Sight.UNKNOWN and silent >= rules.lease_seconds:
        return Lost(f"its worker has not been heard for {silent:.0f} seconds"), watched
    return Wait(), watched


def _canceling(seen: Seen, watched: Watched, rules: MonitoringRules) -> tuple[Decision, Watched]:
    if seen.sight is Sight.ABANDONED:
        return Lost("its worker never came"), watched
    if seen.is_forced and seen.sight is not Sight.AWAITED:
        return Kill("it was cancelled by force"), watched
    return _end(seen, watched, rules, f"it did not end within {rules.cancel_grace_seconds:g} seconds")


def _starting(seen: Seen, watched: Watched, rules: MonitoringRules) -> tuple[Decision, Watched]:
    if seen.sight is Sight.ABANDONED:
        return Lost("the process that was to start its worker has died"), watched
    waited = seen.now - watched.since
    if waited >= rules.start_timeout_seconds and seen.now - watched.heard_at >= rules.lease_seconds:
        return Kill(f"its worker did not begin within {waited:.0f} seconds"), watched
    return Wait(), watched


def _overdue(seen: Seen, watched: Watched) -> str | None:
    longest = seen.max_runtime_seconds
    if longest is None or seen.now - watched.since + watched.ran_before < longest:
        return None
    return f"the run took longer than the {longest:g} seconds that it may"


def _end(seen: Seen, watched: Watched, rules: MonitoringRules, why: str) -> tuple[Decision, Watched]:
    """Ask the worker to end, once; after the grace time, end it."""
    if watched.asked_at is None:
        return Terminate(), replace(watched, asked_at=seen.now)
    if seen.now - watched.asked_at < rules.cancel_grace_seconds:
        return Wait(), watched
    return Kill(why), watched


# --- after a loss ----------------------------------------------------------------------------------------------------


class WorkerEnd(Struct, frozen=True, kw_only=True):
    """How a worker ended, as far as anybody knows."""

    why: str = ""
    exit_code: int | None = None
    signal: int | None = None
    is_out_of_memory: bool = False
    peak_memory_bytes: int | None = None
    # Whether weft itself ended it.
    was_killed: bool = False


class Tried(Struct, frozen=True, kw_only=True):
    """What a run has been through."""

    # How often it was put back because its worker did not begin; how often it was given another because one was lost.
    starts: int = 0
    resumes: int = 0


def tried(types: Iterable[str]) -> Tried:
    """What a run has been through, from the types of its events in their order."""
    starts = resumes = 0
    was_let_go = False
    for kind in types:
        if kind == "RUN_ENQUEUED":
            starts += 1
        elif kind == "RUN_DEQUEUED":
            was_let_go = True
        elif kind == "RUN_STARTING":
            resumes += not was_let_go
            was_let_go = False
    return Tried(starts=max(0, starts - 1), resumes=resumes)


class StartAgain(Struct, frozen=True):
    """Put the run back into the queue: nothing of it has happened."""

    message: str


class GoOn(Struct, frozen=True):
    """Give the run another worker, which goes on from the last completed step."""

    message: str


class Finish(Struct, frozen=True):
    """The run is over."""

    body: EventBody


AfterLoss: TypeAlias = StartAgain | GoOn | Finish


def after_loss(
    status: RunStatus, before: Tried, overdue: str | None, end: WorkerEnd, rules: MonitoringRules
) -> AfterLoss:
    """What becomes of a run whose worker has gone, and left it in `status`."""
    text = end_text(end)
    if status is RunStatus.CANCELING:
        return Finish(RunCanceled(message=text))
    if overdue is not None:
        return Finish(RunFailed(reason=FailureReason.TIMED_OUT, message=f"{overdue}; {text}"))
    if status is RunStatus.STARTING:
        if before.starts < rules.max_launch_retries:
            return StartAgain(text)
        message = f"{before.starts + 1} workers were started for it, and none began; of the last one: {text}"
        return Finish(_failed(FailureReason.START_FAILED, message, end))
    if before.resumes < rules.max_resume_attempts:
        return GoOn(f"{text}; another worker goes on from the last completed step")
    return Finish(_failed(_reason(end), f"{text}; everything that it reported before is kept", end))


def _failed(reason: FailureReason, message: str, end: WorkerEnd) -> RunFailed:
    return RunFailed(
        reason=reason,
        message=message,
        exit_code=end.exit_code,
        signal=end.signal,
        peak_memory_bytes=end.peak_memory_bytes,
    )


def _reason(end: WorkerEnd) -> FailureReason:
    if end.is_out_of_memory:
        return FailureReason.OUT_OF_MEMORY
    if end.was_killed or (end.signal is None and end.exit_code is None):
        return FailureReason.LOST
    return FailureReason.SIGNALED if end.signal is not None else FailureReason.EXITED


def end_text(end: WorkerEnd) -> str:
    """How the worker ended, in words."""
    if end.was_killed and end.why:
        return f"{end.why}: it was killed"
    if end.is_out_of_memory:
        peak = f" (peak {end.peak_memory_bytes / 2**20:.0f} MiB)" if end.peak_memory_bytes else ""
        return f"its worker was killed for lack of memory{peak}"
    if end.signal is not None:
        try:
            name = signal.Signals(end.signal).name
        except ValueError:
            name = f"signal {end.signal}"
        return f"its worker was ended by {name}"
    if end.exit_code is not None:
        return f"its worker ended with exit code {end.exit_code} and without a word"
    return end.why or "its worker is gone"
