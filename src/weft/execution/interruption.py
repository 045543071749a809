"""Ctrl-C and SIGTERM as an orderly end of a run.

A signal raises `ExecutionInterrupted` only while the user's code (or a wait) is running; everywhere else it is remembered and noticed by the
run loop between two steps. So a signal can never tear a record in half, and teardown is always done. A second SIGINT during teardown raises
KeyboardInterrupt as usual: the user means it.

An attempt with a time limit is ended by the same means: `Interruption.time_limit`.

A signal is for the process: one that ends a run inside a step of another run ends that one as well. It is not for forked children: these get
back the handlers that were there before, so that whoever started them can end them.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from weft.execution.file_lock import close_in_children

_CAUGHT = (signal.SIGINT, signal.SIGTERM)


class ExecutionInterrupted(BaseException):
    """The run was asked to end. Not an `Exception`, so that user code that catches everything does not swallow it."""


RunInterruptedError = ExecutionInterrupted
"""The public name."""


class StepTimedOut(BaseException):
    """The attempt took longer than it may. Not an `Exception`, for the same reason."""


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
        # Called when the end is asked for, by a signal handler or any thread: wakes who waits for something else than `event`.
        self.waker: Callable[[], None] | None = None
        self._in_user_code = False
        self._was_signalled = False
        # Why the attempt that runs has taken too long; None: it has not.
        self._expired: str | None = None
        # Whether a signal is on its way that says so.
        self._expiry_sent = False
        # Whether a signal to the process is turned into a request.
        self.catches_signals = False
        # Signal number to the handler before `on_signals`.
        self._before: dict[int, Any] = {}

    def request(self, message: str) -> None:
        """Ask for the end of the run. Raises `ExecutionInterrupted` where user code is running in this thread."""
        self.requested = True
        self.message = self.message or message
        self.event.set()
        if self.waker is not None:
            self.waker()
        if self._in_user_code and threading.current_thread() is threading.main_thread():
            self._in_user_code = False
            raise ExecutionInterrupted(message)

    def interrupt(self, message: str) -> None:
        """`request` from any thread: what the main thread runs of the user's code is interrupted at once, too."""
        if self.requested:
            return
        self.message = self.message or message
        if self.catches_signals and threading.current_thread() is not threading.main_thread():
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
        else:
            self.request(message)

    @contextmanager
    def user_code(self) -> Iterator[None]:
        """While the context is open, a signal raises `ExecutionInterrupted` at once."""
        self.check()
        self._in_user_code = True
        try:
            yield
        finally:
            self._in_user_code = False

    def enter_user_code(self) -> None:
        """As `user_code`, for the hot path; the caller calls `leave_user_code` whatever happens."""
        if self.requested or self._expired is not None:
            self.check()
        self._in_user_code = True

    def leave_user_code(self) -> None:
        """See `enter_user_code`."""
        self._in_user_code = False

    def hold_back(self) -> bool:
        """Let no signal interrupt this thread until `let_go`, which gets what this returns: for what must not be torn in half."""
        was_in_user_code = self._in_user_code and threading.current_thread() is threading.main_thread()
        if was_in_user_code:
            self._in_user_code = False
        return was_in_user_code

    def let_go(self, was_in_user_code: bool) -> None:
        """See `hold_back`; raises what was held back."""
        if was_in_user_code:
            self.check()
            self._in_user_code = True

    def check(self) -> None:
        """Raise where the run was asked to end, or the attempt has taken too long."""
        if self.requested:
            raise ExecutionInterrupted(self.message)
        if self._expired is not None:
            raise StepTimedOut(self._expired)

    @contextmanager
    def time_limit(self, seconds: float, message: str) -> Iterator[None]:
        """While the context is open, `StepTimedOut` is raised in user code once `seconds` have passed.

        In the main thread at once; in another, where nothing can be interrupted, when the user's code comes back.
        """

        def expire() -> None:
            self._expired = message
            if self.catches_signals:
                self._expiry_sent = True
                signal.pthread_kill(main, signal.SIGTERM)

        main = threading.main_thread().ident or 0
        timer = threading.Timer(seconds, expire)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()
            self._expired = None

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
        self.catches_signals = True
        try:
            yield
        finally:
            self.catches_signals = False
            for number, handler in before.items():
                signal.signal(number, handler if handler is not None else signal.SIG_DFL)
        outer = getattr(before[signal.SIGTERM], "__self__", None)
        if self._was_signalled and isinstance(outer, Interruption):
            if outer._expiry_sent:  # the signal was for the step around this run
                outer._expiry_sent = False
                return
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
        if self._expiry_sent and number == signal.SIGTERM:
            self._expiry_sent = False
            if self._expired is not None and self._in_user_code:
                self._in_user_code = False
                raise StepTimedOut(self._expired)
            return
        self._was_signalled = True
        if self.requested and number == signal.SIGINT and not self._in_user_code:
            raise KeyboardInterrupt
        self.request(f"{signal.Signals(number).name} was received")
