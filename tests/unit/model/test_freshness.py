"""Freshness policies: checked where they are made, and the same after they were stored."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, strategies as st

from weft.errors import WeftError
from weft.model.codec import Decoder, encode
from weft.model.freshness import AnyFreshnessPolicy, FreshnessPolicy, LegacyFreshnessPolicy

DECODER: Decoder[AnyFreshnessPolicy] = Decoder(AnyFreshnessPolicy)


@given(st.integers(60, 10**8), st.integers(1, 10**8), st.booleans())
def test_a_window_of_time_is_the_same_after_it_was_stored(warn: int, more: int, warns: bool) -> None:
    policy = FreshnessPolicy.time_window(
        fail_window=timedelta(seconds=warn + more), warn_window=timedelta(seconds=warn) if warns else None
    )
    assert DECODER.decode(encode(policy)) == policy
    assert policy.fail_window_seconds == warn + more


def test_a_deadline_is_the_same_after_it_was_stored() -> None:
    policy = FreshnessPolicy.cron(
        deadline_cron="0 9 * * 1-5", lower_bound_delta=timedelta(hours=3), timezone="Europe/Berlin"
    )
    assert DECODER.decode(encode(policy)) == policy
    assert isinstance(policy, FreshnessPolicy)
    assert policy.lower_bound_seconds == 3 * 3600


@pytest.mark.parametrize(
    ("windows", "code"),
    [
        ({"fail_window": timedelta(seconds=59)}, "WEFT-D401"),
        ({"fail_window": timedelta(hours=1), "warn_window": timedelta(hours=1)}, "WEFT-D401"),
        ({"fail_window": timedelta(hours=1), "warn_window": timedelta(seconds=1)}, "WEFT-D401"),
        ({"fail_window": 3600}, "WEFT-D404"),
    ],
)
def test_windows_that_do_not_fit_are_refused(windows: dict[str, object], code: str) -> None:
    with pytest.raises(WeftError) as caught:
        FreshnessPolicy.time_window(**windows)  # type: ignore[arg-type]  # what is refused
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"lower_bound_delta": timedelta(seconds=1)}, "WEFT-D402"),
        ({"deadline_cron": "every day"}, "WEFT-P007"),
        ({"timezone": "Europe/Berlyn"}, "WEFT-P006"),
    ],
)
def test_deadlines_that_do_not_fit_are_refused(changes: dict[str, object], code: str) -> None:
    settings: dict[str, object] = {"deadline_cron": "0 9 * * *", "lower_bound_delta": timedelta(hours=1), **changes}
    with pytest.raises(WeftError) as caught:
        FreshnessPolicy.cron(**settings)  # type: ignore[arg-type]  # what is refused
    assert caught.value.code == code


def test_the_earlier_form_says_what_to_use_in_its_place() -> None:
    always = LegacyFreshnessPolicy(maximum_lag_minutes=90).to_freshness_policy()
    assert always == FreshnessPolicy.time_window(fail_window=timedelta(minutes=90))
    by_nine = LegacyFreshnessPolicy(maximum_lag_minutes=90, cron_schedule="0 9 * * *").to_freshness_policy()
    assert by_nine == FreshnessPolicy.cron(deadline_cron="0 9 * * *", lower_bound_delta=timedelta(minutes=90))
