"""A database on a server, as a `weft.storage.sql.database.Database`: connections, and who waits for what.

What differs between servers is behind `Driver`. Here is what they share:

- **Few connections.** A process has one connection that writes, for which its threads queue without holding another, and at most
  `most_readers` that read, handed from thread to thread. Each is opened when it is first needed, and closed when it was not used for `IDLE_SECONDS`:
  of many processes that have little to say, few are connected. Nobody holds one while waiting for something else.
- **None is used after a fork.** A child starts with none; the parent's are left alone, for closing one would say good-bye to the server in the parent's name.
- **A server may restart.** Before a connection is used again, its socket is looked at: a server that went away has closed it, and a new one is made. A
  connection that breaks in the middle is an error with `may_pass`, because only the caller knows whether the block can be repeated.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Protocol

from weft.errors import StorageError
from weft.storage.failures import storage_closed
from weft.storage.sql.database import Transaction
from weft.storage.sql.dialects import Dialect

MOST_READERS = 4
"""Connections for reading that a process opens at most."""

IDLE_SECONDS = 15.0
"""How long a connection that nobody uses is kept."""

_IDLE_READERS = 2
"""Connections for reading that are kept when nobody uses them."""


class Driver(Protocol):
    """What a server's Python driver does its own way."""

    @property
    def dialect(self) -> Dialect:
        """The dialect that it speaks."""
        ...

    @property
    def place(self) -> str:
        """The server and the database, without secrets."""
        ...

    @property
    def error(self) -> type[Exception]:
        """The base of what the driver raises."""
        ...

    @property
    def timeout_seconds(self) -> float:
        """How long a statement waits for a lock, and a thread for a connection."""
        ...

    def connect(self, *, for_reading: bool = False) -> Any:
        """A new connection on which each statement is a transaction."""
        ...

    def socket_of(self, connection: Any) -> int:
        """The file descriptor of a connection; -1 where it is closed."""
        ...

    def cursor(self, connection: Any) -> Any:
        """A cursor that gives tuples."""
        ...

    def begin(self, cursor: Any) -> None:
        """Begin a transaction and wait to be the only writer."""
        ...

    def commit(self, cursor: Any) -> None:
        """Commit it."""
        ...

    def roll_back(self, cursor: Any) -> None:
        """Roll it back."""
        ...

    def close(self, connection: Any) -> None:
        """Let go of a connection, whatever state it is in."""
        ...

    def filled_in(self, connection: Any, text: str, parameters: Any) -> str:
        """A statement with its parameters, for people and for EXPLAIN."""
        ...

    def translated(self, error: Exception) -> StorageError:
        """The error for users for one of the driver's."""
        ...


