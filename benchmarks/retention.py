"""Deleting nine tenths of a long history.

- ``retention_<database>``: seconds until the events of 90 % of 20,000 runs are gone (200,000 events), by `apply_retention`, call after call.
- ``retention_longest_<database>``: the longest of these calls in milliseconds, which is what other work of the same daemon waits at most.

On PostgreSQL segments are of 20,000 ids here, so that there are some to drop; what is left is deleted by rows. RUNS in the environment changes the number.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from typing import Any

from event_append import Folder
from harness import measure
from tests.integration.storage.filling import fill, run_id
from tests.servers import missing, shared_database

from weft.config.instance_settings import RetentionSettings
from weft.logs.store import NullComputeLogStore
from weft.model.events import Event, RunSucceeded
from weft.runs.environment import RunEnvironment
from weft.runs.retention import apply_retention
from weft.storage.opening import open_storage
from weft.storage.sql import postgres_dialect

RUNS = int(os.environ.get("RUNS", "20000"))
KINDS = ("sqlite", "postgres", "mariadb")
SETTINGS = RetentionSettings(events_days=0.0, logs_days=None)


@contextlib.contextmanager
def filled(kind: str) -> Iterator[Any]:
    """A storage where all runs are over."""
    with Folder() as folder, contextlib.ExitStack() as stack:
        address = folder if kind == "sqlite" else stack.enter_context(shared_database(kind, folder))
        storage: Any = open_storage(address)
        fill(storage, RUNS, assets=1_000)
        storage.events.append(
            [
                Event(run_id=run_id(number), seq=999, time=1.7e9 + number, body=RunSucceeded())
                for number in range(0, RUNS, 50)
            ]
        )
        yield storage
        storage.close()


def measured(kind: str) -> tuple[float, float]:
    """Seconds in all, and milliseconds of the longest call."""
    with filled(kind) as storage:
        environment = RunEnvironment(
            storage=storage, logs=NullComputeLogStore(), journal_folder=None, default_resources={}
        )
        times = []
        is_complete = False
        while not is_complete:
            start = time.perf_counter()
            done = apply_retention(environment, SETTINGS, now=1.7e9 + RUNS * 0.9, most_runs=500)
            times.append(time.perf_counter() - start)
            is_complete = done.is_complete
        assert storage.events.read(run_id(0)) == ()
        assert storage.events.read(run_id(RUNS - 1)) != ()
    return sum(times), max(times) * 1000


if __name__ == "__main__":
    postgres_dialect.SEGMENT_IDS, postgres_dialect._AHEAD_IDS = 20_000, 10_000
    for kind in sys.argv[1:] or KINDS:
        if kind != "sqlite" and missing(kind) is not None:
            continue
        whole, longest = measured(kind)
        measure(f"retention_{kind}", lambda: whole, unit="s", repeats=1, warm_up=0, budget=10.0)  # noqa: B023  # called at once
        measure(f"retention_longest_{kind}", lambda: longest, unit="ms", repeats=1, warm_up=0)  # noqa: B023  # called at once
