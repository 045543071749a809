"""What the suite does with databases on servers."""

from __future__ import annotations

from sqlalchemy import delete

from weft.storage.ports import Storage
from weft.storage.sql.database import Statement
from weft.storage.sql.server_tables import id_marks
from weft.storage.sql.stores import SqlStores
from weft.storage.sql.tables import metadata

_EMPTY = [Statement(delete(table)) for table in (id_marks, *reversed(metadata.sorted_tables))]


def emptied(storage: Storage) -> None:
    """Remove every row: making a database for each test would take longer than the tests."""
    assert isinstance(storage, SqlStores)
    with storage.database.write() as transaction:
        for statement in _EMPTY:
            transaction.run(statement)
