"""Windows by brute force: step through time and look at the clock. Slow, and too simple to be wrong.

The rules are those of `weft.model.partitions.cadence`. Only the standard library's `zoneinfo` is trusted, and cronsim's parsing of
the fields of an expression.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from cronsim import CronSim

ZONES = [
    "UTC",
    "Africa/Cairo",
    "Africa/Casablanca",
    "America/Caracas",
    "America/Havana",
    "America/New_York",
    "America/Nuuk",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Antarctica/Troll",
    "Asia/Gaza",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Pyongyang",
    "Asia/Tehran",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Europe/Dublin",
    "Europe/Moscow",
    "Pacific/Apia",
    "Pacific/Chatham",
]

CRONS = [
    "0 * * * *",
    "37 * * * *",
    "*/15 * * * *",
    "*/7 */5 * * *",
    "0 */6 * * *",
    "* 3 * * *",
    "0 0 * * *",
    "30 0 * * *",
    "30 1 * * *",
    "0 2 * * *",
    "30 1,2,3 * * *",
    "0,30 0-4 * * *",
    "59 23 * * *",
    "0 3 * * 0",
    "15 2 * * 6",
    "5 1-23/2 * * 1-5",
    "0 0 1 * *",
    "0 0 31 * *",
    "30 2 29 * *",
    "0 0 29 2 *",
    "0 0 L * *",
    "0 0 LW * *",
    "15 2 * * MON#2",
    "45 23 * * 5L",
    "0 12 1-7 * 1",
    "30 0 13 * 5",
    "0 6 1 1,7 *",
]

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def instant(moment: datetime) -> int:
    """Whole seconds since the epoch."""
    return int(moment.timestamp())


def is_elapsed(cron: str) -> bool:
    """Whether the expression follows elapsed time over a change of the clock."""
    return any(field.startswith("*") for field in cron.split()[:2])


class Fields:
    """What an expression names, asked of one wall time at a time."""

    def __init__(self, cron: str) -> None:
        self._cron = CronSim(cron, datetime(2000, 1, 1))

    def has_day(self, day: datetime) -> bool:
        return day.month in self._cron.months and self._cron.match_day(day.date())

    def times(self) -> list[tuple[int, int]]:
        return [(hour, minute) for hour in sorted(self._cron.hours) for minute in sorted(self._cron.minutes)]


def ticks(cron: str, zone_name: str, start: datetime, end: datetime) -> Iterator[int]:
    """The instants at which `cron` ticks, from `start` up to, not including, `end` (both with a zone)."""
    zone = ZoneInfo(zone_name)
    fields = Fields(cron)
    return (_elapsed if is_elapsed(cron) else _fixed)(fields, zone, start, end)


def _elapsed(fields: Fields, zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[int]:
    """Look at the wall clock at every minute that passes."""
    times = set(fields.times())
    step = MINUTE
    if all(minute % 15 == 0 for _, minute in times):
        step = 15 * MINUTE  # no offset in use has a finer grain
    moment = start.astimezone(timezone.utc)
    moment = (
        datetime.min.replace(tzinfo=timezone.utc)
        + -(-(moment - datetime.min.replace(tzinfo=timezone.utc)) // step) * step
    )
    days: dict[int, bool] = {}
    while moment < end:
        wall = moment.astimezone(zone)
        if (wall.hour, wall.minute) in times:
            number = wall.toordinal()
            if number not in days:
                days[number] = fields.has_day(wall)
            if days[number]:
                yield instant(moment)
        moment += step


def _fixed(fields: Fields, zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[int]:
    """Look up each time of each day on the clock: the first time it is shown, or when it is skipped, the end of the gap."""
    first, last = instant(start), instant(end)
    latest = None
    day = start.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None) - 2 * DAY
    while day < end.astimezone(zone).replace(tzinfo=None) + 2 * DAY:
        if fields.has_day(day):
            for hour, minute in fields.times():
                wall = day.replace(hour=hour, minute=minute)
                found = _shown(wall, zone)
                if found != latest and first <= found < last:
                    yield found
                latest = found
        day += DAY


def _shown(wall: datetime, zone: ZoneInfo) -> int:
    found = instant(wall.replace(tzinfo=zone))
    if datetime.fromtimestamp(found, zone).replace(tzinfo=None) == wall:
        return found
    # Skipped: the clock jumps within a day of it; close in on the jump.
    low, high = found - 2 * 86_400, found + 2 * 86_400

    def is_before(at: int) -> bool:
        return datetime.fromtimestamp(at, zone).replace(tzinfo=None) < wall

    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if is_before(middle) else (low, middle)
    return high
