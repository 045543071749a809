"""What a step costs: CPU seconds and peak memory of this process and the children it waited for.

In one process the operating system keeps only one high-water mark. Where it rose during the step, it is the step's peak exactly; otherwise the peak
was below an earlier one, and the larger of the resident sizes at its start and end is reported.
"""

from __future__ import annotations

import os
import sys
import time

if sys.platform != "win32":
    import resource

_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


class UsageMeter:
    """Measures one step after another: `start`, then `stop` gives ``(cpu_seconds, peak_memory_bytes)``."""

    __slots__ = ("_children", "_cpu", "_high_water", "_resident")

    def __init__(self) -> None:
        self._cpu = 0.0
        self._children = 0.0
        self._high_water = 0
        self._resident = _resident_bytes()

    def start(self) -> None:
        """Begin a step."""
        self._cpu = time.process_time()
        self._children, self._high_water = _children_and_high_water()

    def stop(self) -> tuple[float, int]:
        """End the step."""
        cpu = time.process_time() - self._cpu
        children, high_water = _children_and_high_water()
        if high_water > self._high_water:
            self._resident = peak = high_water
        else:
            resident = _resident_bytes()
            peak = max(self._resident, resident)
            self._resident = resident
        return cpu + children - self._children, peak


def _children_and_high_water() -> tuple[float, int]:
    if sys.platform == "win32":
        return 0.0, 0
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = resource.getrusage(resource.RUSAGE_SELF)
    return children.ru_utime + children.ru_stime, own.ru_maxrss * _MAXRSS_UNIT


def _resident_bytes() -> int:
    try:
        with open("/proc/self/statm", "rb", buffering=0) as statm:  # noqa: PTH123  # on the path of every step
            return int(statm.read(64).split()[1]) * _PAGE
    except OSError:  # pragma: no cover - no procfs
        return 0
