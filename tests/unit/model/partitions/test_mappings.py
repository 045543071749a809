"""Partition mappings against their meaning, key by key, and their laws."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timezone

import pytest
from hypothesis import given, settings, strategies as st

from weft.errors import PartitionError
from weft.model.codec import Decoder, encode
from weft.model.partitions.definitions import (
    DailyPartitionsDefinition,
    DynamicPartitionsDefinition,
    HourlyPartitionsDefinition,
    Moment,
    MonthlyPartitionsDefinition,
    MultiPartitionsDefinition,
    PartitionsDefinition,
    StaticPartitionsDefinition,
    TimeWindowPartitionsDefinition,
    WeeklyPartitionsDefinition,
)
from weft.model.partitions.keys import PartitionKeyRange
from weft.model.partitions.mappings import (
    AllPartitionMapping,
    DimensionPartitionMapping,
    IdentityPartitionMapping,
    LastPartitionMapping,
    MultiPartitionMapping,
    MultiToSingleDimensionPartitionMapping,
    PartitionMapping,
    SpecificPartitionsPartitionMapping,
    StaticPartitionMapping,
    TimeWindowPartitionMapping,
    UpstreamPartitions,
    infer_mapping,
    mapping_from_spec,
)
from weft.model.partitions.spec import MappingSpec
from weft.model.partitions.subset import PartitionSet

NOW = datetime(2024, 11, 6, 7, 30, tzinfo=timezone.utc)
NEW_YORK = "America/New_York"

HOURS = HourlyPartitionsDefinition("2024-11-02-00:00", timezone=NEW_YORK)
DAYS = DailyPartitionsDefinition("2024-10-20", timezone=NEW_YORK)
TIMES: list[TimeWindowPartitionsDefinition] = [
    HOURS,
    HourlyPartitionsDefinition(
        "2024-11-03-00:00", minute_offset=30, timezone="Europe/Berlin", exclusions=["30 0-5 * * *"]
    ),
    DAYS,
    DailyPartitionsDefinition("2024-10-28", hour_offset=6, timezone="Europe/Berlin", end_offset=2),
    DailyPartitionsDefinition("2024-10-01", exclusions=["0 0 * * 0,6", datetime(2024, 10, 2)], end_offset=-1),
    DailyPartitionsDefinition("2024-10-21", end_date="2024-11-01", timezone=NEW_YORK),
    WeeklyPartitionsDefinition("2024-09-15", day_offset=1, timezone=NEW_YORK),
    MonthlyPartitionsDefinition("2024-07-01"),
    TimeWindowPartitionsDefinition(
        "2024-10-30-00:00", "%Y-%m-%d-%H:%M", cron_schedule="15 */7 * * 1-5", timezone=NEW_YORK
    ),
]
LETTERS = StaticPartitionsDefinition(["a", "b", "c", "d"])
FEWER = StaticPartitionsDefinition(["c", "x", "a"])
USERS = DynamicPartitionsDefinition("users")
GRID = MultiPartitionsDefinition({"day": DAYS, "letter": LETTERS})
CUBE = MultiPartitionsDefinition({"hour": HOURS, "letter": LETTERS, "user": USERS})
MONTHS = MultiPartitionsDefinition({"month": MonthlyPartitionsDefinition("2024-07-01"), "letter": FEWER})


class Store:
    """Dynamic keys."""

    def has(self, name: str, key: str) -> bool:
        return key in self.list(name)

    def list(self, name: str) -> Sequence[str]:
        return ("ann", "c", "a")

    def count(self, name: str) -> int:
        return 3


STORE = Store()


def keys_of(definition: PartitionsDefinition) -> list[str]:
    return list(definition.get_partition_keys(NOW, STORE))


class EveryOther(PartitionMapping):
    """A user's own: each key from the keys of the same parity of their place."""

    def upstream_of(
        self,
        downstream: PartitionSet | None,
        downstream_def: PartitionsDefinition | None,
        upstream_def: PartitionsDefinition,
        now: Moment | None = None,
        dynamic: object | None = None,
    ) -> UpstreamPartitions:
        assert downstream is not None
        return UpstreamPartitions(self._same_parity(downstream, upstream_def, now, dynamic))

    def downstream_of(
        self,
        upstream: PartitionSet,
        upstream_def: PartitionsDefinition,
        downstream_def: PartitionsDefinition,
        now: Moment | None = None,
        dynamic: object | None = None,
    ) -> PartitionSet:
        return self._same_parity(upstream, downstream_def, now, dynamic)

    def _same_parity(
        self, chosen: PartitionSet, target: PartitionsDefinition, now: Moment | None, dynamic: object | None
    ) -> PartitionSet:
        parities = {ordinal % 2 for ordinal in chosen.ordinals}
        return PartitionSet.from_ordinals(target, [i for i in range(target.count(now, dynamic)) if i % 2 in parities])


