"""Lines of ``context.log`` on the console, for runs and calls that nobody else displays."""

from __future__ import annotations

import logging
import sys
import time

from weft.execution.log_manager import LogManager
from weft.model.events import LogMessage


def console_log(step_key: str | None, *, level: int = logging.INFO) -> LogManager:
    """A logger that writes to stderr."""
    return LogManager(lambda line: print_log(line, step_key), level=level)


def print_log(line: LogMessage, step_key: str | None, at: float | None = None) -> None:
    """Write one line to stderr: time, level, step, message, and the exception where there is one."""
    clock = time.strftime("%H:%M:%S", time.localtime(at))
    where = f" {step_key}:" if step_key else ""
    text = f"{clock} {logging.getLevelName(line.level)}{where} {line.message}"
    if line.error is not None:
        text = f"{text}\n{line.error.to_string()}"
    sys.stderr.write(text + "\n")
