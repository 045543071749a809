"""Partitions definitions: keys, ordinals, existence, errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings, strategies as st

from weft.errors import PartitionError
from weft.model.codec import Decoder, encode
from weft.model.partitions.definitions import (
    DailyPartitionsDefinition,
    DynamicPartitionsDefinition,
    HourlyPartitionsDefinition,
    MonthlyPartitionsDefinition,
    MultiPartitionsDefinition,
    PartitionsDefinition,
    ScheduleType,
    StaticPartitionsDefinition,
    TimeWindowPartitionsDefinition,
    WeeklyPartitionsDefinition,
    from_spec,
    partition_loading_context,
)
from weft.model.partitions.keys import MultiPartitionKey, PartitionKeyRange
from weft.model.partitions.spec import PartitionsSpec

NOW = datetime(2024, 6, 15, 12, tzinfo=timezone.utc)
HOSTILE = [
    "a,b",
    "it's",
    'say "x"',
    "a/b/..",
    "a|b",
    "a\\b",
    "\\",
    "|",
    "\\|",
    "☃",
    "👩‍👩‍👧",
    "'; DROP TABLE x --",
    "%s",
    " ",
    "..",
]


class Store:
    """A store of dynamic keys without lasting numbers."""

    def __init__(self, **keys: list[str]) -> None:
        self.keys = keys

    def has(self, name: str, key: str) -> bool:
        return key in self.keys.get(name, [])

    def list(self, name: str) -> Sequence[str]:
        return tuple(self.keys.get(name, []))

    def count(self, name: str) -> int:
        return len(self.keys.get(name, []))


DEFINITIONS: list[PartitionsDefinition] = [
    DailyPartitionsDefinition("2024-01-01"),
    DailyPartitionsDefinition("2024-01-01", end_date="2024-02-01", hour_offset=5, minute_offset=30, end_offset=1),
    DailyPartitionsDefinition("01/02/2024", fmt="%d/%m/%Y", timezone="Europe/Berlin", exclusions=["0 0 * * 0"]),
    DailyPartitionsDefinition("2024-01-01", exclusions=[datetime(2024, 1, 3), "0 0 1 * *"]),
    HourlyPartitionsDefinition(datetime(2024, 3, 10), minute_offset=15, timezone="America/New_York"),
    WeeklyPartitionsDefinition("2024-01-01", day_offset=3),
    MonthlyPartitionsDefinition("2020-01-01", day_offset=29, end_offset=-1),
    TimeWindowPartitionsDefinition("2024-01-01", "%Y-%m-%d", cron_schedule="0 0 * * 1-5"),
    TimeWindowPartitionsDefinition("2024", "%Y", cron_schedule="@yearly", end_offset=1),
    StaticPartitionsDefinition(HOSTILE),
    StaticPartitionsDefinition([]),
    DynamicPartitionsDefinition("customers"),
    MultiPartitionsDefinition(
        {
            "z": DailyPartitionsDefinition("2024-06-10"),
            "a": StaticPartitionsDefinition(HOSTILE),
            "m": DynamicPartitionsDefinition("customers"),
        }
    ),
    MultiPartitionsDefinition(
        {"day": DailyPartitionsDefinition("2024-06-10"), "week": WeeklyPartitionsDefinition("2024-05-01")}
    ),
]
STORE = Store(customers=["ann", "b|ob", "☃"])


def names(definition: PartitionsDefinition) -> str:
    return definition.describe()


@pytest.mark.parametrize("definition", DEFINITIONS, ids=names)
def test_keys_and_ordinals_are_a_bijection(definition: PartitionsDefinition) -> None:
    """Promises d4, c8."""
    keys = definition.get_partition_keys(NOW, STORE)
    listed = list(keys)
    assert len(listed) == len(keys) == definition.count(NOW, STORE) == len(set(listed))
    for i, key in enumerate(listed):
        assert keys[i] == definition.key_at(i, NOW, STORE) == key
        assert definition.ordinal_of(str(key), NOW, STORE) == keys.index(key) == i
        assert definition.has_partition_key(str(key), current_time=NOW, dynamic_partitions_store=STORE)
        definition.validate_partition_key(key, current_time=NOW, dynamic_partitions_store=STORE)
        assert key in keys
    assert definition.get_first_partition_key(NOW, STORE) == (listed[0] if listed else None)
    assert definition.get_last_partition_key(NOW, STORE) == (listed[-1] if listed else None)
    coordinates = definition.coordinates_of(listed, STORE)
    assert definition.keys_of([each for each in coordinates if each is not None], STORE) == listed
    with pytest.raises(IndexError):
        definition.key_at(-1, NOW, STORE)


@pytest.mark.parametrize("definition", DEFINITIONS, ids=names)
def test_a_spec_gives_an_equal_definition(definition: PartitionsDefinition) -> None:
    again = from_spec(definition.to_spec())
    assert again == definition
    assert hash(again) == hash(definition)
    assert type(again) is type(definition)
    assert again.to_spec() == definition.to_spec()
    decoded: PartitionsSpec = Decoder(PartitionsSpec).decode(encode(definition.to_spec()))
    assert from_spec(decoded) == definition
    assert list(again.get_partition_keys(NOW, STORE)) == list(definition.get_partition_keys(NOW, STORE))
    assert [other for other in DEFINITIONS if other == definition] == [definition]
    assert definition.describe() in repr(definition)


@pytest.mark.parametrize("definition", DEFINITIONS, ids=names)
@pytest.mark.parametrize(
    "key",
    [
        "",
        "nope",
        "2024-13-45",
        "9999-12-31",
        "||",
        "a|b|c|d",
        "\\x",
        "2024-01-01 ",
        "\ud800",
        "0001-01-01",
        "10000-01-01",
    ],
)
def test_what_is_no_key_is_refused_everywhere(definition: PartitionsDefinition, key: str) -> None:
    assert not definition.has_partition_key(key, current_time=NOW, dynamic_partitions_store=STORE)
    assert key not in definition.get_partition_keys(NOW, STORE)
    with pytest.raises(PartitionError) as caught:
        definition.validate_partition_key(key, current_time=NOW, dynamic_partitions_store=STORE)
    assert caught.value.code == "WEFT-P001"
    assert caught.value.facts["key"] == key
    assert caught.value.facts["partitions"] == definition.describe()
    assert caught.value.fix


def test_a_window_exists_from_its_end_on() -> None:
    days = DailyPartitionsDefinition("2024-01-01", timezone="Europe/Berlin")
    midnight = datetime(2024, 1, 3, tzinfo=ZoneInfo("Europe/Berlin"))
    assert list(days.get_partition_keys(midnight)) == ["2024-01-01", "2024-01-02"]
    assert list(days.get_partition_keys(midnight - timedelta(seconds=1))) == ["2024-01-01"]
    assert days.count(datetime(2024, 1, 3)) == 2, "a datetime without a zone is wall-clock time there"
    assert days.count(midnight.timestamp()) == 2
    assert days.count(datetime(2020, 1, 1)) == 0


@pytest.mark.parametrize(
    ("offset", "now", "keys"),
    [
        (0, datetime(2024, 1, 3, 5), ["01", "02"]),
        (1, datetime(2024, 1, 3, 5), ["01", "02", "03"]),
        (2, datetime(2024, 1, 3, 5), ["01", "02", "03", "04"]),
        (-1, datetime(2024, 1, 3, 5), ["01"]),
        (-5, datetime(2024, 1, 3, 5), []),
        (1, datetime(2023, 12, 31, 5), []),
        (2, datetime(2023, 12, 31, 5), ["01"]),
        (3, datetime(2023, 12, 30, 5), ["01"]),
        (3, datetime(2023, 12, 1), []),
        (9, datetime(2024, 1, 3, 5), ["01", "02", "03", "04", "05"]),
    ],
)
def test_an_end_offset_moves_the_last_window(offset: int, now: datetime, keys: list[str]) -> None:
    days = DailyPartitionsDefinition("2024-01-01", end_date="2024-01-06", end_offset=offset)
    assert list(days.get_partition_keys(now)) == [f"2024-01-{key}" for key in keys]


def test_the_end_is_a_bound() -> None:
    days = DailyPartitionsDefinition("2024-01-01", end_date="2024-01-03")
    assert list(days.get_partition_keys(NOW)) == ["2024-01-01", "2024-01-02"]
    hours = DailyPartitionsDefinition("2024-01-01", end_date="2024-01-03", hour_offset=1)
    assert list(hours.get_partition_keys(NOW)) == ["2024-01-01"], "the second day ends an hour late"
    weeks = WeeklyPartitionsDefinition("2024-01-01", end_date="2024-01-20")
    assert list(weeks.get_partition_keys(NOW)) == ["2024-01-07"]


def test_exclusions_drop_windows_and_leave_the_others_as_long_as_they_are() -> None:
    days = DailyPartitionsDefinition("2024-01-01", exclusions=["0 0 * * 0,6", datetime(2024, 1, 3)])
    assert list(days.get_partition_keys(datetime(2024, 1, 10))) == [
        "2024-01-01", "2024-01-02", "2024-01-04", "2024-01-05", "2024-01-08", "2024-01-09",
    ]  # fmt: skip
    window = days.time_window_for_partition_key("2024-01-05")
    assert window.end - window.start == timedelta(days=1)
    assert days.get_partition_key_for_timestamp(datetime(2024, 1, 6, 12)) is None
    assert days.get_partition_key_for_timestamp(datetime(2024, 1, 5, 12)) == "2024-01-05"
    assert days.get_next_partition_key("2024-01-05", current_time=NOW) == "2024-01-08"
    assert days.get_prev_partition_key("2024-01-08") == "2024-01-05"
    with pytest.raises(PartitionError, match="2024-01-06"):
        days.validate_partition_key("2024-01-06", current_time=NOW)


def test_ordinary_cadences_have_their_familiar_keys() -> None:
    assert HourlyPartitionsDefinition("2024-01-01-00:00").key_at(25) == "2024-01-02-01:00"
    assert HourlyPartitionsDefinition("2024-01-01-00:00", minute_offset=15).key_at(0) == "2024-01-01-00:15"
    assert DailyPartitionsDefinition("2024-02-28").key_at(2) == "2024-03-01"
    assert WeeklyPartitionsDefinition("2024-01-01").key_at(0) == "2024-01-07"
    assert MonthlyPartitionsDefinition("2024-01-02").key_at(0) == "2024-02-01"
    assert MonthlyPartitionsDefinition("2024-01-01", day_offset=31).key_at(1) == "2024-03-31"


def test_a_definition_says_its_cadence() -> None:
    weeks = WeeklyPartitionsDefinition("2024-01-01", minute_offset=5, hour_offset=6, day_offset=2)
    assert (weeks.schedule_type, weeks.minute_offset, weeks.hour_offset, weeks.day_offset) == (
        ScheduleType.WEEKLY,
        5,
        6,
        2,
    )
    assert weeks.cron_schedule == weeks.get_cron_schedule() == "5 6 * * 2"
    assert weeks.get_cron_schedule(hour_of_day=9, day_of_week=0) == "5 9 * * 0"
    assert DailyPartitionsDefinition("2024-01-01").get_cron_schedule(minute_of_hour=7) == "7 0 * * *"
    assert HourlyPartitionsDefinition("2024-01-01-00:00").get_cron_schedule(minute_of_hour=7) == "7 * * * *"
    assert MonthlyPartitionsDefinition("2024-01-01").get_cron_schedule(day_of_month=5) == "0 0 5 * *"
    odd = TimeWindowPartitionsDefinition("2024-01-01", "%Y-%m-%d", cron_schedule="0 0 * * 1-5")
    assert odd.schedule_type is None
    assert odd.get_cron_schedule() == "0 0 * * 1-5"
    assert TimeWindowPartitionsDefinition("2024-01-01", "%Y-%m-%d", schedule_type="DAILY") == DailyPartitionsDefinition(
        "2024-01-01"
    )


def test_starts_are_read_in_the_time_zone() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    by_text = DailyPartitionsDefinition("2024-01-01", timezone="Europe/Berlin")
    assert DailyPartitionsDefinition(datetime(2024, 1, 1), timezone="Europe/Berlin") == by_text
    assert DailyPartitionsDefinition(datetime(2024, 1, 1, tzinfo=berlin)) == by_text
    assert (
        DailyPartitionsDefinition(datetime(2023, 12, 31, 23, tzinfo=timezone.utc), timezone="Europe/Berlin") == by_text
    )
    assert by_text.start == datetime(2024, 1, 1, tzinfo=berlin)
    second = datetime(2024, 10, 27, 2, tzinfo=berlin, fold=1)
    hours = HourlyPartitionsDefinition(second)
    assert hours.key_at(0) == "2024-10-27-02:00+0100"
    assert from_spec(hours.to_spec()).key_at(0) == "2024-10-27-02:00+0100"


def test_ranges_include_both_ends() -> None:
    days = DailyPartitionsDefinition("2024-01-01")
    keys = days.get_partition_keys_in_range(PartitionKeyRange("2024-01-31", "2024-02-02"), current_time=NOW)
    assert list(keys) == ["2024-01-31", "2024-02-01", "2024-02-02"]
    static = StaticPartitionsDefinition(HOSTILE)
    assert list(static.get_partition_keys_in_range(PartitionKeyRange("it's", "a\\b"))) == HOSTILE[1:6]
    dynamic = DynamicPartitionsDefinition("customers")
    assert list(dynamic.get_partition_keys_in_range(PartitionKeyRange("ann", "☃"), STORE)) == ["ann", "b|ob", "☃"]


def test_a_range_of_several_dimensions_is_a_box() -> None:
    grid = MultiPartitionsDefinition(
        {"x": StaticPartitionsDefinition(list("abcd")), "y": StaticPartitionsDefinition(list("1234"))}
    )
    assert list(grid.get_partition_keys_in_range(PartitionKeyRange("b|2", "c|3"))) == ["b|2", "b|3", "c|2", "c|3"]


def test_a_range_that_ends_before_it_starts_is_an_error() -> None:
    days = DailyPartitionsDefinition("2024-01-01")
    with pytest.raises(PartitionError, match="2024-01-05...2024-02-02") as caught:
        days.get_partition_keys_in_range(PartitionKeyRange("2024-02-02", "2024-01-05"), current_time=NOW)
    assert caught.value.code == "WEFT-P017"
    with pytest.raises(PartitionError) as caught:
        days.get_partition_keys_in_range(PartitionKeyRange("2023-02-02", "2024-01-05"), current_time=NOW)
    assert caught.value.code == "WEFT-P001"


def test_keys_are_a_lazy_sequence() -> None:
    minutes = TimeWindowPartitionsDefinition("2000-01-01-00:00", "%Y-%m-%d-%H:%M", cron_schedule="* * * * *")
    keys = minutes.get_partition_keys(NOW)
    assert len(keys) > 10**7
    assert keys[-1] == "2024-06-15-11:59"
    assert keys[10**6 : 10**6 + 2] == [keys[10**6], keys[10**6 + 1]]
    assert keys[::-1][0] == keys[-1]
    assert keys[5:3] == []
    assert "2024-06-15-11:59" in keys
    assert "2024-06-15-12:00" not in keys
    assert keys[100:200].index(keys[150]) == 50
    assert keys.count(keys[3]) == 1
    assert keys[:2] + ["x"] == [*keys[:2], "x"]
    assert ["x"] + keys[:1] == ["x", keys[0]]
    assert keys[:2] != ["x", "y"]
    assert keys[:2] != "xy"
    assert repr(keys[:2]) == "<2 partition keys: ['2000-01-01-00:00', '2000-01-01-00:01']>"
    assert "..., '2024-06-15-11:59'" in repr(keys)
    with pytest.raises(ValueError, match="not among"):
        keys[:5].index("2024-06-15-11:59")
    with pytest.raises(IndexError):
        keys[10**9]


def test_products_of_five_dimensions_are_computed() -> None:
    """Promise d4."""
    letters = {name: StaticPartitionsDefinition([f"{name}{i}" for i in range(20)]) for name in "abcd"}
    grid = MultiPartitionsDefinition({**letters, "hour": HourlyPartitionsDefinition("2024-01-01-00:00")})
    keys = grid.get_partition_keys(NOW)
    assert len(keys) == 20**4 * grid.get_partitions_def_for_dimension("hour").count(NOW) > 10**8
    assert keys[-1] == "a19|b19|c19|d19|2024-06-15-11:00"
    assert keys.index("a1|b0|c0|d0|2024-01-01-00:00") * 20 == len(keys)
    assert isinstance(keys[7], MultiPartitionKey)
    assert keys[7].keys_by_dimension["hour"] == "2024-01-01-07:00"
    some = grid.get_multipartition_keys_with_dimension_value("c", "c3", current_time=NOW)
    assert len(some) * 20 == len(keys)
    assert all(key.split("|")[2] == "c3" for key in some[:: 10**6])
    assert grid.multi_key("a1|b0|c0|d0|x").keys_by_dimension == {
        "a": "a1",
        "b": "b0",
        "c": "c0",
        "d": "d0",
        "hour": "x",
    }


def test_a_product_knows_its_dimension_of_time() -> None:
    days = DailyPartitionsDefinition("2024-01-01")
    grid = MultiPartitionsDefinition({"date": days, "x": StaticPartitionsDefinition(["a"])})
    assert grid.time_window_dimension.name == "date"
    assert grid.has_time_window_dimension
    assert grid.time_window_for_partition_key("2024-01-05|a") == days.time_window_for_partition_key("2024-01-05")
    assert grid.partition_dimension_names == ("date", "x")
    for other in (
        MultiPartitionsDefinition({"x": StaticPartitionsDefinition(["a"])}),
        MultiPartitionsDefinition({"one": days, "two": days}),
        StaticPartitionsDefinition(["a"]),
    ):
        with pytest.raises(PartitionError) as caught:
            other.time_window_for_partition_key("a")
        assert caught.value.code == "WEFT-P016"


def test_dynamic_keys_come_from_the_store() -> None:
    dynamic = DynamicPartitionsDefinition("customers")
    store = Store(customers=["a"])
    assert list(dynamic.get_partition_keys(dynamic_partitions_store=store)) == ["a"]
    store.keys["customers"].append("b")
    assert dynamic.has_partition_key("b", dynamic_partitions_store=store)
    assert dynamic.ordinal_of("b", dynamic=store) == 1
    with partition_loading_context(dynamic_partitions_store=store):
        assert dynamic.count() == 2
        with partition_loading_context(effective_dt=NOW):
            assert dynamic.get_last_partition_key() == "b"
            assert DailyPartitionsDefinition("2024-06-01").get_last_partition_key() == "2024-06-14"
    holder = type("Instance", (), {"dynamic_partitions": store})()
    assert dynamic.count(dynamic=holder) == 2
    with pytest.raises(PartitionError) as caught:
        dynamic.count()
    assert caught.value.code == "WEFT-P013"
    assert dynamic.build_add_request(["c"]).partition_keys == ("c",)
    assert dynamic.build_delete_request(["c"]).partitions_def_name == "customers"
    with pytest.raises(PartitionError):
        dynamic.build_add_request(["a...b"])


def test_without_a_time_the_clock_is_read() -> None:
    assert DailyPartitionsDefinition("2024-01-01").count() > 365


@pytest.mark.parametrize(
    ("make", "code", "text"),
    [
        (lambda: DailyPartitionsDefinition("01/02/2024"), "WEFT-P004", "2024-01-01"),
        (lambda: DailyPartitionsDefinition("2024-02-30"), "WEFT-P004", "2024-02-30"),
        (lambda: DailyPartitionsDefinition("2024-01-01", end_date="soon"), "WEFT-P004", "end"),
        (lambda: DailyPartitionsDefinition(20240101), "WEFT-P004", "20240101"),  # type: ignore[arg-type]
        (lambda: DailyPartitionsDefinition("2024-01-02", end_date="2024-01-01"), "WEFT-P010", "2024-01-02"),
        (lambda: DailyPartitionsDefinition("2024-01-01", exclusions=["0 0 * * *"]), "WEFT-P010", "exclusions"),
        (lambda: DailyPartitionsDefinition("2024-01-01", timezone="Europe/Pariss"), "WEFT-P006", "Europe/Paris"),
        (
            lambda: TimeWindowPartitionsDefinition("2024-01-01", "%Y-%m-%d", cron_schedule="0 0 30 2 *"),
            "WEFT-P007",
            "30 2",
        ),
        (lambda: DailyPartitionsDefinition("2024-01-01", exclusions=["bad"]), "WEFT-P007", "bad"),
        (lambda: HourlyPartitionsDefinition("2024-01-01", fmt="%Y-%m-%d"), "WEFT-P008", "2000-01-01"),
        (lambda: DailyPartitionsDefinition("01-01", fmt="%m-%d"), "WEFT-P008", "read back"),
        (lambda: DailyPartitionsDefinition(datetime(2024, 1, 1), fmt="day"), "WEFT-P008", "day"),
        (
            lambda: TimeWindowPartitionsDefinition("2024-01", "%Y-%m", cron_schedule="0 0 1,15 * *"),
            "WEFT-P008",
            "2000-01",
        ),
        (lambda: DailyPartitionsDefinition("2024-01-01", hour_offset=24), "WEFT-P009", "hour_offset"),
        (lambda: HourlyPartitionsDefinition("2024-01-01-00:00", minute_offset=-1), "WEFT-P009", "minute_offset"),
        (lambda: WeeklyPartitionsDefinition("2024-01-01", day_offset=7), "WEFT-P009", "day_offset"),
        (lambda: MonthlyPartitionsDefinition("2024-01-01", day_offset=0), "WEFT-P009", "day_offset"),
        (lambda: TimeWindowPartitionsDefinition("2024-01-01", "%Y-%m-%d"), "WEFT-P011", "cron_schedule"),
        (
            lambda: TimeWindowPartitionsDefinition(
                "2024-01-01", "%Y-%m-%d", schedule_type="DAILY", cron_schedule="0 0 * * *"
            ),
            "WEFT-P011",
            "schedule_type",
        ),
        (lambda: StaticPartitionsDefinition(["a", "b", "a"]), "WEFT-P003", "a"),
        (lambda: StaticPartitionsDefinition(["a...b"]), "WEFT-P002", "ranges"),
        (lambda: StaticPartitionsDefinition(["a\tb"]), "WEFT-P002", "control"),
        (lambda: StaticPartitionsDefinition([1]), "WEFT-P002", "int"),  # type: ignore[list-item]
        (lambda: StaticPartitionsDefinition("abc"), "WEFT-P005", "list"),
        (lambda: DynamicPartitionsDefinition(""), "WEFT-P002", "empty"),
        (lambda: MultiPartitionsDefinition({}), "WEFT-P014", "none"),
        (lambda: MultiPartitionsDefinition({"a|b": StaticPartitionsDefinition(["a"])}), "WEFT-P014", "name"),
        (lambda: MultiPartitionsDefinition({"a": ["x"]}), "WEFT-P014", "list"),  # type: ignore[dict-item]
        (
            lambda: MultiPartitionsDefinition(
                {"a": MultiPartitionsDefinition({"b": StaticPartitionsDefinition(["x"])})}
            ),
            "WEFT-P014",
            "several",
        ),
        (
            lambda: MultiPartitionsDefinition(
                {"colour": StaticPartitionsDefinition(["x"])}
            ).get_partitions_def_for_dimension("color"),
            "WEFT-P015",
            '"colour"',
        ),
        (
            lambda: MultiPartitionsDefinition({"a": StaticPartitionsDefinition(["x"])}).multi_key("x|y"),
            "WEFT-P012",
            "<a>",
        ),
    ],
)
def test_a_definition_that_cannot_work_says_why(make: Callable[[], object], code: str, text: str) -> None:
    with pytest.raises(PartitionError) as caught:
        make()
    assert caught.value.code == code
    assert text in str(caught.value)
    assert caught.value.fix


@pytest.mark.parametrize(
    ("definition", "key", "text"),
    [
        (DailyPartitionsDefinition("2024-01-01"), "2024-06-16", "exists from   2024-06-17T00:00:00+00:00"),
        (
            DailyPartitionsDefinition("2024-01-01", end_offset=-1),
            "2024-06-14",
            "exists from   2024-06-16T00:00:00+00:00",
        ),
        (DailyPartitionsDefinition("2024-01-01", end_date="2024-02-01"), "2024-03-01", 'did you mean "2024-01-31"?'),
        (DailyPartitionsDefinition("2024-01-01"), "2023-12-31", "first         2024-01-01"),
        (HourlyPartitionsDefinition("2024-01-01-00:00"), "2024-01-05-07:30", 'did you mean "2024-01-05-08:00"?'),
        (WeeklyPartitionsDefinition("2024-01-01"), "2024-02-01", 'did you mean "2024-02-04"?'),
        (StaticPartitionsDefinition(["north", "south"]), "nroth", 'did you mean "north"?'),
        (DynamicPartitionsDefinition("customers"), "anne", 'did you mean "ann"?'),
        (DynamicPartitionsDefinition("nobody"), "anne", "(none yet)"),
        (
            MultiPartitionsDefinition(
                {"d": DailyPartitionsDefinition("2024-06-01"), "r": StaticPartitionsDefinition(["north"])}
            ),
            "2024-06-02|nort",
            'did you mean "2024-06-02|north"?',
        ),
        (MultiPartitionsDefinition({"r": StaticPartitionsDefinition(["north"])}), "a|b", "<r>"),
    ],
    ids=str,
)
def test_an_unknown_key_is_answered_with_the_nearest(definition: PartitionsDefinition, key: str, text: str) -> None:
    with pytest.raises(PartitionError) as caught:
        definition.validate_partition_key(key, current_time=NOW, dynamic_partitions_store=STORE)
    assert text in str(caught.value)


@settings(deadline=None)
@given(
    st.lists(
        st.text(min_size=1, alphabet=st.characters(exclude_categories=["Cc", "Cs"])).filter(lambda s: "..." not in s),
        unique=True,
        max_size=6,
    )
)
def test_any_text_round_trips_through_a_product(keys: list[str]) -> None:
    """Promise c8."""
    grid = MultiPartitionsDefinition({"a": StaticPartitionsDefinition(keys), "b": StaticPartitionsDefinition(keys)})
    found = list(grid.get_partition_keys())
    assert len(set(found)) == len(found) == len(keys) ** 2
    for key in found:
        parts = grid.multi_key(str(key)).keys_by_dimension
        assert MultiPartitionKey(parts) == key
        assert parts["a"] in keys
        assert parts["b"] in keys
