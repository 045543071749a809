"""Partitions definitions: spaces of keys, computed and never listed.

A definition answers by arithmetic how many keys there are, which is the n-th, and which number a key has (its *ordinal*). Its keys are a lazy
sequence. Time windows, fixed lists and stored keys are one-dimensional; `MultiPartitionsDefinition` is the product of any number of them, and there a
key has one ordinal for each dimension (its *coordinates*).

Laws, for every definition at every moment:

- ``ordinal_of(key_at(n)) == n`` for every n below ``count()``, and keys are distinct;
- the ordinal of a time window or of a fixed key never changes; new keys come at the end. The row-major ordinal of a product does
  change when a dimension other than the first grows, so what is stored (`PartitionSet`) is made of coordinates;
- two definitions are equal where their specs are.

Time is an argument everywhere: a datetime, or seconds since the epoch. A datetime without a zone is wall-clock time in the definition's time
zone. Only where none is given, the clock is read.

Keys of time windows are the formatted start of the window. An hour that comes twice when clocks are set back has two windows; the second one's
key gets the offset from UTC, as in ``2024-11-03-01:00-0500``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from enum import Enum
from functools import lru_cache
from math import floor, prod
from typing import Any, Protocol, TypeAlias, overload

from msgspec import Struct

from weft.clock import SYSTEM_CLOCK
from weft.errors import PartitionError, did_you_mean, nearest
from weft.model.codec import encode
from weft.model.partitions.cadence import Cadence, Windows
from weft.model.partitions.key_format import key_format, offset_text, offset_value
from weft.model.partitions.keys import (
    MultiPartitionKey,
    PartitionKeyRange,
    TimeWindow,
    check_partition_key,
    join_parts,
    split_parts,
)
from weft.model.partitions.pattern import parse_cron, pattern_of
from weft.model.partitions.spec import DynamicSpec, MultiSpec, PartitionsSpec, StaticSpec, TimeWindowSpec
from weft.model.partitions.zones import Zone, wall_of, year_start, zone_named

Moment: TypeAlias = datetime | float
"""A datetime, or seconds since the epoch."""

_MOST_COMPARED = 10_000  # keys among which the nearest one is looked for
_SECOND_PASS_SUFFIX = 7  # the longest offset that is added to a key: "+013000"


class DynamicKeys(Protocol):
    """What a definition needs of the store of dynamic keys (`weft.storage.ports.DynamicPartitionStore` has it)."""

    def has(self, name: str, key: str) -> bool:
        """Whether the key is there."""
        ...

    def list(self, name: str) -> Sequence[str]:
        """All keys, in the order in which they were added."""
        ...

    def count(self, name: str) -> int:
        """How many keys there are."""
        ...


class NumberedKeys(DynamicKeys, Protocol):
    """What a store may offer besides: a number for each key that is never given to another one.

    Without it the number of a key is its place in the list, which changes when an earlier key is removed.
    """

    def numbers_of(self, name: str, keys: Sequence[str]) -> Sequence[int | None]:
        """The number of each key; None for unknown ones."""
        ...

    def keys_of(self, name: str, numbers: Sequence[int]) -> Sequence[str | None]:
        """The key of each number; None for those that were removed."""
        ...

    def numbers(self, name: str) -> Sequence[int]:
        """The numbers of all keys, ascending."""
        ...


class ScheduleType(Enum):
    """The ordinary cadences of time windows."""

    HOURLY = "HOURLY"
    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"


class _LoadingContext(Struct, frozen=True):
    effective_dt: Moment | None
    dynamic_partitions_store: object | None


_LOADING: ContextVar[_LoadingContext | None] = ContextVar("weft_partition_loading", default=None)


@contextmanager
def partition_loading_context(
    effective_dt: Moment | None = None, dynamic_partitions_store: object | None = None
) -> Iterator[None]:
    """Use this time and this store inside the block wherever a partitions definition is asked without them.

    What is not given is taken from the surrounding block.
    """
    outer = _LOADING.get() or _LoadingContext(None, None)
    token = _LOADING.set(
        _LoadingContext(
            outer.effective_dt if effective_dt is None else effective_dt,
            outer.dynamic_partitions_store if dynamic_partitions_store is None else dynamic_partitions_store,
        )
    )
    try:
        yield
    finally:
        _LOADING.reset(token)


class PartitionKeys(Sequence[str]):
    """Keys in order, computed when they are looked at: indexing, slicing and ``in`` cost the same for any number of keys.

    Equal to any sequence of the same keys.
    """

    __slots__ = ("_key_at", "_place_of", "_span")

    def __init__(self, key_at: Callable[[int], str], place_of: Callable[[str], int | None], span: range) -> None:
        self._key_at = key_at
        self._place_of = place_of
        self._span = span

    def __len__(self) -> int:
        return len(self._span)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> PartitionKeys: ...
    def __getitem__(self, index: int | slice) -> str | PartitionKeys:
        found = self._span[index]
        if isinstance(found, range):
            return PartitionKeys(self._key_at, self._place_of, found)
        return self._key_at(found)

    def __iter__(self) -> Iterator[str]:
        return map(self._key_at, self._span)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._place_of(key) in self._span

    def index(self, value: str, start: int = 0, stop: int | None = None) -> int:
        """The place of `value`. Raises ValueError where it is not among the keys from `start` up to `stop`."""
        found = self._place_of(value)
        if found is None or found not in self._span[start:stop]:
            raise ValueError(f"{value!r} is not among the keys")
        return self._span.index(found)

    def count(self, value: str) -> int:
        """How often `value` is there: once or not at all."""
        return int(value in self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return len(self) == len(other) and all(mine == theirs for mine, theirs in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]  # equal to lists, which have no hash

    def __add__(self, other: Sequence[str]) -> list[str]:
        return [*self, *other]

    def __radd__(self, other: Sequence[str]) -> list[str]:
        return [*other, *self]

    def __repr__(self) -> str:
        shown = [repr(key) for key in self[:3]]
        if len(self) > 4:
            shown.append("...")
        if len(self) > 3:
            shown.append(repr(self[-1]))
        return f"<{len(self)} partition keys: [{', '.join(shown)}]>"


class PartitionsDefinition(ABC):
    """A space of partition keys. See the module for what always holds."""

    __slots__ = ()

    @abstractmethod
    def to_spec(self) -> PartitionsSpec:
        """The definition as a plain value; `from_spec` makes an equal one."""

    @abstractmethod
    def describe(self) -> str:
        """A short text for people, such as ``daily from 2024-01-01 (Europe/Berlin)``."""

    @property
    @abstractmethod
    def dimensions(self) -> tuple[PartitionsDefinition, ...]:
        """The one-dimensional definitions that this one is the product of; itself where it has one dimension."""

    @abstractmethod
    def count(self, now: Moment | None = None, dynamic: object | None = None) -> int:
        """How many keys there are at `now`, with the dynamic keys in the store `dynamic`."""

    @abstractmethod
    def key_at(self, ordinal: int, now: Moment | None = None, dynamic: object | None = None) -> str:
        """The key of an ordinal. For time windows also of one that has not ended yet.

        Raises:
            IndexError: no key has that ordinal.
        """

    @abstractmethod
    def find(self, key: str, now: Moment | None = None, dynamic: object | None = None) -> int | None:
        """The ordinal of a key, or None where it is none. For time windows also of one that has not ended yet."""

    @abstractmethod
    def coordinates_of(self, keys: Iterable[str], dynamic: object | None = None) -> list[tuple[int, ...] | None]:
        """The coordinates of each key (one number for each dimension); None for those that are no keys."""

    @abstractmethod
    def keys_of(self, coordinates: Iterable[Sequence[int]], dynamic: object | None = None) -> list[str | None]:
        """The key of each tuple of coordinates; None for those that have none."""

    @abstractmethod
    def get_partition_keys(
        self, current_time: Moment | None = None, dynamic_partitions_store: object | None = None
    ) -> PartitionKeys:
        """All keys in the order of their ordinals, as a lazy sequence."""

    @abstractmethod
    def has_partition_key(
        self, partition_key: str, *, current_time: Moment | None = None, dynamic_partitions_store: object | None = None
    ) -> bool:
        """Whether the key exists at that time."""

    def ordinal_of(self, key: str, now: Moment | None = None, dynamic: object | None = None) -> int:
        """The ordinal of a key. For time windows also of one that has not ended yet.

        Raises:
            PartitionError: (WEFT-P001) it is no key of this definition.
        """
        found = self.find(key, now, dynamic)
        if found is None:
            raise self._unknown(key, now, dynamic)
        return found

    def validate_partition_key(
        self, partition_key: str, *, current_time: Moment | None = None, dynamic_partitions_store: object | None = None
    ) -> None:
        """Raise where the key does not exist at that time.

        Raises:
            PartitionError: (WEFT-P001) it names the nearest key.
        """
        if not self.has_partition_key(
            partition_key, current_time=current_time, dynamic_partitions_store=dynamic_partitions_store
        ):
            raise self._unknown(partition_key, current_time, dynamic_partitions_store)

    def get_num_partitions(
        self, current_time: Moment | None = None, dynamic_partitions_store: object | None = None
    ) -> int:
        """How many keys there are: `count` under its familiar name."""
        return self.count(current_time, dynamic_partitions_store)

    def get_first_partition_key(
        self, current_time: Moment | None = None, dynamic_partitions_store: object | None = None
    ) -> str | None:
        """The first key, or None where there is none."""
        keys = self.get_partition_keys(current_time, dynamic_partitions_store)
        return keys[0] if keys else None

    def get_last_partition_key(
        self, current_time: Moment | None = None, dynamic_partitions_store: object | None = None
    ) -> str | None:
        """The last key, or None where there is none."""
        keys = self.get_partition_keys(current_time, dynamic_partitions_store)
        return keys[-1] if keys else None

    def get_partition_keys_in_range(
        self,
        partition_key_range: PartitionKeyRange,
        dynamic_partitions_store: object | None = None,
        *,
        current_time: Moment | None = None,
    ) -> PartitionKeys:
        """The keys from the start to the end of a range, both included; for several dimensions those of the box.

        Raises:
            PartitionError: (WEFT-P001) an end of the range does not exist; (WEFT-P017) the end lies before the start.
        """
        keys = self.get_partition_keys(current_time, dynamic_partitions_store)
        places = []
        for key in partition_key_range:
            if key not in keys:
                raise self._unknown(key, current_time, dynamic_partitions_store)
            places.append(keys.index(key))
        return keys[places[0] : checked_stop(partition_key_range, places[0], places[1])]

    def time_window_for_partition_key(self, partition_key: str) -> TimeWindow:
        """The window of time that a key stands for.

        Raises:
            PartitionError: (WEFT-P016) keys are not windows of time here; (WEFT-P001) it is no key.
        """
        raise _not_windows(self)

    def _unknown(self, key: str, now: Moment | None, dynamic: object | None) -> PartitionError:
        """The error for a key that does not exist."""
        facts: dict[str, object] = {"key": key, "partitions": self.describe()}
        hints = self._hints(key, now, dynamic)
        close = hints.pop("nearest", None)
        facts.update(hints)
        first = self.get_first_partition_key(now, dynamic)
        if first is None:
            facts["keys"] = "(none yet)"
        else:
            facts["first"] = first
            facts["last"] = self.get_last_partition_key(now, dynamic)
        fix = (
            "use a key from the first to the last one"
            if first is not None
            else "wait until there are keys, or add some"
        )
        return PartitionError(
            f'"{key}" is not a partition.',
            code="WEFT-P001",
            facts=facts,
            fix=f'did you mean "{close}"? Otherwise {fix}' if close else fix,
        )

    def _hints(self, key: str, now: Moment | None, dynamic: object | None) -> dict[str, str]:
        """Facts about a key that does not exist; "nearest" is the key that may have been meant."""
        keys = self.get_partition_keys(now, dynamic)
        found = nearest(key, keys[:_MOST_COMPARED])
        return {"nearest": found[0]} if found else {}

    def fingerprint(self, size: int = 0) -> bytes:
        """Eight bytes that change when an ordinal comes to mean another key; of the first `size` keys, for fixed ones."""
        from hashlib import blake2b

        return blake2b(self._meaning(size), digest_size=8).digest()

    def _meaning(self, size: int) -> bytes:
        return encode(self.to_spec())

    @property
    def _identity(self) -> object:
        """What makes two definitions equal; hashable."""
        return self.to_spec()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PartitionsDefinition) and (self is other or self._identity == other._identity)

    def __hash__(self) -> int:
        return hash(self._identity)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.describe()}>"


class _OneDimension(PartitionsDefinition):
    """What definitions of one dimension have in common."""

    __slots__ = ()

    @property
    def dimensions(self) -> tuple[PartitionsDefinition, ...]:
        """Itself."""
        return (self,)

    def coordinates_of(self, keys: Iterable[str], dynamic: object | None = None) -> list[tuple[int, ...] | None]:
        """See `PartitionsDefinition.coordinates_of`."""
        found = [self.find(key, None, dynamic) for key in keys]
        return [None if ordinal is None else (ordinal,) for ordinal in found]

    def keys_of(self, coordinates: Iterable[Sequence[int]], dynamic: object | None = None) -> list[str | None]:
        """See `PartitionsDefinition.keys_of`."""
        keys: list[str | None] = []
        for (ordinal,) in coordinates:
            try:
                keys.append(self.key_at(ordinal, None, dynamic))
            except IndexError:
                keys.append(None)
        return keys


class StaticPartitionsDefinition(_OneDimension):
    """A fixed list of keys.

    >>> StaticPartitionsDefinition(["eu", "us"]).has_partition_key("eu")
    True

    Args:
        partition_keys: the keys, in order. Appending keys keeps what is stored about the others valid.

    Raises:
        PartitionError: (WEFT-P002) a key has ``...`` or control characters; (WEFT-P003) a key is there twice.
    """

    __slots__ = ("_keys", "_ordinals")

    def __init__(self, partition_keys: Sequence[str]) -> None:
        if isinstance(partition_keys, str):
            raise PartitionError(
                "a list of partition keys is needed, not one text.",
                code="WEFT-P005",
                facts={"given": repr(partition_keys)},
                fix=f"write StaticPartitionsDefinition([{partition_keys!r}])",
            )
        self._keys = tuple([check_partition_key(key) for key in partition_keys])
        self._ordinals: dict[str, int] | None = None
        if len(set(self._keys)) < len(self._keys):
            seen: set[str] = set()
            twice = [key for key in self._keys if key in seen or seen.add(key)]  # type: ignore[func-returns-value]  # the usual idiom
            raise PartitionError(
                "a partition key is in the list more than once.",
                code="WEFT-P003",
                facts={"twice": twice},
                fix="name each key once",
            )

    def to_spec(self) -> StaticSpec:
        """The definition as a plain value."""
        return StaticSpec(self._keys)

    def describe(self) -> str:
        """A short text for people."""
        shown = ", ".join(self._keys[:3]) + (", ..." if len(self._keys) > 3 else "")
        return f"{len(self._keys)} fixed keys ({shown})"

    def count(self, now: Moment | None = None, dynamic: object | None = None) -> int:
        """How many keys there are."""
        return len(self._keys)

    def key_at(self, ordinal: int, now: Moment | None = None, dynamic: object | None = None) -> str:
        """The key of an ordinal."""
        if ordinal < 0:
            raise IndexError(ordinal)
        return self._keys[ordinal]

    def find(self, key: str, now: Moment | None = None, dynamic: object | None = None) -> int | None:
        """The ordinal of a key, or None."""
        ordinals = self._ordinals
        if ordinals is None:
            ordinals = self._ordinals = {each: i for i, each in enumerate(self._keys)}
        return ordinals.get(key)

    def get_partition_keys(
        self, current_time: Moment | None = None, dynamic_partitions_store: object | None = None
    ) -> PartitionKeys:
        """All keys in the order in which they were given."""
        return PartitionKeys(self._keys.__getitem__, self.find, range(len(self._keys)))

    def has_partition_key(
        self, partition_key: str, *, current_time: Moment | None = None, dynamic_partitions_store: object | None = None
    ) -> bool:
        """Whether the key is in the list."""
        return self.find(partition_key) is not None

    def _meaning(self, size: int) -> bytes:
        return "\n".join(self._keys[:size]).encode()

    @property
    def _identity(self) -> object:
        return self._keys


class AddDynamicPartitionsRequest(Struct, frozen=True):
    """The wish of a sensor to add keys to a dynamic definition."""

    partitions_def_name: str
    partition_keys: tuple[str, ...]


class DeleteDynamicPartitionsRequest(Struct, frozen=True):
    """The wish of a sensor to remove keys from a dynamic definition."""

    partitions_def_name: str
    partition_keys: tuple[str, ...]


class DynamicPartitionsDefinition(_OneDimension):
    """Keys that are added and removed while the system runs; the instance's storage keeps them.

    The ordinal of a key is its number in the order of addition (see `NumberedKeys`). Questions need the store: as an argument, or from
    `partition_loading_context`. An object that has the store as its attribute ``dynamic_partitions`` will do.

    Args:
        name: what the keys are stored under.
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = check_partition_key(name)

    def to_spec(self) -> DynamicSpec:
        """The definition as a plain value."""
        return DynamicSpec(self.name)

    def describe(self) -> str:
        """A short text for people."""
        return f'dynamic keys "{self.name}"'

    def build_add_request(self, partition_keys: Sequence[str]) -> AddDynamicPartitionsRequest:
        """The request that a sensor returns to add keys."""
        return AddDynamicPartitionsRequest(self.name, tuple([check_partition_key(key) for key in partition_keys]))

    def build_delete_request(self, partition_keys: Sequence[str]) -> DeleteDynamicPartitionsRequest:
        """The request that a sensor returns to remove keys."""
        return DeleteDynamicPartitionsRequest(self.name, tuple(partition_keys))

    def count(self, now: Moment | None = None, dynamic: object | None = None) -> int:
        """How many keys the store has."""
        return self._store(dynamic).count(self.name)

    def key_at(self, ordinal: int, now: Moment | None = None, dynamic: object | None = None) -> str:
        """The key of a number."""
        key = self.keys_of([(ordinal,)], dynamic)[0]
        if key is None:
            raise IndexError(ordinal)
        return key

    def find(self, key: str, now: Moment | None = None, dynamic: object | None = None) -> int | None:
        """The number of a key, or None."""
        found = self.coordinates_of([key], dynamic)[0]
        return None if found is None else found[0]

    def coordinates_of(self, keys: Iterable[str], dynamic: object | None = None) -> list[tuple[int, ...] | None]:
        """See `PartitionsDefinition.coordinates_of`. Asks the store once for all keys."""
        store = self._store(dynamic)
        wanted = list(keys)
        numbered = _numbered(store)
        if numbered is not None:
            return [None if number is None else (number,) for number in numbered.numbers_of(self.name, wanted)]
        places = {key: (i,) for i, key in enumerate(store.list(self.name))}
        return [places.get(key) for key in wanted]

    def keys_of(self, coordinates: Iterable[Sequence[int]], dynamic: object | None = None) -> list[str | None]:
        """See `PartitionsDefinition.keys_of`. Asks the store once for all."""
        store = self._store(dynamic)
        numbers = [ordinal for (ordinal,) in coordinates]
        numbered = _numbered(store)
        if numbered is not None:
            return list(numbered.keys_of(self.name, numbers))
        keys = store.list(self.name)
        return [keys[number] if 0 <= number < len(keys) else None for number in numbers]

    def numbers(self, dynamic: object | None = None) -> Sequence[int]:
        """The numbers of all keys, ascending."""
        store = self._store(dynamic)
        numbered = _numbered(store)
        return range(store.count(self.name)) if numbered is None else numbered.numbers(self.name)

    def get_partition_keys(
        self, current_time: Moment | None = None, dynamic_partitions_store: object | None = None
    ) -> PartitionKeys:
        """All keys in the order of their addition, as they are now."""
        keys = tuple(self._store(dynamic_partitions_store).list(self.name))
        places: dict[str, int] = {}

        def place_of(key: str) -> int | None:
            if not places:
                places.update((each, i) for i, each in enumerate(keys))
            return places.get(key)

        return PartitionKeys(keys.__getitem__, place_of, range(len(keys)))

    def has_partition_key(
        self, partition_key: str, *, current_time: Moment | None = None, dynamic_partitions_store: object | None = None
    ) -> bool:
        """Whether the store has the key."""
        return self._store(dynamic_partitions_store).has(self.name, partition_key)

    def _store(self, given: object | None) -> DynamicKeys:
        if given is None:
            context = _LOADING.get()
            given = None if context is None else context.dynamic_partitions_store
        store: Any = getattr(given, "dynamic_partitions", given)
        if store is None:
            raise PartitionError(
                f'the keys of the dynamic partitions "{self.name}" are in storage, and no store was given.',
                code="WEFT-P013",
                facts={"partitions": self.describe()},
                fix="pass dynamic_partitions_store=, or ask inside partition_loading_context(dynamic_partitions_store=...)",
            )
        return store  # type: ignore[no-any-return]  # what it has to offer is `DynamicKeys`

    def _hints(self, key: str, now: Moment | None, dynamic: object | None) -> dict[str, str]:
        return super()._hints(key, now, dynamic) | {"missing": f'add it to "{self.name}" before it is used'}


