"""Partition mappings: which partitions of an upstream asset a partition of a downstream asset is made from, and back.

Mappings work on whole sets (`PartitionSet`), by arithmetic on runs of ordinals and on boxes, not key by key.

Laws, for every mapping between two definitions at one moment:

- the image of a union is the union of the images;
- the directions agree: a key ``u`` is upstream of ``d`` exactly when ``d`` is downstream of ``u`` (both existing).

What lies upstream but does not exist there is reported apart, as ranges of keys, so that the caller can refuse to run. A mapping of one's own
derives from `PartitionMapping`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from weft.errors import PartitionError, did_you_mean
from weft.model.partitions.cadence import Windows
from weft.model.partitions.definitions import (
    Moment,
    MultiPartitionsDefinition,
    PartitionsDefinition,
    StaticPartitionsDefinition,
    TimeWindowPartitionsDefinition,
)
from weft.model.partitions.keys import PartitionKeyRange, join_parts
from weft.model.partitions.ordinals import OrdinalSet
from weft.model.partitions.spec import MappingSpec
from weft.model.partitions.subset import Box, PartitionSet


class UpstreamPartitions(Struct, frozen=True):
    """What a set of downstream partitions is made from.

    `partitions` exist upstream. `nonexistent` are needed too, but do not exist there (yet): ranges of keys of the upstream definition.
    """

    partitions: PartitionSet
    nonexistent: tuple[PartitionKeyRange, ...] = ()

    def existing_or_raise(self) -> PartitionSet:
        """`partitions`, where nothing is needed besides.

        Raises:
            PartitionError: (WEFT-P035) partitions are needed that do not exist.
        """
        if not self.nonexistent:
            return self.partitions
        missing = [start if start == end else f"{start}...{end}" for start, end in self.nonexistent]
        raise PartitionError(
            "partitions are needed upstream that do not exist.",
            code="WEFT-P035",
            facts={"needed": missing, "upstream": self.partitions.definition.describe()},
            fix="wait until they exist, let the upstream partitions start earlier, or use "
            "TimeWindowPartitionMapping(allow_nonexistent_upstream_partitions=True)",
        )


class PartitionMapping(ABC):
    """How the partitions of a downstream asset depend on those of an upstream asset.

    To write one, implement `upstream_of` and `downstream_of` so that the laws of this module hold. A definition is None where the asset
    has no partitions. `now` and `dynamic` are the moment and the store of dynamic keys to judge existence by.
    """

    __slots__ = ()

    @abstractmethod
    def upstream_of(
        self,
        downstream: PartitionSet | None,
        downstream_def: PartitionsDefinition | None,
        upstream_def: PartitionsDefinition,
        now: Moment | None = None,
        dynamic: object | None = None,
    ) -> UpstreamPartitions:
        """What a set of downstream partitions (None: an asset without partitions) is made from."""

    @abstractmethod
    def downstream_of(
        self,
        upstream: PartitionSet,
        upstream_def: PartitionsDefinition,
        downstream_def: PartitionsDefinition,
        now: Moment | None = None,
        dynamic: object | None = None,
    ) -> PartitionSet:
        """The downstream partitions that are made from any of these, among those that exist."""

    def check(  # noqa: B027  # most mappings fit any two definitions
        self, downstream_def: PartitionsDefinition | None, upstream_def: PartitionsDefinition
    ) -> None:
        """Raise where the mapping cannot work between these definitions; called when definitions are resolved.

        Raises:
            PartitionError: it says why.
        """

    def describe(self) -> str:
        """A short text for people."""
        return type(self).__name__

    def to_spec(self) -> MappingSpec:
        """The mapping as a plain value. One of the user's own is named only: it can be evaluated only where their code is."""
        return MappingSpec("custom", {"class": f"{type(self).__module__}.{type(self).__qualname__}"})

    def get_upstream_partition_keys(
        self,
        partition_key: str | None,
        downstream_def: PartitionsDefinition | None,
        upstream_def: PartitionsDefinition,
        now: Moment | None = None,
        dynamic: object | None = None,
    ) -> list[str]:
        """The keys that one downstream key (None: an asset without partitions) is made from, among those that exist."""
        chosen = None
        if downstream_def is not None and partition_key is not None:
            chosen = PartitionSet.from_keys(downstream_def, [partition_key], dynamic)
        return list(self.upstream_of(chosen, downstream_def, upstream_def, now, dynamic).partitions.keys(dynamic))

    def get_downstream_partition_keys(
        self,
        partition_key: str,
        upstream_def: PartitionsDefinition,
        downstream_def: PartitionsDefinition,
        now: Moment | None = None,
        dynamic: object | None = None,
    ) -> list[str]:
        """The keys that are made from one upstream key, among those that exist."""
        chosen = PartitionSet.from_keys(upstream_def, [partition_key], dynamic)
        return list(self.downstream_of(chosen, upstream_def, downstream_def, now, dynamic).keys(dynamic))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PartitionMapping) and type(self) is type(other) and self.to_spec() == other.to_spec()

    def __hash__(self) -> int:
        return hash((type(self), self.to_spec().kind))

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.describe()}>"


