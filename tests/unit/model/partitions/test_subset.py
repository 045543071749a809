"""Sets of partitions: laws of sets, keys, ranges, bytes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from itertools import product

import pytest
from hypothesis import given, settings, strategies as st

from weft.errors import PartitionError
from weft.model.partitions import subset
from weft.model.partitions.definitions import (
    DailyPartitionsDefinition,
    DynamicPartitionsDefinition,
    HourlyPartitionsDefinition,
    MultiPartitionsDefinition,
    PartitionsDefinition,
    StaticPartitionsDefinition,
)
from weft.model.partitions.keys import PartitionKeyRange
from weft.model.partitions.ordinals import OrdinalSet
from weft.model.partitions.subset import PartitionSet

NOW = datetime(2024, 6, 15, 12, tzinfo=timezone.utc)


class NumberedStore:
    """A store of dynamic keys that gives lasting numbers."""

    def __init__(self, *keys: str) -> None:
        self.keys: dict[str, int] = {}
        self.next = 0
        for key in keys:
            self.add(key)

    def add(self, key: str) -> None:
        self.keys[key] = self.next
        self.next += 1

    def has(self, name: str, key: str) -> bool:
        return key in self.keys

    def list(self, name: str) -> Sequence[str]:
        return tuple(self.keys)

    def count(self, name: str) -> int:
        return len(self.keys)

    def numbers_of(self, name: str, keys: Sequence[str]) -> Sequence[int | None]:
        return [self.keys.get(key) for key in keys]

    def keys_of(self, name: str, numbers: Sequence[int]) -> Sequence[str | None]:
        known = {number: key for key, number in self.keys.items()}
        return [known.get(number) for number in numbers]

    def numbers(self, name: str) -> Sequence[int]:
        return tuple(self.keys.values())


class ListedStore:
    """A store of dynamic keys that only lists them."""

    def has(self, name: str, key: str) -> bool:
        return key in ("ann", "b|ob", "☃")

    def list(self, name: str) -> Sequence[str]:
        return ("ann", "b|ob", "☃")

    def count(self, name: str) -> int:
        return 3


def numbered() -> NumberedStore:
    store = NumberedStore("x", "ann", "b|ob", "y", "☃", "z")
    for key in ("x", "y"):
        del store.keys[key]
    return store


DAYS = DailyPartitionsDefinition("2024-06-10", timezone="Europe/Berlin")
WORKDAYS = DailyPartitionsDefinition("2024-06-01", exclusions=["0 0 * * 0,6"])
HOURS = HourlyPartitionsDefinition("2024-06-15-08:00")
LETTERS = StaticPartitionsDefinition(["a", "b|", "\\c", "d", "e"])
USERS = DynamicPartitionsDefinition("users")
DEFINITIONS: list[PartitionsDefinition] = [
    DAYS,
    WORKDAYS,
    LETTERS,
    USERS,
    MultiPartitionsDefinition({"letter": LETTERS, "day": DAYS}),
    MultiPartitionsDefinition({"day": DAYS, "hour": HOURS, "user": USERS}),
    MultiPartitionsDefinition({"a": LETTERS, "b": StaticPartitionsDefinition(list("123")), "c": USERS, "z": DAYS}),
]
STORES = [ListedStore(), numbered()]


def some_keys(data: st.DataObject, definition: PartitionsDefinition, store: object) -> set[str]:
    """Keys that form a box, or any keys, or both."""
    every = list(definition.get_partition_keys(NOW, store))
    chosen = set(data.draw(st.lists(st.sampled_from(every), max_size=40)))
    if data.draw(st.booleans()):
        columns = [
            data.draw(st.lists(st.sampled_from(list(each.get_partition_keys(NOW, store))), unique=True))
            for each in definition.dimensions
        ]
        if isinstance(definition, MultiPartitionsDefinition):
            names = definition.partition_dimension_names
            parts = dict(zip(names, columns, strict=True))
            chosen |= set(PartitionSet.product(definition, parts, NOW, store).keys(store))
        else:
            chosen |= set(columns[0])
    return chosen


@settings(deadline=None, max_examples=40)
@given(st.sampled_from(DEFINITIONS), st.sampled_from(STORES), st.data())
def test_algebra_is_that_of_sets_of_keys(definition: PartitionsDefinition, store: object, data: st.DataObject) -> None:
    """Promise d4."""
    every = set(definition.get_partition_keys(NOW, store))
    a, b, c = (some_keys(data, definition, store) for _ in range(3))
    x, y, z = (PartitionSet.from_keys(definition, keys, store) for keys in (a, b, c))
    for found, expected in (
        (x, a),
        (x | y, a | b),
        (x & y, a & b),
        (x - y, a - b),
        (x ^ y, a ^ b),
        (x.complement(NOW, store), every - a),
        ((x | y) - z, (a | b) - c),
        ((x - y) | (z - x), (a - b) | (c - a)),
        ((x | y) & (y | z), (a | b) & (b | c)),
    ):
        assert set(found.keys(store)) == expected
        assert len(found) == len(expected) == len(list(found.keys(store)))
        assert bool(found) == bool(expected)
        assert all(found.contains(key, store) == (key in expected) for key in list(every)[:20])
        boxes = list(found.boxes())
        assert sum(len(list(product(*box))) for box in boxes) == len(expected), "boxes are disjoint"
        again = PartitionSet.from_bytes(definition, found.to_bytes())
        assert again == found
        assert hash(again) == hash(found)
        from_ranges = PartitionSet.empty(definition)
        for span in found.key_ranges(store):
            from_ranges |= PartitionSet.from_range(definition, span, store)
        assert from_ranges == found
    assert (x <= y) == (a <= b)
    assert (x == y) == (a == b)
    assert x.isdisjoint(y) == a.isdisjoint(b)
    assert x | y == y | x
    assert x - (y | z) == (x - y) & (x - z)


@settings(deadline=None, max_examples=30)
@given(st.sampled_from(DEFINITIONS[4:]), st.sampled_from(STORES), st.data())
def test_dimensions_and_groups_are_projections(
    definition: MultiPartitionsDefinition, store: object, data: st.DataObject
) -> None:
    keys = some_keys(data, definition, store)
    x = PartitionSet.from_keys(definition, keys, store)
    for name in definition.partition_dimension_names:
        groups: dict[str, set[str]] = {}
        for key in keys:
            groups.setdefault(definition.multi_key(key).keys_by_dimension[name], set()).add(key)
        assert set(x.dimension(name).keys(store)) == set(groups)
        assert {key: set(part.keys(store)) for key, part in x.group_by(name, store)} == groups


@pytest.mark.parametrize("definition", DEFINITIONS)
@pytest.mark.parametrize("store", STORES)
def test_everything_and_nothing(definition: PartitionsDefinition, store: object) -> None:
    every = PartitionSet.all(definition, NOW, store)
    assert set(every.keys(store)) == set(definition.get_partition_keys(NOW, store))
    assert not PartitionSet.empty(definition)
    assert every.complement(NOW, store) == PartitionSet.empty(definition)
    assert len(every.to_bytes()) < 120


def test_forms_switch_without_being_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ragged sets become cells, and few boxes again when they are written."""
    definition = MultiPartitionsDefinition({"a": HOURS, "b": DAYS, "c": LETTERS})
    store = None
    every = PartitionSet.all(definition, NOW, store)
    ragged = PartitionSet.from_keys(definition, list(every)[::3])
    assert ragged._cells is not None
    whole = (every - ragged) | ragged
    assert whole._cells is not None
    assert whole == every
    assert every == whole
    assert len(whole.to_bytes()) == len(every.to_bytes())
    monkeypatch.setattr(subset, "_FEW_BOXES", 10**6)
    monkeypatch.setattr(subset, "_MOST_BOXES", 10**6)
    boxed = PartitionSet(definition, ragged.boxes())
    assert boxed._boxes is not None
    assert boxed == ragged


