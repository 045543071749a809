from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from weft.errors import RunNotFoundError, StorageError
from weft.execution.journal import FileJournal, read_journal
from weft.execution.orphans import OrphanJournal, find_orphans
from weft.model.events import EngineEvent, Event, RunStarted, StepStarted
from weft.model.plan import RunPlan
from weft.model.run import Run, RunStatus
from weft.storage.memory import MemoryStorage
from weft.storage.ports import Appended


def storage_with(*run_ids: str) -> MemoryStorage:
    storage = MemoryStorage()
    for run_id in run_ids:
        run = Run(id=run_id, job_name="j", status=RunStatus.STARTING, created_at=1.0)
        storage.runs.create(run, RunPlan(job_name="j", steps=()))
    return storage


def stored(storage: MemoryStorage, run_id: str) -> list[Event]:
    return [each.event for each in storage.events.read(run_id, limit=100_000)]


def left_behind(folder: Path, run_id: str = "r1", source: int = 1, count: int = 3) -> list[Event]:
    journal = FileJournal(folder, run_id, source)
    events = [journal.append(RunStarted()), *(journal.append(StepStarted(), "a") for _ in range(count - 1))]
    journal.close()
    return events


def found(folder: Path) -> OrphanJournal:
    (orphan,) = find_orphans(folder)
    return orphan


def test_only_journals_of_dead_writers_are_found(tmp_path: Path) -> None:
    left_behind(tmp_path, "dead")
    living = FileJournal(tmp_path, "living")
    orphan = found(tmp_path)
    assert (orphan.run_id, orphan.source, orphan.path.name) == ("dead", 1, "dead.1.journal")
    orphan.close()
    living.close()


def test_a_folder_that_is_empty_or_absent_has_none(tmp_path: Path) -> None:
    assert find_orphans(tmp_path) == []
    assert find_orphans(tmp_path / "absent") == []


def test_other_files_and_links_are_left_alone(tmp_path: Path) -> None:
    for name in ("notes.txt", "r1.journal", "..1.journal", "r1.x.journal", "r1.1.journal.damaged"):
        (tmp_path / name).write_text("mine")
    (tmp_path / "r2.1.journal").symlink_to(tmp_path / "notes.txt")
    assert find_orphans(tmp_path) == []
    assert len(list(tmp_path.iterdir())) == 6


def test_recovering_delivers_in_order_and_discarding_deletes(tmp_path: Path) -> None:
    storage = storage_with("r1")
    events = left_behind(tmp_path, count=1234)
    with found(tmp_path) as orphan:
        assert orphan.recover(storage.events) == events
        assert orphan.path.exists()
        orphan.discard()
    assert stored(storage, "r1") == events
    assert list(tmp_path.iterdir()) == []


def test_events_that_were_shipped_before_are_not_doubled(tmp_path: Path) -> None:
    storage = storage_with("r1")
    events = left_behind(tmp_path, count=10)
    storage.events.append(events[:7])
    with found(tmp_path) as orphan:
        orphan.recover(storage.events)
    assert stored(storage, "r1") == events
    # Whoever recovered died before it deleted the journal: the next one comes.
    with found(tmp_path) as orphan:
        assert orphan.recover(storage.events) == events
        orphan.discard()
    assert stored(storage, "r1") == events


def test_an_orphan_that_somebody_holds_is_not_found_by_another(tmp_path: Path) -> None:
    left_behind(tmp_path)
    with found(tmp_path):
        assert find_orphans(tmp_path) == []
        script = "import sys; from pathlib import Path; from weft.execution.orphans import find_orphans; print(find_orphans(Path(sys.argv[1])))"
        done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
        assert done.stdout == "[]\n"
    found(tmp_path).close()