class IdentityPartitionMapping(PartitionMapping):
    """Each partition from the one of the same key."""

    __slots__ = ()

    def upstream_of(
        self,
        downstream: PartitionSet | None,
        downstream_def: PartitionsDefinition | None,
        upstream_def: PartitionsDefinition,
        now: Moment | None = None,
        dynamic: object | None = None,
    ) -> UpstreamPartitions:
        """See `PartitionMapping.upstream_of`."""
        chosen = _needed(self, downstream)
        existing = PartitionSet.all(upstream_def, now, dynamic)
        found = _by_same_key(chosen, upstream_def, dynamic) & existing
        if len(found) == len(chosen):
            return UpstreamPartitions(found)
        missing = chosen - _by_same_key(found, chosen.definition, dynamic)
        return UpstreamPartitions(found, tuple(missing.key_ranges(dynamic)))

    def downstream_of(
        self,
        upstream: PartitionSet,
        upstream_def: PartitionsDefinition,
        downstream_def: PartitionsDefinition,
        now: Moment | None = None,
        dynamic: object | None = None,
    ) -> PartitionSet:
        """See `PartitionMapping.downstream_of`."""
        return _by_same_key(upstream, downstream_def, dynamic) & PartitionSet.all(downstream_def, now, dynamic)

    def describe(self) -> str:
        """A short text for people."""
        return "each partition from the one of the same key"

    def to_spec(self) -> MappingSpec:
        """The mapping as a plain value."""
        return MappingSpec("identity")


class AllPartitionMapping(PartitionMapping):
    """Each partition from all that exist upstream."""

    __slots__ = ()

    def upstream_of(
        self,
        downstream: PartitionSet | None,
        downstream_def: PartitionsDefinition | None,
        upstream_def: PartitionsDefinition,
        now: Moment | None = None,
        dynamic: object | None = None,
    ) -> UpstreamPartitions:
        """See `PartitionMapping.upstream_of`."""
        if downstream is not None and not downstream:
            return UpstreamPartitions(PartitionSet.empty(upstream_def))
        return UpstreamPartitions(PartitionSet.all(upstream_def, now, dynamic))

    def downstream_of(
        self,
        upstream: PartitionSet,
        upstream_def: PartitionsDefinition,
        downstream_def: PartitionsDefinition,
        now: Moment | None = None,
        dynamic: object | None = None,
    ) -> PartitionSet:
        """See `PartitionMapping.downstream_of`."""
        touched = upstream & PartitionSet.all(upstream_def, now, dynamic)
        return PartitionSet.all(downstream_def, now, dynamic) if touched else PartitionSet.empty(downstream_def)

    def describe(self) -> str:
        """A short text for people."""
        return "each partition from all"

    def to_spec(self) -> MappingSpec:
        """The mapping as a plain value."""
        return MappingSpec("all")


class LastPartitionMapping(PartitionMapping):
    """Each partition from the last one that exists upstream (in several dimensions: the last of each)."""

    __slots__ = ()

    def upstream_of(
        self,
        downstream: PartitionSet | None,
        downstream_def: PartitionsDefinition | None,
        upstream_def: PartitionsDefinition,
        now: Moment | None = None,
        dynamic: object | None = None,
    ) -> UpstreamPartitions:
        """See `PartitionMapping.upstream_of`."""
        if downstream is not None and not downstream:
            return UpstreamPartitions(PartitionSet.empty(upstream_def))
        return UpstreamPartitions(_last(upstream_def, now, dynamic))

    def downstream_of(
        self,
        upstream: PartitionSet,
        upstream_def: PartitionsDefinition,
        downstream_def: PartitionsDefinition,
        now: Moment | None = None,
        dynamic: object | None = None,
    ) -> PartitionSet:
        """See `PartitionMapping.downstream_of`."""
        touched = upstream & _last(upstream_def, now, dynamic)
        return PartitionSet.all(downstream_def, now, dynamic) if touched else PartitionSet.empty(downstream_def)

    def describe(self) -> str:
        """A short text for people."""
        return "each partition from the last one"

    def to_spec(self) -> MappingSpec:
        """The mapping as a plain value."""
        return MappingSpec("last")


