"""What a target is made from, and how its partitions depend on those of what is upstream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from weft.model.assets import AssetGraph
from weft.model.keys import AssetCheckKey, AssetJobKey, AssetKey
from weft.model.partitions.definitions import (
    MultiPartitionsDefinition,
    PartitionsDefinition,
    TimeWindowPartitionsDefinition,
    from_spec,
)
from weft.model.partitions.mappings import PartitionMapping, infer_mapping, mapping_from_spec
from weft.model.partitions.ordinals import OrdinalSet
from weft.model.partitions.spec import PartitionsSpec
from weft.model.partitions.subset import PartitionSet
from weft.planning.automation.state import Target
from weft.planning.automation.subset import Scope, Subset


class Link:
    """How a target depends on one upstream asset: directly, or through virtual assets (`steps`, the nearest first)."""

    __slots__ = ("_steps",)

    def __init__(self, steps: Sequence[_Step]) -> None:
        self._steps = steps

    def upstream(self, subset: Subset) -> tuple[Subset, Subset | None]:
        """What `subset` is made from; and the part of `subset` that needs upstream partitions that do not exist, None where there is none."""
        absent: Subset | None = None
        found = subset
        for number, step in enumerate(self._steps):
            found, lacking = step.upstream(found)
            if number == 0:
                absent = lacking
        return found, absent

    def downstream(self, subset: Subset) -> Subset:
        """What is made from any of `subset`."""
        for step in reversed(self._steps):
            subset = step.downstream(subset)
        return subset


class _Step:
    """One edge between two targets."""

    __slots__ = ("_down", "_is_own", "_mapping", "_up")

    def __init__(self, down: Scope, up: Scope, mapping: PartitionMapping | None, is_own: bool) -> None:
        self._down = down
        self._up = up
        self._mapping = mapping
        # An asset that reads its own earlier partitions: the first one has none, and waits for nothing.
        self._is_own = is_own

    def upstream(self, subset: Subset) -> tuple[Subset, Subset | None]:
        up, down = self._up, self._down
        if not subset:
            return up.nothing, None
        if up.definition is None or self._mapping is None:
            return up.everything, None
        held = None if isinstance(subset.held, bool) else subset.held
        found = self._mapping.upstream_of(held, down.definition, up.definition, up.now, up.dynamic)
        absent = None
        if found.nonexistent and not self._is_own:
            absent = subset if held is None else down.of(self._lacking(held))
        return up.of(found.partitions) & up.everything, absent

    def _lacking(self, held: PartitionSet) -> PartitionSet:
        """Those of `held` that need something that does not exist. Halving finds them, since they lie together at the ends."""
        up, down = self._up, self._down
        assert up.definition is not None
        assert self._mapping is not None
        if not self._mapping.upstream_of(held, down.definition, up.definition, up.now, up.dynamic).nonexistent:
            return PartitionSet.empty(held.definition)
        if len(held) == 1:
            return held
        coordinates = list(held.coordinates())
        middle = len(coordinates) // 2
        parts = [
            PartitionSet.from_coordinates(held.definition, part)
            for part in (coordinates[:middle], coordinates[middle:])
        ]
        return self._lacking(parts[0]) | self._lacking(parts[1])

    def downstream(self, subset: Subset) -> Subset:
        up, down = self._up, self._down
        if not subset:
            return down.nothing
        if down.definition is None or up.definition is None or isinstance(subset.held, bool) or self._mapping is None:
            return down.everything
        return down.of(self._mapping.downstream_of(subset.held, up.definition, down.definition, up.now, up.dynamic))


class Dependencies:
    """The scopes of all targets at one moment, and the links between them."""

    def __init__(
        self,
        graph: AssetGraph,
        now: float,
        dynamic: object | None,
        partitions: Mapping[Target, PartitionsDefinition],
        mappings: Mapping[tuple[AssetKey, AssetKey], PartitionMapping],
    ) -> None:
        self._graph = graph
        self._now = now
        self._dynamic = dynamic
        self._own_partitions = partitions
        self._own_mappings = mappings
        self._scopes: dict[Target, Scope] = {}
        self._shared: dict[PartitionsSpec, PartitionsDefinition] = {}
        self._units: dict[str, list[AssetKey]] | None = None

    def scope(self, target: Target) -> Scope:
        """What there is of a target."""
        found = self._scopes.get(target)
        if found is None:
            found = self._scopes[target] = Scope(self._definition(target), self._now, self._dynamic)
        return found

    def _definition(self, target: Target) -> PartitionsDefinition | None:
        if target in self._own_partitions:
            return self._own_partitions[target]
        spec: PartitionsSpec | None = None
        if isinstance(target, AssetKey):
            node = self._graph.get(target)
            spec = node.partitions if node is not None else None
        elif isinstance(target, AssetCheckKey):
            check = self._graph.checks.get(target)
            spec = check.partitions if check is not None else None
        if spec is None:
            return None
        try:
            found = self._shared.get(spec)
        except TypeError:  # a spec that holds a mapping has no hash
            return from_spec(spec)
        if found is None:
            found = self._shared[spec] = from_spec(spec)
        return found

    def upstream_of(self, target: Target, *, through_virtual: bool = False) -> list[AssetKey]:
        """The assets that a target is made from; with `through_virtual` a virtual one is replaced by what it is made from."""
        if isinstance(target, AssetJobKey):
            return []
        if isinstance(target, AssetCheckKey):
            check = self._graph.checks.get(target)
            keys = [target.asset_key, *(check.additional_deps if check is not None else ())]
        else:
            keys = list(self._graph.upstream(target)) if target in self._graph else []
        if not through_virtual:
            return keys
        found: dict[AssetKey, None] = {}
        for key in keys:
            for real in self._paths(target, key):
                found[real[-1]] = None
        return list(found)

    def link(self, target: Target, upstream: AssetKey, *, through_virtual: bool = False) -> Link:
        """How `target` depends on `upstream`; assets that are not connected count as divided in the way that would be inferred."""
        path: list[AssetKey] = [upstream]
        if through_virtual:
            for key in self.upstream_of(target):
                for real in self._paths(target, key):
                    if real[-1] == upstream:
                        path = real
        steps = []
        below: Target = target
        for key in path:
            steps.append(_Step(self.scope(below), self.scope(key), self._mapping(below, key), below == key))
            below = key
        return Link(steps)

    def made_together(self, key: AssetKey) -> list[AssetKey]:
        """The other assets that the same function makes, where it cannot make some of them only."""
        if self._units is None:
            self._units = {}
            for node in self._graph:
                if node.compute_unit is not None:
                    self._units.setdefault(node.compute_unit, []).append(node.key)
        own = self._graph.get(key)
        if own is None or own.compute_unit is None:
            return []
        return [other for other in self._units[own.compute_unit] if other != key]

    def _paths(self, target: Target, key: AssetKey) -> list[list[AssetKey]]:
        """From a direct dependency to the nearest assets that are not virtual."""
        node = self._graph.get(key)
        if node is None or not node.is_virtual or key == target:
            return [[key]]
        above = [up for up in self._graph.upstream(key) if up != key]
        return [[key, *rest] for up in above for rest in self._paths(key, up)] or [[key]]

    def _mapping(self, target: Target, upstream: AssetKey) -> PartitionMapping | None:
        up = self.scope(upstream).definition
        if up is None:
            return None
        if isinstance(target, AssetKey):
            own = self._own_mappings.get((target, upstream))
            if own is not None:
                return own
            node = self._graph.get(target)
            for dep in node.deps if node is not None else ():
                if dep.asset_key == upstream and dep.partition_mapping is not None:
                    return mapping_from_spec(dep.partition_mapping)
        return infer_mapping(self.scope(target).definition, up)


def latest_windows(scope: Scope, lookback_seconds: float | None) -> Subset:
    """The latest window of time that exists, and those that start within `lookback_seconds` before its end. Of a product, with every key of
    the other dimensions; what time does not divide is in as a whole."""
    definition = scope.definition
    if definition is None:
        return scope.everything
    if not any(isinstance(each, TimeWindowPartitionsDefinition) for each in definition.dimensions):
        return scope.everything
    if isinstance(definition, MultiPartitionsDefinition):
        chosen = {
            axis.name: _latest(axis.partitions_def, scope.now, lookback_seconds)
            for axis in definition.partitions_defs
            if isinstance(axis.partitions_def, TimeWindowPartitionsDefinition)
        }
        return scope.of(PartitionSet.product(definition, chosen, scope.now, scope.dynamic))
    assert isinstance(definition, TimeWindowPartitionsDefinition)
    return scope.of(_latest(definition, scope.now, lookback_seconds))


def _latest(definition: TimeWindowPartitionsDefinition, now: float, lookback_seconds: float | None) -> PartitionSet:
    count = definition.count(now)
    if not count:
        return PartitionSet.empty(definition)
    first = count - 1
    if lookback_seconds is not None:
        windows = definition.windows
        first = min(first, windows.before(int(windows.end_of(count - 1) - lookback_seconds)))
    return PartitionSet.from_ordinals(definition, OrdinalSet.from_runs([(first, count)]))
