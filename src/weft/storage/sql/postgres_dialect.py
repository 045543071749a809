"""PostgreSQL, as `weft.storage.sql.dialects` wants it: how tables are made, how ids are given out.

The tables are those of `weft.storage.sql.tables`, changed where they are turned into text, so that stores, revisions and tables need not know:

- Integers have 64 bits. Text is compared by code point (collation ``C``), as SQLite does.
- An index ends in the id of its row, which SQLite adds by itself, and keeps the condition that SQLite has.
- The log is cut into segments by id (`SEGMENTED`): deleting history is dropping tables. The promise that an event is delivered once cannot be an index over
  all segments, because PostgreSQL wants the id in it; each segment has the index for itself, and across segments the append looks, alone as it
  is (``docs/design/0009-servers-and-locks.md``).
"""

from __future__ import annotations

from typing import Any

import sqlalchemy
from sqlalchemy import Column, Index, Table
from sqlalchemy.dialects.postgresql.base import PGDDLCompiler, PGDialect, PGTypeCompiler
from sqlalchemy.schema import CreateIndex

from weft.storage.sql.dialects import ids_are_kept
from weft.storage.sql.tables import events, known

SEGMENTED = frozenset({"events"})
"""Tables that are cut into segments by id."""

SEGMENT_IDS = 1 << 22
"""Ids of a segment: about 1.5 GB of log with its indexes. Fewer would cost every query the look into more tables."""

_AHEAD_IDS = 1 << 20
"""A segment is there before its first id is this near: more than any append has events."""

WRITER_LOCK = 0x77656674  # "weft"
"""The advisory lock of write transactions."""


class PostgresDialect:
    """PostgreSQL: a write transaction is alone (its advisory lock), so the ids above the highest are its own and every lock is held already."""

    name = "postgresql"
    keys_are_bytes = False

    def __init__(self) -> None:
        self.compiler: sqlalchemy.Dialect = adapted(PGDialect(paramstyle="numeric_dollar"))  # type: ignore[no-untyped-call]  # SQLAlchemy gives it no types
        # Ids below this have a segment. Another process may have made more, none is ever taken away at this end.
        self._segments_end = 0

    def next_id(self, cursor: Any, table: Table) -> int:
        """See `weft.storage.sql.dialects.Dialect.next_id`."""
        [column] = table.primary_key.columns
        highest = f"SELECT max({column.name}) FROM {table.name}"  # noqa: S608  # both names are constants of tables.py
        if ids_are_kept(table):
            cursor.execute(f"SELECT greatest(({highest}), (SELECT value FROM id_marks WHERE name = $1))", (table.name,))  # noqa: S608  # as above
        else:
            cursor.execute(highest)
        first: int = (cursor.fetchall()[0][0] or 0) + 1
        if table.name in SEGMENTED and first + _AHEAD_IDS > self._segments_end:
            self._make_segments(cursor, table, first + _AHEAD_IDS)
        return first

    def keep_ids(self, cursor: Any, table: Table) -> None:
        """See `weft.storage.sql.dialects.Dialect.keep_ids`."""
        if ids_are_kept(table):
            [column] = table.primary_key.columns
            cursor.execute(
                f"INSERT INTO id_marks (name, value) SELECT $1, max({column.name}) FROM {table.name} "  # noqa: S608  # as above
                f"HAVING max({column.name}) IS NOT NULL "
                "ON CONFLICT (name) DO UPDATE SET value = greatest(id_marks.value, excluded.value)",
                (table.name,),
            )

    def make_room(self, cursor: Any, table: Table, highest: int) -> None:
        """See `weft.storage.sql.dialects.Dialect.make_room`."""
        if table.name in SEGMENTED and highest >= self._segments_end:
            self._make_segments(cursor, table, highest)

    def note_ids(self, cursor: Any, table: Table, highest: int) -> None:
        """See `weft.storage.sql.dialects.Dialect.note_ids`."""
        if highest < 1:
            return
        [column] = table.primary_key.columns
        if ids_are_kept(table):
            cursor.execute(
                "INSERT INTO id_marks (name, value) VALUES ($1, $2) "
                "ON CONFLICT (name) DO UPDATE SET value = greatest(id_marks.value, excluded.value)",
                (table.name, highest),
            )
        cursor.execute("SELECT pg_get_serial_sequence($1, $2)", (table.name, column.name))
        [(sequence,)] = cursor.fetchall()
        if sequence is not None:
            cursor.execute("SELECT setval($1::regclass, $2)", (sequence, highest))

    def lock(self, cursor: Any, name: str) -> None:
        """See `weft.storage.sql.dialects.Dialect.lock`. The transaction has the lock of all writers."""

    def _make_segments(self, cursor: Any, table: Table, up_to: int) -> None:
        # A segment that was made and rolled back must not be believed in: the end is only what was found.
        ends = [end for _, _, end in segments(cursor, table.name)]
        end = max(ends, default=0)
        self._segments_end = end
        while end <= up_to:
            for statement in segment_statements(table, end, end + SEGMENT_IDS, self.compiler):
                cursor.execute(statement)
            end += SEGMENT_IDS


