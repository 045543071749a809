"""Loggers of the standard library whose lines become lines of the log of the run: that of `get_weft_logger`, and those that the settings name.

One handler in a process serves all runs in it. A line goes to the step that the thread is in which wrote it; a thread that user code has started is in
none, so its lines go to the step that was begun last. Lines outside of any run go nowhere else than they would anyway.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType

from weft.execution.log_manager import plain_field
from weft.model.events import LogMessage
from weft.model.failure import ErrorInfo

USER_LOGGER = "weft.user"
"""What `get_weft_logger` gives, or is above it."""

RECORDED_FIELD = "weft_is_recorded"
"""Of a record: it is in the log already. One that passes several managed loggers on its way up counts once."""

# What every record has; anything else in one was given by ``extra=``.
_OWN_FIELDS = frozenset(
    {*vars(logging.LogRecord("", 0, "", 0, "", None, None)), "message", "asctime", "taskName", RECORDED_FIELD}
)


class lines_of:  # noqa: N801  # a context manager, used as a function; a class, since every step enters it
    """While open, lines of this thread are recorded by `record`, as those of the step `step_key` (None: of the run)."""

    __slots__ = ("_pid", "_record", "_step_key")

    def __init__(self, record: Callable[[LogMessage, str | None], object], step_key: str | None) -> None:
        self._record = record
        self._step_key = step_key
        self._pid = os.getpid()

    def __enter__(self) -> None:
        if not hasattr(_here, "places"):
            _here.places, _here.is_writing = [], False
        _here.places.append(self)
        _open.append(self)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _here.places.pop()
        _open.remove(self)

    def write(self, line: logging.LogRecord) -> None:
        """Record a line; not in a forked child, whose copy of the journal is not its own."""
        if os.getpid() != self._pid:
            return
        error = line.exc_info[1] if line.exc_info else None
        self._record(
            LogMessage(
                message=line.getMessage(),
                level=line.levelno,
                logger=line.name,
                fields={key: plain_field(value) for key, value in vars(line).items() if key not in _OWN_FIELDS},
                error=ErrorInfo.from_exception(error) if error is not None else None,
            ),
            self._step_key,
        )


# Of each thread: the runs and steps that it is in, innermost last, and whether it records a line at the moment.
_here = threading.local()
# Those of all threads, in the order of their beginning.
_open: list[lines_of] = []


class _ToRun(logging.Handler):
    """Hands lines to where their thread is."""

    def emit(self, record: logging.LogRecord) -> None:
        places = getattr(_here, "places", None) or _open[-1:]
        # What is logged by the recording of a line is no line of the run: there would be no end of it.
        if not places or getattr(_here, "is_writing", False) or hasattr(record, RECORDED_FIELD):
            return
        setattr(record, RECORDED_FIELD, True)
        _here.is_writing = True
        try:
            places[-1].write(record)
        except Exception:  # noqa: BLE001  # such as arguments that do not fit: logging prints which line it was
            self.handleError(record)
        finally:
            _here.is_writing = False


_HANDLER = _ToRun()


@contextmanager
def managed_loggers(names: Sequence[str], level: int) -> Iterator[None]:
    """While open, lines of these loggers and of `USER_LOGGER` go to the runs of this process.

    Args:
        names: of loggers; ``root`` is the one above all.
        level: the least level, for loggers that have none of their own.
    """
    before: list[tuple[logging.Logger, int]] = []
    for logger in dict.fromkeys(logging.getLogger(name) for name in (USER_LOGGER, *names)):
        if _HANDLER in logger.handlers:  # a run inside a run
            continue
        before.append((logger, logger.level))
        logger.addHandler(_HANDLER)
        if logger.level == logging.NOTSET or logger is logging.root:  # the root has one from the beginning
            logger.setLevel(level)
    try:
        yield
    finally:
        for logger, its_level in before:
            logger.removeHandler(_HANDLER)
            logger.setLevel(its_level)