def test_stored_sets_stay_true_while_the_space_grows() -> None:
    definition = MultiPartitionsDefinition({"day": DAYS, "user": USERS, "hour": HOURS})
    store = NumberedStore("ann", "bob")
    ragged = PartitionSet.from_keys(definition, list(definition.get_partition_keys(NOW, store))[::3], store)
    keys = set(ragged.keys(store))
    data = ragged.to_bytes()
    combined = ragged
    for _ in range(10):
        combined = (combined | ragged) - PartitionSet.from_keys(definition, list(ragged.keys(store))[:20], store)
    assert combined._strides == ragged._strides, "room is made only where it is needed"
    for i in range(3000):
        store.add(f"user {i}")
    later = datetime(2026, 1, 1, tzinfo=timezone.utc)
    again = PartitionSet.from_bytes(definition, data)
    assert set(again.keys(store)) == keys
    grown = again | PartitionSet.product(definition, {"user": "user 2999", "day": "2025-12-01"}, later, store)
    assert grown.contains("2024-06-10|2024-06-15-08:00|ann", store) == ("2024-06-10|2024-06-15-08:00|ann" in keys)
    assert grown.contains("2025-12-01|2024-06-15-08:00|user 2999", store)
    assert len(grown) == len(keys) + HOURS.count(later)
    assert grown - again == PartitionSet.product(definition, {"user": "user 2999", "day": "2025-12-01"}, later, store)


