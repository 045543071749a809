"""The stores of every SQL database: written once, for whatever gives them transactions."""

from __future__ import annotations

from typing import Generic, TypeVar

from weft.storage.sql.asset_store import SqlAssetStore
from weft.storage.sql.check_store import SqlCheckStore
from weft.storage.sql.database import Database
from weft.storage.sql.dynamic_partition_store import SqlDynamicPartitionStore
from weft.storage.sql.event_log import SqlEventLog
from weft.storage.sql.history import SqlHistory
from weft.storage.sql.key_value_store import SqlKeyValue
from weft.storage.sql.lease_store import SqlLeaseStore
from weft.storage.sql.pool_store import SqlPoolStore
from weft.storage.sql.run_queue import SqlRunQueue
from weft.storage.sql.run_store import SqlRunStore
from weft.storage.sql.snapshot_store import SqlSnapshotStore

_D = TypeVar("_D", bound=Database)


class SqlStores(Generic[_D]):
    """The ports of `weft.storage.ports.Storage` that are made of tables."""

    def __init__(self, database: _D) -> None:
        self.database = database
        self.runs = SqlRunStore(database)
        self.events = SqlEventLog(database)
        self.assets = SqlAssetStore(database)
        self.checks = SqlCheckStore(database)
        self.dynamic_partitions = SqlDynamicPartitionStore(database)
        self.snapshots = SqlSnapshotStore(database)
        self.keyvalue = SqlKeyValue(database)
        self.queue = SqlRunQueue(database)
        self.leases = SqlLeaseStore(database)
        self.pools = SqlPoolStore(database)
        self.history = SqlHistory(database)
