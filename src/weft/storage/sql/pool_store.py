"""`weft.storage.ports.PoolStore` over SQL. A claim takes a lock of the pool's name first, so that two cannot take the last slot."""

from __future__ import annotations

from sqlalchemy import bindparam, delete, func, insert, or_, select, update

from weft.model.live import Pool, PoolSlot
from weft.storage.sql.database import Database, Row, Statement, Transaction
from weft.storage.sql.tables import pool_slots, pools, runs

_LIMITS = Statement(select(pools.c.name, pools.c.slots))
_LIMIT = Statement(select(pools.c.slots).where(pools.c.name == bindparam("the_name")), "the_name")
_NEW_LIMIT = Statement(insert(pools), "name", "slots")
_CHANGE_LIMIT = Statement(update(pools).where(pools.c.name == bindparam("the_name")), "slots", "the_name")
_DROP_LIMIT = Statement(delete(pools).where(pools.c.name == bindparam("the_name")), "the_name")

_ROW = Statement(
    select(runs.c.row_id, runs.c.status, runs.c.worker).where(runs.c.run_id == bindparam("run")),
    "run",
)
_OWN = Statement(
    select(pool_slots.c.is_holder, pool_slots.c.rank, pool_slots.c.since).where(
        pool_slots.c.pool == bindparam("the_pool"),
        pool_slots.c.run_row == bindparam("row"),
        pool_slots.c.step_key == bindparam("step"),
    ),
    "the_pool",
    "row",
    "step",
)
_USED = Statement(
    select(func.count()).where(pool_slots.c.pool == bindparam("the_pool"), pool_slots.c.is_holder == 1), "the_pool"
)
_AHEAD = Statement(
    select(func.count()).where(
        pool_slots.c.pool == bindparam("the_pool"),
        pool_slots.c.is_holder == 0,
        or_(
            pool_slots.c.rank < bindparam("rank_of"),
            (pool_slots.c.rank == bindparam("rank_too")) & (pool_slots.c.since < bindparam("since_of")),
        ),
    ),
    "the_pool",
    "rank_of",
    "rank_too",
    "since_of",
)
_NEW = Statement(insert(pool_slots), "pool", "run_row", "step_key", "is_holder", "rank", "since")
_GRANT = Statement(
    update(pool_slots)
    .values(is_holder=1, since=bindparam("at"))
    .where(
        pool_slots.c.pool == bindparam("the_pool"),
        pool_slots.c.run_row == bindparam("row"),
        pool_slots.c.step_key == bindparam("step"),
    ),
    "at",
    "the_pool",
    "row",
    "step",
)
_DROP = Statement(
    delete(pool_slots).where(
        pool_slots.c.pool == bindparam("the_pool"),
        pool_slots.c.run_row == select(runs.c.row_id).where(runs.c.run_id == bindparam("run")).scalar_subquery(),
        pool_slots.c.step_key == bindparam("step"),
    ),
    "the_pool",
    "run",
    "step",
)
_SLOTS = (
    select(
        pool_slots.c.pool,
        pool_slots.c.is_holder,
        runs.c.run_id,
        pool_slots.c.step_key,
        pool_slots.c.since,
        pool_slots.c.rank,
    )
    .select_from(pool_slots)
    .join(runs, runs.c.row_id == pool_slots.c.run_row)
    .order_by(pool_slots.c.pool, pool_slots.c.rank, pool_slots.c.since, runs.c.run_id, pool_slots.c.step_key)
)
_ALL_SLOTS = Statement(_SLOTS)
_SLOTS_OF = Statement(_SLOTS.where(pool_slots.c.pool == bindparam("the_pool")), "the_pool")
_FINISHED = frozenset({"SUCCESS", "FAILURE", "CANCELED"})


class SqlPoolStore:
    """Limits in the table `pools`, slots and who waits for one in `pool_slots`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(
        self,
        pool: str,
        run_id: str,
        step_key: str,
        *,
        priority: int,
        default_limit: int | None,
        at: float,
        worker: int | None = None,
    ) -> bool:
        """See `weft.storage.ports.PoolStore.claim`."""
        with self._database.write() as transaction:
            transaction.lock(f"pool/{pool}")
            found = transaction.one(_ROW, (run_id,))
            if found is None or found[1] in _FINISHED or worker not in (None, found[2]):
                return False
            row: int = found[0]
            own = transaction.one(_OWN, (pool, row, step_key))
            if own is not None and own[0]:
                return True
            rank, since = (-priority, at) if own is None else (own[1], own[2])
            limited = transaction.one(_LIMIT, (pool,))
            limit = default_limit if limited is None else limited[0]
            [used] = transaction.one(_USED, (pool,)) or (0,)
            [ahead] = transaction.one(_AHEAD, (pool, rank, rank, since)) or (0,)
            is_granted = limit is None or used + ahead < limit
            if own is None:
                transaction.run(_NEW, (pool, row, step_key, int(is_granted), rank, since))
            elif is_granted:
                transaction.run(_GRANT, (at, pool, row, step_key))
            return is_granted

    def release(self, pool: str, run_id: str, step_key: str, *, worker: int | None = None) -> None:
        """See `weft.storage.ports.PoolStore.release`."""
        with self._database.write() as transaction:
            if worker is not None:
                found = transaction.one(_ROW, (run_id,))
                if found is not None and found[2] != worker:
                    return
            transaction.run(_DROP, (pool, run_id, step_key))

    def set_limit(self, pool: str, limit: int | None) -> None:
        """See `weft.storage.ports.PoolStore.set_limit`."""
        with self._database.write() as transaction:
            transaction.lock(f"pool/{pool}")
            if limit is None:
                transaction.run(_DROP_LIMIT, (pool,))
            elif transaction.one(_LIMIT, (pool,)) is None:
                transaction.run(_NEW_LIMIT, (pool, limit))
            else:
                transaction.run(_CHANGE_LIMIT, (limit, pool))

    def get(self, pool: str) -> Pool | None:
        """See `weft.storage.ports.PoolStore.get`."""
        with self._database.read() as transaction:
            limited = transaction.one(_LIMIT, (pool,))
            rows = transaction.all(_SLOTS_OF, (pool,))
        if limited is None and not rows:
            return None
        return _pool(pool, None if limited is None else limited[0], rows)

    def list(self) -> tuple[Pool, ...]:
        """See `weft.storage.ports.PoolStore.list`."""
        with self._database.read() as transaction:
            limits = _limits(transaction)
            rows: dict[str, list[Row]] = {name: [] for name in limits}
            for row in transaction.all(_ALL_SLOTS):
                rows.setdefault(row[0], []).append(row)
        return tuple(_pool(name, limits.get(name), rows[name]) for name in sorted(rows))


def _limits(transaction: Transaction) -> dict[str, int]:
    limits: dict[str, int] = dict(transaction.all(_LIMITS))
    return limits


def _pool(name: str, limit: int | None, rows: list[Row]) -> Pool:
    return Pool(
        name=name,
        limit=limit,
        holders=tuple(_slot(row) for row in rows if row[1]),
        waiters=tuple(_slot(row) for row in rows if not row[1]),
    )


def _slot(row: Row) -> PoolSlot:
    return PoolSlot(pool=row[0], run_id=row[2], step_key=row[3], since=row[4], priority=-row[5])
