"""Answers of checks as rows of the table `checks`."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import bindparam, delete, insert

from weft.model.asset_state import AssetCheckState
from weft.model.keys import AssetCheckKey, AssetKey
from weft.model.severity import AssetCheckSeverity
from weft.storage.projections import Changes
from weft.storage.sql.database import Row, Statement, Transaction
from weft.storage.sql.pointers import pointer_from_bytes, pointer_to_bytes
from weft.storage.sql.tables import checks

_NEW = Statement(
    insert(checks),
    "asset_id",
    "name",
    "is_partitioned",
    "partition",
    "passed",
    "severity",
    "blocking",
    "latest",
)
_DROP = Statement(
    delete(checks).where(
        checks.c.asset_id == bindparam("asset"),
        checks.c.name == bindparam("check"),
        checks.c.is_partitioned == bindparam("partitioned"),
        checks.c.partition == bindparam("partition_of"),
    ),
    "asset",
    "check",
    "partitioned",
    "partition_of",
)

ANSWER_COLUMNS = (checks.c.name, checks.c.passed, checks.c.severity, checks.c.blocking, checks.c.latest)
"""What `check_state` needs, in order."""


def partition_columns(partition: str | None) -> tuple[int, str]:
    """The values of `is_partitioned` and `partition`."""
    return (0, "") if partition is None else (1, partition)


def check_state(asset_key: AssetKey, row: Row) -> AssetCheckState:
    """The answer of a row of `ANSWER_COLUMNS`."""
    name, passed, severity, blocking, latest = row
    return AssetCheckState(
        key=AssetCheckKey(asset_key, name),
        passed=bool(passed),
        severity=AssetCheckSeverity(severity),
        latest=pointer_from_bytes(latest),
        blocking=bool(blocking),
    )


def write_checks(transaction: Transaction, ids: Mapping[AssetKey, int], changes: Changes) -> None:
    """Write the new answers in place of those before."""
    if not changes.checks:
        return
    places = [(ids[key.asset_key], key.name, *partition_columns(partition)) for key, partition in changes.checks]
    transaction.run_many(_DROP, places)
    transaction.run_many(
        _NEW,
        [
            (*place, int(state.passed), state.severity.value, int(state.blocking), pointer_to_bytes(state.latest))
            for place, state in zip(places, changes.checks.values(), strict=True)
        ],
    )
