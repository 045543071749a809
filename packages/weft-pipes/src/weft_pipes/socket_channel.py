"""Messages over a connection that may be cut at any moment.

Lines in both directions. First the program says who it is: ``{"weft_pipes_hello": 1, "writer": W, "token": T}``; the other side answers with the number
of the last message of W that it has handled, ``{"ack": N}``, and says so again when it is asked by an empty line. A message is kept until it is
acknowledged. Where the connection breaks, a new one is made, the answer to the greeting tells what arrived, and the rest is written again. So nothing is
lost while the orchestrator lives, and nothing counts twice, since it ignores numbers that it had.

A message is handed to the kernel before `write_message` returns: a kill of the program loses none that it had written. That is why an answer is given only to
who waits for it: a process that ends with an answer unread has its connection reset, and what was on its way is thrown away.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections import deque
from collections.abc import Mapping
from typing import Any

from weft_pipes.channel import SEQ_FIELD, WRITER_FIELD, PipesMessageWriterChannel, line_of
from weft_pipes.errors import PipesError

# How many messages may be without an answer. It bounds what is kept and what is written again after a break.
MOST_UNACKNOWLEDGED = 1024
# The same in bytes, for big ones.
MOST_UNACKNOWLEDGED_BYTES = 8 << 20
# A connection on which nothing moves for so long is given up.
_STALLED_SECONDS = 30.0
_FIRST_WAIT_SECONDS = 0.01
_LONGEST_WAIT_SECONDS = 1.0


class SocketChannel(PipesMessageWriterChannel):
    """Writes over a connection to the orchestrator, and makes it anew where it breaks.

    Args:
        address: the path of a socket, or host and port.
        token: proves that the program was started by the orchestrator.
        give_up_seconds: how long to try to reach the orchestrator before an error is raised.
    """

    def __init__(self, address: Any, token: str, give_up_seconds: float = 60.0) -> None:
        self._address = address
        self._token = token
        # Named by the first message.
        self._writer = ""
        self._give_up_seconds = give_up_seconds
        self._kept: deque[tuple[int, bytes]] = deque()
        self._kept_bytes = 0
        self._answers = b""
        self._connection: socket.socket | None = None

    def write_message(self, message: Mapping[str, Any]) -> None:
        """See `PipesMessageWriterChannel`.

        Raises:
            PipesError: the orchestrator could not be reached for `give_up_seconds`.
        """
        if message[WRITER_FIELD] != self._writer:  # at first, and after a fork
            self._writer = message[WRITER_FIELD]
            self._connect()
        line = line_of(message)
        self._kept.append((message[SEQ_FIELD], line))
        self._kept_bytes += len(line)
        try:
            self._open_connection().sendall(line)
            if len(self._kept) >= MOST_UNACKNOWLEDGED or self._kept_bytes >= MOST_UNACKNOWLEDGED_BYTES:
                self._ask()
        except OSError:
            self._connect()

    def close(self) -> None:
        """Wait until all is acknowledged.

        Raises:
            PipesError: the orchestrator could not be reached.
        """
        while self._kept:
            try:
                self._ask()
            except OSError:
                self._connect()
        self._drop_connection()

    def after_fork(self) -> None:
        """The connection and what was written on it are the parent's; the child makes its own when it writes."""
        self._kept.clear()
        self._kept_bytes = 0
        self._drop_connection()

    def _open_connection(self) -> socket.socket:
        if self._connection is None:
            raise ConnectionError("not connected")
        return self._connection

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> None:
        """A connection on which all that is kept has been written."""
        give_up_at = time.monotonic() + self._give_up_seconds
        wait = _FIRST_WAIT_SECONDS
        while True:
            self._drop_connection()
            try:
                self._connect_once()
                return
            except OSError as error:
                if time.monotonic() >= give_up_at:
                    raise PipesError(
                        f"the orchestrator cannot be reached at {self._address} ({error}); {len(self._kept)} messages were not handed over"
                    ) from error
            time.sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT_SECONDS)

    def _connect_once(self) -> None:
        if isinstance(self._address, str):
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        else:
            connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._connection, self._answers = connection, b""
        connection.settimeout(_STALLED_SECONDS)
        connection.connect(self._address if isinstance(self._address, str) else tuple(self._address))
        if not isinstance(self._address, str):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        hello = {"weft_pipes_hello": 1, "writer": self._writer, "token": self._token}
        connection.sendall(f"{json.dumps(hello)}\n".encode())
        self._wait_for_answer()
        connection.sendall(b"".join(line for _, line in self._kept))

    def _ask(self) -> None:
        """Have all that was written acknowledged."""
        self._open_connection().sendall(b"\n")
        self._wait_for_answer()

    def _wait_for_answer(self) -> None:
        """Take an answer, and forget what was handled."""
        connection = self._open_connection()
        while b"\n" not in self._answers:
            data = connection.recv(1 << 16)
            if not data:
                raise ConnectionError("the orchestrator closed the connection")
            self._answers += data
        line, _, self._answers = self._answers.partition(b"\n")
        handled = json.loads(line)["ack"]
        while self._kept and self._kept[0][0] <= handled:
            self._kept_bytes -= len(self._kept.popleft()[1])


def address_of(params: Mapping[str, Any]) -> Any:
    """The address in the parameters of a socket: a path, or host and port.

    Raises:
        PipesError: there is none that works on this system.
    """
    if "path" in params:
        if not hasattr(socket, "AF_UNIX"):
            raise PipesError(f"{os.name} has no sockets with paths: give the reader a host")
        return params["path"]
    return [params["host"], int(params["port"])]
