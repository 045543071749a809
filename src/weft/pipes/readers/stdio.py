"""Messages in a stream that carries other text as well: a line that is a message is handled, every other goes to the output of the step."""

from __future__ import annotations

import os
import selectors
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Literal

from weft.errors import InvocationError
from weft.pipes.messages import PipesMessageHandler
from weft.pipes.protocol import PipesParams
from weft.pipes.reader import PipesMessageReader
from weft.pipes.readers.lines import LineBuffer

_PIECE_BYTES = 1 << 16
# How long the stream may be silent after the program has ended, before what still holds it open is left to itself.
_SILENCE_SECONDS = 1.0


class PipesStdioMessageReader(PipesMessageReader):
    """Reads messages from what the program prints. For programs whose only way out is their output: containers, remote shells.

    `PipesSubprocessClient` hands it the stream by itself; a client of your own calls `consume`, or `feed` with pieces as it gets them.

    Args:
        stream: which of its two streams the program writes messages to.
    """

    def __init__(self, stream: Literal["stdout", "stderr"] = "stderr") -> None:
        self.stream = stream
        self._handler: PipesMessageHandler | None = None
        self._threads: list[threading.Thread] = []
        self._lines = LineBuffer()
        self._done = threading.Event()

    @contextmanager
    def read_messages(self, handler: PipesMessageHandler) -> Iterator[PipesParams]:
        """See `PipesMessageReader`."""
        self._handler, self._threads, self._lines, self._done = handler, [], LineBuffer(), threading.Event()
        try:
            yield {"stdio": self.stream}
        finally:
            self._done.set()
            for thread in self._threads:
                thread.join()
            self._take(self._lines.take_rest())
            self._handler = None

    def consume(self, stream: IO[bytes]) -> None:
        """Read a stream to its end, in a thread; the session waits for it."""
        thread = threading.Thread(
            target=self._read, args=(stream, self._done), name=f"pipes {self.stream}", daemon=True
        )
        self._threads.append(thread)
        thread.start()

    def feed(self, data: bytes) -> None:
        """Take a piece of the stream.

        Raises:
            InvocationError: (WEFT-I201) no session is open.
        """
        if self._handler is None:
            raise InvocationError(
                "a stream was handed to a reader of messages without a session.",
                code="WEFT-I201",
                fix="call it while open_pipes_session(...) is open with this reader",
            )
        self._take(self._lines.feed(data))

    def no_messages_debug_text(self) -> str:
        """See `PipesMessageReader`."""
        return f"among the lines that it prints to {self.stream}"

    def stdio_readers(self) -> Iterator[PipesStdioMessageReader]:
        """See `PipesMessageReader`."""
        yield self

    def _read(self, stream: IO[bytes], done: threading.Event) -> None:
        handler = self._handler
        assert handler is not None
        try:
            with stream:
                for data in _pieces(stream, done):
                    self.feed(data)
        except BaseException as error:  # noqa: BLE001  # a thread has nobody to raise to
            handler.fail(error)

    def _take(self, lines: bytes) -> None:
        handler = self._handler
        if handler is None or not lines:
            return
        for line in lines.splitlines(keepends=True):
            handler.handle_stream_line(line, self._forward)

    def _forward(self, line: bytes) -> None:
        # The text of the program, on the stream that it used.
        stream = sys.stdout if self.stream == "stdout" else sys.stderr
        stream.write(line.decode("utf-8", "backslashreplace"))
        stream.flush()


def _pieces(stream: IO[bytes], done: threading.Event) -> Iterator[bytes]:
    """What can be read, as it comes, to the end of the stream.

    The end may never come: what the program left running in the background has the stream open as well. So once the session is over, silence ends it.
    """
    try:
        fd = stream.fileno()
    except (AttributeError, OSError):
        fd = -1
    if fd < 0 or sys.platform == "win32":  # where one cannot wait for a pipe with a timeout
        while data := getattr(stream, "read1", stream.read)(_PIECE_BYTES):
            yield data
        return
    with selectors.DefaultSelector() as selector:
        try:
            selector.register(fd, selectors.EVENT_READ)
        except (OSError, ValueError):  # a plain file is always readable, and epoll has no place for it
            is_pollable = False
        else:
            is_pollable = True
        while True:
            is_over = done.is_set()
            if is_pollable and not selector.select(_SILENCE_SECONDS):
                if is_over:
                    return
                continue
            data = os.read(fd, _PIECE_BYTES)
            if not data:
                return
            yield data
