"""What a worker process does for the steps that a coordinator gives to it: the other end of `weft.execution.executors.multiprocess`.

A worker sets up the resources that its step needs, carries the attempt out as any executor would, tears down, and ends (or takes another step). It
writes no journal: events go to the coordinator as they happen, so there is one journal for each run, and one writer.

Where the coordinator has gone, there is nobody to work for: the worker ends, and the zygote that started it sees to what it has left behind.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from weft.definitions.inputs_outputs import DEFAULT_IO_MANAGER_KEY
from weft.definitions.resource_set import initialisation_order
from weft.errors import InternalError
from weft.execution.executors.step_messages import (
    SETUP_DECODER,
    TO_WORKER_DECODER,
    AttemptEnded,
    FromWorker,
    Idle,
    Reported,
    StepTask,
    StepWorkerSetup,
    Verdict,
)
from weft.execution.hooks import run_hooks
from weft.execution.interruption import ExecutionInterrupted, Interruption
from weft.execution.run_context import EventRecorder, RunContext
from weft.execution.screening import ScreenedRecorder
from weft.execution.step import (
    AttemptResult,
    StepUsage,
    attempt_context,
    execute_attempt,
    failed_attempt,
    needed_resources,
    start_event,
)
from weft.execution.usage import UsageMeter
from weft.logs.capture import OutputCapture, prepare_capture
from weft.model.codec import encode
from weft.model.events import WORKER_SOURCE, Event, EventBody, LogsCaptured
from weft.model.plan import RunPlan, StepPlan
from weft.planning.run_machine import StepFailed, StepInterrupted
from weft.processes.wire import Channel
from weft.runs.environment import RunEnvironment
from weft.runs.prepare import PreparedRun, required_resources
from weft.runs.restore import restore_run
from weft.runs.scene import Scene, capture_output, run_loggers_of

if TYPE_CHECKING:
    from weft.codeserver.loader import LoadedTarget

_MOST_PREPARED = 500
"""How many steps of a plan are looked at in advance: of a larger one, workers look at their own."""

COORDINATOR_GONE = 0
"""The exit code of a worker that nobody wants any more: whoever would read it is gone."""


def step_worker(loaded: LoadedTarget, payload: bytes, fds: list[int]) -> int:
    """The role ``steps`` of a worker process with the code in memory, but not the run: that is restored from storage."""
    from pathlib import Path

    from weft.instance import Instance

    setup = SETUP_DECODER.decode(payload)
    if setup.home is None:
        raise InternalError("a worker was not told where the instance is", facts={"run": setup.run_id})
    with Instance.at(Path(setup.home)) as instance:
        run, plan = instance.runs.get(setup.run_id), instance.runs.plan(setup.run_id)
        if run is None or plan is None:
            raise InternalError("a worker was started for a run that is not stored", facts={"run": setup.run_id})
        prepared = restore_run(run, plan, loaded.repository, instance)
        return work_on_steps(prepared, instance, instance, setup, fds)


def prepare_steps(prepared: PreparedRun) -> None:
    """Do before the first fork what every worker would otherwise do for itself: build decoders, look at annotations."""
    SETUP_DECODER.build()
    TO_WORKER_DECODER.build()
    prepare_capture()
    plan, target = prepared.plan, prepared.target
    for step in plan.steps[:_MOST_PREPARED] if plan.selected is None else ():
        op = target.body(step.key).op
        _ = op.input_types, op.output_types


def work_on_steps(
    prepared: PreparedRun, environment: RunEnvironment, instance: Any, setup: StepWorkerSetup, fds: list[int]
) -> int:
    """Carry out the steps that come over the descriptor, until it is closed. Returns the exit code."""
    coordinator = _Coordinator(Channel.of_fd(fds[0]), setup.run_id)
    interruption = coordinator.interruption
    try:
        with (
            interruption.on_signals(),
            run_loggers_of(environment),
            capture_output(environment, setup.run_id, setup.file_key) as capture,
        ):
            scene = Scene(prepared, environment, interruption, instance)
            _StepWorker(scene, coordinator, capture, is_single=setup.is_single).serve()
    except (BrokenPipeError, ConnectionError):
        return COORDINATOR_GONE
    return 0


class _StepWorker:
    """The loop, and what one task shares with the next: the process, its captured output, the resources that are up."""

    def __init__(
        self, scene: Scene, coordinator: _Coordinator, capture: OutputCapture | None, *, is_single: bool
    ) -> None:
        self._scene = scene
        self._coordinator = coordinator
        self._capture = capture
        self._is_single = is_single
        self._meter = UsageMeter()

    def serve(self) -> None:
        interruption, coordinator = self._scene.interruption, self._coordinator
        while not interruption.requested and (message := coordinator.receive()) is not None:
            if isinstance(message, StepTask):
                self._carry_out(message)
                if self._is_single:
                    break
                coordinator.say(Idle())
        coordinator.flush()

    def _carry_out(self, task: StepTask) -> None:
        step = task.step
        recorder: EventRecorder = ScreenedRecorder(_ForStep(self._coordinator, step.key), self._scene.prepared.secrets)
        if self._capture is not None:
            recorder.append(LogsCaptured(file_key=self._capture.file_key), step.key)
        resources = self._scene.resources(self._needed(step), recorder.append)
        context = self._scene.context(recorder, resources, self._capture)
        for known in task.versions:
            context.data_versions.made(known.asset_key, known.partition, known.version)
        try:
            if task.failure is not None:
                self._call_hooks(context, task)
            else:
                self._attempt(context, task)
        finally:
            resources.close()

    def _attempt(self, context: RunContext, task: StepTask) -> None:
        step = task.step
        result = self._without_resources(context, task) or execute_attempt(context, step, task.attempt, self._meter)
        hooks = context.target.body(step.key).hooks
        waits = isinstance(result.stimuli[-1], StepFailed) and result.context is not None and bool(hooks)
        ended = AttemptEnded(stimuli=result.stimuli, usage=result.usage, error=result.error, waits=waits)
        self._coordinator.say(ended)
        if waits and result.context is not None:
            verdict = self._coordinator.receive()
            if isinstance(verdict, Verdict) and verdict.is_final:
                run_hooks(context, result.context, hooks, on="failure", exception=result.exception)

    def _without_resources(self, context: RunContext, task: StepTask) -> AttemptResult | None:
        """Set the resources up; where that fails, the attempt has failed (or was interrupted) before it began."""
        step = task.step
        try:
            with context.interruption.user_code():
                context.resources.open()
        except (ExecutionInterrupted, KeyboardInterrupt) as interrupted:
            return AttemptResult(step, [StepInterrupted(step.key)], StepUsage(0.0, 0, None), exception=interrupted)
        except BaseException as error:  # noqa: BLE001  # whatever the user's resource raises
            context.record(start_event(task.attempt), step.key)
            return failed_attempt(step, error, None, StepUsage(0.0, 0, None))
        return None

    def _call_hooks(self, context: RunContext, task: StepTask) -> None:
        with context.interruption.user_code():
            context.resources.open()
        attempt = attempt_context(context, task.step, task.attempt)
        try:
            run_hooks(context, attempt, context.target.body(task.step.key).hooks, on="failure")
        finally:
            context.resources.close_step()

    def _needed(self, step: StepPlan) -> list[str]:
        """The resources for a step, in the order in which they are set up."""
        prepared = self._scene.prepared
        users = required_resources(RunPlan(job_name=prepared.plan.job_name, steps=(step,)), prepared.target)
        for key in (*needed_resources(prepared.target, step), DEFAULT_IO_MANAGER_KEY):
            users.setdefault(key, [f'step "{step.key}"'])
        of_run = set(prepared.resource_order)
        needed = {key: names for key, names in users.items() if key in of_run}
        return list(initialisation_order(prepared.resource_defs, needed))


class _StepInterruption(Interruption):
    """Says what is to be said before any code of the user's runs: it may be the last that this process does."""

    def __init__(self, flush: Callable[[], None]) -> None:
        super().__init__()
        self._flush = flush

    def enter_user_code(self) -> None:
        """See `Interruption.enter_user_code`."""
        self._flush()
        super().enter_user_code()

    @contextmanager
    def user_code(self) -> Iterator[None]:
        """See `Interruption.user_code`."""
        self._flush()
        with super().user_code():
            yield


