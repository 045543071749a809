"""The partitions of one run: one key, a range made in one go, or none; and which upstream partitions they need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from weft.errors import InvocationError
from weft.model.partitions.definitions import MultiPartitionsDefinition, PartitionsDefinition
from weft.model.partitions.keys import PartitionKeyRange, TimeWindow
from weft.model.run import Run

if TYPE_CHECKING:
    from weft.model.partitions.mappings import PartitionMapping


class RunPartitions:
    """What the tags of a run say about partitions."""

    __slots__ = ("_store", "key", "range")

    def __init__(self, run: Run, dynamic_partitions_store: Any = None) -> None:
        self.key = run.partition_key
        self.range = run.partition_range
        self._store = dynamic_partitions_store

    @property
    def is_partitioned(self) -> bool:
        """Whether the run is about partitions."""
        return self.key is not None or self.range is not None

    def the_key(self, definition: PartitionsDefinition | None) -> str:
        """The one key, as the definition's own kind of key.

        Raises:
            InvocationError: (WEFT-I016) the run has none or several.
        """
        if self.key is None:
            if self.range is None:
                raise InvocationError(
                    "the run has no partition.",
                    code="WEFT-I016",
                    fix="pass partition_key=... (or --partition on the command line), or test context.has_partition_key first",
                )
            raise InvocationError(
                "the run makes a range of partitions, so there is no single key.",
                code="WEFT-I016",
                facts={"range": "...".join(self.range)},
                fix="use context.partition_keys",
            )
        return definition.multi_key(self.key) if isinstance(definition, MultiPartitionsDefinition) else self.key

    def keys(self, definition: PartitionsDefinition | None) -> Sequence[str]:
        """The keys in the order of the definition."""
        if self.key is not None:
            return [self.the_key(definition)]
        if self.range is None or definition is None:
            self.the_key(definition)
        assert self.range is not None
        assert definition is not None
        return definition.get_partition_keys_in_range(
            PartitionKeyRange(*self.range), dynamic_partitions_store=self._store
        )

    def key_range(self) -> PartitionKeyRange:
        """The first and last key."""
        if self.range is not None:
            return PartitionKeyRange(*self.range)
        key = self.the_key(None)
        return PartitionKeyRange(key, key)

    def time_window(self, definition: PartitionsDefinition | None) -> TimeWindow:
        """From the start of the first to the end of the last partition."""
        return time_window_of(definition, self.keys(definition))

    def upstream_keys(
        self,
        downstream: PartitionsDefinition | None,
        upstream: PartitionsDefinition,
        mapping: PartitionMapping | None,
        now: float,
        own_keys: Sequence[str] | None = None,
    ) -> Sequence[str]:
        """The partitions of an upstream asset that the run's partitions (or `own_keys` of them) need, in order.

        All of them for an unpartitioned asset.
        """
        if downstream is None or not self.is_partitioned:
            return upstream.get_partition_keys(current_time=now, dynamic_partitions_store=self._store)
        from weft.model.partitions.mappings import infer_mapping  # loads compressed sets, which most runs do without
        from weft.model.partitions.subset import PartitionSet

        chosen = mapping if mapping is not None else infer_mapping(downstream, upstream)
        keys = self.keys(downstream) if own_keys is None else own_keys
        own = PartitionSet.from_keys(downstream, keys, self._store)
        found = chosen.upstream_of(own, downstream, upstream, now, self._store)
        return list(found.existing_or_raise().keys(self._store))


def time_window_of(definition: PartitionsDefinition | None, keys: Sequence[str]) -> TimeWindow:
    """From the start of the first to the end of the last of these partitions, of which there is at least one.

    Raises:
        InvocationError: (WEFT-I017) they are not windows of time.
    """
    window_of: Any = getattr(definition, "time_window_for_partition_key", None)
    if window_of is None:
        raise InvocationError(
            "the partitions of the run are not windows of time.",
            code="WEFT-I017",
            facts={"partitions": str(definition)},
            fix="use context.partition_key",
        )
    first, last = window_of(keys[0]), window_of(keys[-1])
    return TimeWindow(first.start, last.end)
