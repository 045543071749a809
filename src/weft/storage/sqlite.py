"""Storage in one SQLite file, ``weft.db``: the embedded default, safe for many processes of one machine.

- Write-ahead log: readers never wait, writers wait for each other only. ``synchronous=NORMAL`` keeps everything that was committed when a
  process is killed; when the machine loses power the last moments may be missing, never half there. ``FULL`` keeps these, too.
- A write transaction begins with ``BEGIN IMMEDIATE``, so it never has to upgrade a read lock, which is where "database is locked" comes
  from. Waiting for the lock is bounded by the busy timeout.
- One connection for writing, guarded by a lock, and a few for reading, handed from thread to thread. One per thread would let the threads of a
  process queue in SQLite's polling busy handler, where they sleep; on a lock they are woken at once.
- A connection never crosses a fork: a child starts with none, the parent's are left alone (closing them would drop the parent's locks).

A new database is created from the metadata in one transaction and stamped with the newest revision, so two processes that start at
the same moment both succeed. Alembic is imported only by `weft.storage.migrations.upgrade`.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Literal

from weft.errors import StorageError
from weft.storage.failures import cannot_write, disk_full, kept_locked, refused, storage_closed
from weft.storage.migrations import HEAD
from weft.storage.socket_wakeups import FOLDER_NAME as FOLDER_NAME_OF_SOCKETS, SocketWakeups
from weft.storage.sql.database import Transaction
from weft.storage.sql.dialects import SQLiteDialect
from weft.storage.sql.schema import creation_statements, version_problem
from weft.storage.sql.stores import SqlStores

FILE_NAME = "weft.db"
"""The name of the database in its folder."""

Synchronous = Literal["NORMAL", "FULL"]
"""What a commit waits for: NORMAL the operating system, FULL the disk."""

_IDLE_READERS = 8
"""Reading connections that are kept when nobody uses them. More readers at once get a connection each, closed after use."""

_CACHE_KIB = 8192
"""Page cache of the writing connection. Readers keep SQLite's default of 2 MiB."""

_CHECKPOINT_PAGES = 4000
"""Pages (of 4 KiB) in the write-ahead log before a commit copies them back: fewer, larger copies than with SQLite's default of 1000."""

_LOG_BYTES = 64 * 1024 * 1024
"""What is left of the write-ahead log after it was copied back, if a long reader ever made it larger."""

_CREATION_RETRY_SECONDS = 0.01
"""Between attempts to switch a new file to the write-ahead log, for which SQLite does not wait by itself."""


class SQLiteStorage(SqlStores["SQLiteDatabase"]):
    """All ports over the file ``weft.db`` in a folder. Safe to use from several threads and several processes.

    Args:
        folder: where the file is; made where it is missing. A path that ends in ``.db`` names the file itself.
        synchronous: NORMAL survives a killed process, FULL survives a power cut as well and costs a disk flush per write.
        busy_timeout_seconds: how long a write waits for other processes.

    Raises:
        StorageError: the file cannot be used. WEFT-T003 its schema is older than this program, T004 newer, T005 it is damaged, T006 another
            process kept it locked, T007 it cannot be written, T008 the disk is full, T009 it belongs to another program.
    """

    def __init__(
        self, folder: Path, *, synchronous: Synchronous = "NORMAL", busy_timeout_seconds: float = 30.0
    ) -> None:
        database = SQLiteDatabase(
            database_path(folder), synchronous=synchronous, busy_timeout_seconds=busy_timeout_seconds
        )
        super().__init__(database)
        self.wakeups = SocketWakeups(database.path.parent / FOLDER_NAME_OF_SOCKETS)

    def close(self) -> None:
        """See `weft.storage.ports.Storage.close`."""
        self.database.close()

    def describe(self) -> Mapping[str, str]:
        """See `weft.storage.ports.Storage.describe`."""
        return {
            "kind": "sqlite",
            "place": str(self.database.path),
            "schema version": HEAD,
            "synchronous": self.database.synchronous,
            "sqlite": sqlite3.sqlite_version,
        }


def database_path(folder: Path) -> Path:
    """The database file of a folder; a path that ends in ``.db`` and is no folder is the file itself."""
    return folder if folder.suffix == ".db" and not folder.is_dir() else folder / FILE_NAME