class _Coordinator:
    """The coordinator, as its worker sees it: gives tasks, hears of events and ends.

    What the user's code says goes out at once. What weft says between two calls of the user's code goes out together, before the second.
    """

    def __init__(self, channel: Channel, run_id: str) -> None:
        self._channel = channel
        self._run_id = run_id
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._main = threading.get_ident()
        self._waiting: list[bytes] = []
        self._count = 0
        self.interruption: Interruption = _StepInterruption(self.flush)

    def receive(self) -> StepTask | Verdict | None:
        """The next message; None where there is none any more, or the process was asked to end."""
        try:
            with self.interruption.user_code():
                frame = self._channel.receive()
        except ExecutionInterrupted:
            return None
        return TO_WORKER_DECODER.decode(frame.payload) if frame is not None else None

    def append(self, body: EventBody, step_key: str | None = None) -> Event:
        """See `EventRecorder.append`. The event gets its place in the journal there; what is given back is good for reading."""
        self._count += 1
        self._add(Reported(body, step_key), is_urgent=False)
        return Event(
            run_id=self._run_id, seq=self._count, time=time.time(), body=body, source=WORKER_SOURCE, step_key=step_key
        )

    def say(self, message: FromWorker) -> None:
        """Send a message now, after all that waits."""
        self._add(message, is_urgent=True)

    def flush(self) -> None:
        """Send what waits."""
        if self._waiting and os.getpid() == self._pid:
            with self._lock:
                self._send()

    def _add(self, message: FromWorker, *, is_urgent: bool) -> None:
        """From any thread. Nothing happens in a process that the user's code has forked."""
        if os.getpid() != self._pid:
            return
        data = encode(message)
        # A signal must not tear a frame in half.
        was_in_user_code = self.interruption.hold_back()
        with self._lock:
            self._waiting.append(data)
            if is_urgent or was_in_user_code or threading.get_ident() != self._main:
                self._send()
        self.interruption.let_go(was_in_user_code)

    def _send(self) -> None:
        waiting, self._waiting = self._waiting, []
        self._channel.send_all(waiting)


class _ForStep:
    """What concerns a worker concerns its step."""

    def __init__(self, recorder: EventRecorder, step_key: str) -> None:
        self._recorder = recorder
        self._step_key = step_key

    def append(self, body: EventBody, step_key: str | None = None) -> Event:
        """See `EventRecorder.append`."""
        return self._recorder.append(body, step_key or self._step_key)
