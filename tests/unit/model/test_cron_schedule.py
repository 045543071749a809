"""A schedule ticks when a minute-by-minute look at the wall clock says that it should, over every change of the clock."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from weft import PartitionError
from weft.model.cron_schedule import CronSchedule
from weft.model.partitions.pattern import parse_cron, pattern_of

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Havana",  # the clock changes at midnight
    "Australia/Lord_Howe",  # by half an hour
    "Asia/Kolkata",
    "America/Sao_Paulo",
    "Pacific/Apia",  # skipped a day
)
CRONS = (
    "0 0 * * *",
    "30 2 * * *",
    "15,45 1 * * *",
    "0 */6 * * *",
    "0 * * * *",
    "*/15 * * * *",
    "*/20 0-3 * * 0",
    "0 6 * * 1-5",
    "0 0 1 * *",
)
EPOCH = datetime(1970, 1, 1)


def instant(text: str, zone: str = "UTC", fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()


def wall(at: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(at, timezone.utc).astimezone(zone).replace(tzinfo=None)


def ticks_by_looking(cron: str, zone_name: str, start: int, end: int) -> list[int]:
    """The ticks from `start` up to `end`, found by walking every minute of real time and every wall minute."""
    zone = ZoneInfo(zone_name)
    pattern = pattern_of(cron)

    def named(moment: datetime) -> bool:
        minute = int((moment - EPOCH) // timedelta(minutes=1))
        return pattern.before(minute + 1) - pattern.before(minute) == 1

    minutes = range(start, end, 60)
    walls = {at: wall(at, zone) for at in minutes}
    if len({minute // 60 for minute in parse_cron(cron).minutes}) == 24:
        return [at for at in minutes if named(walls[at])]
    last_of: dict[datetime, int] = {}
    for at in minutes:
        last_of[walls[at]] = at
    found = {at for moment, at in last_of.items() if named(moment)}
    for at in minutes:
        before = wall(at - 60, zone)
        skipped = before + timedelta(minutes=1)
        while skipped < walls[at]:
            if named(skipped):
                found.add(last_of[walls[at]])
            skipped += timedelta(minutes=1)
    return sorted(found)


@given(
    cron=st.sampled_from(CRONS),
    zone=st.sampled_from(ZONES),
    near=st.sampled_from(
        [
            "2011-12-30",  # Apia skips it
            "2015-10-18",
            "2016-02-21",  # Sao Paulo
            "2024-03-10",
            "2024-03-31",
            "2024-04-07",
            "2024-10-06",
            "2024-10-27",
            "2024-11-03",
            "2025-06-01",
        ]
    ),
    offset=st.integers(0, 47),
)
def test_ticks_are_those_that_a_look_at_every_minute_finds(cron: str, zone: str, near: str, offset: int) -> None:
    start = int(instant(near)) - 36 * 3600
    end = start + 96 * 3600
    # A window wider on both sides, so that what is repeated or skipped at an edge is seen whole.
    every = ticks_by_looking(cron, zone, start - 30 * 3600, end + 30 * 3600)
    schedule = CronSchedule((cron,), zone)
    at = start + offset * 1800 + 30
    expected = [tick for tick in every if at < tick <= end]
    assert list(schedule.between(at, end)) == expected
    earlier = [tick for tick in every if tick <= at]
    if earlier:
        assert schedule.latest(at) == earlier[-1]


@given(
    crons=st.lists(st.sampled_from(CRONS), min_size=1, max_size=3),
    zone=st.sampled_from(ZONES),
    at=st.integers(0, 4_000_000_000),
)
def test_ticks_ascend_and_the_latest_of_a_tick_is_itself(crons: list[str], zone: str, at: int) -> None:
    schedule = CronSchedule(tuple(crons), zone)
    ticks = list(islice(schedule.after(at), 5))
    assert ticks == sorted(set(ticks))
    assert ticks[0] > at
    for earlier, tick in zip([None, *ticks], ticks, strict=False):
        assert schedule.latest(tick) == tick
        if earlier is not None:
            assert schedule.latest(tick - 1) == earlier


def test_a_time_that_the_clock_skips_ticks_when_it_jumps() -> None:
    schedule = CronSchedule(("30 2 * * *",), "Europe/Berlin")
    assert schedule.next(instant("2024-03-30 12:00", "Europe/Berlin")) == instant("2024-03-31 03:00", "Europe/Berlin")
    assert schedule.next(instant("2024-03-31 03:00", "Europe/Berlin")) == instant("2024-04-01 02:30", "Europe/Berlin")


def test_a_time_that_comes_twice_ticks_the_second_time() -> None:
    schedule = CronSchedule(("30 2 * * *",), "Europe/Berlin")
    first, second = (instant("2024-10-27 02:30", "Europe/Berlin", fold=fold) for fold in (0, 1))
    assert second - first == 3600
    assert schedule.next(first - 60) == second
    assert schedule.next(first) == second
    assert schedule.latest(first) == instant("2024-10-26 02:30", "Europe/Berlin")


def test_every_hour_ticks_every_hour_when_the_clock_is_put_back() -> None:
    schedule = CronSchedule(("0 * * * *",), "Europe/Berlin")
    start = instant("2024-10-27 00:00", "Europe/Berlin")
    assert [tick - start for tick in islice(schedule.after(start), 5)] == [3600, 7200, 10800, 14400, 18000]


def test_several_expressions_tick_once_for_each_moment() -> None:
    schedule = CronSchedule(("0 6 * * *", "0 6,18 * * *"))
    start = instant("2024-01-01 00:00")
    assert [(tick - start) / 3600 for tick in islice(schedule.after(start), 3)] == [6, 18, 30]


def test_a_leap_day_is_found_from_far_away() -> None:
    schedule = CronSchedule(("0 0 29 2 *",))
    assert schedule.next(instant("2096-03-01")) == instant("2104-02-29")
    assert schedule.latest(instant("2103-12-31")) == instant("2096-02-29")


def test_the_calendar_ends() -> None:
    assert CronSchedule(("0 0 1 1 *",)).next(instant("9999-06-01")) is None


@pytest.mark.parametrize("cron", ["0 0 30 2 *", "0 0 31 4,6 *", "@nightly", "61 * * * *", "* * * *"])
def test_what_never_comes_is_refused(cron: str) -> None:
    with pytest.raises(PartitionError) as refused:
        CronSchedule((cron,)).check()
    assert refused.value.code == "WEFT-P007"
