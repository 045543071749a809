"""Storage in PostgreSQL, for instances that several machines share. With psycopg 3.

- A write transaction holds an advisory lock, so there is one writer at a time, as in a file; why is said in
  ``docs/design/0009-servers-and-locks.md``. The lock belongs to the transaction, not to the connection, so a pooler in between is no problem.
- Statements are prepared by the server unless a pooler is found between, which would give the next transaction another server process.
- Connections: see `weft.storage.server`. Errors carry the server and the database, never the password.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import Connection, RawCursor, errors, sql
from psycopg.pq import Format
from psycopg.types.numeric import Int8BinaryDumper
from sqlalchemy.engine import URL

from weft.errors import StorageError
from weft.storage.addresses import integer_option, place_of
from weft.storage.migrations import HEAD
from weft.storage.postgres_wakeups import PostgresWakeups
from weft.storage.server import MOST_READERS, ServerDatabase
from weft.storage.server_failures import cannot_write, disk_full, does_not_fit, kept_locked, refused, server_away
from weft.storage.sql.postgres_dialect import WRITER_LOCK, PostgresDialect
from weft.storage.sql.postgres_history import PostgresHistory
from weft.storage.sql.schema import creation_statements, version_problem
from weft.storage.sql.server_tables import server_metadata
from weft.storage.sql.stores import SqlStores

_CONNECT_SECONDS = 10
"""How long the server may take to accept a connection."""

_HANGING_PART = 2 / 3
"""How long the server waits for the next statement of a write transaction, as a part of what others wait for their turn: a client that was stopped
within one holds them up, and they still get it."""

_KEPT_ALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
"""How soon it is noticed that the machine of the server is gone, in seconds."""

_PLACEHOLDER = re.compile(r"\$(\d+)")

_OWN_OPTIONS = ("most_readers", "prepare")
"""Options of an address that are weft's; all others are libpq's."""


class PostgresStorage(SqlStores[ServerDatabase]):
    """All ports over a PostgreSQL database. Safe to use from several threads and several processes.

    Args:
        url: ``postgresql://user:password@host:port/database``; options of libpq follow (``?sslmode=require``), and ``most_readers=8`` for
            more connections that read, ``prepare=0`` for no prepared statements.
        lock_timeout_seconds: how long a write waits for other writers.

    Raises:
        StorageError: the database cannot be used. WEFT-T003 its schema is older than this program, T004 newer, T009 it belongs to another
            program, T060 the server does not answer, T006 it is locked, T007 it cannot be written.
    """

    def __init__(self, url: URL, *, lock_timeout_seconds: float = 30.0) -> None:
        driver = PostgresDriver(url, timeout_seconds=lock_timeout_seconds)
        database = ServerDatabase(driver, most_readers=integer_option(url, "most_readers", MOST_READERS))
        self._server = _open_schema(driver)
        super().__init__(database)
        self.history = PostgresHistory(database)
        self.wakeups = PostgresWakeups(driver.connect_plainly)

    def close(self) -> None:
        """See `weft.storage.ports.Storage.close`."""
        self.wakeups.close()
        self.database.close()

    def describe(self) -> Mapping[str, str]:
        """See `weft.storage.ports.Storage.describe`."""
        return {
            "kind": "postgresql",
            "place": self.database.place,
            "schema version": HEAD,
            "server": self._server,
        }


class PostgresDriver:
    """psycopg, as `weft.storage.server.Driver`."""

    error = psycopg.Error

    def __init__(self, url: URL, *, timeout_seconds: float) -> None:
        self.dialect = PostgresDialect()
        self.place = place_of(url, default_port=5432)
        self.timeout_seconds = timeout_seconds
        self._arguments = connection_arguments(url)
        self._prepares = integer_option(url, "prepare", 1) != 0
        self._begin = "; ".join(("BEGIN ISOLATION LEVEL READ COMMITTED", *self.locking_statements()))

    def __repr__(self) -> str:
        return f"PostgresDriver({self.place})"

    def locking_statements(self) -> list[str]:
        """What a transaction begins with to be the only one that writes."""
        return [
            f"SET LOCAL lock_timeout = {round(self.timeout_seconds * 1000)}",
            f"SET LOCAL idle_in_transaction_session_timeout = {round(self.timeout_seconds * _HANGING_PART * 1000)}",
            f"SELECT pg_advisory_xact_lock({WRITER_LOCK})",
        ]

    def connect_for_changes(self) -> Connection[Any]:
        """A connection that begins transactions by itself, for migrations."""
        return psycopg.connect(**self._arguments)

    def connect_plainly(self) -> Connection[Any]:
        """A connection with nothing set on it."""
        return psycopg.connect(autocommit=True, **self._arguments)

    def connect(self, *, for_reading: bool = False) -> Connection[Any]:
        """See `weft.storage.server.Driver.connect`.

        What reads is planned anew each time: a plan for any type of event or any state of a run walks the whole history in search of a rare one.
        """
        connection = self.connect_plainly()
        # One type for all integers: each combination of sizes would be prepared as a statement of its own.
        connection.adapters.register_dumper(int, Int8BinaryDumper)
        if not self._prepares or is_pooled(connection):
            connection.prepare_threshold = None
        elif for_reading:
            connection.execute("SET plan_cache_mode = force_custom_plan")
        return connection

    def socket_of(self, connection: Connection[Any]) -> int:
        """See `weft.storage.server.Driver.socket_of`."""
        return -1 if connection.closed else connection.pgconn.socket

    def cursor(self, connection: Connection[Any]) -> RawCursor[Any]:
        """See `weft.storage.server.Driver.cursor`."""
        # Statements have PostgreSQL's own placeholders. The driver's would be looked for in each text, which costs more than the rest for long ones.
        cursor = RawCursor(connection)
        cursor.format = Format.BINARY
        return cursor

    def begin(self, cursor: RawCursor[Any]) -> None:
        """See `weft.storage.server.Driver.begin`. One message for three statements."""
        cursor.execute(self._begin, prepare=False, binary=False)

    def commit(self, cursor: RawCursor[Any]) -> None:
        """See `weft.storage.server.Driver.commit`."""
        cursor.execute("COMMIT", prepare=False)

    def roll_back(self, cursor: RawCursor[Any]) -> None:
        """See `weft.storage.server.Driver.roll_back`."""
        cursor.execute("ROLLBACK", prepare=False)

    def close(self, connection: Connection[Any]) -> None:
        """See `weft.storage.server.Driver.close`."""
        with contextlib.suppress(psycopg.Error):
            connection.close()

    def filled_in(self, connection: Connection[Any], text: str, parameters: Any) -> str:
        """See `weft.storage.server.Driver.filled_in`."""
        values = [sql.Literal(value).as_string(connection) for value in parameters]
        return _PLACEHOLDER.sub(lambda found: values[int(found[1]) - 1], text)

    def translated(self, error: Exception) -> StorageError:
        """See `weft.storage.server.Driver.translated`."""
        state = getattr(error, "sqlstate", None) or ""
        reason = " ".join(str(error).split())
        place = self.place
        if isinstance(error, (errors.LockNotAvailable, errors.QueryCanceled)) or state.startswith("40"):
            return kept_locked(place, reason, self.timeout_seconds)
        if state.startswith(("08", "57P", "25P03", "28", "3D", "53300")) or (
            not state and isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError))
        ):
            return server_away(place, reason)
        if state == "53100":
            return disk_full(place, reason)
        if state in ("42501", "25006"):
            return cannot_write(place, reason)
        if state.startswith(("22", "23", "54")) or isinstance(error, psycopg.DataError):
            return does_not_fit(
                place, reason, "names and keys take at most 2,600 bytes and no character 0 in PostgreSQL"
            )
        problem = refused(place, reason)
        problem.may_pass = state.startswith(
            ("25", "53", "55", "57", "58")
        )  # resources, states, operators: not the statement itself
        return problem


def connection_arguments(url: URL) -> dict[str, Any]:
    """What `psycopg.connect` takes for an address."""
    arguments: dict[str, Any] = {
        "connect_timeout": _CONNECT_SECONDS,
        "application_name": "weft",
        "client_encoding": "utf8",
        **_KEPT_ALIVE,
        **{name: value for name, value in url.query.items() if name not in _OWN_OPTIONS},
    }
    named = {"host": url.host, "port": url.port, "user": url.username, "password": url.password, "dbname": url.database}
    return {**arguments, **{name: value for name, value in named.items() if value is not None}}


def is_pooled(connection: Connection[Any]) -> bool:
    """Whether something stands between that is not the server.

    The server tells each client the number of its process, for cancelling. A pooler makes up a number, because the client has no process of its own.
    """
    found = connection.execute("SELECT pg_backend_pid()", prepare=False).fetchone()
    return found is None or found[0] != connection.info.backend_pid


def _open_schema(driver: PostgresDriver) -> str:
    """Check the version of the schema; create it in an empty database. Returns the version of the server.

    Raises:
        StorageError: T003, T004 or T009, or whatever is wrong with the server.
    """
    try:
        with contextlib.closing(driver.connect()) as connection:
            cursor = driver.cursor(connection)
            major, minor = divmod(connection.info.server_version, 10_000)
            server = f"PostgreSQL {major}.{minor}"
            if revision_of(cursor) == HEAD:
                return server
            driver.begin(cursor)  # one process creates, others wait and find it
            try:
                if is_empty(cursor):
                    create_schema(driver, cursor)
                revision = revision_of(cursor)
                driver.commit(cursor)
            except BaseException:
                with contextlib.suppress(psycopg.Error):
                    driver.roll_back(cursor)
                raise
    except psycopg.Error as error:
        raise driver.translated(error) from error
    problem = version_problem(revision, place=driver.place)
    if problem is not None:
        raise problem
    return server


def create_schema(driver: PostgresDriver, cursor: RawCursor[Any]) -> None:
    """Create every table in the transaction of `cursor`, and note the revision."""
    for statement in creation_statements(driver.dialect, server_metadata):
        cursor.execute(statement, prepare=False)
    cursor.execute("INSERT INTO alembic_version (version_num) VALUES ($1)", (HEAD,))


def revision_of(cursor: RawCursor[Any]) -> str | None:
    """The revision in Alembic's table: ``""`` where the table is empty, None where there is none."""
    cursor.execute("SELECT to_regclass('alembic_version')")
    if cursor.fetchall()[0][0] is None:
        return None
    cursor.execute("SELECT version_num FROM alembic_version")
    rows = cursor.fetchall()
    return str(rows[0][0]) if rows else ""


def is_empty(cursor: RawCursor[Any]) -> bool:
    """Whether there are no tables at all where tables are made."""
    cursor.execute(
        "SELECT 1 FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v') LIMIT 1"
    )
    return not cursor.fetchall()
