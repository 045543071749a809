"""Several processes on one database: writing at once, being killed, creating it at once, forking. Promise b10."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from weft.errors import StorageError
from weft.model.events import Event, LogMessage, RunStarted
from weft.model.keys import AssetKey
from weft.model.plan import RunPlan
from weft.model.run import Run, RunStatus
from weft.storage.migrations import HEAD
from weft.storage.sqlite import SQLiteStorage

PROCESSES = 8
EVENTS_EACH = 500
BATCH = 20

# Each says when it has imported all, then waits for a word on its standard input: so they begin at the same moment.
WRITER = """
import sys
from pathlib import Path
from weft.model.events import AssetMaterialized, Event, StepStarted, StepSucceeded
from weft.model.keys import AssetKey
from weft.storage.sqlite import SQLiteStorage

folder, number, count, batch = Path(sys.argv[1]), *map(int, sys.argv[2:5])
storage = SQLiteStorage(folder)
print("ready", flush=True)
sys.stdin.readline()
run_id, shared = f"r{number}", AssetKey("shared")
bodies = [StepStarted(), AssetMaterialized(asset_key=shared, partition=f"p{number}"), StepSucceeded(cpu_seconds=1.0)]
for start in range(1, count + 1, batch):
    events = [
        Event(run_id=run_id, seq=seq, time=float(seq), body=bodies[seq % 3], step_key=f"s{seq // 3}")
        for seq in range(start, min(start + batch, count + 1))
    ]
    stored = storage.events.append(events).stored
    assert len(stored) == len(events)
    # Whoever reads this knows that the batch is stored.
    sys.stdout.write(f"{stored[-1].event.seq}\\n")
    sys.stdout.flush()
storage.close()
"""

CREATOR = """
import sys
from pathlib import Path
from weft.storage.sqlite import SQLiteStorage

print("ready", flush=True)
for line in sys.stdin:
    storage = SQLiteStorage(Path(line.strip()))
    storage.keyvalue.set(sys.argv[1], "here")
    storage.close()
    print("done", flush=True)
"""

MIGRATOR = """
import sys
from pathlib import Path
from weft.storage.migrations.upgrade import migrate

print("ready", flush=True)
sys.stdin.readline()
print(migrate(Path(sys.argv[1])).to_revision)
"""


class Process:
    """A program in a process of its own that says "ready" and then waits for a word."""

    def __init__(self, program: str, *arguments: object) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", program, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def line(self) -> str:
        """The next line that it writes."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def tell(self, word: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(word + "\n")
        self._process.stdin.flush()

    def kill(self) -> None:
        self._process.kill()

    def end(self) -> tuple[int, str, str]:
        """Wait for its end; how it ended, what else it wrote, its errors."""
        output, errors = self._process.communicate(timeout=120)
        return self._process.returncode, output, errors


def begin(processes: list[Process], word: str = "go") -> None:
    """Let all begin at the same moment."""
    for process in processes:
        assert process.line() == "ready", process.end()[2]
    for process in processes:
        process.tell(word)


def finish(processes: list[Process]) -> list[str]:
    """Wait for all; what they wrote. Fails with the errors of the first that failed."""
    written = []
    for process in processes:
        status, output, errors = process.end()
        assert status == 0, errors
        written.append(output)
    return written


def with_runs(folder: Path, count: int) -> SQLiteStorage:
    storage = SQLiteStorage(folder)
    for number in range(count):
        run = Run(id=f"r{number}", job_name="j", status=RunStatus.STARTED, created_at=1.0)
        storage.runs.create(run, RunPlan(job_name="j", steps=()))
    return storage


def test_processes_write_to_one_database_at_once(tmp_path: Path) -> None:
    storage = with_runs(tmp_path, PROCESSES)
    processes = [Process(WRITER, tmp_path, number, EVENTS_EACH, BATCH) for number in range(PROCESSES)]
    begin(processes)
    finish(processes)
    ids: set[int] = set()
    materializations = 0
    for number in range(PROCESSES):
        found = storage.events.read(f"r{number}", limit=10_000)
        assert [stored.event.seq for stored in found] == list(range(1, EVENTS_EACH + 1))
        ids.update(stored.id for stored in found)
        materializations += sum(stored.event.type == "ASSET_MATERIALIZATION" for stored in found)
    assert len(ids) == PROCESSES * EVENTS_EACH == storage.events.latest_id()
    state = storage.assets.get(AssetKey("shared"))
    assert state is not None
    assert state.materialization_count == materializations
    assert storage.assets.partition_counts(AssetKey("shared")) == {"MATERIALIZED": PROCESSES}
    storage.close()


