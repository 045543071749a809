"""A storage behind a gateway, for workers: as many as there are share the connections of a daemon.

A worker must not depend on a daemon: where none answers, the storage itself is opened, until one does again. A call whose answer is lost with its daemon is an error
that may pass, as where a connection to a database is lost: it may have happened, and the caller decides whether it can be repeated.
"""

from __future__ import annotations

import contextlib
import os
import random
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from msgspec import Raw

from weft.errors import InternalError, StorageError
from weft.model.codec import encode
from weft.processes.wire import Channel
from weft.storage.failures import storage_closed
from weft.storage.gateway.calls import (
    NOTIFY,
    PORTS,
    REPLY_DECODER,
    Answer,
    Request,
    call_named,
    raised_by,
)
from weft.storage.notifications import Listener, LocalWakeups
from weft.storage.ports import (
    AssetStore,
    CheckStore,
    DynamicPartitionStore,
    EventLog,
    History,
    KeyValue,
    LeaseStore,
    PoolStore,
    RunQueue,
    RunStore,
    SnapshotStore,
    Storage,
)

POLL_SECONDS = 0.5
"""How often a listener of a worker is told to look: what others say does not come through a gateway."""

LOOK_AGAIN_SECONDS = 1.0
"""How soon a gateway is looked for again where there was none."""

ANSWER_SECONDS = 60
"""How long an answer is waited for: longer than any write waits for others. A daemon that is stopped must not stop its workers."""

SILENT_SECONDS = 30.0
"""How long nobody is asked after one did not answer."""


class GatewayStorage:
    """`weft.storage.ports.Storage` over the gateways in a folder.

    Args:
        folder: where their sockets stand.
        open_storage: opens the storage itself; called when it is first needed.
    """

    def __init__(self, folder: Path, open_storage: Callable[[], Storage]) -> None:
        self._gate = _Gate(folder, open_storage)
        ports = {name: _Port(self._gate, name) for name in PORTS}
        self.runs = cast("RunStore", ports["runs"])
        self.events = cast("EventLog", ports["events"])
        self.assets = cast("AssetStore", ports["assets"])
        self.checks = cast("CheckStore", ports["checks"])
        self.dynamic_partitions = cast("DynamicPartitionStore", ports["dynamic_partitions"])
        self.snapshots = cast("SnapshotStore", ports["snapshots"])
        self.keyvalue = cast("KeyValue", ports["keyvalue"])
        self.queue = cast("RunQueue", ports["queue"])
        self.leases = cast("LeaseStore", ports["leases"])
        self.pools = cast("PoolStore", ports["pools"])
        self.history = cast("History", ports["history"])
        self.wakeups = _GatewayWakeups(self._gate)

    def describe(self) -> Mapping[str, str]:
        """See `Storage.describe`."""
        return {"storage": "through a daemon"}

    def close(self) -> None:
        """See `Storage.close`."""
        self._gate.close()


class _Port:
    """One port. Its methods are those of the protocol, by name."""

    def __init__(self, gate: _Gate, name: str) -> None:
        self._gate = gate
        self._name = name

    def __getattr__(self, method: str) -> Callable[..., Any]:
        name = f"{self._name}.{method}"
        call = call_named(name)
        if call is None:
            raise AttributeError(f"{name} is not offered through a gateway")
        gate = self._gate

        def ask(*args: Any, **kwargs: Any) -> Any:
            return gate.ask(name, args, kwargs)

        self.__dict__[method] = ask
        return ask


class _GatewayWakeups:
    """`weft.storage.notifications.Wakeups` of a worker: what it says goes out, what others say is found by looking."""

    def __init__(self, gate: _Gate) -> None:
        self._gate = gate
        self._inside = LocalWakeups(poll_seconds=POLL_SECONDS)

    def notify(self, topic: str) -> None:
        """See `Wakeups.notify`."""
        self._inside.notify(topic)
        with contextlib.suppress(StorageError, OSError):
            self._gate.notify(topic)

    def listen(self, *topics: str) -> Listener:
        """See `Wakeups.listen`."""
        return self._inside.listen(*topics)


