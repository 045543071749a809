"""Tables that only servers need, beside those of `weft.storage.sql.tables`: SQLite has both things by itself.

They are made with the schema and are no part of its history: what they hold is meant for one release.
"""

from __future__ import annotations

from sqlalchemy import Column, Integer, MetaData, Table, Text

server_metadata = MetaData()

# The highest id there ever was of a table whose ids are never used twice, written before rows are deleted.
id_marks = Table(
    "id_marks",
    server_metadata,
    Column("name", Text, primary_key=True),
    Column("value", Integer, nullable=False),
)

# Rows to lock, on MySQL, which has no locks of an application that end with the transaction.
locks = Table("locks", server_metadata, Column("name", Text, primary_key=True))

WRITER = "writer"
"""The row of `locks` that every write transaction begins with."""
