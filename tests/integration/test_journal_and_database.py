"""Workers and a real database, with kills and locks between them. Promise b15."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

from weft.execution.orphans import find_orphans
from weft.model.events import Event
from weft.model.plan import RunPlan
from weft.model.run import Run, RunStatus
from weft.storage.sqlite import SQLiteStorage

WORKER = """
import os, sys, struct
from pathlib import Path
from weft.execution.shipping import ShippedJournal
from weft.model.events import RunStarted, RunSucceeded, StepStarted, StepSucceeded
from weft.storage.sqlite import SQLiteStorage

folder, run_id, steps = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
storage = SQLiteStorage(folder, busy_timeout_seconds=0.05)
journal = ShippedJournal(folder / "journals", run_id, storage.events)
report = os.fdopen(1, "wb", buffering=0).write
report(struct.pack("<I", journal.append(RunStarted()).seq))
for number in range(steps):
    report(struct.pack("<I", journal.append(StepStarted(), f"s{number}").seq))
    report(struct.pack("<I", journal.append(StepSucceeded(), f"s{number}").seq))
journal.append(RunSucceeded())
assert journal.close()
"""


def instance(folder: Path, *run_ids: str) -> SQLiteStorage:
    storage = SQLiteStorage(folder)
    for run_id in run_ids:
        run = Run(id=run_id, job_name="j", status=RunStatus.STARTING, created_at=1.0)
        storage.runs.create(run, RunPlan(job_name="j", steps=()))
    return storage


def worker(folder: Path, run_id: str, steps: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", WORKER, str(folder), run_id, str(steps)], stdout=subprocess.PIPE)


def stored(storage: SQLiteStorage, run_id: str) -> list[Event]:
    return [each.event for each in storage.events.read(run_id, limit=1_000_000)]


def test_a_killed_worker_loses_and_doubles_nothing(tmp_path: Path) -> None:
    run_ids = [f"r{number}" for number in range(8)]
    storage = instance(tmp_path, *run_ids)
    for number, run_id in enumerate(run_ids):
        with worker(tmp_path, run_id, 1_000_000) as process:
            assert process.stdout is not None
            # Killed after so many reports, while earlier events are shipped, are in a transaction, or wait.
            reported = process.stdout.read(4 * (50 + 700 * number))
            process.kill()
            reported += process.stdout.read()
        (orphan,) = find_orphans(tmp_path / "journals")
        shipped = stored(storage, run_id)
        with orphan:
            events = orphan.recover(storage.events)
            orphan.discard()
        assert len(events) >= len(reported) // 4
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        assert shipped == events[: len(shipped)]
        assert stored(storage, run_id) == events
    storage.close()


def test_a_worker_goes_on_while_the_database_is_locked(tmp_path: Path) -> None:
    storage = instance(tmp_path, "r1")
    other = sqlite3.connect(tmp_path / "weft.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with worker(tmp_path, "r1", 3000) as process:
        assert process.stdout is not None
        # All of its work is done although nothing could be stored.
        reports = process.stdout.read(4 * 6001)
        assert len(reports) == 4 * 6001
        assert stored(storage, "r1") == []
        assert process.poll() is None
        other.execute("ROLLBACK")
        assert process.wait(60) == 0
    events = stored(storage, "r1")
    assert [event.seq for event in events] == list(range(1, 6003))
    run = storage.runs.get("r1")
    assert run is not None and run.status is RunStatus.SUCCESS
    assert list((tmp_path / "journals").iterdir()) == []
    other.close()
    storage.close()
