"""`weft.storage.ports.CheckStore` over SQL."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from sqlalchemy import bindparam, select

from weft.model.asset_state import AssetCheckState
from weft.model.keys import AssetCheckKey, AssetKey
from weft.storage.sql.asset_ids import known_asset_ids
from weft.storage.sql.check_rows import ANSWER_COLUMNS, check_state, partition_columns
from weft.storage.sql.database import Database, Statement, in_lists, numbered
from weft.storage.sql.keys import sort_key
from weft.storage.sql.tables import assets, checks

_ANSWER = Statement(
    select(*ANSWER_COLUMNS)
    .join(assets, assets.c.id == checks.c.asset_id)
    .where(
        assets.c.sort_key == bindparam("key"),
        checks.c.name == bindparam("check"),
        checks.c.is_partitioned == bindparam("partitioned"),
        checks.c.partition == bindparam("partition_of"),
    ),
    "key",
    "check",
    "partitioned",
    "partition_of",
)


@cache
def _answers(count: int) -> Statement:
    names = numbered("id", count)
    return Statement(
        select(checks.c.asset_id, *ANSWER_COLUMNS)
        .where(checks.c.asset_id.in_([bindparam(name) for name in names]))
        .order_by(checks.c.asset_id, checks.c.name, checks.c.is_partitioned, checks.c.partition),
        *names,
    )


class SqlCheckStore:
    """Answers in the table `checks`, kept up to date by `weft.storage.sql.event_log`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, key: AssetCheckKey, *, partition: str | None = None) -> AssetCheckState | None:
        """See `weft.storage.ports.CheckStore.get`."""
        with self._database.read() as transaction:
            row = transaction.one(_ANSWER, (sort_key(key.asset_key.parts), key.name, *partition_columns(partition)))
        return None if row is None else check_state(key.asset_key, row)

    def of_assets(self, keys: Sequence[AssetKey]) -> tuple[AssetCheckState, ...]:
        """See `weft.storage.ports.CheckStore.of_assets`."""
        found: list[AssetCheckState] = []
        with self._database.read() as transaction:
            names = {id: key for key, id in known_asset_ids(transaction, dict.fromkeys(keys)).items()}
            for chunk in in_lists(list(names)):
                found += (check_state(names[row[0]], row[1:]) for row in transaction.all(_answers(len(chunk)), chunk))
        found.sort(key=_asset)  # stable: within an asset as the database ordered them
        return tuple(found)


def _asset(state: AssetCheckState) -> AssetKey:
    return state.key.asset_key
