"""Which assets, and which partitions of them, are out of date, and why. Pure: graph and state rows in, statuses out.

What a materialisation was made from is recorded with it: the version of the code and, for each upstream, the version of what was read. It is
STALE if any of that is different now, or if something above it is stale itself. Virtual assets are never made, so never stale: what reads them is
compared with the assets behind them. An asset without a code version, or that did not record one, is not told apart by its code.

The walk goes up from what is asked for and looks at each row once. Partitions that were never made cost nothing: only rows are looked at, and how
many are missing is arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum

from msgspec import Struct

from weft.model.asset_state import AssetPartitionState, AssetState, EventPointer, PartitionStatus
from weft.model.assets import AssetGraph
from weft.model.keys import AssetKey
from weft.planning.versions import (
    MOST_PARTITIONS,
    seen_through,
    version_of_asset,
    version_of_partition,
    version_of_partitions,
)


class StaleStatus(Enum):
    """How what is stored of an asset stands to what it would be made from now."""

    MISSING = "MISSING"
    STALE = "STALE"
    FRESH = "FRESH"


class StaleCauseKind(Enum):
    """What is different."""

    CODE = "CODE"
    # Something upstream was made again, with another content.
    DATA = "DATA"
    # An upstream was added or removed, or is stale itself.
    DEPENDENCIES = "DEPENDENCIES"


class StaleCause(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One reason. `old` and `new` are versions: of the code, or of what is read of `upstream`."""

    kind: StaleCauseKind
    upstream: AssetKey | None = None
    old: str | None = None
    new: str | None = None


