"""The part of one target that something holds for: a set of partitions, or all or nothing of a target without partitions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from weft.errors import PartitionError
from weft.model.partitions.definitions import PartitionsDefinition
from weft.model.partitions.subset import PartitionSet


class Scope:
    """What there is of a target: its partitions at one moment; without a definition the target counts as one partition."""

    __slots__ = ("_everything", "definition", "dynamic", "now")

    def __init__(self, definition: PartitionsDefinition | None, now: float, dynamic: object | None) -> None:
        self.definition = definition
        self.now = now
        self.dynamic = dynamic
        self._everything: Subset | None = None

    @property
    def everything(self) -> Subset:
        """All partitions that exist now."""
        if self._everything is None:
            held = True if self.definition is None else PartitionSet.all(self.definition, self.now, self.dynamic)
            self._everything = Subset(self, held)
        return self._everything

    @property
    def nothing(self) -> Subset:
        """No partition."""
        return Subset(self, False if self.definition is None else PartitionSet.empty(self.definition))

    def of(self, held: PartitionSet | bool) -> Subset:
        """The partitions `held`; True and False stand for all and none."""
        if isinstance(held, bool):
            return self.everything if held else self.nothing
        return Subset(self, held)

    def of_keys(self, keys: Iterable[str]) -> Subset:
        """These partitions, among those that the definition has; of a target without partitions everything, where there is any key."""
        if self.definition is None:
            return self.of(any(True for _ in keys))
        listed = list(keys)
        found = self.definition.coordinates_of(listed, self.dynamic)
        known = [each for each in found if each is not None]
        return Subset(self, PartitionSet.from_coordinates(self.definition, known) & self._existing())

    def decode(self, stored: bool | bytes | None) -> Subset:
        """What `Subset.encode` gave; nothing where it belongs to another definition."""
        found = self._decoded(stored) if stored is not None else None
        return found if found is not None else self.nothing

    def understands(self, stored: bool | bytes) -> bool:
        """Whether what `Subset.encode` gave belongs to this definition."""
        return self._decoded(stored) is not None

    def _decoded(self, stored: bool | bytes) -> Subset | None:
        if isinstance(stored, bool) or self.definition is None:
            return self.of(bool(stored)) if isinstance(stored, bool) == (self.definition is None) else None
        try:
            return Subset(self, PartitionSet.from_bytes(self.definition, stored))
        except PartitionError:
            return None

    def keys_of(self, held: PartitionSet) -> Iterator[str]:
        """The keys of `held`, in order."""
        return held.keys(self.dynamic)

    def _existing(self) -> PartitionSet:
        held = self.everything.held
        assert isinstance(held, PartitionSet)
        return held


class Subset:
    """An immutable part of a target. ``&``, ``|`` and ``-`` combine parts of one target; it is false where it is empty."""

    __slots__ = ("held", "scope")

    def __init__(self, scope: Scope, held: PartitionSet | bool) -> None:
        self.scope = scope
        # A set of partitions; of a target without partitions whether it is in.
        self.held = held

    @property
    def size(self) -> int:
        """How many partitions it holds; 1 or 0 without partitions."""
        return int(self.held) if isinstance(self.held, bool) else len(self.held)

    @property
    def is_empty(self) -> bool:
        """Whether it holds nothing."""
        return not self.held

    def partition_keys(self) -> Iterator[str]:
        """The keys of its partitions, in order; none of a target without partitions."""
        return iter(()) if isinstance(self.held, bool) else self.scope.keys_of(self.held)

    def encode(self) -> bool | bytes:
        """As a value that can be stored; see `Scope.decode`."""
        return self.held if isinstance(self.held, bool) else self.held.to_bytes()

    def __bool__(self) -> bool:
        return bool(self.held)

    def __and__(self, other: Subset) -> Subset:
        if isinstance(self.held, bool) or isinstance(other.held, bool):
            return Subset(self.scope, self.held is True and other.held is True)
        return Subset(self.scope, self.held & other.held)

    def __or__(self, other: Subset) -> Subset:
        if isinstance(self.held, bool) or isinstance(other.held, bool):
            return Subset(self.scope, self.held is True or other.held is True)
        return Subset(self.scope, self.held | other.held)

    def __sub__(self, other: Subset) -> Subset:
        if isinstance(self.held, bool) or isinstance(other.held, bool):
            return Subset(self.scope, self.held is True and other.held is not True)
        return Subset(self.scope, self.held - other.held)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Subset) and self.held == other.held

    def __hash__(self) -> int:
        return hash(self.held)

    def __repr__(self) -> str:
        return f"Subset({self.held!r})"
