"""Steps in processes of their own, several at once: the coordinator's side.

A *step zygote* (`weft.processes`) has the code and the run in memory and starts a worker for each attempt. The coordinator gives the worker its task over a
socket, writes what it reports into the journal of the run, and learns from the zygote how it has ended. Nothing here waits for a single worker:
one ``poll`` watches them all.

What holds:

- An attempt is given back once, whatever becomes of its worker. What the worker reported before its end counts; where it did not say how the attempt
  ended, the reason is how the process ended (`FailureReason`).
- A worker that was asked to end (the run was cancelled, the time is over, it has too much memory) gets SIGTERM, so that it tears down, and is
  killed after the grace period with everything that it has started.
- A slot is free when its process is gone, or waits for the next task. When `close` returns, no process is left.
"""

from __future__ import annotations

import os
import re
import select
import signal
from collections.abc import Sequence
from math import ceil
from zlib import crc32

from msgspec import Struct
from msgspec.structs import replace

from weft.execution.executors.process_ends import ending_text, process_error, reason_of
from weft.execution.executors.step_messages import (
    FROM_WORKER_DECODER,
    AttemptEnded,
    Idle,
    KnownVersion,
    Reported,
    StepTask,
    StepWorkerSetup,
    ToWorker,
    Verdict,
)
from weft.execution.run_context import RunContext
from weft.execution.step import AttemptResult, StepUsage
from weft.logs.store import ComputeLogStore
from weft.model.codec import encode
from weft.model.compute import NO_LIMITS, ComputeResources
from weft.model.events import AssetMaterialized, EngineEvent
from weft.model.failure import ErrorInfo
from weft.model.keys import AssetKey
from weft.model.plan import StepPlan
from weft.model.run import FailureReason
from weft.model.step import LogRange
from weft.planning.run_machine import StepFailed, StepInterrupted
from weft.planning.step_limits import timeout_of
from weft.planning.versions import seen_through
from weft.processes.client import Zygote
from weft.processes.memory import MemoryWatch
from weft.processes.specs import Exited, LoadFailed, Notice, NotStarted, ProcessLimits, Stale, Started, WorkerSpec
from weft.processes.tree import ProcessId, kill_tree
from weft.processes.wire import Channel

MEMORY_LOOK_SECONDS = 0.1
"""How often the memory of limited steps is looked at: what a process can fill meanwhile is some hundred megabytes."""

_ROLE = "steps"
_UNLIMITED = ProcessLimits()
_SPARE_BYTES = 256 * 1024 * 1024
_PLAIN = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST_NAME = 60


class MultiprocessSettings(Struct, frozen=True, kw_only=True):
    """How the executor works."""

    # Processes at once.
    max_concurrent: int
    # From the request to end to the kill.
    grace_seconds: float = 20.0
    # Whether a worker that is done takes the next step.
    reuse_workers: bool = False
    # Where a worker that has nothing in memory finds the instance.
    home: str | None = None


class _Worker:
    """A process, and the attempt that it carries out."""

    __slots__ = (
        "attempt",
        "channel",
        "deadline",
        "exited",
        "file_key",
        "id",
        "is_hooks_only",
        "is_idle",
        "kill_at",
        "log_start",
        "memory",
        "process",
        "result",
        "step",
        "stop_reason",
        "waits",
    )

    def __init__(self, id: str, channel: Channel, step: StepPlan, attempt: int, file_key: str) -> None:
        self.id = id
        self.channel = channel
        self.step = step
        self.attempt = attempt
        self.file_key = file_key
        # Whether it is there to call the hooks of a step whose own worker could not.
        self.is_hooks_only = False
        self.log_start = (0, 0)
        # Known once it has started; the watch only where its memory is limited.
        self.process: ProcessId | None = None
        self.memory: MemoryWatch | None = None
        # On the monotonic clock: when the attempt has taken too long; when a worker that was asked to end is killed.
        self.deadline: float | None = None
        self.kill_at: float | None = None
        # Why it was asked to end: None for a run that ends.
        self.stop_reason: FailureReason | None = None
        # What became of the attempt, once it was given back.
        self.result: AttemptResult | None = None
        self.waits = False
        self.is_idle = False
        self.exited: Exited | None = None


