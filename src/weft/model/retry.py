"""How a failed step is retried, as a value. When to retry is decided in `weft.planning.retries`."""

from __future__ import annotations

from enum import Enum
from typing import Any

from msgspec import Struct

from weft.errors import DefinitionError


class Backoff(Enum):
    """How the delay grows with the number n of the retry: linear n * delay, exponential (2^n - 1) * delay."""

    LINEAR = "linear"
    EXPONENTIAL = "exponential"


class Jitter(Enum):
    """How the delay is spread: FULL uniform in [0, delay]; PLUS_MINUS uniform in [0, 2 * delay]."""

    FULL = "full"
    PLUS_MINUS = "plus_minus"


class RetryPolicy(Struct, frozen=True):
    """Retry a failed step up to `max_retries` times, after `delay` seconds shaped by `backoff` and `jitter`."""

    max_retries: int = 1
    delay: float | None = None
    backoff: Backoff | None = None
    jitter: Jitter | None = None

    def __post_init__(self) -> None:
        numbers_fit = _is_count(self.max_retries) and (self.delay is None or _is_seconds(self.delay))
        if not numbers_fit:
            raise DefinitionError(
                "a retry policy counts and waits in numbers from zero up.",
                code="WEFT-D050",
                facts={"max_retries": repr(self.max_retries), "delay": repr(self.delay)},
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
