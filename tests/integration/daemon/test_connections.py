"""Many runs at once use few connections to a database server. ``WEFT_CONCURRENT_RUNS`` says how many (500 in the long form)."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.integration.daemon.served import Served, until
from tests.integration.daemon.test_life_of_a_run import QUICK

from weft import Instance
from weft.config.instance_settings import QueueSettings, StorageSettings
from weft.model.run import RunStatus

psycopg = pytest.importorskip("psycopg")

RUNS = int(os.environ.get("WEFT_CONCURRENT_RUNS", "40"))
MOST_CONNECTIONS = 20

CODE = """
@op
def begins():
    mark("begun-" + str(os.getpid()))
    while not (MARKS / "go").exists():
        time.sleep(0.05)
    return 1

@op
def adds(value):
    return value + 1

@job
def five_steps():
    value = begins()
    for number in range(4):
        value = adds.alias(f"adds_{number}")(value)
"""


@contextmanager
def counted(address: str) -> Iterator[list[int]]:
    """How many connections there are to a database, the highest of many looks, and how many looks there were."""
    seen = [0, 0]
    stopping = threading.Event()

    def look() -> None:
        with psycopg.connect(address, autocommit=True) as connection:
            while not stopping.wait(0.05):
                row = connection.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
                ).fetchone()
                seen[0] = max(seen[0], row[0])
                seen[1] += 1

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        stopping.set()
        thread.join()


def test_many_runs_share_the_connections_of_a_daemon(tmp_path: Path, postgres_database: str) -> None:
    settings = replace(
        QUICK,
        storage=StorageSettings(url=postgres_database),
        queue=QueueSettings(max_concurrent_runs=RUNS, poll_seconds=0.5),
        monitoring=replace(QUICK.monitoring, heartbeat_seconds=2.0, lease_seconds=30.0),
    )
    home = tmp_path / "home"
    home.mkdir()
    (home / "weft.yaml").write_text(
        f"storage: {{url: '{postgres_database}'}}\nmonitoring: {{heartbeat_seconds: 2, lease_seconds: 30}}\n"
    )
    served = Served(tmp_path, CODE, settings, instance=Instance.at(home, settings=settings))
    try:
        with counted(postgres_database) as seen, served.daemon():
            runs = [served.submit("five_steps") for _ in range(RUNS)]
            until(lambda: len(list(served.marks.glob("begun-*"))) >= RUNS, "the beginning of all runs", seconds=300)
            (served.marks / "go").touch()
            for run_id in runs:
                until(lambda run_id=run_id: served.run(run_id).is_finished, f"the end of {run_id}", seconds=120)
        assert {served.run(run_id).status for run_id in runs} == {RunStatus.SUCCESS}
        assert seen[1] > 10
        print(f"{RUNS} runs at once, at most {seen[0]} connections in {seen[1]} looks")
        assert seen[0] <= MOST_CONNECTIONS
    finally:
        served.instance.close()
