"""What a program prints, sent as messages too: for where the orchestrator cannot see its output.

The descriptors themselves are replaced by pipes, so that the output of libraries and of children is seen as well; a thread for each copies what comes to
where it went before, and sends it on.
"""

from __future__ import annotations

import codecs
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_PIECE_BYTES = 1 << 16
_STREAMS = {"stdout": 1, "stderr": 2}
# What still holds the pipe open after the end, such as a process in the background, is not waited for.
_LAST_WORD_SECONDS = 5.0


@contextmanager
def captured_stdio(send: Callable[[str, str], None]) -> Iterator[None]:
    """While open, what is written to stdout and stderr is handed to `send`: name of the stream, text."""
    copies = [_Copy(name, number, send) for name, number in _STREAMS.items()]
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        for copy in copies:
            copy.stop()


class _Copy:
    def __init__(self, name: str, number: int, send: Callable[[str, str], None]) -> None:
        self._name = name
        self._number = number
        self._send = send
        self._before = os.dup(number)
        self._read_end, write_end = os.pipe()
        os.dup2(write_end, number)
        os.close(write_end)
        self._thread = threading.Thread(target=self._run, name=f"pipes {name}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Put the stream back, and wait until all that was printed is sent."""
        os.dup2(self._before, self._number)  # closes the last writing end of this process
        self._thread.join(_LAST_WORD_SECONDS)

    def _run(self) -> None:
        decode = codecs.getincrementaldecoder("utf-8")("backslashreplace").decode
        while True:
            data: bytes | None = os.read(self._read_end, _PIECE_BYTES)
            if not data:
                break
            os.write(self._before, data)
            text = decode(data)
            if text:
                self._send(self._name, text)
