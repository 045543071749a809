"""A database of some size, quickly: what plans of queries and benchmarks look at."""

from __future__ import annotations

from typing import Any

from weft.model.codec import encode
from weft.model.events import (
    AssetCheckEvaluated,
    AssetMaterialized,
    Event,
    EventBody,
    LogMessage,
    RunStarted,
    RunSucceeded,
    StepStarted,
    StepSucceeded,
)
from weft.model.keys import AssetCheckKey, AssetKey
from weft.model.plan import RunPlan
from weft.model.run import Run, RunStatus, RunTags
from weft.storage.projections import touched_by
from weft.storage.sql.event_log import _append
from weft.storage.sql.run_store import plan_blob, write_run

RUNS_AT_ONCE = 100
EVERY_HUNDREDTH = "rare"


def run_id(number: int) -> str:
    """The id of a run."""
    return f"run-{number:08d}"


def asset_key(number: int, assets: int) -> AssetKey:
    """The asset that a run makes."""
    return AssetKey(["lake", f"asset_{number % assets:05d}"])


def bodies(number: int, assets: int, messages: int) -> list[EventBody]:
    """The events of a run."""
    key = asset_key(number, assets)
    made = AssetMaterialized(asset_key=key, partition=f"2024-{number % 365:03d}")
    checked = AssetCheckEvaluated(check_key=AssetCheckKey(key, "rows"), passed=True)
    lines = [LogMessage(message="hello", level=20)] * messages
    end = [StepSucceeded(), RunSucceeded()] if number % 50 else []
    return [RunStarted(), StepStarted(), *lines, made, checked, *end]


def fill(storage: Any, runs: int, *, assets: int = 50, jobs: int = 10, messages: int = 4) -> int:
    """Store runs with their events, many in one transaction; returns how many events."""
    blob = plan_blob(RunPlan(job_name="job", steps=()))
    stored = 0
    for first in range(0, runs, RUNS_AT_ONCE):
        events: list[Event] = []
        with storage.database.write() as transaction:
            for number in range(first, min(first + RUNS_AT_ONCE, runs)):
                tags = {"team": f"t{number % 20}", "kind": EVERY_HUNDREDTH if number % 100 == 0 else "usual"}
                run = Run(
                    id=run_id(number),
                    job_name=f"job_{number % jobs}",
                    status=RunStatus.NOT_STARTED,
                    created_at=1.7e9 + number,
                    tags=RunTags(tags),
                    asset_selection=(asset_key(number, assets),),
                )
                write_run(transaction, run, blob)
                events += [
                    Event(
                        run_id=run.id,
                        seq=seq,
                        time=1.7e9 + number,
                        body=body,
                        step_key=None if isinstance(body, (RunStarted, RunSucceeded)) else "step",
                    )
                    for seq, body in enumerate(bodies(number, assets, messages), start=1)
                ]
            _append(transaction, events, [encode(event.body) for event in events], touched_by(events))
            stored += len(events)
    return stored
