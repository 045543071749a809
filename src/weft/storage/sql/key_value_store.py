"""`weft.storage.ports.KeyValue` over SQL."""

from __future__ import annotations

from sqlalchemy import bindparam, delete, insert, select, update

from weft.storage.sql.database import Database, Statement, Transaction
from weft.storage.sql.tables import key_values

_VALUE = Statement(select(key_values.c.value).where(key_values.c.key == bindparam("the_key")), "the_key")
_NEW = Statement(insert(key_values), "key", "value")
_CHANGE = Statement(update(key_values).where(key_values.c.key == bindparam("the_key")), "value", "the_key")
_DROP = Statement(delete(key_values).where(key_values.c.key == bindparam("the_key")), "the_key")


class SqlKeyValue:
    """Values in the table `key_values`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, key: str) -> str | None:
        """See `weft.storage.ports.KeyValue.get`."""
        with self._database.read() as transaction:
            return read_value(transaction, key)

    def set(self, key: str, value: str) -> None:
        """See `weft.storage.ports.KeyValue.set`."""
        with self._database.write() as transaction:
            write_value(transaction, key, value)

    def compare_and_set(self, key: str, *, expected: str | None, value: str) -> bool:
        """See `weft.storage.ports.KeyValue.compare_and_set`."""
        with self._database.write() as transaction:
            if read_value(transaction, key) != expected:
                return False
            write_value(transaction, key, value)
            return True

    def delete(self, key: str) -> None:
        """See `weft.storage.ports.KeyValue.delete`."""
        with self._database.write() as transaction:
            transaction.run(_DROP, (key,))


def read_value(transaction: Transaction, key: str) -> str | None:
    """A value, within a transaction that does more."""
    row = transaction.one(_VALUE, (key,))
    return None if row is None else row[0]


def write_value(transaction: Transaction, key: str, value: str) -> None:
    """Store a value, within a write transaction that does more."""
    if transaction.run(_CHANGE, (value, key)) == 0:
        transaction.run(_NEW, (key, value))
