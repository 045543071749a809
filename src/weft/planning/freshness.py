"""Whether an asset is as fresh as its policy asks for."""

from __future__ import annotations

from enum import Enum

from weft.model.cron_schedule import CronSchedule
from weft.model.freshness import AnyFreshnessPolicy, TimeWindowFreshness


class FreshnessState(Enum):
    """How an asset stands to its freshness policy."""

    PASS = "PASS"  # noqa: S105  # no password
    WARN = "WARN"
    FAIL = "FAIL"
    # It was never made, or no deadline has passed yet.
    UNKNOWN = "UNKNOWN"
    # It has no policy.
    NOT_APPLICABLE = "NOT_APPLICABLE"


def freshness_state(policy: AnyFreshnessPolicy | None, made_at: float | None, now: float) -> FreshnessState:
    """The state at `now` of an asset that was made last at `made_at` (seconds since the epoch; None: never).

    A policy with deadlines is judged at the last one that has passed: the asset has to have been made at most `lower_bound_seconds` before it.
    """
    if policy is None:
        return FreshnessState.NOT_APPLICABLE
    if made_at is None:
        return FreshnessState.UNKNOWN
    if isinstance(policy, TimeWindowFreshness):
        age = now - made_at
        if age > policy.fail_window_seconds:
            return FreshnessState.FAIL
        warns = policy.warn_window_seconds is not None and age > policy.warn_window_seconds
        return FreshnessState.WARN if warns else FreshnessState.PASS
    deadline = CronSchedule((policy.deadline_cron,), policy.timezone).latest(now)
    if deadline is None:
        return FreshnessState.UNKNOWN
    return FreshnessState.PASS if made_at >= deadline - policy.lower_bound_seconds else FreshnessState.FAIL