def test_fixed_keys_may_be_appended_and_windows_may_end() -> None:
    for before, after in (
        (StaticPartitionsDefinition(["a", "b", "c"]), StaticPartitionsDefinition(["a", "b", "c", "d"])),
        (
            DailyPartitionsDefinition("2024-01-01"),
            DailyPartitionsDefinition("2024-01-01", end_date="2025-01-01", end_offset=1),
        ),
    ):
        chosen = PartitionSet.from_keys(before, [before.key_at(0), before.key_at(2)])
        moved = PartitionSet.from_bytes(after, chosen.to_bytes())
        assert list(moved) == list(chosen)
        grid, wider = (MultiPartitionsDefinition({"x": each, "y": LETTERS, "z": LETTERS}) for each in (before, after))
        every = [f"{before.key_at(i)}|{y}|{z}" for i in range(3) for y in ("a", "d") for z in ("a", "d", "e")]
        ragged = PartitionSet.from_keys(grid, [key for i, key in enumerate(every) if i % 5])
        carried = PartitionSet.from_bytes(wider, ragged.to_bytes())
        assert set(carried) == set(ragged)
        assert carried | PartitionSet.empty(wider) == PartitionSet.from_keys(wider, ragged)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (DAYS, WORKDAYS),
        (DAYS, DailyPartitionsDefinition("2024-06-11", timezone="Europe/Berlin")),
        (StaticPartitionsDefinition(["a", "b"]), StaticPartitionsDefinition(["b", "a"])),
        (StaticPartitionsDefinition(["a", "b"]), StaticPartitionsDefinition(["a"])),
        (USERS, DynamicPartitionsDefinition("others")),
    ],
)
def test_a_set_of_other_keys_is_not_read(before: PartitionsDefinition, after: PartitionsDefinition) -> None:
    with pytest.raises(PartitionError) as caught:
        PartitionSet.from_bytes(after, PartitionSet.empty(before).to_bytes())
    assert caught.value.code == "WEFT-P021"


def test_damaged_bytes_are_not_read() -> None:
    data = PartitionSet.from_keys(LETTERS, ["a", "d"]).to_bytes()
    for damaged in (b"", b"WPS", b"WPS\x02" + data[4:], data[:-1], data[:14] + b"\x09"):
        with pytest.raises(PartitionError) as caught:
            PartitionSet.from_bytes(LETTERS, damaged)
        assert caught.value.code in ("WEFT-P020", "WEFT-P021")


def test_sets_of_two_definitions_do_not_mix() -> None:
    with pytest.raises(PartitionError) as caught:
        PartitionSet.empty(DAYS) | PartitionSet.empty(LETTERS)
    assert caught.value.code == "WEFT-P019"
    assert PartitionSet.empty(DAYS) != PartitionSet.empty(LETTERS)
    assert PartitionSet.empty(DAYS) != "x"


def test_what_needs_several_dimensions_or_one_says_so() -> None:
    grid = MultiPartitionsDefinition({"letter": LETTERS, "day": DAYS})
    for call, code in (
        (lambda: PartitionSet.empty(DAYS).dimension("day"), "WEFT-P022"),
        (lambda: PartitionSet.product(DAYS, {}), "WEFT-P022"),
        (lambda: PartitionSet.empty(grid).ordinals, "WEFT-P018"),
        (lambda: PartitionSet.from_ordinals(grid, [1]), "WEFT-P018"),
        (lambda: PartitionSet.empty(grid).dimension("nope"), "WEFT-P015"),
        (lambda: PartitionSet.from_keys(grid, ["2024-06-10|nope"]), "WEFT-P001"),
        (lambda: PartitionSet.product(grid, {"letter": ["nope"]}, NOW), "WEFT-P001"),
        (lambda: PartitionSet.from_range(DAYS, PartitionKeyRange("2024-06-12", "2024-06-11")), "WEFT-P017"),
        (lambda: PartitionSet.from_range(DAYS, PartitionKeyRange("2024-06-12", "x")), "WEFT-P001"),
    ):
        with pytest.raises(PartitionError) as caught:
            call()
        assert caught.value.code == code


def test_windows_that_have_not_ended_may_be_in_a_set() -> None:
    chosen = PartitionSet.from_keys(DAYS, ["2030-01-01"])
    assert "2030-01-01" in chosen
    assert not chosen & PartitionSet.all(DAYS, NOW)


def test_ten_million_keys_are_a_handful_of_numbers() -> None:
    """Promises a3, d4: nothing here lists the keys."""
    letters = {name: StaticPartitionsDefinition([f"{name}{i}" for i in range(100)]) for name in "abcd"}
    grid = MultiPartitionsDefinition({**letters, "hour": HourlyPartitionsDefinition("2000-01-01-00:00")})
    every = PartitionSet.all(grid, NOW)
    assert len(every) > 10**13
    part = PartitionSet.product(grid, {"a": ["a1", "a5"], "hour": "2024-01-01-00:00"}, NOW)
    assert len(part) == 2 * 10**6
    rest = every - part
    assert len(rest) == len(every) - len(part)
    assert "a1|b0|c0|d0|2024-01-01-00:00" not in rest
    assert len(rest.to_bytes()) < 500
    assert next(iter(rest)) == "a0|b0|c0|d0|2000-01-01-00:00"
    assert rest.group_by("a") is not None
    assert "2024" in repr(part)


def test_ordinals_make_sets() -> None:
    assert list(PartitionSet.from_ordinals(LETTERS, [0, 3])) == ["a", "d"]
    assert PartitionSet.from_ordinals(LETTERS, OrdinalSet.span(0, 5)) == PartitionSet.all(LETTERS)
    assert PartitionSet.from_keys(LETTERS, "a").ordinals == OrdinalSet.of([0])
    assert (
        repr(PartitionSet.from_keys(LETTERS, ["a", "b|", "d"])) == f"<3 partitions of {LETTERS.describe()}: a...b|, d>"
    )
