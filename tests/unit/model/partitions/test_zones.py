"""Changes of the offset of time zones."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, strategies as st
from tests.unit.model.partitions.oracle import ZONES

from weft.errors import PartitionError
from weft.model.partitions.zones import UTC, year_of, year_start, zone_named

instants = st.integers(year_start(1975), year_start(2060))
NAMES = sorted(available_timezones()) if os.environ.get("WEFT_THOROUGH") else ZONES


@pytest.mark.parametrize("name", NAMES)
def test_changes_are_all_that_looking_every_three_hours_finds(name: str) -> None:
    zone, info = zone_named(name), ZoneInfo(name)
    for year in (1987, 2008, 2010, 2011, 2016, 2024) if name in ZONES else (2010,):
        found = []
        moment = datetime(year, 1, 1, tzinfo=timezone.utc)
        before = (moment - timedelta(seconds=1)).astimezone(info).utcoffset()
        while moment.year == year:
            offset = moment.astimezone(info).utcoffset()
            if offset != before:
                found.append(offset)
            before = offset
            moment += timedelta(hours=3)
        changes = zone.changes_in(year)
        assert [timedelta(seconds=offset) for _, offset in changes] == found
        for instant, offset in changes:
            assert zone.offset_at(instant) == offset != zone.offset_at(instant - 1)
            assert year_of(instant) == year


@given(st.sampled_from(ZONES), instants)
def test_wall_time_is_taken_back_to_its_instant(name: str, instant: int) -> None:
    zone = zone_named(name)
    wall = instant + zone.offset_at(instant)
    first, second = zone.instant_of(wall), zone.instant_of(wall, fold=1)
    assert instant in (first, second)
    assert first <= second
    assert zone.datetime_at(instant).timestamp() == instant
    assert zone.offset_at(instant) == zone.datetime_at(instant).utcoffset() // timedelta(seconds=1)  # type: ignore[operator]


@pytest.mark.parametrize("name", [name for name in ZONES if name != "UTC"])
def test_skipped_wall_time_is_the_instant_of_the_jump(name: str) -> None:
    zone = zone_named(name)
    for year in range(1990, 2030):
        for change, offset in zone.changes_in(year):
            before = zone.offset_at(change - 1)
            for wall in range(change + before, change + offset, 1800):
                assert zone.instant_of(wall) == zone.instant_of(wall, fold=1) == change
            assert zone.last_change(change) == change
            assert zone.next_change(change - 1) == change


def test_utc_never_changes() -> None:
    assert UTC is zone_named("UTC")
    assert UTC.changes_in(2024) == ()
    assert UTC.next_change(0) is UTC.last_change(0) is None


@pytest.mark.parametrize("name", ["Europe/Berln", "", "../etc/passwd", "Europe", "Mars/Phobos", "UTC\0"])
def test_an_unknown_zone_is_an_error(name: str) -> None:
    with pytest.raises(PartitionError) as caught:
        zone_named(name)
    assert caught.value.code == "WEFT-P006"
    if name == "Europe/Berln":
        assert '"Europe/Berlin"' in str(caught.value)
