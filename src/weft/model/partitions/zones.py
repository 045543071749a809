"""Time zones as lists of the instants at which their offset changes.

The standard library answers "which offset holds at this instant"; arithmetic over windows needs to know when it changes. The changes
of a year are found once, by sampling and bisection, and kept.

Instants are whole seconds since the epoch. Wall times are the same, as if the wall clock showed UTC.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone, tzinfo
from functools import lru_cache

from weft.errors import PartitionError, did_you_mean

EPOCH = datetime(1970, 1, 1)
_SECOND = timedelta(seconds=1)
_FIRST_YEAR = 2  # a zone may be a day ahead of UTC, and no datetime is earlier than year 1
# The time zone database lists changes up to 2087; after that it has yearly rules, which the calendar repeats with itself.
_RULES_FROM_YEAR = 2100
_CYCLE_YEARS = 400
_CYCLE_SECONDS = 146_097 * 86_400
# No zone known has changed its offset twice within this span and come back to where it was.
_SAMPLE_SECONDS = 4 * 86_400


class Zone:
    """A time zone: its name, its `tzinfo`, and its changes of offset."""

    __slots__ = ("_changes", "_epoch", "is_fixed", "name", "tzinfo")

    def __init__(self, name: str, zone: tzinfo, *, is_fixed: bool) -> None:
        self.name = name
        self.tzinfo = zone
        # Whether the offset never changes and is zero.
        self.is_fixed = is_fixed
        self._epoch = EPOCH.replace(tzinfo=zone)
        self._changes: dict[int, tuple[tuple[int, int], ...]] = {}

    def offset_at(self, instant: int) -> int:
        """Seconds to add to UTC for the wall time at `instant`."""
        if self.is_fixed:
            return 0
        offset = self.tzinfo.fromutc(self._epoch + timedelta(seconds=instant)).utcoffset()
        assert offset is not None
        return offset.days * 86_400 + offset.seconds

    def changes_in(self, year: int) -> tuple[tuple[int, int], ...]:
        """The changes in a year of UTC: pairs of the instant and the offset that holds from then on."""
        if self.is_fixed or year < _FIRST_YEAR:
            return ()
        found = self._changes.get(year)
        if found is None:
            if year >= _RULES_FROM_YEAR + _CYCLE_YEARS:
                earlier = self.changes_in(year - _CYCLE_YEARS)
                found = tuple([(instant + _CYCLE_SECONDS, offset) for instant, offset in earlier])
            else:
                found = tuple(self._find(year_start(year), year_start(year + 1)))
            self._changes[year] = found
        return found

    def datetime_at(self, instant: int) -> datetime:
        """`instant` as a datetime of this zone."""
        return self.tzinfo.fromutc(self._epoch + timedelta(seconds=instant))

    def instant_of(self, wall: int, *, fold: int = 0) -> int:
        """The instant at which the wall clock shows `wall`.

        Where the clock shows it twice, `fold` says which time is meant. Where it never does, the instant at which it skips `wall`.
        """
        if self.is_fixed:
            return wall
        moment = EPOCH + timedelta(seconds=wall)
        early = self._offset(moment, 0)
        late = self._offset(moment, 1)
        if early >= late:
            return wall - (late if fold else early)
        for year in (moment.year - 1, moment.year, moment.year + 1):
            for instant, offset in self.changes_in(year):
                if offset == late and instant + early <= wall < instant + late:
                    return instant
        return wall - early

    def next_change(self, instant: int) -> int | None:
        """The first change after `instant`, within a year."""
        year = year_of(instant)
        for candidate in (year, year + 1):
            for change, _ in self.changes_in(candidate):
                if change > instant:
                    return change
        return None

    def last_change(self, instant: int) -> int | None:
        """The last change at or before `instant`, within a year."""
        year = year_of(instant)
        for candidate in (year, year - 1):
            for change, _ in reversed(self.changes_in(candidate)):
                if change <= instant:
                    return change
        return None

    def _offset(self, moment: datetime, fold: int) -> int:
        offset = moment.replace(fold=fold, tzinfo=self.tzinfo).utcoffset()
        assert offset is not None
        return offset.days * 86_400 + offset.seconds

    def _find(self, start: int, end: int) -> list[tuple[int, int]]:
        # The offset that a change at the very start of the year brings in belongs to this year: start one second earlier.
        changes: list[tuple[int, int]] = []
        low = start - 1
        before = self.offset_at(low)
        while low < end - 1:
            high = min(low + _SAMPLE_SECONDS, end - 1)
            after = self.offset_at(high)
            if after != before:
                left, right = low, high  # the offset differs between them; close in on the change
                while right - left > 1:
                    middle = (left + right) // 2
                    if self.offset_at(middle) == before:
                        left = middle
                    else:
                        right = middle
                before = self.offset_at(right)
                changes.append((right, before))
                low = right  # a second change may lie before `high`
                continue
            low = high
        return changes


UTC = Zone("UTC", timezone.utc, is_fixed=True)


@lru_cache(maxsize=1024)
def zone_named(name: str) -> Zone:
    """The zone of that name in the time zone database.

    Raises:
        PartitionError: (WEFT-P006) there is none.
    """
    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo, available_timezones

    try:
        return Zone(name, ZoneInfo(name), is_fixed=False)
    # ZoneInfoNotFoundError is a KeyError; odd names raise ValueError, folders of the database an OSError.
    except (KeyError, ValueError, OSError) as error:
        raise PartitionError(
            f'"{name}" is not a time zone.',
            code="WEFT-P006",
            facts={"time zone": name},
            fix=did_you_mean(
                name, available_timezones(), 'use a name of the time zone database, such as "Europe/Berlin"'
            ),
        ) from error


def year_start(year: int) -> int:
    """The instant at which a year of UTC starts."""
    return (datetime(year, 1, 1) - EPOCH) // _SECOND


def year_of(instant: int) -> int:
    """The year of UTC that holds `instant`."""
    return (EPOCH + timedelta(seconds=instant)).year


def wall_of(moment: datetime) -> int:
    """The wall time that a datetime shows, whatever its zone. Parts of a second are dropped."""
    return (moment.replace(tzinfo=None) - EPOCH) // _SECOND
