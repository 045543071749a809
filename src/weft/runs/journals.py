"""Which journal the worker of a run writes to: a file beside the database, or straight to a store in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from weft.execution.shipping import DirectJournal, ShippedJournal
from weft.model.events import WORKER_SOURCE, Event
from weft.runs.environment import RunEnvironment


def open_journal(
    environment: RunEnvironment,
    run_id: str,
    listeners: Sequence[Callable[[Event], None]] = (),
    *,
    source: int = WORKER_SOURCE,
) -> ShippedJournal | DirectJournal:
    """The journal for the worker of a run, to be used as a context manager. On leaving it waits until storage has every event.

    Args:
        environment: where the run is recorded.
        run_id: the run.
        listeners: called with every event once it is safe.
        source: which writer of the run this is.
    """
    journal: ShippedJournal | DirectJournal
    if environment.journal_folder is None:
        journal = DirectJournal(environment.events, run_id, source=source, clock=environment.clock)
    else:
        journal = ShippedJournal(
            environment.journal_folder, run_id, environment.events, source=source, clock=environment.clock
        )
    for listener in listeners:
        journal.subscribe(listener)
    return journal
