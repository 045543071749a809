"""What pages and decisions ask of a storage with a long history: 100,000 runs, 1 million events, 1,000 assets.

``query_<name>_<database>``: the 95th percentile in milliseconds, over 200 calls for different runs, tags, assets and partitions. Budget: 50 ms.
Filling a database takes minutes. ``python benchmarks/queries.py sqlite`` measures one kind; RUNS in the environment changes the number of runs.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from event_append import Folder
from harness import measure
from tests.integration.storage.filling import EVERY_HUNDREDTH, asset_key, fill, run_id
from tests.servers import missing, shared_database

from weft.model.run import RunFilter, RunStatus
from weft.storage.opening import open_storage

RUNS = int(os.environ.get("RUNS", "100000"))
ASSETS = 1_000
CALLS = 200
KINDS = ("sqlite", "postgres", "mariadb")

QUERIES: dict[str, Callable[[Any, int], object]] = {
    "run": lambda s, n: s.runs.get(run_id(n)),
    "latest_materialization": lambda s, n: s.assets.get(asset_key(n, ASSETS)),
    "partition_status": lambda s, n: s.assets.partition(asset_key(n, ASSETS), f"2024-{n % 365:03d}"),
    "partition_counts": lambda s, n: s.assets.partition_counts(asset_key(n, ASSETS)),
    "runs": lambda s, n: s.runs.list(limit=50),
    "runs_by_tag": lambda s, n: s.runs.list(RunFilter(tags={"team": f"t{n % 20}"}), limit=50),
    "runs_by_rare_tags": lambda s, n: s.runs.list(RunFilter(tags={"kind": EVERY_HUNDREDTH, "team": "t0"}), limit=50),
    "runs_by_tag_and_status": lambda s, n: s.runs.list(
        RunFilter(tags={"kind": EVERY_HUNDREDTH}, statuses=(RunStatus.STARTED,)), limit=50
    ),
    "runs_by_status": lambda s, n: s.runs.list(RunFilter(statuses=(RunStatus.STARTED, RunStatus.QUEUED)), limit=50),
    "runs_by_job": lambda s, n: s.runs.list(RunFilter(job_name=f"job_{n % 10}"), limit=50),
    "runs_of_asset": lambda s, n: s.runs.list(RunFilter(asset_key=asset_key(n, ASSETS)), limit=50),
    "events_of_run": lambda s, n: s.events.read(run_id(n)),
    "events_of_asset": lambda s, n: s.events.of_asset(asset_key(n, ASSETS), limit=50),
    "events_of_type": lambda s, n: s.events.of_types(["RUN_SUCCESS", "RUN_FAILURE"], limit=50, ascending=False),
}


def percentile_of(storage: Any, query: Callable[[Any, int], object]) -> Callable[[], float]:
    """The 95th percentile of a query, in milliseconds."""

    def body() -> float:
        times = []
        for call in range(CALLS):
            number = call * 7919 % RUNS
            start = time.perf_counter()
            query(storage, number)
            times.append((time.perf_counter() - start) * 1000)
        return statistics.quantiles(times, n=20)[-1]

    return body


@contextlib.contextmanager
def filled(kind: str) -> Iterator[Any]:
    """A storage with that history."""
    with Folder() as folder, contextlib.ExitStack() as stack:
        address = folder if kind == "sqlite" else stack.enter_context(shared_database(kind, folder))
        storage: Any = open_storage(address)
        fill(storage, RUNS, assets=ASSETS)
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
            for name, query in QUERIES.items():
                body = percentile_of(storage, query)
                measure(f"query_{name}_{kind}", body, unit="ms p95", repeats=3, warm_up=0, budget=50.0)
