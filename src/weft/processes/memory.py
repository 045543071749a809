"""How much memory a process and everything that it started have, looked at often and cheaply.

Descendants are found through the lists of children that the kernel keeps for each thread, not by a look at every process of the machine. Memory that
several of them share (what a fork has from its parent) counts once as soon as it matters: sums of resident sets are taken for true only while they are
below the limit.
"""

from __future__ import annotations

import os

from weft.processes.tree import ProcessId, resident_bytes, resident_of

_PROC = "/proc"


class MemoryWatch:
    """Looks at one tree of processes.

    Args:
        root: the first of them.
        limit_bytes: the most that they may have together.
    """

    def __init__(self, root: ProcessId, limit_bytes: int) -> None:
        self._root = root
        self.limit_bytes = limit_bytes
        self.peak_bytes = 0
        """The most that was seen."""

    def is_exceeded(self) -> bool:
        """Look now: whether they have more than they may."""
        pids = [self._root.pid, *descendants_of(self._root.pid)]
        total = sum(map(resident_of, pids))
        if total > self.limit_bytes and len(pids) > 1:
            total = resident_bytes(self._root, exactly=True)
        self.peak_bytes = max(self.peak_bytes, total)
        return total > self.limit_bytes


def descendants_of(pid: int) -> list[int]:
    """What a process has started and what that has started, and so on. Empty where the kernel keeps no such lists."""
    found: list[int] = []
    waiting = [pid]
    while waiting:
        parent = waiting.pop()
        try:
            tasks = os.listdir(f"{_PROC}/{parent}/task")  # noqa: PTH208  # only the names
        except OSError:
            continue
        for task in tasks:
            try:
                with open(f"{_PROC}/{parent}/task/{task}/children", "rb") as file:  # noqa: PTH123  # pathlib is slow to load
                    children = [int(child) for child in file.read().split()]
            except OSError:
                continue
            found += children
            waiting += children
    return found
