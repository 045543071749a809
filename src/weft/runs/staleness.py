"""Which assets of a project are out of date on an instance: the rows for `weft.planning.staleness`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from weft.definitions.asset_selection import AssetSelection
from weft.definitions.definitions import Definitions
from weft.definitions.repository import Repository
from weft.model.asset_state import AssetPartitionState
from weft.model.keys import AssetKey
from weft.planning.selection import select
from weft.planning.staleness import Staleness, StalenessRows, staleness
from weft.planning.versions import MOST_PARTITIONS
from weft.runs.environment import RunEnvironment


def asset_staleness(
    definitions: Definitions | Repository, instance: RunEnvironment, selection: Any = None
) -> dict[AssetKey, Staleness]:
    """How what is stored of each asset stands to what it would be made from now, with the causes.

    Args:
        definitions: the assets.
        instance: where they are recorded.
        selection: which of them, as for `materialize`; all by default. What is above them is looked at as far as it matters.

    Returns:
        The assets that can be made, by key.

    >>> asset_staleness(defs, Instance.get())[AssetKey("report")].status
    <StaleStatus.FRESH: 'FRESH'>
    """
    repository = definitions.resolve() if isinstance(definitions, Definitions) else definitions
    chosen = AssetSelection.of(selection) if selection is not None else AssetSelection.all()
    keys, _ = select(chosen.expression, repository.graph)
    reader = _Reader(repository, instance)
    rows = StalenessRows(
        graph=repository.graph,
        state_of=instance.assets.get,
        partitions_of=reader.partitions_of,
        partition_count_of=reader.partition_count_of,
        upstream_partitions=reader.upstream_partitions,
    )
    return staleness(rows, [node.key for node in repository.graph if node.key in keys])


class _Reader:
    def __init__(self, repository: Repository, environment: RunEnvironment) -> None:
        self._repository = repository
        self._environment = environment
        self._now = environment.clock.wall()

    def partitions_of(self, key: AssetKey) -> Mapping[str, AssetPartitionState]:
        """The rows of the partitions of an asset."""
        found: dict[str, AssetPartitionState] = {}
        cursor: str | None = None
        while True:
            page = self._environment.assets.partitions(key, cursor=cursor)
            found.update((row.partition, row) for row in page.items)
            cursor = page.cursor
            if cursor is None:
                return found

    def partition_count_of(self, key: AssetKey) -> int | None:
        """How many partitions there are now."""
        spec = self._repository.spec(key)
        if spec is None or spec.partitions_def is None:
            return None
        return spec.partitions_def.get_num_partitions(
            current_time=self._now, dynamic_partitions_store=self._environment.dynamic_partitions
        )

    def upstream_partitions(self, key: AssetKey, partition: str | None, upstream: AssetKey) -> Sequence[str] | None:
        """The partitions of `upstream` that are read; None where it has none, or too many to look at each."""
        spec = self._repository.spec(upstream)
        count = self.partition_count_of(upstream)
        if spec is None or spec.partitions_def is None or count is None:
            return None
        store = self._environment.dynamic_partitions
        definition = self._repository.asset(key)
        own = definition.partitions_def if definition is not None else None
        if definition is None or own is None or partition is None:
            if count > MOST_PARTITIONS:
                return None
            return spec.partitions_def.get_partition_keys(current_time=self._now, dynamic_partitions_store=store)
        from weft.model.partitions.mappings import infer_mapping  # loads compressed sets
        from weft.model.partitions.subset import PartitionSet

        mapping = next(
            (given.asset_in.partition_mapping for given in definition.inputs.values() if given.key == upstream), None
        ) or next(
            (dep.partition_mapping for one in definition.specs for dep in one.deps if dep.asset_key == upstream), None
        )
        chosen = mapping if mapping is not None else infer_mapping(own, spec.partitions_def)
        wanted = PartitionSet.from_keys(own, [partition], store)
        found = chosen.upstream_of(wanted, own, spec.partitions_def, self._now, store).partitions
        return None if len(found) > MOST_PARTITIONS else list(found.keys(store))
