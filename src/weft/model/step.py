"""A step: one op of a run's plan, with its current state and what it cost."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from msgspec import Struct

from weft.model.failure import ErrorInfo


class StepStatus(Enum):
    """The states of a step within its run. Transitions: `weft.planning.run_machine`."""

    PENDING = "PENDING"  # waits for steps above it
    READY = "READY"
    RUNNING = "RUNNING"
    UP_FOR_RETRY = "UP_FOR_RETRY"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    CANCELED = "CANCELED"

    @property
    def is_finished(self) -> bool:
        """Whether nothing more happens to the step in this run."""
        return self in _FINISHED


_FINISHED = frozenset({StepStatus.SUCCEEDED, StepStatus.FAILED, StepStatus.SKIPPED, StepStatus.CANCELED})


class LogRange(Struct, frozen=True):
    """Where a step's captured output stands: byte offsets into the run's capture file `file_key`."""

    file_key: str
    stdout_start: int
    stdout_end: int
    stderr_start: int
    stderr_end: int


class Step(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The current state of one step of one run (the projection that pages read)."""

    run_id: str
    key: str
    status: StepStatus
    # 1 for the first attempt.
    attempt: int = 1
    # Seconds since the epoch, of the latest attempt.
    started_at: float | None = None
    ended_at: float | None = None
    # Sums over all attempts.
    cpu_seconds: float = 0.0
    # The highest resident set seen while the step ran, in bytes.
    peak_memory_bytes: int = 0
    logs: tuple[LogRange, ...] = ()
    error: ErrorInfo | None = None
    skip_reason: str | None = None
    # Output name to mapping keys seen, for dynamic outputs; a plain output has an empty tuple.
    outputs: Mapping[str, tuple[str, ...]] = {}

    @property
    def duration_seconds(self) -> float | None:
        """Wall time of the latest attempt, once it has ended."""
        if self.started_at is None or self.ended_at is None:
            return None
        return self.ended_at - self.started_at
