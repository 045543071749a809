"""A process and everything that it started: found, and ended without a gap through which one of them slips.

A process is named by its pid and the time of its start, since pids are used again. What belongs to a tree: the descendants (by parent), and
whoever is in the session or group that the root leads. While they are collected they may fork, so they are stopped first, and collected again until
no new one is found; only then are they killed.

Reads ``/proc``. Where there is none (macOS), a tree is the process group of its root.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import NamedTuple

_PROC = "/proc"
_HAS_PROC = os.path.exists("/proc/self/stat")  # noqa: PTH110  # pathlib is slow to load
_MOST_PASSES = 100
"""A tree that still grows after that many passes is stopped no longer but killed as it is; the next pass finds the rest."""


class ProcessId(NamedTuple):
    """One process for ever. Without ``/proc`` the time is 0 and only the pid counts."""

    pid: int
    started_at_ticks: int


class ProcessState(NamedTuple):
    """What the kernel says of a process."""

    pid: int
    parent: int
    group: int
    session: int
    started_at_ticks: int
    is_zombie: bool
    # By a signal or a debugger: it lives and does nothing.
    is_stopped: bool = False

    @property
    def id(self) -> ProcessId:
        """Its name."""
        return ProcessId(self.pid, self.started_at_ticks)


def state_of(pid: int) -> ProcessState | None:
    """The state of one process; None where there is none."""
    try:
        with open(f"{_PROC}/{pid}/stat", "rb") as file:  # noqa: PTH123  # as above
            text = file.read()
    except OSError:
        return None
    # The name of the program stands in parentheses and may hold anything.
    fields = text[text.rindex(b")") + 2 :].split()
    is_zombie, is_stopped = fields[0] in (b"Z", b"X"), fields[0] in (b"T", b"t")
    return ProcessState(pid, int(fields[1]), int(fields[2]), int(fields[3]), int(fields[19]), is_zombie, is_stopped)


def identify(pid: int) -> ProcessId:
    """The name of a process that is known to live."""
    state = state_of(pid)
    return ProcessId(pid, 0 if state is None else state.started_at_ticks)


def is_alive(process: ProcessId) -> bool:
    """Whether it still runs. A zombie does not."""
    if not _HAS_PROC:
        with suppress(PermissionError):
            try:
                os.kill(process.pid, 0)
            except ProcessLookupError:
                return False
        return True
    state = state_of(process.pid)
    return state is not None and not state.is_zombie and _is_same(state, process)


def _is_same(state: ProcessState, process: ProcessId) -> bool:
    return process.started_at_ticks in (0, state.started_at_ticks)


def all_processes() -> dict[int, ProcessState]:
    """Every process that can be seen."""
    found: dict[int, ProcessState] = {}
    try:
        names = os.listdir(_PROC)  # noqa: PTH208  # only the names
    except OSError:
        return found
    for name in names:
        if name.isdigit() and (state := state_of(int(name))) is not None:
            found[state.pid] = state
    return found


def children_of_self() -> list[int]:
    """The pids of the children of this process, zombies included."""
    pid = os.getpid()
    try:
        with open(f"{_PROC}/{pid}/task/{pid}/children", "rb") as file:  # noqa: PTH123  # as above
            return [int(child) for child in file.read().split()]
    except OSError:  # a kernel without this file
        return [state.pid for state in all_processes().values() if state.parent == pid]


def descendants(pid: int) -> list[ProcessState]:
    """What a process has started and what that has started, and so on, zombies left out; parents before their children."""
    children: dict[int, list[ProcessState]] = {}
    for state in all_processes().values():
        children.setdefault(state.parent, []).append(state)
    found: list[ProcessState] = []
    waiting = [pid]
    while waiting:
        for state in children.get(waiting.pop(), ()):
            waiting.append(state.pid)
            if not state.is_zombie:
                found.append(state)
    return found


def members(root: ProcessId) -> list[ProcessState]:
    """The tree of `root`, itself first where it lives. A group or session that it led counts even after its death."""
    everything = all_processes()
    found: dict[int, ProcessState] = {}
    children: dict[int, list[ProcessState]] = {}
    for state in everything.values():
        children.setdefault(state.parent, []).append(state)
    waiting: list[ProcessState] = []
    own = everything.get(root.pid)
    if own is not None and _is_same(own, root):
        waiting.append(own)
    elif own is not None:
        return []  # the pid is another process by now, and so would be its group
    mine = os.getpid()
    waiting += [
        state for state in everything.values() if root.pid in (state.group, state.session) and state.pid != root.pid
    ]
    while waiting:
        state = waiting.pop(0)
        if state.pid in found or state.pid == mine:
            continue
        found[state.pid] = state
        waiting += children.get(state.pid, ())
    return [state for state in found.values() if not state.is_zombie]


def signal_process(process: ProcessId, number: int) -> bool:
    """Send a signal to exactly this process. Whether it was there."""
    state = state_of(process.pid) if _HAS_PROC else None
    if _HAS_PROC and (state is None or not _is_same(state, process)):
        return False
    try:
        os.kill(process.pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def signal_tree(root: ProcessId, number: int) -> None:
    """Send a signal to a process and everything that it started, as it is now."""
    if not _HAS_PROC:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(root.pid, number)
        return
    for state in members(root):
        signal_process(state.id, number)


def kill_tree(root: ProcessId) -> None:
    """End a process and everything that it started, at once. When it returns, all of them have been sent SIGKILL."""
    if not _HAS_PROC:
        signal_tree(root, signal.SIGKILL)
        return
    stopped: dict[ProcessId, None] = {}
    for _ in range(_MOST_PASSES):
        new = [state.id for state in members(root) if state.id not in stopped]
        if not new:
            break
        for process in new:
            signal_process(process, signal.SIGSTOP)
            stopped[process] = None
    for process in stopped:
        signal_process(process, signal.SIGKILL)


def kill_marked(variable: str, value: str) -> int:
    """End the processes that were started with an environment variable of this value, wherever they stand by now; how many there were.

    For what has left the tree of its root for good, because everybody between them is dead. A process that is a mere fork of a marked one has the environment of
    the one before, and is not found. Only processes of this user can be looked at.
    """
    mark = f"{variable}={value}".encode()
    found = 0
    for pid, state in all_processes().items():
        if pid == os.getpid() or state.is_zombie:
            continue
        try:
            with open(f"{_PROC}/{pid}/environ", "rb") as file:  # noqa: PTH123  # as above
                is_marked = mark in file.read().split(b"\0")
        except OSError:
            continue
        if is_marked and signal_process(state.id, signal.SIGKILL):
            found += 1
    return found


def resident_bytes(root: ProcessId, *, exactly: bool = False) -> int:
    """The memory of a process and everything that it started.

    Pages that several share count for each of them; with `exactly` they count once, which takes the kernel a look at every page.
    """
    return sum(_proportional(state.pid) if exactly else _resident(state.pid) for state in members(root))


def resident_of(pid: int) -> int:
    """The resident set of one process; 0 where it has gone."""
    return _resident(pid)


def _resident(pid: int) -> int:
    try:
        with open(f"{_PROC}/{pid}/statm", "rb") as file:  # noqa: PTH123  # as above
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def _proportional(pid: int) -> int:
    try:
        with open(f"{_PROC}/{pid}/smaps_rollup", "rb") as file:  # noqa: PTH123  # as above
            for line in file:
                if line.startswith(b"Pss:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        return 0
    return _resident(pid)
