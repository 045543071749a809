"""Messages in an object store: numbered chunks, uploaded at intervals.

A chunk whose upload fails is uploaded again as it is, under its number, before any later one: whether the first try arrived or not, the reader
sees each message once. What was not uploaded yet is lost with a killed process.
"""

from __future__ import annotations

import sys
import threading
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from weft_pipes.channel import PipesMessageWriter, PipesMessageWriterChannel, line_of
from weft_pipes.errors import PipesError

_TRIES_AT_CLOSE = 5
_FIRST_WAIT_SECONDS = 0.2


class PipesBlobStoreMessageWriterChannel(PipesMessageWriterChannel):
    """Uploads chunks: subclasses say how.

    Args:
        interval: seconds between two uploads.
    """

    def __init__(self, *, interval: float = 10) -> None:
        self._interval = interval
        self._lock = threading.Lock()
        self._lines: list[bytes] = []
        # The chunk that is being uploaded, until it has been.
        self._payload: str | None = None
        self._index = 1
        self._is_forked = False

    @abstractmethod
    def upload_messages_chunk(self, payload: str, index: int) -> None:
        """Store a chunk under its number; raises where that failed."""

    def write_message(self, message: Mapping[str, Any]) -> None:
        """See `PipesMessageWriterChannel`.

        Raises:
            PipesError: this is a forked process.
        """
        if self._is_forked:
            raise PipesError("a forked process cannot write to the object store of its parent: report from the parent")
        with self._lock:
            self._lines.append(line_of(message))

    def after_fork(self) -> None:
        """The child has no thread that uploads, and numbers of the parent: it cannot write here."""
        self._is_forked = True

    @contextmanager
    def buffered_upload_loop(self) -> Iterator[None]:
        """While open, what was written is uploaded at intervals; on closing, the rest."""
        done = threading.Event()
        thread = threading.Thread(target=self._upload_until, args=(done,), name="pipes upload", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
            self._upload_rest()

    def upload(self) -> None:
        """Upload what was written since the last time, or once more what could not be."""
        if self._payload is None:
            with self._lock:
                lines, self._lines = self._lines, []
            if not lines:
                return
            self._payload = b"".join(lines).decode("ascii").rstrip("\n")
        self.upload_messages_chunk(self._payload, self._index)
        self._payload = None
        self._index += 1

    def _upload_until(self, done: threading.Event) -> None:
        while not done.wait(self._interval):
            try:
                self.upload()
            except Exception as error:  # noqa: BLE001  # whatever the client of the store raises: the next look tries again
                _warn(f"could not upload messages, trying again: {error}")

    def _upload_rest(self) -> None:
        wait = _FIRST_WAIT_SECONDS
        never = threading.Event()
        for tries_left in reversed(range(_TRIES_AT_CLOSE)):
            try:
                while self._payload is not None or self._lines:
                    self.upload()
                return
            except Exception:  # as above
                if not tries_left:
                    raise
            never.wait(wait)
            wait *= 2


class PipesBlobStoreMessageWriter(PipesMessageWriter):
    """Opens a channel to an object store: subclasses say which.

    Args:
        interval: seconds between two uploads.
    """

    def __init__(self, *, interval: float = 10) -> None:
        self.interval = interval

    @abstractmethod
    def make_channel(self, params: Mapping[str, Any]) -> PipesBlobStoreMessageWriterChannel:
        """The channel to the place that `params` says."""

    @contextmanager
    def open(self, params: Mapping[str, Any]) -> Iterator[PipesMessageWriterChannel]:
        """See `PipesMessageWriter`."""
        channel = self.make_channel(params)
        with channel.buffered_upload_loop():
            yield channel


class PipesS3MessageWriter(PipesBlobStoreMessageWriter):
    """Writes messages to S3.

    Args:
        client: of boto3: ``boto3.client("s3")``.
        interval: seconds between two uploads.
    """

    def __init__(self, client: Any, *, interval: float = 10) -> None:
        super().__init__(interval=interval)
        self._client = client

    def make_channel(self, params: Mapping[str, Any]) -> PipesBlobStoreMessageWriterChannel:
        """See `PipesBlobStoreMessageWriter`."""
        return _S3Channel(self._client, params["bucket"], params.get("key_prefix"), interval=self.interval)


class _S3Channel(PipesBlobStoreMessageWriterChannel):
    def __init__(self, client: Any, bucket: str, key_prefix: str | None, *, interval: float) -> None:
        super().__init__(interval=interval)
        self._client = client
        self._bucket = bucket
        self._key_prefix = key_prefix

    def upload_messages_chunk(self, payload: str, index: int) -> None:
        key = f"{index}.json" if not self._key_prefix else f"{self._key_prefix}/{index}.json"
        self._client.put_object(Body=payload.encode(), Bucket=self._bucket, Key=key)


def _warn(text: str) -> None:
    sys.stderr.write(f"weft_pipes: {text}\n")
