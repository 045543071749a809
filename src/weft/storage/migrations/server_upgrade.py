"""Upgrading a database on a server to the newest schema, with the same revisions as a file.

On PostgreSQL an upgrade happens as a whole or not at all. On MySQL each change of a table is a transaction by itself: what is interrupted there stays
in between, and is restored from a backup.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from alembic import command
from sqlalchemy import Connection, create_engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from weft.errors import StorageError
from weft.storage.migrations import HEAD
from weft.storage.migrations.configuration import Migrated, configuration
from weft.storage.sql.schema import is_older, version_problem


def migrate_postgres(url: URL, *, lock_timeout_seconds: float = 30.0) -> Migrated:
    """Upgrade a PostgreSQL database. Raises as `weft.storage.postgres.PostgresStorage`."""
    import psycopg

    from weft.storage.postgres import PostgresDriver, PostgresStorage, revision_of
    from weft.storage.sql.postgres_dialect import adapted

    driver = PostgresDriver(url, timeout_seconds=lock_timeout_seconds)
    with _translated(driver.translated, psycopg.Error):
        with contextlib.closing(driver.connect()) as plain:
            before = revision_of(driver.cursor(plain))
        if not _has_to_change(before, driver.place):
            PostgresStorage(
                url, lock_timeout_seconds=lock_timeout_seconds
            ).close()  # makes the tables where there are none
            return Migrated(from_revision=before, to_revision=HEAD)
        engine = create_engine("postgresql+psycopg://", creator=driver.connect_for_changes, poolclass=NullPool)
        with engine.connect() as connection, connection.begin():
            adapted(engine.dialect)
            for statement in driver.locking_statements():
                connection.exec_driver_sql(statement)
            _upgrade(connection)
    return Migrated(from_revision=before or None, to_revision=HEAD)


def migrate_mysql(url: URL, *, lock_timeout_seconds: float = 30.0) -> Migrated:
    """Upgrade a MySQL or MariaDB database. Raises as `weft.storage.mysql.MySQLStorage`."""
    import pymysql

    from weft.storage.mysql import MySQLDriver, MySQLStorage, changing_schema, revision_of
    from weft.storage.sql.mysql_dialect import adapted

    driver = MySQLDriver(url, timeout_seconds=lock_timeout_seconds)
    with _translated(driver.translated, pymysql.MySQLError), contextlib.closing(driver.connect()) as plain:
        cursor = driver.cursor(plain)
        before = revision_of(cursor)
        if not _has_to_change(before, driver.place):
            MySQLStorage(url, lock_timeout_seconds=lock_timeout_seconds).close()  # as above
            return Migrated(from_revision=before or None, to_revision=HEAD)
        engine = create_engine("mysql+pymysql://", creator=driver.connect, poolclass=NullPool)
        with changing_schema(driver, cursor), engine.connect() as connection:
            adapted(engine.dialect)
            _upgrade(connection)
    return Migrated(from_revision=before or None, to_revision=HEAD)


def _has_to_change(revision: str | None, place: str) -> bool:
    """Whether a database of weft is of an older version. One without any is made by opening it, or refused there."""
    if revision is None or revision in ("", HEAD):
        return False
    problem = version_problem(revision, place=place)
    if problem is not None and not is_older(revision):
        raise problem
    return True


def _upgrade(connection: Connection) -> None:
    command.upgrade(configuration(connection), HEAD)


@contextlib.contextmanager
def _translated(translated: Callable[[Any], StorageError], kind: type[Exception]) -> Iterator[None]:
    try:
        yield
    except kind as error:
        raise translated(error) from error
    except DBAPIError as error:
        raise translated(error.orig) from error
