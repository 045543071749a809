"""Revisions make the same schema on a server as creating it does, and keep what is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool
from tests import servers

from weft.errors import StorageError
from weft.model.plan import RunPlan
from weft.model.run import Run, RunStatus
from weft.storage.addresses import read_address
from weft.storage.migrations import HEAD, REVISIONS
from weft.storage.migrations.configuration import Migrated, configuration
from weft.storage.migrations.upgrade import migrate_address
from weft.storage.opening import open_storage
from weft.storage.sql import mysql_dialect, postgres_dialect
from weft.storage.sql.schema import creation_statements
from weft.storage.sql.server_tables import WRITER, server_metadata

# Without Alembic's own table, which older programs made in their way.
SHAPES = {
    "postgres": (
        """
        SELECT table_name, column_name, data_type, is_nullable, collation_name FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name <> 'alembic_version'
        """,
        "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'",
    ),
    "mariadb": (
        """
        SELECT table_name, column_name, column_type, is_nullable, collation_name FROM information_schema.columns
        WHERE table_schema = database() AND table_name <> 'alembic_version'
        """,
        """
        SELECT table_name, index_name, seq_in_index, column_name, sub_part, non_unique FROM information_schema.statistics
        WHERE table_schema = database() AND table_name <> 'alembic_version'
        """,
    ),
}


@pytest.fixture(params=["postgres", "mariadb"])
def server(request: pytest.FixtureRequest) -> Any:
    reason = servers.missing(request.param)
    if reason is not None:
        pytest.skip(reason)
    with servers.SERVERS[request.param]() as made:
        yield made


def shape(server: servers.Server, address: str) -> list[Any]:
    """Columns and indexes."""
    storage: Any = open_storage(address)
    found = []
    with storage.database.read() as transaction:
        for query in SHAPES[server.kind]:
            transaction.cursor.execute(query)
            found.append(sorted(map(str, transaction.cursor.fetchall())))
    storage.close()
    return found


def make_old(server: servers.Server, address: str) -> None:
    """Make a database of the first revision, as the program of that time would have."""
    storage: Any = open_storage(server.new_database())
    driver = storage.database.driver
    storage.close()
    url = read_address(address)
    if server.kind == "postgres":
        adapted, url = postgres_dialect.adapted, url.set(drivername="postgresql+psycopg")
    else:
        adapted, url = mysql_dialect.adapted, url.set(drivername="mysql+pymysql")
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection, connection.begin():
        adapted(engine.dialect)
        command.upgrade(configuration(connection), REVISIONS[0])
        names = set(server_metadata.tables)
        for statement in creation_statements(driver.dialect, server_metadata):
            if any(f"CREATE TABLE {name} " in statement.replace("\n", " ") for name in names):
                connection.exec_driver_sql(statement)
        connection.exec_driver_sql(f"INSERT INTO locks (name) VALUES ('{WRITER}')")


def test_an_older_database_is_upgraded_to_what_a_new_one_is(server: servers.Server) -> None:
    old, new = server.new_database(), server.new_database()
    make_old(server, old)
    with pytest.raises(StorageError, match="older version") as caught:
        open_storage(old)
    assert caught.value.code == "WEFT-T003"
    assert migrate_address(old) == Migrated(from_revision=REVISIONS[0], to_revision=HEAD)
    assert migrate_address(old) == Migrated(from_revision=HEAD, to_revision=HEAD)
    assert shape(server, old) == shape(server, new)
    storage = open_storage(old)
    run = Run(id="r1", job_name="j", status=RunStatus.NOT_STARTED, created_at=1.0)
    storage.runs.create(run, RunPlan(job_name="j", steps=()))
    assert storage.runs.get("r1") == run
    storage.close()


def test_where_there_is_nothing_a_schema_is_made(server: servers.Server, tmp_path: Path) -> None:
    for address in (server.new_database(), f"sqlite:///{tmp_path}/a", tmp_path / "b"):
        assert migrate_address(address) == Migrated(from_revision=None, to_revision=HEAD)
        assert migrate_address(address) == Migrated(from_revision=HEAD, to_revision=HEAD)


def test_a_newer_database_is_refused(server: servers.Server) -> None:
    address = server.new_database()
    storage: Any = open_storage(address)
    with storage.database.write() as transaction:
        transaction.cursor.execute("UPDATE alembic_version SET version_num = '9999'")
    storage.close()
    with pytest.raises(StorageError) as caught:
        migrate_address(address)
    assert caught.value.code == "WEFT-T004"


def test_memory_is_not_migrated() -> None:
    with pytest.raises(StorageError) as caught:
        migrate_address("memory://")
    assert caught.value.code == "WEFT-T062"
