"""What a retry policy may say."""

from __future__ import annotations

from typing import Any

import pytest

from weft.errors import DefinitionError
from weft.model.retry import Backoff, Jitter, RetryPolicy


def test_a_policy_retries_once_at_once_unless_it_says_more() -> None:
    assert RetryPolicy() == RetryPolicy(max_retries=1, delay=None, backoff=None, jitter=None)


@pytest.mark.parametrize(
    "settings",
    [
        {"max_retries": -1},
        {"max_retries": 1.5},
        {"max_retries": "3"},
        {"max_retries": True},
        {"delay": -0.1},
        {"delay": "10"},
        {"delay": float("nan")},
        {"delay": float("inf")},
    ],
)
def test_counts_and_delays_are_numbers_from_zero_up(settings: dict[str, Any]) -> None:
    with pytest.raises(DefinitionError) as caught:
        RetryPolicy(**settings)
    assert caught.value.code == "WEFT-D050"
    assert repr(next(iter(settings.values()))) in str(caught.value)


@pytest.mark.parametrize("settings", [{"backoff": Backoff.LINEAR}, {"jitter": Jitter.FULL}])
def test_backoff_and_jitter_need_a_delay_to_shape(settings: dict[str, Any]) -> None:
    with pytest.raises(DefinitionError) as caught:
        RetryPolicy(max_retries=3, **settings)
    assert caught.value.code == "WEFT-D051"
    assert RetryPolicy(max_retries=3, delay=1, **settings).delay == 1


@pytest.mark.parametrize("settings", [{"backoff": "exponential"}, {"jitter": True}])
def test_backoff_and_jitter_are_members_of_their_enums(settings: dict[str, Any]) -> None:
    with pytest.raises(DefinitionError) as caught:
        RetryPolicy(delay=1, **settings)
    assert caught.value.code == "WEFT-D098"
    assert next(iter(settings)).capitalize() in (caught.value.fix or "")
