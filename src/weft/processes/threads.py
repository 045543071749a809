"""Whether this process may be forked: only one without threads. A fork copies one thread; what the others held stays locked for ever in the child."""

from __future__ import annotations

import os
import threading

_TASKS = "/proc/self/task"


def other_threads() -> list[str]:
    """The names of all threads but the calling one, those of Python and those that native libraries started; empty: it is safe to fork.

    Libraries that end their threads by themselves before a fork (OpenBLAS) are given the occasion, once Python's own are none.
    """
    here = threading.current_thread()
    names = [thread.name for thread in threading.enumerate() if thread is not here]
    if names:
        return names
    return _native_threads() and _after_a_fork()


def _native_threads() -> list[str]:
    try:
        tasks = os.listdir(_TASKS)  # noqa: PTH208  # only the names
    except OSError:  # not Linux: not known
        return []
    own = str(threading.get_native_id())
    return [_name(task) for task in tasks if task != own]


def _name(task: str) -> str:
    try:
        with open(f"{_TASKS}/{task}/comm", encoding="utf-8") as file:  # noqa: PTH123  # pathlib is slow to load
            return file.read().strip()
    except OSError:
        return task


def _after_a_fork() -> list[str]:
    """What is left of native threads after a fork that does nothing: the child ends before any code runs in it that could wait for a lock."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of the very threads that are looked for
        pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return _native_threads()