@pytest.mark.parametrize("batches_before_the_kill", [1, 3, 10])
def test_what_was_stored_outlives_a_killed_writer(tmp_path: Path, batches_before_the_kill: int) -> None:
    storage = with_runs(tmp_path, 1)
    writer = Process(WRITER, tmp_path, 0, 100_000, 10)
    begin([writer])
    reported = [int(writer.line()) for _ in range(batches_before_the_kill)]
    writer.kill()
    status, rest, _ = writer.end()
    assert status == -signal.SIGKILL
    reported += [int(line) for line in rest.splitlines(keepends=True) if line.endswith("\n")]

    found = [stored.event.seq for stored in storage.events.read("r0", limit=200_000)]
    assert found == list(range(1, len(found) + 1))
    assert len(found) >= reported[-1]
    assert len(found) % 10 == 0, "a batch is there as a whole or not at all"
    ends = sum(step.cpu_seconds for step in storage.runs.steps("r0"))
    assert ends == sum(seq % 3 == 2 for seq in found), "the state of steps is that of the stored events"
    connection = sqlite3.connect(tmp_path / "weft.db")
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
    storage.close()


def test_processes_create_one_database_at_once(tmp_path: Path) -> None:
    processes = [Process(CREATOR, number) for number in range(4)]
    begin(processes, str(tmp_path / "0"))
    for round in range(1, 20):
        assert [process.line() for process in processes] == ["done"] * 4
        for process in processes:
            process.tell(str(tmp_path / str(round)))
    finish(processes)
    for round in range(20):
        storage = SQLiteStorage(tmp_path / str(round))
        assert [storage.keyvalue.get(str(number)) for number in range(4)] == ["here"] * 4
        storage.close()


def test_processes_migrate_one_database_at_once(tmp_path: Path) -> None:
    processes = [Process(MIGRATOR, tmp_path) for _ in range(3)]
    begin(processes)
    assert finish(processes) == [f"{HEAD}\n"] * 3
    SQLiteStorage(tmp_path).close()


# --- forks ------------------------------------------------------------------------------------------------------------


def in_a_fork(body: Callable[[], object]) -> None:
    """Run `body` in a forked child, which ends without cleaning up, as workers do; fails where it does."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            body()
            status = 0
        except BaseException:  # noqa: BLE001  # the child must not go on with the tests
            traceback.print_exc()
        finally:
            os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")
def test_a_storage_is_used_on_both_sides_of_a_fork(tmp_path: Path) -> None:
    storage = with_runs(tmp_path, 2)
    storage.runs.get("r0")  # there is a reading connection, too

    def append(run_id: str, seq: int) -> None:
        storage.events.append([Event(run_id=run_id, seq=seq, time=1.0, body=LogMessage(message=str(seq), level=20))])

    append("r0", 1)
    for number in range(3):
        in_a_fork(lambda number=number: append("r1", number + 1))  # type: ignore[misc]
        append("r0", number + 2)
    in_a_fork(storage.close)
    append("r0", 5)
    assert [len(storage.events.read(run_id)) for run_id in ("r0", "r1")] == [5, 3]
    storage.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")
def test_a_fork_while_another_thread_writes_does_not_inherit_its_lock(tmp_path: Path) -> None:
    storage = with_runs(tmp_path, 1)
    with storage.database.write():
        pass
    storage.database._lock.acquire()  # what another thread would hold at that moment
    try:
        in_a_fork(lambda: storage.events.append([Event(run_id="r0", seq=1, time=1.0, body=RunStarted())]))
    finally:
        storage.database._lock.release()
    assert len(storage.events.read("r0")) == 1
    storage.close()


def test_a_storage_of_a_parent_that_was_closed_stays_closed_in_the_child(tmp_path: Path) -> None:
    storage = with_runs(tmp_path, 1)
    storage.close()

    def use() -> None:
        with pytest.raises(StorageError, match="after it was closed"):
            storage.runs.get("r0")

    in_a_fork(use)
