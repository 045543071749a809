"""Sets of partitions of one definition, as compressed sets of integers.

A set does not hold keys but coordinates: for each dimension the ordinal of the key there. These never change while time passes and
keys are added, so a stored set stays true. (The number of a dynamic key is its number in the store's order of addition; where the store cannot
give lasting numbers, it is its place in the list, and a stored set is valid until an earlier key is removed.)

In one dimension a set is one `OrdinalSet`. In several it has one of two forms:

- few *boxes*, each a product of one `OrdinalSet` for each dimension, disjoint from each other. Whole spaces, slices by any dimension and their
  unions and differences are that: their size does not depend on how many keys they have;
- *cells*: each key as one integer, the sum of coordinate times stride, in one `OrdinalSet`. What is too ragged for boxes is that: at
  most about two bytes a key, and an eighth of a byte where most keys are in.

Strides put dimensions that grow (time, dynamic keys) outside, so growth moves nothing; where several grow, the inner ones get room for sixteen
times as many at a time, and sets of different room are brought to the greater one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from math import prod
from typing import Any, TypeAlias

from weft.errors import PartitionError
from weft.model.partitions.definitions import (
    DynamicPartitionsDefinition,
    Moment,
    MultiPartitionsDefinition,
    PartitionsDefinition,
    StaticPartitionsDefinition,
    TimeWindowPartitionsDefinition,
    checked_stop,
)
from weft.model.partitions.keys import PartitionKeyRange, join_parts
from weft.model.partitions.ordinals import OrdinalSet, read_number, unreadable_set, write_number

Box: TypeAlias = tuple[OrdinalSet, ...]
"""A product: one set of ordinals for each dimension, none of them empty."""

_MAGIC = b"WPS\x01"  # partition set, form 1
_BOXES, _CELLS = 0, 1

_FEW_BOXES = 16
# A set of more keys than this would take tens of megabytes as cells: it stays boxes for longer.
_MANY_KEYS = 1 << 27
_MOST_BOXES = 512
_KEYS_AT_A_TIME = 1_000
_ROOM_BITS = 4  # a growing inner dimension gets room for 2 to the power of a multiple of this


class PartitionSet:
    """An immutable set of partitions of one definition.

    >>> from weft.model.partitions.definitions import StaticPartitionsDefinition
    >>> colours = StaticPartitionsDefinition(["red", "green", "blue"])
    >>> warm = PartitionSet.from_keys(colours, ["red"])
    >>> list(warm.complement()), len(warm), "red" in warm
    (['green', 'blue'], 1, True)

    Sets of different definitions cannot be combined (WEFT-P019); a `PartitionMapping` carries one over to another definition.
    """

    __slots__ = ("_boxes", "_cells", "_strides", "definition")

    definition: PartitionsDefinition
    # Exactly one of the two is there; the strides with the cells, in the order of the dimensions.
    _boxes: tuple[Box, ...] | None
    _cells: OrdinalSet | None
    _strides: tuple[int, ...]

    def __init__(self, definition: PartitionsDefinition, boxes: Iterable[Box] = ()) -> None:
        """The union of `boxes`, which have to be disjoint. The constructors below are easier to use."""
        self.definition = definition
        self._strides = ()
        self._boxes = tuple([box for box in boxes if all(box)])
        self._cells = None
        if _too_many(self._boxes):
            self._strides = _strides(definition, self._rooms())
            cells = OrdinalSet.of(())
            for box in self._boxes:
                cells |= _cells_of(definition, box, self._strides)
            self._boxes, self._cells = None, cells

    @classmethod
    def empty(cls, definition: PartitionsDefinition) -> PartitionSet:
        """No partition."""
        return cls(definition)

    @classmethod
    def all(
        cls, definition: PartitionsDefinition, now: Moment | None = None, dynamic: object | None = None
    ) -> PartitionSet:
        """Every partition that exists at `now`, with the dynamic keys in the store `dynamic`."""
        return cls(definition, [tuple([_existing(each, now, dynamic) for each in definition.dimensions])])

    @classmethod
    def from_keys(
        cls, definition: PartitionsDefinition, keys: Iterable[str], dynamic: object | None = None
    ) -> PartitionSet:
        """The partitions of these keys. Time windows that have not ended yet are allowed.

        Raises:
            PartitionError: (WEFT-P001) a key is none of the definition.
        """
        listed = [keys] if isinstance(keys, str) else list(keys)
        found = definition.coordinates_of(listed, dynamic)
        coordinates = [each for each in found if each is not None]
        if len(coordinates) < len(listed):
            definition.ordinal_of(
                listed[found.index(None)], None, dynamic
            )  # raises: it says what is wrong with the key
        return cls.from_coordinates(definition, coordinates)

    @classmethod
    def from_range(
        cls,
        definition: PartitionsDefinition,
        partition_key_range: PartitionKeyRange,
        dynamic: object | None = None,
    ) -> PartitionSet:
        """The partitions from the start to the end of a range, both included; in several dimensions the box between them.

        Raises:
            PartitionError: (WEFT-P001) an end is no key of the definition; (WEFT-P017) the end lies before the start.
        """
        ends = definition.coordinates_of(partition_key_range, dynamic)
        box = []
        for i, each in enumerate(definition.dimensions):
            low, high = ends
            if low is None or high is None:
                definition.ordinal_of(list(partition_key_range)[ends.index(None)], None, dynamic)
                raise AssertionError("a key without coordinates has no ordinal")
            ordinals = OrdinalSet.span(low[i], checked_stop(partition_key_range, low[i], high[i]))
            if isinstance(each, DynamicPartitionsDefinition):
                ordinals &= _existing(each, None, dynamic)
            box.append(ordinals)
        return cls(definition, [tuple(box)])

    @classmethod
    def from_ordinals(cls, definition: PartitionsDefinition, ordinals: OrdinalSet | Iterable[int]) -> PartitionSet:
        """The partitions of these ordinals, for a definition of one dimension."""
        if len(definition.dimensions) > 1:
            return cls(definition)._one_dimension()
        return cls(definition, [(ordinals if isinstance(ordinals, OrdinalSet) else OrdinalSet.of(ordinals),)])

    @classmethod
    def from_coordinates(cls, definition: PartitionsDefinition, coordinates: Sequence[Sequence[int]]) -> PartitionSet:
        """The partitions of these coordinates, each a number for every dimension."""
        if len(definition.dimensions) == 1:
            return cls(definition, [(OrdinalSet.of([ordinal for (ordinal,) in coordinates]),)])
        if len(coordinates) <= _FEW_BOXES:
            distinct = dict.fromkeys(map(tuple, coordinates))
            boxes = [tuple([OrdinalSet.of((ordinal,)) for ordinal in each]) for each in distinct]
            return cls(definition, _merged(boxes))
        rooms = [max(column) + 1 for column in zip(*coordinates, strict=True)]
        strides = _strides(definition, rooms)
        cells = [sum([ordinal * stride for ordinal, stride in zip(each, strides, strict=True)]) for each in coordinates]
        return cls._from_cells(definition, OrdinalSet.of(cells), strides)

    @classmethod
    def product(
        cls,
        definition: PartitionsDefinition,
        parts: Mapping[str, PartitionSet | Iterable[str] | str],
        now: Moment | None = None,
        dynamic: object | None = None,
    ) -> PartitionSet:
        """Every combination of these keys of some dimensions with all keys of the others: a slice, or a box.

        Args:
            definition: a product of dimensions.
            parts: dimension name to its keys: one, several, or a set of the dimension's definition.
            now: which keys exist in the dimensions that are not named.
            dynamic: the store of dynamic keys.

        Raises:
            PartitionError: (WEFT-P015) there is no such dimension; (WEFT-P001) a key is none of its dimension.
        """
        if not isinstance(definition, MultiPartitionsDefinition):
            raise _needs_dimensions(definition)
        box: list[OrdinalSet | None] = [None] * len(definition.dimensions)
        for name, part in parts.items():
            i = definition.dimension_index(name)
            each = definition.dimensions[i]
            chosen = part if isinstance(part, PartitionSet) else cls.from_keys(each, part, dynamic)
            box[i] = cls.empty(each)._combined_with(chosen, OrdinalSet.__or__).ordinals
        filled = [
            _existing(each, now, dynamic) if chosen is None else chosen
            for each, chosen in zip(definition.dimensions, box, strict=True)
        ]
        return cls(definition, [tuple(filled)])

    def __len__(self) -> int:
        if self._boxes is not None:
            return sum([prod(map(len, box)) for box in self._boxes])
        return len(self._known_cells)

    def __bool__(self) -> bool:
        return bool(self._boxes) if self._boxes is not None else bool(self._cells)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self.contains(key)

    def contains(self, key: str, dynamic: object | None = None) -> bool:
        """Whether the partition of this key is in the set. ``key in partitions`` says the same."""
        coordinates = self.definition.coordinates_of([key], dynamic)[0]
        return coordinates is not None and self.has_coordinates(coordinates)

    def has_coordinates(self, coordinates: Sequence[int]) -> bool:
        """Whether the partition of these coordinates (in one dimension: of this ordinal) is in the set."""
        if self._boxes is not None:
            return any(
                all(ordinal in each for ordinal, each in zip(coordinates, box, strict=True)) for box in self._boxes
            )
        rooms = self._rooms()
        if any(ordinal >= room for ordinal, room in zip(coordinates, rooms, strict=True)):
            return False
        return sum([o * stride for o, stride in zip(coordinates, self._strides, strict=True)]) in self._known_cells

    def __iter__(self) -> Iterator[str]:
        return self.keys()

    def keys(self, dynamic: object | None = None) -> Iterator[str]:
        """The keys, computed as they are asked for: ascending in one dimension, box by box in several.

        Dynamic keys that were removed from the store meanwhile are left out.
        """
        coordinates = self.coordinates()
        while batch := list(islice(coordinates, _KEYS_AT_A_TIME)):
            for key in self.definition.keys_of(batch, dynamic):
                if key is not None:
                    yield key

    def coordinates(self) -> Iterator[tuple[int, ...]]:
        """The coordinates of every partition of the set, in the order of `keys`."""
        order = _order(self.definition)
        if self._boxes is None:
            for cell in self._known_cells:
                rest, place = cell, [0] * len(order)
                for i in order:
                    place[i], rest = divmod(rest, self._strides[i])
                yield tuple(place)
            return
        for box in self._boxes:
            for values in _product([box[i] for i in order]):
                by_dimension = dict(zip(order, values, strict=True))
                yield tuple([by_dimension[i] for i in range(len(order))])

    def boxes(self) -> Iterator[Box]:
        """The set as disjoint products, one `OrdinalSet` for each dimension; lazily, as there may be many."""
        if self._boxes is not None:
            return iter(self._boxes)
        order = _order(self.definition)
        places = [order.index(i) for i in range(len(order))]
        found = _boxes_of(self._known_cells, [self._strides[i] for i in order])
        return (tuple([box[place] for place in places]) for box in found)

    @property
    def ordinals(self) -> OrdinalSet:
        """The ordinals, for a definition of one dimension."""
        if len(self.definition.dimensions) > 1:
            self._one_dimension()
        assert self._boxes is not None, "one dimension is always one box"
        return self._boxes[0][0] if self._boxes else OrdinalSet.of(())

    def key_ranges(self, dynamic: object | None = None) -> Iterator[PartitionKeyRange]:
        """The set as ranges of keys, disjoint; in several dimensions each is a box (see `PartitionKeyRange`)."""
        definition = self.definition
        parts = definition.dimensions
        for box in self.boxes():
            columns: list[list[tuple[str, str]]] = []
            for each, ordinals in zip(parts, box, strict=True):
                known = ordinals
                if isinstance(each, DynamicPartitionsDefinition):
                    known &= _existing(each, None, dynamic)
                runs = list(known.runs())
                ends = each.keys_of([(place,) for start, stop in runs for place in (start, stop - 1)], dynamic)
                keys = [key for key in ends if key is not None]
                columns.append(list(zip(keys[::2], keys[1::2], strict=True)))
            for combination in _product(columns):
                starts, stops = zip(*combination, strict=True)
                if len(parts) == 1:
                    yield PartitionKeyRange(starts[0], stops[0])
                else:
                    yield PartitionKeyRange(join_parts(starts), join_parts(stops))

    def dimension(self, name: str) -> PartitionSet:
        """The keys of one dimension that occur in the set."""
        if not isinstance(self.definition, MultiPartitionsDefinition):
            raise _needs_dimensions(self.definition)
        i = self.definition.dimension_index(name)
        found = OrdinalSet.of(())
        for box in self.boxes():
            found |= box[i]
        return PartitionSet(self.definition.dimensions[i], [(found,)])

    def group_by(self, name: str, dynamic: object | None = None) -> Iterator[tuple[str, PartitionSet]]:
        """For each key of a dimension that occurs: the key, and the partitions of the set that have it."""
        axis = self.dimension(name)
        assert isinstance(self.definition, MultiPartitionsDefinition), "`dimension` has said so"
        i = self.definition.dimension_index(name)
        everything: list[OrdinalSet] = [OrdinalSet.of(()) for _ in self.definition.dimensions]
        for box in self.boxes():
            everything = [known | each for known, each in zip(everything, box, strict=True)]
        for ordinal in axis.ordinals:
            key = axis.definition.keys_of([(ordinal,)], dynamic)[0]
            if key is not None:
                everything[i] = OrdinalSet.of((ordinal,))
                yield key, self & PartitionSet(self.definition, [tuple(everything)])

    def __or__(self, other: PartitionSet) -> PartitionSet:
        return self._combined_with(other, OrdinalSet.__or__)

    def __and__(self, other: PartitionSet) -> PartitionSet:
        return self._combined_with(other, OrdinalSet.__and__)

    def __sub__(self, other: PartitionSet) -> PartitionSet:
        return self._combined_with(other, OrdinalSet.__sub__)

    def __xor__(self, other: PartitionSet) -> PartitionSet:
        return (self - other) | (other - self)

    def complement(self, now: Moment | None = None, dynamic: object | None = None) -> PartitionSet:
        """The partitions that exist at `now` and are not in the set."""
        return PartitionSet.all(self.definition, now, dynamic) - self

    def isdisjoint(self, other: PartitionSet) -> bool:
        """Whether the sets have nothing in common."""
        return not self & other

    def __le__(self, other: PartitionSet) -> bool:
        return not self - other

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PartitionSet):
            return NotImplemented
        if self.definition != other.definition or len(self) != len(other):
            return False
        return (self._boxes is not None and self._boxes == other._boxes) or not self - other

    def __hash__(self) -> int:
        return hash((self.definition, len(self)))

    def __repr__(self) -> str:
        text = ", ".join([f"{start}...{end}" if start != end else start for start, end in self._some_ranges()])
        return f"<{len(self)} partitions of {self.definition.describe()}: {text}>"

    def to_bytes(self) -> bytes:
        """The set in few bytes. They say which keys the definition had, so that `from_bytes` notices another one."""
        result = bytearray(_MAGIC)
        parts = self.definition.dimensions
        result.append(len(parts))
        for each in parts:
            size = each.count() if isinstance(each, StaticPartitionsDefinition) else 0
            write_number(result, size)
            result += each.fingerprint(size)
        boxes = self._boxes
        if boxes is None:  # cells may have become few boxes again
            first = tuple(islice(self.boxes(), _FEW_BOXES + 1))
            boxes = first if len(first) <= _FEW_BOXES else None
        if boxes is None:
            result.append(_CELLS)
            for stride in self._strides:
                write_number(result, stride)
            return bytes(result) + self._known_cells.to_bytes()
        result.append(_BOXES)
        for box in boxes:
            for ordinals in box:
                data = ordinals.to_bytes()
                write_number(result, len(data))
                result += data
        return bytes(result)

    @classmethod
    def from_bytes(cls, definition: PartitionsDefinition, data: bytes) -> PartitionSet:
        """The set that `to_bytes` wrote.

        Fixed keys that were appended to the definition since then are fine, and so is another end of time windows.

        Raises:
            PartitionError: the bytes are no set (WEFT-P020), or one of a definition with other keys (WEFT-P021).
        """
        parts = definition.dimensions
        if not data.startswith(_MAGIC) or len(data) <= len(_MAGIC) + 1:
            raise unreadable_set("it does not start like one")
        offset = len(_MAGIC) + 1
        same = data[offset - 1] == len(parts)
        for each in parts:
            if same:
                size, offset = read_number(data, offset)
                same = data[offset : offset + 8] == each.fingerprint(size)
                offset += 8
        if not same:
            raise PartitionError(
                "a stored set of partitions belongs to another definition.",
                code="WEFT-P021",
                facts={"asked for": definition.describe()},
                fix="read it with the definition that it was written with; IdentityPartitionMapping carries it over by key",
            )
        form = data[offset] if offset < len(data) else -1
        offset += 1
        if form == _CELLS:
            strides = []
            for _ in parts:
                stride, offset = read_number(data, offset)
                strides.append(stride)
            return cls._from_cells(definition, OrdinalSet.from_bytes(data[offset:]), tuple(strides))
        if form != _BOXES:
            raise unreadable_set(f"unknown form {form}")
        boxes = []
        while offset < len(data):
            box = []
            for _ in parts:
                length, offset = read_number(data, offset)
                if offset + length > len(data):
                    raise unreadable_set("it ends too early")
                box.append(OrdinalSet.from_bytes(data[offset : offset + length]))
                offset += length
            boxes.append(tuple(box))
        return cls(definition, boxes)

    @classmethod
    def _from_cells(cls, definition: PartitionsDefinition, cells: OrdinalSet, strides: tuple[int, ...]) -> PartitionSet:
        made = cls(definition)
        if cells:
            made._boxes, made._cells, made._strides = None, cells, strides
        return made

    @property
    def _known_cells(self) -> OrdinalSet:
        assert self._cells is not None, "a set has boxes or cells"
        return self._cells

    def _rooms(self) -> list[int]:
        """For each dimension a number above all ordinals in use (for cells: that can be in use)."""
        if self._boxes is not None:
            count = len(self.definition.dimensions)
            return [max([box[i].last + 1 for box in self._boxes], default=0) for i in range(count)]
        order = _order(self.definition)
        rooms = [0] * len(order)
        above = self._known_cells.last + 1
        for i in order:
            rooms[i] = -(-above // self._strides[i])
            above = self._strides[i]
        return rooms

    def _as_cells(self, strides: tuple[int, ...]) -> OrdinalSet:
        if self._cells is not None and self._strides == strides:
            return self._cells
        cells = OrdinalSet.of(())
        for box in self.boxes():
            cells |= _cells_of(self.definition, box, strides)
        return cells

    def _combined_with(
        self, other: PartitionSet, operation: Callable[[OrdinalSet, OrdinalSet], OrdinalSet]
    ) -> PartitionSet:
        if self.definition is not other.definition and self.definition != other.definition:
            raise PartitionError(
                "sets of partitions of two definitions cannot be combined.",
                code="WEFT-P019",
                facts={"one": self.definition.describe(), "other": other.definition.describe()},
                fix="carry one over to the other definition with a partition mapping first",
            )
        mine, theirs = self._boxes, other._boxes
        if len(self.definition.dimensions) == 1:
            return PartitionSet(self.definition, [(operation(self.ordinals, other.ordinals),)])
        if mine is not None and theirs is not None and len(mine) * len(theirs) <= _MOST_BOXES:
            return PartitionSet(self.definition, _BOX_OPERATIONS[operation](mine, theirs))
        if not self or not other:
            nothing = operation in (OrdinalSet.__and__,) or (operation is OrdinalSet.__sub__ and not self)
            return PartitionSet(self.definition) if nothing else self if self else other
        rooms = [max(pair) for pair in zip(self._rooms(), other._rooms(), strict=True)]
        strides = _strides(self.definition, rooms)
        cells = operation(self._as_cells(strides), other._as_cells(strides))
        return PartitionSet._from_cells(self.definition, cells, strides)

    def _some_ranges(self) -> Iterator[PartitionKeyRange]:
        if not any(isinstance(each, DynamicPartitionsDefinition) for each in self.definition.dimensions):
            yield from islice(self.key_ranges(), 4)

    def _one_dimension(self) -> PartitionSet:
        raise PartitionError(
            "partitions of several dimensions have no ordinals of their own.",
            code="WEFT-P018",
            facts={"partitions": self.definition.describe()},
            fix="use coordinates, or ask for the set of one dimension: partitions.dimension(name)",
        )


def _needs_dimensions(definition: PartitionsDefinition) -> PartitionError:
    return PartitionError(
        "these partitions have one dimension only, which has no name.",
        code="WEFT-P022",
        facts={"partitions": definition.describe()},
        fix="use MultiPartitionsDefinition, or work with the set itself",
    )


def _existing(definition: PartitionsDefinition, now: Moment | None, dynamic: object | None) -> OrdinalSet:
    """The ordinals that a dimension has at `now`."""
    if isinstance(definition, DynamicPartitionsDefinition):
        return OrdinalSet.of(definition.numbers(dynamic))
    return OrdinalSet.span(0, definition.count(now, dynamic))


def _order(definition: PartitionsDefinition) -> list[int]:
    """The dimensions from the outermost to the innermost: time, dynamic keys, fixed keys."""
    ranks: list[tuple[int, int]] = []
    for i, each in enumerate(definition.dimensions):
        if isinstance(each, StaticPartitionsDefinition):
            ranks.append((2, i))
        else:
            ranks.append((0 if isinstance(each, TimeWindowPartitionsDefinition) else 1, i))
    return [i for _, i in sorted(ranks)]


def _strides(definition: PartitionsDefinition, rooms: Sequence[int]) -> tuple[int, ...]:
    """How far apart neighbours lie in each dimension, so that `rooms` ordinals fit into every dimension."""
    strides = [0] * len(rooms)
    stride = 1
    for i in reversed(_order(definition)):
        strides[i] = stride
        each = definition.dimensions[i]
        if isinstance(each, StaticPartitionsDefinition):
            stride *= max(each.count(), rooms[i], 1)
        else:
            bits = max(rooms[i] - 1, 0).bit_length()
            stride <<= max(-(-bits // _ROOM_BITS), 2) * _ROOM_BITS
    return tuple(strides)


def _cells_of(definition: PartitionsDefinition, box: Box, strides: Sequence[int]) -> OrdinalSet:
    cells = OrdinalSet.span(0, 1)
    for i in reversed(_order(definition)):
        layer = OrdinalSet.of(())
        for start, stop in box[i].runs():
            layer |= cells.repeat(stop - start, strides[i]).shift(start * strides[i])
        cells = layer
    return cells


def _boxes_of(cells: OrdinalSet, strides: Sequence[int]) -> Iterator[Box]:
    """Cells as boxes, `strides` and the parts of the boxes from the outermost dimension to the innermost.

    Neighbouring rows that are alike are one box; how far they are alike is found by doubling.
    """
    if len(strides) == 1:
        if cells:
            yield (cells,)
        return
    stride = strides[0]
    while cells:
        start = cells.first // stride
        row = cells.clip(start * stride, (start + 1) * stride).shift(-start * stride)
        length = 1
        step = 1
        growing = True
        while step:
            at = start + length
            copies = row.repeat(step, stride).shift(at * stride)
            alike = cells.clip(at * stride, (at + step) * stride) == copies
            if alike:
                length += step
            growing = growing and alike
            step = step * 2 if growing else step // 2
        for box in _boxes_of(row, strides[1:]):
            yield (OrdinalSet.span(start, start + length), *box)
        cells = cells.clip((start + length) * stride, cells.last + 1)


def _too_many(boxes: Sequence[Box]) -> bool:
    if len(boxes) <= _FEW_BOXES:
        return False
    return len(boxes) > _MOST_BOXES or sum([prod(map(len, box)) for box in boxes]) <= _MANY_KEYS


def _without(box: Box, other: Box) -> list[Box]:
    """`box` less `other`, as disjoint boxes."""
    if any(mine.isdisjoint(theirs) for mine, theirs in zip(box, other, strict=True)):
        return [box]
    result = []
    rest = list(box)
    for i, theirs in enumerate(other):
        outside = rest[i] - theirs
        if outside:
            result.append((*rest[:i], outside, *rest[i + 1 :]))
        rest[i] &= theirs
    return result


def _difference(mine: Sequence[Box], theirs: Sequence[Box]) -> list[Box]:
    rest = list(mine)
    for other in theirs:
        rest = [piece for box in rest for piece in _without(box, other)]
    return _merged(rest)


def _union(mine: Sequence[Box], theirs: Sequence[Box]) -> list[Box]:
    return _merged([*mine, *_difference(theirs, mine)])


def _intersection(mine: Sequence[Box], theirs: Sequence[Box]) -> list[Box]:
    found = [tuple([a & b for a, b in zip(box, other, strict=True)]) for box in mine for other in theirs]
    return _merged([box for box in found if all(box)])


_BOX_OPERATIONS: Mapping[Any, Callable[[Sequence[Box], Sequence[Box]], list[Box]]] = {
    OrdinalSet.__or__: _union,
    OrdinalSet.__and__: _intersection,
    OrdinalSet.__sub__: _difference,
}


def _merged(boxes: list[Box]) -> list[Box]:
    """Disjoint boxes, those joined into one that differ in one dimension only."""
    before = 0
    while len(boxes) > 1 and len(boxes) != before:
        before = len(boxes)
        for i in range(len(boxes[0])):
            joined: dict[Box, OrdinalSet] = {}
            for box in boxes:
                others = (*box[:i], *box[i + 1 :])
                known = joined.get(others)
                joined[others] = box[i] if known is None else known | box[i]
            boxes = [(*others[:i], part, *others[i:]) for others, part in joined.items()]
    return boxes


def _product(columns: Sequence[Iterable[Any]]) -> Iterator[tuple[Any, ...]]:
    """Every combination, the last column fastest; unlike `itertools.product` it does not list the columns first."""
    if not columns:
        yield ()
        return
    for first in columns[0]:
        for rest in _product(columns[1:]):
            yield (first, *rest)
