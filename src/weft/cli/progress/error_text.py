"""Why a step or a run failed, as text: the line of the user first, then their frames, ours folded."""

from __future__ import annotations

import os
from pathlib import Path

from weft.model.failure import ErrorInfo


def error_lines(error: ErrorInfo, *, own_frames: bool = False) -> list[str]:
    """The error as lines, the most useful one first.

    Args:
        error: what was raised.
        own_frames: show the frames of weft, too.
    """
    if error.code is not None and not own_frames:
        # weft found it, and says what to do; where the user's code is behind it, that comes first. (Of a library, the reason is in the text.)
        under = error.cause if error.cause is not None and error.cause.is_users else None
        head = [*error_lines(under), ""] if under is not None else []
        return [*head, *error.message.splitlines()]
    lines = [headline(error)]
    if error.frames or error.cause is not None or error.context is not None:
        lines.extend(error.to_string(own_frames=own_frames).splitlines())
    return lines


def headline(error: ErrorInfo) -> str:
    """``shop/assets.py:12: ValueError: no rows``."""
    first = error.message.splitlines()[0] if error.message else ""
    text = f"{error.class_name}: {first}" if first else error.class_name
    frame = error.user_frame
    return f"{shown_path(frame.file)}:{frame.line}: {text}" if frame is not None else text


def shown_path(file: str) -> str:
    """The path relative to the working directory where it lies below it."""
    return file.removeprefix(str(Path.cwd()) + os.sep)
