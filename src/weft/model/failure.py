"""Errors as values: what is stored and shown of an exception, after the process that raised it is gone."""

from __future__ import annotations

import os
import traceback
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from weft.model.metadata import AnyMetadataValue

_MOST_FRAMES = 60
_MOST_CHARACTERS = 20_000
_OWN_FOLDER = str(Path(__file__).resolve().parent.parent) + os.sep


class Frame(Struct, frozen=True):
    """One frame of a traceback. `own` marks frames of weft, which are folded when shown."""

    file: str
    line: int
    function: str
    code: str = ""
    own: bool = False


class ErrorInfo(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An exception as a value, with its chain."""

    message: str
    class_name: str
    frames: tuple[Frame, ...] = ()
    # The stable code where weft raised it.
    code: str | None = None
    # Set by ``raise ... from cause``.
    cause: ErrorInfo | None = None
    # The exception that was being handled, unless ``from`` hid it.
    context: ErrorInfo | None = None
    # From the user's `Failure(description, metadata)`.
    metadata: Mapping[str, AnyMetadataValue] = {}

    @property
    def user_frame(self) -> Frame | None:
        """The innermost frame outside weft and site-packages, or None: the line to show first."""
        user = [frame for frame in self.frames if not frame.own]
        near = [frame for frame in user if f"{os.sep}site-packages{os.sep}" not in frame.file]
        found = near or user
        return found[-1] if found else None

    def summary(self) -> str:
        """One line: class, first line of the message, the user's file and line."""
        first = self.message.splitlines()[0] if self.message else ""
        text = f"{self.class_name}: {first}" if first else self.class_name
        frame = self.user_frame
        return f"{text} ({Path(frame.file).name}:{frame.line})" if frame else text

    def to_string(self, *, own_frames: bool = False) -> str:
        """The traceback as text, causes first, frames of weft folded unless `own_frames`."""
        lines: list[str] = []
        if self.cause is not None:
            lines += [self.cause.to_string(own_frames=own_frames), "", "which caused:", ""]
        elif self.context is not None:
            lines += [self.context.to_string(own_frames=own_frames), "", "and while handling it:", ""]
        folded = 0
        for frame in self.frames:
            if frame.own and not own_frames:
                folded += 1
                continue
            lines.append(f'  File "{frame.file}", line {frame.line}, in {frame.function}')
            if frame.code:
                lines.append(f"    {frame.code}")
        if folded:
            lines.append(f"  ({folded} frames of weft folded)")
        lines.append(f"{self.class_name}: {self.message}" if self.message else self.class_name)
        return "\n".join(lines)

    @staticmethod
    def from_exception(error: BaseException) -> ErrorInfo:
        """`error` with its chain and frames. Never raises: an exception whose text fails is described as such."""
        return _from_exception(error, set())


def _from_exception(error: BaseException, seen: set[int]) -> ErrorInfo:
    seen.add(id(error))
    try:
        message = str(error)
    except Exception as broken:  # noqa: BLE001  # a user's __str__ may raise anything
        message = f"(its text could not be made: {type(broken).__name__})"
    cause = error.__cause__
    context = None if error.__suppress_context__ or cause is not None else error.__context__
    kind = type(error)
    name = (
        kind.__qualname__ if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}.{kind.__qualname__}"
    )
    return ErrorInfo(
        message=message[:_MOST_CHARACTERS],
        class_name=name,
        frames=_frames(error),
        code=getattr(error, "code", None) if kind.__module__.startswith("weft.") else None,
        cause=_from_exception(cause, seen) if cause is not None and id(cause) not in seen else None,
        context=_from_exception(context, seen) if context is not None and id(context) not in seen else None,
    )


def _frames(error: BaseException) -> tuple[Frame, ...]:
    summary = traceback.extract_tb(error.__traceback__)
    kept = summary if len(summary) <= _MOST_FRAMES else [*summary[: _MOST_FRAMES // 2], *summary[-_MOST_FRAMES // 2 :]]
    return tuple(
        Frame(item.filename, item.lineno or 0, item.name, item.line or "", item.filename.startswith(_OWN_FOLDER))
        for item in kept
    )
