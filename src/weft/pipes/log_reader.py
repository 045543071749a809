"""What a program prints where this process cannot see it: fetched while the session is open, and written to the output of the step.

These are for people. Messages do not depend on them: they have a channel of their own.
"""

from __future__ import annotations

import sys
import threading
from abc import ABC, abstractmethod
from typing import TextIO

from weft.pipes.protocol import PipesParams


class PipesLogReader(ABC):
    """Fetches the log of a program. Subclass it where you have a way of your own, and give it to a reader of messages."""

    @abstractmethod
    def start(self, params: PipesParams, is_session_closed: threading.Event) -> None:
        """Begin to read, in a thread; when `is_session_closed` is set, read to the end and stop.

        Args:
            params: those of the reader of messages, and what is known since the program was launched and opened the channel.
            is_session_closed: set when the program has ended.
        """

    @abstractmethod
    def stop(self) -> None:
        """Wait until all is read that was there when the session closed."""

    @abstractmethod
    def is_running(self) -> bool:
        """Whether it has begun and not ended."""

    @abstractmethod
    def target_is_readable(self, params: PipesParams) -> bool:
        """Whether there is something to read already, such as a file that has appeared."""

    @property
    def name(self) -> str:
        """What it is called in the log."""
        return type(self).__name__


class PipesChunkedLogReader(PipesLogReader):
    """Fetches a log piece by piece: subclasses say how to get the next piece.

    Args:
        interval: seconds between two looks.
        target_stream: where the pieces are written; the output of the step unless given.
        debug_info: what to call it in the log.
    """

    def __init__(
        self, *, interval: float = 10, target_stream: TextIO | None = None, debug_info: str | None = None
    ) -> None:
        self.interval = interval
        self._target_stream = target_stream
        self._debug_info = debug_info
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None

    @property
    def target_stream(self) -> TextIO:
        """Where the pieces are written."""
        return self._target_stream or sys.stdout

    @property
    def name(self) -> str:
        """See `PipesLogReader`."""
        return self._debug_info or super().name

    @abstractmethod
    def download_log_chunk(self, params: PipesParams) -> str | None:
        """The next piece; None or empty where there is nothing more for now."""

    def start(self, params: PipesParams, is_session_closed: threading.Event) -> None:
        """See `PipesLogReader`."""
        self._thread = threading.Thread(
            target=self._follow, args=(params, is_session_closed), name=f"pipes log {self.name}", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """See `PipesLogReader`.

        Raises:
            Exception: what ended the reading.
        """
        if self._thread is not None:
            self._thread.join()
        if self._failure is not None:
            raise self._failure

    def is_running(self) -> bool:
        """See `PipesLogReader`."""
        return self._thread is not None and self._thread.is_alive()

    def _follow(self, params: PipesParams, is_session_closed: threading.Event) -> None:
        try:
            while True:
                # Asked before looking, so that the look after the end sees all.
                is_last = is_session_closed.is_set()
                while chunk := self.download_log_chunk(params):
                    self.target_stream.write(chunk)
                    self.target_stream.flush()
                if is_last:
                    return
                is_session_closed.wait(self.interval)
        except BaseException as error:  # noqa: BLE001  # raised by `stop`, in a thread that has a caller
            self._failure = error