class TimeWindowPartitionsDefinition(_OneDimension):
    """Windows of time: one from each tick of a cadence to the next.

    A window exists when it has ended. Keys are the formatted start of the window.

    >>> hours = TimeWindowPartitionsDefinition(start="2024-01-01", fmt="%Y-%m-%d", cron_schedule="0 0 * * 1-5")
    >>> hours.key_at(5)
    '2024-01-08'

    Args:
        start: when the first window may start: text in `fmt`, or a datetime (without a zone: wall-clock time in `timezone`).
        fmt: strftime format of the keys. It has to tell any two windows apart.
        end: no window ends later than this.
        schedule_type: an ordinary cadence, with the offsets below; or give `cron_schedule`.
        timezone: name in the time zone database; by default that of `start` where it has one, else UTC.
        end_offset: how many windows more (or, negative, fewer) exist than have ended.
        minute_offset: minute of the hour at which windows start.
        hour_offset: hour of the day at which windows start (not for hourly ones).
        day_offset: weekday (0 is Sunday) or day of the month at which weekly or monthly windows start.
        cron_schedule: any cadence, as a cron expression of five fields.
        exclusions: windows that do not exist: those that start at one of these datetimes, or at a time that one of these
            cron expressions names. The window before an excluded one is as long as ever.

    Raises:
        PartitionError: `start` or `end` does not fit `fmt` (WEFT-P004), no window fits between them (WEFT-P010), there is no such
            time zone (WEFT-P006), an expression is wrong (WEFT-P007), the keys of two windows would be equal (WEFT-P008), an offset is
            out of range (WEFT-P009), or the cadence is not given exactly once (WEFT-P011).
    """

    __slots__ = (
        "_end",
        "_end_ordinal",
        "_format",
        "_spec",
        "_start",
        "_windows_now",
        "_zone",
        "cron_schedule",
        "end_offset",
        "exclusions",
        "fmt",
    )

    def __init__(
        self,
        start: datetime | str,
        fmt: str,
        end: datetime | str | None = None,
        schedule_type: ScheduleType | str | None = None,
        timezone: str | None = None,
        end_offset: int = 0,
        minute_offset: int | None = None,
        hour_offset: int | None = None,
        day_offset: int | None = None,
        cron_schedule: str | None = None,
        exclusions: Sequence[str | datetime] | None = None,
    ) -> None:
        cron = _cadence(schedule_type, cron_schedule, minute_offset, hour_offset, day_offset)
        if timezone is None:
            timezone = getattr(start.tzinfo, "key", None) if isinstance(start, datetime) else None
        self._zone = zone_named(timezone or "UTC")
        self.cron_schedule = cron
        self.fmt = fmt
        self.end_offset = end_offset
        self._format = key_format(fmt)
        self._start = self._boundary("start", start)
        self._end = None if end is None else self._boundary("end", end)
        self.exclusions = tuple(exclusions or ())
        excluded = []
        for exclusion in self.exclusions:
            if isinstance(exclusion, datetime):
                excluded.append(_iso(self._zone, self._instant(exclusion)))
            else:
                excluded.append(parse_cron(exclusion).text)
        _check_format(parse_cron(cron).text, fmt)
        self._spec = TimeWindowSpec(
            start=_iso(self._zone, self._start),
            cron=cron,
            timezone=self._zone.name,
            fmt=fmt,
            end=None if self._end is None else _iso(self._zone, self._end),
            end_offset=end_offset,
            exclusions=tuple(excluded),
        )
        self._windows_now: Windows | None = None
        self._end_ordinal: int | None = None
        crons = list(filter(_is_cron, excluded))
        if (self._end is not None and self._end <= self._start) or (
            crons and not pattern_of(cron, tuple(crons)).names_any
        ):
            raise PartitionError(
                "the definition leaves room for no window at all.",
                code="WEFT-P010",
                facts={
                    "start": self._spec.start,
                    "end": self._spec.end or "(none)",
                    "exclusions": self._spec.exclusions,
                },
                fix="let the end come after the start, and exclude only some of the windows",
            )

    @property
    def timezone(self) -> str:
        """The name of the time zone."""
        return self._zone.name

    @property
    def start(self) -> datetime:
        """The first window starts then or later."""
        return self._zone.datetime_at(self._start)

    @property
    def end(self) -> datetime | None:
        """No window ends later."""
        return None if self._end is None else self._zone.datetime_at(self._end)

    @property
    def schedule_type(self) -> ScheduleType | None:
        """The ordinary cadence, or None where a cron expression says more than one can."""
        return _shape(self.cron_schedule)[0]

    @property
    def minute_offset(self) -> int:
        """The minute of the hour at which windows start. 0 where the cadence is not an ordinary one."""
        return _shape(self.cron_schedule)[1]

    @property
    def hour_offset(self) -> int:
        """The hour of the day at which windows start. 0 where the cadence is not daily, weekly or monthly."""
        return _shape(self.cron_schedule)[2]

    @property
    def day_offset(self) -> int:
        """The weekday or day of the month at which windows start. 0 where the cadence is not weekly or monthly."""
        return _shape(self.cron_schedule)[3]

    def to_spec(self) -> TimeWindowSpec:
        """The definition as a plain value."""
        return self._spec

    def describe(self) -> str:
        """A short text for people."""
        kind = self.schedule_type
        text = kind.value.lower() if kind is not None else f'"{self.cron_schedule}"'
        text += f" from {self._spec.start.replace('T00:00', '')}"
        if self._spec.end:
            text += f" to {self._spec.end.replace('T00:00', '')}"
        if self._spec.exclusions:
            text += f" except {', '.join(self._spec.exclusions[:3])}"
        return f"{text} ({self._zone.name})"

    @property
    def cadence_and_format(self) -> tuple[str, str, str]:
        """What two definitions have to share for windows that start together to have the same key, and the other way round."""
        return self.cron_schedule, self._zone.name, self.fmt

    @property
    def windows(self) -> Windows:
        """The arithmetic of the windows."""
        found = self._windows_now
        if found is None:
            found = self._windows_now = self._build_windows()
        return found

    def count(self, now: Moment | None = None, dynamic: object | None = None) -> int:
        """How many windows exist at `now`: those that have ended, and `end_offset` more."""
        instant = self._now(now)
        windows = self.windows
        cadence = windows.cadence
        try:
            ended = cadence.before(instant + 1) - 1
            if self.end_offset > 0 and instant < cadence.start:
                ended -= cadence.from_start(instant + 1).before(cadence.at(0))
            steps = ended + self.end_offset
        except IndexError:
            return self._last_ordinal()
        if steps <= 0:
            return 0
        return (
            min(windows.before_step(steps), self._last_ordinal())
            if self._end is not None
            else windows.before_step(steps)
        )

    def key_at(self, ordinal: int, now: Moment | None = None, dynamic: object | None = None) -> str:
        """The key of a window, also of one that has not ended yet."""
        return self.key_of_instant(self.windows.start_of(ordinal))

    def key_of_instant(self, instant: int) -> str:
        """The key of the window that starts at `instant` (seconds since the epoch)."""
        zone = self._zone
        offset = zone.offset_at(instant)
        wall = instant + offset
        key = self._format.format(wall, offset)
        if zone.is_fixed or self._format.has_offset or zone.instant_of(wall) == instant:
            return key
        return key + offset_text(offset)

    def find(self, key: str, now: Moment | None = None, dynamic: object | None = None) -> int | None:
        """The ordinal of a window, also of one that has not ended yet; None where no window before the end has that key."""
        return self._find_up_to(key, self._end)

    def _find_up_to(self, key: str, last: int | None) -> int | None:
        for instant in self._candidates(key):
            if last is not None and instant > last:
                continue
            try:
                ordinal = self.windows.before(instant)
                if self.key_at(ordinal) == key and (self._end is None or ordinal < self._last_ordinal()):
                    return ordinal
            except (IndexError, OverflowError):  # years that no datetime can hold
                continue
        return None

    def get_partition_keys(
        self, current_time: Moment | None = None, dynamic_partitions_store: object | None = None
    ) -> PartitionKeys:
        """The keys of all windows that exist, oldest first."""
        count = self.count(current_time)
        last = self.windows.start_of(count - 1) if count else self._start

        def place_of(key: str) -> int | None:
            return self._find_up_to(key, last)

        return PartitionKeys(self.key_at, place_of, range(count))

    def has_partition_key(
        self, partition_key: str, *, current_time: Moment | None = None, dynamic_partitions_store: object | None = None
    ) -> bool:
        """Whether there is a window of that key, and it exists at that time."""
        count = self.count(current_time)
        # A far year is not looked for: that would take longer.
        return count > 0 and self._find_up_to(partition_key, self.windows.start_of(count - 1)) is not None

    def time_window_for_partition_key(self, partition_key: str) -> TimeWindow:
        """The window of a key, also of one that has not ended yet."""
        return self.window_at(self.ordinal_of(partition_key))

    def window_at(self, ordinal: int) -> TimeWindow:
        """The window of an ordinal."""
        windows = self.windows
        return TimeWindow(
            self._zone.datetime_at(windows.start_of(ordinal)), self._zone.datetime_at(windows.end_of(ordinal))
        )

    def get_partition_key_for_timestamp(self, timestamp: Moment) -> str | None:
        """The key of the window that holds a moment; None where that is before the first one or in an excluded one."""
        instant = self._instant(timestamp)
        ordinal = self.windows.before(instant + 1) - 1
        if ordinal < 0 or instant >= self.windows.end_of(ordinal):
            return None
        return self.key_at(ordinal)

    def get_next_partition_key(self, partition_key: str, *, current_time: Moment | None = None) -> str | None:
        """The key after this one, or None where this one is the last that exists."""
        ordinal = self.ordinal_of(partition_key) + 1
        return self.key_at(ordinal) if ordinal < self.count(current_time) else None

    def get_prev_partition_key(self, partition_key: str) -> str | None:
        """The key before this one, or None where this one is the first."""
        ordinal = self.ordinal_of(partition_key)
        return self.key_at(ordinal - 1) if ordinal > 0 else None

    def get_first_partition_window(self, *, current_time: Moment | None = None) -> TimeWindow | None:
        """The first window, where it exists."""
        return self.window_at(0) if self.count(current_time) else None

    def get_last_partition_window(self, *, current_time: Moment | None = None) -> TimeWindow | None:
        """The last window that exists, or None."""
        count = self.count(current_time)
        return self.window_at(count - 1) if count else None

    def get_cron_schedule(
        self,
        minute_of_hour: int | None = None,
        hour_of_day: int | None = None,
        day_of_week: int | None = None,
        day_of_month: int | None = None,
    ) -> str:
        """The cron expression on which a new window has ended; another minute, hour or day where one is given."""
        kind, minute, hour, day = _shape(self.cron_schedule)
        if kind is None:
            return self.cron_schedule
        given_day = day_of_week if kind is ScheduleType.WEEKLY else day_of_month
        return _cadence(
            kind,
            None,
            minute if minute_of_hour is None else minute_of_hour,
            None if kind is ScheduleType.HOURLY else (hour if hour_of_day is None else hour_of_day),
            None if kind in (ScheduleType.HOURLY, ScheduleType.DAILY) else (day if given_day is None else given_day),
        )

    def _meaning(self, size: int) -> bytes:
        spec = self._spec
        return encode((spec.start, spec.cron, spec.timezone, spec.exclusions))

    def _build_windows(self) -> Windows:
        cron = parse_cron(self.cron_schedule)
        pattern = pattern_of(self.cron_schedule)
        cadence = Cadence(
            pattern, self._zone, self._start, follows_elapsed_time=cron.is_wildcard, same_key=self._same_key
        )
        crons, instants = [], []
        for text in self._spec.exclusions:
            if _is_cron(text):
                crons.append(text)
            else:
                instants.append(_from_iso(self._zone, text))

        def part(*, excluded: bool) -> Cadence | None:
            chosen = pattern_of(self.cron_schedule, tuple(crons), excluded=excluded)
            if not chosen.names_any:
                return None
            return Cadence(
                chosen,
                self._zone,
                self._start,
                follows_elapsed_time=cron.is_wildcard,
                same_key=self._same_key,
                neighbours=pattern,
            )

        dropped = part(excluded=True) if crons else None
        kept = cadence if dropped is None else part(excluded=False)
        assert kept is not None, "a definition with windows was checked for"
        return Windows(cadence, kept, dropped, instants)

    def _same_key(self, wall: int, other: int) -> bool:
        return self._format.format(wall, 0) == self._format.format(other, 0)

    def _last_ordinal(self) -> int:
        """How many windows there are before the end, at most."""
        found = self._end_ordinal
        if found is None:
            end = self._end
            if end is None:
                end = year_start(9998)
            windows = self.windows
            found = self._end_ordinal = windows.before_step(windows.cadence.before(end + 1) - 1)
        return found

    def _candidates(self, key: str) -> Iterator[int]:
        """Instants at or shortly before the start of the window that would have this key."""
        zone = self._zone
        parsed = self._format.parse(key)
        if parsed is not None:
            wall, offset = parsed
            yield zone.instant_of(wall) if offset is None else wall - offset
            return
        if zone.is_fixed or self._format.has_offset:
            return
        cut = max(key.rfind("+"), key.rfind("-"))
        suffix = key[cut:]
        if not (cut > 0 and 5 <= len(suffix) <= _SECOND_PASS_SUFFIX and suffix[1:].isdecimal() and len(suffix) != 6):
            return
        parsed = self._format.parse(key[:cut])
        if parsed is None:
            return
        instant = parsed[0] - offset_value(suffix)
        yield instant
        # What the format leaves out may lie before the clock was set back.
        change = zone.next_change(instant)
        if change is not None:
            yield change

    def _boundary(self, what: str, value: object) -> int:
        if isinstance(value, datetime):
            return self._instant(value)
        parsed = self._format.parse(value) if isinstance(value, str) else None
        if parsed is None:
            raise PartitionError(
                f"the {what} of time partitions does not have the format of their keys.",
                code="WEFT-P004",
                facts={what: value if isinstance(value, str) else repr(value), "format": self.fmt},
                fix=f'write it like "{self._format.format(year_start(2024), 0)}", or give a datetime',
            )
        wall, offset = parsed
        return self._zone.instant_of(wall) if offset is None else wall - offset

    def _instant(self, moment: Moment) -> int:
        if not isinstance(moment, datetime):
            return floor(moment)
        if moment.tzinfo is None:
            return self._zone.instant_of(wall_of(moment), fold=moment.fold)
        return floor(moment.timestamp())

    def _now(self, now: Moment | None) -> int:
        if now is None:
            context = _LOADING.get()
            now = SYSTEM_CLOCK.wall() if context is None or context.effective_dt is None else context.effective_dt
        return self._instant(now)

    def _hints(self, key: str, now: Moment | None, dynamic: object | None) -> dict[str, str]:
        ordinal = self.find(key)
        if ordinal is not None:
            step = max(self.windows.steps(ordinal) + 1 - self.end_offset, 0)
            return {"exists from": self._zone.datetime_at(self.windows.cadence.at(step)).isoformat()}
        count = self.count(now)
        hints = {"format": self.fmt}
        for instant in self._candidates(key):
            place = min(max(self.windows.before(instant), 0), count - 1)
            if place >= 0 and instant >= self._start:
                hints["nearest"] = self.key_at(place)
        return hints