class SpecificPartitionsPartitionMapping(PartitionMapping):
    """Each partition from certain upstream partitions.

    Args:
        partition_keys: the upstream keys.
    """

    __slots__ = ("partition_keys",)

    def __init__(self, partition_keys: Iterable[str]) -> None:
        self.partition_keys = tuple(partition_keys)

    def upstream_of(
        self,
        downstream: PartitionSet | None,
        downstream_def: PartitionsDefinition | None,
        upstream_def: PartitionsDefinition,
        now: Moment | None = None,
        dynamic: object | None = None,
    ) -> UpstreamPartitions:
        """See `PartitionMapping.upstream_of`."""
        if downstream is not None and not downstream:
            return UpstreamPartitions(PartitionSet.empty(upstream_def))
        known = [
            upstream_def.has_partition_key(key, current_time=now, dynamic_partitions_store=dynamic)
            for key in self.partition_keys
        ]
        existing = [key for key, is_known in zip(self.partition_keys, known, strict=True) if is_known]
        missing = [key for key, is_known in zip(self.partition_keys, known, strict=True) if not is_known]
        return UpstreamPartitions(
            PartitionSet.from_keys(upstream_def, existing, dynamic),
            tuple([PartitionKeyRange(key, key) for key in missing]),
        )

    def downstream_of(
        self,
        upstream: PartitionSet,
        upstream_def: PartitionsDefinition,
        downstream_def: PartitionsDefinition,
        now: Moment | None = None,
        dynamic: object | None = None,
    ) -> PartitionSet:
        """See `PartitionMapping.downstream_of`."""
        needed = self.upstream_of(None, None, upstream_def, now, dynamic).partitions
        if upstream & needed:
            return PartitionSet.all(downstream_def, now, dynamic)
        return PartitionSet.empty(downstream_def)

    def describe(self) -> str:
        """A short text for people."""
        return f"each partition from {', '.join(self.partition_keys[:5])}"

    def to_spec(self) -> MappingSpec:
        """The mapping as a plain value."""
        return MappingSpec("specific", {"keys": list(self.partition_keys)})


class StaticPartitionMapping(PartitionMapping):
    """Between fixed keys, written out.

    >>> StaticPartitionMapping({"de": "eu", "fr": "eu", "us": ["na", "world"]}).describe()
    'de -> eu, fr -> eu, us -> na + world'

    Args:
        downstream_partition_keys_by_upstream_partition_key: upstream key to the downstream key or keys that are made from it.
    """

    __slots__ = ("downstream_keys",)

    def __init__(self, downstream_partition_keys_by_upstream_partition_key: Mapping[str, str | Iterable[str]]) -> None:
        self.downstream_keys: dict[str, tuple[str, ...]] = {
            key: (value,) if isinstance(value, str) else tuple(value)
            for key, value in downstream_partition_keys_by_upstream_partition_key.items()
        }

    def upstream_of(
        self,
        downstream: PartitionSet | None,
        downstream_def: PartitionsDefinition | None,
        upstream_def: PartitionsDefinition,
        now: Moment | None = None,
        dynamic: object | None = None,
    ) -> UpstreamPartitions:
        """See `PartitionMapping.upstream_of`."""
        chosen = _needed(self, downstream)
        self.check(chosen.definition, upstream_def)
        keys = [up for up, downs in self.downstream_keys.items() if any(down in chosen for down in downs)]
        return UpstreamPartitions(PartitionSet.from_keys(upstream_def, keys, dynamic))

    def downstream_of(
        self,
        upstream: PartitionSet,
        upstream_def: PartitionsDefinition,
        downstream_def: PartitionsDefinition,
        now: Moment | None = None,
        dynamic: object | None = None,
    ) -> PartitionSet:
        """See `PartitionMapping.downstream_of`."""
        self.check(downstream_def, upstream_def)
        keys = [down for up, downs in self.downstream_keys.items() if up in upstream for down in downs]
        return PartitionSet.from_keys(downstream_def, keys, dynamic)

    def check(self, downstream_def: PartitionsDefinition | None, upstream_def: PartitionsDefinition) -> None:
        """Both definitions have to be fixed keys, among them all that the mapping names (WEFT-P033)."""
        ups = list(self.downstream_keys)
        downs = [down for keys in self.downstream_keys.values() for down in keys]
        for side, definition, keys in (("upstream", upstream_def, ups), ("downstream", downstream_def, downs)):
            unknown: Sequence[str] = keys
            if isinstance(definition, StaticPartitionsDefinition):
                unknown = [key for key in keys if definition.find(key) is None]
                if not unknown:
                    continue
            raise PartitionError(
                f"the mapping names {side} keys that do not exist.",
                code="WEFT-P033",
                facts={
                    "unknown": unknown,
                    side: "(no partitions)" if definition is None else definition.describe(),
                },
                fix="name keys of StaticPartitionsDefinition on both sides",
            )

    def describe(self) -> str:
        """A short text for people."""
        pairs = [f"{up} -> {' + '.join(downs)}" for up, downs in self.downstream_keys.items()]
        return ", ".join(pairs[:5]) + (", ..." if len(pairs) > 5 else "")

    def to_spec(self) -> MappingSpec:
        """The mapping as a plain value."""
        return MappingSpec("static", {"keys": {up: list(downs) for up, downs in self.downstream_keys.items()}})


