"""Where captured output is kept: the port, a store in a local folder, and one that keeps nothing.

A run has one or more pairs of files, each named by a *file key* and written by one process. Readers name what they want by run, key and
stream, never by path, and get a slice: a log may have gigabytes.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from weft.errors import StorageError
from weft.ids import check_file_key, check_run_id
from weft.logs.capture import SUFFIXES, OutputCapture, Stream
from weft.logs.confined import delete_folder, make_folder, open_file, open_folder

MOST_BYTES = 1 << 20
"""The most that one `read` gives: enough for a page of any reader, and no strain on memory for many at once."""


class CapturedFiles(Struct, frozen=True, kw_only=True):
    """The two files of one process, with their sizes so far."""

    file_key: str
    stdout_bytes: int = 0
    stderr_bytes: int = 0


class ComputeLogStore(Protocol):
    """Keeps captured output.

    Raises, from every method: UsageError (WEFT-U010) for what is not a run id, StorageError (WEFT-T055) for what is not a file key.
    """

    def open_capture(self, run_id: str, file_key: str) -> AbstractContextManager[OutputCapture | None]:
        """Capture what this process writes, while the context is open; None where the store keeps nothing."""
        ...

    def read(self, run_id: str, file_key: str, stream: Stream, start: int = 0, end: int | None = None) -> bytes:
        """The bytes from `start` to before `end` (None: what there is), at most `MOST_BYTES` of them.

        Empty behind the end, and where nothing was captured. A slice may begin or end within a character.
        """
        ...

    def size(self, run_id: str, file_key: str, stream: Stream) -> int:
        """How many bytes there are so far; 0 where nothing was captured."""
        ...

    def files(self, run_id: str) -> tuple[CapturedFiles, ...]:
        """What was captured of a run, by key."""
        ...

    def delete(self, run_id: str) -> None:
        """Remove what was captured of a run; nothing happens where there is nothing."""
        ...


class LocalComputeLogStore:
    """Keeps captured output in a folder: ``<root>/<run id>/<file key>.out`` and ``.err``.

    Opens everything relative to its folder and follows no links: no name leads out of it (`weft.logs.confined`).
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def open_capture(self, run_id: str, file_key: str) -> AbstractContextManager[OutputCapture | None]:
        """See `ComputeLogStore.open_capture`."""
        return OutputCapture(make_folder(self.root, check_run_id(run_id)), check_file_key(file_key))

    def read(self, run_id: str, file_key: str, stream: Stream, start: int = 0, end: int | None = None) -> bytes:
        """See `ComputeLogStore.read`."""
        start = max(0, start)
        count = MOST_BYTES if end is None else min(MOST_BYTES, end - start)
        if count <= 0:
            return b""
        try:
            fd = self._open(run_id, file_key, stream)
        except FileNotFoundError:
            return b""
        try:
            return os.pread(fd, count, start)
        finally:
            os.close(fd)

    def size(self, run_id: str, file_key: str, stream: Stream) -> int:
        """See `ComputeLogStore.size`."""
        try:
            fd = self._open(run_id, file_key, stream)
        except FileNotFoundError:
            return 0
        try:
            return os.fstat(fd).st_size
        finally:
            os.close(fd)

    def files(self, run_id: str) -> tuple[CapturedFiles, ...]:
        """See `ComputeLogStore.files`."""
        try:
            folder = open_folder(self.root, check_run_id(run_id))
        except FileNotFoundError:
            return ()
        try:
            names = os.listdir(folder)  # noqa: PTH208  # of a descriptor
        finally:
            os.close(folder)
        keys = {name[: -len(suffix)] for name in names for suffix in SUFFIXES.values() if name.endswith(suffix)}
        found = []
        for key in sorted(keys):
            try:
                check_file_key(key)
            except StorageError:  # not from here
                continue
            found.append(
                CapturedFiles(
                    file_key=key,
                    stdout_bytes=self.size(run_id, key, "stdout"),
                    stderr_bytes=self.size(run_id, key, "stderr"),
                )
            )
        return tuple(found)

    def delete(self, run_id: str) -> None:
        """See `ComputeLogStore.delete`."""
        delete_folder(self.root, check_run_id(run_id))

    def _open(self, run_id: str, file_key: str, stream: Stream) -> int:
        return open_file(self.root, check_run_id(run_id), check_file_key(file_key) + SUFFIXES[stream])


class NullComputeLogStore:
    """Captures and keeps nothing: output goes where it always went."""

    def open_capture(self, run_id: str, file_key: str) -> AbstractContextManager[OutputCapture | None]:
        """See `ComputeLogStore.open_capture`."""
        check_run_id(run_id)
        check_file_key(file_key)
        return nullcontext()

    def read(self, run_id: str, file_key: str, stream: Stream, start: int = 0, end: int | None = None) -> bytes:
        """See `ComputeLogStore.read`."""
        check_run_id(run_id)
        check_file_key(file_key)
        return b""

    def size(self, run_id: str, file_key: str, stream: Stream) -> int:
        """See `ComputeLogStore.size`."""
        return len(self.read(run_id, file_key, stream))

    def files(self, run_id: str) -> tuple[CapturedFiles, ...]:
        """See `ComputeLogStore.files`."""
        check_run_id(run_id)
        return ()

    def delete(self, run_id: str) -> None:
        """See `ComputeLogStore.delete`."""
        check_run_id(run_id)
