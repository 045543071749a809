"""What all I/O managers share that keep each value at a place of its own: which places an output or an input means.

A value of an asset has its place by the asset's key and partition, so that every later run finds it; another output by run, step, name
and mapping key. Partitions:

- loading one gives its value; loading several gives a dict from partition key to value, in order; loading none gives an empty dict;
- with ``allow_missing_partitions`` in the metadata of the input, partitions that are not there are left out (one alone is None);
- a run over several partitions stores a dict from partition key to value, one value at each place.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from weft.definitions.io_manager import IOManager
from weft.errors import IOManagerError, some_of
from weft.execution.io_contexts import InputContext, IOContext, OutputContext
from weft.model.keys import AssetKey

ALLOW_MISSING = "allow_missing_partitions"
"""The metadata key of an input that may lack partitions."""


NOT_STORED = "WEFT-X032"
"""The code of the error for a value that is not there."""


class Place(NamedTuple):
    """Where one value belongs."""

    # The parts of the asset's key; None for another output.
    asset: tuple[str, ...] | None = None
    # The partition of the asset, where it has any.
    partition: str | None = None
    # Run, step, output, and mapping key for a dynamic one; empty for an asset.
    output: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The value in words: ``partition "b" of asset "a"``."""
        if self.asset is not None:
            name = f'asset "{AssetKey(self.asset).to_user_string()}"'
            return name if self.partition is None else f'partition "{self.partition}" of {name}'
        _, step_key, name, *mapping_key = self.output
        text = f'output "{name}" of step "{step_key}"'
        return f'{text}, mapping key "{mapping_key[0]}"' if mapping_key else text


class NotStored(Exception):
    """There is no value at a place. `where` is the place for people: a path."""

    def __init__(self, place: Place, where: str) -> None:
        self.place = place
        self.where = where
        super().__init__(f"{place} is not at {where}")


def place_of(context: IOContext, partition: str | None = None) -> Place:
    """The place of the value that `context` means, or of one partition of it."""
    if context.has_asset_key:
        return Place(context.asset_key.parts, partition)
    source = context.upstream_output if isinstance(context, InputContext) and context.upstream_output else context
    assert isinstance(source, (InputContext, OutputContext))
    return Place(output=tuple(source.get_identifier()))


class PlacedIOManager(IOManager):
    """Base of I/O managers that keep each value at its own `Place`."""

    @abstractmethod
    def store_at(self, context: OutputContext, place: Place, obj: Any) -> None:
        """Put `obj` at `place`, in the place of what is there."""

    @abstractmethod
    def load_from(self, context: InputContext, place: Place) -> Any:
        """The value at `place`.

        Raises:
            NotStored: there is none.
        """

    def load_each(self, context: InputContext, places: Sequence[Place]) -> list[Any]:
        """The value at each of `places`; a `NotStored` in the place of one that is not there."""
        found: list[Any] = []
        for place in places:
            try:
                found.append(self.load_from(context, place))
            except NotStored as missing:
                found.append(missing)
        return found

    def handle_output(self, context: OutputContext, obj: Any) -> None:
        """See `OutputManager.handle_output`.

        Raises:
            IOManagerError: (WEFT-X034) several partitions are stored, and `obj` is not a dict with a value for each.
        """
        if not context.has_asset_key or not context.has_asset_partitions:
            self.store_at(context, place_of(context), obj)
            return
        keys = context.asset_partition_keys
        if len(keys) == 1:
            self.store_at(context, place_of(context, keys[0]), obj)
            return
        values = _values_by_partition(context, keys, obj)
        for key in keys:
            self.store_at(context, place_of(context, key), values[key])

    def load_input(self, context: InputContext) -> Any:
        """See `InputManager.load_input`.

        Raises:
            IOManagerError: (WEFT-X032) something is not stored.
        """
        if not context.has_asset_key or not context.has_asset_partitions:
            return self._load_one(context, place_of(context))
        keys = context.asset_partition_keys
        may_miss = bool(context.definition_metadata.get(ALLOW_MISSING))
        if len(keys) == 1 and not may_miss:
            return self._load_one(context, place_of(context, keys[0]))
        found = self.load_each(context, [place_of(context, key) for key in keys])
        found = [self._renamed(context, each) if isinstance(each, NotStored) else each for each in found]
        missing = [each for each in found if isinstance(each, NotStored)]
        if missing and not may_miss:
            raise _not_stored(context, missing) from missing[0].__cause__
        values = {key: value for key, value in zip(keys, found, strict=True) if not isinstance(value, NotStored)}
        return next(iter(values.values()), None) if len(keys) == 1 else values

    def has_value(self, context: OutputContext) -> bool:
        """Whether everything that `context` means is stored: the value, or that of each of its partitions."""
        if not context.has_asset_key or not context.has_asset_partitions:
            places = [place_of(context)]
        else:
            places = [place_of(context, key) for key in context.asset_partition_keys]
        return all(any(map(self.is_at, (place, *_earlier_places(context, place)))) for place in places)

    def is_at(self, place: Place) -> bool:
        """Whether there is a value at `place`. True where that cannot be told."""
        return True

    def _load_one(self, context: InputContext, place: Place) -> Any:
        try:
            return self.load_from(context, place)
        except NotStored as missing:
            found = self._renamed(context, missing)
            if isinstance(found, NotStored):
                raise _not_stored(context, [missing]) from missing.__cause__
            return found

    def _renamed(self, context: InputContext, missing: NotStored) -> Any:
        """The value of a renamed asset that was stored under an earlier key; `missing` where there is none."""
        for place in _earlier_places(context, missing.place):
            try:
                return self.load_from(context, place)
            except NotStored:
                continue
        return missing


