"""`weft.storage.ports.SnapshotStore` over SQL."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from weft.model.snapshot import content_id
from weft.storage.sql.database import Database, Statement
from weft.storage.sql.dialects import insert_unless_there
from weft.storage.sql.tables import snapshots

_NEW = Statement(insert_unless_there(snapshots), "id", "blob")
_HAS = Statement(select(snapshots.c.id).where(snapshots.c.id == bindparam("the_id")), "the_id")
_BLOB = Statement(select(snapshots.c.blob).where(snapshots.c.id == bindparam("the_id")), "the_id")


class SqlSnapshotStore:
    """Blobs in the table `snapshots`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, blob: bytes) -> str:
        """See `weft.storage.ports.SnapshotStore.put`."""
        id = content_id(blob)
        # Nearly always it is there: an unchanged reload takes no write lock.
        with self._database.read() as transaction:
            if transaction.one(_HAS, (id,)) is not None:
                return id
        with self._database.write() as transaction:
            transaction.run(_NEW, (id, blob))
        return id

    def get(self, id: str) -> bytes | None:
        """See `weft.storage.ports.SnapshotStore.get`."""
        with self._database.read() as transaction:
            row = transaction.one(_BLOB, (id,))
        return None if row is None else bytes(row[0])
