"""A file that is locked for as long as its owner lives.

The lock (``flock``) belongs to the open file. The kernel lets go of it when the last descriptor is closed, which happens on every way to
die, so a lock that can be taken proves that the owner is gone. Two things would spoil the proof, and are prevented here:

- A forked child inherits the descriptor, and with it the lock. Children close every `LockedFile` of their parent before anything else
  runs in them. (They only close: unlocking would take the lock from the parent as well.) Programs started with ``exec`` never get it.
- A file may be deleted between the moment it is opened and the moment it is locked. A lock on a deleted file is not handed out.

Needs ``fcntl``, which is everywhere but on Windows.
"""

from __future__ import annotations

import errno
import os
import weakref
from pathlib import Path
from typing import Any, Protocol

from weft.errors import StorageError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


# Gone, of another user, a symbolic link, a folder.
_NOT_OURS = frozenset({errno.ENOENT, errno.EACCES, errno.ELOOP, errno.EISDIR})


class LeftInChild(Protocol):
    """What wants to know that it is now in a forked child, where it belongs to the parent."""

    def abandon(self) -> None:
        """Close what was inherited, without a trace in the parent. No other thread runs; locks may be held for ever."""
        ...


class LockedFile:
    """An open file with an exclusive lock on it. Made by `create` and `take`."""

    __slots__ = ("__weakref__", "fd", "path")

    def __init__(self, path: Path, fd: int) -> None:
        self.path = path
        # -1 once closed, and in a forked child.
        self.fd = fd
        close_in_children(self)

    @classmethod
    def create(cls, path: Path) -> LockedFile:
        """A new, empty, locked file for appending.

        Raises:
            FileExistsError: there is a file of that name.
            StorageError: (WEFT-T050) the platform has no file locks.
        """
        lock = _flock()
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        while True:
            fd = os.open(path, flags, 0o600)
            try:
                # Waits only while somebody else looks whether this file, not yet locked, was left behind.
                lock(fd, fcntl.LOCK_EX)
                if os.fstat(fd).st_nlink > 0:
                    return cls(path, fd)
            except BaseException:
                os.close(fd)
                raise
            os.close(fd)  # they took it for left behind and deleted it: once more

    @classmethod
    def take(cls, path: Path) -> LockedFile | None:
        """The file, locked, if its owner is gone.

        None where the owner lives, where somebody else took it, and where there is no such file, or none that this user may take.
        """
        lock = _flock()
        try:
            fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            if error.errno in _NOT_OURS:
                return None
            raise
        try:
            lock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(fd).st_nlink > 0:
                return cls(path, fd)
        except BlockingIOError:
            pass
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)
        return None

    @property
    def is_open(self) -> bool:
        """Whether this process holds the lock through it."""
        return self.fd >= 0

    def close(self) -> None:
        """Let go of the lock and leave the file."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)

    def delete(self) -> None:
        """Delete the file, then let go of the lock, so that nobody else can take it in between."""
        if self.fd >= 0:
            self.path.unlink(missing_ok=True)
            self.close()

    # Only closing: see the opening of the module.
    abandon = close


_TO_ABANDON: weakref.WeakSet[Any] = weakref.WeakSet()


def close_in_children(owner: LeftInChild) -> None:
    """Have ``owner.abandon()`` called in every process that is forked from this one."""
    if not _TO_ABANDON and hasattr(os, "register_at_fork"):
        _register_once()
    _TO_ABANDON.add(owner)


_is_registered = False


def _register_once() -> None:
    global _is_registered  # noqa: PLW0603  # handlers of fork are for the whole process and cannot be removed
    if not _is_registered:
        _is_registered = True
        os.register_at_fork(after_in_child=_abandon_all)


def _abandon_all() -> None:
    for owner in list(_TO_ABANDON):
        owner.abandon()
    _TO_ABANDON.clear()


def _flock() -> Any:
    if fcntl is None:
        raise StorageError(
            "This platform has no file locks by which weft sees that a worker is dead.",
            code="WEFT-T050",
            facts={"missing": "the module fcntl"},
            fix="use Linux, macOS or WSL, or an instance in memory",
        )
    return fcntl.flock