def overlapping(start_offset: int = 0, end_offset: int = 0) -> Callable[..., bool]:
    def is_upstream(d: str, down: TimeWindowPartitionsDefinition, u: str, up: TimeWindowPartitionsDefinition) -> bool:
        number = down.ordinal_of(d)
        start, end = down.windows.span(number + start_offset)[0], down.windows.span(number + end_offset)[1]
        window = up.time_window_for_partition_key(u)
        return window.start.timestamp() < end and start < window.end.timestamp()

    return is_upstream


def same_key(d: str, down: PartitionsDefinition, u: str, up: PartitionsDefinition) -> bool:
    return d == u


def always(d: str, down: PartitionsDefinition, u: str, up: PartitionsDefinition) -> bool:
    return True


def is_last(d: str, down: PartitionsDefinition, u: str, up: PartitionsDefinition) -> bool:
    return u == keys_of(up)[-1]


def part(definition: PartitionsDefinition, key: str, name: str) -> str:
    assert isinstance(definition, MultiPartitionsDefinition)
    return definition.multi_key(key).keys_by_dimension[name]


def grid_of_cube(d: str, down: PartitionsDefinition, u: str, up: PartitionsDefinition) -> bool:
    """`GRID` (days) from `CUBE` (hours): hours of the day and the day before, letters by the table."""
    day, hour = part(down, d, "day"), part(up, u, "hour")
    table = {("a", "a"), ("b", "a"), ("b", "c")}
    return overlapping(-1, 0)(day, DAYS, hour, HOURS) and (part(up, u, "letter"), part(down, d, "letter")) in table


def shared_dimension(d: str, down: PartitionsDefinition, u: str, up: PartitionsDefinition) -> bool:
    letter = part(down, d, "letter")
    return part(up, u, "letter") == letter and part(up, u, "user") == letter