class HourlyPartitionsDefinition(TimeWindowPartitionsDefinition):
    """One partition for each hour. Keys look like ``2024-01-31-15:00``.

    Args:
        start_date: the first hour: text in `fmt`, or a datetime.
        end_date: no hour ends later.
        minute_offset: the minute at which hours start.
        timezone: name in the time zone database; UTC by default.
        fmt: strftime format of the keys.
        end_offset: how many hours more (or, negative, fewer) exist than have ended.
        exclusions: see `TimeWindowPartitionsDefinition`.
    """

    __slots__ = ()

    def __init__(
        self,
        start_date: datetime | str,
        end_date: datetime | str | None = None,
        minute_offset: int = 0,
        timezone: str | None = None,
        fmt: str | None = None,
        end_offset: int = 0,
        exclusions: Sequence[str | datetime] | None = None,
    ) -> None:
        super().__init__(
            start=start_date,
            fmt=fmt or "%Y-%m-%d-%H:%M",
            end=end_date,
            schedule_type=ScheduleType.HOURLY,
            timezone=timezone,
            end_offset=end_offset,
            minute_offset=minute_offset,
            exclusions=exclusions,
        )


class DailyPartitionsDefinition(TimeWindowPartitionsDefinition):
    """One partition for each day. Keys look like ``2024-01-31``.

    >>> days = DailyPartitionsDefinition(start_date="2024-02-28", end_date="2024-03-02")
    >>> list(days.get_partition_keys(current_time=datetime(2030, 1, 1)))
    ['2024-02-28', '2024-02-29', '2024-03-01']

    Args:
        start_date: the first day: text in `fmt`, or a datetime.
        end_date: the day after the last one.
        minute_offset: the minute at which days start.
        hour_offset: the hour at which days start.
        timezone: name in the time zone database; UTC by default.
        fmt: strftime format of the keys.
        end_offset: how many days more (or, negative, fewer) exist than have ended.
        exclusions: see `TimeWindowPartitionsDefinition`.
    """

    __slots__ = ()

    def __init__(
        self,
        start_date: datetime | str,
        end_date: datetime | str | None = None,
        minute_offset: int = 0,
        hour_offset: int = 0,
        timezone: str | None = None,
        fmt: str | None = None,
        end_offset: int = 0,
        exclusions: Sequence[str | datetime] | None = None,
    ) -> None:
        super().__init__(
            start=start_date,
            fmt=fmt or "%Y-%m-%d",
            end=end_date,
            schedule_type=ScheduleType.DAILY,
            timezone=timezone,
            end_offset=end_offset,
            minute_offset=minute_offset,
            hour_offset=hour_offset,
            exclusions=exclusions,
        )


