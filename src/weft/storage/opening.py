"""Which storage an address means: the one place that knows them all.

::

    /path/to/folder, sqlite:///relative/folder, sqlite:////absolute/folder     SQLite, the file ``weft.db`` in the folder
    postgresql://user:password@host:5432/database                              PostgreSQL (extra ``postgres``)
    mysql://user:password@host:3306/database                                   MySQL or MariaDB (extra ``mysql``)
    memory://                                                                  in memory, gone with the process

A storage of one's own is a class with the ports of `weft.storage.ports.Storage`: `weft.storage.memory` shows what each has to do, and
``tests/conformance/storage`` is the suite to run over it. Its name and its configuration stand in the settings of the instance
(`weft.config.instance_settings.StorageSettings`); the composition root imports the class, makes it with the configuration by keyword, and hands what
it made to `as_storage`. Nothing in this package imports by a name that comes from data.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

from weft.errors import StorageError
from weft.storage.addresses import not_an_address, read_address
from weft.storage.ports import Storage

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

_KINDS = {
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
    "sqlite": "sqlite",
    "memory": "memory",
}
_DRIVERS = {"postgresql": "psycopg", "mysql": "pymysql"}


def open_storage(
    address: str | Path, *, lock_timeout_seconds: float = 30.0, synchronous: str = "NORMAL", base: Path | None = None
) -> Storage:
    """The storage at an address. An empty database gets its tables; several processes may open one at the same moment.

    Args:
        address: see the module. A driver that it names (``postgresql+psycopg2://``) is passed over: weft has its own.
        lock_timeout_seconds: how long a write waits for other writers.
        synchronous: for SQLite, see `weft.storage.sqlite.SQLiteStorage`.
        base: the folder that relative paths of SQLite start from; the working directory by default.

    Raises:
        StorageError: WEFT-T062 the address is not understood, T067 the driver is not installed, T003 the schema is older than this program, T004 newer, and
            what else keeps a storage from being used. No error shows a password.
    """
    if isinstance(address, Path) or "://" not in address:
        return _sqlite((base or Path()) / Path(address).expanduser(), lock_timeout_seconds, synchronous)
    url = read_address(address)
    kind = _KINDS.get(url.get_backend_name())
    if kind == "sqlite":
        if not url.database or url.database == ":memory:":
            raise not_an_address("it names no folder")
        return _sqlite((base or Path()) / Path(url.database).expanduser(), lock_timeout_seconds, synchronous)
    if kind == "memory":
        from weft.storage.memory import MemoryStorage

        return MemoryStorage()
    if kind == "postgresql":
        return _postgres(url, lock_timeout_seconds)
    if kind == "mysql":
        return _mysql(url, lock_timeout_seconds)
    raise not_an_address(f"there is no storage for {url.get_backend_name()!r}")


def is_on_server(address: str) -> bool:
    """Whether the storage at an address is a server, whose connections are few.

    Raises:
        StorageError: (WEFT-T062) the address is not understood.
    """
    return "://" in address and _KINDS.get(read_address(address).get_backend_name()) in _DRIVERS


def as_storage(made: object, *, named: str) -> Storage:
    """`made`, an object of a class of the user's that settings call `named`, as a storage.

    Raises:
        StorageError: (WEFT-T068) it has not all ports.
    """
    missing = [name for name in _PORTS if not hasattr(made, name)]
    if missing:
        raise _not_a_storage(named, f"it lacks {', '.join(missing)}")
    return cast("Storage", made)


_PORTS = tuple(sorted(name for name in vars(Storage) if not name.startswith("_")))


def _not_a_storage(target: str, reason: str) -> StorageError:
    error = StorageError(
        f"{target!r} is no storage.",
        code="WEFT-T068",
        facts={"reason": reason},
        fix="name a class as module:Class that has the ports of weft.storage.ports.Storage",
    )
    error.may_pass = False
    return error


def _sqlite(folder: Path, lock_timeout_seconds: float, synchronous: str) -> Storage:
    from weft.storage.sqlite import SQLiteStorage

    return SQLiteStorage(
        folder,
        synchronous="FULL" if synchronous.upper() == "FULL" else "NORMAL",
        busy_timeout_seconds=lock_timeout_seconds,
    )


def _postgres(url: URL, lock_timeout_seconds: float) -> Storage:
    try:
        from weft.storage.postgres import PostgresStorage
    except ModuleNotFoundError as error:
        raise _no_driver("postgresql", error) from error
    return PostgresStorage(url, lock_timeout_seconds=lock_timeout_seconds)


def _mysql(url: URL, lock_timeout_seconds: float) -> Storage:
    try:
        from weft.storage.mysql import MySQLStorage
    except ModuleNotFoundError as error:
        raise _no_driver("mysql", error) from error
    return MySQLStorage(url, lock_timeout_seconds=lock_timeout_seconds)


def _no_driver(kind: str, error: ModuleNotFoundError) -> StorageError:
    driver = _DRIVERS[kind]
    if error.name is None or error.name.partition(".")[0] != driver:
        raise error
    extra = "postgres" if kind == "postgresql" else "mysql"
    missing = StorageError(
        f"the driver for {kind} is not installed.",
        code="WEFT-T067",
        facts={"package": driver},
        fix=f'pip install "weft[{extra}]"',
    )
    missing.may_pass = False
    return missing
