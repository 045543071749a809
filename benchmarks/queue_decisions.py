"""Letting runs go while 100,000 wait: 20 lanes, half of them blocked by a limit, ten runs at a time.

- ``queue_decisions_<database>``: runs let go a second, each in a transaction with its events; the end of the runs is not counted. Budget: 200/s.
- ``queue_submit_<database>``: runs put into the queue a second, one at a time.

QUEUED in the environment changes how many wait.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from event_append import Folder, run_ids
from harness import measure
from tests.servers import missing, shared_database

from weft.model.events import Event, RunStarted, RunSucceeded
from weft.model.plan import RunPlan
from weft.model.run import Run, RunStatus, RunTags
from weft.planning.queueing import QueueLimits, TagLimit, queue_entry
from weft.storage.opening import open_storage

QUEUED = int(os.environ.get("QUEUED", "100000"))
LANES = 20
DECISIONS = 1_000
LIMITS = QueueLimits(
    max_concurrent_runs=10,
    tag_limits=tuple(TagLimit(key="team", value=f"t{lane}", limit=0 if lane % 2 else 5) for lane in range(LANES)),
)
PLAN = RunPlan(job_name="job", steps=())
KINDS = ("sqlite", "postgres", "mariadb")


def submit(storage: Any, run_id: str, number: int) -> None:
    """Put a run into the queue."""
    tags = {"team": f"t{number % LANES}", "weft/priority": str(number % 3)}
    run = Run(id=run_id, job_name="job", status=RunStatus.NOT_STARTED, created_at=1.7e9 + number, tags=RunTags(tags))
    storage.queue.submit(run, PLAN, queue_entry(tags, PLAN, LIMITS))


def decisions_per_second(storage: Any) -> Callable[[], float]:
    """Let `DECISIONS` runs go, ten at a time, ending them in between."""

    def body() -> float:
        count = 0
        spent = 0.0
        while count < DECISIONS:
            start = time.perf_counter()
            gone = storage.queue.dequeue(LIMITS, launcher="local", at=1.8e9)
            spent += time.perf_counter() - start
            assert gone, "nothing was let go"
            count += len(gone)
            for live in gone:
                bodies = (RunStarted(), RunSucceeded())
                storage.events.append(
                    [
                        Event(run_id=live.run_id, source=live.token, seq=seq, time=1.8e9, body=body)
                        for seq, body in enumerate(bodies, start=1)
                    ]
                )
        return count / spent

    return body


def submissions_per_second(storage: Any) -> Callable[[], float]:
    """Put 500 runs into the queue."""
    rounds = itertools.count()

    def body() -> float:
        ids = [f"{run_id}-{next(rounds)}" for run_id in run_ids(500)]
        start = time.perf_counter()
        for number, run_id in enumerate(ids):
            submit(storage, run_id, QUEUED + number)
        return len(ids) / (time.perf_counter() - start)

    return body


@contextlib.contextmanager
def filled(kind: str) -> Iterator[Any]:
    """A storage with that queue."""
    with Folder() as folder, contextlib.ExitStack() as stack:
        address = folder if kind == "sqlite" else stack.enter_context(shared_database(kind, folder))
        storage: Any = open_storage(address)
        for number, run_id in enumerate(run_ids(QUEUED)):
            submit(storage, run_id, number)
        if kind == "postgres":  # its own housekeeping would do it soon
            with storage.database.write() as transaction:
                transaction._cursor.execute("ANALYZE")
        yield storage
        storage.close()


if __name__ == "__main__":
    for kind in sys.argv[1:] or KINDS:
        if kind != "sqlite" and missing(kind) is not None:
            continue
        with filled(kind) as storage:
            body = decisions_per_second(storage)
            measure(f"queue_decisions_{kind}", body, unit="decisions/s", repeats=3, warm_up=0, budget=200)
            body = submissions_per_second(storage)
            measure(f"queue_submit_{kind}", body, unit="runs/s", repeats=3, warm_up=0)
