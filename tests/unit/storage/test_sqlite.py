"""Opening, versions, connections and errors of the SQLite storage."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from weft.errors import StorageError
from weft.model.events import Event, LogMessage, RunStarted
from weft.model.plan import RunPlan
from weft.model.run import Run, RunStatus
from weft.storage.migrations import HEAD
from weft.storage.sql.schema import version_problem
from weft.storage.sqlite import (
    SQLiteDatabase,
    SQLiteStorage,
    database_path,
    storage_error,
)


def with_a_run(storage: SQLiteStorage) -> SQLiteStorage:
    run = Run(id="r1", job_name="j", status=RunStatus.NOT_STARTED, created_at=1.0)
    storage.runs.create(run, RunPlan(job_name="j", steps=()))
    return storage


def code_of(folder: Path, **options: object) -> str:
    with pytest.raises(StorageError) as caught:
        SQLiteStorage(folder, **options)  # type: ignore[arg-type]
    assert caught.value.fix
    assert str(database_path(folder)) in str(caught.value)
    return caught.value.code


def pragma(connection: sqlite3.Connection, name: str) -> object:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


# --- opening ----------------------------------------------------------------------------------------------------------


def test_a_missing_folder_is_made(tmp_path: Path) -> None:
    SQLiteStorage(tmp_path / "deep" / "down").close()
    assert (tmp_path / "deep" / "down" / "weft.db").is_file()


def test_a_path_to_a_file_is_taken_as_it_is(tmp_path: Path) -> None:
    SQLiteStorage(tmp_path / "other.db").close()
    assert (tmp_path / "other.db").is_file()


def test_an_empty_file_becomes_a_database(tmp_path: Path) -> None:
    (tmp_path / "weft.db").touch()
    with_a_run(SQLiteStorage(tmp_path)).close()


def test_what_was_stored_is_there_when_it_is_opened_again(tmp_path: Path) -> None:
    with_a_run(SQLiteStorage(tmp_path)).close()
    storage = SQLiteStorage(tmp_path)
    assert storage.runs.get("r1") is not None
    storage.close()
    storage.close()


@pytest.mark.parametrize(("synchronous", "level"), [("NORMAL", 1), ("FULL", 2)])
def test_connections_are_set_up_for_many_processes(tmp_path: Path, synchronous: str, level: int) -> None:
    database = SQLiteDatabase(tmp_path / "weft.db", synchronous=synchronous, busy_timeout_seconds=7)  # type: ignore[arg-type]
    writer, reader = database._writer, database._reader()
    assert writer is not None
    for connection in (writer, reader):
        assert pragma(connection, "journal_mode") == "wal"
        assert pragma(connection, "synchronous") == level
        assert pragma(connection, "foreign_keys") == 1
        assert pragma(connection, "busy_timeout") == 7000
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("DELETE FROM runs")
    reader.close()
    database.close()


def test_opening_a_current_database_imports_no_alembic(tmp_path: Path) -> None:
    program = f"""
import sys
from pathlib import Path
from weft.storage.sqlite import SQLiteStorage
for _ in range(2):
    SQLiteStorage(Path({str(tmp_path)!r})).close()
print([name for name in sys.modules if name.partition(".")[0] in ("alembic", "mako")])
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"


