"""Messages from a file that the program appends to.

A thread follows the file. It reads what is there in big pieces, and where there is nothing it waits a little, longer each time up to a bound that
nobody notices; the end of the session wakes it at once, and it reads to the end before it goes. So a message is seen within milliseconds while
messages come, and a program that is silent for hours costs next to nothing. The kernel keeps what a killed program wrote.

Where the file is replaced or cut short while it is read, the thread begins again at the start of what is there now. Writers of ours notice it as
well and write again whatever was not acknowledged (in a small file beside); those messages carry numbers, so none is handled twice.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from weft.errors import Problem
from weft.pipes.messages import PipesMessageHandler
from weft.pipes.protocol import INCLUDE_STDIO, MalformedMessage, PipesParams, decode_line
from weft.pipes.reader import PipesMessageReader
from weft.pipes.readers.lines import LineBuffer

_PIECE_BYTES = 1 << 20
_SHORTEST_WAIT_SECONDS = 0.001
# Twenty looks a second cost about a thousandth of a processor.
_LONGEST_WAIT_SECONDS = 0.05


class PipesFileMessageReader(PipesMessageReader):
    """Follows a file that the program appends messages to, one a line.

    Args:
        path: the file; made where it does not exist.
        include_stdio_in_messages: ask the program to send what it prints as messages too, for where its output cannot be seen otherwise.
        cleanup_file: remove the file in the end.
    """

    def __init__(
        self, path: str | os.PathLike[str], include_stdio_in_messages: bool = False, cleanup_file: bool = True
    ) -> None:
        self._path = Path(path)
        self._include_stdio = include_stdio_in_messages
        self._cleanup = cleanup_file

    @contextmanager
    def read_messages(self, handler: PipesMessageHandler) -> Iterator[PipesParams]:
        """See `PipesMessageReader`."""
        os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        acks = self._path.with_name(f"{self._path.name}.acks")
        try:
            with followed(self._path, acks, handler):
                yield {"path": str(self._path), INCLUDE_STDIO: self._include_stdio, "weft_acks": str(acks)}
        finally:
            acks.unlink(missing_ok=True)
            if self._cleanup:
                self._path.unlink(missing_ok=True)

    def no_messages_debug_text(self) -> str:
        """See `PipesMessageReader`."""
        return f"in the file {self._path}"


class PipesTempFileMessageReader(PipesMessageReader):
    """Follows a file in a temporary folder of its own.

    Args:
        include_stdio_in_messages: see `PipesFileMessageReader`.
    """

    def __init__(self, include_stdio_in_messages: bool = False) -> None:
        self._include_stdio = include_stdio_in_messages

    @contextmanager
    def read_messages(self, handler: PipesMessageHandler) -> Iterator[PipesParams]:
        """See `PipesMessageReader`."""
        with tempfile.TemporaryDirectory(prefix="weft-pipes-", ignore_cleanup_errors=True) as folder:
            reader = PipesFileMessageReader(Path(folder) / "messages", self._include_stdio)
            with reader.read_messages(handler) as params:
                yield params

    def no_messages_debug_text(self) -> str:
        """See `PipesMessageReader`."""
        return "in a temporary file"


@contextmanager
def followed(path: Path, acks: Path, handler: PipesMessageHandler) -> Iterator[None]:
    """While open, lines that are appended to `path` are handed to `handler`; on closing, all that are there have been."""
    done = threading.Event()
    follower = _Follower(path, acks, handler, done)
    thread = threading.Thread(target=follower.run, name=f"pipes messages {path.name}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


class _Follower:
    """One thread's work on one file."""

    def __init__(self, path: Path, acks: Path, handler: PipesMessageHandler, done: threading.Event) -> None:
        self._path = path
        self._handler = handler
        self._done = done
        self._acks = _Acks(acks, handler)
        self._lines = LineBuffer()

    def run(self) -> None:
        """Follow the file until the session is over. What goes wrong is raised by the session."""
        try:
            self._follow()
        except BaseException as error:  # noqa: BLE001  # a thread has nobody to raise to
            self._handler.fail(error)

    def _follow(self) -> None:
        fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        wait = _SHORTEST_WAIT_SECONDS
        try:
            while True:
                # Asked before reading: what was written before the end is seen by the read that follows.
                is_last = self._done.is_set()
                data = os.read(fd, _PIECE_BYTES)
                if data:
                    self._take(data)
                    wait = _SHORTEST_WAIT_SECONDS
                    continue
                again = self._reopened(fd)
                if again is not None:
                    self._end_of_lines()
                    os.close(fd)
                    fd = again
                elif is_last:
                    break
                else:
                    self._done.wait(wait)
                    wait = min(2 * wait, _LONGEST_WAIT_SECONDS)
        finally:
            os.close(fd)
        self._end_of_lines()

    def _take(self, data: bytes) -> None:
        whole = self._lines.feed(data)
        if whole:
            self._handler.handle_lines(whole)
            self._acks.write()

    def _reopened(self, fd: int) -> int | None:
        """The file that stands at the path now, from its start, where it is another one or was cut short; otherwise None."""
        try:
            there, ours = self._path.stat(), os.fstat(fd)
        except FileNotFoundError:  # between the removal of one and the appearance of another
            return None
        is_same = (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)
        if is_same and ours.st_size >= os.lseek(fd, 0, os.SEEK_CUR):
            return None
        with contextlib.suppress(FileNotFoundError):
            return os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        return None

    def _end_of_lines(self) -> None:
        """What comes after the last end of line: whole, where the writer leaves that out; otherwise its writer was killed within it."""
        rest = self._lines.take_rest()
        if not rest.strip(b"\0 \r\n\t"):
            return
        try:
            decode_line(rest)
        except MalformedMessage:
            self._handler.problem(
                Problem(
                    "WEFT-X209",
                    "The last message of the external process is incomplete: it was ended while it wrote it.",
                    facts={"written": rest[:300].decode("utf-8", "backslashreplace"), "bytes": len(rest)},
                    fix="see why the process ended",
                )
            )
        else:
            self._handler.handle_line(rest)


class _Acks:
    """Which messages of writers of ours were handled, in a small file beside that of the messages: writer and number, one a line.

    Only writers that number their messages look at it, so it is made when the first of these is seen.
    """

    def __init__(self, path: Path, handler: PipesMessageHandler) -> None:
        self._path = path
        self._handler = handler
        self._written: dict[str, int] = {}

    def write(self) -> None:
        """Write down what changed. Replaces the file, so that nobody reads half of it."""
        now = self._handler.last_seqs()
        if now == self._written:
            return
        beside = self._path.with_name(f"{self._path.name}.new")
        beside.write_text("".join(f"{writer} {seq}\n" for writer, seq in now.items()), encoding="utf-8")
        beside.replace(self._path)
        self._written = now