class TimeWindowPartitionMapping(PartitionMapping):
    """Each window of time from the upstream windows that overlap it; the default between time windows of any two cadences.

    Args:
        start_offset: take the start of the window so many downstream windows later; -1 adds the window before. Windows that are
            excluded do not count, so on working days -1 goes from Monday to Friday.
        end_offset: the same for the end.
        allow_nonexistent_upstream_partitions: leave out what does not exist upstream instead of reporting it.

    Raises:
        PartitionError: (WEFT-P036) `start_offset` is greater than `end_offset`.
    """

    __slots__ = ("allow_nonexistent_upstream_partitions", "end_offset", "start_offset")

    def __init__(
        self,
        start_offset: int = 0,
        end_offset: int = 0,
        allow_nonexistent_upstream_partitions: bool = False,
    ) -> None:
        if start_offset > end_offset:
            raise PartitionError(
                "a mapping of time windows starts after it ends.",
                code="WEFT-P036",
                facts={"start_offset": start_offset, "end_offset": end_offset},
                fix="for the window before this one write start_offset=-1, end_offset=-1",
            )
        self.start_offset = start_offset
        self.end_offset = end_offset
        self.allow_nonexistent_upstream_partitions = allow_nonexistent_upstream_partitions

    def upstream_of(
        self,
        downstream: PartitionSet | None,
        downstream_def: PartitionsDefinition | None,
        upstream_def: PartitionsDefinition,
        now: Moment | None = None,
        dynamic: object | None = None,
    ) -> UpstreamPartitions:
        """See `PartitionMapping.upstream_of`."""
        chosen = _needed(self, downstream)
        down, up = self._checked(chosen.definition), self._checked(upstream_def)
        runs: list[tuple[int, int]] = []
        missing: list[PartitionKeyRange] = []
        count = up.count(now)
        windows = up.windows
        for start, end in self._needed_time(chosen.ordinals, down.windows):
            first, stop = windows.overlap(start, end)
            runs.append((max(first, 0), min(stop, count)))
            if self.allow_nonexistent_upstream_partitions:
                continue
            for low, high in ((first, min(stop, 0)), (max(first, count), stop)):
                if low < high:
                    ends = [up.key_of_instant(windows.span(number)[0]) for number in (low, high - 1)]
                    missing.append(PartitionKeyRange(*ends))
        return UpstreamPartitions(PartitionSet.from_ordinals(up, OrdinalSet.from_runs(runs)), tuple(missing))

    def downstream_of(
        self,
        upstream: PartitionSet,
        upstream_def: PartitionsDefinition,
        downstream_def: PartitionsDefinition,
        now: Moment | None = None,
        dynamic: object | None = None,
    ) -> PartitionSet:
        """See `PartitionMapping.downstream_of`."""
        down, up = self._checked(downstream_def), self._checked(upstream_def)
        # What does not exist upstream is upstream of nothing, as the other way round.
        existing = upstream.ordinals.clip(0, up.count(now))
        runs = []
        for run in existing.runs():
            for first, stop in up.windows.unbroken(*run):
                low, high = down.windows.overlap(up.windows.start_of(first), up.windows.end_of(stop - 1))
                runs.append((low - self.end_offset, high - self.start_offset))
        return PartitionSet.from_ordinals(down, OrdinalSet.from_runs(runs).clip(0, down.count(now)))

    def check(self, downstream_def: PartitionsDefinition | None, upstream_def: PartitionsDefinition) -> None:
        """Both definitions have to be windows of time (WEFT-P034)."""
        self._checked(downstream_def)
        self._checked(upstream_def)

    def describe(self) -> str:
        """A short text for people."""
        if not self.start_offset and not self.end_offset:
            return "each window from those that overlap it"
        return f"each window from those that overlap it, from {self.start_offset:+} to {self.end_offset:+} windows"

    def to_spec(self) -> MappingSpec:
        """The mapping as a plain value."""
        return MappingSpec(
            "time_window",
            {
                "start_offset": self.start_offset,
                "end_offset": self.end_offset,
                "allow_nonexistent_upstream_partitions": self.allow_nonexistent_upstream_partitions,
            },
        )

    def _needed_time(self, ordinals: OrdinalSet, windows: Windows) -> Iterable[tuple[int, int]]:
        """The stretches of time that the windows cover, moved by the offsets."""
        for start, stop in ordinals.runs():
            first, last = start + self.start_offset, stop - 1 + self.end_offset
            if self.start_offset < self.end_offset or not windows.has_exclusions:
                # Each window reaches at least to the next one, across any that are excluded.
                yield windows.span(first)[0], windows.span(last)[1]
                continue
            for number in range(first, min(last + 1, 0)):
                yield windows.span(number)
            for low, high in windows.unbroken(max(first, 0), last + 1):
                yield windows.start_of(low), windows.end_of(high - 1)

    def _checked(self, definition: PartitionsDefinition | None) -> TimeWindowPartitionsDefinition:
        if isinstance(definition, TimeWindowPartitionsDefinition):
            return definition
        raise PartitionError(
            "TimeWindowPartitionMapping needs windows of time on both sides.",
            code="WEFT-P034",
            facts={"partitions": "(none)" if definition is None else definition.describe()},
            fix="for a dimension of several, wrap it: MultiPartitionMapping({...: DimensionPartitionMapping(...)})",
        )