def test_storage_in_memory_imports_no_sql(tmp_path: Path) -> None:
    program = """
import sys
import weft.storage.memory
print([name for name in sys.modules if name.partition(".")[0] in ("sqlalchemy", "sqlite3", "alembic")])
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"


# --- versions ---------------------------------------------------------------------------------------------------------


def set_revision(folder: Path, revision: str | None) -> None:
    connection = sqlite3.connect(folder / "weft.db")
    connection.execute("DELETE FROM alembic_version")
    if revision is not None:
        connection.execute("INSERT INTO alembic_version VALUES (?)", (revision,))
    connection.commit()
    connection.close()


def test_a_newer_database_is_refused_and_both_versions_are_named(tmp_path: Path) -> None:
    SQLiteStorage(tmp_path).close()
    set_revision(tmp_path, "9999")
    with pytest.raises(StorageError) as caught:
        SQLiteStorage(tmp_path)
    error = caught.value
    assert (error.code, error.what) == ("WEFT-T004", "the database was made by a newer version of weft.")
    assert error.facts["its schema version"] == "9999"
    assert str(error.facts["this program's"]).startswith(f"{HEAD} (weft ")


def test_an_older_database_says_how_to_migrate_it(tmp_path: Path) -> None:
    SQLiteStorage(tmp_path).close()
    set_revision(tmp_path, None)  # what a migration leaves that was undone to before the first revision
    with pytest.raises(StorageError, match="older version") as caught:
        SQLiteStorage(tmp_path)
    assert caught.value.code == "WEFT-T003"
    assert "weft instance migrate" in str(caught.value.fix)


def test_versions_are_told_apart() -> None:
    known = ("0001", "0002", "0003")
    path = Path("weft.db")

    def code(revision: str | None) -> str | None:
        problem = version_problem(revision, place=str(path), revisions=known)
        return None if problem is None else problem.code

    assert code("0003") is None
    assert code("0002") == code("0001") == code("") == "WEFT-T003"
    assert code("0004") == "WEFT-T004"
    assert code(None) == "WEFT-T009"


def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "weft.db")
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    before = (tmp_path / "weft.db").read_bytes()
    assert code_of(tmp_path) == "WEFT-T009"
    assert (tmp_path / "weft.db").read_bytes() == before


# --- trouble ----------------------------------------------------------------------------------------------------------


def test_a_file_that_is_no_database_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "weft.db").write_bytes(b"not a database, but long enough to have a header" * 100)
    assert code_of(tmp_path) == "WEFT-T005"


def test_a_damaged_page_is_told_when_it_is_met(tmp_path: Path) -> None:
    storage = with_a_run(SQLiteStorage(tmp_path))
    events = [
        Event(run_id="r1", seq=seq, time=1.0, body=LogMessage(message="x" * 500, level=20)) for seq in range(1, 500)
    ]
    storage.events.append(events)
    storage.close()
    path = tmp_path / "weft.db"
    data = bytearray(path.read_bytes())
    data[8 * 4096 :] = b"\xff" * (len(data) - 8 * 4096)
    path.write_bytes(data)
    with pytest.raises(StorageError) as caught:
        storage = SQLiteStorage(tmp_path)
        try:
            storage.events.read("r1")
        finally:
            storage.close()
    assert caught.value.code == "WEFT-T005"


def test_a_lock_that_is_not_let_go_is_an_error_after_the_timeout(tmp_path: Path) -> None:
    storage = with_a_run(SQLiteStorage(tmp_path, busy_timeout_seconds=0.05))
    blocker = sqlite3.connect(tmp_path / "weft.db", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    event = Event(run_id="r1", seq=1, time=1.0, body=RunStarted())
    with pytest.raises(StorageError) as caught:
        storage.events.append([event])
    assert caught.value.code == "WEFT-T006"
    assert caught.value.facts["waited"] == "0.05 s"
    assert storage.runs.get("r1") is not None  # readers do not wait
    blocker.execute("ROLLBACK")
    blocker.close()
    assert len(storage.events.append([event]).stored) == 1
    storage.close()


def test_a_full_disk_stores_nothing_of_the_batch_and_the_storage_goes_on(tmp_path: Path) -> None:
    storage = with_a_run(SQLiteStorage(tmp_path))
    writer = storage.database._writer
    assert writer is not None
    pages = pragma(writer, "page_count")
    writer.execute(f"PRAGMA max_page_count = {pages}")
    big = [
        Event(run_id="r1", seq=seq, time=1.0, body=LogMessage(message="x" * 1000, level=20)) for seq in range(1, 1000)
    ]
    with pytest.raises(StorageError) as caught:
        storage.events.append(big)
    assert caught.value.code == "WEFT-T008"
    assert storage.events.read("r1") == ()
    writer.execute("PRAGMA max_page_count = 1000000")
    assert len(storage.events.append(big).stored) == 999
    storage.close()


def test_a_folder_that_is_a_file_is_not_writable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert code_of(tmp_path / "file") == "WEFT-T007"
    assert code_of(tmp_path / "file" / "below") == "WEFT-T007"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs another user's process")
@pytest.mark.parametrize("existing", [False, True])
def test_a_folder_of_somebody_else_is_not_writable(tmp_path: Path, existing: bool) -> None:
    folder = tmp_path / "home"
    folder.mkdir()
    if existing:
        SQLiteStorage(folder).close()
        (folder / "weft.db").chmod(0o444)
    folder.chmod(0o555)
    program = f"""
import os
from pathlib import Path
from weft.errors import StorageError
from weft.storage.sqlite import SQLiteStorage
os.chdir({str(folder)!r})
if os.getuid() == 0:
    os.setuid(65534)  # root may write anywhere
try:
    SQLiteStorage(Path()).keyvalue.set("a", "b")
except StorageError as error:
    print(error.code)
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    folder.chmod(0o755)
    assert result.stdout == "WEFT-T007\n", result.stderr


def test_an_error_without_a_code_of_its_own_carries_the_reason() -> None:
    error = storage_error(sqlite3.OperationalError("no such table: x"), Path("weft.db"), 1.0)
    assert error.code == "WEFT-T001"
    assert error.facts == {"database": "weft.db", "reason": "no such table: x"}


def test_a_failed_write_leaves_no_transaction_open(tmp_path: Path) -> None:
    storage = with_a_run(SQLiteStorage(tmp_path))
    with pytest.raises(ZeroDivisionError), storage.database.write():
        1 / 0  # noqa: B018
    with_a_run_again = Run(id="r2", job_name="j", status=RunStatus.QUEUED, created_at=1.0)
    storage.runs.create(with_a_run_again, RunPlan(job_name="j", steps=()))
    storage.close()


# --- connections ------------------------------------------------------------------------------------------------------


def test_reading_connections_are_handed_on(tmp_path: Path) -> None:
    storage = with_a_run(SQLiteStorage(tmp_path))
    database = storage.database
    for _ in range(5):
        storage.runs.get("r1")
    assert len(database._readers) == 1

    gate, done = threading.Barrier(21), threading.Event()

    def hold() -> None:
        with database.read():
            gate.wait()
            done.wait()

    threads = [threading.Thread(target=hold) for _ in range(20)]
    for thread in threads:
        thread.start()
    gate.wait()
    done.set()
    for thread in threads:
        thread.join()
    assert len(database._readers) == 8
    storage.close()
    assert len(database._readers) == 0


def test_a_reader_at_work_while_the_storage_closes_is_closed_afterwards(tmp_path: Path) -> None:
    storage = with_a_run(SQLiteStorage(tmp_path))
    with storage.database.read() as transaction:
        storage.close()
        assert transaction is not None
    assert len(storage.database._readers) == 0
