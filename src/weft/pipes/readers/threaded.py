"""Messages that are fetched: a thread looks at intervals, at the end once more, and for a while longer where the end has not been heard of.

A look that fails is no loss: the next one takes up where the last good one stopped. Only when the last of all fails, the session fails.
"""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from weft.clock import SYSTEM_CLOCK, Clock
from weft.errors import PipesExecutionError
from weft.pipes.log_reader import PipesLogReader
from weft.pipes.messages import PipesMessageHandler
from weft.pipes.protocol import PipesLaunchedData, PipesOpenedData, PipesParams
from weft.pipes.reader import PipesMessageReader

# How long messages may be on their way after the program has ended: stores show what was written with a delay.
LATE_SECONDS = 10.0
# How long the log of a program may take to appear.
LATE_LOG_SECONDS = 60.0
_LATE_CHECK_SECONDS = 0.25


class PipesThreadedMessageReader(PipesMessageReader):
    """Fetches messages at intervals: subclasses say how.

    Args:
        interval: seconds between two looks.
        log_readers: fetch what the program prints as well.
        late_seconds: how long to look for messages after the program has ended, where it has not closed the channel.
        clock: where time comes from.
    """

    def __init__(
        self,
        interval: float = 10,
        log_readers: Sequence[PipesLogReader] | None = None,
        *,
        late_seconds: float = LATE_SECONDS,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.interval = interval
        self.log_readers = list(log_readers or ())
        self.opened_payload: PipesOpenedData | None = None
        self.launched_payload: PipesLaunchedData | None = None
        self._late_seconds = late_seconds
        self._clock = clock

    @abstractmethod
    def get_params(self) -> AbstractContextManager[PipesParams]:
        """While open, the place for messages is there; gives what the program has to know of it."""

    @abstractmethod
    def download_messages(self, cursor: Any, params: PipesParams) -> tuple[Any, str] | None:
        """What was written since `cursor` (None at first), as lines, and the cursor behind it; None where there is nothing."""

    def can_start(self, params: PipesParams) -> bool:
        """Whether there can be messages already; asked until it is so."""
        return True

    def add_log_reader(self, log_reader: PipesLogReader) -> None:
        """Fetch this log too, from the next session on."""
        self.log_readers.append(log_reader)

    def on_opened(self, opened_payload: PipesOpenedData) -> None:
        """See `PipesMessageReader`."""
        self.opened_payload = opened_payload

    def on_launched(self, launched_payload: PipesLaunchedData) -> None:
        """See `PipesMessageReader`."""
        self.launched_payload = launched_payload

    @contextmanager
    def read_messages(self, handler: PipesMessageHandler) -> Iterator[PipesParams]:
        """See `PipesMessageReader`."""
        self.opened_payload = self.launched_payload = None
        with self.get_params() as params:
            done, all_read = threading.Event(), threading.Event()
            threads = [
                threading.Thread(
                    target=target, args=(handler, params, done, all_read), name=f"pipes {what}", daemon=True
                )
                for what, target in (("messages", self._fetch), ("logs", self._start_logs))
            ]
            for thread in threads:
                thread.start()
            try:
                yield params
            finally:
                done.set()
                for thread in threads:
                    thread.join()

    def _known_params(self, params: PipesParams) -> PipesParams:
        extras = {
            **((self.launched_payload or {}).get("extras") or {}),
            **((self.opened_payload or {}).get("extras") or {}),
        }
        return {**params, **extras, "extras": extras}

    # --- messages ----------------------------------------------------------------------------------------------------

    def _fetch(
        self, handler: PipesMessageHandler, params: PipesParams, done: threading.Event, all_read: threading.Event
    ) -> None:
        try:
            self._fetch_until_done(handler, params, done)
        except BaseException as error:  # noqa: BLE001  # a thread has nobody to raise to
            handler.fail(error)
        finally:
            all_read.set()

    def _fetch_until_done(self, handler: PipesMessageHandler, params: PipesParams, done: threading.Event) -> None:
        cursor: Any = None
        late_until: float | None = None
        never = threading.Event()
        while True:
            # Asked before looking: a look that begins after the end sees what was written before it.
            is_done = done.is_set()
            failure: Exception | None = None
            try:
                if cursor is not None or self.can_start(self._known_params(params)):
                    cursor = self._look(handler, params, cursor)
            except Exception as error:  # noqa: BLE001  # the store of a user; the next look may succeed
                failure = error
                handler.report_pipes_framework_exception(f"{type(self).__name__}, reading messages", error)
            if not is_done:
                self._clock.wait(done, self.interval)
                continue
            if handler.received_closed_message and failure is None:
                return
            now = self._clock.monotonic()
            if late_until is None:
                late_until = now + self._late_seconds
            if now >= late_until:
                if failure is not None:
                    raise _unreadable(self, failure) from failure
                return
            self._clock.wait(never, min(_LATE_CHECK_SECONDS, self.interval, late_until - now))

    def _look(self, handler: PipesMessageHandler, params: PipesParams, cursor: Any) -> Any:
        while (found := self.download_messages(cursor, params)) is not None:
            cursor, text = found
            handler.handle_lines(text.encode("utf-8", "surrogatepass"))
        return cursor

    # --- logs --------------------------------------------------------------------------------------------------------

    def _start_logs(
        self, handler: PipesMessageHandler, params: PipesParams, done: threading.Event, all_read: threading.Event
    ) -> None:
        waiting, started = list(self.log_readers), []
        late_until: float | None = None
        never = threading.Event()
        while waiting:
            known = self._known_params(params)
            for reader in list(waiting):
                try:
                    if reader.target_is_readable(known):
                        reader.start(known, done)
                        started.append(reader)
                        waiting.remove(reader)
                except Exception as error:  # noqa: BLE001  # as above; a log is not worth the step
                    waiting.remove(reader)
                    handler.report_pipes_framework_exception(f"the log reader {reader.name}", error)
            if not waiting:
                break
            if done.is_set() and not all_read.is_set():
                # The message that says where the log is may be among the last.
                all_read.wait()
            elif done.is_set():
                # Of a program that never began there will be no log.
                limit = LATE_LOG_SECONDS if handler.received_opened_message else 0.0
                now = self._clock.monotonic()
                late_until = now + limit if late_until is None else late_until
                if now >= late_until:
                    for reader in waiting:
                        handler.report_pipes_framework_message(reader.name, "there was no log to read")
                    break
                self._clock.wait(never, _LATE_CHECK_SECONDS)
            else:
                self._clock.wait(done, min(1.0, self.interval))
        done.wait()
        for reader in started:
            try:
                reader.stop()
            except Exception as error:  # noqa: BLE001  # as above
                handler.report_pipes_framework_exception(f"the log reader {reader.name}", error)


def _unreadable(reader: PipesMessageReader, failure: Exception) -> PipesExecutionError:
    return PipesExecutionError(
        "the messages of the external process could not be read to their end.",
        code="WEFT-X216",
        facts={"where": reader.no_messages_debug_text(), "why": f"{type(failure).__name__}: {failure}"},
        fix="see that the place can be reached; run the step again",
    )
