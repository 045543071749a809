"""Frames over a Unix socket, with file descriptors beside them.

    frame = length:u32 descriptors:u8 payload        little-endian; the length is that of the payload

A stream socket keeps what was sent when its writer dies, so a reader gets every whole frame of a killed process; a torn last one is dropped.
"""

from __future__ import annotations

import array
import socket
import struct
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

_HEAD = struct.Struct("<IB")
_MOST_FDS = 16
_CHUNK_BYTES = 1 << 18
# Absent on Windows, where nothing of this works but importing must not fail.
_DONT_WAIT = getattr(socket, "MSG_DONTWAIT", 0)
_CLOSE_ON_EXEC = getattr(socket, "MSG_CMSG_CLOEXEC", 0)


class Frame(NamedTuple):
    """One message. Whoever receives it owns the descriptors."""

    payload: bytes
    fds: list[int]


class Channel:
    """One end of a connection. Not for several threads at once."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._incoming = bytearray()
        self._fds: deque[int] = deque()
        self._outgoing = bytearray()
        self.is_at_end = False
        """Whether the other end is closed and everything that it sent was received."""

    @classmethod
    def pair(cls) -> tuple[Channel, socket.socket]:
        """A channel, and the socket of its other end, which is to be handed to another process."""
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        return cls(here), there

    @classmethod
    def of_fd(cls, fd: int) -> Channel:
        """A channel that takes a descriptor over."""
        return cls(socket.socket(fileno=fd))

    def fileno(self) -> int:
        """For selectors; -1 once closed."""
        return self._socket.fileno()

    def send(self, payload: bytes, fds: Sequence[int] = ()) -> None:
        """Send one frame, and wait until it is on its way. The descriptors stay open here.

        Raises:
            BrokenPipeError, ConnectionError: the other end is gone.
        """
        data = _HEAD.pack(len(payload), len(fds)) + payload
        if not fds:
            self._socket.sendall(data)
            return
        rights = array.array("i", fds)
        sent = self._socket.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
        if sent < len(data):
            self._socket.sendall(data[sent:])

    def send_all(self, payloads: Sequence[bytes]) -> None:
        """Send several frames at once, none with descriptors. Waits and raises as `send`."""
        self._socket.sendall(b"".join([_HEAD.pack(len(payload), 0) + payload for payload in payloads]))

    def send_soon(self, payload: bytes) -> None:
        """Send one frame without ever waiting: what does not fit now stays until `flush`."""
        self._outgoing += _HEAD.pack(len(payload), 0) + payload
        self.flush()

    def flush(self) -> bool:
        """Send what waits, as far as possible without waiting. Whether all of it is sent; what can never be sent is dropped."""
        try:
            while self._outgoing:
                del self._outgoing[: self._socket.send(self._outgoing, _DONT_WAIT)]
        except BlockingIOError:
            return False
        except OSError:  # nobody listens any more; that shows on receiving
            self._outgoing.clear()
        return True

    @property
    def has_unsent(self) -> bool:
        """Whether something waits for `flush`."""
        return bool(self._outgoing)

    def receive(self) -> Frame | None:
        """Wait for one frame; None at the end."""
        while (frame := self._next()) is None:
            if not self._read(0):
                return None
        return frame

    def receive_ready(self) -> list[Frame]:
        """The frames that are there, without waiting."""
        while self._read(_DONT_WAIT):
            if len(self._incoming) >= _CHUNK_BYTES:
                break
        frames: list[Frame] = []
        while (frame := self._next()) is not None:
            frames.append(frame)
        return frames

    def _next(self) -> Frame | None:
        if len(self._incoming) < _HEAD.size:
            return None
        length, count = _HEAD.unpack_from(self._incoming)
        end = _HEAD.size + length
        if len(self._incoming) < end or len(self._fds) < count:
            return None
        payload = bytes(self._incoming[_HEAD.size : end])
        del self._incoming[:end]
        return Frame(payload, [self._fds.popleft() for _ in range(count)])

    def _read(self, flags: int) -> bool:
        """Read once. False at the end, and where nothing is there now."""
        if self.is_at_end:
            return False
        try:
            data, ancillary, _, _ = self._socket.recvmsg(
                _CHUNK_BYTES, socket.CMSG_SPACE(_MOST_FDS * 4), flags | _CLOSE_ON_EXEC
            )
        except BlockingIOError:
            return False
        except OSError:  # closed with unread data on the other side
            data, ancillary = b"", []
        for level, kind, rights in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                fds = array.array("i")
                fds.frombytes(rights[: len(rights) - len(rights) % fds.itemsize])
                self._fds.extend(fds)
        if not data:
            self.is_at_end = True
            return False
        self._incoming += data
        return True

    def close_sending(self) -> None:
        """Send no more: the other end finds the end behind what was sent. Receiving goes on."""
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:  # the other end has gone already
            return

    def close(self) -> None:
        """Let go of it."""
        self._socket.close()


def receive_first(sock: socket.socket) -> bytes | None:
    """Wait for the first frame on a socket and read not a byte more, so that a `Channel` made afterwards finds what follows; None at the end.

    The frame has no descriptors.
    """
    head = _read_exactly(sock, _HEAD.size)
    if head is None:
        return None
    length, _ = _HEAD.unpack(head)
    return _read_exactly(sock, length)


def _read_exactly(sock: socket.socket, count: int) -> bytes | None:
    data = bytearray()
    while len(data) < count:
        chunk = sock.recv(count - len(data))
        if not chunk:
            return None
        data += chunk
    return bytes(data)