class DimensionPartitionMapping(Struct, frozen=True):
    """How an upstream dimension depends on a downstream one: the downstream dimension's name, and the mapping between their keys."""

    dimension_name: str
    partition_mapping: PartitionMapping


class MultiPartitionMapping(PartitionMapping):
    """Between products, dimension by dimension. Upstream dimensions that are not named are needed whole.

    Args:
        downstream_mappings_by_upstream_dimension: upstream dimension name to the downstream dimension and the mapping between them.
    """

    __slots__ = ("mappings",)

    def __init__(self, downstream_mappings_by_upstream_dimension: Mapping[str, DimensionPartitionMapping]) -> None:
        self.mappings = dict(downstream_mappings_by_upstream_dimension)

    def upstream_of(
        self,
        downstream: PartitionSet | None,
        downstream_def: PartitionsDefinition | None,
        upstream_def: PartitionsDefinition,
        now: Moment | None = None,
        dynamic: object | None = None,
    ) -> UpstreamPartitions:
        """See `PartitionMapping.upstream_of`."""
        chosen = _needed(self, downstream)
        down, up = self._checked(chosen.definition, upstream_def)
        found = PartitionSet.empty(up)
        missing: list[PartitionKeyRange] = []
        for box in self._separable(
            chosen.boxes(), [down.dimension_index(each.dimension_name) for each in self.mappings.values()]
        ):
            parts: list[UpstreamPartitions] = []
            for axis in up.partitions_defs:
                definition = axis.partitions_def
                each = self.mappings.get(axis.name)
                if each is None:
                    parts.append(UpstreamPartitions(PartitionSet.all(definition, now, dynamic)))
                    continue
                i = down.dimension_index(each.dimension_name)
                side = PartitionSet.from_ordinals(down.dimensions[i], box[i])
                parts.append(each.partition_mapping.upstream_of(side, side.definition, definition, now, dynamic))
            found |= PartitionSet(up, [tuple([part.partitions.ordinals for part in parts])])
            missing.extend(_missing_boxes(parts, dynamic))
        return UpstreamPartitions(found, tuple(missing))

    def downstream_of(
        self,
        upstream: PartitionSet,
        upstream_def: PartitionsDefinition,
        downstream_def: PartitionsDefinition,
        now: Moment | None = None,
        dynamic: object | None = None,
    ) -> PartitionSet:
        """See `PartitionMapping.downstream_of`."""
        down, up = self._checked(downstream_def, upstream_def)
        found = PartitionSet.empty(down)
        everything = [PartitionSet.all(each, now, dynamic).ordinals for each in down.dimensions]
        for box in (upstream & PartitionSet.all(up, now, dynamic)).boxes():
            sides = list(everything)
            for name, each in self.mappings.items():
                i, j = up.dimension_index(name), down.dimension_index(each.dimension_name)
                part = PartitionSet.from_ordinals(up.dimensions[i], box[i])
                sides[j] &= each.partition_mapping.downstream_of(
                    part, up.dimensions[i], down.dimensions[j], now, dynamic
                ).ordinals
            found |= PartitionSet(down, [tuple(sides)])
        return found

    def check(self, downstream_def: PartitionsDefinition | None, upstream_def: PartitionsDefinition) -> None:
        """Both definitions have to be products with the dimensions that the mapping names (WEFT-P031)."""
        down, up = self._checked(downstream_def, upstream_def)
        for name, each in self.mappings.items():
            each.partition_mapping.check(
                down.get_partitions_def_for_dimension(each.dimension_name), up.get_partitions_def_for_dimension(name)
            )

    def describe(self) -> str:
        """A short text for people."""
        return "; ".join(
            [
                f"{name} by {each.dimension_name}: {each.partition_mapping.describe()}"
                for name, each in sorted(self.mappings.items())
            ]
        )

    def to_spec(self) -> MappingSpec:
        """The mapping as a plain value."""
        return MappingSpec(
            "multi",
            {
                "dimensions": {
                    name: {"dimension": each.dimension_name, **_plain(each.partition_mapping.to_spec())}
                    for name, each in sorted(self.mappings.items())
                }
            },
        )

    def _separable(self, boxes: Iterable[Box], used: Sequence[int]) -> Iterable[Box]:
        """Boxes that can be mapped dimension by dimension: a dimension that several depend on has one ordinal at a time."""
        shared = sorted({i for i in used if used.count(i) > 1})
        for box in boxes:
            split = [box]
            for i in shared:
                split = [(*b[:i], OrdinalSet.of((o,)), *b[i + 1 :]) for b in split for o in b[i]]
            yield from split

    def _checked(
        self, downstream_def: PartitionsDefinition | None, upstream_def: PartitionsDefinition
    ) -> tuple[MultiPartitionsDefinition, MultiPartitionsDefinition]:
        if isinstance(downstream_def, MultiPartitionsDefinition) and isinstance(
            upstream_def, MultiPartitionsDefinition
        ):
            names = {
                "upstream": (upstream_def.partition_dimension_names, list(self.mappings)),
                "downstream": (
                    downstream_def.partition_dimension_names,
                    [each.dimension_name for each in self.mappings.values()],
                ),
            }
            wrong = [(side, name) for side, (known, used) in names.items() for name in used if name not in known]
            if not wrong:
                return downstream_def, upstream_def
            side, name = wrong[0]
            what = f'there is no {side} dimension "{name}"'
            fix = did_you_mean(name, names[side][0], f"use one of {', '.join(names[side][0])}")
        else:
            what = "one side does not have several dimensions"
            fix = "use MultiToSingleDimensionPartitionMapping between several dimensions and one"
        raise PartitionError(
            f"the mapping between dimensions does not fit: {what}.",
            code="WEFT-P031",
            facts={
                "downstream": "(no partitions)" if downstream_def is None else downstream_def.describe(),
                "upstream": upstream_def.describe(),
            },
            fix=fix,
        )