class ServerDatabase:
    """A database on a server. Safe to use from several threads and after a fork."""

    def __init__(self, driver: Driver, *, most_readers: int = MOST_READERS) -> None:
        self.driver = driver
        self._most_readers = max(most_readers, 1)
        self._closed = False
        self._writer: Any
        self._trace: Callable[[str], object] | None = None
        self._forget_connections()
        _OPEN.add(self)

    @property
    def place(self) -> str:
        """The server and the database, without secrets."""
        return self.driver.place

    def read(self) -> AbstractContextManager[Transaction]:
        """See `weft.storage.sql.database.Database.read`."""
        return _Reading(self)

    def write(self) -> AbstractContextManager[Transaction]:
        """See `weft.storage.sql.database.Database.write`."""
        return _Writing(self)

    def close(self) -> None:
        """Close every connection. Readers at work in other threads finish; theirs are closed when they are handed back."""
        with self._writing:
            self._closed = True
            self._ends.set()
            if self._writer is not None:
                self.driver.close(self._writer)
                self._writer = None
        self._close_readers()

    def trace(self, seen: Callable[[str], object] | None) -> None:
        """Call `seen` with the text of every statement, parameters filled in; None ends it. For tests and profiling."""
        self._trace = seen

    def connections(self) -> int:
        """How many connections this process has open."""
        return self._readers_open + (self._writer is not None)

    def close_idle(self, now: float) -> int:
        """Close the connections that nobody used since `IDLE_SECONDS` before `now`, which is of the monotonic clock. Returns how many are left."""
        limit = now - IDLE_SECONDS
        while self._readers:
            with contextlib.suppress(IndexError):  # another thread took it, so it is in use
                since, connection = self._readers.popleft()  # the one that waits longest
                if since > limit:
                    self._readers.appendleft((since, connection))
                    break
                self._close_reader(connection)
        if self._writing.acquire(blocking=False):  # else it is in use
            try:
                if self._writer is not None and self._written_at <= limit:
                    self.driver.close(self._writer)
                    self._writer = None
            finally:
                self._writing.release()
        return self.connections()

    # --- connections -------------------------------------------------------------------------------------------------

    def _forget_connections(self) -> None:
        self._writing = threading.Lock()
        self._writer = None
        self._written_at = 0.0
        # Those that nobody uses, each with the time since when; the one that waits longest is on the left.
        self._readers: deque[tuple[float, Any]] = deque()
        self._readers_open = 0
        self._may_read = threading.BoundedSemaphore(self._most_readers)
        self._closer: threading.Thread | None = None
        # Guards the number of readers and the thread that closes what is idle.
        self._counting = threading.Lock()
        # Set when the database is closed.
        self._ends = threading.Event()

    def _is_usable(self, connection: Any) -> bool:
        """Whether a connection that nobody uses is still open: one that has something to read was closed by the server, or is out of step."""
        descriptor = self.driver.socket_of(connection)
        return descriptor >= 0 and not _has_something_to_read(descriptor)

    def _connect(self, *, for_reading: bool = False) -> Any:
        if self._closed:
            raise storage_closed(self.place)
        try:
            connection = self.driver.connect(for_reading=for_reading)
        except self.driver.error as error:
            raise self.driver.translated(error) from error
        with self._counting:
            if self._closer is None:
                self._closer = threading.Thread(
                    target=_close_idle_connections,
                    args=(weakref.ref(self), self._ends),
                    name="weft-connections",
                    daemon=True,
                )
                self._closer.start()
        return connection

    def _transaction(self, connection: Any, cursor: Any) -> Transaction:
        seen = self._trace
        if seen is not None:
            cursor = _TracedCursor(
                cursor, lambda text, parameters: seen(self.driver.filled_in(connection, text, parameters))
            )
        return Transaction(cursor, self.driver.dialect)

    def _reader(self) -> Any:
        if self._closed:
            raise storage_closed(self.place)
        if not self._may_read.acquire(timeout=self.driver.timeout_seconds):
            raise StorageError(
                "every connection to the database was in use for too long.",
                code="WEFT-T066",
                facts={
                    "database": self.place,
                    "connections": self._most_readers,
                    "waited": f"{self.driver.timeout_seconds:g} s",
                },
                fix="let more be opened: add ?most_readers=8 to the address of the database",
            )
        try:
            while self._readers:
                with contextlib.suppress(IndexError):  # another thread took the last one
                    _, connection = self._readers.pop()
                    if self._is_usable(connection):
                        return connection
                    self._close_reader(connection)
            connection = self._connect(for_reading=True)
            with self._counting:
                self._readers_open += 1
        except BaseException:
            self._may_read.release()
            raise
        return connection

    def _hand_back(self, connection: Any, *, is_broken: bool) -> None:
        if is_broken or len(self._readers) >= _IDLE_READERS:
            self._close_reader(connection)
        else:
            self._readers.append((time.monotonic(), connection))
            if self._closed:  # asked last: whoever closes looks at the pool after saying so
                self._close_readers()
        self._may_read.release()

    def _close_reader(self, connection: Any) -> None:
        with self._counting:
            self._readers_open -= 1
        self.driver.close(connection)

    def _close_readers(self) -> None:
        while self._readers:
            with contextlib.suppress(IndexError):  # another thread took the last one, and hands it back
                self._close_reader(self._readers.pop()[1])


