"""Bytes into lines, whatever the pieces in which they come."""

from __future__ import annotations


class LineBuffer:
    """Takes pieces of a stream and gives back whole lines.

    Law: what `feed` returns, put together, and the `rest` at the end are the bytes that were fed; nothing but the last line is ever held back.
    """

    __slots__ = ("_parts",)

    def __init__(self) -> None:
        # Joined only when a line ends: a very long line in small pieces is not copied for each of them.
        self._parts: list[bytes] = []

    def feed(self, data: bytes) -> bytes:
        """Take a piece; returns the lines that are whole now, with their ends."""
        end = data.rfind(b"\n") + 1
        if not end:
            if data:
                self._parts.append(data)
            return b""
        whole = b"".join((*self._parts, data[:end]))
        self._parts = [data[end:]] if end < len(data) else []
        return whole

    @property
    def rest(self) -> bytes:
        """The line that has not ended."""
        return b"".join(self._parts)

    def take_rest(self) -> bytes:
        """The line that has not ended; forgets it."""
        rest = self.rest
        self._parts = []
        return rest