def _earlier_places(context: IOContext, place: Place) -> list[Place]:
    """Where the value of an asset was before it was renamed (`renamed_from`), the latest key first."""
    source = context.upstream_output if isinstance(context, InputContext) else context
    spec = source.asset_spec if source is not None and place.asset is not None else None
    return [place._replace(asset=key.parts) for key in spec.renamed_from] if spec is not None else []


def _not_stored(context: InputContext, missing: Sequence[NotStored]) -> IOManagerError:
    first = missing[0].place
    facts: dict[str, object] = {
        "looked at": missing[0].where,
        "needed by": f'input "{context.name}" of step "{context.step_key}"',
    }
    if first.asset is None:
        facts["run"] = first.output[0]
        fix = "run that step again, or see that both steps use the same I/O manager"
    else:
        fix = f"make it first: weft asset materialize --select {_word(AssetKey(first.asset).to_user_string())}"
        if first.partition is not None:
            fix += f" --partition {_word(first.partition)}"
    if len(missing) > 1:
        facts["also missing"] = some_of([str(each.place.partition) for each in missing[1:]])
        fix += f"\nor let it be missing: AssetIn(metadata={{{ALLOW_MISSING!r}: True}})"
    return IOManagerError(f"{first} is not stored.", code=NOT_STORED, facts=facts, fix=fix)


def _values_by_partition(context: OutputContext, keys: Sequence[str], obj: Any) -> Mapping[str, Any]:
    """`obj`, if it has a value for each of several partitions and nothing else."""
    if isinstance(obj, Mapping) and len(obj) == len(keys) and all(key in obj for key in keys):
        return obj
    found = (
        f"a dict with other keys: {some_of(map(str, obj))}"
        if isinstance(obj, Mapping)
        else f"a {type(obj).__qualname__}"
    )
    raise IOManagerError(
        f'asset "{context.asset_key.to_user_string()}" was made for {len(keys)} partitions at once, '
        "but its value does not say which part belongs to which.",
        code="WEFT-X034",
        facts={"partitions": some_of(keys), "found": found},
        fix="return a dict from partition key to value, or store the parts yourself and return MaterializeResult()",
    )


def _word(text: str) -> str:
    """`text` as one word of a shell."""
    import shlex

    return shlex.quote(text)
