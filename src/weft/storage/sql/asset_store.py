"""`weft.storage.ports.AssetStore` over SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import msgspec
from sqlalchemy import bindparam, delete, exists, or_, select, update

from weft.model.asset_state import AssetPartitionState, AssetState, PartitionStatus
from weft.model.keys import AssetKey
from weft.storage.cursors import ASSET_CURSOR, PARTITION_CURSOR
from weft.storage.failures import both_have_history
from weft.storage.ports import Page
from weft.storage.sql.asset_ids import known_asset_ids
from weft.storage.sql.asset_rows import STATE_COLUMNS, asset_state, partition_statuses
from weft.storage.sql.codes import PARTITION_STATUS_OF
from weft.storage.sql.database import Database, Row, Statement, Transaction, in_lists, numbered
from weft.storage.sql.keys import prefix_range, sort_key
from weft.storage.sql.pointers import pointer_from_bytes
from weft.storage.sql.tables import asset_partitions, assets, checks, events, run_assets

_PARTS = msgspec.json.Decoder(tuple[str, ...])

_LIST = Statement(
    select(assets.c.key, *STATE_COLUMNS)
    .where(
        assets.c.sort_key > bindparam("after"),
        assets.c.sort_key >= bindparam("low"),
        assets.c.sort_key < bindparam("high"),
        assets.c.has_state == 1,
    )
    .order_by(assets.c.sort_key)
    .limit(bindparam("limit")),
    "after",
    "low",
    "high",
    "limit",
)


# The partitions of one asset, named by its sort key.
_OF_KEY = asset_partitions.c.asset_id == (
    select(assets.c.id).where(assets.c.sort_key == bindparam("key")).scalar_subquery()
)
_PARTITION = Statement(
    select(asset_partitions.c.status, asset_partitions.c.latest).where(
        _OF_KEY, asset_partitions.c.partition == bindparam("partition_of")
    ),
    "key",
    "partition_of",
)


def _page_of_partitions(*, continued: bool) -> Statement:
    query = select(asset_partitions.c.partition, asset_partitions.c.status, asset_partitions.c.latest).where(_OF_KEY)
    if continued:
        query = query.where(asset_partitions.c.partition > bindparam("after"))
    return Statement(
        query.order_by(asset_partitions.c.partition).limit(bindparam("limit")),
        "key",
        *(("after",) if continued else ()),
        "limit",
    )


_FIRST_PARTITIONS = _page_of_partitions(continued=False)
_NEXT_PARTITIONS = _page_of_partitions(continued=True)
_COUNTS = Statement(
    select(
        assets.c.partitions_materialized,
        assets.c.partitions_failed,
        assets.c.partitions_in_progress,
    ).where(assets.c.sort_key == bindparam("key")),
    "key",
)
_COUNTED = (PartitionStatus.MATERIALIZED, PartitionStatus.FAILED, PartitionStatus.IN_PROGRESS)
"""The statuses of the columns of `_COUNTS`."""

_WIPE_ASSET = Statement(
    update(assets)
    .values(
        {
            assets.c.has_state: 0,
            assets.c.materialization_count: 0,
            assets.c.partitions_materialized: 0,
            assets.c.partitions_failed: 0,
            assets.c.partitions_in_progress: 0,
            assets.c.latest_materialization: None,
            assets.c.latest_observation: None,
            assets.c.latest_failure: None,
        }
    )
    .where(assets.c.id == bindparam("the_id")),
    "the_id",
)
_WIPE_PARTITIONS = Statement(
    delete(asset_partitions).where(asset_partitions.c.asset_id == bindparam("the_id")), "the_id"
)
_WIPE_PARTITION = Statement(
    delete(asset_partitions).where(
        asset_partitions.c.asset_id == bindparam("the_id"), asset_partitions.c.partition == bindparam("the_partition")
    ),
    "the_id",
    "the_partition",
)
_WIPE_CHECKS = Statement(delete(checks).where(checks.c.asset_id == bindparam("the_id")), "the_id")
_CHECK_NAMES = Statement(select(checks.c.name).distinct().where(checks.c.asset_id == bindparam("the_id")), "the_id")
_WIPE_CHECK = Statement(
    delete(checks).where(
        checks.c.asset_id == bindparam("the_id"),
        checks.c.name == bindparam("check"),
        checks.c.is_partitioned == 1,
        checks.c.partition == bindparam("the_partition"),
    ),
    "the_id",
    "check",
    "the_partition",
)
_FEWER = Statement(
    update(assets)
    .values(
        {
            assets.c.partitions_materialized: assets.c.partitions_materialized - bindparam("materialized"),
            assets.c.partitions_failed: assets.c.partitions_failed - bindparam("failed"),
            assets.c.partitions_in_progress: assets.c.partitions_in_progress - bindparam("in_progress"),
        }
    )
    .where(assets.c.id == bindparam("the_id")),
    "materialized",
    "failed",
    "in_progress",
    "the_id",
)


_RENAME = Statement(
    update(assets)
    .values({assets.c.key: bindparam("text"), assets.c.sort_key: bindparam("parts")})
    .where(assets.c.id == bindparam("the_id")),
    "text",
    "parts",
    "the_id",
)
# Whether anything happened to an asset: its state, or what is left in the log after a wipe.
_HISTORY = Statement(
    select(
        or_(
            exists().where(assets.c.id == bindparam("the_id"), assets.c.has_state == 1),
            exists().where(events.c.asset_id == bindparam("the_id")),
        )
    ),
    "the_id",
)
# Runs that name an asset to which nothing happened yet belong to the one that takes its name.
_OF_THE_OTHER = select(run_assets.c.run_row).where(run_assets.c.asset_id == bindparam("to_id")).subquery()
_FORGET_TWICE_NAMED = Statement(
    delete(run_assets).where(
        run_assets.c.asset_id == bindparam("from_id"),
        # A query within the query: MySQL does not read from the table that it deletes from.
        run_assets.c.run_row.in_(select(_OF_THE_OTHER.c.run_row)),
    ),
    "from_id",
    "to_id",
)
_GIVE_RUNS = Statement(
    update(run_assets)
    .values({run_assets.c.asset_id: bindparam("to_id")})
    .where(run_assets.c.asset_id == bindparam("from_id")),
    "to_id",
    "from_id",
)
_FORGET_ID = Statement(delete(assets).where(assets.c.id == bindparam("the_id")), "the_id")


@cache
def _states(count: int) -> Statement:
    names = numbered("key", count)
    return Statement(
        select(assets.c.key, *STATE_COLUMNS).where(
            assets.c.sort_key.in_([bindparam(name) for name in names]), assets.c.has_state == 1
        ),
        *names,
    )


class SqlAssetStore:
    """Assets in the tables `assets` and `asset_partitions`, kept up to date by `weft.storage.sql.event_log`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, key: AssetKey) -> AssetState | None:
        """See `weft.storage.ports.AssetStore.get`."""
        return self.get_many((key,)).get(key)

    def get_many(self, keys: Sequence[AssetKey]) -> Mapping[AssetKey, AssetState]:
        """See `weft.storage.ports.AssetStore.get_many`."""
        wanted = list(dict.fromkeys(keys))
        found = {}
        with self._database.read() as transaction:
            for chunk in in_lists([sort_key(key.parts) for key in wanted]):
                for row in transaction.all(_states(len(chunk)), chunk):
                    state = _state(row)
                    found[state.key] = state
        return {key: found[key] for key in wanted if key in found}

    def list(self, *, prefix: Sequence[str] = (), limit: int = 100, cursor: str | None = None) -> Page[AssetState]:
        """See `weft.storage.ports.AssetStore.list`."""
        after = b"" if cursor is None else sort_key(ASSET_CURSOR.read(cursor))
        if limit < 1:
            return Page(items=())
        with self._database.read() as transaction:
            rows = transaction.all(_LIST, (after, *prefix_range(prefix), limit + 1))
        items = tuple(_state(row) for row in rows[:limit])
        return Page(items=items, cursor=ASSET_CURSOR.write(items[-1].key.parts) if len(rows) > limit else None)

    def partition(self, key: AssetKey, partition: str) -> AssetPartitionState | None:
        """See `weft.storage.ports.AssetStore.partition`."""
        with self._database.read() as transaction:
            row = transaction.one(_PARTITION, (sort_key(key.parts), partition))
        return None if row is None else _partition(key, (partition, *row))

    def partitions(self, key: AssetKey, *, limit: int = 1000, cursor: str | None = None) -> Page[AssetPartitionState]:
        """See `weft.storage.ports.AssetStore.partitions`."""
        after = () if cursor is None else (PARTITION_CURSOR.read(cursor),)
        if limit < 1:
            return Page(items=())
        with self._database.read() as transaction:
            rows = transaction.all(
                _NEXT_PARTITIONS if after else _FIRST_PARTITIONS, (sort_key(key.parts), *after, limit + 1)
            )
        items = tuple(_partition(key, row) for row in rows[:limit])
        return Page(items=items, cursor=PARTITION_CURSOR.write(items[-1].partition) if len(rows) > limit else None)

    def partition_counts(self, key: AssetKey) -> Mapping[str, int]:
        """See `weft.storage.ports.AssetStore.partition_counts`."""
        with self._database.read() as transaction:
            row = transaction.one(_COUNTS, (sort_key(key.parts),))
        counts = () if row is None else zip(_COUNTED, row, strict=True)
        return {status.value: count for status, count in counts if count}

    def wipe(self, key: AssetKey, *, partitions: Sequence[str] | None = None) -> None:
        """See `weft.storage.ports.AssetStore.wipe`."""
        with self._database.write() as transaction:
            ids = known_asset_ids(transaction, (key,))
            if not ids:
                return
            id = ids[key]
            if partitions is None:
                for statement in (_WIPE_ASSET, _WIPE_PARTITIONS, _WIPE_CHECKS):
                    transaction.run(statement, (id,))
                return
            wiped = partition_statuses(transaction, ids, [(key, partition) for partition in dict.fromkeys(partitions)])
            transaction.run_many(_WIPE_PARTITION, [(id, partition) for _, partition in wiped])
            statuses = list(wiped.values())
            transaction.run(_FEWER, (*(statuses.count(status) for status in _COUNTED), id))
            names = [name for (name,) in transaction.all(_CHECK_NAMES, (id,))]
            transaction.run_many(_WIPE_CHECK, [(id, name, partition) for name in names for partition in partitions])

    def rename(self, old: AssetKey, new: AssetKey) -> bool:
        """See `weft.storage.ports.AssetStore.rename`."""
        with self._database.write() as transaction:
            ids = known_asset_ids(transaction, (old, new))
            if old not in ids or old == new or not self._has_history(transaction, ids[old]):
                return False
            if new in ids:
                if self._has_history(transaction, ids[new]):
                    raise both_have_history(old.to_user_string(), new.to_user_string())
                transaction.run(_FORGET_TWICE_NAMED, (ids[new], ids[old]))
                transaction.run(_GIVE_RUNS, (ids[old], ids[new]))
                transaction.run(_FORGET_ID, (ids[new],))
            transaction.run(_RENAME, (new.to_string(), sort_key(new.parts), ids[old]))
            return True

    @staticmethod
    def _has_history(transaction: Transaction, id: int) -> bool:
        row = transaction.one(_HISTORY, (id,))
        return row is not None and bool(row[0])


def _state(row: Row) -> AssetState:
    return asset_state(AssetKey(_PARTS.decode(row[0])), row[1:])


def _partition(key: AssetKey, row: Row) -> AssetPartitionState:
    partition, status, latest = row
    return AssetPartitionState(
        asset_key=key, partition=partition, status=PARTITION_STATUS_OF[status], latest=pointer_from_bytes(latest)
    )
