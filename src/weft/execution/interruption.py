"""Ctrl-C and SIGTERM as an orderly end of a run.

A signal raises `ExecutionInterrupted` only while the user's code (or a wait) is running; everywhere else it is remembered and noticed by the
run loop between two steps. So a signal can never tear a record in half, and teardown is always done. A second SIGINT during teardown raises
KeyboardInterrupt as usual: the user means it.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class ExecutionInterrupted(BaseException):
    """The run was asked to end. Not an `Exception`, so that user code that catches everything does not swallow it."""


class Interruption:
    """Whether a run was asked to end, and by what."""

    def __init__(self) -> None:
        self.requested = False
        self.message = ""
        # Set together with `requested`, so that a wait ends at once.
        self.event = threading.Event()
        self._in_user_code = False

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
        before: dict[int, Any] = {}
        for caught in (signal.SIGINT, signal.SIGTERM):
            before[caught] = signal.signal(caught, self._on_signal)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler if handler is not None else signal.SIG_DFL)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self.requested and number == signal.SIGINT and not self._in_user_code:
            raise KeyboardInterrupt
        self.request(f"{signal.Signals(number).name} was received")