class MultiprocessExecutor:
    """See the module.

    Args:
        run_context: the run, in the coordinator.
        zygote: starts workers; owned by the caller.
        settings: how to work.
        logs: where workers keep their output.
    """

    def __init__(
        self, run_context: RunContext, zygote: Zygote, settings: MultiprocessSettings, logs: ComputeLogStore
    ) -> None:
        self._run = run_context
        self._zygote = zygote
        self._settings = settings
        self._logs = logs
        self._workers: dict[str, _Worker] = {}
        self._by_fd: dict[int, _Worker] = {}
        self._results: list[AttemptResult] = []
        self._has_freed_slot = False
        self._has_told_of_interruption = False
        self._is_closing = False
        self._count = 0
        # What the run has made, by asset, in order: for tasks whose worker cannot know it from storage yet.
        self._made: dict[AssetKey, list[KnownVersion]] = {}
        self._look_at_memory_at: float | None = None
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(self._wake, False)
        run_context.interruption.waker = self._wake_up

    # --- the port ----------------------------------------------------------------------------------------------------

    @property
    def free_slots(self) -> int:
        """See `Executor.free_slots`."""
        busy = sum(not worker.is_idle for worker in self._workers.values())
        return max(0, self._settings.max_concurrent - busy)

    def submit(self, step: StepPlan, attempt: int) -> None:
        """See `Executor.submit`."""
        worker = self._idle_worker(step)
        if worker is None:
            self._let_one_go()
            worker = self._start(step, attempt)
        else:
            worker.step, worker.attempt = step, attempt
            worker.result, worker.is_idle = None, False
            worker.log_start = self._log_sizes(worker)
        timeout = timeout_of(step)
        worker.deadline = None if timeout is None else self._now() + timeout
        self._send(worker, StepTask(step=step, attempt=attempt, versions=self._versions_for(step)))

    def wait(self, timeout_seconds: float | None) -> Sequence[AttemptResult]:
        """See `Executor.wait`."""
        end = None if timeout_seconds is None else self._now() + timeout_seconds
        while not self._results and not self._has_freed_slot:
            if self._run.interruption.requested and not self._has_told_of_interruption:
                self._has_told_of_interruption = True
                break
            self._watch(end)
            if end is not None and self._now() >= end:
                break
        self._has_freed_slot = False
        results, self._results = self._results, []
        return results

    def cancel(self, step_key: str) -> None:
        """See `Executor.cancel`."""
        for worker in self._workers.values():
            if worker.step.key == step_key and worker.result is None and not worker.is_hooks_only:
                self._stop(worker, None)

    def conclude(self, step: StepPlan, result: AttemptResult, *, is_final: bool) -> None:
        """See `Executor.conclude`."""
        for worker in self._workers.values():
            if worker.result is result and worker.waits and worker.exited is None:
                worker.waits = False
                self._send(worker, Verdict(is_final))
                return
        hooks = self._run.target.body(step.key).hooks
        if is_final and any(hook.on == "failure" for hook in hooks) and not self._run.interruption.requested:
            end = result.stimuli[-1]
            failure = result.error or ErrorInfo(message=getattr(end, "message", ""), class_name="StepFailed")
            attempt = 1
            worker = self._start(step, attempt)
            worker.is_hooks_only = True
            worker.result = result
            self._send(worker, StepTask(step=step, attempt=attempt, failure=failure))

    def close(self) -> None:
        """See `Executor.close`."""
        self._is_closing = True
        try:
            for worker in list(self._workers.values()):
                if worker.is_idle:
                    worker.channel.close_sending()
                elif worker.result is None:
                    self._zygote.kill_tree(worker.id)
                elif worker.waits:
                    worker.waits = False
                    self._send(worker, Verdict(is_final=False))
            while self._workers:
                if self._run.interruption.requested:
                    for worker in self._workers.values():
                        if worker.kill_at is None:
                            self._stop(worker, None)
                self._watch(None)
        finally:
            self._run.interruption.waker = None
            os.close(self._woken)
            os.close(self._wake)

    # --- starting and ending workers ---------------------------------------------------------------------------------

    def _start(self, step: StepPlan, attempt: int) -> _Worker:
        self._count += 1
        file_key = file_key_of(step.key, attempt)
        setup = StepWorkerSetup(
            run_id=self._run.run.id,
            file_key=file_key,
            is_single=not self._settings.reuse_workers,
            home=self._settings.home,
        )
        channel, there = Channel.pair()
        worker = _Worker(str(self._count), channel, step, attempt, file_key)
        if self._run.run.worker > 1:  # an earlier worker of the run may have written to the same files
            worker.log_start = self._log_sizes(worker)
        self._workers[worker.id] = worker
        self._by_fd[channel.fileno()] = worker
        spec = WorkerSpec(id=worker.id, role=_ROLE, payload=encode(setup), limits=_limits(step))
        try:
            self._zygote.start(spec, [there.fileno()])
        finally:
            there.close()
        return worker

    def _idle_worker(self, step: StepPlan) -> _Worker | None:
        """One with the limits that the step has: a process keeps its own for life."""
        limits = _limits(step)
        for worker in self._workers.values():
            if worker.is_idle and _limits(worker.step) == limits:
                return worker
        return None

    def _let_one_go(self) -> None:
        """Idle workers are processes too: one of them goes where there would be too many."""
        idle = [worker for worker in self._workers.values() if worker.is_idle]
        if idle and len(self._workers) >= self._settings.max_concurrent:
            idle[0].is_idle = False
            idle[0].channel.close_sending()

    def _stop(self, worker: _Worker, reason: FailureReason | None) -> None:
        """Ask a worker to end, in order; it is killed after the grace period."""
        if worker.kill_at is not None:
            return
        worker.stop_reason = reason
        worker.deadline = None
        worker.kill_at = self._now() + self._settings.grace_seconds
        self._zygote.signal(worker.id, signal.SIGTERM)

    def _send(self, worker: _Worker, message: ToWorker) -> None:
        try:
            worker.channel.send(encode(message))
        except (BrokenPipeError, ConnectionError):  # it has ended; the zygote says how
            return

    # --- watching ----------------------------------------------------------------------------------------------------

    def _watch(self, end: float | None) -> None:
        """Wait until something happens, at most until `end`, and see to it."""
        poll = select.poll()
        poll.register(self._woken, select.POLLIN)
        if not self._zygote.is_gone:
            poll.register(self._zygote.fileno(), select.POLLIN)
        for fd in self._by_fd:
            poll.register(fd, select.POLLIN)
        moments = [
            end,
            self._look_at_memory_at,
            *(moment for worker in self._workers.values() for moment in (worker.deadline, worker.kill_at)),
        ]
        first = min((moment for moment in moments if moment is not None), default=None)
        timeout = None if first is None else max(0.0, first - self._now()) * 1000
        has_notices = self._zygote.is_gone
        for fd, _ in poll.poll(timeout):
            if fd == self._woken:
                _drain(fd)
            elif (worker := self._by_fd.get(fd)) is not None:
                self._read(worker)
            else:
                has_notices = True
        if has_notices:
            for notice in self._zygote.notices(0):
                self._note(notice)
            if self._zygote.is_gone:
                self._lose_zygote()
        if first is not None:
            self._keep_time()

    def _keep_time(self) -> None:
        now = self._now()
        if self._look_at_memory_at is not None and now >= self._look_at_memory_at:
            self._look_at_memory(now)
        for worker in list(self._workers.values()):
            if worker.deadline is not None and now >= worker.deadline:
                self._stop(worker, FailureReason.TIMED_OUT)
            if worker.kill_at is not None and now >= worker.kill_at:
                worker.kill_at = now + self._settings.grace_seconds  # again, should it not have been enough
                self._zygote.kill_tree(worker.id)

    def _look_at_memory(self, now: float) -> None:
        """End workers that have more memory than they may: at once, for the machine has no time to lose."""
        watched = [worker for worker in self._workers.values() if worker.memory is not None]
        self._look_at_memory_at = now + MEMORY_LOOK_SECONDS if watched else None
        for worker in watched:
            if worker.memory is not None and worker.kill_at is None and worker.memory.is_exceeded():
                worker.stop_reason = FailureReason.OUT_OF_MEMORY
                worker.deadline = None
                worker.kill_at = now + self._settings.grace_seconds
                self._zygote.kill_tree(worker.id)

    def _read(self, worker: _Worker) -> None:
        """Take in what a worker has sent."""
        while frames := worker.channel.receive_ready():
            for frame in frames:
                self._take(worker, FROM_WORKER_DECODER.decode(frame.payload))
        if worker.channel.is_at_end:
            self._by_fd.pop(worker.channel.fileno(), None)

    def _take(self, worker: _Worker, message: object) -> None:
        if isinstance(message, Reported):
            body = message.body
            self._run.record(body, message.step_key)
            if isinstance(body, AssetMaterialized) and body.data_version is not None:
                known = KnownVersion(body.asset_key, body.partition, body.data_version)
                self._made.setdefault(body.asset_key, []).append(known)
        elif isinstance(message, AttemptEnded):
            worker.waits = message.waits
            self._give_back(worker, message)
        elif isinstance(message, Idle):
            self._note_idle(worker)

    def _note_idle(self, worker: _Worker) -> None:
        takes_another = self._settings.reuse_workers and not self._is_closing
        if takes_another and worker.kill_at is None and not worker.is_hooks_only:
            worker.is_idle = True
            self._has_freed_slot = True
        else:
            worker.channel.close_sending()

    def _give_back(self, worker: _Worker, ended: AttemptEnded) -> None:
        """The attempt ended as its worker says, unless it was ended for a reason that the worker does not know."""
        worker.deadline = None
        stimuli, error = ended.stimuli, ended.error
        end = stimuli[-1]
        reason = worker.stop_reason
        limit = ComputeResources.of_tags(worker.step.tags).memory_bytes
        if limit is not None and isinstance(end, StepFailed) and "MemoryError" in end.classes:
            reason = reason or FailureReason.OUT_OF_MEMORY
        if reason is not None and isinstance(end, (StepInterrupted, StepFailed)):
            error = self._error(worker, reason, cause=error, usage=ended.usage)
            stimuli = [StepFailed(worker.step.key, message=error.summary(), exit_reason=reason)]
        worker.result = AttemptResult(worker.step, stimuli, ended.usage, error=error)
        self._results.append(worker.result)

    def _note(self, notice: Notice) -> None:
        if isinstance(notice, Started):
            worker = self._workers.get(notice.id)
            if worker is not None:
                worker.process = ProcessId(notice.pid, notice.started_at_ticks)
                limit = ComputeResources.of_tags(worker.step.tags).memory_bytes
                if limit is not None:
                    worker.memory = MemoryWatch(worker.process, limit)
                    self._look_at_memory_at = self._now()
        elif isinstance(notice, Exited):
            worker = self._workers.get(notice.id)
            if worker is not None:
                peak = worker.memory.peak_bytes if worker.memory is not None else 0
                worker.exited = replace(notice, peak_memory_bytes=max(notice.peak_memory_bytes, peak))
                self._read(worker)
                self._finish(worker)
        elif isinstance(notice, (NotStarted, Stale)):
            worker = self._workers.get(notice.id)
            if worker is not None:
                why = notice.why if isinstance(notice, NotStarted) else f"{notice.file} has changed"
                self._fail(worker, FailureReason.START_FAILED, why)
                self._forget(worker)
        elif isinstance(notice, LoadFailed):
            for worker in list(self._workers.values()):
                self._fail(worker, FailureReason.START_FAILED, notice.text)
                self._forget(worker)

    def _lose_zygote(self) -> None:
        """The zygote has ended; so shall its workers."""
        for worker in list(self._workers.values()):
            if worker.process is not None:
                kill_tree(worker.process)
            self._read(worker)
            self._fail(worker, FailureReason.START_FAILED, "the process that starts workers has ended")
            self._forget(worker)

    def _finish(self, worker: _Worker) -> None:
        """A worker has ended, and everything that it sent was taken in."""
        exited = worker.exited
        if worker.result is None and exited is not None:
            if worker.kill_at is not None and worker.stop_reason is None:
                usage = self._usage(worker)
                worker.result = AttemptResult(worker.step, [StepInterrupted(worker.step.key)], usage)
                self._results.append(worker.result)
            else:
                self._fail(worker, worker.stop_reason or reason_of(exited))
        elif exited is not None and worker.kill_at is None and (exited.signal is not None or exited.exit_code):
            message = f"its process {ending_text(exited)} after the attempt had ended, during teardown or hooks"
            self._run.record(EngineEvent(message=message), worker.step.key)
        self._forget(worker)

    def _fail(self, worker: _Worker, reason: FailureReason, why: str = "") -> None:
        if worker.result is not None:
            return
        error = self._error(worker, reason, why=why)
        stimulus = StepFailed(worker.step.key, message=error.summary(), exit_reason=reason)
        worker.result = AttemptResult(worker.step, [stimulus], self._usage(worker), error=error)
        self._results.append(worker.result)

    def _forget(self, worker: _Worker) -> None:
        del self._workers[worker.id]
        self._by_fd.pop(worker.channel.fileno(), None)
        worker.channel.close()
        self._has_freed_slot = True

    # --- what is said ------------------------------------------------------------------------------------------------

    def _error(
        self,
        worker: _Worker,
        reason: FailureReason,
        *,
        why: str = "",
        cause: ErrorInfo | None = None,
        usage: StepUsage | None = None,
    ) -> ErrorInfo:
        error = process_error(worker.step, reason, worker.exited, usage or self._usage(worker), why)
        info = ErrorInfo.from_exception(error)
        if cause is None:
            return info
        return ErrorInfo(message=info.message, class_name=info.class_name, code=info.code, cause=cause)

    def _usage(self, worker: _Worker) -> StepUsage:
        """Of an attempt that could not say it itself."""
        exited = worker.exited
        out, err = self._log_sizes(worker)
        start_out, start_err = worker.log_start
        logs = None
        if (out, err) != worker.log_start:
            logs = LogRange(worker.file_key, start_out, out, start_err, err)
        if exited is None:
            return StepUsage(0.0, 0, logs)
        return StepUsage(exited.cpu_seconds, exited.peak_memory_bytes, logs)

    def _log_sizes(self, worker: _Worker) -> tuple[int, int]:
        run_id = self._run.run.id
        return self._logs.size(run_id, worker.file_key, "stdout"), self._logs.size(run_id, worker.file_key, "stderr")

    def _versions_for(self, step: StepPlan) -> tuple[KnownVersion, ...]:
        if not self._made:
            return ()
        keys = {item.asset_key for item in step.inputs if item.asset_key is not None}
        repository = self._run.target.repository
        if repository is not None:
            keys |= {root for key in list(keys) for root in seen_through(repository.graph, key)}
        return tuple([known for key in sorted(keys) for known in self._made.get(key, ())])

    # --- small things ------------------------------------------------------------------------------------------------

    def _now(self) -> float:
        return self._run.clock.monotonic()

    def _wake_up(self) -> None:
        try:
            os.write(self._wake, b"\0")
        except BlockingIOError:  # it is full of them
            return


def file_key_of(step_key: str, attempt: int) -> str:
    """The name of the files for the output of an attempt. Different steps have different ones."""
    name = _PLAIN.sub("-", step_key).strip("-_")[:_LONGEST_NAME]
    if name != step_key:
        name = f"{name or 'step'}-{crc32(step_key.encode()):08x}"
    return f"{name}-{attempt}"


def _limits(step: StepPlan) -> ProcessLimits:
    resources = ComputeResources.of_tags(step.tags)
    if resources is NO_LIMITS:
        return _UNLIMITED
    limit = resources.memory_bytes
    return ProcessLimits(
        # Far above the limit, which is watched: for what is faster than a look.
        data_bytes=None if limit is None else 2 * limit + _SPARE_BYTES,
        cpus=None if resources.cpus is None else ceil(resources.cpus),
    )


def _drain(fd: int) -> None:
    try:
        while os.read(fd, 4096):
            pass
    except BlockingIOError:
        return
