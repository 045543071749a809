"""`weft.storage.ports.DynamicPartitionStore` over SQL. A million keys in one call are one transaction and no long statement."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from sqlalchemy import bindparam, delete, func, select

from weft.storage.cursors import bad_cursor
from weft.storage.sql.database import Database, Statement, in_lists, numbered
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
_NUMBERS = Statement(
    select(keys_table.c.id).where(keys_table.c.set_id == bindparam("set")).order_by(keys_table.c.id), "set"
)
_AT_ONCE = 4096
"""Keys turned into rows at once, so that a million keys are not copied as a whole."""

_NO_LIMIT = (1 << 63) - 1


@lru_cache(maxsize=64)
def _of_keys(count: int) -> Statement:
    names = numbered("key", count)
    chosen = keys_table.c.key.in_([bindparam(name) for name in names])
    query = select(keys_table.c.key, keys_table.c.id).where(keys_table.c.set_id == bindparam("set"), chosen)
    return Statement(query, "set", *names)


@lru_cache(maxsize=64)
def _of_numbers(count: int) -> Statement:
    names = numbered("number", count)
    chosen = keys_table.c.id.in_([bindparam(name) for name in names])
    query = select(keys_table.c.id, keys_table.c.key).where(chosen, keys_table.c.set_id == bindparam("set"))
    return Statement(query, *names, "set")


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
                transaction.keep_ids(keys_table)
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

    def numbers_of(self, name: str, keys: Sequence[str]) -> Sequence[int | None]:
        """See `weft.storage.ports.DynamicPartitionStore.numbers_of`."""
        found: dict[str, int] = {}
        with self._database.read() as transaction:
            row = transaction.one(_SET, (name,))
            for chunk in in_lists(list(keys)) if row is not None else ():
                found.update(dict(transaction.all(_of_keys(len(chunk)), (*(row or ()), *chunk))))
        return [found.get(key) for key in keys]

    def keys_of(self, name: str, numbers: Sequence[int]) -> Sequence[str | None]:
        """See `weft.storage.ports.DynamicPartitionStore.keys_of`."""
        found: dict[int, str] = {}
        with self._database.read() as transaction:
            row = transaction.one(_SET, (name,))
            for chunk in in_lists(list(numbers)) if row is not None else ():
                found.update(dict(transaction.all(_of_numbers(len(chunk)), (*chunk, *(row or ())))))
        return [found.get(number) for number in numbers]

    def numbers(self, name: str) -> Sequence[int]:
        """See `weft.storage.ports.DynamicPartitionStore.numbers`."""
        with self._database.read() as transaction:
            row = transaction.one(_SET, (name,))
            return [number for (number,) in transaction.all(_NUMBERS, row)] if row is not None else []
