"""How a failed step is retried, as a value. When to retry is decided in `weft.planning.retries`."""

from __future__ import annotations

from enum import Enum

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
        if self.max_retries < 0 or (self.delay is not None and self.delay < 0):
            raise DefinitionError(
                "a retry policy has a negative number.",
                code="WEFT-D050",
                facts={"max_retries": self.max_retries, "delay": self.delay},
                fix="use numbers from zero up",
            )
        if self.delay is None and (self.backoff is not None or self.jitter is not None):
            raise DefinitionError(
                "a retry policy has a backoff or jitter, but no delay to shape.",
                code="WEFT-D051",
                fix="add delay=<seconds>",
            )