class _Reading:
    """A reading connection for one block."""

    __slots__ = ("_connection", "_database")

    def __init__(self, database: ServerDatabase) -> None:
        self._database = database

    def __enter__(self) -> Transaction:
        database = self._database
        self._connection = database._reader()
        return database._transaction(self._connection, database.driver.cursor(self._connection))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        database = self._database
        # After an error of the driver the state of the connection is not worth finding out; one of the caller's own leaves nothing behind.
        is_driver_error = isinstance(error, database.driver.error)
        database._hand_back(self._connection, is_broken=error is not None and (is_driver_error or not _is_plain(error)))
        if isinstance(error, database.driver.error):
            raise database.driver.translated(error) from error


class _Writing:
    """The writing connection and a transaction for one block."""

    __slots__ = ("_cursor", "_database", "_lock")

    def __init__(self, database: ServerDatabase) -> None:
        self._database = database

    def __enter__(self) -> Transaction:
        database = self._database
        self._lock = lock = database._writing
        # No timeout: whoever has the lock waits for other processes no longer than the driver's timeout.
        lock.acquire()
        try:
            return self._begin(database)
        except BaseException as error:
            lock.release()
            if isinstance(error, database.driver.error):
                raise database.driver.translated(error) from error
            raise

    def _begin(self, database: ServerDatabase) -> Transaction:
        driver = database.driver
        connection = database._writer
        if connection is not None and not database._is_usable(connection):
            self._drop()
            connection = None
        if connection is None:
            connection = database._writer = database._connect()
        self._cursor = driver.cursor(connection)
        try:
            driver.begin(self._cursor)
        except BaseException:
            self._drop()
            raise
        return database._transaction(connection, self._cursor)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        driver = self._database.driver
        try:
            if kind is None:
                try:
                    driver.commit(self._cursor)
                except driver.error as failure:
                    self._drop()
                    raise driver.translated(failure) from failure
            else:
                try:
                    driver.roll_back(self._cursor)
                except Exception:  # noqa: BLE001  # the connection is gone, and with it the transaction; the caller's error says why
                    self._drop()
                if isinstance(error, driver.error):
                    raise driver.translated(error) from error
        finally:
            self._database._written_at = time.monotonic()
            self._lock.release()

    def _drop(self) -> None:
        """Close the connection; the server rolls back what is open."""
        database = self._database
        connection, database._writer = database._writer, None
        if connection is not None:
            database.driver.close(connection)


def _close_idle_connections(reference: weakref.ref[ServerDatabase], ends: threading.Event) -> None:
    """What the thread does that a database has while it is connected."""
    while not ends.wait(IDLE_SECONDS / 2):
        database = reference()
        if database is None:
            return
        if database.close_idle(time.monotonic()) == 0:
            with database._counting:
                if database.connections() == 0:
                    database._closer = None
                    return
        del database


class _TracedCursor:
    """A cursor that says what it runs."""

    def __init__(self, cursor: Any, seen: Callable[[str, Any], object]) -> None:
        self._cursor = cursor
        self._seen = seen

    def execute(self, text: str, parameters: Any = ()) -> None:
        self._seen(text, parameters)
        self._cursor.execute(text, parameters)

    def executemany(self, text: str, rows: Any) -> None:
        given = list(rows)
        for row in given:
            self._seen(text, row)
        self._cursor.executemany(text, given)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)


def _is_plain(error: BaseException) -> bool:
    """Whether an error leaves the connection as it was: not an interruption in the middle of an answer."""
    return isinstance(error, Exception)


def _has_something_to_read(descriptor: int) -> bool:
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(0))
    return bool(select.select([descriptor], [], [], 0)[0])


# --- forks -----------------------------------------------------------------------------------------------------------

_OPEN: weakref.WeakSet[ServerDatabase] = weakref.WeakSet()
_OF_THE_PARENT: list[object] = []
"""Connections of a parent process, kept so that they are never closed here."""


def _start_afresh_in_child() -> None:
    for database in list(_OPEN):
        _OF_THE_PARENT.append((database._writer, database._readers))
        database._forget_connections()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_afresh_in_child)
