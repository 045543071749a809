"""Migrations: the schema they make is the one that the program uses, and an upgrade is all or nothing."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.command import downgrade
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from weft.errors import StorageError
from weft.model.plan import RunPlan
from weft.model.run import Run, RunStatus
from weft.storage.migrations import HEAD, REVISIONS
from weft.storage.migrations.upgrade import Migrated, configuration, migrate
from weft.storage.sql.tables import metadata
from weft.storage.sqlite import SQLiteStorage


def schema(folder: Path) -> dict[str, str]:
    """The definition of every table and index, spaces aside."""
    connection = sqlite3.connect(folder / "weft.db")
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    connection.close()
    return {name: "".join(sql.split()) for name, sql in rows if name != "alembic_version"}


def revision(folder: Path) -> list[tuple[str]]:
    connection = sqlite3.connect(folder / "weft.db")
    rows = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    connection.close()
    return rows


def test_the_listed_revisions_are_those_in_the_folder() -> None:
    engine = create_engine("sqlite://", poolclass=NullPool)
    with engine.connect() as connection:
        scripts = ScriptDirectory.from_config(configuration(connection))
    assert tuple(script.revision for script in scripts.walk_revisions())[::-1] == REVISIONS
    assert scripts.get_current_head() == HEAD


def test_migrations_and_metadata_make_the_same_schema(tmp_path: Path) -> None:
    migrate(tmp_path / "migrated")
    SQLiteStorage(tmp_path / "created").close()
    assert schema(tmp_path / "migrated") == schema(tmp_path / "created")
    assert revision(tmp_path / "migrated") == revision(tmp_path / "created") == [(HEAD,)]
    for folder in ("migrated", "created"):
        engine = create_engine(f"sqlite:///{tmp_path / folder / 'weft.db'}", poolclass=NullPool)
        with engine.connect() as connection:
            context = MigrationContext.configure(
                connection, opts={"compare_type": True, "compare_server_default": True}
            )
            assert compare_metadata(context, metadata) == []


def test_a_migrated_database_is_used_like_any_other(tmp_path: Path) -> None:
    assert migrate(tmp_path) == Migrated(from_revision=None, to_revision=HEAD)
    assert migrate(tmp_path) == Migrated(from_revision=HEAD, to_revision=HEAD)
    storage = SQLiteStorage(tmp_path)
    run = Run(id="r1", job_name="j", status=RunStatus.QUEUED, created_at=1.0)
    storage.runs.create(run, RunPlan(job_name="j", steps=()))
    storage.close()
    assert migrate(tmp_path) == Migrated(from_revision=HEAD, to_revision=HEAD)
    storage = SQLiteStorage(tmp_path)
    assert storage.runs.get("r1") == run
    storage.close()


def test_every_revision_can_be_undone_and_done_again(tmp_path: Path) -> None:
    migrate(tmp_path)
    engine = create_engine(f"sqlite:///{tmp_path / 'weft.db'}", poolclass=NullPool)
    with engine.connect() as connection, connection.begin():
        downgrade(configuration(connection), "base")
    assert schema(tmp_path).keys() <= {"sqlite_sequence"}
    with pytest.raises(StorageError, match="weft instance migrate"):
        SQLiteStorage(tmp_path)
    assert migrate(tmp_path) == Migrated(from_revision=None, to_revision=HEAD)
    SQLiteStorage(tmp_path).close()


def test_a_newer_and_a_foreign_database_are_not_touched(tmp_path: Path) -> None:
    for name, statement, code in (
        ("newer", "CREATE TABLE alembic_version (version_num VARCHAR(32))", "WEFT-T004"),
        ("foreign", "CREATE TABLE theirs (x)", "WEFT-T009"),
    ):
        folder = tmp_path / name
        folder.mkdir()
        connection = sqlite3.connect(folder / "weft.db")
        connection.execute(statement)
        if name == "newer":
            connection.execute("INSERT INTO alembic_version VALUES ('9999')")
        connection.commit()
        connection.close()
        before = (folder / "weft.db").read_bytes()
        with pytest.raises(StorageError) as caught:
            migrate(folder)
        assert caught.value.code == code
        assert (folder / "weft.db").read_bytes() == before


def test_a_failed_upgrade_leaves_the_database_as_it_was(tmp_path: Path) -> None:
    migrate(tmp_path)
    connection = sqlite3.connect(tmp_path / "weft.db")
    # The revision is told to be missing, while its tables are there: the first statement works, a later one fails.
    connection.execute("DELETE FROM alembic_version")
    connection.execute("DROP TABLE runs")
    connection.commit()
    connection.close()
    before = schema(tmp_path)
    with pytest.raises(StorageError, match="refused a statement"):
        migrate(tmp_path)
    assert schema(tmp_path) == before
    assert revision(tmp_path) == []


def test_a_locked_database_is_not_migrated(tmp_path: Path) -> None:
    SQLiteStorage(tmp_path).close()
    blocker = sqlite3.connect(tmp_path / "weft.db", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageError) as caught:
        migrate(tmp_path, busy_timeout_seconds=0.05)
    assert caught.value.code == "WEFT-T006"
    blocker.close()
