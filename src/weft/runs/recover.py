"""Finishing what a dead worker left behind: its journal is delivered, its run gets a last event with the reason.

A journal whose lock can be taken has no living writer (``docs/design/0004``). Delivery is idempotent, so several processes may recover at the same
time, and a process that dies while recovering leaves nothing that the next one cannot finish.
"""

from __future__ import annotations

from weft.errors import StorageError
from weft.execution.file_lock import LockedFile
from weft.execution.journal import journal_path
from weft.execution.orphans import OrphanJournal, find_orphans
from weft.model.events import RunCanceled, RunFailed
from weft.model.run import FailureReason, Run, RunStatus
from weft.runs.environment import RunEnvironment

_UNREADABLE = frozenset({"WEFT-T053", "WEFT-T054"})


def deliver_journal(environment: RunEnvironment, run_id: str, source: int) -> bool:
    """Deliver what a dead worker left in its journal; whether nothing is left. False where its writer lives, or somebody else is at it.

    Raises:
        StorageError: storage does not take the events; it can be tried again.
    """
    if environment.journal_folder is None:
        return True
    path = journal_path(environment.journal_folder, run_id, source)
    if not path.exists():
        return True
    file = LockedFile.take(path)
    if file is None:
        return not path.exists()
    with OrphanJournal(file, run_id, source) as orphan:
        _deliver(environment, orphan)
    return True


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
    is_readable = _read_out(environment, orphan)
    run = environment.runs.get(orphan.run_id)
    # What becomes of a run with a worker of the queue is for the monitor to say (`weft.runs.monitor`): it may go on with another.
    is_lost = run is not None and not run.is_finished and run.worker == 0
    if run is not None and is_lost:
        _finish_as_lost(environment, run)
    if is_readable:
        orphan.discard()
    else:
        orphan.set_aside()
    return is_lost


def _deliver(environment: RunEnvironment, orphan: OrphanJournal) -> None:
    if environment.runs.get(orphan.run_id) is None or _read_out(environment, orphan):
        orphan.discard()
    else:
        orphan.set_aside()


def _read_out(environment: RunEnvironment, orphan: OrphanJournal) -> bool:
    """Deliver all that can be read; whether that is everything."""
    try:
        orphan.recover(environment.events)
    except StorageError as error:
        if error.code not in _UNREADABLE:
            raise
        return False
    return True


def _finish_as_lost(environment: RunEnvironment, run: Run) -> None:
    text = "the process of the run ended without a word; everything that it reported before is kept"
    body = (
        RunCanceled(message=text)
        if run.status is RunStatus.CANCELING
        else RunFailed(reason=FailureReason.LOST, message=text)
    )
    environment.events.announce(run.id, [body], at=environment.clock.wall(), worker=0)
