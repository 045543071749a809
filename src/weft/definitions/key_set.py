"""`KeySet`: a set that keeps the order in which its keys were declared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set as AbstractSet
from typing import Any, TypeVar

K = TypeVar("K")


class KeySet(AbstractSet[K]):
    """Keys, each once, in order. It compares equal to every set of the same keys and has the same hash as a `frozenset` of them.

    Operators and methods of sets give a `KeySet`, which begins with the keys of the left side.
    """

    __slots__ = ("_keys",)

    def __init__(self, keys: Iterable[K] = ()) -> None:
        self._keys: dict[K, None] = dict.fromkeys(keys)

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def __iter__(self) -> Iterator[K]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def __hash__(self) -> int:
        return self._hash()

    def union(self, *others: Iterable[K]) -> KeySet[K]:
        """The keys that are in any of them."""
        return KeySet(key for keys in (self._keys, *others) for key in keys)

    def intersection(self, *others: Iterable[Any]) -> KeySet[K]:
        """The keys that are in all of them."""
        sets = [frozenset(keys) for keys in others]
        return KeySet(key for key in self._keys if all(key in keys for keys in sets))

    def difference(self, *others: Iterable[Any]) -> KeySet[K]:
        """The keys that are in none of `others`."""
        gone = frozenset(key for keys in others for key in keys)
        return KeySet(key for key in self._keys if key not in gone)

    def issubset(self, other: Iterable[Any]) -> bool:
        """Whether `other` has all the keys."""
        return frozenset(other).issuperset(self._keys)

    def issuperset(self, other: Iterable[Any]) -> bool:
        """Whether these are all the keys of `other`."""
        return all(key in self._keys for key in other)

    def __repr__(self) -> str:
        return f"{{{', '.join(map(repr, self._keys))}}}" if self._keys else "KeySet()"