class _Gate:
    """The connection to a gateway, or the storage itself where there is none. Threads take turns."""

    def __init__(self, folder: Path, open_storage: Callable[[], Storage]) -> None:
        self._folder = folder
        self._open_storage = open_storage
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._channel: Channel | None = None
        self._direct: Storage | None = None
        self._look_at = 0.0
        self._is_closed = False

    def ask(self, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Carry a call out, through a gateway or without."""
        call = call_named(name)
        if call is None:
            raise InternalError("a call was made that a gateway does not know", facts={"call": name})
        with self._turn():
            channel = self._connected()
            if channel is not None:
                return call.decode_result(
                    self._exchange(channel, Request(name, Raw(call.encode_arguments(args, kwargs))))
                )
            direct = self._opened()
        port, _, method = name.partition(".")
        return getattr(getattr(direct, port), method)(*args, **kwargs)

    def notify(self, topic: str) -> None:
        """Have a topic said."""
        with self._turn():
            channel = self._connected()
            if channel is not None:
                self._exchange(channel, Request(NOTIFY, Raw(encode(topic))))
                return
            direct = self._opened()
        direct.wakeups.notify(topic)

    def close(self) -> None:
        """Let go of everything."""
        with self._turn(closing=True):
            if self._channel is not None:
                self._channel.close()
                self._channel = None
            if self._direct is not None:
                self._direct.close()
                self._direct = None

    @contextlib.contextmanager
    def _turn(self, *, closing: bool = False) -> Any:
        if self._pid != os.getpid():
            # In a forked child, the connection belongs to the parent, and the lock may be held by a thread that is not here.
            self._pid, self._lock = os.getpid(), threading.Lock()
            if self._channel is not None:
                self._channel.close()
                self._channel = None
        with self._lock:
            if self._is_closed:
                if closing:
                    yield
                    return
                raise storage_closed("a gateway")
            self._is_closed = closing
            yield

    def _exchange(self, channel: Channel, request: Request) -> Raw:
        try:
            channel.send(encode(request))
            frame = channel.receive()
        except OSError as error:
            self._lose(channel)
            raise _away(error.strerror or type(error).__name__) from error
        except BaseException:
            self._lose(channel)  # interrupted in the middle: what comes next would be the answer to this call
            raise
        if frame is None:
            if not channel.is_at_end:  # it lives, and does not answer
                self._look_at = time.monotonic() + SILENT_SECONDS
            self._lose(channel)
            raise _away("the daemon has ended, or does not answer")
        reply = REPLY_DECODER.decode(frame.payload)
        if isinstance(reply, Answer):
            return reply.value
        raise raised_by(reply)

    def _lose(self, channel: Channel) -> None:
        channel.close()
        self._channel = None

    def _connected(self) -> Channel | None:
        """The connection; None where no gateway answers now."""
        if self._channel is not None:
            if not _is_closed(self._channel):
                return self._channel
            self._lose(self._channel)
        now = time.monotonic()
        if now < self._look_at:
            return None
        try:
            places = [place for place in os.listdir(self._folder) if place.endswith(".sock")]  # noqa: PTH208  # only the names
        except FileNotFoundError:
            places = []
        random.shuffle(places)
        for place in places:
            made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", ANSWER_SECONDS, 0))
            made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", ANSWER_SECONDS, 0))
            try:
                made.connect(str(self._folder / place))
            except OSError as error:
                made.close()
                if isinstance(error, ConnectionRefusedError):  # its daemon was killed
                    with contextlib.suppress(OSError):
                        (self._folder / place).unlink()
                continue
            # The storage itself stays open where it was needed: others may be using it, and its connections close by themselves.
            self._channel = Channel(made)
            return self._channel
        self._look_at = now + LOOK_AGAIN_SECONDS
        return None

    def _opened(self) -> Storage:
        if self._direct is None:
            self._direct = self._open_storage()
        return self._direct


def _is_closed(channel: Channel) -> bool:
    """Whether the other side has gone while nothing was asked: then there is something to read, the end."""
    poll = select.poll()
    poll.register(channel.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _away(why: str) -> StorageError:
    return StorageError(
        "The daemon through which this worker records went away in the middle of a call.",
        code="WEFT-T100",
        facts={"why": why},
        fix="nothing: the worker tries again, with another daemon or without one",
    )
