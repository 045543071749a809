"""Steps run one after the other in the process of the run."""

from __future__ import annotations

from collections.abc import Sequence

from weft.errors import InternalError
from weft.execution.run_context import RunContext
from weft.execution.step import AttemptResult, execute_attempt
from weft.execution.usage import UsageMeter
from weft.model.plan import StepPlan


class InProcessExecutor:
    """Holds at most one attempt; `wait` runs it."""

    def __init__(self, run_context: RunContext) -> None:
        self._run_context = run_context
        self._meter = UsageMeter()
        self._next: tuple[StepPlan, int] | None = None

    @property
    def free_slots(self) -> int:
        """See `Executor.free_slots`."""
        return 1 if self._next is None else 0

    def submit(self, step: StepPlan, attempt: int) -> None:
        """See `Executor.submit`."""
        if self._next is not None:
            raise InternalError("the in-process executor was given a second step")
        self._next = (step, attempt)

    def wait(self, timeout_seconds: float | None) -> Sequence[AttemptResult]:
        """Run the attempt to its end. See `Executor.wait`."""
        if self._next is None:
            return ()
        step, attempt = self._next
        self._next = None
        return (execute_attempt(self._run_context, step, attempt, self._meter),)

    def cancel(self, step_key: str) -> None:
        """Nothing runs beside the caller, so there is nothing to end. See `Executor.cancel`."""

    def close(self) -> None:
        """See `Executor.close`."""
        self._meter.close()
