"""Finishing what a dead worker left behind: its journal is delivered, its run gets a last event with the reason.

A journal whose lock can be taken has no living writer (``docs/design/0004``). Delivery is idempotent, so several processes may recover at the same
time, and a process that dies while recovering leaves nothing that the next one cannot finish.
"""

from __future__ import annotations

from weft.errors import StorageError
from weft.execution.orphans import OrphanJournal, find_orphans
from weft.model.events import CONTROL_SOURCE, Event, RunFailed
from weft.model.run import FailureReason
from weft.runs.environment import RunEnvironment

_UNREADABLE = frozenset({"WEFT-T053", "WEFT-T054"})


def recover_lost_runs(environment: RunEnvironment) -> list[str]:
    """Deliver every orphaned journal and finish its run as failed unless it has ended. Returns the ids of the runs that were lost.

    A journal that cannot be read to its end is delivered up to that point and set aside, so that it is not lost and not found again.
    """
    if environment.journal_folder is None:
        return []
    lost: list[str] = []
    for orphan in find_orphans(environment.journal_folder):
        with orphan:
            if _recover(environment, orphan):
                lost.append(orphan.run_id)
    return lost


def _recover(environment: RunEnvironment, orphan: OrphanJournal) -> bool:
    if environment.runs.get(orphan.run_id) is None:
        orphan.discard()  # the run was deleted, or never recorded
        return False
    is_readable = True
    try:
        orphan.recover(environment.events)
    except StorageError as error:
        if error.code not in _UNREADABLE:
            raise
        is_readable = False
    run = environment.runs.get(orphan.run_id)
    is_lost = run is not None and not run.is_finished
    if is_lost:
        _finish_as_lost(environment, orphan.run_id)
    if is_readable:
        orphan.discard()
    else:
        orphan.set_aside()
    return is_lost


def _finish_as_lost(environment: RunEnvironment, run_id: str) -> None:
    seq = environment.events.last_seq(run_id, CONTROL_SOURCE) + 1
    environment.events.append(
        [
            Event(
                run_id=run_id,
                source=CONTROL_SOURCE,
                seq=seq,
                time=environment.clock.wall(),
                body=RunFailed(
                    reason=FailureReason.LOST,
                    message="the process of the run ended without a word; everything that it reported before is kept",
                ),
            )
        ]
    )
