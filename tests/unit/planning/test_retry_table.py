"""Who retries, how often, after how long: one row for each case."""

from __future__ import annotations

import pytest

from weft.errors import DefinitionError
from weft.model.codec import Decoder, encode
from weft.model.retry import Backoff, Jitter, RetryPolicy
from weft.model.run import FailureReason
from weft.planning.retries import AttemptFailure, RetryAsked, next_retry


class Flaky(ConnectionError):
    """An error of the user's own."""


def raised(kind: type[BaseException], elapsed: float = 0.0) -> AttemptFailure:
    from weft.model.retry import class_name

    return AttemptFailure(tuple(class_name(one) for one in kind.__mro__ if one is not object), None, elapsed)


def ended(reason: FailureReason, elapsed: float = 0.0) -> AttemptFailure:
    return AttemptFailure((), reason, elapsed)


P = RetryPolicy
NO = None
VALUE, TIMEOUT, FLAKY = raised(ValueError), raised(TimeoutError), raised(Flaky)
OOM, LATE = ended(FailureReason.OUT_OF_MEMORY), ended(FailureReason.TIMED_OUT)
EXITED, SIGNALED = ended(FailureReason.EXITED), ended(FailureReason.SIGNALED)
NOT_STARTED = ended(FailureReason.START_FAILED)