class WeeklyPartitionsDefinition(TimeWindowPartitionsDefinition):
    """One partition for each week, named for its first day. Keys look like ``2024-01-28``.

    Args:
        start_date: the first week starts then or later: text in `fmt`, or a datetime.
        end_date: no week ends later.
        minute_offset: the minute at which weeks start.
        hour_offset: the hour at which weeks start.
        day_offset: the weekday on which weeks start; 0 is Sunday.
        timezone: name in the time zone database; UTC by default.
        fmt: strftime format of the keys.
        end_offset: how many weeks more (or, negative, fewer) exist than have ended.
        exclusions: see `TimeWindowPartitionsDefinition`.
    """

    __slots__ = ()

    def __init__(
        self,
        start_date: datetime | str,
        end_date: datetime | str | None = None,
        minute_offset: int = 0,
        hour_offset: int = 0,
        day_offset: int = 0,
        timezone: str | None = None,
        fmt: str | None = None,
        end_offset: int = 0,
        exclusions: Sequence[str | datetime] | None = None,
    ) -> None:
        super().__init__(
            start=start_date,
            fmt=fmt or "%Y-%m-%d",
            end=end_date,
            schedule_type=ScheduleType.WEEKLY,
            timezone=timezone,
            end_offset=end_offset,
            minute_offset=minute_offset,
            hour_offset=hour_offset,
            day_offset=day_offset,
            exclusions=exclusions,
        )