class SQLiteDatabase:
    """One SQLite file as a `weft.storage.sql.database.Database`: connections, locks, versions, errors."""

    def __init__(self, path: Path, *, synchronous: Synchronous = "NORMAL", busy_timeout_seconds: float = 30.0) -> None:
        self.path = path
        self.synchronous: Synchronous = synchronous
        self._busy_timeout_seconds = busy_timeout_seconds
        self._dialect = SQLiteDialect()
        self._closed = False
        self._trace: Callable[[str], object] | None = None
        self._writer: sqlite3.Connection | None
        self._forget_connections()
        make_place(path)
        try:
            writer = self._connect_writer()
            try:
                _open_schema(writer, path, busy_timeout_seconds)
            except BaseException:
                writer.close()
                raise
        except sqlite3.Error as error:
            raise self.translated(error) from error
        self._writer = writer
        _OPEN.add(self)

    def read(self) -> AbstractContextManager[Transaction]:
        """See `weft.storage.sql.database.Database.read`."""
        return _Reading(self)

    def write(self) -> AbstractContextManager[Transaction]:
        """See `weft.storage.sql.database.Database.write`."""
        return _Writing(self)

    def close(self) -> None:
        """Close every connection. Readers at work in other threads finish; theirs are closed when they are handed back."""
        with self._lock:
            self._closed = True
            if self._writer is not None:
                self._writer.close()
                self._writer = None
        self._close_readers()

    def trace(self, seen: Callable[[str], object] | None) -> None:
        """Call `seen` with the text of every statement, parameters filled in; None ends it.

        For tests that count statements or explain them, and for profiling. Readers at work keep what they had.
        """
        self._trace = seen
        self._close_readers()
        with self._lock:
            if self._writer is not None:
                self._writer.set_trace_callback(seen)

    # --- connections -------------------------------------------------------------------------------------------------

    def _forget_connections(self) -> None:
        self._lock = threading.Lock()
        self._readers: deque[sqlite3.Connection] = deque()
        self._writer = None

    def translated(self, error: sqlite3.Error) -> StorageError:
        """The error for users for one of the driver's."""
        return storage_error(error, self.path, self._busy_timeout_seconds)

    def _connect(self, *pragmas: str) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path,
            timeout=self._busy_timeout_seconds,
            isolation_level=None,  # transactions begin and end where `_Writing` says
            check_same_thread=False,  # one thread at a time: `_lock`, and a reader is taken out of the pool
            cached_statements=256,
        )
        try:
            for pragma in (f"synchronous = {self.synchronous}", "foreign_keys = ON", *pragmas):
                connection.execute(f"PRAGMA {pragma}")
        except BaseException:
            connection.close()
            raise
        connection.set_trace_callback(self._trace)
        return connection

    def _connect_writer(self) -> sqlite3.Connection:
        return self._connect(
            f"wal_autocheckpoint = {_CHECKPOINT_PAGES}",
            f"journal_size_limit = {_LOG_BYTES}",
            f"cache_size = -{_CACHE_KIB}",
        )

    def _reader(self) -> sqlite3.Connection:
        if self._closed:
            raise storage_closed(str(self.path))
        try:
            return self._readers.pop()
        except IndexError:
            return self._connect("query_only = ON")

    def _hand_back(self, connection: sqlite3.Connection) -> None:
        if len(self._readers) >= _IDLE_READERS:
            connection.close()
            return
        self._readers.append(connection)
        if self._closed:  # asked last: whoever closes looks at the pool after saying so
            self._close_readers()

    def _close_readers(self) -> None:
        while self._readers:
            with contextlib.suppress(IndexError):  # another thread took the last one, and hands it back
                self._readers.pop().close()


class _Reading:
    """A reading connection for one block."""

    __slots__ = ("_connection", "_database")

    def __init__(self, database: SQLiteDatabase) -> None:
        self._database = database

    def __enter__(self) -> Transaction:
        database = self._database
        try:
            self._connection = database._reader()
        except sqlite3.Error as error:
            raise database.translated(error) from error
        return Transaction(self._connection.cursor(), database._dialect)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._database._hand_back(self._connection)
        if isinstance(error, sqlite3.Error):
            raise self._database.translated(error) from error


