"""The database is away in the middle of many runs: the work goes on, and nothing of it is missing afterwards.

``WEFT_OUTAGE_SECONDS`` says for how long (``make chaos``: 300), ``WEFT_OUTAGE_RUNS`` in the middle of how many runs.
"""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest
from tests.acceptance.chaos.test_chaos import database
from tests.acceptance.chaos.trials import SUCCESS, check_run
from tests.acceptance.chaos.world import World

SECONDS = float(os.environ.get("WEFT_OUTAGE_SECONDS", "4"))
RUNS = int(os.environ.get("WEFT_OUTAGE_RUNS", "50"))


@pytest.mark.parametrize("kind", ["sqlite", "postgres", "mariadb"])
def test_fifty_runs_survive_an_outage(kind: str, tmp_path: Path) -> None:
    with database(kind) as (url, server):
        # Longer steps than elsewhere, so that runs begin before, and end during and after the outage.
        world = World(tmp_path, url, server, 0, default_limit=RUNS)
        try:
            runs = [world.submit() for _ in range(RUNS)]
            # Some of them have begun, some wait.
            world.begun(runs[4])
            with world.database_away(random.Random(0)):
                time.sleep(SECONDS)
            for run_id in runs:
                run = world.finished(run_id, seconds=120)
                assert run.status is SUCCESS, f"{run.status} {run.failure_reason}: {world.log_path.read_text()[-2000:]}"
                check_run(world, run)
        finally:
            world.close()
