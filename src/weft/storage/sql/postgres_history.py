"""`weft.storage.ports.History` on PostgreSQL, where the log is kept in segments (`weft.storage.sql.postgres_dialect`)."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from weft.storage.sql.database import Statement
from weft.storage.sql.history import SqlHistory
from weft.storage.sql.postgres_dialect import segments
from weft.storage.sql.tables import events

_CLOCKS_DIFFER_SECONDS = 86_400.0
"""A run may have been created by a machine whose clock is so much ahead of that of the worker that wrote its events."""

_LAST_BEFORE = Statement(
    select(events.c.id, events.c.time).where(events.c.id < bindparam("end")).order_by(events.c.id.desc()).limit(1),
    "end",
)


class PostgresHistory(SqlHistory):
    """Drops segments whole: a table is gone at once, however many events it has."""

    def drop_segments(self, *, before: float) -> int:
        """See `weft.storage.ports.History.drop_segments`. Each in a transaction of its own; the segment that is being written stays."""
        dropped = 0
        with self._database.read() as transaction:
            found = segments(transaction.cursor, events.name)
            last = transaction.one(_LAST_BEFORE, (_BEYOND,))
        for name, _, end in found:
            if last is None or last[0] < end:
                break
            with self._database.write() as transaction:
                newest = transaction.one(_LAST_BEFORE, (end,))
                cursor = transaction.cursor
                if newest is not None:
                    if newest[1] >= before:
                        break
                    # Few runs are looked at: those that were there when the segment ended, and changed since `before`.
                    cursor.execute(
                        f"SELECT EXISTS (SELECT 1 FROM runs WHERE created_at <= $1 AND (updated_at >= $2 OR updated_at IS NULL "  # noqa: S608  # names from the catalogue
                        f"OR ended_at IS NULL) AND EXISTS (SELECT 1 FROM {name} WHERE run_row = runs.row_id)) "
                        f"OR EXISTS (SELECT 1 FROM {name} WHERE run_row = 0 AND time >= $2)",
                        (newest[1] + _CLOCKS_DIFFER_SECONDS, before),
                    )
                    if cursor.fetchall()[0][0]:
                        continue
                cursor.execute(f"DROP TABLE {name}")
            dropped += 1
        return dropped


_BEYOND = (1 << 63) - 1