class Staleness(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The status of an asset. Of a partitioned one: STALE if any partition is, MISSING if none is there, and the partitions by name."""

    key: AssetKey
    status: StaleStatus
    causes: tuple[StaleCause, ...] = ()
    # Partition to its causes, in the order of the rows.
    stale_partitions: Mapping[str, tuple[StaleCause, ...]] = {}
    fresh_partitions: tuple[str, ...] = ()
    missing_count: int = 0


class StalenessRows(Struct, frozen=True, kw_only=True):
    """What the walk looks at. The functions are called at most once for each asset (and partition)."""

    graph: AssetGraph
    state_of: Callable[[AssetKey], AssetState | None]
    # The rows of a partitioned asset by partition.
    partitions_of: Callable[[AssetKey], Mapping[str, AssetPartitionState]]
    # How many partitions an asset has now; None where it has no partitions.
    partition_count_of: Callable[[AssetKey], int | None]
    # The partitions of the second asset that the first (of a partition) is made from; None: the asset as a whole.
    upstream_partitions: Callable[[AssetKey, str | None, AssetKey], Sequence[str] | None]


def staleness(rows: StalenessRows, keys: Iterable[AssetKey]) -> dict[AssetKey, Staleness]:
    """The status of each of `keys`, in their order. Assets that nothing makes and virtual ones are left out."""
    walk = _Walk(rows)
    order = dict.fromkeys(keys)
    return {key: found for key in order if (found := walk.asset(key)) is not None}


class _Walk:
    def __init__(self, rows: StalenessRows) -> None:
        self._rows = rows
        self._partitions: dict[AssetKey, Mapping[str, AssetPartitionState]] = {}
        self._states: dict[AssetKey, AssetState | None] = {}
        self._counts: dict[AssetKey, int | None] = {}
        self._known: dict[AssetKey, Staleness | None] = {}

    def asset(self, key: AssetKey) -> Staleness | None:
        """The status of an asset; what is above it comes first, without recursion: graphs may be deep."""
        stack = [key]
        while stack:
            one = stack[-1]
            if one in self._known:
                stack.pop()
                continue
            node = self._rows.graph.get(one)
            if node is None or node.is_virtual or not node.is_materializable:
                self._known[one] = None
                continue
            unknown = [up for up in self._upstream(one) if up not in self._known and up != one]
            if unknown:
                stack.extend(unknown)
            else:
                self._known[one] = self._judge(one)
        return self._known[key]

    def _upstream(self, key: AssetKey) -> tuple[AssetKey, ...]:
        graph = self._rows.graph
        return tuple(dict.fromkeys(root for up in graph.upstream(key) for root in seen_through(graph, up)))

    def _judge(self, key: AssetKey) -> Staleness:
        count = self._count(key)
        if count is None:
            state = self._state(key)
            latest = state.latest_materialization if state is not None else None
            if latest is None:
                return Staleness(key=key, status=StaleStatus.MISSING)
            causes = self._causes(key, None, latest)
            return Staleness(key=key, status=StaleStatus.STALE if causes else StaleStatus.FRESH, causes=causes)
        stale: dict[str, tuple[StaleCause, ...]] = {}
        fresh: list[str] = []
        for partition, row in self._rows_of(key).items():
            if row.status is not PartitionStatus.MATERIALIZED:
                continue
            causes = self._causes(key, partition, row.latest)
            if causes:
                stale[partition] = causes
            else:
                fresh.append(partition)
        there = len(stale) + len(fresh)
        status = StaleStatus.STALE if stale else StaleStatus.FRESH if there else StaleStatus.MISSING
        every = tuple(dict.fromkeys(cause for causes in stale.values() for cause in causes))
        return Staleness(
            key=key,
            status=status,
            causes=every,
            stale_partitions=stale,
            fresh_partitions=tuple(fresh),
            missing_count=max(0, count - there),
        )

    def _causes(self, key: AssetKey, partition: str | None, latest: EventPointer) -> tuple[StaleCause, ...]:
        causes: list[StaleCause] = []
        node = self._rows.graph[key]
        if node.code_version is not None and node.code_version != latest.code_version:
            causes.append(StaleCause(kind=StaleCauseKind.CODE, old=latest.code_version, new=node.code_version))
        recorded = dict(latest.input_data_versions)
        direct = frozenset(self._rows.graph.upstream(key))
        for upstream in self._upstream(key):
            needed = self._rows.upstream_partitions(key, partition, upstream) if upstream in direct else None
            old = recorded.pop(upstream.to_user_string(), None)
            new = self._version(upstream, needed)
            if old != new:
                kind = StaleCauseKind.DEPENDENCIES if old is None else StaleCauseKind.DATA
                causes.append(StaleCause(kind=kind, upstream=upstream, old=old, new=new))
            elif upstream != key and self._is_stale(upstream, needed):
                causes.append(StaleCause(kind=StaleCauseKind.DEPENDENCIES, upstream=upstream, old=old, new=new))
        causes.extend(
            StaleCause(kind=StaleCauseKind.DEPENDENCIES, upstream=AssetKey.from_user_string(name), old=old)
            for name, old in recorded.items()
        )
        return tuple(causes)

    def _is_stale(self, upstream: AssetKey, needed: Sequence[str] | None) -> bool:
        found = self._known.get(upstream)
        if found is None:
            return False
        if not needed:
            return found.status is StaleStatus.STALE
        return any(partition in found.stale_partitions for partition in needed)

    def _version(self, key: AssetKey, needed: Sequence[str] | None) -> str | None:
        if not needed or len(needed) > MOST_PARTITIONS:
            return version_of_asset(self._state(key))
        rows = self._rows_of(key)
        return version_of_partitions(needed, lambda partition: version_of_partition(rows.get(partition)))

    def _state(self, key: AssetKey) -> AssetState | None:
        if key not in self._states:
            self._states[key] = self._rows.state_of(key)
        return self._states[key]

    def _rows_of(self, key: AssetKey) -> Mapping[str, AssetPartitionState]:
        if key not in self._partitions:
            self._partitions[key] = self._rows.partitions_of(key)
        return self._partitions[key]

    def _count(self, key: AssetKey) -> int | None:
        if key not in self._counts:
            self._counts[key] = self._rows.partition_count_of(key)
        return self._counts[key]
