"""Counting the minutes that a cron expression names."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings, strategies as st
from tests.unit.model.partitions.oracle import CRONS, Fields

from weft.errors import PartitionError
from weft.model.partitions.pattern import parse_cron, pattern_of

EPOCH = datetime(1970, 1, 1)


def minute(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(minutes=1)


def listed(cron: str, start: datetime, days: int) -> list[int]:
    fields = Fields(cron)
    found = []
    for i in range(days):
        day = start + timedelta(days=i)
        if fields.has_day(day):
            found += [minute(day) + hour * 60 + m for hour, m in fields.times()]
    return found


@given(st.sampled_from(CRONS), st.integers(-(10**6), 10**6))
def test_before_and_at_are_inverse(cron: str, n: int) -> None:
    pattern = pattern_of(cron)
    assert pattern.before(pattern.at(n)) == n
    assert pattern.before(pattern.at(n) + 1) == n + 1
    assert pattern.at(n) < pattern.at(n + 1)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(CRONS), st.datetimes(datetime(1900, 1, 1), datetime(2399, 1, 1)))
def test_ticks_are_those_that_looking_at_each_day_finds(cron: str, start: datetime) -> None:
    start = start.replace(hour=0, minute=0, second=0, microsecond=0)
    expected = listed(cron, start, 800)[:3000]
    pattern = pattern_of(cron)
    first = pattern.before(minute(start))
    assert [pattern.at(first + i) for i in range(len(expected))] == expected


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(CRONS), st.lists(st.sampled_from(CRONS), min_size=1, max_size=3), st.integers(1970, 2100))
def test_excluded_patterns_leave_the_rest(cron: str, exclusions: list[str], year: int) -> None:
    start = datetime(year, 1, 1)
    whole = listed(cron, start, 400)
    taken = {tick for text in exclusions for tick in listed(text, start, 400)}
    for excluded, expected in ((False, [t for t in whole if t not in taken]), (True, [t for t in whole if t in taken])):
        pattern = pattern_of(cron, tuple(exclusions), excluded=excluded)
        assert pattern.names_any or not expected
        if expected:
            first = pattern.before(minute(start))
            assert [pattern.at(first + i) for i in range(min(len(expected), 2000))] == expected[:2000]
            assert pattern.before(expected[-1]) == first + len(expected) - 1


def test_the_calendar_repeats_after_400_years() -> None:
    cycle = 146_097 * 1440
    for cron in CRONS:
        pattern = pattern_of(cron)
        ticks = pattern.before(cycle) - pattern.before(0)
        assert [pattern.at(n + ticks) - cycle for n in range(50)] == [pattern.at(n) for n in range(50)]


def test_numbers_and_stars_are_parsed_as_cronsim_parses_them() -> None:
    for plain, same in (
        ("5 3 * * 0", "5-5 3-3 * * 0-0"),
        ("0 0 13 * 5", "0-0 0 13 * FRI"),
        ("* 4 * 2 *", "* 4-4 * FEB *"),
        ("7 * 31 * *", "7 */1 31-31 * *"),
    ):
        pattern, other = pattern_of(plain), pattern_of(same)
        assert [pattern.at(n) for n in range(-100, 100)] == [other.at(n) for n in range(-100, 100)]
        assert parse_cron(plain).is_wildcard == parse_cron(same).is_wildcard


def test_aliases_stand_for_expressions() -> None:
    assert [pattern_of("@daily").at(n) for n in range(9)] == [pattern_of("0 0 * * *").at(n) for n in range(9)]
    assert parse_cron("@hourly").is_wildcard


@pytest.mark.parametrize(
    "text",
    ["", "0 0 * *", "60 * * * *", "0 0 30 2 *", "0 0 31 4,6 *", "x * * * *", "0 0 * * 8", "0 0 0 0 0", "*/0 * * * *"],
)
def test_an_expression_that_never_comes_true_is_an_error(text: str) -> None:
    with pytest.raises(PartitionError) as caught:
        parse_cron(text)
    assert caught.value.code == "WEFT-P007"
    assert caught.value.facts["expression"] == text
    assert "five fields" in str(caught.value)
