"""Workers that are processes of this machine, found by their place: the identity of a process is its pid with the time of its start, and the boot that
this time counts from."""

from __future__ import annotations

import signal

from weft.model.live import WorkerPlace
from weft.processes.machine import boot_id, host
from weft.processes.tree import ProcessId, is_alive, kill_marked, kill_tree, signal_process, state_of
from weft.runs.launchers.port import WorkerState

MARK_VARIABLE = "WEFT_WORKER"
"""What a worker, and every program that it starts, has in its environment: the mark of its place (`WorkerPlace.handle`)."""


def place_of(launcher: str, pid: int, started_at_ticks: int, mark: str = "") -> WorkerPlace:
    """The place of a process of this machine."""
    return WorkerPlace(
        launcher=launcher, host=host(), pid=pid, pid_started=started_at_ticks, boot_id=boot_id(), handle=mark
    )


def mark_of(run_id: str, token: int) -> str:
    """The mark of a worker."""
    return f"{run_id}.{token}"


def look_at(place: WorkerPlace) -> WorkerState:
    """How the process is."""
    if place.pid is None or place.host != host():
        return WorkerState.UNKNOWN
    if place.boot_id != boot_id():
        return WorkerState.GONE  # the machine has been started anew
    if not is_alive(_identity(place)):
        return WorkerState.GONE
    state = state_of(place.pid)
    return WorkerState.FROZEN if state is not None and state.is_stopped else WorkerState.ALIVE


def terminate(place: WorkerPlace) -> bool:
    """Ask the process to end; False where it is not on this machine."""
    if place.pid is None or look_at(place) is WorkerState.UNKNOWN:
        return False
    if look_at(place) is not WorkerState.GONE:
        signal_process(_identity(place), signal.SIGTERM)
    return True


def kill(place: WorkerPlace) -> bool:
    """End the process and everything that it started; False where it is not on this machine."""
    if place.pid is None or place.host != host():
        return False
    if place.boot_id == boot_id():
        kill_tree(_identity(place))  # also what it left behind, if it has gone itself
        if place.handle:
            kill_marked(MARK_VARIABLE, place.handle)  # and what nobody knows as its child any more
    return True


def _identity(place: WorkerPlace) -> ProcessId:
    assert place.pid is not None
    return ProcessId(place.pid, place.pid_started or 0)