class MultiToSingleDimensionPartitionMapping(PartitionMapping):
    """Between a product and one of its dimensions, either of them upstream: partitions that agree in that dimension.

    Args:
        partition_dimension_name: the dimension of the product; by default the only one that fits the other side.
    """

    __slots__ = ("partition_dimension_name",)

    def __init__(self, partition_dimension_name: str | None = None) -> None:
        self.partition_dimension_name = partition_dimension_name

    def upstream_of(
        self,
        downstream: PartitionSet | None,
        downstream_def: PartitionsDefinition | None,
        upstream_def: PartitionsDefinition,
        now: Moment | None = None,
        dynamic: object | None = None,
    ) -> UpstreamPartitions:
        """See `PartitionMapping.upstream_of`."""
        chosen = _needed(self, downstream)
        name, inner = self._dimension(chosen.definition, upstream_def)
        if isinstance(upstream_def, MultiPartitionsDefinition):
            side = upstream_def.get_partitions_def_for_dimension(name)
            part = inner.upstream_of(chosen, chosen.definition, side, now, dynamic)
            parts = [
                part if axis.name == name else UpstreamPartitions(PartitionSet.all(axis.partitions_def, now, dynamic))
                for axis in upstream_def.partitions_defs
            ]
            found = PartitionSet(upstream_def, [tuple([each.partitions.ordinals for each in parts])])
            return UpstreamPartitions(found, tuple(_missing_boxes(parts, dynamic)))
        axis = chosen.dimension(name)
        return inner.upstream_of(axis, axis.definition, upstream_def, now, dynamic)

    def downstream_of(
        self,
        upstream: PartitionSet,
        upstream_def: PartitionsDefinition,
        downstream_def: PartitionsDefinition,
        now: Moment | None = None,
        dynamic: object | None = None,
    ) -> PartitionSet:
        """See `PartitionMapping.downstream_of`."""
        name, inner = self._dimension(downstream_def, upstream_def)
        if isinstance(downstream_def, MultiPartitionsDefinition):
            side = downstream_def.get_partitions_def_for_dimension(name)
            part = inner.downstream_of(upstream, upstream_def, side, now, dynamic)
            return PartitionSet.product(downstream_def, {name: part}, now, dynamic)
        existing = upstream & PartitionSet.all(upstream_def, now, dynamic)
        axis = existing.dimension(name)
        return inner.downstream_of(axis, axis.definition, downstream_def, now, dynamic)

    def check(self, downstream_def: PartitionsDefinition | None, upstream_def: PartitionsDefinition) -> None:
        """One side has to be a product, and exactly one of its dimensions (that of the given name) fit the other side (WEFT-P030)."""
        self._dimension(downstream_def, upstream_def)

    def describe(self) -> str:
        """A short text for people."""
        return f"the same {self.partition_dimension_name or 'dimension'}"

    def to_spec(self) -> MappingSpec:
        """The mapping as a plain value."""
        return MappingSpec("multi_to_single", {"dimension": self.partition_dimension_name})

    def _dimension(
        self, downstream_def: PartitionsDefinition | None, upstream_def: PartitionsDefinition
    ) -> tuple[str, PartitionMapping]:
        product, single = upstream_def, downstream_def
        if isinstance(downstream_def, MultiPartitionsDefinition):
            product, single = downstream_def, upstream_def
        fitting: dict[str, PartitionMapping] = {}
        if isinstance(product, MultiPartitionsDefinition) and single is not None:
            fitting = _fitting_dimensions(product, single)
            if self.partition_dimension_name is not None:
                wanted = self.partition_dimension_name
                fitting = {name: each for name, each in fitting.items() if name == wanted}
        if len(fitting) == 1:
            return next(iter(fitting.items()))
        raise PartitionError(
            "no dimension, or more than one, fits the partitions of the other side.",
            code="WEFT-P030",
            facts={
                "dimension": self.partition_dimension_name or "(not given)",
                "downstream": "(no partitions)" if downstream_def is None else downstream_def.describe(),
                "upstream": upstream_def.describe(),
            },
            fix="name the dimension: MultiToSingleDimensionPartitionMapping(partition_dimension_name=...); its keys have to "
            "be those of the other side, or both have to be windows of time",
        )


