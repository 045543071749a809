"""`weft.storage.notifications.Wakeups` over PostgreSQL: LISTEN and NOTIFY, with one connection for each process that says or hears something.

A thread of its own has the connection: `notify` hands it the topic and returns, so nobody waits for the server, and what the server says is handed to the
listeners of the process. Within the process a topic is heard at once. A process where nobody listens lets go of the connection some seconds after it said
something. While the connection is away, and behind a pooler, which does not pass on what
is said, listeners are told to look every second.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
import weakref
from collections.abc import Callable
from typing import Any

import psycopg

from weft.storage.notifications import Listener, LocalWakeups

CHANNEL = "weft"

POLL_SECONDS = 1.0
"""How often listeners are told to look while nothing can be heard."""

_IDLE_SECONDS = 15.0
"""How long the connection is kept where nobody listens and nothing is said."""

_RETRY_SECONDS = 1.0
"""Between attempts to connect again."""

_LONGEST_TOPIC = 4000
"""Bytes. The server takes 8,000."""


class PostgresWakeups:
    """Says and hears topics through the server.

    Args:
        connect: makes a connection.
    """

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]]) -> None:
        self._connect = connect
        self._inside = LocalWakeups(poll_seconds=POLL_SECONDS)
        self._thread: threading.Thread | None
        self._start_afresh()
        _MADE.add(self)

    def notify(self, topic: str) -> None:
        """See `weft.storage.notifications.Wakeups.notify`."""
        self._inside.notify(topic)
        with self._lock:
            if self._is_closed or len(topic.encode()) > _LONGEST_TOPIC:
                return
            self._to_say[topic] = None
            self._be_at_work()
            self._stir()

    def listen(self, *topics: str) -> Listener:
        """See `weft.storage.notifications.Wakeups.listen`. Waits until the server listens, or a second where it does not."""
        listener = self._inside.listen(*topics)
        with self._lock:
            if not self._is_closed:
                self._be_at_work()
        if not self._settled.wait(POLL_SECONDS):
            self._may_have_missed = True
        return listener

    def close(self) -> None:
        """End the thread and let go of its connection."""
        with self._lock:
            self._is_closed = True
            thread, self._thread = self._thread, None
            self._stir()
        if thread is not None and thread is not threading.current_thread():
            thread.join(_RETRY_SECONDS)

    def _start_afresh(self) -> None:
        self._lock = threading.Lock()
        self._thread = None
        self._is_closed = False
        # Topics that wait to be said, each once.
        self._to_say: dict[str, None] = {}
        # Set when it is known whether the server can be heard.
        self._settled = threading.Event()
        # Whether somebody who listens may have missed something since the last time everybody was told to look.
        self._may_have_missed = False
        self._bell: tuple[int, int] | None = None
        self._inside.poll_seconds = POLL_SECONDS

    def _be_at_work(self) -> None:
        if self._thread is None:
            self._bell = os.pipe()
            for end in self._bell:
                os.set_blocking(end, False)
            self._thread = threading.Thread(target=_work, args=(self, self._bell), name="weft-wakeups", daemon=True)
            self._thread.start()

    def _may_rest(self) -> bool:
        """Whether the thread may end, because nobody needs it; the next who does begins another."""
        with self._lock:
            if self._to_say or self._inside.is_heard:
                return False
            self._thread = self._bell = None
            self._settled.clear()
            self._inside.poll_seconds = POLL_SECONDS
            return True

    def _stir(self) -> None:
        """Wake the thread. Under the lock, so that the bell is not closed meanwhile."""
        bell = self._bell
        if bell is not None:
            with contextlib.suppress(OSError):  # a full pipe is stirring enough
                os.write(bell[1], b".")


def _work(wakeups: PostgresWakeups, bell: tuple[int, int]) -> None:
    """Hold the connection, and hold it again when it is lost, until the end, or until nobody needs it."""
    try:
        while not wakeups._is_closed:
            try:
                with contextlib.closing(wakeups._connect()) as connection:
                    _serve(wakeups, connection, bell[0])
                if wakeups._may_rest():
                    return
                wakeups._may_have_missed = True
            except (psycopg.Error, OSError):
                # What is said while nobody listens is lost, so everybody looks for themselves.
                wakeups._inside.poll_seconds = POLL_SECONDS
                wakeups._may_have_missed = True
                wakeups._inside.notify_all()
                wakeups._settled.set()
                _wait(bell[0], _RETRY_SECONDS)
    finally:
        with wakeups._lock:
            if wakeups._bell is bell:
                wakeups._bell = None
            for end in bell:
                os.close(end)


def _serve(wakeups: PostgresWakeups, connection: psycopg.Connection[Any], bell: int) -> None:
    """Say and hear over a connection, until the end, or until nobody needs it."""
    own = connection.execute("SELECT pg_backend_pid()").fetchone()
    pid = connection.info.backend_pid
    hears = own is not None and own[0] == pid  # otherwise a pooler stands between: `weft.storage.postgres.is_pooled`

    def heard(said: psycopg.Notify) -> None:
        if said.pid != pid:  # this process has heard it at once
            wakeups._inside.notify(said.payload)

    connection.add_notify_handler(heard)
    connection.prepare_threshold = None
    if hears:
        connection.execute(f"LISTEN {CHANNEL}")
        wakeups._inside.poll_seconds = None
    wakeups._settled.set()
    if wakeups._may_have_missed:
        wakeups._may_have_missed = False
        wakeups._inside.notify_all()
    while not wakeups._is_closed:
        with wakeups._lock:
            topics, wakeups._to_say = list(wakeups._to_say), {}
        for topic in topics:
            connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, topic))
        if topics:
            continue
        ready = _wait(bell, None if wakeups._inside.is_heard else _IDLE_SECONDS, connection.fileno())
        if not ready:
            if wakeups._inside.is_heard:
                continue  # somebody has begun to listen meanwhile
            return
        if connection.fileno() in ready:
            connection.pgconn.consume_input()
            while (said := connection.pgconn.notifies()) is not None:
                heard(psycopg.Notify(said.relname.decode(), said.extra.decode(), said.be_pid))
            if connection.pgconn.status != psycopg.pq.ConnStatus.OK:
                raise psycopg.OperationalError("the connection was lost")


def _wait(bell: int, timeout_seconds: float | None, *more: int) -> list[int]:
    """Wait until the bell is rung or one of `more` has something to read; returns those that have."""
    poll = select.poll()
    for descriptor in (bell, *more):
        poll.register(descriptor, select.POLLIN)
    ready = [descriptor for descriptor, _ in poll.poll(None if timeout_seconds is None else timeout_seconds * 1000)]
    if bell in ready:
        with contextlib.suppress(OSError):
            while os.read(bell, 4096):
                pass
    return ready


_MADE: weakref.WeakSet[PostgresWakeups] = weakref.WeakSet()
_OF_THE_PARENT: list[object] = []


def _start_afresh_in_child() -> None:
    for wakeups in list(_MADE):
        _OF_THE_PARENT.append(wakeups._thread)
        wakeups._start_afresh()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_afresh_in_child)
