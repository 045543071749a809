"""Showing captured output while it is written: a thread that reads on in growing files."""

from __future__ import annotations

import codecs
import os
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from weft.logs.capture import OutputCapture, Stream

POLL_SECONDS = 0.05
"""How often the files are looked at: at once for a reader's eye, nothing for the machine."""

_SLICE_BYTES = 1 << 16

OnText = Callable[[Stream, str], None]
"""Takes what was written to a stream, in order. Called from the thread of the tail."""


class LiveTail:
    """Hands on what is appended to files, as text: UTF-8, with a replacement character for what is not.

    A character is never split, however its bytes arrive. `stop` first hands on everything that was written before it was called. An error of
    `on_text` ends the tail, and is raised by `stop`.

    Args:
        on_text: where the text goes.
        poll_seconds: how often to look.
    """

    def __init__(self, on_text: OnText, *, poll_seconds: float = POLL_SECONDS) -> None:
        self._on_text = on_text
        self._poll_seconds = poll_seconds
        self._files: list[_GrowingFile] = []
        self._wake = threading.Event()
        # Whoever reads on in the files: the thread, or a caller of `catch_up`.
        self._reading = threading.Lock()
        self._is_stopping = False
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    @classmethod
    def of(
        cls, capture: OutputCapture, on_text: OnText | None = None, *, poll_seconds: float = POLL_SECONDS
    ) -> LiveTail:
        """A tail of an open capture, from its beginning. Without `on_text` it goes to where the process wrote before the capture."""
        tail = cls(on_text or capture.write_original, poll_seconds=poll_seconds)
        out, err = capture.starts
        tail.follow("stdout", capture.path("stdout"), start=out)
        tail.follow("stderr", capture.path("stderr"), start=err)
        return tail

    def follow(self, stream: Stream, path: Path, *, start: int = 0, on_text: OnText | None = None) -> None:
        """Also hand on what is in `path` from the byte `start` on, to `on_text` or to that of the tail. The file may come later; the tail may be
        running.
        """
        self._files = [*self._files, _GrowingFile(stream, path, start, on_text or self._on_text)]
        self.poke()

    def leave(self, path: Path) -> int:
        """Hand on what is in `path` by now, and look at it no more. Gives the position behind it, from which it can be followed again."""
        position = 0
        with self._reading:
            self._hand_on()
            for file in [file for file in self._files if file.path == path]:
                self._files = [one for one in self._files if one is not file]
                position = file.position
                file.finish()
        return position

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._run, name="weft-live-tail", daemon=True)
        self._thread.start()

    def poke(self) -> None:
        """Look now."""
        self._wake.set()

    def catch_up(self) -> None:
        """Hand on, in the thread of the caller, everything that was written so far: for a caller who shows something that comes after it."""
        with self._reading:
            self._hand_on()

    def stop(self) -> None:
        """Hand on what is left and end."""
        self._is_stopping = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        for file in self._files:
            file.close()
        error, self._error = self._error, None
        if error is not None:
            raise error

    def __enter__(self) -> LiveTail:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        try:
            while not self._is_stopping:
                self._wake.wait(self._poll_seconds)
                self._wake.clear()
                self.catch_up()
            self.catch_up()
            for file in self._files:
                file.say_rest()
        except BaseException as error:  # noqa: BLE001  # raised by stop, in the thread that can do something about it
            self._error = error

    def _hand_on(self) -> None:
        for file in self._files:
            while (text := file.read()) is not None:
                if text:
                    file.on_text(file.stream, text)


class _GrowingFile:
    """A file that is read on where the last look ended."""

    def __init__(self, stream: Stream, path: Path, position: int, on_text: OnText) -> None:
        self.stream: Stream = stream
        self.path = path
        self.on_text = on_text
        self._start = position
        self._fd = -1
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def read(self) -> str | None:
        """Some more text, perhaps empty where a character is not complete; None at the end for now."""
        if self._fd < 0:
            try:
                self._fd = os.open(self.path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
            except FileNotFoundError:
                return None
            os.lseek(self._fd, self._start, os.SEEK_SET)
        data = os.read(self._fd, _SLICE_BYTES)
        return self._decoder.decode(data) if data else None

    @property
    def position(self) -> int:
        """Behind what was read."""
        return self._start if self._fd < 0 else os.lseek(self._fd, 0, os.SEEK_CUR)

    def say_rest(self) -> None:
        """Hand on what the bytes of a character that never became complete are shown as."""
        if rest := self._decoder.decode(b"", final=True):
            self.on_text(self.stream, rest)

    def finish(self) -> None:
        """Nothing more is wanted of it."""
        self.say_rest()
        self.close()

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
