"""The port of executors: how attempts of steps are carried out. One loop (`weft.execution.run_loop`) drives them all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from weft.execution.step import AttemptResult
from weft.model.plan import StepPlan


class Executor(Protocol):
    """Carries out attempts of steps.

    Laws: every submitted attempt is given back by `wait` exactly once, whatever happens to it; nothing is submitted beyond `free_slots`.
    """

    @property
    def free_slots(self) -> int:
        """How many attempts may be submitted now."""
        ...

    def submit(self, step: StepPlan, attempt: int) -> None:
        """Begin an attempt."""
        ...

    def wait(self, timeout_seconds: float | None) -> Sequence[AttemptResult]:
        """The attempts that have ended, at least one unless the time is over or the run was interrupted."""
        ...

    def cancel(self, step_key: str) -> None:
        """Ask a submitted attempt to end; it is still given back by `wait`."""
        ...

    def close(self) -> None:
        """Let go of everything. No attempt is running."""
        ...
