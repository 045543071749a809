"""How a failed step is retried, as a value. When to retry is decided in `weft.planning.retries`."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import force_setattr

from weft.errors import DefinitionError

if TYPE_CHECKING:
    RetryCause = str | type[BaseException]
else:
    RetryCause = str  # classes are recorded by their names: the control plane reads policies without the user's code


class Backoff(Enum):
    """How the delay grows with the number n of the retry: linear n * delay, exponential (2^n - 1) * delay."""

    LINEAR = "linear"
    EXPONENTIAL = "exponential"


class Jitter(Enum):
    """How the delay is spread: FULL uniform in [0, delay]; PLUS_MINUS uniform in [0, 2 * delay]."""

    FULL = "full"
    PLUS_MINUS = "plus_minus"


class RetryPolicy(Struct, frozen=True):
    """Retry a failed step up to `max_retries` times, after `delay` seconds shaped by `backoff` and `jitter`.

    `retry_on` and `give_up_on` name failures: classes of exceptions, their names (with or without module), and what can become of a process:
    "timed_out", "out_of_memory", "exited", "signaled", "start_failed". Classes are kept as names.

    >>> RetryPolicy(max_retries=3, delay=2, retry_on=(ConnectionError, "timed_out"), budget_seconds=600)
    """

    max_retries: int = 1
    delay: float | None = None
    backoff: Backoff | None = None
    jitter: Jitter | None = None
    # Only these failures are retried; empty: all.
    retry_on: tuple[RetryCause, ...] = ()
    # These are not, whatever `retry_on` says.
    give_up_on: tuple[RetryCause, ...] = ()
    # The longest delay in seconds, before jitter.
    max_delay: float | None = None
    # No attempt begins later than this many seconds after the first one.
    budget_seconds: float | None = None

    def __post_init__(self) -> None:
        for field in ("retry_on", "give_up_on"):
            causes = getattr(self, field)
            if causes:
                force_setattr(self, field, tuple([_cause(one, field) for one in _listed(causes)]))
        seconds = (self.delay, self.max_delay, self.budget_seconds)
        if not _is_count(self.max_retries) or not all(one is None or _is_seconds(one) for one in seconds):
            names = ("max_retries", "delay", "max_delay", "budget_seconds")
            raise DefinitionError(
                "a retry policy counts and waits in numbers from zero up.",
                code="WEFT-D050",
                facts={name: repr(value) for name in names if (value := getattr(self, name)) is not None},
                fix="for example RetryPolicy(max_retries=3, delay=30), the delay in seconds",
            )
        for label, value, kind in (("backoff", self.backoff, Backoff), ("jitter", self.jitter, Jitter)):
            if value is not None and not isinstance(value, kind):
                raise DefinitionError(
                    f"a retry policy has a {label} that is none.",
                    code="WEFT-D098",
                    facts={"found": repr(value)},
                    fix=f"use one of {', '.join(f'{kind.__name__}.{one.name}' for one in kind)}",
                )
        if self.delay is None and (self.backoff is not None or self.jitter is not None):
            raise DefinitionError(
                "a retry policy has a backoff or jitter, but no delay to shape.",
                code="WEFT-D051",
                fix="add delay=<seconds>",
            )


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_seconds(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < float("inf")


def class_name(kind: type) -> str:
    """How a class is named in policies and failures: ``module.Class``; without the module where it is built in."""
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _listed(causes: Any) -> tuple[Any, ...]:
    return (causes,) if isinstance(causes, (str, type)) else tuple(causes)


def _cause(value: Any, field: str) -> str:
    if isinstance(value, str) and value:
        return value
    if isinstance(value, type) and issubclass(value, BaseException):
        return class_name(value)
    raise DefinitionError(
        f"{field} of a retry policy names something that is no failure.",
        code="WEFT-D099",
        facts={"found": repr(value)},
        fix='use classes of exceptions, their names, or "timed_out", "out_of_memory", "exited", "signaled", "start_failed"',
    )
