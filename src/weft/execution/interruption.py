"""Ctrl-C and SIGTERM as an orderly end of a run.

A signal raises `ExecutionInterrupted` only while the user's code (or a wait) is running; everywhere else it is remembered and noticed by the
run loop between two steps. So a signal can never tear a record in half, and teardown is always done. A second SIGINT during teardown raises
KeyboardInterrupt as usual: the user means it.

A signal is for the process: one that ends a run inside a step of another run ends that one as well. It is not for forked children: these get
back the handlers that were there before, so that whoever started them can end them.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from weft.execution.file_lock import close_in_children

_CAUGHT = (signal.SIGINT, signal.SIGTERM)


class ExecutionInterrupted(BaseException):
    """The run was asked to end. Not an `Exception`, so that user code that catches everything does not swallow it."""


RunInterruptedError = ExecutionInterrupted
"""The public name."""


@contextmanager
def raise_execution_interrupts() -> Iterator[None]:
    """While the context is open, SIGINT and SIGTERM raise `RunInterruptedError` in the main thread, at once.

    In the functions of steps that holds anyway; this is for code that runs outside a run, such as a script that waits.
    """
    if isinstance(getattr(signal.getsignal(signal.SIGTERM), "__self__", None), Interruption):
        yield
        return
    interruption = Interruption()
    with interruption.on_signals(), interruption.user_code():
        yield


class Interruption:
    """Whether a run was asked to end, and by what."""

    def __init__(self) -> None:
        self.requested = False
        self.message = ""
        # Set together with `requested`, so that a wait ends at once.
        self.event = threading.Event()
        self._in_user_code = False
        self._was_signalled = False
        # Signal number to the handler before `on_signals`.
        self._before: dict[int, Any] = {}

    def request(self, message: str) -> None:
        """Ask for the end of the run. Raises `ExecutionInterrupted` where user code is running in this thread."""
        self.requested = True
        self.message = self.message or message
        self.event.set()
        if self._in_user_code and threading.current_thread() is threading.main_thread():
            self._in_user_code = False
            raise ExecutionInterrupted(message)

    @contextmanager
    def user_code(self) -> Iterator[None]:
        """While the context is open, a signal raises `ExecutionInterrupted` at once."""
        if self.requested:
            raise ExecutionInterrupted(self.message)
        self._in_user_code = True
        try:
            yield
        finally:
            self._in_user_code = False

    def enter_user_code(self) -> None:
        """As `user_code`, for the hot path; the caller calls `leave_user_code` whatever happens."""
        if self.requested:
            raise ExecutionInterrupted(self.message)
        self._in_user_code = True

    def leave_user_code(self) -> None:
        """See `enter_user_code`."""
        self._in_user_code = False

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Turn SIGINT and SIGTERM into requests while the context is open. Does nothing outside the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = self._before
        close_in_children(self)
        for caught in _CAUGHT:
            before[caught] = signal.getsignal(caught)
            signal.signal(caught, self._on_signal)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler if handler is not None else signal.SIG_DFL)
        outer = getattr(before[signal.SIGTERM], "__self__", None)
        if self._was_signalled and isinstance(outer, Interruption):
            outer._was_signalled = True
            outer.request(self.message)

    def abandon(self) -> None:
        """See `weft.execution.file_lock.LeftInChild`."""
        for number in _CAUGHT:
            handler = signal.getsignal(number)
            while isinstance(owner := getattr(handler, "__self__", None), Interruption):
                handler = owner._before[number]
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._was_signalled = True
        if self.requested and number == signal.SIGINT and not self._in_user_code:
            raise KeyboardInterrupt
        self.request(f"{signal.Signals(number).name} was received")
