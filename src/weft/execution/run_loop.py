"""The one loop of all executors: it carries the decisions of the run machine out and tells it what happened.

Whatever ends the loop, resources are torn down and the run's last event is written by the caller (`weft.runs.execute`).
"""

from __future__ import annotations

import heapq

from msgspec.structs import replace

from weft.execution.executor import Executor
from weft.execution.run_context import RunContext
from weft.execution.slots import StepSlots
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
from weft.planning.step_limits import StepLimits


class RunLoop:
    """Drives one run to its end. `failures` keeps the exception of each step that failed for good, in order.

    Args:
        run_context: the run.
        machine: decides what follows; made with ``lane_of=limits.lane_of``.
        executor: carries steps out.
        limits: which steps must not go on at the same time.
        slots: those of pools; None: pools limit nothing.
    """

    def __init__(
        self,
        run_context: RunContext,
        machine: RunMachine,
        executor: Executor,
        *,
        limits: StepLimits | None = None,
        slots: StepSlots | None = None,
    ) -> None:
        self._run = run_context
        self._machine = machine
        self._executor = executor
        self._limits = limits if limits is not None else StepLimits()
        self._slots = slots
        self._due: list[tuple[float, str]] = []
        self._ended: dict[str, AttemptResult] = {}
        # The running steps that limits or slots are about, and those whose first attempt has a budget: when that began.
        self._counted: dict[str, StepPlan] = {}
        self._began: dict[str, float] = {}
        self._cancel_sent = False
        self._templates = {step.key: step for step in run_context.plan.steps}
        self.failures: list[tuple[str, AttemptResult]] = []

    def run(self) -> FinishRun:
        """Run until the machine says that the run has ended."""
        machine, executor = self._machine, self._executor
        try:
            self._carry_out(machine.start())
            while (finished := machine.result) is None:
                self._notice_interruption()
                self._send_due_retries()
                if machine.is_finished:
                    continue
                self._start_ready()
                if self._slots is not None and self._slots.full and not machine.running:
                    self._slots.wait(self._seconds_to_wait() or 0.0)
                    continue
                for result in executor.wait(self._seconds_to_wait()):
                    self._take(result)
            return finished
        finally:
            if self._slots is not None:
                self._slots.close()

    def _start_ready(self) -> None:
        machine, executor = self._machine, self._executor
        if not self._limits.has_lanes:
            for start in machine.take_ready(executor.free_slots):
                self._note_begin(start.step)
                executor.submit(start.step, start.attempt)
            return
        slots, limits = self._slots, self._limits
        if slots is not None:
            slots.look()
        while True:
            if executor.free_slots <= 0:
                if slots is not None:
                    slots.wait_only_for(lambda step: False)
                return
            closed = limits.closed(slots.full if slots is not None else set())
            starts = machine.take_ready(1, closed=closed)
            if not starts:
                if slots is not None:
                    slots.wait_only_for(limits.has_room)
                return
            step = starts[0].step
            if slots is not None and not slots.claim(step):
                machine.give_back(step.key)
                continue
            limits.started(step)
            self._counted[step.key] = step
            self._note_begin(step)
            executor.submit(step, starts[0].attempt)

    def _note_begin(self, step: StepPlan) -> None:
        if step.retry_policy is not None and step.retry_policy.budget_seconds is not None:
            self._began.setdefault(step.key, self._run.clock.monotonic())

    def _note_end(self, step_key: str) -> None:
        step = self._counted.pop(step_key, None)
        if step is not None:
            self._limits.ended(step)
            if self._slots is not None:
                self._slots.release(step_key)

    def _take(self, result: AttemptResult) -> None:
        end = result.stimuli[-1]
        if self._counted:
            self._note_end(result.step.key)
        if isinstance(end, SkipAsked):
            self._ended[end.step_key] = result
        elif isinstance(end, StepInterrupted):
            # First the request, so that what waits is cancelled, not skipped because of this step.
            self._notice_interruption()
            self._canceled(end.step_key, result)
        elif isinstance(end, StepFailed):
            self._ended[end.step_key] = result
            if end.step_key in self._began:
                seconds = self._run.clock.monotonic() - self._began[end.step_key]
                result.stimuli[-1] = replace(end, elapsed_seconds=seconds)
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

    def _seconds_to_wait(self) -> float | None:
        """Until a retry is due, or full pools are to be asked again; None where only a step can end."""
        retry = max(0.0, self._due[0][0] - self._run.clock.monotonic()) if self._due else None
        look = self._slots.seconds_to_look() if self._slots is not None else None
        if retry is None or look is None:
            return look if retry is None else retry
        return min(retry, look)

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
        if result is not None:
            self._executor.conclude(result.step, result, is_final=False)

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
        self._executor.conclude(result.step, result, is_final=True)

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
