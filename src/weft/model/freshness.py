"""How fresh an asset has to be, as a value. Whether it is fresh is decided in planning.

There are two forms: an age that the latest materialisation may have (`TimeWindowFreshness`), and deadlines by which it has to have happened
(`CronFreshness`). Both are made by `FreshnessPolicy`, which checks what it is given. Lengths of time are stored as seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from weft.errors import DefinitionError

if TYPE_CHECKING:
    from datetime import timedelta

LEAST_WINDOW_SECONDS = 60.0
"""Freshness is looked at about as often: a shorter window would fail between two looks."""


class FreshnessPolicy(Struct, frozen=True, gc=False, omit_defaults=True, tag_field="kind"):
    """How fresh an asset has to be. Made by `time_window` and `cron`."""

    @staticmethod
    def time_window(*, fail_window: timedelta, warn_window: timedelta | None = None) -> TimeWindowFreshness:
        """The latest materialisation may be as old as `fail_window`; from `warn_window` on it is said to become old.

        Raises:
            DefinitionError: (WEFT-D401) a window is shorter than a minute, or the warning would not come first.
        """
        fail = _seconds(fail_window, "fail_window")
        warn = _seconds(warn_window, "warn_window") if warn_window is not None else None
        if fail < LEAST_WINDOW_SECONDS or (warn is not None and not LEAST_WINDOW_SECONDS <= warn < fail):
            raise DefinitionError(
                "a freshness policy has windows that do not fit.",
                code="WEFT-D401",
                facts={"fail_window": fail_window, "warn_window": warn_window},
                fix="give windows of at least a minute, the warn_window shorter than the fail_window",
            )
        return TimeWindowFreshness(fail_window_seconds=fail, warn_window_seconds=warn)

    @staticmethod
    def cron(*, deadline_cron: str, lower_bound_delta: timedelta, timezone: str = "UTC") -> CronFreshness:
        """At each tick of `deadline_cron` a materialisation has to have happened within `lower_bound_delta` before. Judged at the last
        deadline that has passed.

        Raises:
            DefinitionError: (WEFT-D402) the delta is shorter than a minute.
            PartitionError: (WEFT-P007, WEFT-P006) the expression or the time zone is none.
        """
        from weft.model.partitions.pattern import parse_cron  # calendar arithmetic, which few definitions need
        from weft.model.partitions.zones import zone_named

        delta = _seconds(lower_bound_delta, "lower_bound_delta")
        if delta < LEAST_WINDOW_SECONDS:
            raise DefinitionError(
                "a freshness policy leaves less than a minute before its deadline.",
                code="WEFT-D402",
                facts={"deadline_cron": deadline_cron, "lower_bound_delta": lower_bound_delta},
                fix="give a lower_bound_delta of at least a minute",
            )
        parse_cron(deadline_cron)
        zone_named(timezone)
        return CronFreshness(deadline_cron=deadline_cron, lower_bound_seconds=delta, timezone=timezone)


class TimeWindowFreshness(FreshnessPolicy, frozen=True, gc=False, kw_only=True, omit_defaults=True, tag="time_window"):
    """Fresh while the latest materialisation is younger than `fail_window_seconds`."""

    fail_window_seconds: float
    warn_window_seconds: float | None = None


class CronFreshness(FreshnessPolicy, frozen=True, gc=False, kw_only=True, omit_defaults=True, tag="cron"):
    """Fresh where a materialisation happened within `lower_bound_seconds` before the last deadline, or after it."""

    deadline_cron: str
    lower_bound_seconds: float
    timezone: str = "UTC"


AnyFreshnessPolicy = TimeWindowFreshness | CronFreshness
"""Every form; what stored values are decoded to."""


class LegacyFreshnessPolicy(Struct, frozen=True, kw_only=True):
    """The earlier form of a freshness policy (deprecated): data at most `maximum_lag_minutes` old, always or at the ticks of `cron_schedule`."""

    maximum_lag_minutes: float
    cron_schedule: str | None = None
    cron_schedule_timezone: str | None = None

    def to_freshness_policy(self) -> AnyFreshnessPolicy:
        """What to use in its place."""
        from datetime import timedelta

        lag = timedelta(minutes=self.maximum_lag_minutes)
        if self.cron_schedule is None:
            return FreshnessPolicy.time_window(fail_window=lag)
        return FreshnessPolicy.cron(
            deadline_cron=self.cron_schedule, lower_bound_delta=lag, timezone=self.cron_schedule_timezone or "UTC"
        )


def _seconds(value: Any, label: str) -> float:
    """The length of a timedelta."""
    find = getattr(value, "total_seconds", None)
    if find is None:
        raise DefinitionError(
            f"{label} of a freshness policy is no length of time.",
            code="WEFT-D404",
            facts={"found": repr(value)},
            fix=f"give a timedelta: {label}=timedelta(hours=24)",
        )
    return float(find())
