"""`weft.storage.ports.History` in memory."""

from __future__ import annotations

from collections.abc import Sequence

from weft.model.events import NO_RUN, StoredEvent
from weft.storage.cursors import CHANGE_CURSOR
from weft.storage.memory_state import State
from weft.storage.ports import Page


class MemoryHistory:
    """Looks at all runs: there are few in memory."""

    def __init__(self, state: State) -> None:
        self._state = state

    def over(self, *, before: float, cursor: str | None = None, limit: int = 500) -> Page[str]:
        """See `weft.storage.ports.History.over`."""
        after = None if cursor is None else CHANGE_CURSOR.read(cursor)
        with self._state.lock:
            found = sorted(
                (record.run.updated_at, record.number, run_id)
                for run_id, record in self._state.runs.items()
                if record.run.ended_at is not None
                and record.run.updated_at is not None
                and record.run.updated_at < before
            )
        found = [place for place in found if after is None or place[:2] > after][: max(limit, 0)]
        return Page(
            items=tuple(run_id for _, _, run_id in found),
            cursor=CHANGE_CURSOR.write((found[-1][0], found[-1][1])) if found else None,
        )

    def forget_events(self, run_ids: Sequence[str]) -> int:
        """See `weft.storage.ports.History.forget_events`."""
        state = self._state
        with state.lock:
            gone: list[StoredEvent] = []
            for run_id in dict.fromkeys(run_ids):
                record = state.runs.get(run_id)
                if record is not None:
                    gone += record.events
                    record.events = []
                    record.seqs = {}
            state.forget_events({stored.id for stored in gone})
        return len(gone)

    def forget_reports(self, *, before: float, limit: int = 1000) -> int:
        """See `weft.storage.ports.History.forget_reports`."""
        state = self._state
        with state.lock:
            ids = [
                id
                for id, stored in sorted(state.events.items())
                if stored.event.run_id == NO_RUN and stored.event.time < before
            ]
            gone = set(ids[: max(limit, 0)])
            state.forget_events(gone)
        return len(gone)

    def drop_segments(self, *, before: float) -> int:
        """See `weft.storage.ports.History.drop_segments`. There are none."""
        return 0
