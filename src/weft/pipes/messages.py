"""What the messages of an external process do: lines of the log, results of the step, events of the run.

One handler serves one session. Readers call it from their threads with what they read, as soon as they read it; it takes one batch after the other.

- A message that cannot be understood is never passed over: it becomes an error in the log, and where it was a result, the results cannot be had.
- Messages that carry a number (`PipesMessage.seq`) are handled once each, in order, however often they are sent.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from weft.definitions.results import AssetCheckResult, MaterializeResult
from weft.errors import PipesExecutionError, Problem, WeftError
from weft.execution.contexts import ExecutionContext
from weft.model.events import EngineEvent
from weft.model.failure import ErrorInfo, Frame
from weft.model.keys import AssetKey
from weft.model.metadata import AnyMetadataValue, metadata_value
from weft.model.severity import AssetCheckSeverity
from weft.pipes.metadata import KINDS, UnknownMetadataType, metadata_of
from weft.pipes.protocol import (
    MalformedMessage,
    PipesLaunchedData,
    PipesMessage,
    PipesParams,
    decode_line,
    decode_lines,
    message_of,
    split_stream_line,
)

if TYPE_CHECKING:
    from types import TracebackType

    from weft.pipes.reader import PipesMessageReader

PipesExecutionResult = MaterializeResult[Any] | AssetCheckResult
"""What an external process reports of assets: that one was made, or the answer of a check."""

_MOST_SHOWN = 300
_MOST_OF_A_CHAIN = 50


class PipesMessageHandler:
    """Takes the messages of one session. Any thread may call it.

    Args:
        context: the step that they are about.
        message_reader: is told when the program opened the channel.
    """

    def __init__(self, context: ExecutionContext, message_reader: PipesMessageReader) -> None:
        self._context = context
        self._reader = message_reader
        self._log = context.log
        self._lock = threading.RLock()
        self._methods: Mapping[str, Callable[[dict[str, Any]], None]] = {
            "opened": self._opened,
            "closed": self._closed,
            "log": self._logged,
            "report_asset_materialization": self._materialized,
            "report_asset_check": self._checked,
            "report_custom_message": self._custom,
            "log_external_stream": self._stream,
        }
        # Writer to the number of its last message.
        self._last_seq: dict[str, int] = {}
        self._results: list[PipesExecutionResult] = []
        self._custom_messages: list[Any] = []
        self._rejected: list[Problem] = []
        self._failure: BaseException | None = None
        self._opened_count = 0
        self._closed_count = 0
        # How many writers a session has; readers of several say so.
        self.expected_writers = 1
        # What the program said on leaving, where an exception ended it.
        self.exception: ErrorInfo | None = None

    # --- the session -------------------------------------------------------------------------------------------------

    @contextmanager
    def handle_messages(self) -> Iterator[PipesParams]:
        """While open, messages are read and handled; gives what the program has to know of where to write.

        Raises:
            Exception: on closing: what a reader could not cope with, such as a journal that cannot be written.
        """
        with self._reader.read_messages(self) as params:
            yield params
        if self._failure is not None:
            raise self._failure

    @property
    def received_opened_message(self) -> bool:
        """Whether the program opened the channel."""
        return self._opened_count > 0

    @property
    def received_closed_message(self) -> bool:
        """Whether the program closed it; of several writers, all of them."""
        return self._closed_count >= self.expected_writers

    received_any_message = received_opened_message

    def results(self) -> list[PipesExecutionResult]:
        """What was reported so far, in order.

        Raises:
            PipesExecutionError: (WEFT-X203) a result could not be understood.
        """
        with self._lock:
            if self._rejected:
                first = self._rejected[0]
                raise PipesExecutionError(
                    "the external process reported a result that cannot be understood.",
                    code="WEFT-X203",
                    facts={**first.facts, "rejected": len(self._rejected)},
                    fix="correct the report in the program",
                )
            return list(self._results)

    def custom_messages(self) -> list[Any]:
        """The payloads of custom messages so far, in order."""
        with self._lock:
            return list(self._custom_messages)

    def last_seq(self, writer: str) -> int:
        """The number of the last message of a writer that was handled; 0 before the first."""
        with self._lock:
            return self._last_seq.get(writer, 0)

    def last_seqs(self) -> dict[str, int]:
        """The same for every writer that numbers its messages."""
        with self._lock:
            return dict(self._last_seq)

    def on_launched(self, data: PipesLaunchedData) -> None:
        """Hand to the reader what is known since the program runs."""
        self._reader.on_launched(data)

    # --- what readers call -------------------------------------------------------------------------------------------

    def handle_message(self, message: PipesMessage | Mapping[str, Any]) -> None:
        """Handle one message, as decoded from JSON."""
        try:
            found = message_of(message)
        except MalformedMessage as error:
            self.reject(repr(message), str(error))
            return
        self.handle_all((found,))

    def handle_line(self, line: bytes | str) -> None:
        """Handle one line of a channel that carries messages only."""
        try:
            message = decode_line(line)
        except MalformedMessage as error:
            self.reject(line, str(error))
            return
        self.handle_all((message,))

    def handle_lines(self, lines: bytes) -> None:
        """Handle a number of whole lines of such a channel."""
        messages = decode_lines(lines)
        if messages is not None:
            self.handle_all(messages)
            return
        with self._lock, self._batch():
            for line in lines.split(b"\n"):
                if line.strip():
                    self.handle_line(line)

    def handle_stream_line(self, line: bytes, forward: Callable[[bytes], object]) -> None:
        """Handle one line of a stream that carries other text as well, which goes to `forward`."""
        text, message = split_stream_line(line)
        if text:
            forward(text)
        if message:
            self.handle_line(message)

    def handle_all(self, messages: Iterable[PipesMessage]) -> None:
        """Handle several messages; their events are written together."""
        with self._lock, self._batch():
            for message in messages:
                if message.seq is None or self._is_next(message.writer or "", message.seq):
                    self._handle(message)

    def reject(self, line: bytes | str, why: str) -> None:
        """Say in the log that a line is no message."""
        text = line if isinstance(line, str) else line.decode("utf-8", "backslashreplace")
        self.problem(
            Problem(
                "WEFT-X202",
                "A message of the external process cannot be understood.",
                facts={"why": why, "message": _shown(text)},
                fix="write one message a line, as the protocol of Pipes says",
            )
        )

    def problem(self, problem: Problem, level: int = logging.ERROR) -> None:
        """Write a problem of the channel to the log."""
        with self._lock:
            self._log.log(level, f"[pipes] {problem}")

    def report_pipes_framework_message(self, origin: str, message: str) -> None:
        """Record something about the machinery of a reader or client."""
        self._record(EngineEvent(message=f"[pipes] {origin}: {message}"))

    def report_pipes_framework_exception(
        self,
        origin: str,
        exc_info: tuple[type[BaseException], BaseException, TracebackType | None]
        | tuple[None, None, None]
        | BaseException,
    ) -> None:
        """Record an exception of a reader or client that the step can do without."""
        error = exc_info if isinstance(exc_info, BaseException) else exc_info[1]
        info = None if error is None else ErrorInfo.from_exception(error)
        self._record(EngineEvent(message=f"[pipes] {origin} failed", error=info))

    def fail(self, error: BaseException) -> None:
        """Have the session raise `error` when it closes: a reader cannot go on, or messages cannot be recorded."""
        with self._lock:
            self._failure = self._failure or error

    # --- one message -------------------------------------------------------------------------------------------------

    def _handle(self, message: PipesMessage) -> None:
        if self._closed_count >= self.expected_writers:
            self.problem(
                Problem(
                    "WEFT-X204",
                    "The external process sent a message after it had closed the channel.",
                    facts={"method": message.method},
                    fix="send messages before closing; this one is handled all the same",
                ),
                logging.WARNING,
            )
        method = self._methods.get(message.method)
        if method is None:
            self.problem(
                Problem(
                    "WEFT-X205",
                    f"Unknown message method: {message.method}",
                    facts={"known": sorted(self._methods), "message": _shown(repr(message.given))},
                    fix="use a method of the protocol; report_custom_message takes any JSON",
                )
            )
            return
        try:
            method(message.given)
        except _UNFIT as error:
            why = error.what if isinstance(error, WeftError) else f"{type(error).__name__}: {error}"
            problem = Problem(
                "WEFT-X206",
                f"A message {message.method} of the external process has parameters that do not fit.",
                facts={"why": why, "params": _shown(repr(message.given))},
                fix="see the parameters of the method in the protocol of Pipes",
            )
            self.problem(problem)
            if message.method in ("report_asset_materialization", "report_asset_check"):
                self._rejected.append(problem)

    def _is_next(self, writer: str, seq: int) -> bool:
        last = self._last_seq.get(writer, 0)
        if seq <= last:
            return False
        self._last_seq[writer] = seq
        if seq > last + 1:
            self.problem(
                Problem(
                    "WEFT-X207",
                    f"{seq - last - 1} messages of the external process were lost on the way.",
                    facts={"last received": last, "next received": seq},
                    fix="use a channel that resumes, such as PipesSocketMessageReader",
                )
            )
        return True

    def _opened(self, params: dict[str, Any]) -> None:
        self._opened_count += 1
        self._log.info("[pipes] external process successfully opened the channel.")
        self._reader.on_opened({"extras": params.get("extras") or {}})

    def _closed(self, params: dict[str, Any]) -> None:
        self._closed_count += 1
        given = params.get("exception")
        if given is None:
            return
        self.exception = _error_info(given, _MOST_OF_A_CHAIN)
        self._record(EngineEvent(message="[pipes] external process closed with an exception", error=self.exception))

    def _logged(self, params: dict[str, Any]) -> None:
        self._log.log(params["level"], params["message"])

    def _materialized(self, params: dict[str, Any]) -> None:
        version = params.get("data_version")
        self._results.append(
            MaterializeResult(
                asset_key=AssetKey.of(params["asset_key"]),
                metadata=self._metadata(params.get("metadata")),
                data_version=None if version is None else str(version),
            )
        )

    def _checked(self, params: dict[str, Any]) -> None:
        self._results.append(
            AssetCheckResult(
                params["passed"],
                asset_key=AssetKey.of(params["asset_key"]),
                check_name=str(params["check_name"]),
                severity=AssetCheckSeverity[params.get("severity") or "ERROR"],
                metadata=self._metadata(params.get("metadata")),
            )
        )

    def _custom(self, params: dict[str, Any]) -> None:
        self._custom_messages.append(params["payload"])

    def _stream(self, params: dict[str, Any]) -> None:
        stream = {"stdout": sys.stdout, "stderr": sys.stderr}[params["stream"]]
        stream.write(str(params["text"]))
        stream.flush()

    def _metadata(self, given: Mapping[str, Any] | None) -> dict[str, AnyMetadataValue]:
        """A value of an unknown type is kept as what it looks like, with a warning: it is not worth the result."""
        found: dict[str, AnyMetadataValue] = {}
        for label, value in (given or {}).items():
            try:
                found[label] = metadata_of(value)
            except UnknownMetadataType as unknown:
                found[label] = metadata_value(value["raw_value"])
                self.problem(
                    Problem(
                        "WEFT-X208",
                        f'Metadata "{label}" of the external process has the unknown type {unknown}.',
                        facts={"known": ", ".join(KINDS)},
                        fix="the value is kept as it looks; give it a known type, or none",
                    ),
                    logging.WARNING,
                )
            except _UNFIT as error:
                raise ValueError(f'metadata "{label}": {error}') from error
        return found

    # --- recording ---------------------------------------------------------------------------------------------------

    def _record(self, body: EngineEvent) -> None:
        with self._lock:
            # The one place from which this package reaches the run: contexts have no word for events of the machinery.
            self._context._run_context.record(body, self._context.step.key)

    def _batch(self) -> AbstractContextManager[None]:
        """Recorders that have no batches write each event at once."""
        batch = getattr(self._context._run_context.journal, "batch", None)
        return nullcontext() if batch is None else batch()


# What user-given values may raise on being read.
_UNFIT = (WeftError, KeyError, TypeError, ValueError, AttributeError)


def _shown(text: str) -> str:
    text = text.strip()
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}... ({len(text)} characters)"


def _error_info(given: Any, depth: int) -> ErrorInfo:
    """The exception of another process. Its stack is text, whatever the language: one frame for each entry."""
    if not isinstance(given, Mapping):
        return ErrorInfo(message=_shown(str(given)), class_name="Exception")
    cause, context = given.get("cause"), given.get("context")
    is_deep = depth <= 0
    name = str(given.get("name") or "Exception")
    return ErrorInfo(
        # Some programs say the class once more, as the last line of a traceback does.
        message=str(given.get("message") or "").strip().removeprefix(f"{name}: "),
        class_name=name,
        frames=tuple(_frame(str(entry)) for entry in given.get("stack") or ()),
        cause=None if cause is None or is_deep else _error_info(cause, depth - 1),
        context=None if context is None or is_deep else _error_info(context, depth - 1),
    )


def _frame(entry: str) -> Frame:
    """A frame from the text of one: ``File "a.py", line 3, in f`` where it is Python's, otherwise as it is."""
    head, _, code = entry.strip("\n").partition("\n")
    head = head.strip()
    parts = head.split(", ")
    if head.startswith('File "') and len(parts) >= 3 and parts[-2].startswith("line ") and parts[-2][5:].isdigit():
        file = ", ".join(parts[:-2])
        return Frame(file[6:-1], int(parts[-2][5:]), parts[-1].removeprefix("in "), code.strip())
    return Frame("(external process)", 0, head, code.strip())
