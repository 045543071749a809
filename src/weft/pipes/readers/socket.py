"""Messages over a connection that may break: for programs that use ``weft_pipes``, whose writer makes it anew and goes on where it was.

Lines in both directions. The program greets with ``{"weft_pipes_hello": 1, "writer": W, "token": T}``; it is answered with the number of the last message of
W that was handled, ``{"ack": N}``, and again when it asks by an empty line. It keeps each message until then. One thread serves all connections.

Nothing is lost while this process lives: what a killed program wrote is in the buffers of the kernel, which are read to their end before the session closes.
"""

from __future__ import annotations

import contextlib
import hmac
import json
import secrets
import selectors
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from weft.errors import Problem
from weft.pipes.messages import PipesMessageHandler
from weft.pipes.protocol import PipesParams
from weft.pipes.reader import PipesMessageReader
from weft.pipes.readers.lines import LineBuffer

_PIECE_BYTES = 1 << 18
# How long all connections may be silent after the program has ended, before what still holds them open is left to itself.
_SILENCE_SECONDS = 1.0
_MOST_WAITING = 64
_LONGEST_GREETING_BYTES = 4096


class PipesSocketMessageReader(PipesMessageReader):
    """Listens for messages of a program that uses ``weft_pipes``. A connection that breaks is taken up again, with nothing lost or doubled.

    Args:
        host: the address to listen at, on a port that the system chooses, such as one that a container reaches. None: a socket in a temporary folder,
            which only this user of this machine can reach (on Windows the loopback address).
    """

    def __init__(self, host: str | None = None) -> None:
        self._host = host

    @contextmanager
    def read_messages(self, handler: PipesMessageHandler) -> Iterator[PipesParams]:
        """See `PipesMessageReader`."""
        token = secrets.token_urlsafe(24)
        with contextlib.ExitStack() as stack:
            listener = stack.enter_context(socket.socket(_family(self._host), socket.SOCK_STREAM))
            where: dict[str, object]
            if listener.family == socket.AF_INET:
                listener.bind((self._host or "127.0.0.1", 0))
                where = {"host": listener.getsockname()[0], "port": listener.getsockname()[1]}
            else:
                folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="weft-pipes-"))
                path = str(Path(folder) / "s")
                listener.bind(path)
                where = {"path": path}
            listener.listen(_MOST_WAITING)
            server = _Server(listener, token, handler)
            thread = threading.Thread(target=server.run, name="pipes socket", daemon=True)
            thread.start()
            try:
                yield {"weft_socket": {**where, "token": token}}
            finally:
                server.finish()
                thread.join()

    def no_messages_debug_text(self) -> str:
        """See `PipesMessageReader`."""
        return f"over a connection to {self._host or 'a socket on this machine'}, by a program that uses weft_pipes"


def _family(host: str | None) -> socket.AddressFamily:
    if host is None and sys.platform != "win32":
        return socket.AF_UNIX
    return socket.AF_INET


class _Connection:
    """One connection of a writer."""

    def __init__(self, stream: socket.socket) -> None:
        self.stream = stream
        self.lines = LineBuffer()
        # None until it has greeted.
        self.writer: str | None = None
        # What of an answer could not be written yet; None: nobody is there any more who would read it.
        self.unsent: bytes | None = b""


