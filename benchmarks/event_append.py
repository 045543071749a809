"""Appending events: what a run writes, in the batches in which it is shipped, with the state tables kept up to date.

- ``event_append_sqlite``: 200,000 events of 50 runs in batches of 100. Budget: 20,000 events/s.
- ``event_append_postgres``, ``event_append_mariadb``: the same on servers that flush nothing to the disk. Budget: 10,000 events/s on PostgreSQL.
- ``event_append_sqlite_processes``: 32 processes that write 10,000 events each, in batches of 20, to one file at once. Budget: 5,000 events/s.
- ``event_append_sqlite_small_batches``: CPU per event in batches of 10, the journal's everyday case. Budget: 25 microseconds.
- ``event_append_memory``: CPU per event in memory, in batches of 10. Budget: 15 microseconds.
- ``event_bytes_per_step``: size of the database per no-op step, all indexes included. Budget: 1,536 bytes.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from harness import measure
from tests.servers import missing, shared_database

from weft.model.events import (
    Event,
    EventBody,
    InputLoaded,
    LogMessage,
    OutputHandled,
    RunStarted,
    RunSucceeded,
    StepOutput,
    StepStarted,
    StepSucceeded,
)
from weft.model.plan import RunPlan
from weft.model.run import Run, RunStatus
from weft.model.step import LogRange
from weft.storage.memory import MemoryStorage
from weft.storage.opening import open_storage
from weft.storage.ports import Storage
from weft.storage.sqlite import SQLiteStorage

RUNS = 50
EVENTS_PER_STEP = 6


def run_ids(count: int) -> list[str]:
    """Ids of the length of real ones."""
    return [f"0193a4c0-0000-7000-8000-{number:012d}" for number in range(count)]


def create(storage: Storage, ids: list[str]) -> None:
    """Store empty runs, so that the events have a home."""
    for number, run_id in enumerate(ids):
        storage.runs.create(
            Run(id=run_id, job_name="benchmark", status=RunStatus.NOT_STARTED, created_at=1.7e9 + number),
            RunPlan(job_name="benchmark", steps=()),
        )


def events_of_run(run_id: str, steps: int) -> Iterator[Event]:
    """The events of a run of no-op steps, each reading the output of the one before."""
    seq = 0
    now = 1_700_000_000.123

    def event(body: EventBody, step_key: str | None = None) -> Event:
        nonlocal seq, now
        seq += 1
        now += 0.00017
        return Event(run_id=run_id, seq=seq, time=now, body=body, step_key=step_key)

    yield event(RunStarted(pid=12345, host="worker"))
    for number in range(steps):
        key = f"step_{number}"
        yield event(StepStarted(), key)
        yield event(
            InputLoaded(
                input_name="value",
                manager_key="io_manager",
                upstream_run_id=run_id,
                upstream_step_key=f"step_{number - 1}",
                upstream_output="result",
            ),
            key,
        )
        yield event(LogMessage(message=f"hello from {key}", level=20), key)
        yield event(StepOutput(output_name="result", type_name="Any"), key)
        yield event(OutputHandled(output_name="result", manager_key="io_manager"), key)
        logs = LogRange("compute", number * 100, number * 100 + 80, 0, 0)
        yield event(StepSucceeded(cpu_seconds=0.0012, peak_memory_bytes=73_400_320, logs=logs), key)
    yield event(RunSucceeded())


def batches_of(total: int, size: int, runs: int) -> tuple[list[str], list[list[Event]]]:
    """About `total` events of `runs` runs in batches of one run each, runs taking turns as they would when they run at once."""
    ids = run_ids(runs)
    steps = total // runs // EVENTS_PER_STEP
    by_run = [list(events_of_run(run_id, steps)) for run_id in ids]
    longest = max(map(len, by_run))
    return ids, [events[start : start + size] for start in range(0, longest, size) for events in by_run]


def append_all(storage: Storage, batches: list[list[Event]]) -> tuple[int, float, float]:
    """Append; returns the number of events, seconds of wall time, seconds of CPU."""
    count = 0
    wall, cpu = time.perf_counter(), time.process_time()
    for batch in batches:
        count += len(storage.events.append(batch).stored)
    return count, time.perf_counter() - wall, time.process_time() - cpu


class Folder:
    """A fresh database for each measurement."""

    def __enter__(self) -> Path:
        self._path = Path(tempfile.mkdtemp(prefix="weft-benchmark-"))
        return self._path

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._path, ignore_errors=True)  # a server that is just ending may remove some of it, too


def events_per_second() -> float:
    """200,000 events in batches of 100."""
    ids, batches = batches_of(200_000, 100, RUNS)
    with Folder() as folder:
        storage = SQLiteStorage(folder)
        create(storage, ids)
        count, wall, _ = append_all(storage, batches)
        storage.close()
    return count / wall


def events_per_second_on(kind: str) -> Callable[[], float]:
    """100,000 events in batches of 100, on a server of that kind."""

    def body() -> float:
        ids, batches = batches_of(100_000, 100, RUNS)
        with Folder() as folder, shared_database(kind, folder) as address:
            storage = open_storage(address)
            create(storage, ids)
            count, wall, _ = append_all(storage, batches)
            storage.close()
        return count / wall

    return body


WRITER = """
import sys
from pathlib import Path
from weft.model.events import Event, LogMessage
from weft.storage.sqlite import SQLiteStorage
storage = SQLiteStorage(Path(sys.argv[1]))
run_id, count, size = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
print("ready", flush=True)
sys.stdin.readline()
for start in range(1, count + 1, size):
    storage.events.append([
        Event(run_id=run_id, seq=seq, time=1.7e9, body=LogMessage(message="hello", level=20)) for seq in range(start, start + size)
    ])
