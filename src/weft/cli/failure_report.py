"""What a command writes to stderr when it fails.

Three kinds, kept apart: the user's code does not import (their traceback first), weft was used in a wrong way (the form of the error, no
traceback), weft is wrong (the whole traceback, and a request to report it).
"""

from __future__ import annotations

import platform
import sys
import traceback

from weft._version import __version__
from weft.cli.terminal import Terminal
from weft.errors import InternalError, LoadError, Problem, WeftError


def report_error(error: WeftError, terminal: Terminal, *, verbose: bool) -> None:
    """Write the error. `verbose` shows every frame of its traceback."""
    if isinstance(error, InternalError):
        _write(terminal, "".join(traceback.format_exception(error)))
    elif isinstance(error, LoadError) and error.traceback_text:
        text = error.traceback_text
        if verbose and error.__cause__ is not None:
            text = "".join(traceback.format_exception(error.__cause__)).rstrip()
        _write(terminal, f"{text}\n\n")
    elif verbose:
        _write(terminal, "".join(traceback.format_exception(error)) + "\n")
    if len(error.problems) > 1:
        _write(terminal, f"{len(error.problems)} problems were found:\n\n")
    _write(terminal, "\n\n".join(problem_text(problem, terminal) for problem in error.problems) + "\n")


def report_internal(error: BaseException, terminal: Terminal) -> None:
    """Write an error that nobody expected, with all that a report needs."""
    _write(terminal, "".join(traceback.format_exception(error)) + "\n")
    unexpected = InternalError(
        f"weft did not expect this: {type(error).__name__}: {error}",
        facts={
            "weft": __version__,
            "Python": f"{platform.python_version()} on {platform.system()} {platform.release()}",
            "command": " ".join(["weft", *sys.argv[1:]]),
        },
    )
    _write(terminal, problem_text(unexpected.problems[0], terminal) + "\n")


def problem_text(problem: Problem, terminal: Terminal) -> str:
    """The form of one problem, its code in red where there are colours."""
    text = str(problem)
    if not terminal.has_colour:
        return text
    first, separator, rest = text.removeprefix(problem.code).partition("\n")
    return terminal.style(problem.code, "red", bold=True) + terminal.style(first, bold=True) + separator + rest


def _write(terminal: Terminal, text: str) -> None:
    terminal.stream.write(text)
