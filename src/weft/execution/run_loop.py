"""The one loop of all executors: it carries the decisions of the run machine out and tells it what happened.

Whatever ends the loop, resources are torn down and the run's last event is written by the caller (`weft.runs.execute`).
"""

from __future__ import annotations

import heapq

from weft.execution.executor import Executor
from weft.execution.hooks import run_hooks
from weft.execution.run_context import RunContext
from weft.execution.step import AttemptResult
from weft.model.events import (
    AssetFailedToMaterialize,
    StepCanceled,
    StepFailed as StepFailedEvent,
    StepSkipped,
    StepUpForRetry,
)
from weft.model.plan import StepPlan
from weft.planning.run_machine import (
    CancelRequested,
    CancelStep,
    FailStep,
    FinishRun,
    Instruction,
    RetryDue,
    RetryLater,
    RunMachine,
    SkipAsked,
    SkipStep,
    StepFailed,
    StepInterrupted,
)


class RunLoop:
    """Drives one run to its end. `failures` keeps the exception of each step that failed for good, in order."""

    def __init__(self, run_context: RunContext, machine: RunMachine, executor: Executor) -> None:
        self._run = run_context
        self._machine = machine
        self._executor = executor
        self._due: list[tuple[float, str]] = []
        self._ended: dict[str, AttemptResult] = {}
        self._cancel_sent = False
        self._templates = {step.key: step for step in run_context.plan.steps}
        self.failures: list[tuple[str, AttemptResult]] = []

    def run(self) -> FinishRun:
        """Run until the machine says that the run has ended."""
        machine, executor = self._machine, self._executor
        self._carry_out(machine.start())
        while (finished := machine.result) is None:
            self._notice_interruption()
            self._send_due_retries()
            if machine.is_finished:
                continue
            for start in machine.take_ready(executor.free_slots):
                executor.submit(start.step, start.attempt)
            if not machine.running and self._due:
                self._wait_for_retry()
                continue
            for result in executor.wait(self._seconds_to_retry()):
                self._take(result)
        return finished

    def _take(self, result: AttemptResult) -> None:
        end = result.stimuli[-1]
        if isinstance(end, SkipAsked):
            self._ended[end.step_key] = result
        elif isinstance(end, StepInterrupted):
            # First the request, so that what waits is cancelled, not skipped because of this step.
            self._notice_interruption()
            self._canceled(end.step_key, result)
        elif isinstance(end, StepFailed):
            self._ended[end.step_key] = result
        for stimulus in result.stimuli:
            self._carry_out(self._machine.handle(stimulus))
        self._ended.clear()

    def _notice_interruption(self) -> None:
        if self._run.interruption.requested and not self._cancel_sent:
            self._cancel_sent = True
            self._carry_out(self._machine.handle(CancelRequested()))

    # --- retries -----------------------------------------------------------------------------------------------------

    def _send_due_retries(self) -> None:
        now = self._run.clock.monotonic()
        while self._due and self._due[0][0] <= now:
            _, key = heapq.heappop(self._due)
            self._carry_out(self._machine.handle(RetryDue(key)))

    def _seconds_to_retry(self) -> float | None:
        return max(0.0, self._due[0][0] - self._run.clock.monotonic()) if self._due else None

    def _wait_for_retry(self) -> None:
        if seconds := self._seconds_to_retry():
            self._run.clock.wait(self._run.interruption.event, seconds)

    # --- instructions ------------------------------------------------------------------------------------------------

    def _carry_out(self, instructions: list[Instruction]) -> None:
        for instruction in instructions:
            if isinstance(instruction, SkipStep):
                self._skip(instruction)
            elif isinstance(instruction, RetryLater):
                self._retry(instruction)
            elif isinstance(instruction, FailStep):
                self._fail(instruction.step_key)
            elif isinstance(instruction, CancelStep):
                self._cancel(instruction)

    def _skip(self, instruction: SkipStep) -> None:
        result = self._ended.get(instruction.step_key)  # where its own code asked for it
        usage = result.usage if result is not None else None
        self._run.record(
            StepSkipped(
                reason=instruction.reason,
                causes=instruction.causes,
                cpu_seconds=usage.cpu_seconds if usage is not None else 0.0,
                peak_memory_bytes=usage.peak_memory_bytes if usage is not None else 0,
                logs=usage.logs if usage is not None else None,
            ),
            instruction.step_key,
        )
        if instruction.by_failure:
            self._assets_not_made(instruction.step_key, "upstream_failed")

    def _retry(self, instruction: RetryLater) -> None:
        result = self._ended.get(instruction.step_key)
        usage = result.usage if result is not None else None
        self._run.record(
            StepUpForRetry(
                error=result.error if result is not None else None,
                delay_seconds=instruction.delay_seconds,
                cpu_seconds=usage.cpu_seconds if usage is not None else 0.0,
                peak_memory_bytes=usage.peak_memory_bytes if usage is not None else 0,
                logs=usage.logs if usage is not None else None,
            ),
            instruction.step_key,
        )
        due = self._run.clock.monotonic() + instruction.delay_seconds
        heapq.heappush(self._due, (due, instruction.step_key))

    def _fail(self, key: str) -> None:
        result = self._ended.get(key)
        if result is None or result.error is None:  # it was up for retry when the run was aborted
            self._run.record(StepCanceled(), key)
            return
        usage = result.usage
        self._run.record(
            StepFailedEvent(
                error=result.error,
                cpu_seconds=usage.cpu_seconds,
                peak_memory_bytes=usage.peak_memory_bytes,
                logs=usage.logs,
            ),
            key,
        )
        self._assets_not_made(key, "failed")
        self.failures.append((key, result))
        hooks = self._run.target.body(key).hooks
        if hooks and result.context is not None:
            run_hooks(self._run, result.context, hooks, on="failure", exception=result.exception)

    def _cancel(self, instruction: CancelStep) -> None:
        if instruction.is_running:
            self._executor.cancel(instruction.step_key)
        else:
            self._canceled(instruction.step_key, None)

    def _canceled(self, key: str, result: AttemptResult | None) -> None:
        usage = result.usage if result is not None else None
        self._run.record(
            StepCanceled(
                cpu_seconds=usage.cpu_seconds if usage is not None else 0.0,
                peak_memory_bytes=usage.peak_memory_bytes if usage is not None else 0,
                logs=usage.logs if usage is not None else None,
            ),
            key,
        )
        self._assets_not_made(key, "canceled")

    def _assets_not_made(self, step_key: str, reason: str) -> None:
        step = self._template(step_key)
        if step is None:
            return
        for output in step.outputs:
            if output.asset_key is None:
                continue
            spec = self._run.target.spec(output.asset_key)
            keys: list[str | None] = [None]
            if spec is not None and spec.partitions_def is not None and self._run.partitions.is_partitioned:
                keys = list(self._run.partitions.keys(spec.partitions_def))
            for partition in keys:
                self._run.record(
                    AssetFailedToMaterialize(asset_key=output.asset_key, partition=partition, reason=reason), step_key
                )

    def _template(self, step_key: str) -> StepPlan | None:
        return self._templates.get(step_key.split("[", 1)[0])
