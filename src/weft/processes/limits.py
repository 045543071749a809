"""Limits of this process, set by itself before its work begins, and whether the operating system ran out of memory.

A limit that the platform cannot set is left out; a worker never fails for want of one. Lowering is always possible, so what is declared below what the
process has is what it gets.
"""

from __future__ import annotations

import functools
import os
import sys
from contextlib import suppress

from weft.processes.specs import ProcessLimits

if sys.platform != "win32":
    import resource

_CGROUP_FILE = "/proc/self/cgroup"
_CGROUPS = "/sys/fs/cgroup"


def apply_limits(limits: ProcessLimits, nice: int = 0) -> None:
    """Set the limits of this process and of what it starts from now on."""
    if sys.platform == "win32":
        return
    if limits.data_bytes is not None:
        _lower(resource.RLIMIT_DATA, limits.data_bytes)
    if limits.cpu_seconds is not None:
        _lower(resource.RLIMIT_CPU, limits.cpu_seconds)
    if limits.open_files is not None:
        _lower(resource.RLIMIT_NOFILE, limits.open_files)
    if limits.cpus is not None:
        _bind_to_processors(limits.cpus)
    if nice:
        with suppress(OSError):  # only the superuser may go below
            os.nice(nice)


def _lower(kind: int, value: int) -> None:
    if sys.platform == "win32":
        return
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    with suppress(OSError, ValueError):
        resource.setrlimit(kind, (value, hard))


def _bind_to_processors(count: int) -> None:
    """Leave this process `count` of the processors that it may use, others for each process, so that several do not meet on the same ones."""
    if sys.platform != "linux":
        return
    allowed = sorted(os.sched_getaffinity(0))
    if count >= len(allowed):
        return
    first = os.getpid() * count % len(allowed)
    chosen = {allowed[(first + place) % len(allowed)] for place in range(max(1, count))}
    with suppress(OSError):
        os.sched_setaffinity(0, chosen)


def kills_for_memory() -> int:
    """How often the operating system has ended a process of this one's control group for lack of memory; 0 where that is not known.

    A number that has grown while a process was killed by SIGKILL says why.
    """
    file = _memory_events()
    if file is None:
        return 0
    try:
        with open(file, "rb") as events:  # noqa: PTH123  # pathlib is slow to load
            for line in events:
                name, _, count = line.partition(b" ")
                if name == b"oom_kill":
                    return int(count)
    except (OSError, ValueError):
        return 0
    return 0


@functools.cache
def _memory_events() -> str | None:
    """The file that counts such kills, of the second or the first version of control groups."""
    try:
        with open(_CGROUP_FILE, encoding="utf-8") as groups:  # noqa: PTH123  # as above
            lines = groups.read().splitlines()
    except OSError:
        return None
    candidates: list[str] = []
    for line in lines:
        number, controllers, path = line.split(":", 2)
        if number == "0" and not controllers:
            candidates += [f"{_CGROUPS}{path}/memory.events", f"{_CGROUPS}/memory.events"]
        elif "memory" in controllers.split(","):
            candidates += [f"{_CGROUPS}/memory{path}/memory.oom_control", f"{_CGROUPS}/memory/memory.oom_control"]
    return next((name for name in candidates if os.path.exists(name)), None)  # noqa: PTH110  # as above
