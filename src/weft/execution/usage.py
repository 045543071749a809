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
_HAS_PROC = os.path.exists("/proc/self/statm")  # noqa: PTH110  # pathlib is slow to load
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


_SHORT_SECONDS = 0.001
"""A step that took less, without a new high-water mark, is taken to have left the resident size as it was: reading it costs a tenth of the step."""


class UsageMeter:
    """Measures one step after another: `start`, then `stop` gives ``(cpu_seconds, peak_memory_bytes)``. `close` lets go of a file."""

    __slots__ = ("_children", "_cpu", "_high_water", "_resident", "_started", "_statm")

    def __init__(self) -> None:
        # Kept open: opening it would cost as much as the rest of a measurement.
        self._statm = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC) if _HAS_PROC else None
        self._cpu = 0.0
        self._started = 0.0
        self._children = 0.0
        self._high_water = 0
        self._resident = self._resident_bytes()

    def start(self) -> None:
        """Begin a step."""
        self._started = time.perf_counter()
        self._cpu = time.process_time()
        self._children, self._high_water = _children_and_high_water()

    def stop(self) -> tuple[float, int]:
        """End the step."""
        cpu = time.process_time() - self._cpu
        children, high_water = _children_and_high_water()
        if high_water > self._high_water:
            self._resident = peak = high_water
        elif time.perf_counter() - self._started < _SHORT_SECONDS:
            peak = self._resident
        else:
            resident = self._resident_bytes()
            peak = max(self._resident, resident)
            self._resident = resident
        return cpu + children - self._children, peak

    def close(self) -> None:
        """Let go of the file. Measuring afterwards is an error."""
        if self._statm is not None:
            os.close(self._statm)
            self._statm = None

    def _resident_bytes(self) -> int:
        if self._statm is None:
            return 0
        return int(os.pread(self._statm, 64, 0).split()[1]) * _PAGE


def _children_and_high_water() -> tuple[float, int]:
    if sys.platform == "win32":
        return 0.0, 0
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = resource.getrusage(resource.RUSAGE_SELF)
    return children.ru_utime + children.ru_stime, own.ru_maxrss * _MAXRSS_UNIT
