"""Finishing what a dead worker left behind: its journal is delivered, its run gets a last event with the reason.

A journal whose lock can be taken has no living writer (``docs/design/0004``). Delivery is idempotent, so several processes may recover at the same
time, and a process that dies while recovering leaves nothing that the next one cannot finish.
"""

from __future__ import annotations

from weft.execution.journal import find_orphans
from weft.model.events import CONTROL_SOURCE, Event, RunFailed
from weft.model.run import FailureReason
from weft.runs.environment import RunEnvironment


def recover_lost_runs(environment: RunEnvironment) -> list[str]:
    """Deliver every orphaned journal and finish its run as failed unless it has ended. Returns the ids of the runs that were lost."""
    if environment.journal_folder is None or not environment.journal_folder.is_dir():
        return []
    lost = []
    for orphan in find_orphans(environment.journal_folder):
        if environment.runs.get(orphan.run_id) is None:
            orphan.discard()  # the run was deleted, or never recorded
            continue
        orphan.recover(environment.events)
        run = environment.runs.get(orphan.run_id)
        if run is not None and not run.is_finished:
            _finish_as_lost(environment, run.id)
            lost.append(run.id)
        orphan.discard()
    return lost


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
