"""``context.log``: a logger whose lines become events of the run.

It has the methods of a standard logger (``%`` arguments, ``exc_info``, ``extra``) without the cost of one for every step.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import Any

from weft.model.events import LogMessage
from weft.model.failure import ErrorInfo


class LogManager:
    """Writes lines to `sink`; lines below `level` are dropped."""

    __slots__ = ("_sink", "level", "name")

    def __init__(self, sink: Callable[[LogMessage], object], *, name: str = "weft", level: int = logging.DEBUG) -> None:
        self._sink = sink
        self.name = name
        self.level = level

    def log(self, level: int | str, msg: object, *args: object, **kwargs: Any) -> None:
        """Write one line at a level, given by its number or name."""
        number = level if isinstance(level, int) else logging.getLevelName(level.upper())
        if not isinstance(number, int):
            number = logging.INFO
        if number < self.level:
            return
        error = kwargs.get("exc_info")
        if error is True:
            error = sys.exc_info()[1]
        elif isinstance(error, tuple):
            error = error[1]
        fields = kwargs.get("extra")
        self._sink(
            LogMessage(
                message=_text(msg, args),
                level=number,
                logger=self.name,
                fields={str(key): plain_field(value) for key, value in fields.items()} if fields else {},
                error=ErrorInfo.from_exception(error) if isinstance(error, BaseException) else None,
            )
        )

    def debug(self, msg: object, *args: object, **kwargs: Any) -> None:
        """Write a line at level DEBUG."""
        self.log(logging.DEBUG, msg, *args, **kwargs)

    def info(self, msg: object, *args: object, **kwargs: Any) -> None:
        """Write a line at level INFO."""
        self.log(logging.INFO, msg, *args, **kwargs)

    def warning(self, msg: object, *args: object, **kwargs: Any) -> None:
        """Write a line at level WARNING."""
        self.log(logging.WARNING, msg, *args, **kwargs)

    warn = warning

    def error(self, msg: object, *args: object, **kwargs: Any) -> None:
        """Write a line at level ERROR."""
        self.log(logging.ERROR, msg, *args, **kwargs)

    def exception(self, msg: object, *args: object, **kwargs: Any) -> None:
        """Write a line at level ERROR with the exception that is being handled."""
        self.log(logging.ERROR, msg, *args, **{"exc_info": True, **kwargs})

    def critical(self, msg: object, *args: object, **kwargs: Any) -> None:
        """Write a line at level CRITICAL."""
        self.log(logging.CRITICAL, msg, *args, **kwargs)

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802  # the name of the standard library
        """Whether a line at that level would be written."""
        return level >= self.level


def _text(msg: object, args: tuple[Any, ...]) -> str:
    """The line. As in the standard library, one that cannot be made is no reason to fail whoever wrote it."""
    try:
        text = str(msg)
        if not args:
            return text
        values: Any = args[0] if len(args) == 1 and isinstance(args[0], dict) else args
        return str(text % values)
    except Exception as error:  # noqa: BLE001  # user code makes the text
        return (
            f"{_represented(msg)} with {_represented(args)} (this line could not be formatted: {type(error).__name__})"
        )


def plain_field(value: Any) -> Any:
    """A value of ``extra=`` as it can be stored."""
    return value if isinstance(value, (str, int, float, bool, type(None))) else _represented(value)


def _represented(value: object) -> str:
    try:
        return repr(value)
    except Exception as error:  # noqa: BLE001  # as above
        return f"<{type(value).__name__} whose repr raises {type(error).__name__}>"
