"""The stable integer ids of assets: given when an asset is first named, kept for ever."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache

from sqlalchemy import bindparam, insert, select

from weft.model.keys import AssetKey
from weft.storage.sql.database import Statement, Transaction, in_lists, numbered
from weft.storage.sql.keys import sort_key
from weft.storage.sql.tables import assets

_NEW = Statement(
    insert(assets).values(
        has_state=0,
        materialization_count=0,
        partitions_materialized=0,
        partitions_failed=0,
        partitions_in_progress=0,
    ),
    "id",
    "key",
    "sort_key",
)


@cache
def _ids(count: int) -> Statement:
    """The ids of those keys that have one."""
    names = numbered("key", count)
    return Statement(
        select(assets.c.sort_key, assets.c.id).where(assets.c.sort_key.in_([bindparam(name) for name in names])), *names
    )


def known_asset_ids(transaction: Transaction, keys: Collection[AssetKey]) -> dict[AssetKey, int]:
    """The ids of those `keys` that have one."""
    by_sort_key = {sort_key(key.parts): key for key in keys}
    found: dict[AssetKey, int] = {}
    for chunk in in_lists(list(by_sort_key)):
        for data, id in transaction.all(_ids(len(chunk)), chunk):
            found[by_sort_key[data]] = id
    return found


def asset_ids(transaction: Transaction, keys: Sequence[AssetKey]) -> dict[AssetKey, int]:
    """The ids of `keys`, in a write transaction: keys that have none get one, in their order."""
    ids = known_asset_ids(transaction, keys)
    if len(ids) < len(keys):
        new = [key for key in dict.fromkeys(keys) if key not in ids]
        if new:
            first = transaction.next_id(assets)
            ids.update(zip(new, range(first, first + len(new)), strict=True))
            transaction.run_many(_NEW, [(ids[key], key.to_string(), sort_key(key.parts)) for key in new])
    return ids
