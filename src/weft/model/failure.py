"""Errors as values: what is stored and shown of an exception, after the process that raised it is gone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, TypeGuard

from msgspec import Struct
from msgspec.structs import replace

from weft.model.metadata import AnyMetadataValue

# Of one exception: the first and the last half are kept.
_MOST_FRAMES = 60
# Of the text of an exception, and of a line of code.
_MOST_CHARACTERS = 20_000
_MOST_CHARACTERS_OF_A_LINE = 500
# Exceptions of one chain: the first and the last half are kept, since the last one began it all.
_MOST_OF_A_CHAIN = 8
_MOST_OF_NESTING = 4
_MOST_OF_METADATA = 100
_OWN_FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep  # noqa: PTH100, PTH120  # pathlib is slow to load
# The machinery of ``import`` and of ``with`` says nothing about the user's code, and it stands between every two of its frames.
_STANDARD_LIBRARY = os.path.dirname(os.__file__) + os.sep  # noqa: PTH120  # as above
_FOLDED = (
    _OWN_FOLDER,
    "<frozen importlib",
    f"{_STANDARD_LIBRARY}importlib{os.sep}",
    f"{_STANDARD_LIBRARY}contextlib.py",
)


class Frame(Struct, frozen=True):
    """One frame of a traceback. `own` marks frames of weft and of the import system, which are folded when shown."""

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
    # The exceptions in a group, in order, such as those of an `asyncio.TaskGroup`.
    group: tuple[ErrorInfo, ...] = ()
    # From the user's `Failure(description, metadata)`.
    metadata: Mapping[str, AnyMetadataValue] = {}

    @property
    def user_frame(self) -> Frame | None:
        """The innermost frame outside weft and of no library, or None: the line to show first."""
        user = [frame for frame in self.frames if not frame.own]
        near = [frame for frame in user if not _is_of_library(frame.file)]
        found = near or user
        return found[-1] if found else None

    @property
    def is_users(self) -> bool:
        """Whether the user's own code had a part in it, not only weft and libraries."""
        return any(not frame.own and not _is_of_library(frame.file) for frame in self.frames)

    def summary(self) -> str:
        """One line: class, first line of the message, the user's file and line."""
        first = self.message.splitlines()[0] if self.message else ""
        text = f"{self.class_name}: {first}" if first else self.class_name
        frame = self.user_frame
        return f"{text} ({os.path.basename(frame.file)}:{frame.line})" if frame else text  # noqa: PTH119

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
            lines.extend(f"    {line}" for line in frame.code.splitlines())
        if folded:
            lines.append(f"  ({folded} {'frame' if folded == 1 else 'frames'} of weft folded)")
        lines.append(f"{self.class_name}: {self.message}" if self.message else self.class_name)
        width = max(map(len, self.metadata), default=0)
        lines += [f"  {label:<{width}}  {_first_line(value.value)}" for label, value in self.metadata.items()]
        for number, one in enumerate(self.group, 1):
            inner = one.to_string(own_frames=own_frames).splitlines()
            lines += ["", f"  {number} of {len(self.group)}:", *(f"    {line}" for line in inner)]
        return "\n".join(lines)

    @staticmethod
    def from_exception(error: BaseException) -> ErrorInfo:
        """`error` with its chain and frames. Never raises: an exception whose text fails is described as such.

        Of a long text, a long chain and a deep traceback a part is kept.
        """
        return _with_chain(error, _MOST_OF_NESTING)


def _with_chain(error: BaseException, nesting: int) -> ErrorInfo:
    """`error` with its chain, and what is in its groups, at most `nesting` deep."""
    chain = _chain(error)
    half = _MOST_OF_A_CHAIN // 2
    if len(chain) <= 2 * half:
        links = [(_described(each, nesting), is_cause) for each, is_cause in chain]
    else:
        gap = ErrorInfo(message="", class_name=f"({len(chain) - 2 * half} exceptions in between were left out)")
        links = [(_described(each, nesting), is_cause) for each, is_cause in chain[:half]]
        links.append((gap, chain[half][1]))
        links += [(_described(each, nesting), is_cause) for each, is_cause in chain[-half:]]
    found, found_is_cause = links.pop()
    while links:
        info, is_cause = links.pop()
        found = replace(info, cause=found) if found_is_cause else replace(info, context=found)
        found_is_cause = is_cause
    return found


