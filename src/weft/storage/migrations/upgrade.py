"""Upgrading a database to the newest schema, with Alembic. Nothing but this package imports it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import cast

from alembic import command
from sqlalchemy import create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from weft.storage.addresses import not_an_address, read_address
from weft.storage.migrations import HEAD
from weft.storage.migrations.configuration import Migrated, configuration
from weft.storage.sql.schema import is_older, version_problem
from weft.storage.sqlite import database_path, is_empty, make_place, revision_of, storage_error, switch_to_wal


def migrate(folder: Path, *, busy_timeout_seconds: float = 30.0) -> Migrated:
    """Upgrade the database of a folder to the newest schema, in one transaction: after a failure it is as it was before.

    Stop everything that uses the instance first, and make a backup: ``sqlite3 weft.db ".backup weft-backup.db"`` makes a consistent one;
    copying the file alone does not take what is still in ``weft.db-wal``. A database that has the newest schema is left alone; where
    there is none, one is made.

    Raises:
        StorageError: T004 its schema is newer than this program; T005 to T009 as for `weft.storage.sqlite.SQLiteStorage`.
    """
    path = database_path(folder)
    make_place(path)
    engine = create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(path, timeout=busy_timeout_seconds, isolation_level=None),
        poolclass=NullPool,
    )
    # The driver would begin its own transactions late, and none before DDL. Whoever else migrates waits here, and finds nothing to do.
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        with engine.connect() as connection:
            driver = cast("sqlite3.Connection", connection.connection.dbapi_connection)
            if is_empty(driver):  # every other database of ours has it already
                switch_to_wal(driver, busy_timeout_seconds)
            with connection.begin():
                before = revision_of(driver)
                if before is not None or not is_empty(driver):
                    problem = version_problem(before, place=str(path))
                    if problem is not None and not is_older(before):
                        raise problem
                if before != HEAD:
                    command.upgrade(configuration(connection), HEAD)
    except sqlite3.Error as error:
        raise storage_error(error, path, busy_timeout_seconds) from error
    except DBAPIError as error:
        raise storage_error(cast("sqlite3.Error", error.orig), path, busy_timeout_seconds) from error
    return Migrated(from_revision=before or None, to_revision=HEAD)


def migrate_address(address: str | Path, *, base: Path | None = None) -> Migrated:
    """Upgrade the database at an address, as `weft.storage.opening.open_storage` takes it; relative paths start from `base`. See `migrate`.

    Raises:
        StorageError: as `migrate`; WEFT-T062 there is nothing to migrate at such an address.
    """
    if isinstance(address, Path) or "://" not in address:
        return migrate((base or Path()) / Path(address).expanduser())
    from weft.storage.migrations.server_upgrade import migrate_mysql, migrate_postgres

    url = read_address(address)
    kind = url.get_backend_name()
    if kind == "sqlite" and url.database:
        return migrate((base or Path()) / Path(url.database).expanduser())
    if kind in ("postgresql", "postgres"):
        return migrate_postgres(url)
    if kind in ("mysql", "mariadb"):
        return migrate_mysql(url)
    raise not_an_address(f"there is nothing to migrate at {kind!r}")
