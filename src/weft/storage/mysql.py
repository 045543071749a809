"""Storage in MySQL or MariaDB, for instances that several machines share. With PyMySQL.

- A write transaction begins by locking one row, so there is one writer at a time, as in a file; why is said in
  ``docs/design/0009-servers-and-locks.md``. InnoDB tells it at once what was committed before (READ COMMITTED), and nothing deadlocks.
- Schema changes commit by themselves here. So a database is created under a lock of the server, and its version is noted last: what a process
  leaves that dies in the middle has no version, and the next one begins again.
- A client that was stopped within a transaction holds everybody up; the server ends such a session before the others give up.
- Connections: see `weft.storage.server`. Errors carry the server and the database, never the password.

Tests run on MariaDB. What MySQL does otherwise (it has no ``IF NOT EXISTS`` for indexes, for one) is avoided.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator, Mapping
from typing import Any

import pymysql
from pymysql import err
from pymysql.connections import Connection
from pymysql.constants import CLIENT, CR, ER
from pymysql.cursors import Cursor
from sqlalchemy.engine import URL

from weft.errors import StorageError
from weft.storage.addresses import integer_option, not_an_address, place_of
from weft.storage.migrations import HEAD
from weft.storage.notifications import LocalWakeups
from weft.storage.server import MOST_READERS, ServerDatabase
from weft.storage.server_failures import cannot_write, disk_full, does_not_fit, kept_locked, refused, server_away
from weft.storage.sql.mysql_dialect import LONGEST_KEY, MySQLDatabaseDialect
from weft.storage.sql.schema import creation_statements, version_problem
from weft.storage.sql.server_tables import WRITER, server_metadata
from weft.storage.sql.stores import SqlStores
from weft.storage.sql.tables import metadata, version_table

POLL_SECONDS = 1.0
"""How often listeners are told to look: the server says nothing by itself."""

_CONNECT_SECONDS = 10
"""How long the server may take to accept a connection."""

_HANGING_PART = 2 / 3
"""After how long without a statement the server ends a session, as a part of what others wait for their turn. `weft.storage.server.IDLE_SECONDS` is
less, so it is only that of a process that was stopped, or of a machine that is gone."""

_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})

_CREATION_LOCK = "weft-schema"

_OPTIONS = ("most_readers", "ssl", "ssl_ca")
_AWAY = frozenset(
    {
        CR.CR_CONNECTION_ERROR,
        CR.CR_CONN_HOST_ERROR,
        CR.CR_SERVER_GONE_ERROR,
        CR.CR_SERVER_LOST,
        CR.CR_UNKNOWN_HOST,
        ER.ACCESS_DENIED_ERROR,
        ER.DBACCESS_DENIED_ERROR,
        ER.BAD_DB_ERROR,
        ER.CON_COUNT_ERROR,
        ER.TOO_MANY_USER_CONNECTIONS,
        ER.SERVER_SHUTDOWN,
        ER.NORMAL_SHUTDOWN,
        ER.NEW_ABORTING_CONNECTION,
        ER.ABORTING_CONNECTION,
        1927,  # MariaDB: the connection was killed
        4031,  # MySQL: ended, because it was silent for too long
    }
)
_NOT_ALLOWED = frozenset(
    {
        ER.TABLEACCESS_DENIED_ERROR,
        ER.COLUMNACCESS_DENIED_ERROR,
        ER.SPECIFIC_ACCESS_DENIED_ERROR,
        ER.OPTION_PREVENTS_STATEMENT,  # a copy that only reads
        ER.OPEN_AS_READONLY,
    }
)
_FULL = frozenset({ER.RECORD_FILE_FULL, ER.DISK_FULL, 1030})
_DOES_NOT_FIT = frozenset(
    {
        ER.DATA_TOO_LONG,
        ER.TOO_LONG_KEY,
        ER.TRUNCATED_WRONG_VALUE_FOR_FIELD,
        ER.WARN_DATA_OUT_OF_RANGE,
        ER.NET_PACKET_TOO_LARGE,
        ER.BAD_NULL_ERROR,
        ER.DUP_ENTRY,
    }
)
_LOCKED = frozenset({ER.LOCK_WAIT_TIMEOUT, ER.LOCK_DEADLOCK, ER.QUERY_INTERRUPTED})


class MySQLStorage(SqlStores[ServerDatabase]):
    """All ports over a MySQL or MariaDB database. Safe to use from several threads and several processes.

    Args:
        url: ``mysql://user:password@host:port/database``. ``?ssl=1`` for an encrypted connection to a server that one of the
            system's authorities vouches for, ``?ssl_ca=/path/to/ca.pem`` with another authority, ``most_readers=8`` for more connections that read.
        lock_timeout_seconds: how long a write waits for other writers.

    Raises:
        StorageError: the database cannot be used. WEFT-T003 its schema is older than this program, T004 newer, T009 it belongs to another
            program, T060 the server does not answer, T006 it is locked, T007 it cannot be written.
    """

    def __init__(self, url: URL, *, lock_timeout_seconds: float = 30.0) -> None:
        driver = MySQLDriver(url, timeout_seconds=lock_timeout_seconds)
        database = ServerDatabase(driver, most_readers=integer_option(url, "most_readers", MOST_READERS))
        self._server = _open_schema(driver)
        super().__init__(database)
        self.wakeups = LocalWakeups(poll_seconds=POLL_SECONDS)

    def close(self) -> None:
        """See `weft.storage.ports.Storage.close`."""
        self.database.close()

    def describe(self) -> Mapping[str, str]:
        """See `weft.storage.ports.Storage.describe`."""
        return {
            "kind": "mysql",
            "place": self.database.place,
            "schema version": HEAD,
            "server": self._server,
        }


class MySQLDriver:
    """PyMySQL, as `weft.storage.server.Driver`."""

    error = pymysql.MySQLError

    def __init__(self, url: URL, *, timeout_seconds: float) -> None:
        self.dialect = MySQLDatabaseDialect()
        self.place = place_of(url, default_port=3306)
        self.timeout_seconds = timeout_seconds
        self._arguments = connection_arguments(url, lock_seconds=max(round(timeout_seconds), 1))

    def __repr__(self) -> str:
        return f"MySQLDriver({self.place})"

    def connect(self, *, for_reading: bool = False) -> Connection[Any]:
        """See `weft.storage.server.Driver.connect`."""
        connection = pymysql.connect(**self._arguments)
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
        return connection

    def socket_of(self, connection: Connection[Any]) -> int:
        """See `weft.storage.server.Driver.socket_of`."""
        found = getattr(connection, "_sock", None)
        return -1 if found is None else int(found.fileno())

    def cursor(self, connection: Connection[Any]) -> Cursor:
        """See `weft.storage.server.Driver.cursor`."""
        return _StrictCursor(connection)

    def begin(self, cursor: Cursor) -> None:
        """See `weft.storage.server.Driver.begin`."""
        cursor.execute("BEGIN")
        cursor.execute("SELECT name FROM locks WHERE name = %s FOR UPDATE", (WRITER,))

    def commit(self, cursor: Cursor) -> None:
        """See `weft.storage.server.Driver.commit`."""
        cursor.execute("COMMIT")

    def roll_back(self, cursor: Cursor) -> None:
        """See `weft.storage.server.Driver.roll_back`."""
        cursor.execute("ROLLBACK")

    def close(self, connection: Connection[Any]) -> None:
        """See `weft.storage.server.Driver.close`."""
        with contextlib.suppress(pymysql.MySQLError, OSError):
            connection.close()

    def filled_in(self, connection: Connection[Any], text: str, parameters: Any) -> str:
        """See `weft.storage.server.Driver.filled_in`."""
        return str(_StrictCursor(connection).mogrify(text, parameters))

    def translated(self, error: Exception) -> StorageError:
        """See `weft.storage.server.Driver.translated`."""
        code = error.args[0] if error.args and isinstance(error.args[0], int) else None
        reason = " ".join(str(part) for part in error.args[1:] or error.args)
        place = self.place
        if code in _LOCKED:
            return kept_locked(place, reason, self.timeout_seconds)
        if code in _AWAY or (code in (None, 0) and isinstance(error, (err.OperationalError, err.InterfaceError))):
            return server_away(place, reason or "the connection is closed")
        if code in _FULL:
            return disk_full(place, reason)
        if code in _NOT_ALLOWED:
            return cannot_write(place, reason)
        if code in _DOES_NOT_FIT or isinstance(error, err.DataError):
            return does_not_fit(place, reason, f"names and keys take at most {LONGEST_KEY} bytes in MySQL")
        problem = refused(place, reason)
        problem.may_pass = False
        return problem


class _StrictCursor(Cursor):
    """A cursor for which ``INSERT IGNORE`` ignores rows that are there already, and nothing else."""

    def execute(self, query: str | bytes, args: object = None) -> int:
        count = super().execute(query, args or None)  # type: ignore[arg-type]  # of several rows it hands itself bytes
        head = query[: len(_IGNORING)]
        result = getattr(self, "_result", None)
        if getattr(result, "warning_count", 0) and head in (_IGNORING, _IGNORING.encode()):
            super().execute("SHOW WARNINGS")
            for _, code, message in self.fetchall():
                if code != ER.DUP_ENTRY:
                    raise err.DataError(code, message)
            self.rowcount = count
        return count


_IGNORING = "INSERT IGNORE"


def connection_arguments(url: URL, *, lock_seconds: int) -> dict[str, Any]:
    """What `pymysql.connect` takes for an address.

    Raises:
        StorageError: (WEFT-T062) an option is unknown, or no database is named.
    """
    unknown = sorted(set(url.query) - set(_OPTIONS))
    if unknown:
        raise not_an_address(f"options that are not known: {', '.join(unknown)}")
    if not url.database:
        raise not_an_address("it names no database")
    arguments: dict[str, Any] = {
        "host": url.host or "localhost",
        "port": url.port or 3306,
        "user": url.username,
        "password": url.password or "",
        "database": url.database,
        "charset": "utf8mb4",
        "autocommit": True,
        "connect_timeout": _CONNECT_SECONDS,
        # Rows that an UPDATE matched, also where they had the new values before.
        "client_flag": CLIENT.FOUND_ROWS,
        "init_command": (
            f"SET SESSION wait_timeout = {max(round(lock_seconds * _HANGING_PART), 1)}, innodb_lock_wait_timeout = {lock_seconds}, "
            "sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO'"
        ),
    }
    authority = url.query.get("ssl_ca")
    if authority is not None or url.query.get("ssl") == "1":
        arguments["ssl"] = ssl.create_default_context(cafile=authority if isinstance(authority, str) else None)
    elif arguments["host"] in _THIS_MACHINE:
        arguments["ssl_disabled"] = (
            True  # by itself the driver would load all authorities of the system for each connection
        )
    return arguments


def _open_schema(driver: MySQLDriver) -> str:
    """Check the version of the schema; create it in an empty database. Returns the version of the server.

    Raises:
        StorageError: T003, T004 or T009, or whatever is wrong with the server.
    """
    try:
        with contextlib.closing(driver.connect()) as connection:
            cursor = driver.cursor(connection)
            cursor.execute("SELECT version()")
            server = str(cursor.fetchall()[0][0])
            revision = revision_of(cursor)
            if revision == HEAD:
                return server
            with changing_schema(driver, cursor):
                revision = revision_of(cursor)
                if revision == "" and is_unused(cursor):
                    drop_tables(cursor)  # somebody began, and did not come to the end
                    revision = None
                if revision is None and not tables_of(cursor):
                    create_schema(driver, cursor)
                revision = revision_of(cursor)
    except pymysql.MySQLError as error:
        raise driver.translated(error) from error
    problem = version_problem(revision, place=driver.place)
    if problem is not None:
        raise problem
    return server


@contextlib.contextmanager
def changing_schema(driver: MySQLDriver, cursor: Cursor) -> Iterator[None]:
    """Be the only one who changes the schema: others wait, and find it."""
    cursor.execute("SELECT get_lock(concat(%s, database()), %s)", (_CREATION_LOCK, driver.timeout_seconds))
    if cursor.fetchall()[0][0] != 1:
        raise kept_locked(driver.place, "another process changes the schema", driver.timeout_seconds)
    try:
        yield
    finally:
        cursor.execute("SELECT release_lock(concat(%s, database()))", (_CREATION_LOCK,))


def create_schema(driver: MySQLDriver, cursor: Cursor) -> None:
    """Create every table, and note the revision when all are there."""
    for statement in creation_statements(driver.dialect, server_metadata):
        cursor.execute(statement)
    cursor.execute("INSERT INTO locks (name) VALUES (%s)", (WRITER,))
    cursor.execute("INSERT INTO alembic_version (version_num) VALUES (%s)", (HEAD,))


def tables_of(cursor: Cursor) -> set[str]:
    """The tables of the database."""
    cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = database()")
    return {str(name) for (name,) in cursor.fetchall()}


def revision_of(cursor: Cursor) -> str | None:
    """The revision in Alembic's table: ``""`` where the table is empty, None where there is none."""
    if "alembic_version" not in tables_of(cursor):
        return None
    cursor.execute("SELECT version_num FROM alembic_version")
    rows = cursor.fetchall()
    return str(rows[0][0]) if rows else ""


def is_unused(cursor: Cursor) -> bool:
    """Whether there are only tables of weft's names, and no rows in them."""
    there = tables_of(cursor)
    if not there <= set(_OUR_TABLES):
        return False
    for name in there - {"locks"}:
        cursor.execute(f"SELECT 1 FROM {name} LIMIT 1")  # noqa: S608  # one of the names of tables.py
        if cursor.fetchall():
            return False
    return True


def drop_tables(cursor: Cursor) -> None:
    """Remove every table of weft."""
    for name in reversed(_OUR_TABLES):
        cursor.execute(f"DROP TABLE IF EXISTS {name}")


_OUR_TABLES = tuple(table.name for table in (version_table, *metadata.sorted_tables, *server_metadata.sorted_tables))
