"""The states of a run and the legal steps between them: one table, drawn in ``docs/design/run-states.md``.

Storage changes the state of a run only along this table and by compare-and-set. Terminal states have no way out, so a late
``RUN_SUCCESS`` of a worker cannot revive a cancelled run.
"""

from __future__ import annotations

from weft.model.events import (
    EventBody,
    RunCanceled,
    RunCanceling,
    RunDequeued,
    RunEnqueued,
    RunFailed,
    RunStarted,
    RunStarting,
    RunSucceeded,
)
from weft.model.run import RunStatus

TRANSITIONS: dict[RunStatus, frozenset[RunStatus]] = {
    RunStatus.QUEUED: frozenset(
        {RunStatus.NOT_STARTED, RunStatus.STARTING, RunStatus.CANCELING, RunStatus.CANCELED, RunStatus.FAILURE}
    ),
    RunStatus.NOT_STARTED: frozenset(
        {
            RunStatus.QUEUED,
            RunStatus.STARTING,
            RunStatus.STARTED,
            RunStatus.CANCELING,
            RunStatus.CANCELED,
            RunStatus.FAILURE,
        }
    ),
    RunStatus.STARTING: frozenset(
        {RunStatus.QUEUED, RunStatus.STARTED, RunStatus.CANCELING, RunStatus.CANCELED, RunStatus.FAILURE}
    ),
    RunStatus.STARTED: frozenset(
        {RunStatus.STARTING, RunStatus.SUCCESS, RunStatus.FAILURE, RunStatus.CANCELING, RunStatus.CANCELED}
    ),
    RunStatus.CANCELING: frozenset({RunStatus.CANCELED, RunStatus.FAILURE, RunStatus.SUCCESS}),
    RunStatus.SUCCESS: frozenset(),
    RunStatus.FAILURE: frozenset(),
    RunStatus.CANCELED: frozenset(),
}
"""From each state, the states it may step to."""

_ASKED_BY: dict[type, RunStatus] = {
    RunEnqueued: RunStatus.QUEUED,
    RunDequeued: RunStatus.NOT_STARTED,
    RunStarting: RunStatus.STARTING,
    RunStarted: RunStatus.STARTED,
    RunSucceeded: RunStatus.SUCCESS,
    RunFailed: RunStatus.FAILURE,
    RunCanceling: RunStatus.CANCELING,
    RunCanceled: RunStatus.CANCELED,
}


def status_asked_by(body: EventBody) -> RunStatus | None:
    """The state that a run event asks for; None for every other event."""
    return _ASKED_BY.get(type(body))