def infer_mapping(downstream_def: PartitionsDefinition | None, upstream_def: PartitionsDefinition) -> PartitionMapping:
    """The mapping that holds where none is given.

    Equal definitions: by key. Two definitions of time windows: by overlap. A product and one of its dimensions: by that dimension, where
    exactly one fits. Otherwise all; also where the downstream asset has no partitions.
    """
    if downstream_def is None:
        return AllPartitionMapping()
    if downstream_def == upstream_def:
        return IdentityPartitionMapping()
    if isinstance(downstream_def, TimeWindowPartitionsDefinition) and isinstance(
        upstream_def, TimeWindowPartitionsDefinition
    ):
        return TimeWindowPartitionMapping()
    for product, single in ((downstream_def, upstream_def), (upstream_def, downstream_def)):
        if isinstance(product, MultiPartitionsDefinition) and not isinstance(single, MultiPartitionsDefinition):
            fitting = _fitting_dimensions(product, single)
            if len(fitting) == 1:
                return MultiToSingleDimensionPartitionMapping(next(iter(fitting)))
    return AllPartitionMapping()


def mapping_from_spec(spec: MappingSpec) -> PartitionMapping:
    """The mapping that `PartitionMapping.to_spec` described; equal to it.

    Raises:
        PartitionError: (WEFT-P032) it is one of the user's own, or of a kind that this version does not know.
    """
    params = spec.params
    if spec.kind == "identity":
        return IdentityPartitionMapping()
    if spec.kind == "all":
        return AllPartitionMapping()
    if spec.kind == "last":
        return LastPartitionMapping()
    if spec.kind == "specific":
        return SpecificPartitionsPartitionMapping(params["keys"])
    if spec.kind == "static":
        return StaticPartitionMapping(params["keys"])
    if spec.kind == "time_window":
        return TimeWindowPartitionMapping(**params)
    if spec.kind == "multi":
        return MultiPartitionMapping(
            {
                name: DimensionPartitionMapping(
                    each["dimension"], mapping_from_spec(MappingSpec(each["kind"], each["params"]))
                )
                for name, each in params["dimensions"].items()
            }
        )
    if spec.kind == "multi_to_single":
        return MultiToSingleDimensionPartitionMapping(params["dimension"])
    raise PartitionError(
        "a partition mapping of the user's own can only be evaluated where their code is.",
        code="WEFT-P032",
        facts={"kind": spec.kind, "class": params.get("class", "(unknown)")},
        fix="ask the code location that defines it, or use one of the mappings that weft has",
    )


