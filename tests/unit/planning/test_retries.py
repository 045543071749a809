from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from weft.model.retry import Backoff, Jitter, RetryPolicy
from weft.planning.retries import RetryAsked, next_retry, retry_delay


def no_jitter() -> float:
    raise AssertionError("jitter was asked for")


def test_a_policy_without_delay_retries_at_once() -> None:
    assert retry_delay(RetryPolicy(max_retries=3), 2, no_jitter) == 0.0


def test_a_policy_without_backoff_waits_the_same_each_time() -> None:
    policy = RetryPolicy(max_retries=3, delay=2.0)
    assert [retry_delay(policy, n, no_jitter) for n in (1, 2, 3)] == [2.0, 2.0, 2.0]


def test_linear_backoff_waits_n_times_the_delay() -> None:
    policy = RetryPolicy(max_retries=3, delay=2.0, backoff=Backoff.LINEAR)
    assert [retry_delay(policy, n, no_jitter) for n in (1, 2, 3)] == [2.0, 4.0, 6.0]


def test_exponential_backoff_waits_two_to_the_n_less_one_times_the_delay() -> None:
    policy = RetryPolicy(max_retries=4, delay=2.0, backoff=Backoff.EXPONENTIAL)
    assert [retry_delay(policy, n, no_jitter) for n in (1, 2, 3, 4)] == [2.0, 6.0, 14.0, 30.0]


def test_a_huge_number_of_retries_does_not_overflow() -> None:
    policy = RetryPolicy(max_retries=10_000, delay=1.0, backoff=Backoff.EXPONENTIAL)
    assert retry_delay(policy, 9_999, no_jitter) < float("inf")


@given(
    delay=st.floats(0, 1e6),
    backoff=st.sampled_from([None, *Backoff]),
    jitter=st.sampled_from(list(Jitter)),
    retry=st.integers(1, 20),
    draw=st.floats(0, 1, exclude_max=True),
)
def test_jitter_stays_within_its_bounds(
    delay: float, backoff: Backoff | None, jitter: Jitter, retry: int, draw: float
) -> None:
    base = retry_delay(RetryPolicy(max_retries=20, delay=delay, backoff=backoff), retry, no_jitter)
    spread = retry_delay(RetryPolicy(max_retries=20, delay=delay, backoff=backoff, jitter=jitter), retry, lambda: draw)
    assert 0 <= spread <= (base if jitter is Jitter.FULL else 2 * base)
    assert spread == pytest.approx((1 if jitter is Jitter.FULL else 2) * base * draw)


def test_a_step_without_a_policy_is_not_retried() -> None:
    assert next_retry(1, None, None, no_jitter) is None


@pytest.mark.parametrize("max_retries", [0, 1, 3])
def test_a_policy_allows_its_number_of_retries(max_retries: int) -> None:
    policy = RetryPolicy(max_retries=max_retries)
    allowed = [next_retry(attempt, policy, None, no_jitter) is not None for attempt in range(1, 6)]
    assert allowed == [attempt <= max_retries for attempt in range(1, 6)]


def test_what_the_code_asks_for_counts_before_the_policy() -> None:
    policy = RetryPolicy(max_retries=5, delay=60.0)
    assert next_retry(1, policy, RetryAsked(max_retries=1, seconds_to_wait=3.0), no_jitter) == 3.0
    assert next_retry(1, None, RetryAsked(max_retries=1), no_jitter) == 0.0
    assert next_retry(2, policy, RetryAsked(max_retries=1, seconds_to_wait=3.0), no_jitter) is None