def test_many_who_recover_at_once_share_the_orphans_without_doubling(tmp_path: Path) -> None:
    run_ids = [f"r{number}" for number in range(40)]
    storage = storage_with(*run_ids)
    events = {run_id: left_behind(tmp_path, run_id) for run_id in run_ids}
    delivered: list[str] = []

    def recover() -> None:
        while any(tmp_path.iterdir()):
            for orphan in find_orphans(tmp_path):
                with orphan:
                    orphan.recover(storage.events)
                    delivered.append(orphan.run_id)
                    orphan.discard()

    threads = [threading.Thread(target=recover) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(delivered) == sorted(run_ids)
    assert {run_id: stored(storage, run_id) for run_id in run_ids} == events


def test_a_writer_that_died_at_birth_leaves_nothing_to_recover(tmp_path: Path) -> None:
    (tmp_path / "r1.2.journal").touch()
    assert find_orphans(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_an_emptied_journal_of_a_run_still_says_that_its_worker_is_dead(tmp_path: Path) -> None:
    (tmp_path / "r1.1.journal").touch()  # what a power cut leaves of a file whose data had not reached the disk
    [orphan] = find_orphans(tmp_path)
    with orphan:
        assert orphan.run_id == "r1"
        assert orphan.recover(MemoryStorage().events) == []
        orphan.discard()
    assert list(tmp_path.iterdir()) == []


def test_a_journal_without_a_whole_header_is_an_orphan_without_events(tmp_path: Path) -> None:
    left_behind(tmp_path)
    path = tmp_path / "r1.1.journal"
    path.write_bytes(path.read_bytes()[:20])
    with found(tmp_path) as orphan:
        assert orphan.run_id == "r1"
        assert orphan.recover(storage_with("r1").events) == []


def test_a_damaged_journal_delivers_what_is_before_the_damage_and_can_be_set_aside(tmp_path: Path) -> None:
    storage = storage_with("r1")
    journal = FileJournal(tmp_path, "r1")
    before = [journal.append(EngineEvent(message="a")) for _ in range(3)]
    damage = journal.end + 10
    for _ in range(2):
        journal.append(EngineEvent(message="b"))
    journal.close()
    content = bytearray(journal.path.read_bytes())
    content[damage] ^= 1
    journal.path.write_bytes(content)
    with found(tmp_path) as orphan:
        with pytest.raises(StorageError, match="damaged"):
            orphan.recover(storage.events)
        aside = orphan.set_aside()
    assert stored(storage, "r1") == before
    assert find_orphans(tmp_path) == []
    assert aside.read_bytes() == content


def test_an_orphan_stays_where_storage_does_not_take_its_events(tmp_path: Path) -> None:
    class Away:
        def append(self, events: Sequence[Event]) -> Appended:
            raise StorageError("away", fix="wait")

    events = left_behind(tmp_path)
    with found(tmp_path) as orphan, pytest.raises(StorageError, match="away"):
        orphan.recover(Away())  # type: ignore[arg-type]  # the one method that is used
    with found(tmp_path) as orphan:
        assert orphan.recover(storage_with("r1").events) == events


def test_an_orphan_of_a_run_that_was_deleted_says_so(tmp_path: Path) -> None:
    left_behind(tmp_path)
    with found(tmp_path) as orphan:
        with pytest.raises(RunNotFoundError):
            orphan.recover(storage_with().events)
        orphan.discard()
    assert list(tmp_path.iterdir()) == []


KILLED = """
import os, random, signal, struct, sys, time
from pathlib import Path
from weft.execution.journal import FileJournal
from weft.execution.orphans import find_orphans
from weft.model.events import EngineEvent, StepStarted, StepSucceeded
from weft.model.plan import RunPlan
from weft.model.run import Run, RunStatus
from weft.storage.memory import MemoryStorage

class Nowhere:
    def append(self, events):
        pass

folder, seed = Path(sys.argv[1]), int(sys.argv[2])
random.seed(seed)
storage = MemoryStorage()
reported_in_all = 0
for trial in range(50):
    run_id = f"r{trial}"
    storage.runs.create(Run(id=run_id, job_name="j", status=RunStatus.STARTING, created_at=1.0), RunPlan(job_name="j", steps=()))
    reports, reporting = os.pipe()
    child = os.fork()
    if child == 0:
        journal = FileJournal(folder, run_id)
        while True:
            if random.random() < 0.1:
                with journal.batch():
                    events = [journal.append(StepStarted(), "a"), journal.append(StepSucceeded(), "a")]
            else:
                events = [journal.append(EngineEvent(message="x" * random.randrange(2000)))]
            for event in events:
                os.write(reporting, struct.pack("<I", event.seq))
    os.close(reporting)
    heard = os.read(reports, 4)  # it works
    time.sleep(random.random() * 0.004)
    os.kill(child, signal.SIGKILL)
    while part := os.read(reports, 1 << 16):
        heard += part
    os.close(reports)
    os.waitpid(child, 0)
    reported = [number for (number,) in struct.iter_unpack("<I", heard[: len(heard) // 4 * 4])]
    assert reported == list(range(1, len(reported) + 1))
    (orphan,) = find_orphans(folder)
    # Some of it had been shipped before the kill.
    with orphan:
        shipped = orphan.recover(Nowhere())
        storage.events.append(shipped[: random.randrange(len(shipped) + 1)])
        events = orphan.recover(storage.events)
        orphan.discard()
    assert [event.seq for event in events] == list(range(1, len(events) + 1)), "an event is missing or doubled in the journal"
    assert len(events) >= len(reported), "an event whose append had returned is gone"
    assert [each.event for each in storage.events.read(run_id, limit=1_000_000)] == events
    reported_in_all += len(reported)
assert not any(folder.iterdir())
print(reported_in_all)
"""


def test_no_event_is_lost_or_doubled_when_the_worker_is_killed(tmp_path: Path) -> None:
    """Promise b15. Fifty workers, each killed at a random moment while it writes as fast as it can."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), "1"], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert int(done.stdout) > 500, "the workers were killed before they did anything"


def test_the_journal_of_a_writer_is_read_whole_after_it_was_found(tmp_path: Path) -> None:
    events = left_behind(tmp_path)
    with found(tmp_path) as orphan:
        assert read_journal(orphan.path)[1] == events
