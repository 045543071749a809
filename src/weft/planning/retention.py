"""What may be deleted, as times: pure, from the settings and the time of day.

A run counts from its last change. What belongs to a run goes at the latest with the run itself. Settings of None keep for ever; 0 deletes what
is over as soon as it is over.
"""

from __future__ import annotations

from msgspec import Struct

from weft.config.instance_settings import RetentionSettings

_DAY_SECONDS = 86_400.0


class Cutoffs(Struct, frozen=True, kw_only=True):
    """Before which time of their last change runs lose something; None: they keep it."""

    events: float | None = None
    logs: float | None = None
    runs: float | None = None


def cutoffs(settings: RetentionSettings, *, now: float) -> Cutoffs:
    """The times that hold at `now` (seconds since the epoch)."""
    runs = _before(settings.runs_days, now)
    return Cutoffs(
        events=_later(_before(settings.events_days, now), runs),
        logs=_later(_before(settings.logs_days, now), runs),
        runs=runs,
    )


def _before(days: float | None, now: float) -> float | None:
    return None if days is None else now - days * _DAY_SECONDS


def _later(one: float | None, other: float | None) -> float | None:
    if one is None or other is None:
        return one if other is None else other
    return max(one, other)