CASES: list[tuple[PartitionMapping, PartitionsDefinition, PartitionsDefinition, Callable[..., bool]]] = [
    *[(IdentityPartitionMapping(), one, other, same_key) for one, other in [
        (LETTERS, LETTERS), (LETTERS, FEWER), (FEWER, USERS), (DAYS, TIMES[5]), (TIMES[5], DAYS), (TIMES[4], DailyPartitionsDefinition("2024-10-05")),
        (DailyPartitionsDefinition("2024-10-05"), TIMES[4]), (DAYS, TIMES[4]), (GRID, GRID), (HOURS, HOURS),
        (GRID, MultiPartitionsDefinition({"letter": FEWER, "day": TIMES[5]})),
    ]],
    *[(AllPartitionMapping(), one, other, always) for one, other in [(LETTERS, DAYS), (GRID, USERS), (CUBE, GRID)]],
    *[(LastPartitionMapping(), one, other, is_last) for one, other in [(LETTERS, DAYS), (DAYS, GRID), (LETTERS, USERS)]],
    (SpecificPartitionsPartitionMapping(["a", "x"]), DAYS, FEWER, lambda d, down, u, up: u in ("a", "x")),
    (
        StaticPartitionMapping({"a": "x", "b": ["x", "c"], "d": []}),
        FEWER,
        LETTERS,
        lambda d, down, u, up: (u, d) in {("a", "x"), ("b", "x"), ("b", "c")},
    ),
    *[(TimeWindowPartitionMapping(), one, other, overlapping()) for one in TIMES for other in TIMES],
    *[
        (TimeWindowPartitionMapping(*offsets), one, other, overlapping(*offsets))
        for offsets in [(-1, 0), (-2, -1), (1, 3), (0, 1)]
        for one, other in [(DAYS, HOURS), (HOURS, DAYS), (TIMES[4], TIMES[4]), (TIMES[6], TIMES[4]), (TIMES[1], TIMES[8])]
    ],
    (
        MultiPartitionMapping(
            {
                "hour": DimensionPartitionMapping("day", TimeWindowPartitionMapping(-1, 0)),
                "letter": DimensionPartitionMapping("letter", StaticPartitionMapping({"a": "a", "b": ["a", "c"]})),
            }
        ),
        GRID,
        CUBE,
        grid_of_cube,
    ),
    (
        MultiPartitionMapping(
            {
                "letter": DimensionPartitionMapping("letter", IdentityPartitionMapping()),
                "user": DimensionPartitionMapping("letter", IdentityPartitionMapping()),
            }
        ),
        GRID,
        CUBE,
        shared_dimension,
    ),
    (
        MultiToSingleDimensionPartitionMapping("letter"),
        LETTERS,
        CUBE,
        lambda d, down, u, up: part(up, u, "letter") == d,
    ),
    (
        MultiToSingleDimensionPartitionMapping(),
        CUBE,
        USERS,
        lambda d, down, u, up: part(down, d, "user") == u,
    ),
    (
        MultiToSingleDimensionPartitionMapping(),
        HOURS,
        GRID,
        lambda d, down, u, up: overlapping()(d, HOURS, part(up, u, "day"), DAYS),
    ),
    (
        MultiToSingleDimensionPartitionMapping("month"),
        MONTHS,
        DAYS,
        lambda d, down, u, up: overlapping()(part(down, d, "month"), down.get_partitions_def_for_dimension("month"), u, up),
    ),
    (EveryOther(), LETTERS, DAYS, lambda d, down, u, up: down.ordinal_of(d) % 2 == up.ordinal_of(u) % 2),
]  # fmt: skip


def subset(data: st.DataObject, definition: PartitionsDefinition) -> set[str]:
    keys = keys_of(definition)
    low, high = sorted(data.draw(st.tuples(st.integers(0, len(keys)), st.integers(0, len(keys)))))
    some = data.draw(st.lists(st.sampled_from(keys), max_size=5))
    return set(keys[low:high]) | set(some)


def made(definition: PartitionsDefinition, keys: Iterable[str]) -> PartitionSet:
    return PartitionSet.from_keys(definition, keys, STORE)


