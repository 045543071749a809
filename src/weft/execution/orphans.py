"""Journals whose writer is dead, and how they are brought to rest.

Whoever can lock a journal owns what is left of it: deliver its events, decide about the run, then delete it. Two who look at the same time
exclude each other by that lock, and one who dies in the middle leaves the journal to the next; delivering again changes nothing.

    for orphan in find_orphans(folder):
        with orphan:
            events = orphan.recover(event_log)
            ...  # unless they end the run: it is lost
            orphan.discard()
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from types import TracebackType

from weft.errors import StorageError
from weft.execution.file_lock import LockedFile
from weft.execution.journal import SUFFIX, JournalReader
from weft.model.events import WORKER_SOURCE, Event
from weft.storage.ports import EventLog

_NAME = re.compile(rf"([A-Za-z0-9][A-Za-z0-9_-]{{0,63}})\.(\d{{1,9}}){re.escape(SUFFIX)}\Z")
_BATCH_EVENTS = 500


class OrphanJournal:
    """A journal that nobody writes any more, locked by this process until it is discarded or closed."""

    def __init__(self, file: LockedFile, run_id: str, source: int) -> None:
        self.run_id = run_id
        self.source = source
        self._file = file

    @property
    def path(self) -> Path:
        """The file."""
        return self._file.path

    def recover(self, event_log: EventLog) -> list[Event]:
        """Deliver all its events, in order; those that are stored already change nothing. Returns them all.

        The journal stays until `discard`, so that whatever follows from the events can be decided in between.

        Raises:
            StorageError: (WEFT-T053, WEFT-T054) it cannot be read to its end; what is before that point was delivered. Or storage
                could not take the events; then it can be tried again.
        """
        events: list[Event] = []
        reader = JournalReader(self._file.fd, self.path)
        while batch := reader.read(_BATCH_EVENTS):
            event_log.append(batch)
            events += batch
        return events

    def discard(self) -> None:
        """Delete the journal: its events are stored, and what follows from the death of its writer was decided."""
        self._file.delete()

    def set_aside(self) -> Path:
        """Keep the journal under another name, where it is not found again: for one that cannot be read. Returns that name."""
        aside = self.path.with_name(f"{self.path.name}.damaged")
        self.path.replace(aside)
        self._file.close()
        return aside

    def close(self) -> None:
        """Let go of the journal as it is; it will be found again."""
        self._file.close()

    def __enter__(self) -> OrphanJournal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"OrphanJournal({str(self.path)!r})"


def find_orphans(folder: Path) -> list[OrphanJournal]:
    """The journals in `folder` whose writers are dead, locked for the caller, in the order of their names.

    Journals of living writers, and those that somebody else is recovering, are left out. Cheap where there is nothing: one listing, and
    one attempt to lock for each living journal. A folder that does not exist has none.
    """
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(SUFFIX))  # noqa: PTH208  # only the names
    except FileNotFoundError:
        return []
    found: list[OrphanJournal] = []
    try:
        for name in names:
            match = _NAME.match(name)
            file = LockedFile.take(folder / name) if match else None
            if match is None or file is None:
                continue
            if os.fstat(file.fd).st_size == 0 and int(match[2]) != WORKER_SOURCE:
                # Its writer died, or stands, between making and locking it; in the second case it makes another. Not so for the worker of a
                # run: there is no run yet while it stands there, and where there is one, a power cut took what the file held.
                file.delete()
                continue
            found.append(OrphanJournal(file, match[1], int(match[2])))
    except (OSError, StorageError):
        for orphan in found:
            orphan.close()
        raise
    return found
