"""Windows of time as integers: window number <-> instant, through changes of the clock, without listing.

A zone's offset is constant between two changes, and there a cadence is just its `Pattern` on the wall clock, shifted. So a
cadence is a short list of stretches, each with the number of its first tick; finding a window is a bisection in that list (two stretches
a year, none for UTC) and then calendar arithmetic.

What happens when the clock changes follows Debian's cron:

- An expression whose minute or hour field starts with ``*`` follows elapsed time. An hour that comes twice has its ticks twice; ticks in an hour
  that is skipped do not happen (the window before them is as long as the clock makes it).
- Any other expression names fixed times. A time that comes twice ticks the first time. Ticks in skipped time happen once, as soon as the
  clock has jumped, unless there is a tick at that moment anyway. So a day has its one window always.

Instants are whole seconds since the epoch; wall times are the same as if the wall clock showed UTC. Invariants: ``before(at(n)) == n``, and
``at`` is strictly increasing.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct

from weft.model.partitions.pattern import Pattern
from weft.model.partitions.zones import Zone, year_of, year_start

_LAST_YEAR = 9999  # of datetime
_LAST_INSTANT = year_start(_LAST_YEAR)
_FIRST_INSTANT = year_start(2)  # one year more, as time zones look at the year before
_YEARS_AHEAD = 8  # how far the list of stretches grows at a time


class _Stretches(Struct, frozen=True):
    """The time from the first tick on, cut where the offset changes; parallel lists, one entry a stretch."""

    starts: list[int]  # the instant at which the stretch starts
    offsets: list[int]
    gaps: list[bool]  # whether the stretch starts with a tick for times that the clock skipped
    firsts: list[int]  # the number of its first tick
    pattern_firsts: list[int]  # the number of its first tick on the wall, in the numbering of the pattern
    # All ticks before this instant and with a number below this count are in the list.
    until: float
    tick_count: float


class Cadence:
    """The ticks of `pattern` in `zone` from the instant `start` on, numbered from 0.

    Args:
        pattern: which wall minutes tick.
        zone: the time zone of the wall clock.
        start: no tick is earlier.
        follows_elapsed_time: see the module (`Cron.is_wildcard`).
        same_key: whether two wall times have the same key. A tick for skipped time that could not be told from its neighbours is not made.
        neighbours: the pattern of those neighbours, where `pattern` leaves some out.
    """

    __slots__ = ("_elapsed", "_neighbours", "_pattern", "_same_key", "_stretches", "start", "zone")

    def __init__(
        self,
        pattern: Pattern,
        zone: Zone,
        start: int,
        *,
        follows_elapsed_time: bool,
        same_key: Callable[[int, int], bool],
        neighbours: Pattern | None = None,
    ) -> None:
        self.zone = zone
        self.start = start
        self._pattern = pattern
        self._elapsed = follows_elapsed_time
        self._same_key = same_key
        self._neighbours = neighbours or pattern
        offset = zone.offset_at(start)
        resume, gap = start + offset, False
        change = zone.last_change(start)
        if change is not None and not follows_elapsed_time:
            wall_before = change + zone.offset_at(change - 1)
            gap = change == start and self._skips_a_tick(wall_before, resume)
            resume = max(resume, wall_before)
        first = pattern.before(_minute_at_or_after(resume))
        end = float("inf") if zone.is_fixed else float(start)
        count = float("inf") if zone.is_fixed else 0
        # Replaced as a whole when it grows, so that threads always see a consistent one.
        self._stretches = _Stretches([start], [offset], [gap], [0], [first], end, count)

    def from_start(self, start: int) -> Cadence:
        """The same cadence, numbered from another instant."""
        return Cadence(
            self._pattern,
            self.zone,
            start,
            follows_elapsed_time=self._elapsed,
            same_key=self._same_key,
            neighbours=self._neighbours,
        )

    def at(self, number: int) -> int:
        """The instant of a tick.

        Raises:
            IndexError: `number` is negative, or the tick lies after the last year that a datetime can hold.
        """
        if number < 0:
            raise IndexError(number)
        table = self._stretches
        while number >= table.tick_count:
            table = self._grown(table)
        index = bisect_right(table.firsts, number) - 1
        within = number - table.firsts[index]
        if table.gaps[index]:
            if within == 0:
                return table.starts[index]
            within -= 1
        instant = self._pattern.at(table.pattern_firsts[index] + within) * 60 - table.offsets[index]
        if instant > _LAST_INSTANT:
            raise IndexError(number)
        return instant

    def before(self, instant: int) -> int:
        """How many ticks come before `instant`.

        Raises:
            IndexError: `instant` lies after the last year that a datetime can hold.
        """
        if instant <= self.start:
            return 0
        table = self._stretches
        while instant >= table.until:
            table = self._grown(table, until=instant)
        index = bisect_right(table.starts, instant) - 1
        start = table.starts[index]
        count = table.firsts[index] + (table.gaps[index] and instant > start)
        ticks = self._pattern.before(_minute_at_or_after(instant + table.offsets[index])) - table.pattern_firsts[index]
        return count + max(ticks, 0)

    def tick(self, number: int) -> int:
        """Like `at`, and counting back from the first tick for negative numbers.

        Raises:
            IndexError: the tick lies outside the years that a datetime can hold.
        """
        if number >= 0:
            return self.at(number)
        first = self.at(0)
        reach = 86_400
        while True:
            earlier = self.from_start(max(first - reach, _FIRST_INSTANT))
            between = earlier.before(first)
            if between >= -number:
                return earlier.at(between + number)
            if earlier.start == _FIRST_INSTANT:
                raise IndexError("before the first year")
            reach *= 8

    def ticks_before(self, instant: int) -> int:
        """Like `before`, and negative for instants before the first tick: minus the ticks from `instant` up to the first one."""
        if instant > self.start:
            return self.before(instant)
        return -self.from_start(max(instant, _FIRST_INSTANT)).before(self.at(0))

    def _grown(self, table: _Stretches, until: int | None = None) -> _Stretches:
        """The list, longer by some years at least and up to `until`."""
        year = year_of(int(table.until))
        if year >= _LAST_YEAR:
            raise IndexError("after the last year")
        last = year + _YEARS_AHEAD if until is None else max(year, year_of(until)) + 2
        last = min(last, _LAST_YEAR)
        starts, offsets, gaps = list(table.starts), list(table.offsets), list(table.gaps)
        firsts, pattern_firsts = list(table.firsts), list(table.pattern_firsts)
        for each in range(year, last):
            for instant, offset in self.zone.changes_in(each):
                if instant <= starts[-1]:
                    continue
                before, after = instant + offsets[-1], instant + offset  # what the wall clock shows
                end = self._pattern.before(_minute_at_or_after(before))
                firsts.append(firsts[-1] + gaps[-1] + max(end - pattern_firsts[-1], 0))
                gap = False
                resume = after
                if not self._elapsed:
                    resume = max(before, after)
                    gap = self._skips_a_tick(before, after)
                starts.append(instant)
                offsets.append(offset)
                gaps.append(gap)
                # A second change may come before the wall clock has caught up with an earlier one.
                first = self._pattern.before(_minute_at_or_after(resume))
                pattern_firsts.append(first if self._elapsed else max(first, pattern_firsts[-1], end))
        horizon = year_start(last)
        count = firsts[-1] + gaps[-1]
        count += max(self._pattern.before(_minute_at_or_after(horizon + offsets[-1])) - pattern_firsts[-1], 0)
        grown = _Stretches(starts, offsets, gaps, firsts, pattern_firsts, horizon, count)
        self._stretches = grown
        return grown

    def _skips_a_tick(self, before: int, after: int) -> bool:
        """Whether a clock that jumps from `before` to `after` skips ticks, for which there is one at `after`."""
        first = self._pattern.before(_minute_at_or_after(before))
        end = self._pattern.before(_minute_at_or_after(after))
        if end <= first or self._pattern.at(end) * 60 == after:
            return False
        others = self._neighbours
        earlier = others.at(others.before(_minute_at_or_after(before)) - 1) * 60
        later = others.at(others.before(_minute_at_or_after(after))) * 60
        return not (self._same_key(earlier, after) or self._same_key(after, later))


class Windows:
    """The windows of a definition, numbered without gaps: those of a cadence, less those that are excluded.

    A window lasts until the next tick of the whole cadence, whether that one is excluded or not.

    Args:
        cadence: every window.
        kept: the windows that no expression excludes.
        dropped: those that an expression does exclude, if there are any.
        excluded: instants; a window that starts at one of them is excluded too.
    """

    __slots__ = ("_dropped", "_excluded", "_kept", "_shifts", "cadence")

    def __init__(self, cadence: Cadence, kept: Cadence, dropped: Cadence | None, excluded: Iterable[int]) -> None:
        self.cadence = cadence
        self._kept = kept
        self._dropped = dropped
        found = set()
        for instant in excluded:
            number = kept.before(instant)
            if instant >= kept.start and kept.at(number) == instant:
                found.add(number)
        self._excluded = sorted(found)
        # How many windows come before each excluded one.
        self._shifts = [number - i for i, number in enumerate(self._excluded)]

    @property
    def has_exclusions(self) -> bool:
        """Whether a window may be followed by one that is excluded."""
        return self._dropped is not None or bool(self._excluded)

    def start_of(self, ordinal: int) -> int:
        """The instant at which a window starts.

        Raises:
            IndexError: there is no such window.
        """
        if self._excluded and ordinal >= 0:
            ordinal += bisect_right(self._shifts, ordinal)
        return self._kept.at(ordinal)

    def end_of(self, ordinal: int) -> int:
        """The instant at which a window ends."""
        if not self.has_exclusions:
            return self.cadence.at(ordinal + 1)
        return self.cadence.at(self.cadence.before(self.start_of(ordinal)) + 1)

    def before(self, instant: int) -> int:
        """How many windows start before `instant`."""
        number = self._kept.before(instant)
        return number - bisect_left(self._excluded, number) if self._excluded else number

    def steps(self, ordinal: int) -> int:
        """How many windows of the whole cadence start before this one: its ordinal if nothing were excluded."""
        if not self.has_exclusions:
            return ordinal
        return self.cadence.before(self.start_of(ordinal))

    def before_step(self, step: int) -> int:
        """How many windows lie before window number `step` of the whole cadence."""
        if not self.has_exclusions or step <= 0:
            return max(step, 0)
        return self.before(self.cadence.at(step))

    def overlap(self, start: int, end: int) -> tuple[int, int]:
        """The windows that share time with the stretch from `start` up to `end`: the first, and the one after the last.

        Numbers below 0 are those of windows before the first one, as if the definition had started earlier.
        """
        first = self._number(start + 1) - 1
        if self.span(first)[1] <= start:  # what holds `start` is excluded
            first += 1
        return first, max(first, self._number(end))

    def span(self, number: int) -> tuple[int, int]:
        """The instants at which a window starts and ends; for numbers below 0 see `overlap`."""
        start = self.start_of(number) if number >= 0 else self._kept.tick(number)
        return start, self.cadence.tick(self.cadence.ticks_before(start) + 1)

    def _number(self, instant: int) -> int:
        """How many windows start before `instant`; below 0 for instants before the first one."""
        return self.before(instant) if instant > self.cadence.start else self._kept.ticks_before(instant)

    def unbroken(self, start: int, stop: int) -> Iterator[tuple[int, int]]:
        """The ordinals from `start` up to `stop`, cut where windows between them are excluded.

        The cost grows with the number of cuts, not of windows.
        """
        while start < stop:
            end = stop
            place = bisect_right(self._shifts, start)
            if place < len(self._shifts):
                end = min(end, self._shifts[place])
            if self._dropped is not None:
                next_dropped = self._dropped.at(self._dropped.before(self.start_of(start) + 1))
                end = min(end, self.before(next_dropped))
            yield start, end
            start = end


def _minute_at_or_after(seconds: int) -> int:
    return -(-seconds // 60)