class MonthlyPartitionsDefinition(TimeWindowPartitionsDefinition):
    """One partition for each month, named for its first day. Keys look like ``2024-01-01``.

    Args:
        start_date: the first month starts then or later: text in `fmt`, or a datetime.
        end_date: no month ends later.
        minute_offset: the minute at which months start.
        hour_offset: the hour at which months start.
        day_offset: the day on which months start; 1 is the first. Months that lack the day have no window of their own.
        timezone: name in the time zone database; UTC by default.
        fmt: strftime format of the keys.
        end_offset: how many months more (or, negative, fewer) exist than have ended.
        exclusions: see `TimeWindowPartitionsDefinition`.
    """

    __slots__ = ()

    def __init__(
        self,
        start_date: datetime | str,
        end_date: datetime | str | None = None,
        minute_offset: int = 0,
        hour_offset: int = 0,
        day_offset: int = 1,
        timezone: str | None = None,
        fmt: str | None = None,
        end_offset: int = 0,
        exclusions: Sequence[str | datetime] | None = None,
    ) -> None:
        super().__init__(
            start=start_date,
            fmt=fmt or "%Y-%m-%d",
            end=end_date,
            schedule_type=ScheduleType.MONTHLY,
            timezone=timezone,
            end_offset=end_offset,
            minute_offset=minute_offset,
            hour_offset=hour_offset,
            day_offset=day_offset,
            exclusions=exclusions,
        )


