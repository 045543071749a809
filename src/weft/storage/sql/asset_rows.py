"""Assets and their partitions as rows of the tables `assets` and `asset_partitions`: read before a reduction, written after it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

from sqlalchemy import bindparam, insert, select, update

from weft.model.asset_state import AssetState, PartitionStatus
from weft.model.keys import AssetKey
from weft.storage.projections import Changes
from weft.storage.sql.codes import PARTITION_STATUS_CODES, PARTITION_STATUS_OF
from weft.storage.sql.database import Row, Statement, Transaction, in_lists, numbered
from weft.storage.sql.pointers import optional_pointer, pointer_to_bytes
from weft.storage.sql.tables import asset_partitions, assets

STATE_COLUMNS = (
    assets.c.id,
    assets.c.has_state,
    assets.c.materialization_count,
    assets.c.latest_materialization,
    assets.c.latest_observation,
    assets.c.latest_failure,
)
"""What `asset_state` needs, in order."""

_CHANGE_ASSET = Statement(
    update(assets)
    .values(
        {
            assets.c.has_state: 1,
            assets.c.partitions_materialized: assets.c.partitions_materialized + bindparam("materialized"),
            assets.c.partitions_failed: assets.c.partitions_failed + bindparam("failed"),
            assets.c.partitions_in_progress: assets.c.partitions_in_progress + bindparam("in_progress"),
        }
    )
    .where(assets.c.id == bindparam("the_id")),
    "materialization_count",
    "latest_materialization",
    "latest_observation",
    "latest_failure",
    "materialized",
    "failed",
    "in_progress",
    "the_id",
)
_NEW_PARTITION = Statement(insert(asset_partitions), "asset_id", "partition", "status", "latest")
_CHANGE_PARTITION = Statement(
    update(asset_partitions).where(
        asset_partitions.c.asset_id == bindparam("the_id"), asset_partitions.c.partition == bindparam("the_partition")
    ),
    "status",
    "latest",
    "the_id",
    "the_partition",
)


@cache
def _states(count: int) -> Statement:
    names = numbered("id", count)
    return Statement(select(*STATE_COLUMNS).where(assets.c.id.in_([bindparam(name) for name in names])), *names)


@cache
def _statuses(count: int) -> Statement:
    names = numbered("partition", count)
    return Statement(
        select(asset_partitions.c.partition, asset_partitions.c.status).where(
            asset_partitions.c.asset_id == bindparam("the_id"),
            asset_partitions.c.partition.in_([bindparam(name) for name in names]),
        ),
        "the_id",
        *names,
    )


def asset_state(key: AssetKey, row: Row) -> AssetState:
    """The state of a row of `STATE_COLUMNS`; blank where it has none."""
    id, has_state, count, materialization, observation, failure = row
    if not has_state:
        return AssetState(id=id, key=key)
    return AssetState(
        id=id,
        key=key,
        latest_materialization=optional_pointer(materialization),
        latest_observation=optional_pointer(observation),
        latest_failure=optional_pointer(failure),
        materialization_count=count,
    )


def states_of(transaction: Transaction, ids: Mapping[AssetKey, int]) -> dict[AssetKey, AssetState]:
    """The states of assets, blank ones included."""
    keys = {id: key for key, id in ids.items()}
    states = {}
    for chunk in in_lists(list(keys)):
        for row in transaction.all(_states(len(chunk)), chunk):
            key = keys[row[0]]
            states[key] = asset_state(key, row)
    return states


def partition_statuses(
    transaction: Transaction, ids: Mapping[AssetKey, int], places: Iterable[tuple[AssetKey, str]]
) -> dict[tuple[AssetKey, str], PartitionStatus]:
    """The statuses of those partitions that have one."""
    by_asset: dict[AssetKey, list[str]] = {}
    for key, partition in places:
        by_asset.setdefault(key, []).append(partition)
    found = {}
    for key, partitions in by_asset.items():
        for chunk in in_lists(partitions):
            for partition, status in transaction.all(_statuses(len(chunk)), (ids[key], *chunk)):
                found[key, partition] = PARTITION_STATUS_OF[status]
    return found


def write_assets(transaction: Transaction, changes: Changes) -> None:
    """Write the changed states of assets. Their rows are there."""
    rows = []
    for key, state in changes.assets.items():
        counts = changes.partition_counts.get(key, {})
        rows.append(
            (
                state.materialization_count,
                *(
                    None if pointer is None else pointer_to_bytes(pointer)
                    for pointer in (state.latest_materialization, state.latest_observation, state.latest_failure)
                ),
                counts.get(PartitionStatus.MATERIALIZED, 0),
                counts.get(PartitionStatus.FAILED, 0),
                counts.get(PartitionStatus.IN_PROGRESS, 0),
                state.id,
            )
        )
    transaction.run_many(_CHANGE_ASSET, rows)


def write_partitions(
    transaction: Transaction,
    ids: Mapping[AssetKey, int],
    changes: Changes,
    before: Mapping[tuple[AssetKey, str], PartitionStatus],
) -> None:
    """Write the changed states of partitions; `before` says which have a row."""
    new, changed = [], []
    for place, state in changes.partitions.items():
        key, partition = place
        status, latest = PARTITION_STATUS_CODES[state.status], pointer_to_bytes(state.latest)
        if place in before:
            changed.append((status, latest, ids[key], partition))
        else:
            new.append((ids[key], partition, status, latest))
    if new:
        transaction.run_many(_NEW_PARTITION, new)
    if changed:
        transaction.run_many(_CHANGE_PARTITION, changed)