class _Server:
    """One thread's work on one listening socket."""

    def __init__(self, listener: socket.socket, token: str, handler: PipesMessageHandler) -> None:
        self._listener = listener
        self._token = token
        self._handler = handler
        self._selector = selectors.DefaultSelector()
        self._woken, self._waker = socket.socketpair()
        self._is_finishing = False

    def finish(self) -> None:
        """Read what is there, and end."""
        self._is_finishing = True
        self._waker.send(b"x")

    def run(self) -> None:
        """Serve until the session is over. What goes wrong is raised by the session."""
        try:
            self._serve()
        except BaseException as error:  # noqa: BLE001  # a thread has nobody to raise to
            self._handler.fail(error)
        finally:
            for key in list(self._selector.get_map().values()):
                if isinstance(key.data, _Connection):
                    key.data.stream.close()
            self._selector.close()
            self._woken.close()
            self._waker.close()

    def _serve(self) -> None:
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)
        while True:
            # Asked before looking: what was written before the end is seen by the look that follows.
            is_last = self._is_finishing
            # With no connection left there is nobody whose last words could still come: whoever waits to be accepted is seen at once.
            has_connections = len(self._selector.get_map()) > 2
            ready = self._selector.select((_SILENCE_SECONDS if has_connections else 0) if is_last else None)
            if is_last and not ready:
                return
            for key, events in ready:
                if key.fileobj is self._listener:
                    self._accept()
                elif key.fileobj is self._woken:
                    self._woken.recv(1)
                else:
                    self._take(key.data, events)

    def _accept(self) -> None:
        # One that is gone already, or a want of descriptors, which the next look may not have.
        with contextlib.suppress(OSError):
            stream, _ = self._listener.accept()
            stream.setblocking(False)
            self._selector.register(stream, selectors.EVENT_READ, _Connection(stream))

    def _take(self, connection: _Connection, events: int) -> None:
        try:
            if events & selectors.EVENT_WRITE:
                self._answer(connection, b"")
            if events & selectors.EVENT_READ:
                data = connection.stream.recv(_PIECE_BYTES)
                if not data:
                    raise ConnectionError  # its end is an end like any other
                self._read(connection, data)
        except BlockingIOError:
            return
        except OSError:
            # The writer makes a new one and sends again what was not handled, as what is left of a line in this one.
            self._drop(connection)

    def _drop(self, connection: _Connection) -> None:
        self._selector.unregister(connection.stream)
        connection.stream.close()

    def _read(self, connection: _Connection, data: bytes) -> None:
        whole = connection.lines.feed(data)
        if connection.writer is None:
            if not whole and len(connection.lines.rest) <= _LONGEST_GREETING_BYTES:
                return
            greeting, _, whole = whole.partition(b"\n")
            connection.writer = self._greeted(greeting)
            is_asked = True
        else:
            # Who asks writes nothing more until it is answered.
            is_asked = whole.endswith(b"\n\n") or whole == b"\n"
        if len(whole) > 1:
            self._handler.handle_lines(whole)
        if is_asked:
            ack = {"ack": self._handler.last_seq(connection.writer)}
            self._answer(connection, f"{json.dumps(ack)}\n".encode())

    def _greeted(self, line: bytes) -> str:
        """The writer that greets.

        Raises:
            ConnectionError: it is none of this session.
        """
        try:
            found = json.loads(line)
            writer, token = str(found["writer"]), str(found["token"])
        except (ValueError, TypeError, KeyError, RecursionError):
            self._refused("it did not greet as a program of this session does")
            raise ConnectionError from None
        if not hmac.compare_digest(token.encode(), self._token.encode()):
            self._refused("it has another token")
            raise ConnectionError
        return writer

    def _refused(self, why: str) -> None:
        self._handler.problem(
            Problem(
                "WEFT-X350",
                "A connection to the channel of the external process was refused.",
                facts={"why": why},
                fix="start the program with the parameters of this session, and let it use weft_pipes",
            )
        )

    def _answer(self, connection: _Connection, text: bytes) -> None:
        """Write an answer, or what is left of one.

        Where it cannot be written the program has ended, but what it wrote before is still to be read.
        """
        if connection.unsent is None:
            return
        connection.unsent += text
        try:
            with contextlib.suppress(BlockingIOError):
                connection.unsent = connection.unsent[connection.stream.send(connection.unsent) :]
        except OSError:
            connection.unsent = None
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if connection.unsent else 0)
        if self._selector.get_key(connection.stream).events != wanted:
            self._selector.modify(connection.stream, wanted, connection)
