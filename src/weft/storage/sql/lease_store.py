"""`weft.storage.ports.LeaseStore` over SQL: every change is a compare-and-set on the token and the count of heartbeats."""

from __future__ import annotations

from sqlalchemy import bindparam, select, update

from weft.model.live import Lease
from weft.storage.sql.database import Database, Row, Statement
from weft.storage.sql.dialects import insert_unless_there
from weft.storage.sql.tables import leases

_COLUMNS = (
    leases.c.name,
    leases.c.holder,
    leases.c.token,
    leases.c.beats,
    leases.c.acquired_at,
    leases.c.beat_at,
)
_ONE = Statement(select(*_COLUMNS).where(leases.c.name == bindparam("the_name")), "the_name")
_ALL = Statement(select(*_COLUMNS).order_by(leases.c.name))
_NEW = Statement(insert_unless_there(leases), "name", "holder", "token", "beats", "acquired_at", "beat_at")
_TAKE = Statement(
    update(leases)
    .values(
        holder=bindparam("new_holder"),
        token=leases.c.token + 1,
        beats=0,
        acquired_at=bindparam("at"),
        beat_at=bindparam("at_too"),
    )
    .where(
        leases.c.name == bindparam("the_name"),
        leases.c.token == bindparam("the_token"),
        leases.c.beats == bindparam("the_beats"),
    ),
    "new_holder",
    "at",
    "at_too",
    "the_name",
    "the_token",
    "the_beats",
)
_BEAT = Statement(
    update(leases)
    .values(beats=leases.c.beats + 1, beat_at=bindparam("at"))
    .where(
        leases.c.name == bindparam("the_name"), leases.c.token == bindparam("the_token"), leases.c.holder.is_not(None)
    ),
    "at",
    "the_name",
    "the_token",
)
_RELEASE = Statement(
    update(leases)
    .values(holder=None)
    .where(
        leases.c.name == bindparam("the_name"), leases.c.token == bindparam("the_token"), leases.c.holder.is_not(None)
    ),
    "the_name",
    "the_token",
)


class SqlLeaseStore:
    """Leases in the table `leases`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def acquire(self, name: str, holder: str, *, seen: Lease | None, at: float) -> Lease | None:
        """See `weft.storage.ports.LeaseStore.acquire`."""
        with self._database.write() as transaction:
            row = transaction.one(_ONE, (name,))
            if row is None:
                if transaction.run(_NEW, (name, holder, 1, 0, at, at)) != 1:
                    return None
                return Lease(name=name, holder=holder, token=1, beats=0, acquired_at=at, beat_at=at)
            now = _lease(row)
            if now.holder is not None and (seen is None or (seen.token, seen.beats) != (now.token, now.beats)):
                return None
            if transaction.run(_TAKE, (holder, at, at, name, now.token, now.beats)) != 1:
                return None
            return Lease(name=name, holder=holder, token=now.token + 1, beats=0, acquired_at=at, beat_at=at)

    def beat(self, lease: Lease, *, at: float) -> Lease | None:
        """See `weft.storage.ports.LeaseStore.beat`."""
        with self._database.write() as transaction:
            if transaction.run(_BEAT, (at, lease.name, lease.token)) != 1:
                return None
            row = transaction.one(_ONE, (lease.name,))
        return None if row is None else _lease(row)

    def release(self, lease: Lease) -> bool:
        """See `weft.storage.ports.LeaseStore.release`."""
        with self._database.write() as transaction:
            return transaction.run(_RELEASE, (lease.name, lease.token)) == 1

    def get(self, name: str) -> Lease | None:
        """See `weft.storage.ports.LeaseStore.get`."""
        with self._database.read() as transaction:
            row = transaction.one(_ONE, (name,))
        return None if row is None else _lease(row)

    def list(self, prefix: str = "") -> tuple[Lease, ...]:
        """See `weft.storage.ports.LeaseStore.list`."""
        with self._database.read() as transaction:
            rows = transaction.all(_ALL)
        return tuple(_lease(row) for row in rows if row[0].startswith(prefix))


def _lease(row: Row) -> Lease:
    return Lease(name=row[0], holder=row[1], token=row[2], beats=row[3], acquired_at=row[4], beat_at=row[5])