class PartitionDimensionDefinition(Struct, frozen=True):
    """One dimension of a product: its name and its keys."""

    name: str
    partitions_def: PartitionsDefinition


class MultiPartitionsDefinition(PartitionsDefinition):
    """The product of any number of named dimensions: every combination of their keys.

    The order of the dimensions is that of their names; the last one varies fastest. Keys are `MultiPartitionKey`.

    >>> shops = MultiPartitionsDefinition({
    ...     "shop": StaticPartitionsDefinition(["a", "b"]),
    ...     "date": DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-01-03"),
    ... })
    >>> list(shops.get_partition_keys(current_time=datetime(2030, 1, 1)))
    ['2024-01-01|a', '2024-01-01|b', '2024-01-02|a', '2024-01-02|b']

    Args:
        partitions_defs: dimension name to its definition.

    Raises:
        PartitionError: (WEFT-P014) there is no dimension, or one has several dimensions itself or a name that cannot be used.
    """

    __slots__ = ("_definitions", "_names")

    def __init__(self, partitions_defs: Mapping[str, PartitionsDefinition]) -> None:
        wrong = None
        given: Mapping[str, object] = partitions_defs  # what users pass is not always what the types say
        for name, definition in given.items():
            if not isinstance(definition, PartitionsDefinition):
                wrong = f'"{name}" is not a partitions definition but of type {type(definition).__name__}'
            elif isinstance(definition, MultiPartitionsDefinition):
                wrong = f'"{name}" has several dimensions itself'
            elif not name or not name.isprintable() or "|" in name:
                wrong = f"{name!r} cannot be the name of a dimension"
        if wrong or not partitions_defs:
            raise PartitionError(
                f"the dimensions of the partitions are wrong: {wrong or 'there is none'}.",
                code="WEFT-P014",
                facts={"dimensions": list(partitions_defs)},
                fix='write MultiPartitionsDefinition({"date": DailyPartitionsDefinition(...), "region": ...})',
            )
        self._names = tuple(sorted(partitions_defs))
        self._definitions = tuple([partitions_defs[name] for name in self._names])

    @property
    def partitions_defs(self) -> tuple[PartitionDimensionDefinition, ...]:
        """The dimensions in the order of their names."""
        return tuple(map(PartitionDimensionDefinition, self._names, self._definitions))

    @property
    def partition_dimension_names(self) -> tuple[str, ...]:
        """The names of the dimensions, in order."""
        return self._names

    @property
    def dimensions(self) -> tuple[PartitionsDefinition, ...]:
        """The definitions of the dimensions, in the order of their names."""
        return self._definitions

    def get_partitions_def_for_dimension(self, dimension_name: str) -> PartitionsDefinition:
        """The definition of one dimension."""
        return self._definitions[self.dimension_index(dimension_name)]

    def dimension_index(self, name: str) -> int:
        """The place of a dimension among the coordinates.

        Raises:
            PartitionError: (WEFT-P015) there is no dimension of that name.
        """
        if name in self._names:
            return self._names.index(name)
        raise PartitionError(
            f'the partitions have no dimension "{name}".',
            code="WEFT-P015",
            facts={"dimensions": self._names},
            fix=did_you_mean(name, self._names, "use one of the dimensions"),
        )

    def to_spec(self) -> MultiSpec:
        """The definition as a plain value."""
        return MultiSpec({name: each.to_spec() for name, each in zip(self._names, self._definitions, strict=True)})

    def describe(self) -> str:
        """A short text for people."""
        parts = zip(self._names, self._definitions, strict=True)
        return " x ".join([f"{name}: {each.describe()}" for name, each in parts])

    def count(self, now: Moment | None = None, dynamic: object | None = None) -> int:
        """The product of the counts of the dimensions."""
        return prod([each.count(now, dynamic) for each in self._definitions])

    def key_at(self, ordinal: int, now: Moment | None = None, dynamic: object | None = None) -> str:
        """The key of a row-major ordinal; it depends on how many keys the dimensions have at `now`."""
        return self.get_partition_keys(now, dynamic)._key_at(ordinal) if ordinal >= 0 else _raise_index(ordinal)

    def find(self, key: str, now: Moment | None = None, dynamic: object | None = None) -> int | None:
        """The row-major ordinal of a key, or None where one of its parts does not exist at `now`."""
        return self.get_partition_keys(now, dynamic)._place_of(key)

    def coordinates_of(self, keys: Iterable[str], dynamic: object | None = None) -> list[tuple[int, ...] | None]:
        """See `PartitionsDefinition.coordinates_of`."""
        rows = [self.parts_of(key) for key in keys]
        columns = []
        for i, definition in enumerate(self._definitions):
            # Few values repeat in many keys: look each up once.
            values = list(dict.fromkeys([row[i] for row in rows if row is not None]))
            found = definition.coordinates_of(values, dynamic)
            columns.append(
                {value: None if each is None else each[0] for value, each in zip(values, found, strict=True)}
            )
        result: list[tuple[int, ...] | None] = []
        for row in rows:
            coordinates = [] if row is None else [column[part] for column, part in zip(columns, row, strict=True)]
            known = [each for each in coordinates if each is not None]
            result.append(tuple(known) if len(known) == len(self._names) else None)
        return result

    def keys_of(self, coordinates: Iterable[Sequence[int]], dynamic: object | None = None) -> list[str | None]:
        """See `PartitionsDefinition.keys_of`."""
        rows = list(coordinates)
        columns = []
        for i, definition in enumerate(self._definitions):
            values = list(dict.fromkeys([row[i] for row in rows]))
            found = definition.keys_of([(value,) for value in values], dynamic)
            columns.append(dict(zip(values, found, strict=True)))
        keys: list[str | None] = []
        for row in rows:
            parts = [column[value] for column, value in zip(columns, row, strict=True)]
            known = {name: part for name, part in zip(self._names, parts, strict=True) if part is not None}
            keys.append(MultiPartitionKey(known) if len(known) == len(parts) else None)
        return keys

    def multi_key(self, key: str) -> MultiPartitionKey:
        """A key as one that knows its parts. Whether the parts exist is not asked.

        Raises:
            PartitionError: (WEFT-P012) it does not have a part for each dimension.
        """
        if isinstance(key, MultiPartitionKey) and tuple(key.keys_by_dimension) == self._names:
            return key
        parts = self.parts_of(key)
        if parts is None:
            raise PartitionError(
                f'"{key}" does not have a part for each dimension.',
                code="WEFT-P012",
                facts={"key": key, "dimensions": self._names},
                fix=f'write {"|".join(f"<{name}>" for name in self._names)}, with "\\" before a "|" or "\\" inside a part',
            )
        return MultiPartitionKey(dict(zip(self._names, parts, strict=True)))

    def parts_of(self, key: str) -> list[str] | None:
        """The keys of the dimensions that `key` is made of, in the order of their names; None where the number differs."""
        parts = split_parts(key)
        return parts if parts is not None and len(parts) == len(self._names) else None

    def get_partition_keys(
        self, current_time: Moment | None = None, dynamic_partitions_store: object | None = None
    ) -> PartitionKeys:
        """All combinations, in row-major order."""
        return self._product(
            [each.get_partition_keys(current_time, dynamic_partitions_store) for each in self._definitions]
        )

    def get_partition_keys_in_range(
        self,
        partition_key_range: PartitionKeyRange,
        dynamic_partitions_store: object | None = None,
        *,
        current_time: Moment | None = None,
    ) -> PartitionKeys:
        """The box between two keys: every combination of the ranges of the dimensions."""
        starts = self.multi_key(partition_key_range.start).keys_by_dimension
        ends = self.multi_key(partition_key_range.end).keys_by_dimension
        columns = []
        for name, definition in zip(self._names, self._definitions, strict=True):
            span = PartitionKeyRange(starts[name], ends[name])
            columns.append(
                definition.get_partition_keys_in_range(span, dynamic_partitions_store, current_time=current_time)
            )
        return self._product(columns)

    def get_multipartition_keys_with_dimension_value(
        self,
        dimension_name: str,
        dimension_partition_key: str,
        dynamic_partitions_store: object | None = None,
        current_time: Moment | None = None,
    ) -> PartitionKeys:
        """The keys that have this part in this dimension.

        Raises:
            PartitionError: (WEFT-P001) the part does not exist in its dimension.
        """
        index = self.dimension_index(dimension_name)
        columns = [each.get_partition_keys(current_time, dynamic_partitions_store) for each in self._definitions]
        if dimension_partition_key not in columns[index]:
            raise self._definitions[index]._unknown(dimension_partition_key, current_time, dynamic_partitions_store)
        place = columns[index].index(dimension_partition_key)
        columns[index] = columns[index][place : place + 1]
        return self._product(columns)

    def has_partition_key(
        self, partition_key: str, *, current_time: Moment | None = None, dynamic_partitions_store: object | None = None
    ) -> bool:
        """Whether every part of the key exists in its dimension."""
        parts = self.parts_of(partition_key)
        return parts is not None and all(
            each.has_partition_key(part, current_time=current_time, dynamic_partitions_store=dynamic_partitions_store)
            for each, part in zip(self._definitions, parts, strict=True)
        )

    @property
    def time_window_dimensions(self) -> tuple[PartitionDimensionDefinition, ...]:
        """The dimensions whose keys are windows of time."""
        return tuple(
            [each for each in self.partitions_defs if isinstance(each.partitions_def, TimeWindowPartitionsDefinition)]
        )

    @property
    def has_time_window_dimension(self) -> bool:
        """Whether the keys of a dimension are windows of time."""
        return bool(self.time_window_dimensions)

    @property
    def time_window_dimension(self) -> PartitionDimensionDefinition:
        """The one dimension whose keys are windows of time.

        Raises:
            PartitionError: (WEFT-P016) there is none, or more than one.
        """
        found = self.time_window_dimensions
        if len(found) != 1:
            raise _not_windows(self)
        return found[0]

    def time_window_for_partition_key(self, partition_key: str) -> TimeWindow:
        """The window of the key's part in the one dimension of time."""
        axis = self.time_window_dimension
        part = self.multi_key(partition_key).keys_by_dimension[axis.name]
        return axis.partitions_def.time_window_for_partition_key(part)

    def _product(self, columns: Sequence[PartitionKeys]) -> PartitionKeys:
        names = self._names
        sizes = [len(column) for column in columns]

        def key_at(place: int) -> str:
            parts = {}
            for i in range(len(sizes) - 1, 0, -1):
                place, within = divmod(place, sizes[i])
                parts[names[i]] = columns[i][within]
            parts[names[0]] = columns[0][place]
            return MultiPartitionKey(parts)

        def place_of(key: str) -> int | None:
            parts = self.parts_of(key)
            if parts is None:
                return None
            place = 0
            for column, size, part in zip(columns, sizes, parts, strict=True):
                if part not in column:
                    return None
                place = place * size + column.index(part)
            return place

        return PartitionKeys(key_at, place_of, range(prod(sizes)))

    def _hints(self, key: str, now: Moment | None, dynamic: object | None) -> dict[str, str]:
        parts = self.parts_of(key)
        if parts is None:
            return {"expected": "|".join(f"<{name}>" for name in self._names)}
        close: list[str] = []
        unknown: list[str] = []
        for name, definition, part in zip(self._names, self._definitions, parts, strict=True):
            if definition.has_partition_key(part, current_time=now, dynamic_partitions_store=dynamic):
                close.append(part)
                continue
            unknown.append(f'{name} "{part}"')
            found = definition._hints(part, now, dynamic).get("nearest")
            if found is not None:
                close.append(found)
        hints = {"unknown": ", ".join(unknown)}
        if unknown and len(close) == len(parts):
            hints["nearest"] = join_parts(close)
        return hints

    @property
    def _identity(self) -> object:
        return (self._names, self._definitions)


