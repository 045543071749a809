"""Steps run one after the other in the process of the run."""

from __future__ import annotations

from collections.abc import Sequence

from weft.errors import InternalError
from weft.execution.hooks import run_hooks
from weft.execution.run_context import RunContext
from weft.execution.step import AttemptResult, execute_attempt
from weft.execution.usage import UsageMeter
from weft.model.plan import StepPlan
from weft.planning.step_limits import timeout_of, timeout_text


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
        """Run the attempt to its end; without one, wait. See `Executor.wait`."""
        if self._next is None:
            if timeout_seconds:
                self._run_context.clock.wait(self._run_context.interruption.event, timeout_seconds)
            return ()
        step, attempt = self._next
        self._next = None
        timeout = timeout_of(step)
        if timeout is None:
            return (execute_attempt(self._run_context, step, attempt, self._meter),)
        with self._run_context.interruption.time_limit(timeout, timeout_text(step.key, timeout)):
            return (execute_attempt(self._run_context, step, attempt, self._meter),)

    def conclude(self, step: StepPlan, result: AttemptResult, *, is_final: bool) -> None:
        """See `Executor.conclude`."""
        if is_final and result.context is not None:
            hooks = self._run_context.target.body(step.key).hooks
            if hooks:
                run_hooks(self._run_context, result.context, hooks, on="failure", exception=result.exception)

    def cancel(self, step_key: str) -> None:
        """Nothing runs beside the caller, so there is nothing to end. See `Executor.cancel`."""

    def close(self) -> None:
        """See `Executor.close`."""
        self._meter.close()
