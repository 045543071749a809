"""Windows of time against brute force, over time zones, cadences and years (promise a3).

The default run draws a sample; ``WEFT_THOROUGH=1`` goes through every hour and day of 30 years in every zone.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings, strategies as st
from tests.unit.model.partitions.oracle import CRONS, ZONES, Fields, instant, is_elapsed, ticks

from weft.model.partitions.definitions import TimeWindowPartitionsDefinition
from weft.model.partitions.zones import zone_named

THOROUGH = bool(os.environ.get("WEFT_THOROUGH"))
EXAMPLES = 2_000 if THOROUGH else 30

starts = st.datetimes(datetime(1990, 1, 1), datetime(2029, 1, 1)).map(lambda d: d.replace(second=0, microsecond=0))


def windows_of(cron: str, zone: str, start: datetime, **more: object) -> TimeWindowPartitionsDefinition:
    return TimeWindowPartitionsDefinition(start, "%Y-%m-%d-%H:%M", cron_schedule=cron, timezone=zone, **more)  # type: ignore[arg-type]


def check_against(definition: TimeWindowPartitionsDefinition, expected: list[int], places: list[int]) -> None:
    """The windows are those that are expected; at some places every question agrees."""
    assert [definition.windows.start_of(i) for i in range(len(expected))] == expected
    for i in places:
        key = definition.key_at(i)
        assert definition.find(key) == i
        assert definition.windows.before(expected[i]) == i
        assert definition.windows.before(expected[i] + 1) == i + 1
        assert definition.windows.cadence.ticks_before(expected[i]) == definition.windows.steps(i)
        assert definition.count(expected[i]) == i
        end = definition.windows.end_of(i)
        assert definition.has_partition_key(key, current_time=end)
        assert not definition.has_partition_key(key, current_time=end - 1)


@settings(deadline=None, max_examples=EXAMPLES)
@given(st.sampled_from(CRONS), st.sampled_from(ZONES), starts, st.integers(1, 2_000), st.data())
def test_windows_start_when_the_clock_says_so(
    cron: str, zone: str, wall: datetime, days: int, data: st.DataObject
) -> None:
    start = wall.replace(tzinfo=ZoneInfo(zone))
    assume(datetime.fromtimestamp(start.timestamp(), start.tzinfo) == start)
    if is_elapsed(cron):
        days = min(days, 40 if len(Fields(cron).times()) > 96 else 250)
    end = start + timedelta(days=days)
    expected = list(ticks(cron, zone, start, end))
    definition = windows_of(cron, zone, start)
    places = data.draw(st.lists(st.integers(0, len(expected) - 1), max_size=10)) if expected else []
    check_against(definition, expected, places)
    assert definition.windows.start_of(len(expected)) >= instant(end)
    keys = [definition.key_at(i) for i in range(min(len(expected), 500))]
    assert len(set(keys)) == len(keys)


@settings(deadline=None, max_examples=EXAMPLES)
@given(
    st.sampled_from(CRONS),
    st.lists(st.sampled_from(CRONS) | st.integers(0, 200), min_size=1, max_size=3),
    st.sampled_from(ZONES),
    starts,
)
def test_excluded_windows_are_left_out(cron: str, excluded: list[str | int], zone: str, wall: datetime) -> None:
    start = wall.replace(tzinfo=ZoneInfo(zone))
    assume(datetime.fromtimestamp(start.timestamp(), start.tzinfo) == start)
    end = start + timedelta(days=30 if is_elapsed(cron) else 600)
    whole = list(ticks(cron, zone, start, end))
    crons = [each for each in excluded if isinstance(each, str)]
    # On days on which a clock changes, a tick may stand for a time that another expression names: look at the other days.
    changes = [change for year in range(start.year, end.year + 1) for change, _ in zone_named(zone).changes_in(year)]
    taken = {whole[each] for each in excluded if isinstance(each, int) and each < len(whole)}

    def is_taken(tick: int) -> bool:
        moment = datetime.fromtimestamp(tick, start.tzinfo)
        return any(
            Fields(text).has_day(moment) and (moment.hour, moment.minute) in Fields(text).times() for text in crons
        )

    assume(cron not in crons)  # that would leave nothing
    kept = [tick for tick in whole if tick not in taken and not is_taken(tick)]
    assume(kept)
    assume(not any(abs(tick - change) < 86_400 and is_taken(tick) for tick in whole for change in changes))
    instants = [datetime.fromtimestamp(tick, start.tzinfo) for tick in sorted(taken)]
    definition = windows_of(cron, zone, start, exclusions=[*crons, *instants])
    check_against(definition, kept, list(range(0, len(kept), 7)))
    cuts = list(definition.windows.unbroken(0, len(kept)))
    assert [place for cut in cuts for place in range(*cut)] == list(range(len(kept)))
    following = dict(zip(whole, whole[1:], strict=False))
    for first, stop in cuts:
        assert all(following[kept[i]] == kept[i + 1] for i in range(first, stop - 1))
    for i in range(0, len(kept) - 1, 5):
        assert definition.windows.end_of(i) == following[kept[i]]


@settings(deadline=None, max_examples=4 * EXAMPLES)
@given(st.sampled_from(CRONS), st.sampled_from(ZONES), starts, st.integers(0, 400_000), st.integers(0, 3 * 10**8))
def test_numbers_from_two_starts_differ_by_a_constant(
    cron: str, zone: str, wall: datetime, number: int, later: int
) -> None:
    """What holds near one start, where the windows were listed, holds decades later."""
    cadence = windows_of(cron, zone, wall).windows.cadence
    start = cadence.start
    other = cadence.from_start(start + later)
    number = min(number, other.before(start + later + 20 * 366 * 86_400))
    tick = other.at(number)
    assert cadence.before(tick) == cadence.before(start + later) + number
    assert cadence.at(cadence.before(tick)) == tick
    back = min(number, 1000)
    assert cadence.from_start(other.tick(-back)).before(other.at(0)) == back
    assert other.ticks_before(other.tick(-back)) == -back


@pytest.mark.parametrize("zone", ZONES)
def test_daily_weekly_and_monthly_windows_of_30_years(zone: str) -> None:
    start, end = datetime(1995, 1, 1, tzinfo=ZoneInfo(zone)), datetime(2025, 1, 1, tzinfo=ZoneInfo(zone))
    for cron in ("0 0 * * *", "30 2 * * *", "0 0 * * 1", "0 0 1 * *") if THOROUGH else ("30 2 * * 0,3", "0 0 1 * *"):
        expected = list(ticks(cron, zone, start, end))
        check_against(windows_of(cron, zone, start), expected, list(range(0, len(expected), 1 if THOROUGH else 50)))


@pytest.mark.skipif(not THOROUGH, reason="a minute; set WEFT_THOROUGH=1")
@pytest.mark.parametrize("zone", ZONES)
def test_hourly_windows_of_30_years_are_a_bijection(zone: str) -> None:
    start, end = datetime(1995, 1, 1, tzinfo=ZoneInfo(zone)), datetime(2025, 1, 1, tzinfo=ZoneInfo(zone))
    expected = list(ticks("0 * * * *", zone, start, end))
    definition = windows_of("0 * * * *", zone, start)
    keys = [definition.key_at(i) for i in range(len(expected))]
    assert len(set(keys)) == len(keys)
    assert [definition.find(key) for key in keys] == list(range(len(keys)))
    assert [definition.windows.start_of(i) for i in range(len(keys))] == expected


@pytest.mark.parametrize(
    ("zone", "day", "keys"),
    [
        ("America/New_York", "2024-11-03", ["00:00", "01:00", "01:00-0500", "02:00", "03:00"]),
        ("America/New_York", "2024-03-10", ["00:00", "01:00", "03:00", "04:00", "05:00"]),
        ("Australia/Lord_Howe", "2024-04-07", ["00:00", "01:00", "02:00", "03:00", "04:00"]),
        ("Europe/Berlin", "2024-10-27", ["00:00", "01:00", "02:00", "02:00+0100", "03:00"]),
        ("America/Sao_Paulo", "2018-11-04", ["01:00", "02:00", "03:00", "04:00", "05:00"]),
        ("Antarctica/Troll", "2024-10-27", ["00:00", "01:00", "02:00", "01:00+0000", "02:00+0000"]),
    ],
)
def test_hours_around_a_change_of_the_clock(zone: str, day: str, keys: list[str]) -> None:
    definition = windows_of("0 * * * *", zone, datetime.fromisoformat(day))
    assert [definition.key_at(i) for i in range(5)] == [f"{day}-{key}" for key in keys]


@pytest.mark.parametrize(
    ("zone", "cron", "start", "expected"),
    [
        ("America/New_York", "30 2 * * *", "2024-03-09", ["09T02:30-05", "10T03:00-04", "11T02:30-04"]),
        ("America/New_York", "30 1 * * *", "2024-11-02", ["02T01:30-04", "03T01:30-04", "04T01:30-05"]),
        ("America/New_York", "0 2,3 * * *", "2024-03-10", ["10T03:00-04", "11T02:00-04", "11T03:00-04"]),
        ("America/Sao_Paulo", "0 0 * * *", "2018-11-03", ["03T00:00-03", "04T01:00-02", "05T00:00-02"]),
        ("America/Sao_Paulo", "0 0 * * *", "2018-11-04", ["04T01:00-02", "05T00:00-02", "06T00:00-02"]),
        ("America/Havana", "0 0 * * *", "2024-11-02", ["02T00:00-04", "03T00:00-04", "04T00:00-05"]),
        ("Pacific/Apia", "0 0 * * *", "2011-12-28", ["28T00:00-10", "29T00:00-10", "31T00:00+14"]),
        ("Pacific/Apia", "0 6 * * *", "2011-12-28", ["28T06:00-10", "29T06:00-10", "31T00:00+14"]),
    ],
)
def test_fixed_times_around_a_change_of_the_clock(zone: str, cron: str, start: str, expected: list[str]) -> None:
    definition = windows_of(cron, zone, datetime.fromisoformat(start))
    found = [definition.window_at(i).start.isoformat() for i in range(3)]
    assert [f"{text[8:16]}{text[19:22]}" for text in found] == expected


def test_a_skipped_window_that_could_not_be_told_apart_joins_the_next() -> None:
    definition = TimeWindowPartitionsDefinition(
        datetime(2024, 3, 10), "%Y-%m-%d-%H", cron_schedule="30 2,3 * * *", timezone="America/New_York"
    )
    assert [definition.key_at(i) for i in range(3)] == ["2024-03-10-03", "2024-03-11-02", "2024-03-11-03"]
    assert definition.window_at(0).start.isoformat() == "2024-03-10T03:30:00-04:00"


def test_a_format_that_leaves_out_minutes_finds_the_second_pass() -> None:
    definition = TimeWindowPartitionsDefinition(
        datetime(2024, 4, 6), "%Y-%m-%d-%H", cron_schedule="45 * * * *", timezone="Australia/Lord_Howe"
    )
    keys = [definition.key_at(i) for i in range(60)]
    assert "2024-04-07-01" in keys
    assert "2024-04-07-01+1030" in keys
    assert [definition.find(key) for key in keys] == list(range(60))


def test_far_years_end_in_an_index_error() -> None:
    cadence = windows_of("0 0 * * *", "Europe/Berlin", datetime(2024, 1, 1)).windows.cadence
    with pytest.raises(IndexError):
        cadence.at(10**7)
    with pytest.raises(IndexError):
        cadence.at(-1)
    with pytest.raises(IndexError):
        cadence.tick(-(10**7))
