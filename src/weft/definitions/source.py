"""Where in the user's code a definition was declared, for error messages and pages."""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Callable
from types import FrameType, FunctionType
from typing import Any

OWN_FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep  # noqa: PTH100, PTH120  # pathlib is slow to load


def plain_function(fn: Any) -> Any:
    """The function behind `functools.partial` objects and callable objects, which has the module, the line and the docstring."""
    while isinstance(fn, functools.partial):
        fn = fn.func
    if hasattr(fn, "__code__") or isinstance(fn, type):
        return fn
    call = getattr(type(fn), "__call__", None)  # noqa: B004  # the function itself is wanted, not whether there is one
    return call if hasattr(call, "__code__") else fn


def declared_at(fn: Callable[..., Any]) -> str | None:
    """``file.py:31`` of a function (the one that the user wrote, below other decorators), relative to the working directory where it lies
    below it; None where it has no source.
    """
    if type(fn) is not FunctionType or fn.__dict__:
        fn = inspect.unwrap(plain_function(fn))
    code = getattr(fn, "__code__", None)
    return _place(code.co_filename, code.co_firstlineno) if code is not None else None


def called_at() -> str | None:
    """``file.py:31`` of the innermost frame outside weft."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(OWN_FOLDER):
        frame = frame.f_back
    return _place(frame.f_code.co_filename, frame.f_lineno) if frame is not None else None


def file_relative_path(dunderfile: str, relative_path: str) -> str:
    """The path of a file that stands beside a module: ``file_relative_path(__file__, "rates.csv")``."""
    return os.path.join(os.path.dirname(dunderfile), relative_path)  # noqa: PTH118, PTH120  # as above


def _place(file: str, line: int) -> str:
    try:
        here = os.getcwd() + os.sep  # noqa: PTH109  # called once for every definition: a string is enough
    except OSError:  # the working directory has been removed
        here = ""
    return f"{file.removeprefix(here)}:{line}"
