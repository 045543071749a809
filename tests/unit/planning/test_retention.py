"""What may be deleted, as times."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given

from weft.config.instance_settings import RetentionSettings
from weft.planning.retention import Cutoffs, cutoffs

DAY = 86_400.0
days = st.none() | st.floats(0, 10_000)


def test_what_has_no_limit_is_kept() -> None:
    assert cutoffs(RetentionSettings(events_days=None, logs_days=None, runs_days=None), now=1e9) == Cutoffs()


def test_days_count_back_from_now() -> None:
    found = cutoffs(RetentionSettings(events_days=1, logs_days=2, runs_days=None), now=10 * DAY)
    assert found == Cutoffs(events=9 * DAY, logs=8 * DAY)


def test_what_belongs_to_a_run_goes_with_it() -> None:
    found = cutoffs(RetentionSettings(events_days=None, logs_days=90, runs_days=30), now=100 * DAY)
    assert found == Cutoffs(events=70 * DAY, logs=70 * DAY, runs=70 * DAY)


@given(events=days, logs=days, runs=days, now=st.floats(0, 4e9), later=st.floats(0, 1e9))
def test_time_only_takes(
    events: float | None, logs: float | None, runs: float | None, now: float, later: float
) -> None:
    settings = RetentionSettings(events_days=events, logs_days=logs, runs_days=runs)
    before, after = cutoffs(settings, now=now), cutoffs(settings, now=now + later)
    for name in ("events", "logs", "runs"):
        one, other = getattr(before, name), getattr(after, name)
        assert (one is None) == (other is None)
        assert one is None or one <= other
    if before.runs is not None:
        assert before.events is not None
        assert before.events >= before.runs
