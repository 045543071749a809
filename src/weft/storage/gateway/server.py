"""Answers for a storage: each connection is served by a thread of its own, which mostly waits.

Sockets stand in a folder that only its owner can enter. A caller that does not read its answers is cut off, so that none can hold up a thread for ever.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
import uuid
from pathlib import Path

import msgspec
from msgspec import Raw

from weft.errors import StorageError, WeftError
from weft.model.codec import encode
from weft.processes.wire import Channel
from weft.storage.gateway.calls import (
    NOTIFY,
    REQUEST_DECODER,
    Answer,
    Failure,
    Request,
    call_named,
    failure_of,
)
from weft.storage.ports import Storage
from weft.storage.socket_wakeups import short_enough

FOLDER_NAME = "gateway"
"""The folder of the sockets in the home of an instance."""

SEND_SECONDS = 10
BUSY_SECONDS = 0.1
"""How long nobody is let in when there is no room."""

_BACKLOG = 512
_NOTHING = Raw(encode(None))


def gateway_folder(home: Path) -> Path:
    """Where the sockets of an instance stand."""
    return short_enough(home / FOLDER_NAME)


class GatewayServer:
    """Offers `storage` on a socket in `folder`, from `start` to `close`."""

    def __init__(self, storage: Storage, folder: Path) -> None:
        self._storage = storage
        self._folder = folder
        self.path = folder / f"{uuid.uuid4().hex[:12]}.sock"
        self._listening: socket.socket | None = None
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()

    def start(self) -> None:
        """Begin to answer.

        Raises:
            OSError: the socket cannot be made.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listening.bind(str(self.path))
        os.chmod(self.path, 0o600)  # noqa: PTH101  # the folder is closed to others; so is the socket where it was made by hand
        self._listening.listen(_BACKLOG)
        threading.Thread(target=self._accept, args=[self._listening], name="weft-gateway", daemon=True).start()

    def close(self) -> None:
        """Answer no more. Callers go to another gateway, or to the database."""
        self._closing.set()
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()
        if self._listening is not None:
            with contextlib.suppress(OSError):
                self._listening.shutdown(socket.SHUT_RDWR)
            self._listening.close()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self, listening: socket.socket) -> None:
        while not self._closing.is_set():
            try:
                connection, _ = listening.accept()
            except OSError:
                self._closing.wait(BUSY_SECONDS)  # it is being closed; or there are no more descriptors for now
                continue
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", SEND_SECONDS, 0))
            with self._lock:
                self._connections.add(connection)
            try:
                threading.Thread(target=self._serve, args=[connection], name="weft-gateway-caller", daemon=True).start()
            except RuntimeError:  # no more threads for now: the caller does without
                with self._lock:
                    self._connections.discard(connection)
                connection.close()
                self._closing.wait(BUSY_SECONDS)

    def _serve(self, connection: socket.socket) -> None:
        channel = Channel(connection)
        try:
            while (frame := channel.receive()) is not None:
                channel.send(encode(self._answer(frame.payload)))
        except OSError:  # it has gone, or does not read
            return
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()

    def _answer(self, payload: bytes) -> Answer | Failure:
        try:
            request = REQUEST_DECODER.decode(payload)
            return Answer(self._carry_out(request))
        except WeftError as error:
            return failure_of(error)
        except msgspec.MsgspecError as error:
            return _failure("a call to the storage does not fit its signature", str(error))
        except Exception as error:  # noqa: BLE001  # a defect here must not look like an outage there
            return _failure("a call to the storage failed", f"{type(error).__name__}: {error}")

    def _carry_out(self, request: Request) -> Raw:
        if request.call == NOTIFY:
            self._storage.wakeups.notify(msgspec.msgpack.decode(bytes(request.arguments), type=str))
            return _NOTHING
        call = call_named(request.call)
        if call is None:
            raise _not_offered(request.call)
        port, _, method = request.call.partition(".")
        result = getattr(getattr(self._storage, port), method)(**call.decode_arguments(request.arguments))
        return Raw(encode(result))


def _failure(what: str, why: str) -> Failure:
    return Failure(
        kind="StorageError",
        code="WEFT-T101",
        what=f"{what}.",
        facts={"why": why},
        fix="see that the daemon and its workers have the same version of weft",
    )


def _not_offered(call: str) -> StorageError:
    error = StorageError(
        "A daemon was asked for something that it does not do for others.",
        code="WEFT-T102",
        facts={"call": call[:100]},
        fix="see that the daemon and its workers have the same version of weft",
    )
    error.may_pass = False
    return error