@pytest.mark.parametrize("case", range(len(CASES)))
def test_both_directions_are_what_the_mapping_means(case: int) -> None:
    """Promises a3, d4: images of single keys, in both directions, are the same relation."""
    mapping, down, up, is_upstream = CASES[case]
    downs, ups = keys_of(down), keys_of(up)
    downs = downs[:: max(len(downs) // 25, 1)]
    sampled = ups[:: max(len(ups) // 60, 1)]
    mapping.check(down, up)
    for d in downs:
        found = set(mapping.get_upstream_partition_keys(d, down, up, NOW, STORE))
        assert {u for u in sampled if u in found} == {u for u in sampled if is_upstream(d, down, u, up)}
        assert found <= set(ups)
    for u in sampled[:: max(len(sampled) // 15, 1)]:
        below = set(mapping.get_downstream_partition_keys(u, up, down, NOW, STORE))
        assert {d for d in downs if d in below} == {d for d in downs if is_upstream(d, down, u, up)}


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(CASES), st.data())
def test_the_image_of_a_union_is_the_union_of_the_images(
    case: tuple[PartitionMapping, PartitionsDefinition, PartitionsDefinition, Callable[..., bool]], data: st.DataObject
) -> None:
    mapping, down, up, _ = case
    a, b = made(down, subset(data, down)), made(down, subset(data, down))
    images = [mapping.upstream_of(each, down, up, NOW, STORE).partitions for each in (a, b, a | b)]
    assert images[2] == images[0] | images[1]
    c, e = made(up, subset(data, up)), made(up, subset(data, up))
    below = [mapping.downstream_of(each, up, down, NOW, STORE) for each in (c, e, c | e)]
    assert below[2] == below[0] | below[1]
    # What is made from anything upstream of `a` has whatever of `a` is made from something at all.
    back = mapping.downstream_of(images[0], up, down, NOW, STORE)
    for key in list(a.keys(STORE))[:10]:
        if mapping.get_upstream_partition_keys(key, down, up, NOW, STORE):
            assert back.contains(key, STORE)
    assert not mapping.upstream_of(PartitionSet.empty(down), down, up, NOW, STORE).partitions
    assert not mapping.downstream_of(PartitionSet.empty(up), up, down, NOW, STORE)


@pytest.mark.parametrize("case", range(len(CASES)))
def test_a_spec_gives_an_equal_mapping(case: int) -> None:
    mapping = CASES[case][0]
    spec = Decoder(MappingSpec).decode(encode(mapping.to_spec()))
    if isinstance(mapping, EveryOther):
        with pytest.raises(PartitionError, match="EveryOther") as caught:
            mapping_from_spec(spec)
        assert caught.value.code == "WEFT-P032"
        return
    again = mapping_from_spec(spec)
    assert again == mapping
    assert hash(again) == hash(mapping)
    assert again.describe() == mapping.describe()
    assert mapping.describe() in repr(mapping)


@pytest.mark.parametrize(
    ("down", "up", "expected"),
    [
        (None, DAYS, AllPartitionMapping()),
        (DAYS, DAYS, IdentityPartitionMapping()),
        (GRID, GRID, IdentityPartitionMapping()),
        (DAYS, HOURS, TimeWindowPartitionMapping()),
        (DAYS, TIMES[5], TimeWindowPartitionMapping()),
        (LETTERS, FEWER, AllPartitionMapping()),
        (LETTERS, GRID, MultiToSingleDimensionPartitionMapping("letter")),
        (GRID, DAYS, MultiToSingleDimensionPartitionMapping("day")),
        (GRID, HOURS, MultiToSingleDimensionPartitionMapping("day")),
        (CUBE, GRID, AllPartitionMapping()),
        (USERS, GRID, AllPartitionMapping()),
        (MultiPartitionsDefinition({"x": LETTERS, "y": LETTERS}), LETTERS, AllPartitionMapping()),
    ],
)
def test_the_default_follows_from_the_definitions(
    down: PartitionsDefinition | None, up: PartitionsDefinition, expected: PartitionMapping
) -> None:
    assert infer_mapping(down, up) == expected


def test_hours_of_a_day_on_which_the_clock_changes() -> None:
    mapping = TimeWindowPartitionMapping()
    hours = HourlyPartitionsDefinition("2024-03-01-00:00", timezone=NEW_YORK)
    days = DailyPartitionsDefinition("2024-03-01", timezone=NEW_YORK)
    assert len(mapping.get_upstream_partition_keys("2024-03-10", days, hours, NOW)) == 23
    assert len(mapping.get_upstream_partition_keys("2024-11-03", days, hours, NOW)) == 25
    assert mapping.get_downstream_partition_keys("2024-11-03-01:00-0500", hours, days, NOW) == ["2024-11-03"]


def test_offsets_count_the_windows_that_there_are() -> None:
    workdays = DailyPartitionsDefinition("2024-01-01", exclusions=["0 0 * * 0,6"])
    days = DailyPartitionsDefinition("2023-01-01")
    before = TimeWindowPartitionMapping(-1, -1)
    assert before.get_upstream_partition_keys("2024-01-08", workdays, workdays, NOW) == ["2024-01-05"]
    assert before.get_downstream_partition_keys("2024-01-05", workdays, workdays, NOW) == ["2024-01-08"]
    assert before.get_upstream_partition_keys("2024-01-08", workdays, days, NOW) == ["2024-01-05"]
    assert before.get_upstream_partition_keys("2024-01-01", workdays, days, NOW) == ["2023-12-29"]
    assert before.get_downstream_partition_keys("2024-01-06", days, workdays, NOW) == []
    both = TimeWindowPartitionMapping(-1, 0)
    assert both.get_upstream_partition_keys("2024-01-08", workdays, days, NOW) == [
        f"2024-01-0{i}" for i in (5, 6, 7, 8)
    ]
    assert both.get_downstream_partition_keys("2024-01-06", days, workdays, NOW) == ["2024-01-08"]
    span = workdays.windows.span(-1)
    assert datetime.fromtimestamp(span[0], timezone.utc) == datetime(2023, 12, 29, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("mapping", "down", "key", "up", "expected"),
    [
        (IdentityPartitionMapping(), LETTERS, "b", FEWER, [("b", "b")]),
        (IdentityPartitionMapping(), DAYS, "2024-11-04", TIMES[5], [("2024-11-04", "2024-11-04")]),
        (SpecificPartitionsPartitionMapping(["z"]), LETTERS, "b", FEWER, [("z", "z")]),
        (TimeWindowPartitionMapping(), DAYS, "2024-10-25", HOURS, [("2024-10-25-00:00", "2024-10-25-23:00")]),
        (TimeWindowPartitionMapping(-1, 0), DAYS, "2024-11-02", HOURS, [("2024-11-01-00:00", "2024-11-01-23:00")]),
        (TimeWindowPartitionMapping(0, 1), DAYS, "2024-11-05", HOURS, [("2024-11-06-02:00", "2024-11-06-23:00")]),
        (TimeWindowPartitionMapping(), TIMES[6], "2024-10-28", HOURS, [("2024-10-28-00:00", "2024-11-01-23:00")]),
        (TimeWindowPartitionMapping(), TIMES[7], "2024-10-01", TIMES[5], [("2024-09-30", "2024-10-20")]),
        (TimeWindowPartitionMapping(), DAYS, "2024-10-31", TIMES[5], []),
        (TimeWindowPartitionMapping(), DAYS, "2024-11-01", TIMES[5], [("2024-11-01", "2024-11-01")]),
        (TimeWindowPartitionMapping(-9, 0, True), DAYS, "2024-10-25", HOURS, []),
        (MultiToSingleDimensionPartitionMapping(), HOURS, "2024-11-06-01:00", GRID, [("2024-11-06|a", "2024-11-06|d")]),
        (
            MultiPartitionMapping({"day": DimensionPartitionMapping("month", TimeWindowPartitionMapping())}),
            MONTHS,
            "a|2024-10-01",
            GRID,
            [("2024-09-30|a", "2024-10-19|d")],
        ),
    ],
)
def test_what_does_not_exist_upstream_is_reported(
    mapping: PartitionMapping,
    down: PartitionsDefinition,
    key: str,
    up: PartitionsDefinition,
    expected: list[tuple[str, str]],
) -> None:
    found = mapping.upstream_of(made(down, [key]), down, up, NOW, STORE)
    assert list(found.nonexistent) == [PartitionKeyRange(*each) for each in expected]
    if not expected:
        assert found.existing_or_raise() == found.partitions
        return
    with pytest.raises(PartitionError) as caught:
        found.existing_or_raise()
    assert caught.value.code == "WEFT-P035"
    assert expected[0][0] in str(caught.value)


def test_an_asset_without_partitions_takes_all_the_last_or_certain_ones() -> None:
    for mapping, expected in (
        (AllPartitionMapping(), ["a", "b", "c", "d"]),
        (LastPartitionMapping(), ["d"]),
        (SpecificPartitionsPartitionMapping(["b"]), ["b"]),
    ):
        assert mapping.get_upstream_partition_keys(None, None, LETTERS) == expected
    with pytest.raises(PartitionError) as caught:
        IdentityPartitionMapping().get_upstream_partition_keys(None, None, LETTERS)
    assert caught.value.code == "WEFT-P037"


@pytest.mark.parametrize(
    ("call", "code", "text"),
    [
        (lambda: TimeWindowPartitionMapping(1, 0), "WEFT-P036", "start_offset"),
        (lambda: TimeWindowPartitionMapping().check(LETTERS, DAYS), "WEFT-P034", "fixed keys"),
        (lambda: TimeWindowPartitionMapping().check(None, DAYS), "WEFT-P034", "none"),
        (lambda: StaticPartitionMapping({"z": "a"}).check(LETTERS, LETTERS), "WEFT-P033", "z"),
        (lambda: StaticPartitionMapping({"a": "z"}).check(LETTERS, LETTERS), "WEFT-P033", "downstream"),
        (lambda: StaticPartitionMapping({"a": "a"}).check(None, LETTERS), "WEFT-P033", "no partitions"),
        (lambda: StaticPartitionMapping({"a": "a"}).check(LETTERS, DAYS), "WEFT-P033", "upstream"),
        (lambda: MultiPartitionMapping({}).check(LETTERS, GRID), "WEFT-P031", "several dimensions"),
        (
            lambda: MultiPartitionMapping({"dya": DimensionPartitionMapping("day", IdentityPartitionMapping())}).check(
                GRID, GRID
            ),
            "WEFT-P031",
            'did you mean "day"',
        ),
        (
            lambda: MultiPartitionMapping(
                {"day": DimensionPartitionMapping("letter", TimeWindowPartitionMapping())}
            ).check(GRID, GRID),
            "WEFT-P034",
            "windows",
        ),
        (lambda: MultiToSingleDimensionPartitionMapping().check(FEWER, GRID), "WEFT-P030", "fixed keys"),
        (lambda: MultiToSingleDimensionPartitionMapping("day").check(LETTERS, GRID), "WEFT-P030", "day"),
        (lambda: MultiToSingleDimensionPartitionMapping().check(None, GRID), "WEFT-P030", "no partitions"),
        (lambda: MultiToSingleDimensionPartitionMapping().check(LETTERS, LETTERS), "WEFT-P030", "not given"),
    ],
)
def test_a_mapping_that_does_not_fit_says_why(call: Callable[[], object], code: str, text: str) -> None:
    with pytest.raises(PartitionError) as caught:
        call()
    assert caught.value.code == code
    assert text in str(caught.value)
    assert caught.value.fix


def test_whole_spaces_are_mapped_without_listing_them() -> None:
    """Promise a3."""
    minutes = TimeWindowPartitionsDefinition(
        "1990-01-01-00:00", "%Y-%m-%d-%H:%M", cron_schedule="* * * * *", timezone=NEW_YORK
    )
    days = DailyPartitionsDefinition("1990-01-01", timezone=NEW_YORK)
    mapping = TimeWindowPartitionMapping()
    every = PartitionSet.all(minutes, NOW)
    assert len(every) > 10**7
    assert mapping.downstream_of(every, minutes, days, NOW) == PartitionSet.all(days, NOW)
    found = mapping.upstream_of(PartitionSet.all(days, NOW), days, minutes, NOW)
    assert found.nonexistent == ()
    assert every - found.partitions == PartitionSet.from_range(
        minutes, PartitionKeyRange("2024-11-06-00:00", "2024-11-06-02:29")
    )
