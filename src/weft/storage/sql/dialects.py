"""What the dialects of SQL say differently, in one place. Everything else in this package is written once.

A dialect says how its statements are compiled and how ids are given out. A new one adds its class here, and its branch to
`insert_unless_there`.
"""

from __future__ import annotations

from typing import Any, Protocol

import sqlalchemy
from sqlalchemy import Insert, Table, insert
from sqlalchemy.dialects import sqlite


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

    def next_id(self, cursor: Any, table: Table) -> int:
        """The lowest id that the current write transaction may give to a new row of `table`; all above it are its own, too."""
        ...


class SQLiteDialect:
    """SQLite: a write transaction is alone, so the ids above the highest are its own."""

    name = "sqlite"

    def __init__(self) -> None:
        self.compiler: sqlalchemy.Dialect = sqlite.dialect(paramstyle="qmark")

    def next_id(self, cursor: Any, table: Table) -> int:
        """See `Dialect.next_id`."""
        if table.dialect_options["sqlite"]["autoincrement"]:
            # SQLite notes the highest id there ever was.
            cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table.name,))
        else:
            [column] = table.primary_key.columns
            cursor.execute(f"SELECT max({column.name}) FROM {table.name}")  # noqa: S608  # both names are constants of tables.py
        rows = cursor.fetchall()
        return (rows[0][0] or 0) + 1 if rows else 1


def insert_unless_there(table: Table) -> Insert:
    """An insert that leaves a row alone whose key is there already."""
    return insert(table).prefix_with("OR IGNORE", dialect="sqlite")
