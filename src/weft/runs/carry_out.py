"""Carrying a run out in this process, from its first event to its last, while its journal is open.

Reads like the life of a run: say that it has started, set resources up, drive the plan, tear down, write the last event. Who recorded the run, and whose
process this is, is the business of the callers: `weft.runs.execute` and `weft.runs.worker`.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from weft.errors import InternalError, WeftError
from weft.execution.interruption import ExecutionInterrupted, Interruption
from weft.execution.managed_loggers import lines_of
from weft.execution.run_context import EventRecorder, RunContext
from weft.execution.run_loggers import LoggedRecorder, make_loggers
from weft.execution.run_loop import RunLoop
from weft.execution.screening import ScreenedRecorder
from weft.execution.shipping import DeliveringJournal
from weft.execution.slots import StepSlots
from weft.execution.step import AttemptResult
from weft.logs.capture import OutputCapture
from weft.model.events import (
    WORKER_SOURCE,
    EngineEvent,
    Event,
    EventBody,
    LogsCaptured,
    RunCanceled,
    RunFailed,
    RunStarted,
    RunSucceeded,
)
from weft.model.failure import ErrorInfo
from weft.model.run import FailureReason, RunStatus
from weft.planning.run_machine import FinishRun, RunMachine
from weft.planning.step_limits import StepLimits
from weft.runs.environment import RunEnvironment
from weft.runs.executors import ReadyExecutor, ready_executor
from weft.runs.journals import open_journal
from weft.runs.memoize import memoization_of
from weft.runs.prepare import PreparedRun
from weft.runs.rename import apply_renames
from weft.runs.run_config import loggers_of
from weft.runs.scene import Scene, capture_output, run_loggers_of

EventListener = Callable[[Event], None]
"""Called with every event after it is safe in the journal; whatever it shows will be found again."""


class Hooks(Protocol):
    """What whose process it is adds to a run that is carried out."""

    def begin(self, carried: CarriedRun, journal: DeliveringJournal) -> None:
        """Called once the journal is open, before the first event. What it raises ends everything; nothing was written."""
        ...

    def admit(self, carried: CarriedRun, journal: DeliveringJournal) -> None:
        """Called after the first event, before anything of the user's. What it raises leaves the run as it is, without another event."""
        ...

    def end(self) -> None:
        """Called when storage has the last event, or nothing further comes; also where `begin` was not called, or did not get to its end."""
        ...


def carry_out(
    prepared: PreparedRun,
    environment: RunEnvironment,
    hooks: Hooks,
    *,
    source: int = WORKER_SOURCE,
    listeners: Sequence[EventListener] = (),
    instance: Any = None,
    keep_outputs: bool = False,
    jitter: Callable[[], float] | None = None,
) -> CarriedRun:
    """Carry `prepared` out and wait until storage has its last event. SIGINT and SIGTERM end it as CANCELED, with teardown done.

    Args:
        prepared: the run.
        environment: what it runs against.
        hooks: see `Hooks`.
        source: under which number its events stand.
        listeners: called with every event.
        instance: what ``context.instance`` gives to user code; the environment by default.
        keep_outputs: keep the values of outputs in memory for the result.
        jitter: random numbers in [0, 1) for retry policies; the default is the system's.
    """
    run = prepared.run
    if prepared.target.repository is not None:
        apply_renames(prepared.target.repository.renamed, environment.assets)
    memoization = memoization_of(prepared, environment)
    if memoization is not None:
        memoization.take_out(prepared)
        listeners = (*listeners, memoization.remember)
    interruption = Interruption()
    executor = ready_executor(prepared, environment, instance=instance, in_process=keep_outputs)
    carried = CarriedRun(
        prepared, environment, interruption, executor, instance=instance, keep_outputs=keep_outputs, jitter=jitter
    )
    try:
        with interruption.on_signals():
            try:
                # The journal comes first: from the moment the run has a worker, the lock on its journal says whether that lives.
                with open_journal(environment, run.id, listeners, source=source) as journal:
                    hooks.begin(carried, journal)
                    with run_loggers_of(environment), capture_output(environment, run.id) as capture:
                        results = memoization.results if memoization is not None else {}
                        recorder = ScreenedRecorder(journal, prepared.secrets)
                        carried.run(recorder, capture, results, admit=lambda: hooks.admit(carried, journal))
            finally:
                hooks.end()
    finally:
        executor.close()
    return carried


