"""`weft.storage.ports.DynamicPartitionStore` over SQL. A million keys in one call are one transaction and no long statement."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, delete, func, select

from weft.storage.cursors import bad_cursor
from weft.storage.sql.database import Database, Statement
from weft.storage.sql.dialects import insert_unless_there
from weft.storage.sql.tables import dynamic_partition_keys as keys_table, dynamic_partitions as sets

_NEW_SET = Statement(insert_unless_there(sets), "name")
_SET = Statement(select(sets.c.id).where(sets.c.name == bindparam("set")), "set")
_NEW_KEY = Statement(insert_unless_there(keys_table), "id", "set_id", "key")
_ADDED = Statement(
    select(keys_table.c.key)
    .where(keys_table.c.set_id == bindparam("set"), keys_table.c.id >= bindparam("first"))
    .order_by(keys_table.c.id),
    "set",
    "first",
)
_DROP = Statement(
    delete(keys_table).where(keys_table.c.set_id == bindparam("set"), keys_table.c.key == bindparam("the_key")),
    "set",
    "the_key",
)
_KEY = Statement(
    select(keys_table.c.id).where(keys_table.c.set_id == bindparam("set"), keys_table.c.key == bindparam("the_key")),
    "set",
    "the_key",
)
_LIST = Statement(
    select(keys_table.c.key)
    .where(keys_table.c.set_id == bindparam("set"), keys_table.c.id > bindparam("after"))
    .order_by(keys_table.c.id)
    .limit(bindparam("limit")),
    "set",
    "after",
    "limit",
)
_COUNT = Statement(select(func.count()).where(keys_table.c.set_id == bindparam("set")), "set")
_AT_ONCE = 4096
"""Keys turned into rows at once, so that a million keys are not copied as a whole."""

_NO_LIMIT = (1 << 63) - 1


class SqlDynamicPartitionStore:
    """Keys in the table `dynamic_partition_keys`; their ids are the order of addition."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, name: str, keys: Sequence[str]) -> tuple[str, ...]:
        """See `weft.storage.ports.DynamicPartitionStore.add`."""
        if not keys:
            return ()
        with self._database.write() as transaction:
            transaction.run(_NEW_SET, (name,))
            [set_id] = transaction.one(_SET, (name,)) or (None,)
            first = transaction.next_id(keys_table)
            for start in range(0, len(keys), _AT_ONCE):
                some = enumerate(keys[start : start + _AT_ONCE], start=first + start)
                transaction.insert(_NEW_KEY, [(id, set_id, key) for id, key in some])
            return tuple(key for (key,) in transaction.all(_ADDED, (set_id, first)))

    def remove(self, name: str, keys: Sequence[str]) -> None:
        """See `weft.storage.ports.DynamicPartitionStore.remove`."""
        with self._database.write() as transaction:
            row = transaction.one(_SET, (name,))
            if row is not None:
                transaction.run_many(_DROP, ((row[0], key) for key in keys))

    def has(self, name: str, key: str) -> bool:
        """See `weft.storage.ports.DynamicPartitionStore.has`."""
        with self._database.read() as transaction:
            row = transaction.one(_SET, (name,))
            return row is not None and transaction.one(_KEY, (row[0], key)) is not None

    def list(self, name: str, *, limit: int | None = None, after: str | None = None) -> tuple[str, ...]:
        """See `weft.storage.ports.DynamicPartitionStore.list`."""
        with self._database.read() as transaction:
            row = transaction.one(_SET, (name,))
            start = None if row is None or after is None else transaction.one(_KEY, (row[0], after))
            if after is not None and start is None:
                raise bad_cursor(after, f"a key of the dynamic partitions {name!r}")
            if row is None:
                return ()
            most = _NO_LIMIT if limit is None else max(limit, 0)
            rows = transaction.all(_LIST, (row[0], 0 if start is None else start[0], most))
        return tuple(key for (key,) in rows)

    def count(self, name: str) -> int:
        """See `weft.storage.ports.DynamicPartitionStore.count`."""
        with self._database.read() as transaction:
            row = transaction.one(_SET, (name,))
            if row is None:
                return 0
            [count] = transaction.one(_COUNT, row) or (0,)
        return int(count)
