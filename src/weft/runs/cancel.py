"""Cancelling a run: the wish is recorded first, then whoever can act on it is told. What ends the run is its worker, or the monitor where that cannot."""

from __future__ import annotations

import os
import threading
from enum import Enum

from weft.errors import RunNotFoundError
from weft.execution.file_lock import LockedFile
from weft.execution.journal import JournalReader, journal_path
from weft.ids import check_run_id
from weft.model.events import WORKER_SOURCE, RunCanceled, RunCanceling
from weft.model.live import LiveRun, WorkerPlace
from weft.model.run import Run, RunStatus
from weft.runs.environment import RunEnvironment
from weft.runs.launchers import processes
from weft.runs.recover import deliver_journal, recover_lost_runs
from weft.runs.worker import QUEUE_TOPIC

CANCEL_TOPIC = "cancel"
"""Said when a run is to end (`weft.storage.notifications`)."""

DIRECT = "direct"
"""Marks the place of a run that the process carries out which made it."""

GONE_LOOKS, GONE_LOOK_SECONDS = 40, 0.05
"""How often it is looked whether a worker that was killed is gone, and after how long."""

_WITH_A_WORKER = (RunStatus.NOT_STARTED, RunStatus.STARTING, RunStatus.STARTED, RunStatus.CANCELING)


class CancelOutcome(Enum):
    """What came of the wish that a run ends."""

    # It is over: it had no worker.
    CANCELED = "canceled"
    # Its worker was asked to end, or its monitor will see to it.
    CANCELING = "canceling"
    # It was over before.
    WAS_OVER = "was_over"


def cancel_run(
    run_id: str, environment: RunEnvironment, *, is_forced: bool = False, message: str = "cancelled"
) -> CancelOutcome:
    """Ask for the end of a run.

    Args:
        run_id: the run.
        environment: where it is recorded.
        is_forced: without teardown: the worker and everything that it started is killed.
        message: who asked, for the record.

    Raises:
        RunNotFoundError: there is no such run.
        UsageError: (WEFT-U010) that is no run id.
    """
    while True:
        run = environment.runs.get(check_run_id(run_id))
        if run is None:
            raise RunNotFoundError(f'there is no run "{run_id}".', fix="list the runs with: weft run list")
        if run.is_finished:
            return CancelOutcome.WAS_OVER
        at = environment.clock.wall()
        if run.status is RunStatus.QUEUED:
            bodies = (RunCanceling(message=message), RunCanceled(message=message))
            if environment.events.announce(run_id, bodies, at=at, expected=(RunStatus.QUEUED,)):
                environment.wakeups.notify(QUEUE_TOPIC)
                return CancelOutcome.CANCELED
            continue  # it was let go meanwhile
        wish = RunCanceling(message=message, is_forced=is_forced)
        if environment.events.announce(run_id, [wish], at=at, expected=_WITH_A_WORKER):
            break
    environment.wakeups.notify(CANCEL_TOPIC)
    _tell_worker(run, environment, is_forced)
    return CancelOutcome.CANCELING


def _tell_worker(run: Run, environment: RunEnvironment, is_forced: bool) -> None:
    """Tell the worker itself, where it is a process of this machine: nobody has to be there to pass it on."""
    live = environment.queue.get(run.id)
    place = _place(run, live, environment)
    if place is None or place.pid is None:
        return
    if is_forced:
        processes.kill(place)
        if live is None:
            recover_lost_runs(environment)
        else:
            _record_end(run.id, live.token, environment)
    else:
        processes.terminate(place)


def _record_end(run_id: str, token: int, environment: RunEnvironment) -> None:
    """Say that a run is over whose worker was just killed: there need not be a monitor. Where the worker is not gone soon, one will see to it."""
    never = threading.Event()
    for _ in range(GONE_LOOKS):
        if deliver_journal(environment, run_id, token):
            killed = RunCanceled(message="cancelled by force: its worker was killed")
            environment.events.announce(
                run_id, [killed], at=environment.clock.wall(), worker=token, expected=(RunStatus.CANCELING,)
            )
            environment.wakeups.notify(QUEUE_TOPIC)
            return
        environment.clock.wait(never, GONE_LOOK_SECONDS)


def _place(run: Run, live: LiveRun | None, environment: RunEnvironment) -> WorkerPlace | None:
    if live is not None:
        return live.worker
    if environment.journal_folder is None:
        return None
    # Nobody gave it to a worker. Its journal is locked by the process that carries it out, and says which that is.
    path = journal_path(environment.journal_folder, run.id, WORKER_SOURCE)
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    try:
        header = JournalReader(fd, path).header
    finally:
        os.close(fd)
    taken = LockedFile.take(path)
    if taken is not None:  # its writer has gone
        taken.close()
        recover_lost_runs(environment)
        return None
    if header is None or header.pid == os.getpid() or not header.host:
        return None  # it cannot be named for certain, and a signal must not reach another
    return WorkerPlace(
        launcher=DIRECT,
        host=header.host,
        pid=header.pid,
        pid_started=header.started_at_ticks,
        boot_id=header.boot_id,
    )
