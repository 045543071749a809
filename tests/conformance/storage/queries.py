"""Every query of the ports, over a few rows: for tests that look at plans and at the number of statements."""

from __future__ import annotations

from collections.abc import Callable

from weft.model.events import AssetCheckEvaluated, AssetMaterialized, Event, LogMessage, RunStarted, StepStarted
from weft.model.keys import AssetCheckKey, AssetKey
from weft.model.plan import RunPlan
from weft.model.run import Run, RunFilter, RunStatus
from weft.storage.ports import Storage

KEY = AssetKey("a")
CHECK = AssetCheckKey(KEY, "c")


def fill(storage: Storage) -> None:
    for number in range(3):
        run_id = f"r{number}"
        storage.runs.create(
            Run(
                id=run_id,
                job_name="j",
                status=RunStatus.NOT_STARTED,
                created_at=float(number),
                tags={"k": "v", "l": "v"},
                asset_selection=(KEY,),
            ),
            RunPlan(job_name="j", steps=()),
        )
        bodies = (
            RunStarted(),
            StepStarted(),
            LogMessage(message="m", level=20),
            AssetMaterialized(asset_key=KEY, partition="p"),
            AssetCheckEvaluated(check_key=CHECK, passed=True),
        )
        storage.events.append(
            [Event(run_id=run_id, seq=seq, time=1.0, body=body, step_key="s") for seq, body in enumerate(bodies, 1)]
        )


QUERIES: dict[str, Callable[[Storage], object]] = {
    "run": lambda s: s.runs.get("r1"),
    "plan": lambda s: s.runs.plan("r1"),
    "steps": lambda s: s.runs.steps("r1"),
    "runs": lambda s: s.runs.list(),
    "runs, next page": lambda s: s.runs.list(cursor=s.runs.list(limit=1).cursor),
    "runs, ascending": lambda s: s.runs.list(ascending=True),
    "runs by id": lambda s: s.runs.list(RunFilter(run_ids=("r1", "r2"))),
    "runs by job": lambda s: s.runs.list(RunFilter(job_name="j")),
    "runs by status": lambda s: s.runs.list(RunFilter(statuses=(RunStatus.STARTED,))),
    "runs by statuses": lambda s: s.runs.list(RunFilter(statuses=(RunStatus.STARTED, RunStatus.QUEUED))),
    "runs by statuses, next page": lambda s: s.runs.list(
        RunFilter(statuses=(RunStatus.STARTED, RunStatus.QUEUED)), cursor=s.runs.list(limit=1).cursor
    ),
    "runs by tag": lambda s: s.runs.list(RunFilter(tags={"k": "v"})),
    "runs by tags": lambda s: s.runs.list(RunFilter(tags={"k": "v", "l": "v"}, statuses=(RunStatus.STARTED,))),
    "runs by asset": lambda s: s.runs.list(RunFilter(asset_key=KEY)),
    "runs by asset and tag": lambda s: s.runs.list(RunFilter(asset_key=KEY, tags={"k": "v"})),
    "runs by time": lambda s: s.runs.list(RunFilter(created_after=1.0, created_before=5.0)),
    "runs by change": lambda s: s.runs.list(RunFilter(updated_after=1.0)),
    "count by status": lambda s: s.runs.count(RunFilter(statuses=(RunStatus.STARTED, RunStatus.QUEUED))),
    "count by tag": lambda s: s.runs.count(RunFilter(tags={"k": "v"})),
    "transition": lambda s: s.runs.transition("r1", RunStatus.SUCCESS, expected=RunStatus.STARTED, at=2.0),
    "add tags": lambda s: s.runs.add_tags("r1", {"k": "w"}),
    "delete": lambda s: s.runs.delete("r0"),
    "append": lambda s: s.events.append(
        [
            Event(run_id="r1", seq=6, time=1.0, body=AssetMaterialized(asset_key=KEY, partition="q"), step_key="s"),
            Event(run_id="r1", seq=7, time=1.0, body=AssetCheckEvaluated(check_key=CHECK, passed=False)),
            Event(run_id="r1", seq=1, time=1.0, body=StepStarted(), step_key="t"),
        ]
    ),
    "read": lambda s: s.events.read("r1", after_id=2),
    "read types": lambda s: s.events.read("r1", types=["STEP_START", "RUN_START"]),
    "read step": lambda s: s.events.read("r1", step_key="s", after_id=1),
    "read step and types": lambda s: s.events.read("r1", step_key="s", types=["LOG_MESSAGE"]),
    "event": lambda s: s.events.get(3),
    "last seq": lambda s: s.events.last_seq("r1", 1),
    "latest id": lambda s: s.events.latest_id(),
    "of asset": lambda s: s.events.of_asset(KEY),
    "of asset, ascending": lambda s: s.events.of_asset(KEY, ascending=True, after_id=1),
    "of asset and types": lambda s: s.events.of_asset(KEY, types=["ASSET_MATERIALIZATION"], before_id=100),
    "of partition": lambda s: s.events.of_asset(KEY, partition="p"),
    "of partition and types": lambda s: s.events.of_asset(KEY, partition="p", types=["ASSET_MATERIALIZATION"]),
    "of types": lambda s: s.events.of_types(["RUN_START", "RUN_FAILURE", "STEP_FAILURE", "ASSET_OBSERVATION"]),
    "of one type": lambda s: s.events.of_types(["RUN_START"], after_id=1),
    "asset": lambda s: s.assets.get(KEY),
    "assets by key": lambda s: s.assets.get_many([KEY, AssetKey("b"), AssetKey("c")]),
    "assets": lambda s: s.assets.list(),
    "assets below": lambda s: s.assets.list(prefix=["a"]),
    "partition": lambda s: s.assets.partition(KEY, "p"),
    "partitions": lambda s: s.assets.partitions(KEY),
    "partitions, next page": lambda s: s.assets.partitions(KEY, cursor=s.assets.partitions(KEY, limit=1).cursor),
    "partition counts": lambda s: s.assets.partition_counts(KEY),
    "check": lambda s: s.checks.get(CHECK),
    "checks": lambda s: s.checks.of_assets([KEY, AssetKey("b")]),
    "wipe partitions": lambda s: s.assets.wipe(KEY, partitions=["p"]),
    "wipe": lambda s: s.assets.wipe(KEY),
    "dynamic partitions": lambda s: (s.dynamic_partitions.has("n", "k"), s.dynamic_partitions.list("n")),
    "snapshot": lambda s: s.snapshots.get("x"),
    "over": lambda s: s.history.over(before=9e9),
    "over, next page": lambda s: s.history.over(before=9e9, cursor=s.history.over(before=9e9, limit=1).cursor),
    "forget events": lambda s: s.history.forget_events(["r0", "r1"]),
    "forget reports": lambda s: s.history.forget_reports(before=9e9),
    "value": lambda s: s.keyvalue.get("x"),
}