class _Writing:
    """The write lock and a transaction for one block."""

    __slots__ = ("_connection", "_database", "_lock")

    def __init__(self, database: SQLiteDatabase) -> None:
        self._database = database

    def __enter__(self) -> Transaction:
        database = self._database
        self._lock = lock = database._lock
        # No timeout: whoever has the lock in this process waits for other processes no longer than the busy timeout.
        lock.acquire()
        try:
            if database._closed:
                raise storage_closed(str(database.path))
            connection = database._writer
            if connection is None:  # the first write after a fork
                connection = database._writer = database._connect_writer()
            cursor = connection.cursor()
            cursor.execute("BEGIN IMMEDIATE")
        except BaseException as error:
            lock.release()
            if isinstance(error, sqlite3.Error):
                raise database.translated(error) from error
            raise
        self._connection = connection
        return Transaction(cursor, database._dialect)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        connection = self._connection
        try:
            if kind is None:
                try:
                    connection.commit()
                except sqlite3.Error as failure:
                    self._roll_back()
                    raise self._database.translated(failure) from failure
            else:
                self._roll_back()
                if isinstance(error, sqlite3.Error):
                    raise self._database.translated(error) from error
        finally:
            self._lock.release()

    def _roll_back(self) -> None:
        # Some errors, a full disk among them, have rolled back already.
        if self._connection.in_transaction:
            self._connection.rollback()


# --- the schema and its version --------------------------------------------------------------------------------------


def _open_schema(connection: sqlite3.Connection, path: Path, timeout_seconds: float) -> None:
    """Check the version of the schema; create it in an empty file.

    Raises:
        StorageError: T003, T004 or T009.
    """
    revision = revision_of(connection)
    if revision == HEAD:
        return
    if revision is None and is_empty(connection):
        switch_to_wal(connection, timeout_seconds)
        connection.execute("BEGIN IMMEDIATE")
        try:
            if is_empty(connection):  # else another process was faster
                for statement in creation_statements(SQLiteDialect()):
                    connection.execute(statement)
                connection.execute("INSERT INTO alembic_version (version_num) VALUES (?)", (HEAD,))
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        revision = revision_of(connection)
    problem = version_problem(revision, place=str(path))
    if problem is not None:
        raise problem


def revision_of(connection: sqlite3.Connection) -> str | None:
    """The revision in Alembic's table: ``""`` where the table is empty, None where there is none."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchall():
        return None
    rows = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    return str(rows[0][0]) if rows else ""


def is_empty(connection: sqlite3.Connection) -> bool:
    """Whether the database has no tables at all: a new file."""
    return not connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()


def switch_to_wal(connection: sqlite3.Connection, timeout_seconds: float) -> None:
    """Switch a new file to the write-ahead log, for ever.

    SQLite may say "locked" here at once, without waiting, where another process does the same.
    """
    deadline = time.monotonic() + timeout_seconds
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchall()
        except sqlite3.OperationalError as error:
            if "is locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(_CREATION_RETRY_SECONDS)
        else:
            return


# --- errors ----------------------------------------------------------------------------------------------------------


def make_place(path: Path) -> None:
    """Make a database file, empty, and its folder, where they are missing, both for their owner alone.

    SQLite would make the file for everybody that the umask admits. What it puts beside the file gets the mode of the file.

    Raises:
        StorageError: (WEFT-T007) they cannot be made.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise _not_writable(path, error) from error


def storage_error(error: sqlite3.Error, path: Path, busy_timeout_seconds: float) -> StorageError:
    """The error for users for one of the driver's. (By its text: Python 3.10 does not hand over SQLite's error code.)"""
    text, place = str(error), str(path)
    if "is locked" in text:
        return kept_locked(
            place,
            text,
            busy_timeout_seconds,
            fix="end the program that holds the file in a transaction (a database browser, a backup), then try again",
        )
    if "disk is full" in text:
        return disk_full(
            place, text, whose="the disk", fix="free some space, or move the instance's folder to a larger disk"
        )
    if "readonly" in text or "unable to open" in text:
        return _not_writable(path, error)
    if "malformed" in text or "not a database" in text or "disk I/O error" in text:
        return StorageError(
            "the database file is damaged.",
            code="WEFT-T005",
            facts={"database": place, "reason": text},
            fix="restore it from a backup; or move it away, and weft makes a new one (runs and their history start empty)",
        )
    return refused(
        place,
        text,
        fix="if the file was changed by hand, restore it from a backup; otherwise please report this with its text",
    )


def _not_writable(path: Path, error: Exception) -> StorageError:
    return cannot_write(
        str(path),
        str(error),
        fix="check that its folder is a folder, that it belongs to you, and that its disk is not mounted read-only",
    )


# --- forks -----------------------------------------------------------------------------------------------------------

_OPEN: weakref.WeakSet[SQLiteDatabase] = weakref.WeakSet()
_OF_THE_PARENT: list[object] = []
"""Connections of a parent process, kept so that they are never closed here."""


def _start_afresh_in_child() -> None:
    for database in list(_OPEN):
        _OF_THE_PARENT.append((database._writer, database._readers))
        database._forget_connections()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_afresh_in_child)
