"""Whether a failed attempt is tried again, and after how long.

The delay before retry number n (from 1) is ``delay`` where no backoff is named, ``n * delay`` (linear) or ``(2^n - 1) * delay``
(exponential). Jitter spreads a delay d uniformly: FULL over [0, d], PLUS_MINUS over [0, 2 * d]. The random number is handed in, so the
same failures give the same delays in a test.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from weft.model.retry import Backoff, Jitter, RetryPolicy

_LARGEST_EXPONENT = 60
"""2^60 seconds is longer than any run; a larger power would only overflow a float."""


class RetryAsked(Struct, frozen=True, kw_only=True):
    """The user's code asked for another attempt (`RetryRequested`), at most `max_retries` times in all."""

    max_retries: int = 1
    seconds_to_wait: float | None = None


def retry_delay(policy: RetryPolicy, retry: int, jitter: Callable[[], float]) -> float:
    """Seconds to wait before retry number `retry` (1 for the first).

    Args:
        policy: the step's policy.
        retry: which retry it is, from 1.
        jitter: gives a number in [0, 1); called only where the policy has jitter.
    """
    delay = policy.delay or 0.0
    if policy.backoff is Backoff.LINEAR:
        delay *= retry
    elif policy.backoff is Backoff.EXPONENTIAL:
        delay *= 2.0 ** min(retry, _LARGEST_EXPONENT) - 1.0
    if policy.jitter is Jitter.FULL:
        return delay * jitter()
    if policy.jitter is Jitter.PLUS_MINUS:
        return 2.0 * delay * jitter()
    return delay


def next_retry(
    attempt: int, policy: RetryPolicy | None, asked: RetryAsked | None, jitter: Callable[[], float]
) -> float | None:
    """Seconds until the attempt after `attempt` (1 for the first), or None where no other follows.

    What the code asked for counts before the policy: its own limit and its own wait. Both limits count the retries made so far, for
    whatever reason they were made.
    """
    retry = attempt  # the first retry follows the first attempt
    if asked is not None:
        return (asked.seconds_to_wait or 0.0) if retry <= asked.max_retries else None
    if policy is None or retry > policy.max_retries:
        return None
    return retry_delay(policy, retry, jitter)