def from_spec(spec: PartitionsSpec) -> PartitionsDefinition:
    """The definition that `PartitionsDefinition.to_spec` described; equal to it."""
    if isinstance(spec, StaticSpec):
        return StaticPartitionsDefinition(spec.keys)
    if isinstance(spec, DynamicSpec):
        return DynamicPartitionsDefinition(spec.name)
    if isinstance(spec, MultiSpec):
        return MultiPartitionsDefinition({name: from_spec(each) for name, each in spec.dimensions.items()})
    zone = zone_named(spec.timezone)
    kind = _shape(spec.cron)[0]
    definition = (TimeWindowPartitionsDefinition if kind is None else _CLASSES[kind]).__new__(
        TimeWindowPartitionsDefinition if kind is None else _CLASSES[kind]
    )
    TimeWindowPartitionsDefinition.__init__(
        definition,
        start=zone.datetime_at(_from_iso(zone, spec.start)),
        fmt=spec.fmt,
        end=None if spec.end is None else zone.datetime_at(_from_iso(zone, spec.end)),
        timezone=spec.timezone,
        end_offset=spec.end_offset,
        cron_schedule=spec.cron,
        exclusions=[text if _is_cron(text) else zone.datetime_at(_from_iso(zone, text)) for text in spec.exclusions],
    )
    return definition