def _first_line(value: object) -> str:
    text = str(value)
    first = text.splitlines()[0] if text else ""
    return first if len(first) <= _MOST_OF_METADATA else f"{first[:_MOST_OF_METADATA]}..."


def _is_of_library(file: str) -> bool:
    parts = file.split(os.sep)  # noqa: PTH206  # as above: no pathlib
    return file.startswith((_STANDARD_LIBRARY, "<")) or "site-packages" in parts or "dist-packages" in parts


def _chain(error: BaseException) -> list[tuple[BaseException, bool]]:
    """`error`, what it came from, what that came from, and so on; each with whether the one before names it as its cause."""
    chain = [(error, False)]
    seen = {id(error)}
    while True:
        last = chain[-1][0]
        is_cause = last.__cause__ is not None
        following = last.__cause__ if is_cause or last.__suppress_context__ else last.__context__
        if following is None or id(following) in seen:
            return chain
        chain.append((following, is_cause))
        seen.add(id(following))


def _described(error: BaseException, nesting: int) -> ErrorInfo:
    """`error` without its chain; of a group also what is in it, at most `nesting` groups deep."""
    kind = type(error)
    module = str(kind.__module__)  # some classes have none
    members = error.exceptions if _is_group(error) and nesting else ()
    return ErrorInfo(
        message=shortened(_message(error), _MOST_CHARACTERS),
        class_name=kind.__qualname__ if module in ("builtins", "__main__", "None") else f"{module}.{kind.__qualname__}",
        frames=_frames(error),
        code=_code(error) if module.startswith("weft.") else None,
        group=tuple(_with_chain(one, nesting - 1) for one in members[:_MOST_OF_A_CHAIN]),
    )


def _is_group(error: Any) -> TypeGuard[Any]:
    """Whether it is an ``ExceptionGroup``: built in from Python 3.11 on, a backport before."""
    return any(base.__name__ == "BaseExceptionGroup" for base in type(error).__mro__)


def _message(error: BaseException) -> str:
    try:
        message = str(error.msg if isinstance(error, SyntaxError) and error.lineno else error)
        notes = getattr(error, "__notes__", None)  # added by ``error.add_note(...)``
        if isinstance(notes, list):
            message = "\n".join([message, *map(str, notes)])
    except Exception as broken:  # noqa: BLE001  # a user's __str__ may raise anything
        return f"(its text could not be made: {type(broken).__name__})"
    # What UTF-8 cannot carry, such as an undecodable file name, could not be stored.
    return message if message.isascii() else message.encode("utf-8", "backslashreplace").decode()


def _code(error: BaseException) -> str | None:
    code = getattr(error, "code", None)
    return code if isinstance(code, str) else None


def shortened(text: str, most: int) -> str:
    """`text` with at most `most` characters of it, and how many more there were."""
    return text if len(text) <= most else f"{text[:most]}\n... ({len(text) - most:,} more characters were left out)"


def _frames(error: BaseException) -> tuple[Frame, ...]:
    import traceback

    summary = traceback.extract_tb(error.__traceback__)
    kept = summary if len(summary) <= _MOST_FRAMES else [*summary[: _MOST_FRAMES // 2], *summary[-_MOST_FRAMES // 2 :]]
    frames = tuple(
        Frame(
            item.filename,
            item.lineno or 0,
            item.name,
            shortened(item.line or "", _MOST_CHARACTERS_OF_A_LINE),
            item.filename.startswith(_FOLDED),
        )
        for item in kept
    )
    return (*frames, *_syntax_frame(error)) if isinstance(error, SyntaxError) else frames


def _syntax_frame(error: SyntaxError) -> tuple[Frame, ...]:
    """The line that could not be compiled, with a caret below the place: no frame of the traceback, but what the reader looks for."""
    if error.filename is None or not error.lineno:
        return ()
    text = (error.text or "").rstrip()
    code = text.lstrip()
    if code and error.offset:
        start = max(0, error.offset - 1 - (len(text) - len(code)))
        is_same_line = error.end_lineno in (None, error.lineno)
        width = (error.end_offset or 0) - error.offset if is_same_line else len(code) - start
        code = f"{code}\n{' ' * start}{'^' * max(1, min(width, len(code) - start))}"
    return (Frame(error.filename, error.lineno, "<module>", code, False),)
