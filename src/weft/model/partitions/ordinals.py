"""Sets of ordinals as compressed bitmaps (Roaring).

One representation serves all sizes: runs of any length take a few bytes, scattered ordinals two bytes at most, and every operation is one call
into C (under a microsecond for small sets, about two milliseconds for ten million scattered ordinals), which no structure in Python
comes near. Roaring's serialised form has an overhead for each 65,536 ordinals, so sets of few runs are written as runs instead.

pyroaring is imported with the first set that is made, not with the definitions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from weft.errors import PartitionError

if TYPE_CHECKING:
    from pyroaring import BitMap64

_MOST_RUNS = 256  # written as runs up to here: at most about 1.5 KB
_RUNS, _BITMAP = 0, 1


class OrdinalSet:
    """An immutable set of integers from 0 up.

    >>> odd = OrdinalSet.of([1, 3, 5])
    >>> list(odd | OrdinalSet.span(2, 4)), len(odd), 4 in odd
    ([1, 2, 3, 5], 3, False)
    """

    __slots__ = ("_bits",)

    _bits: BitMap64

    def __init__(self, bits: BitMap64) -> None:
        """Wrap a bitmap that nobody changes any more. Use the constructors below."""
        self._bits = bits

    @staticmethod
    def of(ordinals: Iterable[int]) -> OrdinalSet:
        """The set of these ordinals."""
        return OrdinalSet(_bitmap_class()(ordinals))

    @staticmethod
    def span(start: int, stop: int) -> OrdinalSet:
        """The ordinals from `start` up to, not including, `stop`; none where that is empty."""
        return OrdinalSet(_bitmap_class()(range(max(start, 0), max(stop, 0))))

    @staticmethod
    def from_runs(runs: Iterable[tuple[int, int]]) -> OrdinalSet:
        """The union of runs, each from its start up to, not including, its stop, in any order. What lies below 0 is left out."""
        bits = _bitmap_class()()
        for start, stop in runs:
            if stop > max(start, 0):
                bits.add_range(max(start, 0), stop)
        return OrdinalSet(bits)

    def __or__(self, other: OrdinalSet) -> OrdinalSet:
        return OrdinalSet(self._bits | other._bits)

    def __and__(self, other: OrdinalSet) -> OrdinalSet:
        return OrdinalSet(self._bits & other._bits)

    def __sub__(self, other: OrdinalSet) -> OrdinalSet:
        return OrdinalSet(self._bits - other._bits)

    def __xor__(self, other: OrdinalSet) -> OrdinalSet:
        return OrdinalSet(self._bits ^ other._bits)

    def __le__(self, other: OrdinalSet) -> bool:
        return bool(self._bits.issubset(other._bits))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OrdinalSet) and bool(self._bits == other._bits)

    def __hash__(self) -> int:
        return hash((len(self._bits), self._bits.min(), self._bits.max())) if self._bits else 0

    def __len__(self) -> int:
        return len(self._bits)

    def __bool__(self) -> bool:
        return bool(self._bits)

    def __contains__(self, ordinal: object) -> bool:
        return isinstance(ordinal, int) and ordinal >= 0 and ordinal in self._bits

    def __iter__(self) -> Iterator[int]:
        return iter(self._bits)

    def __repr__(self) -> str:
        shown = [f"{start}-{stop - 1}" if stop - start > 1 else f"{start}" for start, stop in self._first_runs(6)]
        return f"<{len(self)} ordinals: {', '.join(shown[:5])}{', ...' if len(shown) > 5 else ''}>"

    @property
    def first(self) -> int:
        """The lowest ordinal. Raises ValueError where there is none."""
        return int(self._bits.min())

    @property
    def last(self) -> int:
        """The highest ordinal. Raises ValueError where there is none."""
        return int(self._bits.max())

    def nth(self, place: int) -> int:
        """The ordinal at a place in ascending order. Raises IndexError."""
        return int(self._bits[place])

    def rank(self, ordinal: int) -> int:
        """How many ordinals of the set lie below `ordinal`."""
        return int(self._bits.rank(ordinal - 1)) if ordinal > 0 else 0

    def isdisjoint(self, other: OrdinalSet) -> bool:
        """Whether the sets have nothing in common."""
        return bool(self._bits.isdisjoint(other._bits))

    def shift(self, distance: int) -> OrdinalSet:
        """Every ordinal moved by `distance`; what would fall below 0 is left out."""
        return OrdinalSet(self._bits.shift(distance))

    def clip(self, start: int, stop: int) -> OrdinalSet:
        """The ordinals from `start` up to, not including, `stop`."""
        return self & OrdinalSet.span(start, stop)

    def repeat(self, count: int, distance: int) -> OrdinalSet:
        """The union of `count` copies, each moved by `distance` from the one before; by doubling."""
        result, block, moved = _bitmap_class()(), self._bits, 0
        size = 1
        while count:
            if count & 1:
                result |= block.shift(moved)
                moved += size * distance
            count >>= 1
            if count:
                block = block | block.shift(size * distance)
                size *= 2
        return OrdinalSet(result)

    @property
    def is_one_run(self) -> bool:
        """Whether the ordinals follow each other without a gap (or there are none)."""
        return not self._bits or self.last - self.first + 1 == len(self)

    def runs(self) -> Iterator[tuple[int, int]]:
        """The runs in ascending order, as long as can be: from the start up to, not including, the stop."""
        if not self._bits:
            return iter(())
        if self.is_one_run:
            return iter(((self.first, self.last + 1),))
        moved = self._bits.shift(1)
        return zip(self._bits - moved, moved - self._bits, strict=True)

    def run_count(self) -> int:
        """How many runs there are."""
        return len(self._bits) - int(self._bits.intersection_cardinality(self._bits.shift(1)))

    def _first_runs(self, most: int) -> Iterator[tuple[int, int]]:
        for _, run in zip(range(most), self.runs(), strict=False):
            yield run

    def to_bytes(self) -> bytes:
        """The set in few bytes; `from_bytes` reads it back."""
        if self.run_count() > _MOST_RUNS:
            bits = self._bits.copy()
            bits.run_optimize()
            return bytes([_BITMAP]) + bits.serialize()
        result = bytearray([_RUNS])
        position = 0
        for start, stop in self.runs():
            write_number(result, start - position)
            write_number(result, stop - start)
            position = stop
        return bytes(result)

    @staticmethod
    def from_bytes(data: bytes) -> OrdinalSet:
        """The set that `to_bytes` wrote.

        Raises:
            PartitionError: (WEFT-P020) the bytes are something else.
        """
        kind = data[0] if data else -1
        if kind == _BITMAP:
            try:
                return OrdinalSet(_bitmap_class().deserialize(data[1:]))
            except ValueError as error:
                raise unreadable_set(str(error)) from error
        if kind != _RUNS:
            raise unreadable_set(f"unknown form {kind}")
        runs = []
        offset = 1
        position = 0
        while offset < len(data):
            gap, offset = read_number(data, offset)
            length, offset = read_number(data, offset)
            runs.append((position + gap, position + gap + length))
            position += gap + length
        return OrdinalSet.from_runs(runs)


def write_number(target: bytearray, number: int) -> None:
    """Append a number from 0 up, seven bits to a byte, the lowest first (LEB128)."""
    while number > 0x7F:
        target.append(number & 0x7F | 0x80)
        number >>= 7
    target.append(number)


def read_number(data: bytes, offset: int) -> tuple[int, int]:
    """The number that `write_number` wrote at `offset`, and the offset after it.

    Raises:
        PartitionError: (WEFT-P020) the data ends within it, or it has more than 64 bits.
    """
    number = shift = 0
    while True:
        if offset >= len(data) or shift > 63:
            raise unreadable_set("a number does not end")
        byte = data[offset]
        offset += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, offset
        shift += 7


def unreadable_set(reason: str) -> PartitionError:
    """The error for bytes that are no stored set."""
    return PartitionError(
        "a stored set of partitions cannot be read.",
        code="WEFT-P020",
        facts={"reason": reason},
        fix="a newer version of weft may have written it: upgrade; otherwise the storage is damaged",
    )


@lru_cache(maxsize=1)
def _bitmap_class() -> type[BitMap64]:
    from pyroaring import BitMap64

    return BitMap64