TABLE = {
    # name: (attempt that failed, policy, what the code asked for, failure, seconds to the next attempt or NO)
    "no policy": (1, None, None, VALUE, NO),
    "no policy, killed": (1, None, None, SIGNALED, NO),
    "a policy is for any exception": (1, P(), None, VALUE, 0.0),
    "a policy is for a process that ran out of memory": (1, P(), None, OOM, 0.0),
    "a policy is for a process that took too long": (1, P(), None, LATE, 0.0),
    "a policy is for a process that ended by itself": (1, P(), None, EXITED, 0.0),
    "a policy is for a process that was killed": (1, P(), None, SIGNALED, 0.0),
    "a policy is for a process that did not start": (1, P(), None, NOT_STARTED, 0.0),
    "the last retry has been made": (2, P(), None, VALUE, NO),
    "one of three": (1, P(3, 2.0), None, VALUE, 2.0),
    "three of three": (3, P(3, 2.0), None, VALUE, 2.0),
    "beyond three": (4, P(3, 2.0), None, VALUE, NO),
    "no retries": (1, P(0), None, VALUE, NO),
    "the class": (1, P(retry_on=(ValueError,)), None, VALUE, 0.0),
    "another class": (1, P(retry_on=(ValueError,)), None, TIMEOUT, NO),
    "a class above": (1, P(retry_on=(OSError,)), None, FLAKY, 0.0),
    "a class below": (1, P(retry_on=(Flaky,)), None, raised(ConnectionError), NO),
    "everything": (1, P(retry_on=(Exception,)), None, VALUE, 0.0),
    "everything but no exit": (1, P(retry_on=(Exception,)), None, OOM, NO),
    "the bare name": (1, P(retry_on=("Flaky",)), None, FLAKY, 0.0),
    "the bare name of a class above": (1, P(retry_on=("ConnectionError",)), None, FLAKY, 0.0),
    "the whole name": (1, P(retry_on=(f"{__name__}.Flaky",)), None, FLAKY, 0.0),
    "the name in another module": (1, P(retry_on=("elsewhere.Flaky",)), None, FLAKY, NO),
    "several classes": (1, P(retry_on=(KeyError, ValueError)), None, VALUE, 0.0),
    "one without a list around it": (1, P(retry_on=ValueError), None, VALUE, 0.0),  # type: ignore[arg-type]
    "a reason": (1, P(retry_on=("out_of_memory",)), None, OOM, 0.0),
    "another reason": (1, P(retry_on=("out_of_memory",)), None, LATE, NO),
    "a reason, but an exception": (1, P(retry_on=("timed_out",)), None, TIMEOUT, NO),
    "a reason or a class, reason": (1, P(retry_on=("timed_out", ValueError)), None, LATE, 0.0),
    "a reason or a class, class": (1, P(retry_on=("timed_out", ValueError)), None, VALUE, 0.0),
    "give up on the class": (1, P(5, give_up_on=(ValueError,)), None, VALUE, NO),
    "give up on a class above": (1, P(5, give_up_on=(OSError,)), None, FLAKY, NO),
    "give up on another": (1, P(5, give_up_on=(ValueError,)), None, TIMEOUT, 0.0),
    "give up on a reason": (1, P(5, give_up_on=("out_of_memory",)), None, OOM, NO),
    "give up on another reason": (1, P(5, give_up_on=("out_of_memory",)), None, LATE, 0.0),
    "giving up wins": (1, P(5, retry_on=(OSError,), give_up_on=(Flaky,)), None, FLAKY, NO),
    "giving up on one below": (1, P(5, retry_on=(OSError,), give_up_on=(Flaky,)), None, raised(OSError), 0.0),
    "linear": (3, P(5, 2.0, Backoff.LINEAR), None, VALUE, 6.0),
    "exponential": (3, P(5, 2.0, Backoff.EXPONENTIAL), None, VALUE, 14.0),
    "exponential up to the longest": (5, P(9, 2.0, Backoff.EXPONENTIAL, max_delay=30.0), None, VALUE, 30.0),
    "shorter than the longest": (2, P(9, 2.0, Backoff.EXPONENTIAL, max_delay=30.0), None, VALUE, 6.0),
    "the longest is spread": (5, P(9, 2.0, Backoff.EXPONENTIAL, Jitter.FULL, max_delay=30.0), None, VALUE, 15.0),
    "jitter both ways": (1, P(9, 2.0, None, Jitter.PLUS_MINUS), None, VALUE, 2.0),
    "within the budget": (2, P(9, 5.0, budget_seconds=60.0), None, raised(ValueError, 55.0), 5.0),
    "beyond the budget": (2, P(9, 5.0, budget_seconds=60.0), None, raised(ValueError, 55.1), NO),
    "a budget for exits too": (2, P(9, 5.0, budget_seconds=60.0), None, ended(FailureReason.LOST, 100.0), NO),
    "a budget of nothing": (1, P(9, 5.0, budget_seconds=0.0), None, VALUE, NO),
    "the code asks, without a policy": (1, None, RetryAsked(max_retries=1, seconds_to_wait=3.0), VALUE, 3.0),
    "the code asks for what the policy gives up on": (
        1,
        P(give_up_on=(ValueError,)),
        RetryAsked(max_retries=1, seconds_to_wait=3.0),
        VALUE,
        3.0,
    ),
    "the code asks too often": (2, P(9), RetryAsked(max_retries=1), VALUE, NO),
}


@pytest.mark.parametrize("name", TABLE)
def test_retry(name: str) -> None:
    attempt, policy, asked, failure, expected = TABLE[name]
    assert next_retry(attempt, policy, asked, lambda: 0.5, failure) == expected


@pytest.mark.parametrize(("_name", "row"), list(TABLE.items())[:1])
def test_there_are_at_least_forty_cases(_name: str, row: object) -> None:
    assert len(TABLE) >= 40


def test_policy_with_classes_can_be_stored_and_read_without_them() -> None:
    policy = P(3, 1.0, retry_on=(Flaky, "timed_out"), give_up_on=(ValueError,), max_delay=3, budget_seconds=9)
    read = Decoder(RetryPolicy).decode(encode(policy))
    assert read == policy
    assert read.retry_on == (f"{__name__}.Flaky", "timed_out")
    assert read.give_up_on == ("ValueError",)


@pytest.mark.parametrize(
    "settings", [{"retry_on": (int,)}, {"give_up_on": (3,)}, {"max_delay": -1}, {"budget_seconds": "x"}]
)
def test_policy_that_makes_no_sense_is_refused(settings: dict[str, object]) -> None:
    with pytest.raises(DefinitionError):
        P(**settings)  # type: ignore[arg-type]