storage.close()
"""


def events_per_second_of_processes(processes: int = 32, count: int = 10_000, size: int = 20) -> float:
    """Processes that write at once; raises where one of them failed."""
    ids = run_ids(processes)
    with Folder() as folder:
        storage = SQLiteStorage(folder)
        create(storage, ids)
        writers = [
            subprocess.Popen(
                [sys.executable, "-c", WRITER, str(folder), run_id, str(count), str(size)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for run_id in ids
        ]
        for writer in writers:
            assert writer.stdout is not None
            writer.stdout.readline()
        start = time.perf_counter()
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.write("go\n")
            writer.stdin.flush()
        codes = [writer.wait() for writer in writers]
        wall = time.perf_counter() - start
        for writer in writers:
            writer.communicate()
        assert codes == [0] * processes
        assert all(storage.events.last_seq(run_id, 1) == count for run_id in ids)
        storage.close()
    return processes * count / wall


def microseconds_in_small_batches() -> float:
    """20,000 events in batches of 10."""
    ids, batches = batches_of(20_000, 10, 1)
    with Folder() as folder:
        storage = SQLiteStorage(folder)
        create(storage, ids)
        count, _, cpu = append_all(storage, batches)
        storage.close()
    return cpu / count * 1e6


def microseconds_in_memory() -> float:
    """20,000 events in batches of 10."""
    ids, batches = batches_of(20_000, 10, 1)
    storage = MemoryStorage()
    create(storage, ids)
    count, _, cpu = append_all(storage, batches)
    return cpu / count * 1e6


def bytes_per_step() -> float:
    """The growth of the database by 5,000 steps over five runs."""
    ids, batches = batches_of(5_000 * EVENTS_PER_STEP, 100, 5)
    with Folder() as folder:
        storage = SQLiteStorage(folder)
        create(storage, ids)
        storage.close()
        before = (folder / "weft.db").stat().st_size
        storage = SQLiteStorage(folder)
        append_all(storage, batches)
        storage.close()
        return ((folder / "weft.db").stat().st_size - before) / 5_000


if __name__ == "__main__":
    measure("event_append_sqlite", events_per_second, unit="events/s", repeats=3, budget=20_000)
    measure(
        "event_append_sqlite_processes",
        events_per_second_of_processes,
        unit="events/s",
        repeats=1,
        warm_up=0,
        budget=5_000,
    )
    for kind, budget in (("postgres", 10_000), ("mariadb", None)):
        if missing(kind) is None:
            body = events_per_second_on(kind)
            measure(f"event_append_{kind}", body, unit="events/s", repeats=3, warm_up=0, budget=budget)
    measure("event_append_sqlite_small_batches", microseconds_in_small_batches, unit="us CPU per event", budget=25.0)
    measure("event_append_memory", microseconds_in_memory, unit="us CPU per event", budget=15.0)
    measure("event_bytes_per_step", bytes_per_step, unit="bytes per step", repeats=1, warm_up=0, budget=1536)
