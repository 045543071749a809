"""What a worker process does for a run that a launcher gave to it: the other end of `weft.runs.launchers`.

The order matters. A worker may come late: the run may have been cancelled, or given to another, while the process came into being. So it says that it has
started, waits until storage has that, and looks: only a worker that is still the latest one runs anything of the user's. From then on a thread of its own
tells storage every few seconds that the worker lives, and learns from it when it has been fenced off, or when the run is to end.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from weft.definitions.repository import Repository
from weft.errors import StorageError, WeftError
from weft.execution.shipping import DeliveringJournal
from weft.model.codec import Decoder, encode
from weft.model.events import WORKER_SOURCE, RunFailed
from weft.model.failure import ErrorInfo
from weft.model.live import WorkerPlace
from weft.model.plan import RunPlan
from weft.model.run import FailureReason, Run, RunStatus
from weft.planning.reexecution import ReexecutionStrategy, plan_reexecution
from weft.processes.tree import identify
from weft.runs.carry_out import CarriedRun, carry_out
from weft.runs.environment import RunEnvironment
from weft.runs.launchers import processes
from weft.runs.restore import restore_run
from weft.runs.runtime_limit import RuntimeLimit, longest_runtime

if TYPE_CHECKING:
    from weft.codeserver.loader import LoadedTarget
    from weft.instance import Instance

RUN_ROLE = "run"
"""The role of a worker process that carries a run out (`weft.codeserver.zygote`)."""

QUEUE_TOPIC = "queue"
"""Said when a run was put into the queue, and when one has ended (`weft.storage.notifications`)."""


AWAY_SECONDS = 0.5
"""How soon storage is asked again that was away."""


class WorkerAssignment(Struct, frozen=True, kw_only=True):
    """Which run a worker is for."""

    run_id: str
    # The fencing token: which worker of the run this is.
    token: int
    # The folder of the instance.
    home: str
    # The name of the launcher that started it.
    launcher: str


_DECODER: Decoder[WorkerAssignment] = Decoder(WorkerAssignment)


def encode_assignment(assignment: WorkerAssignment) -> bytes:
    """The payload of the role ``run`` (`weft.codeserver.zygote`)."""
    return encode(assignment)


def run_worker(loaded: LoadedTarget, payload: bytes, fds: list[int]) -> int:
    """The role ``run`` of a worker process: carry out the run of the payload with the code that is loaded. Returns the exit code.

    A run that fails is no failure of its worker: 0 says that storage knows how the run ended, or that this worker was not wanted any more.
    """
    assignment = _DECODER.decode(payload)
    with environment_of(assignment.home) as environment:
        carry_out_assigned(assignment, loaded.repository, environment)
    return 0


def say_that_it_does_not_load(payload: bytes, error: BaseException) -> None:
    """The end of a run whose worker could not load the code. For workers that load it themselves."""
    assignment = _DECODER.decode(payload)
    failed = RunFailed(
        reason=FailureReason.START_FAILED, message="its code does not load", error=ErrorInfo.from_exception(error)
    )
    with environment_of(assignment.home) as environment:
        environment.events.announce(assignment.run_id, [failed], at=environment.clock.wall(), worker=assignment.token)
        environment.wakeups.notify(QUEUE_TOPIC)


def environment_of(home: str) -> Instance:
    """The instance in a folder, to be used as a context manager."""
    from weft.instance import Instance

    return Instance.at(Path(home), shares_connections=True)


def carry_out_assigned(
    assignment: WorkerAssignment,
    repository: Repository,
    environment: RunEnvironment,
    *,
    place: WorkerPlace | None = None,
) -> bool:
    """Carry out a run of the queue; False where that is not wanted of this worker any more.

    Where an earlier worker got somewhere, this one goes on: what succeeded is not run again, its outputs are read from where they were stored.

    Args:
        assignment: which run, and which of its workers this is.
        repository: its code.
        environment: where it is recorded.
        place: where this worker is found; this process by default.

    Raises:
        StorageError: storage is away, or the journal cannot be written. What was reported before is kept.
    """
    run_id, token = assignment.run_id, assignment.token
    run, plan = environment.runs.get(run_id), environment.runs.plan(run_id)
    if run is None or plan is None or not _is_wanted(run, token):
        return False
    try:
        prepared = restore_run(run, _rest_of(run, plan, environment), repository, environment)
        carry_out(prepared, environment, _Watch(run, assignment, environment, place), source=token)
    except NotAdmittedError:
        return False
    except StorageError:
        raise  # the run is not recorded as it should be, and nothing else would be either
    except Exception as error:  # noqa: BLE001  # whatever the user's code raises when a run is put together; steps have their own
        return environment.events.announce(run_id, [_cannot_begin(error)], at=environment.clock.wall(), worker=token)
    finally:
        environment.wakeups.notify(QUEUE_TOPIC)
    return True


_WITH_A_WORKER = frozenset({RunStatus.STARTING, RunStatus.STARTED, RunStatus.CANCELING})


def _is_wanted(run: Run, token: int) -> bool:
    """Whether the run still waits for, or has, this worker."""
    return run.worker == token and run.status in _WITH_A_WORKER


def _cannot_begin(error: Exception) -> RunFailed:
    is_ours = isinstance(error, WeftError)
    return RunFailed(
        reason=FailureReason.CONFIG if is_ours else FailureReason.START_FAILED,
        message=error.what if isinstance(error, WeftError) else f"{type(error).__name__}: {error}",
        error=ErrorInfo.from_exception(error),
    )


def _rest_of(run: Run, plan: RunPlan, environment: RunEnvironment) -> RunPlan:
    """What is left to do for this worker."""
    steps = environment.runs.steps(run.id) if run.worker > WORKER_SOURCE else ()
    if not steps:
        return plan
    return plan_reexecution(
        plan, steps, run.id, strategy=ReexecutionStrategy.FROM_FAILURE, failed_checks=None, may_be_empty=True
    )


class NotAdmittedError(BaseException):
    """The run was given to another worker, or is over: this one must not touch it. Not an `Exception`: nothing on the way may take it for one."""


class _Watch:
    """The heartbeat of a worker, and what it learns by it. The hooks of `carry_out`."""

    def __init__(
        self, run: Run, assignment: WorkerAssignment, environment: RunEnvironment, place: WorkerPlace | None
    ) -> None:
        self._run = run
        self._token = assignment.token
        if place is None:
            process = identify(os.getpid())
            place = processes.place_of(
                assignment.launcher,
                process.pid,
                process.started_at_ticks,
                processes.mark_of(assignment.run_id, assignment.token),
            )
        # None once storage knows it.
        self._place: WorkerPlace | None = place
        self._environment = environment
        self._settings = environment.settings.monitoring
        self._is_over = threading.Event()
        self._thread: threading.Thread | None = None
        self._limit = RuntimeLimit(longest_runtime(run, self._settings.max_runtime_seconds), environment.clock)

    def begin(self, carried: CarriedRun, journal: DeliveringJournal) -> None:
        """See `Hooks.begin`."""
        self._thread = threading.Thread(
            target=self._beat, args=[carried], name=f"weft-heartbeat-{self._run.id}", daemon=True
        )
        self._thread.start()
        self._limit.begin(carried)

    def admit(self, carried: CarriedRun, journal: DeliveringJournal) -> None:
        """See `Hooks.admit`: waits until storage knows that this worker has begun, then looks whether it may."""
        journal.flush()
        run = self._current()
        if run is None or not _is_wanted(run, self._token):
            raise NotAdmittedError
        if run.status is RunStatus.CANCELING:
            carried.interruption.request("the run was cancelled before it had begun")

    def _current(self) -> Run | None:
        """The run as storage has it, as soon as storage answers: the flush before has waited as well."""
        while True:
            try:
                return self._environment.runs.get(self._run.id)
            except StorageError as error:
                if not error.may_pass:
                    raise
                self._environment.clock.wait(self._is_over, AWAY_SECONDS)

    def end(self) -> None:
        """See `Hooks.end`."""
        self._limit.end()
        self._is_over.set()
        if self._thread is not None:
            self._thread.join()

    def _beat(self, carried: CarriedRun) -> None:
        """Every few seconds, until the run is over: say that the worker lives; end the run where it is to end.

        Storage may be away; whoever watches knows that silence alone proves nothing.
        """
        environment, clock = self._environment, self._environment.clock
        while True:
            try:
                if self._place is not None:
                    environment.queue.place(self._run.id, self._place, token=self._token)
                    self._place = None
                if not environment.queue.beat(self._run.id, token=self._token, at=clock.wall()):
                    carried.interruption.interrupt("another worker has the run, or it is over")
                elif self._is_canceling():
                    carried.interruption.interrupt("the run was cancelled")
            except (StorageError, OSError):
                pass  # away: the shipper of the journal says so, once
            if clock.wait(self._is_over, self._settings.heartbeat_seconds):
                return

    def _is_canceling(self) -> bool:
        run = self._environment.runs.get(self._run.id)
        return run is not None and run.status is RunStatus.CANCELING
