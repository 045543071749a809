"""Messages in an object store: chunks that the program uploads under numbers, ``<prefix>/1.json``, ``<prefix>/2.json`` and so on."""

from __future__ import annotations

import random
import string
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from weft.clock import SYSTEM_CLOCK, Clock
from weft.pipes.log_reader import PipesLogReader
from weft.pipes.object_store import ObjectPath, params_of
from weft.pipes.protocol import INCLUDE_STDIO, PipesParams
from weft.pipes.readers.threaded import LATE_SECONDS, PipesThreadedMessageReader

_KEY_LENGTH = 30


class PipesBlobStoreMessageReader(PipesThreadedMessageReader):
    """Fetches numbered chunks: subclasses say how to get one.

    Args: see `PipesThreadedMessageReader`.
    """

    @abstractmethod
    def get_params(self) -> AbstractContextManager[PipesParams]:
        """See `PipesThreadedMessageReader`."""

    @abstractmethod
    def download_messages_chunk(self, index: int, params: PipesParams) -> str | None:
        """The chunk with this number, from 1; None while it is not there."""

    def download_messages(self, cursor: int | None, params: PipesParams) -> tuple[int, str] | None:
        """See `PipesThreadedMessageReader`."""
        index = (cursor or 0) + 1
        text = self.download_messages_chunk(index, params)
        return None if text is None else (index, text)


class PipesObjectStoreMessageReader(PipesBlobStoreMessageReader):
    """Fetches messages from any store that fsspec knows: ``s3://bucket/prefix``, ``gs://...``, ``abfs://...``, or a folder.

    The program is told bucket and key as the writers of the stores expect them; of a folder, its path.

    Args:
        path: below it every session has a place of its own, which is removed in the end.
        storage_options: for the file system of fsspec: credentials, endpoint.
        interval: seconds between two looks.
        log_readers: see `PipesThreadedMessageReader`.
        include_stdio_in_messages: ask the program to send what it prints as messages too.
        late_seconds: see `PipesThreadedMessageReader`.
        clock: see `PipesThreadedMessageReader`.
    """

    def __init__(
        self,
        path: str,
        storage_options: Mapping[str, Any] | None = None,
        *,
        interval: float = 10,
        log_readers: Sequence[PipesLogReader] | None = None,
        include_stdio_in_messages: bool = False,
        late_seconds: float = LATE_SECONDS,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        super().__init__(interval, log_readers, late_seconds=late_seconds, clock=clock)
        self._base = ObjectPath(path, storage_options)
        self._include_stdio = include_stdio_in_messages

    @contextmanager
    def get_params(self) -> Iterator[PipesParams]:
        """See `PipesThreadedMessageReader`."""
        place = self._base.below(random_key())
        place.make_folder()
        try:
            yield {**params_of(place, "key_prefix"), INCLUDE_STDIO: self._include_stdio}
        finally:
            place.remove()

    def download_messages_chunk(self, index: int, params: PipesParams) -> str | None:
        """See `PipesBlobStoreMessageReader`."""
        prefix = params["key_prefix"] if "key_prefix" in params else params["path"]
        return self._base.at(prefix, params.get("bucket")).below(f"{index}.json").read()

    def no_messages_debug_text(self) -> str:
        """See `PipesMessageReader`."""
        return f"as numbered objects below {self._base}"


def random_key() -> str:
    """A name that nobody else has: stores are shared."""
    return "".join(random.SystemRandom().choices(string.ascii_letters, k=_KEY_LENGTH))
