"""The port of executors: how attempts of steps are carried out. One loop (`weft.execution.run_loop`) drives them all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from weft.execution.step import AttemptResult
from weft.model.plan import StepPlan


class Executor(Protocol):
    """Carries out attempts of steps.

    Laws: every submitted attempt is given back by `wait` exactly once, whatever happens to it, and no later than the process that it ran in has
    gone; nothing is submitted beyond `free_slots`; each failure that was given back is concluded before the executor is closed.
    """

    @property
    def free_slots(self) -> int:
        """How many attempts may be submitted now."""
        ...

    def submit(self, step: StepPlan, attempt: int) -> None:
        """Begin an attempt."""
        ...

    def wait(self, timeout_seconds: float | None) -> Sequence[AttemptResult]:
        """The attempts that have ended. Empty when the time is over, when the run was asked to end, and when a slot has become free."""
        ...

    def conclude(self, step: StepPlan, result: AttemptResult, *, is_final: bool) -> None:
        """Say what follows from the failure of an attempt: with `is_final` its step has failed for good and its failure hooks are called.

        They need not have returned when this does, but have when `close` does.
        """
        ...

    def cancel(self, step_key: str) -> None:
        """Ask a submitted attempt to end; it is still given back by `wait`."""
        ...

    def close(self) -> None:
        """Let go of everything. An attempt that was not given back is ended at once, hooks and teardown are waited for."""
        ...
