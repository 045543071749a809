"""Runs through the queue, on a persistent instance with a daemon of its own: from the submission to the user's first line, how many a second, what they cost,
and how long one lives that was cancelled.

On SQLite and on PostgreSQL, which is started as the tests start it.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness import measure
from tests.servers import SERVERS, missing

from weft import Instance
from weft.codeserver.loader import load_target
from weft.codeserver.target import FileTarget, origin_of
from weft.model.run import RunStatus
from weft.processes.tree import all_processes
from weft.runs.cancel import cancel_run
from weft.runs.prepare import RunSettings, prepare_job
from weft.runs.submit import submit_run

LATENCY_RUNS = int(os.environ.get("WEFT_BENCH_LATENCY_RUNS", "1000"))
QUEUED = 200
CANCELS = 20
ENDS = 30

CODE = """
import os, time
from pathlib import Path
from weft import Definitions, job, op

MARKS = Path(os.environ["WEFT_BENCH_MARKS"])

@op
def first_line():
    now = time.time()
    (MARKS / str(os.getpid())).write_text(repr(now))

@op
def nothing():
    pass

@op
def waits():
    (MARKS / "waits").touch()
    time.sleep(600)

@job
def marked():
    first_line()

@job
def empty():
    nothing()

@job
def endless():
    waits()

defs = Definitions(jobs=[marked, empty, endless])
"""


class World:
    """An instance, its code, and the daemon that serves it."""

    def __init__(self, folder: Path, url: str | None) -> None:
        self.home = folder / "home"
        if url is not None:
            self.home.mkdir()
            (self.home / "weft.yaml").write_text(f"storage: {{url: '{url}'}}\n")
        self.marks = folder / "marks"
        self.marks.mkdir()
        file = folder / "code.py"
        file.write_text(CODE)
        os.environ["WEFT_BENCH_MARKS"] = str(self.marks)
        self.target = FileTarget(file=file)
        self.loaded = load_target(self.target)
        self.instance = Instance.at(self.home)
        self.daemon = subprocess.Popen(  # ourselves
            [sys.executable, "-c", "from weft.cli.main import main; main()", "daemon", "run", "--home", str(self.home)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self.daemon.stdout is not None
        self.daemon.stdout.readline()

    def submit(self, job: str) -> str:
        """Put a run into the queue."""
        instance = self.instance
        prepared = prepare_job(
            self.loaded.definitions.get_job_def(job),
            RunSettings(),
            clock=instance.clock,
            default_resources=instance.default_resources,
        )
        return submit_run(prepared.run, prepared.plan, instance, origin=origin_of(self.target)).run_id

    def wait(self, run_id: str, *, often: float = 0.002) -> RunStatus:
        """Wait for the end of a run."""
        while True:
            run = self.instance.runs.get(run_id)
            assert run is not None
            if run.is_finished:
                return run.status
            time.sleep(often)

    def cpu_seconds(self) -> float:
        """Of the daemon and everything that it has started so far."""
        hertz = os.sysconf("SC_CLK_TCK")
        everything = all_processes()
        total = 0
        waiting = [self.daemon.pid]
        while waiting:
            pid = waiting.pop()
            waiting += [state.pid for state in everything.values() if state.parent == pid]
            try:
                fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
            except OSError:
                continue
            total += sum(int(field) for field in fields[11:15])  # its own, and of the children that it has waited for
        return total / hertz

    def close(self) -> None:
        """End the daemon."""
        self.daemon.terminate()
        self.daemon.wait()
        assert self.daemon.stdout is not None
        self.daemon.stdout.close()
        self.instance.close()


@contextmanager
def world(url: str | None = None) -> Iterator[World]:
    """A world of its own."""
    with tempfile.TemporaryDirectory() as folder:
        made = World(Path(folder), url)
        try:
            yield made
        finally:
            made.close()


def latencies(here: World, count: int) -> list[float]:
    """Milliseconds from before the submission to the user's first line, one run after the other."""
    found = []
    for _ in range(count):
        for mark in here.marks.iterdir():
            mark.unlink()
        began = time.time()
        run_id = here.submit("marked")
        status = here.wait(run_id)
        assert status is RunStatus.SUCCESS, status
        [mark] = here.marks.iterdir()
        found.append(1000 * (float(mark.read_text()) - began))
    return found


def measure_all(here: World, kind: str) -> None:
    """Every figure, on one database."""
    prefix = f"queue_{kind}"
    [cold] = latencies(here, 1)
    measure(f"{prefix}_cold_ms", lambda: cold, unit="ms", repeats=1, warm_up=0, budget=1500)
    warm = sorted(latencies(here, LATENCY_RUNS))
    measure(f"{prefix}_warm_p50_ms", lambda: statistics.median(warm), unit="ms", repeats=1, warm_up=0, budget=100)
    p99 = warm[int(len(warm) * 0.99)]
    measure(f"{prefix}_warm_p99_ms", lambda: p99, unit="ms", repeats=1, warm_up=0, budget=400)
    ends = sorted(end_milliseconds(here) for _ in range(ENDS))
    measure(f"{prefix}_end_ms", lambda: statistics.median(ends), unit="ms", repeats=1, warm_up=0, budget=20)

    costs: list[float] = []

    def throughput() -> float:
        cpu, began = here.cpu_seconds(), time.perf_counter()
        for run_id in [here.submit("empty") for _ in range(QUEUED)]:
            assert here.wait(run_id, often=0.01) is RunStatus.SUCCESS
        took = time.perf_counter() - began
        costs.append(1000 * (here.cpu_seconds() - cpu) / QUEUED)
        return QUEUED / took

    measure(f"{prefix}_runs_per_second", throughput, unit="runs/s", repeats=3, budget=20)
    measure(f"{prefix}_cpu_ms_per_run", lambda: statistics.median(costs), unit="ms", repeats=1, warm_up=0, budget=50)

    def cancelled() -> float:
        (here.marks / "waits").unlink(missing_ok=True)
        run_id = here.submit("endless")
        while not (here.marks / "waits").exists():
            time.sleep(0.002)
        began = time.perf_counter()
        cancel_run(run_id, here.instance)
        assert here.wait(run_id) is RunStatus.CANCELED
        return 1000 * (time.perf_counter() - began)

    measure(f"{prefix}_cancel_ms", cancelled, unit="ms", repeats=CANCELS, budget=1000)


def end_milliseconds(here: World) -> float:
    """From the end of the last step to the success of the run, as everybody can see it."""
    run_id = here.submit("empty")
    here.wait(run_id, often=0.001)
    seen = time.time()
    [success] = [one.event.time for one in here.instance.events.read(run_id) if one.event.type == "STEP_SUCCESS"]
    return 1000 * (seen - success)


def main() -> None:
    """Measure everything on both."""
    with world() as here:
        measure_all(here, "sqlite")
    if why := missing("postgres"):
        print(why)
        return
    with SERVERS["postgres"]() as server, world(server.new_database()) as here:
        measure_all(here, "postgres")


if __name__ == "__main__":
    main()