_CLASSES: Mapping[ScheduleType, type[TimeWindowPartitionsDefinition]] = {
    ScheduleType.HOURLY: HourlyPartitionsDefinition,
    ScheduleType.DAILY: DailyPartitionsDefinition,
    ScheduleType.WEEKLY: WeeklyPartitionsDefinition,
    ScheduleType.MONTHLY: MonthlyPartitionsDefinition,
}


def _cadence(
    kind: ScheduleType | str | None, cron: str | None, minute: int | None, hour: int | None, day: int | None
) -> str:
    """The cron expression of a cadence that is given either way."""
    if (kind is None) == (cron is None) or (cron is not None and (minute or hour or day)):
        raise PartitionError(
            "time partitions need either cron_schedule, or schedule_type and its offsets.",
            code="WEFT-P011",
            facts={"cron_schedule": cron or "(none)", "schedule_type": str(kind or "(none)")},
            fix='write cron_schedule="0 6 * * *", or schedule_type=ScheduleType.DAILY, hour_offset=6',
        )
    if cron is not None:
        return parse_cron(cron).text
    kind = ScheduleType(kind)
    lowest = 1 if kind is ScheduleType.MONTHLY else 0
    highest = {ScheduleType.WEEKLY: 6, ScheduleType.MONTHLY: 31}.get(kind, 0)
    minute, hour, day = minute or 0, hour or 0, lowest if day is None else day
    most_hour = 0 if kind is ScheduleType.HOURLY else 23
    for name, value, low, high in (
        ("minute_offset", minute, 0, 59),
        ("hour_offset", hour, 0, most_hour),
        ("day_offset", day, lowest, highest),
    ):
        if not low <= value <= high:
            raise PartitionError(
                f"{name} of {kind.value.lower()} partitions cannot be {value}.",
                code="WEFT-P009",
                facts={"lowest": low, "highest": high},
                fix=f"use a whole number from {low} to {high}" if high > low else f"leave {name} out",
            )
    if kind is ScheduleType.HOURLY:
        return f"{minute} * * * *"
    if kind is ScheduleType.DAILY:
        return f"{minute} {hour} * * *"
    if kind is ScheduleType.WEEKLY:
        return f"{minute} {hour} * * {day}"
    return f"{minute} {hour} {day} * *"


@lru_cache(maxsize=1024)
def _shape(cron: str) -> tuple[ScheduleType | None, int, int, int]:
    """The ordinary cadence that an expression is, with its minute, hour and day; None where it is another one."""
    fields = cron.split()
    numbers = [int(field) if field.isdecimal() else None for field in fields]
    if len(fields) == 5 and numbers[0] is not None and fields[3] == "*":
        stars = [field == "*" for field in fields]
        minute, hour, day, weekday = numbers[0], numbers[1], numbers[2], numbers[4]
        if stars[1] and stars[2] and stars[4]:
            return ScheduleType.HOURLY, minute, 0, 0
        if hour is not None:
            if stars[2] and stars[4]:
                return ScheduleType.DAILY, minute, hour, 0
            if stars[2] and weekday is not None and weekday < 7:
                return ScheduleType.WEEKLY, minute, hour, weekday
            if stars[4] and day is not None:
                return ScheduleType.MONTHLY, minute, hour, day
    return None, 0, 0, 0


@lru_cache(maxsize=1024)
def _check_format(cron: str, fmt: str) -> None:
    """Raise where two windows would have one key, or a key could not be read back.

    Looks at some windows in a row, which differ in their finest parts, and at some far apart, which differ in the coarsest.
    """
    pattern, form = pattern_of(cron), key_format(fmt)
    start = year_start(2000) // 60
    first = pattern.before(start)
    numbers = [first + i for i in range(64)]
    numbers += [pattern.before(start + days * 1440) for days in (31, 366, 366 + 365, 10 * 366, 37 * 366)]
    for number in numbers:
        wall = pattern.at(number) * 60
        key = form.format(wall, 0)
        parsed = form.parse(key)
        read = None if parsed is None else pattern.at(pattern.before(-(-parsed[0] // 60))) * 60
        if read != wall:
            other = form.format(pattern.at(number - 1) * 60, 0)
            raise PartitionError(
                "the format of the keys does not tell the windows apart.",
                code="WEFT-P008",
                facts={
                    "format": fmt,
                    "cadence": cron,
                    "key": key,
                    "also": other if other == key else "(cannot be read back)",
                },
                fix='add what is missing, for example "%Y-%m-%d-%H:%M", or leave fmt out',
            )


def _numbered(store: Any) -> NumberedKeys | None:
    """The store, where it gives lasting numbers."""
    return store if hasattr(store, "numbers_of") else None


def _is_cron(exclusion: str) -> bool:
    """Whether an exclusion of a spec is a cron expression; otherwise it is an instant."""
    return " " in exclusion or exclusion.startswith("@")


def _iso(zone: Zone, instant: int) -> str:
    """An instant as wall-clock text; with its offset where the clock shows that time twice and this is the second."""
    offset = zone.offset_at(instant)
    wall = key_format("%Y-%m-%dT%H:%M:%S").format(instant + offset, 0).removesuffix(":00")
    return wall if zone.instant_of(instant + offset) == instant else wall + offset_text(offset)


def _from_iso(zone: Zone, text: str) -> int:
    """The inverse of `_iso`."""
    for fmt in ("%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M%z", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d"):
        parsed = key_format(fmt).parse(text)
        if parsed is not None:
            wall, offset = parsed
            return zone.instant_of(wall) if offset is None else wall - offset
    moment = datetime.fromisoformat(text)
    return wall_of(moment) if moment.tzinfo else zone.instant_of(wall_of(moment))


def checked_stop(span: PartitionKeyRange, start: int, end: int) -> int:
    """The place after the end of a range that goes from place `start` to place `end`.

    Raises:
        PartitionError: (WEFT-P017) the end lies before the start.
    """
    if end >= start:
        return end + 1
    raise PartitionError(
        "the range of partitions ends before it starts.",
        code="WEFT-P017",
        facts={"start": span.start, "end": span.end},
        fix=f'did you mean "{span.end}...{span.start}"?',
    )


def _not_windows(definition: PartitionsDefinition) -> PartitionError:
    return PartitionError(
        "the keys of these partitions are not windows of time, or are so in several dimensions.",
        code="WEFT-P016",
        facts={"partitions": definition.describe()},
        fix="ask the dimension of time for the window of its part of the key",
    )


def _raise_index(ordinal: int) -> str:
    raise IndexError(ordinal)
