"""Partition keys: what a key may be, keys of several dimensions, ranges of keys, windows of time.

A key is any non-empty text that UTF-8 can carry, without control characters and without ``...`` (which the command line uses for
ranges). Commas, quotes, slashes, pipes, backslashes and emoji are all fine, everywhere.

The key of several dimensions is one string: the keys of the dimensions, in the order of the dimensions' names, joined by ``|``. A
``|`` or ``\\`` inside a part is escaped by ``\\``, so that splitting is the exact inverse of joining.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from msgspec import Struct

from weft.errors import PartitionError

RANGE_SEPARATOR = "..."


class TimeWindow(Struct, frozen=True):
    """A half-open window of time: from `start` up to, not including, `end`. Both carry the time zone of their definition.

    ``start, end = window`` works.
    """

    start: datetime
    end: datetime

    def __iter__(self) -> Iterator[datetime]:
        return iter((self.start, self.end))


class PartitionKeyRange(Struct, frozen=True):
    """The partitions from `start` to `end`, both included. ``start, end = range`` works.

    For several dimensions a range is a box: every combination of the ranges of the dimensions.
    """

    start: str
    end: str

    def __iter__(self) -> Iterator[str]:
        return iter((self.start, self.end))


class MultiPartitionKey(str):
    """A key of several dimensions: a string that also knows its parts.

    >>> key = MultiPartitionKey({"region": "eu", "date": "2024-01-01"})
    >>> str(key), key.keys_by_dimension["region"]
    ('2024-01-01|eu', 'eu')
    """

    _keys_by_dimension: dict[str, str]

    def __new__(cls, keys_by_dimension: Mapping[str, str]) -> MultiPartitionKey:
        """Make the key from the key of each dimension, in any order."""
        parts = dict(sorted(keys_by_dimension.items()))
        key = super().__new__(cls, join_parts(parts.values()))
        key._keys_by_dimension = parts
        return key

    @property
    def keys_by_dimension(self) -> Mapping[str, str]:
        """Dimension name to the key in that dimension, in the order of the names."""
        return self._keys_by_dimension

    def __getnewargs__(self) -> tuple[dict[str, str]]:  # type: ignore[override]  # what pickle hands to __new__
        return (self._keys_by_dimension,)


def join_parts(parts: Iterable[str]) -> str:
    """The keys of the dimensions as one string; `split_parts` is the inverse."""
    return "|".join([_escape(part) for part in parts])


def split_parts(key: str) -> list[str] | None:
    """The parts that `join_parts` joined to `key`; None where `key` has an escape that it never writes."""
    if "\\" not in key:
        return key.split("|")
    parts: list[str] = []
    current: list[str] = []
    characters = iter(key)
    for character in characters:
        if character == "\\":
            escaped = next(characters, "")
            if escaped not in ("\\", "|"):
                return None
            current.append(escaped)
        elif character == "|":
            parts.append("".join(current))
            current.clear()
        else:
            current.append(character)
    parts.append("".join(current))
    return parts


def check_partition_key(key: object) -> str:
    """`key`, where it may be a partition key.

    Raises:
        PartitionError: (WEFT-P002) it is not text, is empty, has ``...`` or a control character, or cannot be encoded.
    """
    reason = _what_is_wrong(key)
    if reason is None:
        assert isinstance(key, str)
        return key
    raise PartitionError(
        f"{key!r} cannot be a partition key: {reason}.",
        code="WEFT-P002",
        facts={"key": repr(key)},
        fix='use non-empty text without "..." and without control characters; all other characters are fine',
    )


def _what_is_wrong(key: object) -> str | None:
    if not isinstance(key, str):
        return f"it is of type {type(key).__name__}"
    if not key:
        return "it is empty"
    if RANGE_SEPARATOR in key:
        return 'it has "...", which stands for ranges'
    if key.isprintable():  # false for control characters, but also for some harmless ones: look closer below
        return None
    for character in key:
        code = ord(character)
        if code < 0x20 or 0x7F <= code < 0xA0:
            return f"it has the control character {character!r}"
        if 0xD800 <= code < 0xE000:
            return "it has half of a surrogate pair, which UTF-8 cannot carry"
    return None


def _escape(part: str) -> str:
    if "\\" in part or "|" in part:
        return part.replace("\\", "\\\\").replace("|", "\\|")
    return part
