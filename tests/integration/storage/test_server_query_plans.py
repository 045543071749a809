"""No query scans the log or another table that grows on a server either: explained by the servers themselves, for every query of the ports."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.conformance.storage.databases import emptied
from tests.conformance.storage.queries import QUERIES, fill as fill_a_little
from tests.integration.storage.filling import fill

from weft.storage.opening import open_storage

RUNS = 600
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
# A page of a list that is not filtered walks an index from one end. Of so few rows, MariaDB prefers to read all.
WALKS = ("runs", "runs, next page", "runs, ascending", "runs by statuses, next page", "assets")
EXPLAINED = re.compile(r"\s*(SELECT|UPDATE|DELETE)")


def filled(address: str) -> Any:
    """A storage with some history, and the few rows that the queries ask for."""
    storage: Any = open_storage(address)
    emptied(storage)
    fill(storage, RUNS, messages=2)
    fill_a_little(storage)
    return storage


def statements_by_query(storage: Any) -> dict[str, list[str]]:
    """The statements that each query runs, with their parameters filled in."""
    found: dict[str, list[str]] = {}
    for name, query in QUERIES.items():
        statements = found[name] = []
        storage.database.trace(statements.append)
        query(storage)
    storage.database.trace(None)
    return {name: [text for text in texts if EXPLAINED.match(text)] for name, texts in found.items()}


def plan(storage: Any, statement: str, *settings: str) -> list[tuple[Any, ...]]:
    with storage.database.read() as transaction:
        for setting in settings:
            transaction._cursor.execute(setting)
        transaction._cursor.execute(f"EXPLAIN {statement}")
        rows: list[tuple[Any, ...]] = transaction._cursor.fetchall()
    return rows


def test_postgres_scans_no_table_that_grows(postgres_database: str) -> None:
    storage = filled(postgres_database)
    with storage.database.write() as transaction:
        transaction._cursor.execute("ANALYZE")
    problems = []
    for name, statements in statements_by_query(storage).items():
        for statement in statements:
            # A table of one page is scanned whatever indexes it has, unless that costs a fortune.
            lines = [row[0] for row in plan(storage, statement, "SET enable_seqscan = off")]
            scanned = re.findall(r"Seq Scan on ([a-z_]+)", "\n".join(lines))
            if any(table.startswith(GROWING) for table in scanned):
                problems.append((name, statement, lines))
    storage.close()
    assert problems == []


def test_postgres_plans_what_reads_for_the_values_that_are_asked_for(postgres_database: str) -> None:
    """A plan for any type of event, which a server keeps for a statement that comes again, walks a million events in search of a rare one."""
    storage: Any = open_storage(postgres_database)
    with storage.database.read() as transaction:
        assert transaction.cursor.execute("SHOW plan_cache_mode").fetchall() == [("force_custom_plan",)]
    storage.close()


def test_mariadb_scans_no_table_that_grows(mariadb_database: str) -> None:
    storage = filled(mariadb_database)
    with storage.database.write() as transaction:
        transaction._cursor.execute(f"ANALYZE TABLE {', '.join(GROWING)}")
        transaction._cursor.fetchall()
    names = set(GROWING)
    problems = []
    for name, statements in statements_by_query(storage).items():
        for statement in statements:
            rows = plan(storage, statement)
            scans = [row for row in rows if row[2] in names and row[3] in ("ALL", "index")]
            if scans and name not in WALKS:
                problems.append((name, statement, rows))
    storage.close()
    assert problems == []


@pytest.mark.parametrize("kind", ["postgres", "mariadb"])
def test_the_number_of_statements_is_that_of_a_file(kind: str, request: pytest.FixtureRequest, tmp_path: Any) -> None:
    server: Any = open_storage(request.getfixturevalue(f"{kind}_database"))
    emptied(server)
    file: Any = open_storage(tmp_path)
    counts = []
    for storage in (server, file):
        fill_a_little(storage)
        counts.append({name: len(texts) for name, texts in statements_by_query(storage).items()})
        storage.close()
    on_server, in_file = counts
    assert {name: count for name, count in on_server.items() if count > in_file[name] + 2} == {}
