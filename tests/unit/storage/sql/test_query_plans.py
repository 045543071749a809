"""No query scans the log, and none takes more statements than a page may: explained by SQLite itself, for every query of the ports."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from weft.model.events import (
    EVENT_TYPES,
    AssetCheckEvaluated,
    AssetMaterialized,
    Event,
    LogMessage,
    RunStarted,
    StepStarted,
)
from weft.model.keys import AssetCheckKey, AssetKey
from weft.model.plan import RunPlan
from weft.model.run import Run, RunFilter, RunStatus
from weft.storage.sqlite import SQLiteStorage

KEY = AssetKey("a")
CHECK = AssetCheckKey(KEY, "c")

# The tables that grow with history. Nothing may walk one of them from end to end.
GROWING = (
    "events",
    "steps",
    "runs",
    "run_tags",
    "run_assets",
    "run_plans",
    "asset_partitions",
    "checks",
    "tags",
    "assets",
)
MOST_STATEMENTS = 10


def fill(storage: SQLiteStorage) -> None:
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


class Watched:
    """A filled storage, and the statements that a use of it runs."""

    def __init__(self, folder: Path) -> None:
        self.storage = SQLiteStorage(folder)
        fill(self.storage)
        self.statements: list[str] = []
        self.storage.database.trace(self.statements.append)
        self.explainer = sqlite3.connect(folder / "weft.db")

    def statements_of(self, use: Callable[[SQLiteStorage], object]) -> list[str]:
        self.statements.clear()
        use(self.storage)
        return [text for text in self.statements if not text.startswith(("PRAGMA", "BEGIN", "COMMIT"))]

    def plan_of(self, statement: str) -> list[str]:
        """The lines of SQLite's plan."""
        return [row[3] for row in self.explainer.execute(f"EXPLAIN QUERY PLAN {statement}")]

    def close(self) -> None:
        self.explainer.close()
        self.storage.close()


QUERIES: dict[str, Callable[[SQLiteStorage], object]] = {
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
    "value": lambda s: s.keyvalue.get("x"),
}

# A page of a list that is not filtered walks its own index from one end, and stops at its limit.
WALKS = {
    "runs": "runs USING INDEX ix_runs_created",
    "runs, next page": "runs USING INDEX ix_runs_created",
    "runs, ascending": "runs USING INDEX ix_runs_created",
    # The first page, which gives the cursor.
    "runs by statuses, next page": "runs USING INDEX ix_runs_created",
}
SCAN = re.compile(rf"^SCAN ({'|'.join(GROWING)})\b")


@pytest.mark.parametrize("name", QUERIES)
def test_no_query_scans_a_table_that_grows(tmp_path: Path, name: str) -> None:
    watched = Watched(tmp_path)
    statements = watched.statements_of(QUERIES[name])
    assert statements, "the query runs no statement at all"
    for statement in statements:
        for line in watched.plan_of(statement):
            scan = SCAN.match(line)
            walk = WALKS.get(name)
            assert scan is None or (walk is not None and walk in line), f"{line}\nin {statement}"
            # A range of ids over all runs is a scan by another name.
            assert not re.match(r"SEARCH events USING INTEGER PRIMARY KEY \(rowid[<>]", line), f"{line}\nin {statement}"
    watched.close()


@pytest.mark.parametrize("name", [name for name in QUERIES if name.startswith("runs") and name != "runs by change"])
def test_a_page_of_runs_is_not_sorted(tmp_path: Path, name: str) -> None:
    """Only the few rows of a page may be sorted: those of named runs, or of several limited walks."""
    watched = Watched(tmp_path)
    for statement in watched.statements_of(QUERIES[name]):
        plan = watched.plan_of(statement)
        if "UNION ALL" in statement or "run_id IN" in statement:
            continue
        assert not any("TEMP B-TREE FOR ORDER BY" in line for line in plan), f"{plan}\nin {statement}"
    watched.close()


@pytest.mark.parametrize("name", [name for name in QUERIES if name.startswith(("read", "of "))])
def test_only_the_rows_of_the_answer_are_sorted(tmp_path: Path, name: str) -> None:
    """Walks come in the order of ids; what is sorted is the merge of walks that are limited already."""
    watched = Watched(tmp_path)
    for statement in watched.statements_of(QUERIES[name]):
        plan = watched.plan_of(statement)
        first = next(place for place, line in enumerate(plan) if "events" in line)
        sorts_before_the_walk = [line for line in plan[: first + 1] if "TEMP B-TREE" in line]
        assert sorts_before_the_walk == [], f"{plan}\nin {statement}"
    watched.close()


@pytest.mark.parametrize("name", [name for name in QUERIES if name not in ("append", "delete", "wipe partitions")])
def test_a_query_takes_few_statements(tmp_path: Path, name: str) -> None:
    watched = Watched(tmp_path)
    assert len(watched.statements_of(QUERIES[name])) <= MOST_STATEMENTS
    watched.close()


def test_the_number_of_statements_of_an_append_does_not_grow_with_the_batch(tmp_path: Path) -> None:
    watched = Watched(tmp_path)

    def batch(first: int, size: int) -> Callable[[SQLiteStorage], object]:
        events = [
            Event(
                run_id="r1",
                seq=first + number,
                time=1.0,
                body=AssetMaterialized(asset_key=KEY, partition=f"{first}-{number}"),
                step_key=f"s{number}",
            )
            for number in range(size)
        ]
        return lambda storage: storage.events.append(events)

    def kinds(statements: list[str]) -> set[str]:
        return {re.sub(r"\(.*|'[^']*'|\d+", "", text, flags=re.DOTALL) for text in statements}

    small = kinds(watched.statements_of(batch(100, 2)))
    large = kinds(watched.statements_of(batch(200, 200)))
    assert len(large) <= len(small) + 1  # the second half of a long IN list
    watched.close()


def test_routine_types_walk_the_log_only_from_where_the_reader_stands(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    [statement] = watched.statements_of(lambda s: s.events.of_types(["STEP_START", "RUN_START"], after_id=5))
    plan = watched.plan_of(statement)
    assert not any(line.startswith("SCAN events") for line in plan), plan
    assert any("events USING INTEGER PRIMARY KEY (rowid>?" in line for line in plan), plan
    assert any("ix_events_type" in line for line in plan), plan
    watched.close()


def test_every_type_can_be_asked_for_at_once(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    assert len(watched.storage.events.of_types(EVENT_TYPES)) == 15
    watched.close()
