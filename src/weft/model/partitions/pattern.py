"""Which minutes of the wall calendar a cron expression names, counted without listing them.

The Gregorian calendar repeats every 400 years, which are a whole number of weeks, and what cron says of a day depends only on
its month, the length of the month and the weekday of its first day. So a table of 4,800 months (seven weekdays where only the weekday
matters) answers for every cron expression how many ticks lie before a minute, and which is the n-th, for ever.

Exclusions are expressions too; excluding one pattern from another leaves a pattern, so windows that are excluded cost nothing.

Invariant: ``before(at(n)) == n`` for every integer n. Time zones do not matter here; see `weft.model.partitions.cadence`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from functools import lru_cache

from msgspec import Struct

from weft.errors import PartitionError

MINUTES_A_DAY = 1440
_DAYS_A_CYCLE = 146_097  # 400 years
_MONTHS_A_CYCLE = 4_800
_MONTH_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_EPOCH_WEEKDAY = 4  # 1970-01-01 was a Thursday; Sunday is 0
_ALL_WEEKDAYS = 0b111_1111

# As cronsim writes them: "L" and "LW" among the days, (weekday, "L") among the weekdays.
_LAST_DAY = -1000
_LAST_WORKING_DAY = -1001

_ALIASES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


class DayRule(Struct, frozen=True):
    """Which days an expression names."""

    days: frozenset[int]
    months: frozenset[int]
    # Weekdays (0 is Sunday), or pairs of a weekday and its number in the month.
    weekdays: frozenset[int | tuple[int, int]]
    # Whether day and weekday must both fit; otherwise one of them is enough (as in Debian's cron).
    both: bool

    def weekday_mask(self) -> int | None:
        """The weekdays as bits, where nothing but the weekday matters; otherwise None."""
        if len(self.months) < 12:
            return None
        every_day = len([day for day in self.days if day > 0]) == 31
        mask = 0
        for item in self.weekdays:
            if isinstance(item, tuple):
                return None
            mask |= 1 << (item % 7)
        if every_day:
            return mask if self.both else _ALL_WEEKDAYS
        return _ALL_WEEKDAYS if not self.both and mask == _ALL_WEEKDAYS else None

    def month_mask(self, month: int, length: int, first_weekday: int) -> int:
        """The days of a month as bits, the first day as the lowest."""
        if month not in self.months:
            return 0
        every = (1 << length) - 1
        by_day = 0
        for day in self.days:
            if day > 0:
                by_day |= 1 << (day - 1)
            elif day == _LAST_DAY:
                by_day |= 1 << (length - 1)
            else:
                last_weekday = (first_weekday + length - 1) % 7
                by_day |= 1 << (length - 1 - {0: 2, 6: 1}.get(last_weekday, 0))
        by_weekday = 0
        for item in self.weekdays:
            weekday, number = item if isinstance(item, tuple) else (item, None)
            dates = range((weekday - first_weekday) % 7, length, 7)
            if number == _LAST_DAY:
                dates = dates[-1:]
            elif number is not None:
                dates = dates[number - 1 : number]
            for date in dates:
                by_weekday |= 1 << date
        return (by_day & by_weekday if self.both else by_day | by_weekday) & every


class Cron(Struct, frozen=True):
    """A parsed expression: minutes of the day, on certain days."""

    text: str
    # Ascending, from 0 to 1439.
    minutes: tuple[int, ...]
    days: DayRule
    # The minute or hour field starts with "*": it follows elapsed time over a change of the clock. Otherwise it names fixed times.
    is_wildcard: bool


@lru_cache(maxsize=1024)
def parse_cron(text: str) -> Cron:
    """A cron expression of five fields, or an alias such as ``@daily``.

    Fields are those of cronsim (Debian's cron and the usual extensions): lists, ranges, steps, names of months and weekdays, ``L``,
    ``LW``, ``5L``, ``MON#2``. Where neither day field starts with ``*``, a day that fits one of them is enough.

    Raises:
        PartitionError: (WEFT-P007) it is not such an expression, or names a day that never comes.
    """
    fields = _ALIASES.get(text.strip().lower(), text).split()
    if len(fields) != 5:
        raise _bad_cron(text, f"it has {len(fields)} fields")
    cron = _plain(text, fields)
    if cron is None:
        cron = _parsed_by_cronsim(text, fields)
    if not Pattern(cron, ()).names_any:
        raise _bad_cron(text, "no such day ever comes")
    return cron


@lru_cache(maxsize=1024)
def pattern_of(cron: str, exclusions: tuple[str, ...] = (), *, excluded: bool = False) -> Pattern:
    """The minutes that `cron` names and none of `exclusions` names; with `excluded` those that both name."""
    return Pattern(parse_cron(cron), tuple([parse_cron(text) for text in exclusions]), excluded=excluded)


class Pattern:
    """The minutes of `cron` without those of `exclusions`, numbered by integers; minute 0 is 1970-01-01 00:00 on the wall.

    With `excluded` it is the other part: the minutes of `cron` that are among `exclusions`.
    """

    __slots__ = ("_by_month", "_excluded", "_groups", "_minutes_by_day_kind", "_week", "_week_sums")

    def __init__(self, cron: Cron, exclusions: tuple[Cron, ...], *, excluded: bool = False) -> None:
        self._excluded = excluded
        # Minutes that the same exclusions name behave alike: they form one group, which is on or off for a whole day.
        by_signature: dict[tuple[int, ...], list[int]] = {}
        others = [(frozenset(other.minutes), other.days) for other in exclusions]
        for minute in cron.minutes:
            signature = tuple([i for i, (minutes, _) in enumerate(others) if minute in minutes])
            by_signature.setdefault(signature, []).append(minute)
        self._groups = [
            (cron.days, tuple([others[i][1] for i in signature]), tuple(minutes))
            for signature, minutes in by_signature.items()
        ]
        self._minutes_by_day_kind: dict[int, tuple[int, ...]] = {}
        self._by_month: _ByMonth | None = None
        self._week: tuple[tuple[int, ...], ...] | None = self._as_week()
        self._week_sums: list[int] = [0]
        for minutes in self._week or ():
            self._week_sums.append(self._week_sums[-1] + len(minutes))

    @property
    def names_any(self) -> bool:
        """Whether there is a minute at all."""
        if self._week is not None:
            return self._week_sums[-1] > 0
        return self._months().sums[-1] > 0

    def before(self, minute: int) -> int:
        """How many ticks come before `minute` (negative for times before 1970, counted back from there)."""
        day, minute_of_day = divmod(minute, MINUTES_A_DAY)
        if self._week is not None:
            week, weekday = divmod(day + _EPOCH_WEEKDAY, 7)
            return (
                week * self._week_sums[7] + self._week_sums[weekday] + bisect_left(self._week[weekday], minute_of_day)
            )
        months = self._months()
        cycle, day_of_cycle = divmod(day, _DAYS_A_CYCLE)
        month = bisect_right(months.starts, day_of_cycle) - 1
        count = cycle * months.sums[_MONTHS_A_CYCLE] + months.sums[month]
        date = day_of_cycle - months.starts[month]
        masks = months.masks[month]
        below = (1 << date) - 1
        for (_, _, minutes), mask in zip(self._groups, masks, strict=True):
            count += (mask & below).bit_count() * len(minutes)
        return count + bisect_left(self._minutes_of(masks, date), minute_of_day)

    def at(self, n: int) -> int:
        """The minute of tick number `n`; the inverse of `before`."""
        if self._week is not None:
            week, rest = divmod(n, self._week_sums[7])
            weekday = bisect_right(self._week_sums, rest) - 1
            day = week * 7 + weekday - _EPOCH_WEEKDAY
            return day * MINUTES_A_DAY + self._week[weekday][rest - self._week_sums[weekday]]
        months = self._months()
        cycle, rest = divmod(n, months.sums[_MONTHS_A_CYCLE])
        month = bisect_right(months.sums, rest) - 1
        rest -= months.sums[month]
        masks = months.masks[month]
        date = 0
        while True:
            minutes = self._minutes_of(masks, date)
            if rest < len(minutes):
                day = cycle * _DAYS_A_CYCLE + months.starts[month] + date
                return day * MINUTES_A_DAY + minutes[rest]
            rest -= len(minutes)
            date += 1

    def _as_week(self) -> tuple[tuple[int, ...], ...] | None:
        """The minutes of each weekday, where the weekday is all that matters."""
        week: list[list[int]] = [[] for _ in range(7)]
        for rule, excluded, minutes in self._groups:
            mask = rule.weekday_mask()
            if mask is None:
                return None
            taken = 0
            for other in excluded:
                other_mask = other.weekday_mask()
                if other_mask is None:
                    return None
                taken |= other_mask
            mask &= taken if self._excluded else ~taken
            for weekday in range(7):
                if mask >> weekday & 1:
                    week[weekday].extend(minutes)
        return tuple([tuple(sorted(minutes)) for minutes in week])

    def _months(self) -> _ByMonth:
        table = self._by_month
        if table is None:
            table = self._by_month = self._build_months()
        return table

    def _build_months(self) -> _ByMonth:
        starts = [0]
        sums = [0]
        masks: list[tuple[int, ...]] = []
        known: dict[tuple[int, int, int], tuple[tuple[int, ...], int]] = {}
        for index in range(_MONTHS_A_CYCLE):
            year, month = 1970 + index // 12, index % 12 + 1
            leap = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
            length = _MONTH_LENGTHS[month - 1] + leap
            first_weekday = (starts[index] + _EPOCH_WEEKDAY) % 7
            kind = (month, length, first_weekday)
            found = known.get(kind)
            if found is None:
                found = known[kind] = self._month(*kind)
            masks.append(found[0])
            starts.append(starts[index] + length)
            sums.append(sums[index] + found[1])
        starts.pop()  # a start for each month; the end of the last is the start of the next cycle
        return _ByMonth(starts, sums, masks)

    def _month(self, month: int, length: int, first_weekday: int) -> tuple[tuple[int, ...], int]:
        masks = []
        ticks = 0
        for rule, excluded, minutes in self._groups:
            mask = rule.month_mask(month, length, first_weekday)
            taken = 0
            for other in excluded:
                taken |= other.month_mask(month, length, first_weekday)
            mask &= taken if self._excluded else ~taken
            masks.append(mask)
            ticks += mask.bit_count() * len(minutes)
        return tuple(masks), ticks

    def _minutes_of(self, masks: tuple[int, ...], date: int) -> tuple[int, ...]:
        """The minutes of one day, by which groups are on."""
        kind = 0
        for i, mask in enumerate(masks):
            kind |= (mask >> date & 1) << i
        minutes = self._minutes_by_day_kind.get(kind)
        if minutes is None:
            on = [group[2] for i, group in enumerate(self._groups) if kind >> i & 1]
            minutes = on[0] if len(on) == 1 else tuple(sorted([minute for group in on for minute in group]))
            self._minutes_by_day_kind[kind] = minutes
        return minutes


class _ByMonth(Struct, frozen=True):
    starts: list[int]  # day of the cycle on which each month starts
    sums: list[int]  # ticks before each month; one more entry for the whole cycle
    masks: list[tuple[int, ...]]  # per month, the days of each group as bits


def _plain(text: str, fields: list[str]) -> Cron | None:
    """An expression of nothing but numbers and ``*``: what the ordinary cadences write, parsed without cronsim."""
    limits = ((0, 60), (0, 24), (1, 32), (1, 13), (0, 7))
    values = []
    for field, (low, high) in zip(fields, limits, strict=True):
        if field == "*":
            values.append(range(low, high))
        elif field.isdecimal() and field.isascii() and low <= int(field) < high:
            values.append(range(int(field), int(field) + 1))
        else:
            return None
    minutes, hours, days, months, weekdays = values
    rule = DayRule(frozenset(days), frozenset(months), frozenset(weekdays), fields[2] == "*" or fields[4] == "*")
    wildcard = fields[0] == "*" or fields[1] == "*"
    return Cron(text, tuple([hour * 60 + minute for hour in hours for minute in minutes]), rule, wildcard)


def _parsed_by_cronsim(text: str, fields: list[str]) -> Cron:
    from datetime import datetime

    from cronsim import CronSim, CronSimError

    try:
        parsed = CronSim(" ".join(fields), datetime(2000, 1, 1))
    except CronSimError as error:
        raise _bad_cron(text, str(error)) from error
    rule = DayRule(
        frozenset(parsed.days),
        frozenset(parsed.months),
        frozenset([(item[0] % 7, item[1]) if isinstance(item, tuple) else item % 7 for item in parsed.weekdays]),
        parsed.day_and,
    )
    minutes = tuple([hour * 60 + minute for hour in sorted(parsed.hours) for minute in sorted(parsed.minutes)])
    return Cron(text, minutes, rule, fields[0].startswith("*") or fields[1].startswith("*"))


def _bad_cron(text: str, reason: str) -> PartitionError:
    return PartitionError(
        f'"{text}" is not a cron expression that ever comes true: {reason}.',
        code="WEFT-P007",
        facts={"expression": text, "reason": reason},
        fix='write five fields: minute, hour, day of the month, month, weekday; "0 6 * * 1-5" is six o\'clock on working days',
    )
