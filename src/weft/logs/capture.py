"""Capturing what this process writes to stdout and stderr, in files.

The descriptors 1 and 2 themselves are redirected, so that C code and child processes are captured without knowing it. Nobody has to read
for the writer to go on, and a killed process loses only what its own buffers held. Why so: ``docs/design/0003-capture-to-files.md``.

- A capture is for the whole process: what another thread prints lands in the same files, in the range of whichever step is running.
- Captures nest: the latest one takes all output until it ends. They may end in any order, as those of several threads do: one that ends below
  another leaves to it what it would have put back itself.
- Python's own streams write line by line while captured, in UTF-8 whatever the locale, so that a line is in the file when `print` returns.
- ``sys.stdout`` may be an object that does not write to descriptor 1 (pytest, notebooks) or absent (``pythonw``). Then it is replaced for the
  duration. A logging handler that was made before and holds such an object keeps it, and is not captured.
- What was written to C's stdout stays in its buffer until the next `mark`, unless the C code flushes.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, TextIO

if sys.platform != "win32":
    import fcntl

Stream = Literal["stdout", "stderr"]
"""One of the two streams of a process."""

SUFFIXES: dict[Stream, str] = {"stdout": ".out", "stderr": ".err"}
"""What is put behind the key of a capture to name its files."""

_DESCRIPTORS: dict[Stream, int] = {"stdout": 1, "stderr": 2}
_FIRST_FREE = 3


class OutputCapture:
    """While open, all that this process writes to stdout and stderr is appended to ``<file_key>.out`` and ``.err`` in `folder`.

    Args:
        folder: an existing folder.
        file_key: names the pair of files; one component, checked by whoever takes it from outside (`weft.ids.check_file_key`).

    >>> with OutputCapture(folder, "run") as capture:
    ...     start = capture.mark()
    ...     step()
    ...     end = capture.mark()
    """

    def __init__(self, folder: Path, file_key: str) -> None:
        self.folder = folder
        self.file_key = file_key
        self._undo = ExitStack()
        self._out = _Redirection("stdout", self.path("stdout"))
        self._err = _Redirection("stderr", self.path("stderr"))
        self._flush_c: Callable[[], object] = _nothing

    def path(self, stream: Stream) -> Path:
        """The file of a stream."""
        return self.folder / (self.file_key + SUFFIXES[stream])

    @property
    def original_stdout_fd(self) -> int | None:
        """Where descriptor 1 led before; None where it was closed, and outside of the context."""
        return self._out.original_fd

    @property
    def original_stderr_fd(self) -> int | None:
        """Where descriptor 2 led before; None where it was closed, and outside of the context."""
        return self._err.original_fd

    @property
    def starts(self) -> tuple[int, int]:
        """The sizes of both files when the capture began."""
        return self._out.start, self._err.start

    def mark(self) -> tuple[int, int]:
        """Flush, then the sizes of both files in bytes. What lies between two marks was written between them."""
        self._flush()
        return self._out.size(), self._err.size()

    def write_original(self, stream: Stream, text: str) -> None:
        """Write past the capture, to where `stream` led before it. Once nobody reads there any more, nothing is written."""
        (self._out if stream == "stdout" else self._err).write_original(text)

    def __enter__(self) -> OutputCapture:
        self._flush_c = _c_flush()
        with ExitStack() as undo:
            # What was written before goes to where it was meant to go.
            self._flush()
            self._out.begin(undo)
            self._err.begin(undo)
            undo.callback(self._flush)
            self._undo = undo.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._undo.close()

    def _flush(self) -> None:
        out, err = sys.stdout, sys.stderr
        _flush(out)
        _flush(err)
        # User code may have put other objects in front of those that were captured.
        if self._out.python is not out:
            _flush(self._out.python)
        if self._err.python is not err:
            _flush(self._err.python)
        self._flush_c()


# Held while descriptors are led elsewhere. Of each stream, the redirections that have not ended, the one that has it last.
_lock = threading.Lock()
_redirections: dict[Stream, list[_Redirection]] = {"stdout": [], "stderr": []}


def _renew_lock() -> None:
    global _lock  # noqa: PLW0603  # a thread that does not exist in the child may have held it
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


class _Redirection:
    """One stream on its way into a file."""

    __slots__ = ("_file_fd", "_path", "_replaced", "_settings", "_stream", "original_fd", "python", "start")

    def __init__(self, stream: Stream, path: Path) -> None:
        self._stream: Stream = stream
        self._path = path
        self._file_fd = -1
        self.start = 0
        self.original_fd: int | None = None
        # The object of Python that writes into the file, and the one that stood in its place, if it did not.
        self.python: TextIO | None = None
        self._replaced: TextIO | None = None
        # How that object was set before.
        self._settings: dict[str, Any] | None = None

    def begin(self, undo: ExitStack) -> None:
        """Redirect; what takes it back is put on `undo`."""
        fd = _DESCRIPTORS[self._stream]
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        file_fd = _moved_up(os.open(self._path, flags, 0o600))
        undo.callback(os.close, file_fd)
        self._file_fd = file_fd
        self.start = self.size()
        with _lock:
            self.original_fd = _duplicate(fd)
            undo.callback(self._end, fd)
            _redirections[self._stream].append(self)
            os.dup2(file_fd, fd)
            self._begin_in_python(fd)

    def size(self) -> int:
        return os.lseek(self._file_fd, 0, os.SEEK_END)

    def write_original(self, text: str) -> None:
        try:
            if self._replaced is not None:
                self._replaced.write(text)
                self._replaced.flush()
            elif self.original_fd is not None:
                _write_all(self.original_fd, text.encode("utf-8", "backslashreplace"))
        except OSError:  # its reader has gone, as in ``weft run | head``; the file has it all
            self._replaced = self.original_fd = None

    def _begin_in_python(self, fd: int) -> None:
        name = self._stream
        current: Any = getattr(sys, name)
        if _writes_to(current, fd):
            self.python = current
            if hasattr(current, "reconfigure"):
                self._settings = {key: getattr(current, key) for key in ("encoding", "errors", "line_buffering")}
                _quietly(current.reconfigure, encoding="utf-8", errors="backslashreplace", line_buffering=True)
            return
        # Never closed: whoever keeps it beyond the capture then writes to the descriptor as it is by then.
        replacement = open(fd, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
        self.python, self._replaced = replacement, current
        setattr(sys, name, replacement)

    def _end(self, fd: int) -> None:
        """Put everything back, or leave it to the next redirection where that one has taken the stream over from this one."""
        with _lock:
            active = _redirections[self._stream]
            place = active.index(self)
            del active[place]
            if place < len(active):
                self._bequeath(active[place])
            else:
                self._put_back(fd)
        self._settings = self._replaced = self.python = None

    def _put_back(self, fd: int) -> None:
        name, python, original = self._stream, self.python, self.original_fd
        if self._settings is not None:
            _quietly(getattr(python, "reconfigure"), **self._settings)  # noqa: B009  # a TextIO need not have it
        elif getattr(sys, name) is python:
            setattr(sys, name, self._replaced)
        self.original_fd = None
        if original is None:
            os.close(fd)
        else:
            os.dup2(original, fd)
            os.close(original)

    def _bequeath(self, heir: _Redirection) -> None:
        # The heir's original is our file; what it has to put back is ours.
        heir.original_fd, own = self.original_fd, heir.original_fd
        self.original_fd = None
        if own is not None:
            os.close(own)
        if heir.python is self.python:
            heir._settings, heir._replaced = self._settings, self._replaced


def _writes_to(stream: Any, fd: int) -> bool:
    try:
        return stream is not None and stream.fileno() == fd
    except (AttributeError, OSError, ValueError):  # no file behind it, or closed
        return False


def _flush(stream: TextIO | None) -> None:
    """Flush where it can be done. Capturing must not fail a step: a closed stream or a full disk shows when user code writes."""
    if stream is not None:
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            return


def _quietly(reconfigure: Callable[..., None], **settings: Any) -> None:
    """Change settings of a stream, unless user code has closed or detached it meanwhile."""
    try:
        reconfigure(**settings)
    except (OSError, ValueError):
        return


def _duplicate(fd: int) -> int | None:
    """Another descriptor for the same, not inherited and above the standard ones; None where `fd` is closed."""
    try:
        return os.dup(fd) if sys.platform == "win32" else fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _FIRST_FREE)
    except OSError:
        return None


def _moved_up(fd: int) -> int:
    """`fd`, or another for the same above the standard ones: where one of those is closed, a new file gets its number."""
    if fd >= _FIRST_FREE:
        return fd
    moved = _duplicate(fd)
    os.close(fd)
    assert moved is not None
    return moved


def _write_all(fd: int, data: bytes) -> None:
    while data:
        try:
            data = data[os.write(fd, data) :]
        except BlockingIOError:  # somebody made the terminal non-blocking
            import select

            select.select((), (fd,), ())


def _nothing() -> None:
    pass


def prepare_capture() -> None:
    """Do before a fork what a capture does the first time."""
    _c_flush()


_c_flush_function: Callable[[], object] | None = None


def _c_flush() -> Callable[[], object]:
    """Flushes C's stdout. (stderr has no buffer. To flush all of C's files could block, where a thread waits for input from one.)"""
    global _c_flush_function  # noqa: PLW0603  # the library is looked up once per process
    if _c_flush_function is None:
        _c_flush_function = _find_c_flush()
    return _c_flush_function


def _find_c_flush() -> Callable[[], object]:
    try:
        import ctypes

        library = ctypes.CDLL(None)
        function = library.fflush
    except (ImportError, OSError, TypeError, AttributeError):  # no ctypes, or no C library to be found that way
        return _nothing
    for name in ("stdout", "__stdoutp"):  # Linux; macOS and BSD
        try:
            file = ctypes.c_void_p.in_dll(library, name)
        except ValueError:
            continue
        return lambda: function(file)
    return _nothing
