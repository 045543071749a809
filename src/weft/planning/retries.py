"""Whether a failed attempt is tried again, and after how long.

A policy may say for which failures it is (`RetryPolicy.retry_on`, `give_up_on`), by class of exception or by what became of the process
(`weft.model.run.FailureReason`). A class stands for those that inherit from it; a bare name for every class of that name. Where both lists name a
failure, giving up wins. `budget_seconds` counts from the start of the first attempt to the start of the next one.

The delay before retry number n (from 1) is ``delay`` where no backoff is named, ``n * delay`` (linear) or ``(2^n - 1) * delay``
(exponential). Jitter spreads a delay d uniformly: FULL over [0, d], PLUS_MINUS over [0, 2 * d]. The random number is handed in, so the
same failures give the same delays in a test.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from weft.model.retry import Backoff, Jitter, RetryPolicy
from weft.model.run import FailureReason

_LARGEST_EXPONENT = 60
"""2^60 seconds is longer than any run; a larger power would only overflow a float."""


class RetryAsked(Struct, frozen=True, kw_only=True):
    """The user's code asked for another attempt (`RetryRequested`), at most `max_retries` times in all."""

    max_retries: int = 1
    seconds_to_wait: float | None = None


class AttemptFailure(Struct, frozen=True):
    """What policies look at in a failed attempt."""

    # The class of the exception and those that it inherits from, each as ``module.Class``.
    classes: tuple[str, ...] = ()
    # What became of the process, where it is not an exception that failed the attempt.
    exit_reason: FailureReason | None = None
    # From the start of the first attempt to the end of this one.
    elapsed_seconds: float = 0.0


NO_FACTS = AttemptFailure()
"""Of a failure of which nothing is known."""


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
    if policy.max_delay is not None:
        delay = min(delay, policy.max_delay)  # before it is spread, so that those who reached it do not meet again
    if policy.jitter is Jitter.FULL:
        return delay * jitter()
    if policy.jitter is Jitter.PLUS_MINUS:
        return 2.0 * delay * jitter()
    return delay


def is_retried(policy: RetryPolicy, failure: AttemptFailure) -> bool:
    """Whether a policy is for such a failure at all."""
    names = set(failure.classes)
    names.update(name.rpartition(".")[2] for name in failure.classes)
    if failure.exit_reason is not None:
        names.add(failure.exit_reason.value)
    if not names.isdisjoint(policy.give_up_on):
        return False
    return not policy.retry_on or not names.isdisjoint(policy.retry_on)


def next_retry(
    attempt: int,
    policy: RetryPolicy | None,
    asked: RetryAsked | None,
    jitter: Callable[[], float],
    failure: AttemptFailure = NO_FACTS,
) -> float | None:
    """Seconds until the attempt after `attempt` (1 for the first), or None where no other follows.

    What the code asked for counts before the policy: its own limit and its own wait. Both limits count the retries made so far, for
    whatever reason they were made.
    """
    retry = attempt  # the first retry follows the first attempt
    if asked is not None:
        return (asked.seconds_to_wait or 0.0) if retry <= asked.max_retries else None
    if policy is None or retry > policy.max_retries or not is_retried(policy, failure):
        return None
    delay = retry_delay(policy, retry, jitter)
    if policy.budget_seconds is not None and failure.elapsed_seconds + delay > policy.budget_seconds:
        return None
    return delay
