"""The life of a worker process, from its first line to its exit: the same for one that was forked and one that was spawned."""

from __future__ import annotations

import atexit
import faulthandler
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence

from weft.processes.limits import apply_limits
from weft.processes.specs import WorkerSpec
from weft.processes.subreaper import become_subreaper

Role = Callable[[bytes, list[int]], int]
"""What a worker does: from a payload and descriptors, which it owns, to its exit code."""

STARTED_WRONG = 70
"""The exit code of a worker that ended by an exception outside of what it was asked to do (EX_SOFTWARE of sysexits.h)."""


def become_worker(spec: WorkerSpec) -> None:
    """Make this process a worker: a session of its own, its output where the spec says, its limits. Nothing of the user's runs yet."""
    os.setsid() if os.getsid(0) != os.getpid() else None
    become_subreaper()
    _forget_signals()
    for name, value in spec.environment.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    _redirect(spec)
    if spec.working_directory is not None:
        os.chdir(spec.working_directory)
    apply_limits(spec.limits, spec.nice)
    faulthandler.enable(file=2)


def run_role(role: Role, spec: WorkerSpec, fds: Sequence[int]) -> int:
    """Carry the role out and end in order: threads, exit functions and buffers as at the end of any Python program. Returns the exit code."""
    try:
        code = role(spec.payload, list(fds))
    except SystemExit as exit_:
        code = exit_.code if isinstance(exit_.code, int) else int(exit_.code is not None)
    except BaseException:  # noqa: BLE001  # whatever it is, this process is at its end
        sys.excepthook(*sys.exc_info())
        code = STARTED_WRONG
    try:
        threading._shutdown()  # type: ignore[attr-defined]  # what the interpreter calls: joins threads that are not daemons
        atexit._run_exitfuncs()
        logging.shutdown()
    except BaseException:  # noqa: BLE001  # as above
        sys.excepthook(*sys.exc_info())
    flush_streams()
    return code


def after_fork() -> None:
    """What has to differ in a fork: random numbers (Python sees to its own), and exit functions, which belong to the parent."""
    atexit._clear()
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()


def flush_streams() -> None:
    """Hand to the kernel what Python's streams hold."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):  # closed, or replaced by something else
            continue


def _forget_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in _SIGNALS:
        handler = _raw_handler(number)
        if callable(handler) or (handler == signal.SIG_IGN and number != _SIGPIPE):
            try:
                signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
            except (OSError, ValueError):
                continue
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_SETMASK, ())


# Without the enums that ``signal.getsignal`` makes of what it finds: in a fresh fork each of them is a page that has to be copied.
_raw_handler: Callable[[int], object] = getattr(signal.getsignal, "__wrapped__", signal.getsignal)
_SIGNALS = tuple(sorted(map(int, signal.valid_signals())))
_SIGPIPE = getattr(signal, "SIGPIPE", None)


def _redirect(spec: WorkerSpec) -> None:
    flush_streams()
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    for path, fd in ((spec.stdout, 1), (spec.stderr, 2)):
        if path is not None:
            opened = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
            os.dup2(opened, fd)
            os.close(opened)