def _plain(spec: MappingSpec) -> dict[str, Any]:
    return {"kind": spec.kind, "params": dict(spec.params)}


def _needed(mapping: PartitionMapping, downstream: PartitionSet | None) -> PartitionSet:
    if downstream is not None:
        return downstream
    raise PartitionError(
        f"{type(mapping).__name__} needs partitions downstream.",
        code="WEFT-P037",
        facts={"mapping": mapping.describe()},
        fix="use AllPartitionMapping, LastPartitionMapping or SpecificPartitionsPartitionMapping for an asset without partitions",
    )


def _last(definition: PartitionsDefinition, now: Moment | None, dynamic: object | None) -> PartitionSet:
    everything = PartitionSet.all(definition, now, dynamic)
    if not everything:
        return everything
    (box,) = everything.boxes()
    return PartitionSet(definition, [tuple([OrdinalSet.of((part.last,)) for part in box])])


def _by_same_key(chosen: PartitionSet, target: PartitionsDefinition, dynamic: object | None) -> PartitionSet:
    """The partitions of `target` that have the keys of `chosen`, whether they exist or not."""
    source = chosen.definition
    if source == target:
        return chosen
    if isinstance(source, TimeWindowPartitionsDefinition) and isinstance(target, TimeWindowPartitionsDefinition):
        if source.cadence_and_format == target.cadence_and_format:
            runs = []
            for run in chosen.ordinals.runs():
                for first, stop in source.windows.unbroken(*run):
                    start, end = source.windows.start_of(first), source.windows.start_of(stop - 1)
                    runs.append((target.windows.before(start), target.windows.before(end + 1)))
            return PartitionSet.from_ordinals(target, OrdinalSet.from_runs(runs))
    elif (
        isinstance(source, MultiPartitionsDefinition)
        and isinstance(target, MultiPartitionsDefinition)
        and source.partition_dimension_names == target.partition_dimension_names
    ):
        found = PartitionSet.empty(target)
        for box in chosen.boxes():
            parts = [
                _by_same_key(PartitionSet.from_ordinals(each, ordinals), other, dynamic).ordinals
                for each, ordinals, other in zip(source.dimensions, box, target.dimensions, strict=True)
            ]
            found |= PartitionSet(target, [tuple(parts)])
        return found
    coordinates = target.coordinates_of(chosen.keys(dynamic), dynamic)
    return PartitionSet.from_coordinates(target, [each for each in coordinates if each is not None])


def _fitting_dimensions(
    product: MultiPartitionsDefinition, single: PartitionsDefinition
) -> dict[str, PartitionMapping]:
    """The dimensions that have the keys of `single`; where there is none, those of time, for windows of time."""
    same: dict[str, PartitionMapping] = {
        axis.name: IdentityPartitionMapping() for axis in product.partitions_defs if axis.partitions_def == single
    }
    if same or not isinstance(single, TimeWindowPartitionsDefinition):
        return same
    return {axis.name: TimeWindowPartitionMapping() for axis in product.time_window_dimensions}


def _missing_boxes(parts: Sequence[UpstreamPartitions], dynamic: object | None) -> Iterable[PartitionKeyRange]:
    """What does not exist in one dimension, with what is needed in the others."""
    existing = [
        list(part.partitions.key_ranges(dynamic)) if any(p.nonexistent for p in parts) else [] for part in parts
    ]
    for i, part in enumerate(parts):
        rows: list[list[PartitionKeyRange]] = [[]]
        for j, others in enumerate(existing):
            spans = part.nonexistent if i == j else others
            rows = [[*row, span] for row in rows for span in spans]
        for row in rows:
            yield PartitionKeyRange(join_parts([span.start for span in row]), join_parts([span.end for span in row]))