class CarriedRun:
    """A run on its way through this process, and how it ended.

    Attributes:
        failures: the steps that failed for good, in order.
        outputs: the values that were made, where they are kept.
        exception: what ended the run besides a failed step: a resource, or weft itself.
        interruption: how its end is asked for.
        overdue: why it has taken too long, once it has; then the end that was asked for is a failure.
    """

    def __init__(
        self,
        prepared: PreparedRun,
        environment: RunEnvironment,
        interruption: Interruption,
        executor: ReadyExecutor,
        *,
        instance: Any = None,
        keep_outputs: bool = False,
        jitter: Callable[[], float] | None = None,
    ) -> None:
        self._prepared = prepared
        self._environment = environment
        self.interruption = interruption
        self.overdue: str | None = None
        self._executor = executor
        self._instance = instance
        self._keep_outputs = keep_outputs
        self._jitter = jitter or _random
        self.failures: Sequence[tuple[str, AttemptResult]] = ()
        self.outputs: dict[tuple[str, str, str | None], Any] = {}
        self.exception: BaseException | None = None

    def run(
        self,
        recorder: EventRecorder,
        capture: OutputCapture | None,
        results: Mapping[str, str],
        *,
        admit: Callable[[], None],
    ) -> None:
        """From the first event to the last.

        Args:
            recorder: where the events go.
            capture: of the output of this process.
            results: the steps that are left out, with the run that has their outputs.
            admit: called after the first event and before anything of the user's; what it raises leaves the run as it is, without another event.
        """
        recorder = self._with_loggers(recorder)
        recorder.append(RunStarted(pid=os.getpid(), host=socket.gethostname()))
        admit()
        if capture is not None:
            recorder.append(LogsCaptured(file_key=capture.file_key))
        for step_key, run_id in results.items():
            message = f"not run: run {run_id} has its result, made by the same version of the code from the same inputs"
            recorder.append(EngineEvent(message=message), step_key)
        prepared = self._prepared
        scene = Scene(prepared, self._environment, self.interruption, self._instance)
        resources = scene.resources(prepared.resource_order if self._executor.runs_here else (), recorder.append)
        context = scene.context(recorder, resources, capture, keep_outputs=self._keep_outputs)
        finished = FinishRun(RunStatus.CANCELED)
        reason = FailureReason.RESOURCE_FAILED
        try:
            with self.interruption.user_code(), lines_of(recorder.append, None):
                resources.open()
            reason = FailureReason.INTERNAL
            finished = self._drive(context)
        except (ExecutionInterrupted, KeyboardInterrupt):
            finished = FinishRun(RunStatus.CANCELED)
        except BaseException as error:  # noqa: BLE001  # whatever it is, the run must get its last event
            self.exception = error
            finished = _failure(error, reason)
        finally:
            try:
                resources.close()
            finally:
                self.outputs = context.captured_outputs or {}
                recorder.append(self._last_event(finished))

    def _last_event(self, finished: FinishRun) -> EventBody:
        if finished.status is RunStatus.SUCCESS:
            return RunSucceeded()
        if finished.status is RunStatus.CANCELED:
            if self.overdue is not None:
                return RunFailed(reason=FailureReason.TIMED_OUT, message=self.overdue)
            return RunCanceled(message=self.interruption.message)
        return RunFailed(
            reason=finished.reason or FailureReason.STEP_FAILED,
            message=finished.message,
            failed_steps=finished.failed_steps,
            error=ErrorInfo.from_exception(self.exception) if self.exception is not None else None,
        )

    def _with_loggers(self, recorder: EventRecorder) -> EventRecorder:
        prepared = self._prepared
        configs = prepared.config.resolved.loggers
        if not prepared.target.logger_defs:  # the default ones are there for those who ask for them
            asked = prepared.run.run_config.get("loggers") or {}
            configs = {name: config for name, config in configs.items() if name in asked}
        if not configs:
            return recorder
        return LoggedRecorder(recorder, make_loggers(loggers_of(prepared.target), configs, prepared.run), prepared.run)

    def _drive(self, context: RunContext) -> FinishRun:
        executor = self._executor.open(context)
        limits = StepLimits(self._executor.tag_limits)
        machine = RunMachine(
            self._prepared.plan,
            retries_enabled=self._executor.retries_enabled,
            jitter=self._jitter,
            lane_of=limits.lane_of,
        )
        loop = RunLoop(context, machine, executor, limits=limits, slots=self._slots())
        try:
            return loop.run()
        finally:
            self.failures = loop.failures
            executor.close()

    def _slots(self) -> StepSlots | None:
        environment, settings = self._environment, self._environment.settings.pools
        if settings.granularity != "op" or all(step.pool is None for step in self._prepared.plan.steps):
            return None
        return StepSlots(
            environment.pools,
            environment.wakeups,
            self._prepared.run.id,
            environment.clock,
            worker=self._prepared.run.worker,
            default_limit=settings.default_limit,
        )


def _failure(error: BaseException, reason: FailureReason) -> FinishRun:
    if isinstance(error, InternalError):
        reason = FailureReason.INTERNAL
    message = error.what if isinstance(error, WeftError) else f"{type(error).__name__}: {error}"
    return FinishRun(RunStatus.FAILURE, reason, message)


def _random() -> float:
    import random

    return random.random()  # noqa: S311  # spreads retries; no secret depends on it