def segments(cursor: Any, table: str) -> list[tuple[str, int, int]]:
    """The segments of a table: name, first id, the id after the last one; by id. The bounds are in the names."""
    cursor.execute(
        "SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid WHERE inhparent = to_regclass($1)",
        (table,),
    )
    found = []
    for (name,) in cursor.fetchall():
        first, end = name.split("_")[-2:]
        found.append((name, int(first), int(end)))
    return sorted(found, key=lambda segment: segment[1])


def segment_statements(table: Table, first: int, end: int, compiler: sqlalchemy.Dialect) -> list[str]:
    """What makes the segment of the ids from `first` to before `end`.

    Made beside the table and attached, it lets readers and writers go on; ``PARTITION OF`` would wait for all of them.
    """
    name = f"{table.name}_{first}_{end}"
    statements = [f"CREATE TABLE {name} (LIKE {table.name} INCLUDING DEFAULTS)"]
    for index in sorted(table.indexes, key=lambda index: index.name or ""):
        if index.unique:
            columns = ", ".join(column.name for column in index.columns)
            statements.append(f"CREATE UNIQUE INDEX {name}_{index.name} ON {name} ({columns})")
    statements.append(f"ALTER TABLE {table.name} ATTACH PARTITION {name} FOR VALUES FROM ({first}) TO ({end})")
    return statements


def adapted(dialect: sqlalchemy.Dialect) -> sqlalchemy.Dialect:
    """`dialect`, made to write tables as this module says."""
    dialect.ddl_compiler = _Definitions
    dialect.type_compiler_instance = _Types(dialect)
    return dialect


class _Types(PGTypeCompiler):
    def visit_INTEGER(self, type_: Any, **options: Any) -> str:
        return "BIGINT"

    def visit_TEXT(self, type_: Any, **options: Any) -> str:
        return 'TEXT COLLATE "C"'


class _Definitions(PGDDLCompiler):
    def get_column_specification(self, column: Column[Any], **options: Any) -> str:
        text: str = super().get_column_specification(column, **options)  # type: ignore[no-untyped-call]
        return text.replace(" SERIAL", " BIGSERIAL")

    def post_create_table(self, table: Table) -> str:
        return " PARTITION BY RANGE (id)" if table.name in SEGMENTED else ""

    def visit_create_index(self, create: CreateIndex, *_: Any, **options: Any) -> str:
        index = create.element
        table = known(index.table)
        quoted = self.preparer.quote
        if index.unique and table.name in SEGMENTED:
            return "SELECT 1"  # each segment has it: `segment_statements`
        where = index.dialect_options["sqlite"]["where"]
        return (
            f"CREATE {'UNIQUE ' if index.unique else ''}INDEX {quoted(index.name or '')} ON {quoted(table.name)} "
            f"({', '.join(quoted(name) for name in index_columns(index))}){'' if where is None else f' WHERE {where}'}"
        )


def index_columns(index: Index) -> list[str]:
    """The columns of an index on a server: those given, and the id of the row."""
    names = [column.name for column in index.columns]
    if not index.unique:
        keys = [column.name for column in known(index.table).primary_key.columns]
        names += [name for name in keys if len(keys) == 1 and name not in names]
    return names


assert {events.name} == SEGMENTED
