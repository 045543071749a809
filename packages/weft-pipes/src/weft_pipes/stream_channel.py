"""Messages among what the program prints."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, TextIO

from weft_pipes.channel import PipesMessageWriterChannel, line_of
from weft_pipes.errors import PipesError


class StreamChannel(PipesMessageWriterChannel):
    """Writes each message as a line of stdout or stderr.

    Args:
        stream: which.
    """

    def __init__(self, stream: str) -> None:
        self._stream = stream_of(stream)

    def write_message(self, message: Mapping[str, Any]) -> None:
        """See `PipesMessageWriterChannel`."""
        # With its end in one piece, so that no other thread prints in between.
        self._stream.write(line_of(message).decode("ascii"))
        self._stream.flush()

    def close(self) -> None:
        """Nothing to do: the stream is not this channel's."""


class BufferedStreamChannel(PipesMessageWriterChannel):
    """Writes all messages when it closes. For platforms that keep only the end of what a program prints; a kill loses them.

    Args:
        stream: stdout or stderr.
    """

    def __init__(self, stream: str) -> None:
        self._stream = stream_of(stream)
        self._lines: list[str] = []

    def write_message(self, message: Mapping[str, Any]) -> None:
        """See `PipesMessageWriterChannel`."""
        self._lines.append(line_of(message).decode("ascii"))

    def close(self) -> None:
        """Write all messages."""
        self._stream.write("".join(self._lines))
        self._stream.flush()
        self._lines = []


def stream_of(name: str) -> TextIO:
    """The stream of that name, as it is now.

    Raises:
        PipesError: there is none.
    """
    if name not in ("stdout", "stderr"):
        raise PipesError(f"messages were to go to {name!r}, which is neither stdout nor stderr")
    return sys.stdout if name == "stdout" else sys.stderr
