"""When a schedule ticks: cron expressions in a time zone, as instants, forwards and backwards, without listing.

The arithmetic is that of time partitions (`weft.model.partitions.cadence`); what happens when the clock changes is that of schedules:

- An expression that names every hour of the day follows elapsed time: an hour that comes twice has its ticks twice, and those of an hour that is
  skipped do not happen.
- Any other expression names times of the day, each of which ticks once a day: a time that the clock skips ticks at the moment when it jumps (once,
  however many times it skips), and one that comes twice ticks the second time.

Several expressions are one schedule: it ticks when any of them does, once for each moment.

Laws: `after` ascends strictly and starts later than the moment it is given; ``latest(at)`` is the last tick not later than ``at``.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from heapq import merge
from math import floor

from msgspec import Struct

from weft.model.partitions.cadence import Cadence
from weft.model.partitions.pattern import Cron, parse_cron, pattern_of
from weft.model.partitions.zones import Zone, year_of, year_start, zone_named

_HOURS_A_DAY = 24
_MINUTES_AN_HOUR = 60
# Leap days of a certain weekday are the rarest: they come 28 years apart, 40 around a year such as 2100.
_YEARS_BACK = 41


class CronSchedule(Struct, frozen=True):
    """The ticks of some cron expressions in one time zone. Instants are seconds since the epoch; ticks are whole minutes of the wall clock.

    Raises (in use, or by `check`):
        PartitionError: (WEFT-P007) no expression, or a day that never comes; (WEFT-P006) no time zone.
    """

    crons: tuple[str, ...]
    timezone: str = "UTC"

    def check(self) -> None:
        """Raise what is wrong with the expressions and the time zone."""
        zone_named(self.timezone)
        for cron in self.crons:
            parse_cron(cron)

    def after(self, instant: float) -> Iterator[int]:
        """The ticks later than `instant`, ascending, up to the last year of the calendar."""
        if len(self.crons) == 1:
            return _after(self.crons[0], self.timezone, floor(instant))
        return _without_repeats(merge(*(_after(cron, self.timezone, floor(instant)) for cron in self.crons)))

    def next(self, instant: float) -> int | None:
        """The first tick later than `instant`; None after the last year of the calendar."""
        return next(self.after(instant), None)

    def latest(self, instant: float) -> int | None:
        """The last tick not later than `instant`; None where there was none for decades."""
        found = [tick for cron in self.crons if (tick := _latest(cron, self.timezone, floor(instant))) is not None]
        return max(found, default=None)

    def between(self, start: float, end: float) -> Iterator[int]:
        """The ticks later than `start` and not later than `end`, ascending."""
        for tick in self.after(start):
            if tick > end:
                return
            yield tick


def _after(cron: str, timezone: str, instant: int) -> Iterator[int]:
    zone = zone_named(timezone)
    follows_elapsed_time = _names_every_hour(parse_cron(cron))
    cadence = _cadence(cron, timezone, year_of(instant) - 1)
    # Ticks that count from before `instant` may come after it: in the hour that is repeated.
    number = cadence.before(instant + 1 if follows_elapsed_time else instant + 1 - _repeated_around(zone, instant))
    while True:
        try:
            tick = cadence.at(number)
        except IndexError:  # the calendar ends
            return
        if not follows_elapsed_time:
            tick = _second_time(zone, tick)
        if tick > instant:
            yield tick
        number += 1


def _latest(cron: str, timezone: str, instant: int) -> int | None:
    zone = zone_named(timezone)
    follows_elapsed_time = _names_every_hour(parse_cron(cron))
    for years in (1, _YEARS_BACK):
        cadence = _cadence(cron, timezone, year_of(instant) - years)
        number = cadence.before(instant + 1) - 1
        while number >= 0:
            tick = cadence.at(number)
            if not follows_elapsed_time:
                tick = _second_time(zone, tick)
            if tick <= instant:
                return tick
            number -= 1
    return None


@lru_cache(maxsize=1024)
def _cadence(cron: str, timezone: str, year: int) -> Cadence:
    """The ticks from the start of a year on: few enough years, so that the changes of the clock before the first question stay few."""
    return Cadence(
        pattern_of(cron),
        zone_named(timezone),
        year_start(year),
        follows_elapsed_time=_names_every_hour(parse_cron(cron)),
        same_key=_never,
    )


def _names_every_hour(cron: Cron) -> bool:
    return len({minute // _MINUTES_AN_HOUR for minute in cron.minutes}) == _HOURS_A_DAY


def _never(wall: int, other: int) -> bool:
    """Ticks have no keys that could be alike: every one that the clock skips is made up for."""
    return False


def _second_time(zone: Zone, tick: int) -> int:
    """`tick`, or the moment at which the wall clock shows the same again, where it soon does."""
    change = zone.next_change(tick)
    if change is not None:
        back = zone.offset_at(tick) - zone.offset_at(change)
        if tick >= change - back:
            return tick + back
    return tick


def _repeated_around(zone: Zone, instant: int) -> int:
    """For how many seconds before `instant` ticks may have been put off beyond it."""
    for change in (zone.last_change(instant), zone.next_change(instant)):
        if change is not None:
            back = zone.offset_at(change - 1) - zone.offset_at(change)
            if change - back <= instant < change + back:
                return 2 * back
    return 0


def _without_repeats(ticks: Iterator[int]) -> Iterator[int]:
    last = None
    for tick in ticks:
        if tick != last:
            yield tick
        last = tick
