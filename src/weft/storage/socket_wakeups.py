"""`weft.storage.notifications.Wakeups` between the processes of one machine: datagrams to sockets in a folder.

Each listener binds a socket of its own in the folder; who notifies sends the topic to every socket there. That takes some microseconds for each
listener, wakes it at once, and needs no process in the middle. The socket of a process that was killed refuses, and is removed by whoever finds it.

Sending never waits: where the queue of a socket is full (its owner does not come to reading), the datagram is dropped, and an owner that finds a full
queue behaves as if it had heard everything.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import stat
import tempfile
import uuid
from pathlib import Path

from weft.storage.notifications import Deadline, Listener, LocalWakeups

FOLDER_NAME = "wake"
"""The folder of the sockets in the home of an instance."""

_LONGEST_PATH = 100
"""Bytes of the path of a socket: 108 with a closing zero on Linux, 104 on macOS. Sockets have names of 30."""

_FULL = 8
"""So many datagrams at once may be a full queue: the smallest limit in use, ``net.unix.max_dgram_qlen``, is 10."""

_LONGEST_TOPIC = 4096


class SocketWakeups:
    """Sends and hears topics over sockets in `folder`, which is made, for its owner alone, when somebody listens.

    Args:
        folder: the same for all processes that are to hear each other; on a local disk.
        poll_seconds: as for `LocalWakeups`, where processes of other machines may have something to say.
    """

    def __init__(self, folder: Path, *, poll_seconds: float | None = None) -> None:
        self._folder = short_enough(folder)
        self._poll_seconds = poll_seconds
        # Where no socket can be made (a system without them, a folder that cannot be written): within the process, and polling.
        self._inside = LocalWakeups(poll_seconds=min(poll_seconds or 1.0, 1.0))

    def notify(self, topic: str) -> None:
        """See `weft.storage.notifications.Wakeups.notify`."""
        self._inside.notify(topic)
        with contextlib.suppress(OSError):
            places = list(os.scandir(self._folder))
            if not places:
                return
            data = topic.encode()[:_LONGEST_TOPIC]
            with _datagrams() as sender:
                for place in places:
                    try:
                        sender.sendto(data, place.path)
                    except (ConnectionRefusedError, FileNotFoundError):  # its process was killed
                        with contextlib.suppress(OSError):
                            os.unlink(place.path)  # noqa: PTH108  # once per dead process, on a path that is text already
                    except OSError:  # its queue is full: see the module
                        continue

    def listen(self, *topics: str) -> Listener:
        """See `weft.storage.notifications.Wakeups.listen`."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return SocketListener(self._folder, frozenset(topics), self._poll_seconds)
        except (OSError, AttributeError):  # AttributeError: Python has no AF_UNIX on this system
            return self._inside.listen(*topics)


class SocketListener:
    """A `weft.storage.notifications.Listener` with a socket of its own."""

    def __init__(self, folder: Path, topics: frozenset[str], poll_seconds: float | None) -> None:
        self._topics = topics
        self._poll_seconds = poll_seconds
        self._owner = os.getpid()
        self._is_closed = False
        self._path = folder / uuid.uuid4().hex[:24]
        self._socket = _datagrams()
        try:
            self._socket.bind(str(self._path))
            self._path.chmod(stat.S_IRUSR | stat.S_IWUSR)
        except BaseException:
            self._socket.close()
            raise

    def wait(self, timeout_seconds: float) -> frozenset[str]:
        """See `weft.storage.notifications.Listener.wait`."""
        polls = self._poll_seconds is not None and self._poll_seconds <= timeout_seconds
        deadline = Deadline(self._poll_seconds if polls and self._poll_seconds is not None else timeout_seconds)
        while not self._is_closed:
            heard = self._receive(deadline.left_seconds)
            if heard is None:
                return self._topics if polls else frozenset()
            if heard and not self._is_closed:
                return heard
        self._let_go()
        return frozenset()

    def close(self) -> None:
        """See `weft.storage.notifications.Listener.close`."""
        if self._is_closed:
            return
        self._is_closed = True
        if os.getpid() != self._owner:  # a child has no part in it
            return
        # Whoever waits is woken by a datagram; closing the socket under it would not.
        with contextlib.suppress(OSError), _datagrams() as sender:
            sender.sendto(b"", str(self._path))
        with contextlib.suppress(OSError):
            self._path.unlink()

    def __del__(self) -> None:
        with contextlib.suppress(Exception):
            self.close()
            self._let_go()

    def _let_go(self) -> None:
        self._socket.close()

    def _receive(self, timeout_seconds: float) -> frozenset[str] | None:
        """Everything that is there, waiting for the first datagram; None after the timeout."""
        heard = set()
        count = 0
        self._socket.settimeout(timeout_seconds)
        try:
            while True:
                heard.add(self._socket.recv(_LONGEST_TOPIC).decode(errors="replace"))
                count += 1
                self._socket.settimeout(0)
        except OSError:  # no more, or not in time
            if not count:
                return None
        return self._topics if count >= _FULL else self._topics & heard


def short_enough(folder: Path) -> Path:
    """`folder`, or one for it in the system's folder for temporary files, where its path is too long for sockets.

    Processes that are to hear each other need the same ``TMPDIR`` then.
    """
    path = os.fsencode(folder.resolve())
    if len(path) + 26 <= _LONGEST_PATH:
        return folder.resolve()
    name = hashlib.sha256(path).hexdigest()[:24]
    user = os.getuid() if hasattr(os, "getuid") else 0
    base = Path(tempfile.gettempdir()) / f"weft-{user}"
    with contextlib.suppress(OSError):
        base.mkdir(mode=0o700, exist_ok=True)
        found = base.lstat()
        # Anybody may have made something of that name; sockets are only put where nobody else can read or write.
        if stat.S_ISDIR(found.st_mode) and found.st_uid == user and not found.st_mode & 0o077:
            return base / name
    return folder.resolve()


def _datagrams() -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    made.setblocking(False)
    return made
