"""What the dialects of SQL say differently. Everything else in this package is written once.

A dialect says how its statements are compiled, how ids are given out, and how a lock is taken. The one of SQLite is here; those of the servers have
modules of their own (`postgres_dialect`, `mysql_dialect`), because loading them takes 30 ms that an instance in a file need not spend. The two
statements that no standard describes, `insert_unless_there` and `upsert`, are here for all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import sqlalchemy
from sqlalchemy import Insert, Table
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler


class Dialect(Protocol):
    """One dialect."""

    @property
    def name(self) -> str:
        """The name that SQLAlchemy gives it."""
        ...

    @property
    def compiler(self) -> sqlalchemy.Dialect:
        """How statements become text, with positional parameters."""
        ...

    @property
    def keys_are_bytes(self) -> bool:
        """Whether the driver hands over text that is part of a key as bytes (see `weft.storage.sql.mysql_dialect`)."""
        ...

    def next_id(self, cursor: Any, table: Table) -> int:
        """The lowest id that the current write transaction may give to a new row of `table`; all above it are its own, too."""
        ...

    def keep_ids(self, cursor: Any, table: Table) -> None:
        """Remember the highest id of `table`, before rows are deleted, so that `next_id` never gives one of theirs again."""
        ...

    def make_room(self, cursor: Any, table: Table, highest: int) -> None:
        """Get ready for rows of `table` with ids up to `highest`, which `next_id` did not give: those of another database."""
        ...

    def note_ids(self, cursor: Any, table: Table, highest: int) -> None:
        """Rows of `table` have ids up to `highest`, or had: those that are given from here on are above."""
        ...

    def lock(self, cursor: Any, name: str) -> None:
        """Take the lock `name` until the end of the write transaction."""
        ...


class SQLiteDialect:
    """SQLite: a write transaction is alone, so the ids above the highest are its own and every lock is held already."""

    name = "sqlite"
    keys_are_bytes = False

    def __init__(self) -> None:
        self.compiler: sqlalchemy.Dialect = sqlite.dialect(paramstyle="qmark")

    def next_id(self, cursor: Any, table: Table) -> int:
        """See `Dialect.next_id`."""
        if ids_are_kept(table):
            # SQLite notes the highest id there ever was.
            cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table.name,))
        else:
            [column] = table.primary_key.columns
            cursor.execute(f"SELECT max({column.name}) FROM {table.name}")  # noqa: S608  # both names are constants of tables.py
        rows = cursor.fetchall()
        return (rows[0][0] or 0) + 1 if rows else 1

    def keep_ids(self, cursor: Any, table: Table) -> None:
        """See `Dialect.keep_ids`. ``AUTOINCREMENT`` does it."""

    def make_room(self, cursor: Any, table: Table, highest: int) -> None:
        """See `Dialect.make_room`. There is always room."""

    def note_ids(self, cursor: Any, table: Table, highest: int) -> None:
        """See `Dialect.note_ids`."""
        if ids_are_kept(table) and highest > 0:
            cursor.execute("DELETE FROM sqlite_sequence WHERE name = ? AND seq < ?", (table.name, highest))
            cursor.execute(
                "INSERT INTO sqlite_sequence (name, seq) SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?)",
                (table.name, highest, table.name),
            )

    def lock(self, cursor: Any, name: str) -> None:
        """See `Dialect.lock`. ``BEGIN IMMEDIATE`` holds all of them."""


def ids_are_kept(table: Table) -> bool:
    """Whether the ids of `table` are never used twice, also after the newest rows were deleted: somebody keeps them as cursors or numbers."""
    return bool(table.dialect_options["sqlite"]["autoincrement"])


class _InsertOr(Insert):
    """An INSERT that says what happens where a row with the same key is there."""

    inherit_cache = False
    key_columns: tuple[str, ...] = ()
    set_columns: tuple[str, ...] = ()


def insert_unless_there(table: Table) -> Insert:
    """An insert that leaves a row alone whose key is there already. The number of rows that `Transaction.run` returns is that of new ones."""
    return _InsertOr(table)


def upsert(table: Table, key_columns: Sequence[str], set_columns: Sequence[str]) -> Insert:
    """An insert that gives `set_columns` their new values where a row with the same `key_columns` is there already.

    `key_columns` are the primary key or a unique index, and the only one of the table that a new row can meet: MySQL does not say which one it means.
    The columns of a `Statement` over it are all those that a new row needs. `Transaction.run` returns 1.
    """
    made = _InsertOr(table)
    made.key_columns, made.set_columns = tuple(key_columns), tuple(set_columns)
    return made


def _insert(element: _InsertOr, compiler: SQLCompiler, options: dict[str, Any]) -> str:
    text: str = compiler.visit_insert(element, **options)  # type: ignore[no-untyped-call]  # SQLAlchemy gives it no types
    return text


@compiles(_InsertOr)
def _on_conflict(element: _InsertOr, compiler: SQLCompiler, **options: Any) -> str:
    """SQLite and PostgreSQL."""
    quoted = compiler.preparer.quote
    head = _insert(element, compiler, options)
    if not element.set_columns:
        return f"{head} ON CONFLICT DO NOTHING"
    keys = ", ".join(quoted(name) for name in element.key_columns)
    values = ", ".join(f"{quoted(name)} = excluded.{quoted(name)}" for name in element.set_columns)
    return f"{head} ON CONFLICT ({keys}) DO UPDATE SET {values}"


@compiles(_InsertOr, "mysql")
def _on_duplicate_key(element: _InsertOr, compiler: SQLCompiler, **options: Any) -> str:
    """MySQL and MariaDB.

    ``IGNORE`` alone tells how many rows were new. It would let values pass that do not fit as well, so `weft.storage.mysql` looks at the warnings.
    """
    quoted = compiler.preparer.quote
    head = _insert(element, compiler, options)
    if not element.set_columns:
        return head.replace("INSERT", "INSERT IGNORE", 1)
    values = ", ".join(f"{quoted(name)} = VALUES({quoted(name)})" for name in element.set_columns)
    return f"{head} ON DUPLICATE KEY UPDATE {values}"
