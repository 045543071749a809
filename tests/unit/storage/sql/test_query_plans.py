"""No query scans the log, and none takes more statements than a page may: explained by SQLite itself, for every query of the ports."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conformance.storage.queries import KEY, QUERIES, fill

from weft.model.events import EVENT_TYPES, AssetMaterialized, Event
from weft.storage.sqlite import SQLiteStorage

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
