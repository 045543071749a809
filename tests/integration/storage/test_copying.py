"""Moving a storage between databases: everything, once, also in several attempts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.conformance.storage.databases import emptied
from tests.integration.storage.filling import fill, run_id

from weft.errors import StorageError
from weft.model.events import Event, LogMessage, RunStarted, RunSucceeded
from weft.model.keys import AssetKey
from weft.model.live import Lane, QueueEntry, RequestKey
from weft.model.plan import RunPlan
from weft.model.run import Run, RunStatus
from weft.storage import copying
from weft.storage.copying import MARK, copy_storage, is_incomplete
from weft.storage.memory import MemoryStorage
from weft.storage.opening import open_storage
from weft.storage.sql.database import Statement
from weft.storage.sql.tables import key_values, metadata

PLAN = RunPlan(job_name="j", steps=())


def run_of(run_id: str) -> Run:
    return Run(id=run_id, job_name="j", status=RunStatus.NOT_STARTED, created_at=1.0)


def filled(address: str | Path) -> Any:
    """A storage with something in nearly every table; no run is live."""
    storage: Any = open_storage(address)
    fill(storage, 49, messages=2)  # it leaves one of fifty open
    storage.events.append([Event(run_id=run_id(0), seq=99, time=1.0, body=RunSucceeded())])
    storage.dynamic_partitions.add("regions", ["north", "south", "east"])
    storage.dynamic_partitions.remove("regions", ["east"])
    storage.snapshots.put(b"\x00snapshot")
    storage.keyvalue.set("a", "1")
    storage.keyvalue.set("z", "2")
    storage.queue.submit(run_of("waiting"), PLAN, QueueEntry(lane=Lane()), request_key=RequestKey(scope="s", key="k"))
    storage.queue.submit(run_of("again"), PLAN, QueueEntry(lane=Lane()), request_key=RequestKey(scope="s", key="k"))
    storage.leases.acquire("service", "me", seen=None, at=1.0)
    storage.pools.set_limit("gpu", 2)
    return storage


def content(storage: Any) -> dict[str, list[Any]]:
    """Every row of every table."""
    found = {}
    with storage.database.read() as transaction:
        for table in metadata.sorted_tables:
            rows = transaction.all(Statement(table.select().order_by(*table.primary_key.columns)))
            found[table.name] = [row for row in rows if table is not key_values or row[0] != MARK]
    return found


def test_a_storage_goes_from_database_to_database_and_is_the_same(
    tmp_path: Path, postgres_database: str, mariadb_database: str
) -> None:
    source = filled(tmp_path / "first")
    expected = content(source)
    assert sum(map(bool, expected.values())) >= 18, "most tables have rows"
    latest = source.events.latest_id()
    for address in (postgres_database, mariadb_database, tmp_path / "last"):
        target: Any = open_storage(address)
        if isinstance(address, str):
            emptied(target)
        done = copy_storage(source, target)
        assert not done.is_resumed
        assert dict(done.rows) == {name: len(rows) for name, rows in expected.items()}
        assert content(target) == expected
        assert not is_incomplete(target)
        source.close()
        source = target
    # The last one goes on as the first one would: ids are not used twice, and what the database counts by itself is not either.
    source.runs.create(run_of("new"), PLAN)
    source.runs.add_tags("new", {"a": "new tag"})
    source.events.append([Event(run_id="new", seq=1, time=1.0, body=RunStarted())])
    assert source.events.latest_id() == latest + 1
    [number] = source.dynamic_partitions.numbers_of("regions", source.dynamic_partitions.add("regions", ["east"]))
    assert number > 3
    source.close()


@pytest.mark.parametrize("kind", ["postgres", "mariadb"])
def test_a_server_goes_on_after_a_copy(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    source = filled(tmp_path)
    source.history.forget_events([run_id(number) for number in range(49)])
    latest = source.events.latest_id()
    target: Any = open_storage(request.getfixturevalue(f"{kind}_database"))
    emptied(target)
    copy_storage(source, target)
    target.runs.create(run_of("new"), PLAN)
    target.runs.add_tags("new", {"a": "new tag"})
    target.dynamic_partitions.add("colours", ["red"])
    target.queue.submit(run_of("queued"), PLAN, QueueEntry(lane=Lane(share="x")))
    target.events.append([Event(run_id="new", seq=1, time=1.0, body=RunStarted())])
    assert target.events.latest_id() > latest
    source.close()
    target.close()


@pytest.mark.parametrize("fails_after", [1, 4, 9, 14])
def test_a_copy_that_was_interrupted_goes_on(fails_after: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "ROWS_AT_ONCE", 7)
    source, target = filled(tmp_path / "source"), open_storage(tmp_path / "target")
    told: list[str] = []

    def interrupt(table: str, rows: int) -> None:
        told.append(table)
        if len(told) == fails_after * 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy_storage(source, target, progress=interrupt)
    assert is_incomplete(target)
    assert copy_storage(source, target).is_resumed
    assert content(target) == content(source)
    assert not is_incomplete(target)
    source.close()
    target.close()


def refused(source: Any, target: Any, **options: bool) -> StorageError:
    with pytest.raises(StorageError) as caught:
        copy_storage(source, target, **options)
    return caught.value


def test_a_target_with_rows_is_refused_and_stays_as_it_was(tmp_path: Path) -> None:
    source, target = filled(tmp_path / "source"), open_storage(tmp_path / "target")
    target.keyvalue.set("theirs", "1")
    before = content(target)
    assert refused(source, target).code == "WEFT-T071"
    assert refused(source, source).code == "WEFT-T071"
    assert content(target) == before
    source.close()
    target.close()


def test_a_part_of_another_copy_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other, target = filled(tmp_path / "one"), filled(tmp_path / "other"), open_storage(tmp_path / "target")

    def interrupt(table: str, rows: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy_storage(one, target, progress=interrupt)
    error = refused(other, target)
    assert error.code == "WEFT-T071"
    assert str(tmp_path / "one") in str(error)
    for storage in (one, other, target):
        storage.close()


def test_live_runs_are_refused_unless_forced(tmp_path: Path) -> None:
    source, target = open_storage(tmp_path / "source"), open_storage(tmp_path / "target")
    source.runs.create(run_of("live"), PLAN)
    source.events.append([Event(run_id="live", seq=1, time=1.0, body=RunStarted())])
    error = refused(source, target)
    assert (error.code, error.facts["runs"]) == ("WEFT-T072", ["live"])
    copy_storage(source, target, force=True)
    assert target.runs.get("live") == source.runs.get("live")
    source.close()
    target.close()


def test_rows_that_were_written_meanwhile_are_noticed(tmp_path: Path) -> None:
    source, target = filled(tmp_path / "source"), open_storage(tmp_path / "target")
    late = Event(run_id=run_id(1), seq=500, time=1.0, body=LogMessage(message="late", level=20))

    def write(table: str, rows: int) -> None:
        if table == "events":
            source.events.append([late])

    assert refused(source, target, progress=write).code == "WEFT-T073"  # type: ignore[arg-type]
    source.close()
    target.close()


def test_memory_is_no_database(tmp_path: Path) -> None:
    source = open_storage(tmp_path)
    assert refused(source, MemoryStorage()).code == "WEFT-T070"
    assert refused(MemoryStorage(), source).code == "WEFT-T070"
    assert source.assets.get(AssetKey("a")) is None
    source.close()
