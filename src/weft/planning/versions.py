"""The version of what is read of an asset: one rule for runs, which record it, and for staleness, which compares with what was recorded."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from weft.model.asset_state import AssetPartitionState, AssetState, PartitionStatus
from weft.model.assets import AssetGraph
from weft.model.keys import AssetKey

MOST_PARTITIONS = 100
"""Of how many upstream partitions the versions are read one by one."""


def version_of_asset(state: AssetState | None) -> str | None:
    """The version of an asset without partitions; of a partitioned one, a text that changes whenever something of it is made."""
    latest = None if state is None else state.latest_materialization or state.latest_observation
    if latest is None or state is None:
        return None
    if latest.partition is None:
        return latest.data_version
    return combined(str(state.materialization_count), latest.partition, latest.data_version or "")


def version_of_partition(state: AssetPartitionState | None) -> str | None:
    """The version of one partition, None where it is not there."""
    return state.latest.data_version if state is not None and state.status is PartitionStatus.MATERIALIZED else None


def version_of_partitions(partitions: Sequence[str], version_of: Callable[[str], str | None]) -> str | None:
    """One version for several partitions, in order: that of the only one, else a hash; None where none of them is there."""
    versions = [version_of(partition) for partition in partitions]
    if len(versions) == 1:
        return versions[0]
    if all(version is None for version in versions):
        return None
    return combined(*(text for pair in zip(partitions, versions, strict=True) for text in (pair[0], pair[1] or "")))


def seen_through(graph: AssetGraph, key: AssetKey) -> tuple[AssetKey, ...]:
    """`key`, or, for a virtual asset, which is never made itself, the assets that it shows."""
    found: dict[AssetKey, None] = {}
    stack = [key]
    walked: set[AssetKey] = set()
    while stack:
        one = stack.pop()
        node = graph.get(one)
        if node is None or not node.is_virtual:
            found[one] = None
        elif one not in walked:
            walked.add(one)
            stack.extend(reversed(graph.upstream(one)))
    return tuple(found)


def combined(*texts: str) -> str:
    """One version made of several texts."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:32]
