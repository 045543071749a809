"""What a program can ask of its step, and tell of it.

Laws: messages are numbered from 1 in the order in which they are written, whichever thread, forked process or signal handler writes them, each process
counting for itself; a message that cannot be sent is refused before it has a number; after `PipesContext.close` nothing is written.
"""

from __future__ import annotations

import logging
import os
import threading
import traceback
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any

from weft_pipes.channel import PipesMessageWriterChannel, message_of
from weft_pipes.errors import PipesError
from weft_pipes.metadata import require_json, wire_metadata

_MOST_OF_A_CHAIN = 50


class PipesContext:
    """The step that this program is: what it is to do, its log, its reports. Made by `open_weft_pipes`.

    It may be used from any thread. What is not defined for this step (such as the partition key of a step without partitions) raises `PipesError`.
    """

    def __init__(
        self,
        data: Mapping[str, Any],
        channel: PipesMessageWriterChannel | None,
        resources: ExitStack,
        *,
        opened_extras: Mapping[str, Any] | None = None,
        on_close: Callable[[], None] = lambda: None,
    ) -> None:
        self._data = data
        self._channel = channel
        self._resources = resources
        self._on_close = on_close
        self._pid = os.getpid()
        self._is_closed = False
        self._materialized: set[str] = set()
        self._begin_to_write()
        self._log = logging.Logger("weft_pipes", logging.DEBUG)
        self._log.addHandler(_MessageHandler(self))
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._after_fork)
        self._write("opened", {"extras": dict(opened_extras or {})})

    # --- the end -----------------------------------------------------------------------------------------------------

    def __enter__(self) -> PipesContext:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close(error)

    def close(self, error: BaseException | None = None) -> None:
        """Say that all is done, and wait until all messages are on their way. Once closed, nothing happens.

        Args:
            error: what ended the program, where it did not end well. The orchestrator shows it; whether the step failed is said by the exit code.
        """
        if self._is_closed:
            return
        if os.getpid() != self._pid:  # a forked child that leaves: the program goes on
            self._is_closed = True
            return
        # The last of its handlers goes first: what was printed comes before the word that all is done.
        self._on_close()
        is_exit = isinstance(error, SystemExit)  # its code says more
        self._write("closed", {} if error is None or is_exit else {"exception": _exception(error, _MOST_OF_A_CHAIN)})
        self._is_closed = True
        self._resources.close()

    @property
    def is_closed(self) -> bool:
        """Whether it was closed."""
        return self._is_closed

    @property
    def is_connected(self) -> bool:
        """Whether an orchestrator started this program; otherwise reports go nowhere."""
        return self._channel is not None

    # --- the step ----------------------------------------------------------------------------------------------------

    @property
    def is_asset_step(self) -> bool:
        """Whether the step makes or checks assets."""
        return self._data["asset_keys"] is not None

    @property
    def asset_key(self) -> str:
        """The one asset of the step: parts of its key joined by ``/``."""
        keys = self.asset_keys
        if len(keys) != 1:
            raise PipesError(f"the step has {len(keys)} assets: use asset_keys")
        return keys[0]

    @property
    def asset_keys(self) -> Sequence[str]:
        """The assets of the step."""
        keys: Sequence[str] = self._defined("asset_keys", "no assets")
        return keys

    @property
    def code_version(self) -> str | None:
        """The code version of the one asset of the step; None where it has none."""
        return self.code_version_by_asset_key[self.asset_key]

    @property
    def code_version_by_asset_key(self) -> Mapping[str, str | None]:
        """The code version of each asset."""
        found: Mapping[str, str | None] = self._defined("code_version_by_asset_key", "no assets")
        return found

    @property
    def provenance(self) -> Mapping[str, Any] | None:
        """Of what the one asset was made the last time: ``code_version``, ``input_data_versions``, ``is_user_provided``; None before the first."""
        return self.provenance_by_asset_key[self.asset_key]

    @property
    def provenance_by_asset_key(self) -> Mapping[str, Mapping[str, Any] | None]:
        """The same for each asset."""
        found: Mapping[str, Mapping[str, Any] | None] = self._defined("provenance_by_asset_key", "no assets")
        return found

    @property
    def is_partition_step(self) -> bool:
        """Whether the step is of a partition, or of a range of them."""
        return self._data["partition_key_range"] is not None

    @property
    def partition_key(self) -> str:
        """The partition."""
        found: str = self._defined("partition_key", "no single partition")
        return found

    @property
    def partition_key_range(self) -> Mapping[str, str]:
        """The first and the last partition: ``start``, ``end``."""
        found: Mapping[str, str] = self._defined("partition_key_range", "no partitions")
        return found

    @property
    def partition_time_window(self) -> Mapping[str, str]:
        """The time that the partitions stand for: ``start`` (included) and ``end`` (not included), in ISO 8601."""
        found: Mapping[str, str] = self._defined("partition_time_window", "no partitions that are windows of time")
        return found

    @property
    def run_id(self) -> str:
        """The run."""
        found: str = self._data["run_id"]
        return found

    @property
    def job_name(self) -> str | None:
        """The job of the run."""
        found: str | None = self._data["job_name"]
        return found

    @property
    def retry_number(self) -> int:
        """How often the step was tried before."""
        found: int = self._data["retry_number"]
        return found

    @property
    def extras(self) -> Mapping[str, Any]:
        """The values that the step hands over."""
        found: Mapping[str, Any] = self._data["extras"]
        return found

    def get_extra(self, key: str) -> Any:
        """One of them."""
        if key not in self.extras:
            raise PipesError(f'there is no extra "{key}"; there are: {", ".join(self.extras) or "none"}')
        return self.extras[key]

    def _defined(self, name: str, lack: str) -> Any:
        found = self._data[name]
        if found is None:
            raise PipesError(f"{name} is not defined: the step has {lack}")
        return found

    # --- reports -----------------------------------------------------------------------------------------------------

    @property
    def log(self) -> logging.Logger:
        """Writes to the log of the run."""
        return self._log

    def report_asset_materialization(
        self,
        metadata: Mapping[str, Any] | None = None,
        data_version: str | None = None,
        asset_key: str | None = None,
    ) -> None:
        """Say that an asset was made. Once for each asset.

        Args:
            metadata: label to value; see `wire_metadata`.
            data_version: of what was made.
            asset_key: which; may be left out where the step has one asset.

        Raises:
            PipesError: the asset is none of the step or was reported before, or the metadata cannot be sent.
        """
        key = self._asset_key(asset_key)
        if key in self._materialized:
            raise PipesError(f'the asset "{key}" was reported already')
        if data_version is not None and not isinstance(data_version, str):
            raise PipesError(f"a data version is a text, not {data_version!r}")
        params = {"asset_key": key, "data_version": data_version, "metadata": wire_metadata(metadata)}
        self._materialized.add(key)
        self._write("report_asset_materialization", params)

    def report_asset_check(
        self,
        check_name: str,
        passed: bool,
        severity: str = "ERROR",
        metadata: Mapping[str, Any] | None = None,
        asset_key: str | None = None,
    ) -> None:
        """Say what a check of an asset found.

        Args:
            check_name: which check.
            passed: whether all is well.
            severity: how bad it is otherwise: ``WARN`` or ``ERROR``.
            metadata: see `report_asset_materialization`.
            asset_key: see `report_asset_materialization`.

        Raises:
            PipesError: an argument does not fit.
        """
        if not isinstance(check_name, str):
            raise PipesError(f"the name of a check is a text, not {check_name!r}")
        if not isinstance(passed, bool):
            raise PipesError(f"passed is True or False, not {passed!r}")
        if severity not in ("WARN", "ERROR"):
            raise PipesError(f"the severity of a check is WARN or ERROR, not {severity!r}")
        self._write(
            "report_asset_check",
            {
                "asset_key": self._asset_key(asset_key),
                "check_name": check_name,
                "passed": passed,
                "severity": severity,
                "metadata": wire_metadata(metadata),
            },
        )

    def report_custom_message(self, payload: Any) -> None:
        """Hand any JSON to the code that started the program.

        Raises:
            PipesError: `payload` is not JSON.
        """
        require_json("the payload of a message", payload)
        self._write("report_custom_message", {"payload": payload})

    def log_external_stream(self, stream: str, text: str, extras: Mapping[str, Any] | None = None) -> None:
        """Write to the output of the step.

        Args:
            stream: ``stdout`` or ``stderr``.
            text: what to write.
            extras: for the log, as JSON.

        Raises:
            PipesError: there is no such stream.
        """
        if stream not in ("stdout", "stderr"):
            raise PipesError(f"a stream is stdout or stderr, not {stream!r}")
        require_json("extras", extras)
        self._write("log_external_stream", {"stream": stream, "text": text, "extras": dict(extras or {})})

    def _asset_key(self, given: str | None) -> str:
        if not self.is_connected:
            return given or ""
        if given is None:
            return self.asset_key
        if given not in self.asset_keys:
            raise PipesError(f'"{given}" is none of the assets of this step: {", ".join(self.asset_keys)}')
        return given

    # --- writing -----------------------------------------------------------------------------------------------------

    def _begin_to_write(self) -> None:
        self._writer = uuid.uuid4().hex
        self._seq = 0
        self._lock = threading.RLock()
        self._is_writing = False
        self._waiting: deque[tuple[str, Mapping[str, Any]]] = deque()

    def _write(self, method: str, params: Mapping[str, Any]) -> None:
        if self._is_closed:
            raise PipesError(f"{method}: the channel to the orchestrator is closed")
        if self._channel is None:
            return
        self._waiting.append((method, params))
        with self._lock:
            if self._is_writing:  # a signal handler interrupted a write of this thread, which takes it along
                return
            self._is_writing = True
            try:
                while self._waiting:
                    next_method, next_params = self._waiting.popleft()
                    self._seq += 1
                    self._channel.write_message(message_of(next_method, next_params, self._writer, self._seq))
            finally:
                self._is_writing = False

    def _after_fork(self) -> None:
        """The child is a writer of its own; another thread of the parent may have held the lock."""
        self._begin_to_write()
        if self._channel is not None:
            self._channel.after_fork()


class _MessageHandler(logging.Handler):
    """Sends records of the log as messages."""

    def __init__(self, context: PipesContext) -> None:
        super().__init__()
        self._context = context
        self.setFormatter(logging.Formatter("%(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self.format(record)
        except Exception:  # noqa: BLE001  # the arguments of a user; logging prints what is wrong with them, and where
            self.handleError(record)
            return
        self._context._write("log", {"message": text, "level": _level(record.levelno)})


def _level(number: int) -> str:
    """The level of the protocol that it is at least."""
    for name in ("CRITICAL", "ERROR", "WARNING", "INFO"):
        if number >= getattr(logging, name):
            return name
    return "DEBUG"


def _exception(error: BaseException, depth: int) -> Mapping[str, Any]:
    cause, context = error.__cause__, error.__context__
    shows_context = cause is None and context is not None and not error.__suppress_context__
    return {
        "message": "".join(traceback.format_exception_only(type(error), error)),
        "stack": traceback.format_tb(error.__traceback__),
        "name": type(error).__name__,
        "cause": None if cause is None or depth == 0 else _exception(cause, depth - 1),
        "context": _exception(context, depth - 1) if context is not None and shows_context and depth else None,
    }
