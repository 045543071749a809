"""Messages appended to a file.

Each is one write in append mode, so a killed program leaves whole messages, and several processes may share the file.

The orchestrator may say (``weft_acks``) in which small file it writes down what it has handled. Then messages are kept until they stand there, and
where the file of messages was replaced or cut short, those that were not handled go to a new file that takes its place: a new one, because
whoever reads it tells a new file for certain, but not one that was cut and has grown again.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from weft_pipes.channel import SEQ_FIELD, WRITER_FIELD, PipesMessageWriterChannel, line_of

# How many messages are written between two looks at what was handled.
_BETWEEN_ACKS = 256


class FileChannel(PipesMessageWriterChannel):
    """Appends to a file.

    Args:
        path: the file.
        acks: where the orchestrator writes what it has handled, if it does.
    """

    def __init__(self, path: str, acks: str | None = None) -> None:
        self._path = path
        self._acks = acks
        self._fd = _opened(path)
        # Where the file ended after the last write: it may grow by others, never shrink.
        self._end = 0
        # Number and line of what the orchestrator may not have, oldest first; empty where it does not say.
        self._kept: deque[tuple[int, bytes]] = deque()
        self._writer = ""
        self._since_acks = 0

    def write_message(self, message: Mapping[str, Any]) -> None:
        """See `PipesMessageWriterChannel`."""
        line = line_of(message)
        if self._acks is not None:
            self._keep(message, line)
        if self._is_broken():
            self._resume(line)
        else:
            _write(self._fd, line)
        self._end = os.lseek(self._fd, 0, os.SEEK_CUR)

    def close(self) -> None:
        """Look once more whether the file is still there, and close it."""
        try:
            if self._is_broken():
                self._resume(b"")
        finally:
            os.close(self._fd)

    def after_fork(self) -> None:
        """Appending to one file is safe for several processes; what the parent wrote is the parent's to write again."""
        self._kept.clear()

    def _keep(self, message: Mapping[str, Any], line: bytes) -> None:
        self._writer = message[WRITER_FIELD]
        self._kept.append((message[SEQ_FIELD], line))
        self._since_acks += 1
        if self._since_acks >= _BETWEEN_ACKS:
            self._forget_handled()

    def _forget_handled(self) -> None:
        self._since_acks = 0
        try:
            text = Path(self._acks or "").read_text("utf-8")
        except OSError:  # nothing was handled yet
            return
        for line in text.splitlines():
            writer, _, seq = line.partition(" ")
            if writer == self._writer and seq.isdigit():
                while self._kept and self._kept[0][0] <= int(seq):
                    self._kept.popleft()

    def _is_broken(self) -> bool:
        ours = os.fstat(self._fd)
        if ours.st_size < self._end:
            return True
        try:
            there = os.stat(self._path)  # noqa: PTH116  # once for each message
        except FileNotFoundError:
            return True
        return (there.st_dev, there.st_ino) != (ours.st_dev, ours.st_ino)

    def _resume(self, line: bytes) -> None:
        if self._acks is None:
            # Nobody would know which of the earlier ones are missing.
            fd = _opened(self._path)
            _write(fd, line)
        else:
            self._forget_handled()
            beside = f"{self._path}.{self._writer}"
            fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
            _write(fd, b"".join(kept for _, kept in self._kept))
            os.replace(beside, self._path)  # noqa: PTH105  # beside the other calls on descriptors
        os.close(self._fd)
        self._fd = fd
        self._end = os.lseek(fd, 0, os.SEEK_CUR)


def _opened(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def _write(fd: int, data: bytes) -> None:
    written = os.write(fd, data)
    while written < len(data):  # a disk that is nearly full takes a part
        written += os.write(fd, data[written:])
