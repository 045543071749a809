"""`weft.storage.ports.RunQueue` over SQL.

To let runs go takes a lock of the name `QUEUE_LOCK` first, so that two daemons count the same runs once. The cost of a decision is that of the lanes
that have waiting runs and of the runs that go, however many wait: each lane's first runs are the head of one index.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, func, insert, literal, select, update

from weft.model.codec import Decoder, encode, to_json
from weft.model.events import EngineEvent, EventBody, RunDequeued, RunEnqueued, RunStarting
from weft.model.live import (
    DuplicateRequest,
    Lane,
    LaneState,
    LiveRun,
    PoolUse,
    QueuedHead,
    QueueEntry,
    QueueView,
    RequestKey,
    Submitted,
    WorkerPlace,
)
from weft.model.plan import RunPlan
from weft.model.run import Run, RunStatus, RunTags
from weft.storage.ports import QueuePolicy
from weft.storage.sql.database import Database, Row, Statement, Transaction, in_lists, numbered
from weft.storage.sql.dialects import insert_unless_there
from weft.storage.sql.event_log import append_control, append_control_of_runs
from weft.storage.sql.key_value_store import read_value, write_value
from weft.storage.sql.run_store import plan_blob, write_run
from weft.storage.sql.tables import duplicate_requests, lanes, live_runs, pool_slots, pools, run_requests, runs

QUEUE_LOCK = "queue"
_LANES_FINGERPRINT = "queue/lanes"
_PAGE = 500

_LANE = msgspec.json.Decoder(Lane)
_PLACE: Decoder[WorkerPlace] = Decoder(WorkerPlace)
_TAGS = msgspec.json.Decoder(dict[str, str])

_NEW_LANE = Statement(insert_unless_there(lanes), "content")
_LANE_ID = Statement(select(lanes.c.id).where(lanes.c.content == bindparam("the_content")), "the_content")
_DROP_UNUSED_LANES = Statement(
    delete(lanes).where(~select(literal(1)).where(live_runs.c.lane_id == lanes.c.id).exists())
)
_NEW_LIVE = Statement(
    insert(live_runs), "run_row", "is_active", "lane_id", "rank", "enqueued_at", "token", "launched_at", "beats"
)

_COLUMNS = (
    runs.c.run_id,
    live_runs.c.is_active,
    lanes.c.content,
    live_runs.c.rank,
    live_runs.c.enqueued_at,
    live_runs.c.token,
    live_runs.c.launched_at,
    live_runs.c.worker,
    live_runs.c.beats,
    live_runs.c.beat_at,
)
_LIVE = (
    select(*_COLUMNS)
    .select_from(live_runs)
    .join(runs, runs.c.row_id == live_runs.c.run_row)
    .join(lanes, lanes.c.id == live_runs.c.lane_id)
)
_ONE = Statement(_LIVE.where(runs.c.run_id == bindparam("run")), "run")
_QUEUED = Statement(
    _LIVE.where(live_runs.c.is_active == 0)
    .order_by(live_runs.c.rank, live_runs.c.enqueued_at, live_runs.c.run_row)
    .limit(bindparam("limit")),
    "limit",
)
_ACTIVE = Statement(
    _LIVE.where(live_runs.c.is_active == 1).order_by(live_runs.c.rank, live_runs.c.enqueued_at, live_runs.c.run_row)
)
_STATUS_AND_ROW = Statement(
    select(runs.c.row_id, runs.c.status, live_runs.c.token, live_runs.c.is_active)
    .select_from(runs)
    .join(live_runs, live_runs.c.run_row == runs.c.row_id)
    .where(runs.c.run_id == bindparam("run")),
    "run",
)
_HAS_QUEUED = select(literal(1)).where(live_runs.c.is_active == 0, live_runs.c.lane_id == lanes.c.id).exists()
_LANES_WAITING = Statement(select(lanes.c.id, lanes.c.content).where(_HAS_QUEUED))
_LANES_ACTIVE = Statement(
    select(live_runs.c.lane_id, lanes.c.content, func.count())
    .select_from(live_runs)
    .join(lanes, lanes.c.id == live_runs.c.lane_id)
    .where(live_runs.c.is_active == 1)
    .group_by(live_runs.c.lane_id, lanes.c.content)
)
_POOLS = Statement(select(pools.c.name, pools.c.slots))
_POOL_USE = Statement(
    select(pool_slots.c.pool, pool_slots.c.is_holder, func.count()).group_by(pool_slots.c.pool, pool_slots.c.is_holder)
)
_HEADS = Statement(
    select(
        runs.c.run_id,
        live_runs.c.lane_id,
        live_runs.c.rank,
        live_runs.c.enqueued_at,
        live_runs.c.run_row,
        runs.c.status,
    )
    .select_from(live_runs)
    .join(runs, runs.c.row_id == live_runs.c.run_row)
    .where(live_runs.c.is_active == 0, live_runs.c.lane_id == bindparam("lane"))
    .order_by(live_runs.c.rank, live_runs.c.enqueued_at, live_runs.c.run_row)
    .limit(bindparam("limit")),
    "lane",
    "limit",
)
_ACTIVATE = Statement(
    update(live_runs)
    .values(
        is_active=1,
        token=live_runs.c.token + 1,
        launched_at=bindparam("at"),
        worker=bindparam("the_place"),
        beats=0,
        beat_at=None,
    )
    .where(live_runs.c.run_row == bindparam("the_row")),
    "at",
    "the_place",
    "the_row",
)
_DEACTIVATE = Statement(
    update(live_runs)
    .values(is_active=0, token=bindparam("next_token"), launched_at=None, worker=None, beats=0, beat_at=None)
    .where(live_runs.c.run_row == bindparam("the_row")),
    "next_token",
    "the_row",
)
_DROP_SLOTS = Statement(delete(pool_slots).where(pool_slots.c.run_row == bindparam("the_row")), "the_row")
_SET_WORKER = Statement(update(runs).where(runs.c.row_id == bindparam("the_row")), "worker", "the_row")
_ROW_OF = select(runs.c.row_id).where(runs.c.run_id == bindparam("the_run")).scalar_subquery()
_SET_PLACE = Statement(
    update(live_runs)
    .values(worker=bindparam("the_place"))
    .where(live_runs.c.run_row == _ROW_OF, live_runs.c.is_active == 1, live_runs.c.token == bindparam("the_token")),
    "the_place",
    "the_run",
    "the_token",
)
_BEAT = Statement(
    update(live_runs)
    .values(beats=live_runs.c.beats + 1, beat_at=bindparam("at"))
    .where(live_runs.c.run_row == _ROW_OF, live_runs.c.is_active == 1, live_runs.c.token == bindparam("the_token")),
    "at",
    "the_run",
    "the_token",
)

_REQUEST = Statement(
    select(run_requests.c.run_id, run_requests.c.expires_at).where(
        run_requests.c.scope == bindparam("the_scope"), run_requests.c.key == bindparam("the_key")
    ),
    "the_scope",
    "the_key",
)
_IS_THERE = Statement(select(literal(1)).where(runs.c.run_id == bindparam("run")), "run")
_NEW_REQUEST = Statement(insert(run_requests), "scope", "key", "run_id", "created_at", "expires_at")
_RENEW_REQUEST = Statement(
    update(run_requests).where(
        run_requests.c.scope == bindparam("the_scope"), run_requests.c.key == bindparam("the_key")
    ),
    "run_id",
    "created_at",
    "expires_at",
    "the_scope",
    "the_key",
)
_NEW_DUPLICATE = Statement(insert(duplicate_requests), "id", "scope", "key", "run_id", "at")
_DUPLICATE_COLUMNS = (
    duplicate_requests.c.id,
    duplicate_requests.c.scope,
    duplicate_requests.c.key,
    duplicate_requests.c.run_id,
    duplicate_requests.c.at,
)
_DUPLICATES = Statement(
    select(*_DUPLICATE_COLUMNS).order_by(duplicate_requests.c.id.desc()).limit(bindparam("limit")), "limit"
)
_DUPLICATES_OF = Statement(
    select(*_DUPLICATE_COLUMNS)
    .where(duplicate_requests.c.run_id == bindparam("run"))
    .order_by(duplicate_requests.c.id.desc())
    .limit(bindparam("limit")),
    "run",
    "limit",
)

_ALL_LIVE = Statement(
    select(live_runs.c.run_row, live_runs.c.lane_id, lanes.c.content, runs.c.run_id, runs.c.job_name, runs.c.tags)
    .select_from(live_runs)
    .join(runs, runs.c.row_id == live_runs.c.run_row)
    .join(lanes, lanes.c.id == live_runs.c.lane_id)
    .where(live_runs.c.run_row > bindparam("after"))
    .order_by(live_runs.c.run_row)
    .limit(bindparam("limit")),
    "after",
    "limit",
)
_SET_LANE = Statement(
    update(live_runs).values(lane_id=bindparam("new_lane")).where(live_runs.c.run_row == bindparam("the_row")),
    "new_lane",
    "the_row",
)


@cache
def _rows_by_id(count: int) -> Statement:
    names = numbered("run", count)
    return Statement(_LIVE.where(runs.c.run_id.in_([bindparam(name) for name in names])), *names)


class SqlRunQueue:
    """Live runs in the table `live_runs`, with their lanes, and the keys of requests."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def submit(self, run: Run, plan: RunPlan, entry: QueueEntry, *, request_key: RequestKey | None = None) -> Submitted:
        """See `weft.storage.ports.RunQueue.submit`."""
        blob = plan_blob(plan)
        content = _content(entry.lane)
        with self._database.write() as transaction:
            if request_key is not None:
                matched = _take_key(transaction, request_key, run)
                if matched is not None:
                    return Submitted(run_id=matched, is_new=False)
            row = write_run(transaction, run, blob)
            transaction.run(
                _NEW_LIVE,
                (row, 0, _lane_id(transaction, content), -entry.priority, run.created_at, run.worker, None, 0),
            )
            append_control_of_runs(
                transaction, {run.id: [RunEnqueued()]}, {run.id: row}, {run.id: run.status}, run.created_at
            )
        return Submitted(run_id=run.id, is_new=True)

    def dequeue(self, policy: QueuePolicy, *, launcher: str, at: float) -> tuple[LiveRun, ...]:
        """See `weft.storage.ports.RunQueue.dequeue`."""
        with self._database.read() as transaction:
            if not transaction.all(_LANES_WAITING):
                return ()
        with self._database.write() as transaction:
            transaction.lock(QUEUE_LOCK)
            view = _view(transaction)
            heads: list[QueuedHead] = []
            rows: dict[str, int] = {}
            statuses: dict[str, RunStatus] = {}
            for lane_id, most in policy.open_lanes(view).items():
                for run_id, lane, rank, enqueued_at, row, status in transaction.all(_HEADS, (lane_id, most)):
                    rows[run_id], statuses[run_id] = row, RunStatus(status)
                    heads.append(QueuedHead(run_id=run_id, lane_id=lane, priority=-rank, enqueued_at=enqueued_at))
            chosen = {head.run_id: rows[head.run_id] for head in policy.choose(view, heads)}
            if not chosen:
                return ()
            _activate(transaction, chosen, statuses, [RunDequeued()], launcher, at)
            return _by_id(transaction, list(chosen))

    def view(self) -> QueueView:
        """See `weft.storage.ports.RunQueue.view`."""
        with self._database.read() as transaction:
            return _view(transaction)

    def get(self, run_id: str) -> LiveRun | None:
        """See `weft.storage.ports.RunQueue.get`."""
        with self._database.read() as transaction:
            row = transaction.one(_ONE, (run_id,))
        return None if row is None else _live(row)

    def queued(self, *, limit: int = 100) -> tuple[LiveRun, ...]:
        """See `weft.storage.ports.RunQueue.queued`."""
        if limit < 1:
            return ()
        with self._database.read() as transaction:
            return tuple(_live(row) for row in transaction.all(_QUEUED, (limit,)))

    def active(self) -> tuple[LiveRun, ...]:
        """See `weft.storage.ports.RunQueue.active`."""
        with self._database.read() as transaction:
            return tuple(_live(row) for row in transaction.all(_ACTIVE))

    def next_worker(self, run_id: str, *, token: int, launcher: str, at: float, message: str = "") -> LiveRun | None:
        """See `weft.storage.ports.RunQueue.next_worker`."""
        with self._database.write() as transaction:
            transaction.lock(QUEUE_LOCK)
            found = transaction.one(_STATUS_AND_ROW, (run_id,))
            if found is None or found[1] not in _MAY_RESUME or found[2] != token or not found[3]:
                return None
            transaction.run(_DROP_SLOTS, (found[0],))  # they were those of the worker that is fenced off
            notes: list[EventBody] = [EngineEvent(message=message)] if message else []
            _activate(transaction, {run_id: found[0]}, {run_id: RunStatus(found[1])}, notes, launcher, at)
            return _by_id(transaction, [run_id])[0]

    def requeue(self, run_id: str, *, token: int, at: float, message: str = "") -> bool:
        """See `weft.storage.ports.RunQueue.requeue`."""
        with self._database.write() as transaction:
            transaction.lock(QUEUE_LOCK)
            found = transaction.one(_STATUS_AND_ROW, (run_id,))
            if found is None or found[1] != RunStatus.STARTING.value or found[2] != token:
                return False
            # The number is taken by nobody: it fences off the worker that may still come.
            transaction.run(_DEACTIVATE, (token + 1, found[0]))
            transaction.run(_SET_WORKER, (token + 1, found[0]))
            transaction.run(_DROP_SLOTS, (found[0],))
            notes: list[EventBody] = [EngineEvent(message=message)] if message else []
            append_control(transaction, run_id, [*notes, RunEnqueued()], at)
            return True

    def place(self, run_id: str, worker: WorkerPlace, *, token: int) -> bool:
        """See `weft.storage.ports.RunQueue.place`."""
        with self._database.write() as transaction:
            return transaction.run(_SET_PLACE, (encode(worker), run_id, token)) == 1

    def beat(self, run_id: str, *, token: int, at: float) -> bool:
        """See `weft.storage.ports.RunQueue.beat`."""
        with self._database.write() as transaction:
            return transaction.run(_BEAT, (at, run_id, token)) == 1

    def relane(self, lane_of: Callable[[Run, Lane], Lane], *, fingerprint: str) -> int:
        """See `weft.storage.ports.RunQueue.relane`."""
        moved = 0
        with self._database.write() as transaction:
            transaction.lock(QUEUE_LOCK)
            if read_value(transaction, _LANES_FINGERPRINT) == fingerprint:
                return 0
            after = 0
            while rows := transaction.all(_ALL_LIVE, (after, _PAGE)):
                after = rows[-1][0]
                for row, lane_id, content, run_id, job_name, tags in rows:
                    run = Run(
                        id=run_id,
                        job_name=job_name,
                        status=RunStatus.QUEUED,
                        created_at=0.0,
                        tags=RunTags(_TAGS.decode(tags)),
                    )
                    new = _lane_id(transaction, _content(lane_of(run, _LANE.decode(content))))
                    if new != lane_id:
                        transaction.run(_SET_LANE, (new, row))
                        moved += 1
            transaction.run(_DROP_UNUSED_LANES)
            write_value(transaction, _LANES_FINGERPRINT, fingerprint)
        return moved

    def duplicates(self, *, limit: int = 100, run_id: str | None = None) -> tuple[DuplicateRequest, ...]:
        """See `weft.storage.ports.RunQueue.duplicates`."""
        if limit < 1:
            return ()
        with self._database.read() as transaction:
            rows = (
                transaction.all(_DUPLICATES, (limit,))
                if run_id is None
                else transaction.all(_DUPLICATES_OF, (run_id, limit))
            )
        return tuple(DuplicateRequest(id=row[0], scope=row[1], key=row[2], run_id=row[3], at=row[4]) for row in rows)


_MAY_RESUME = frozenset({RunStatus.STARTING.value, RunStatus.STARTED.value})


def _activate(
    transaction: Transaction,
    run_rows: dict[str, int],
    statuses: dict[str, RunStatus],
    before: Sequence[EventBody],
    launcher: str,
    at: float,
) -> None:
    """Give runs their next workers. In few statements, for many of them hold up all other writers."""
    place = encode(WorkerPlace(launcher=launcher))
    transaction.run_many(_ACTIVATE, [(at, place, row) for row in run_rows.values()])
    tokens: dict[int, int] = {}
    for chunk in in_lists(list(run_rows.values())):
        tokens.update(transaction.all(_tokens(len(chunk)), chunk))
    transaction.run_many(_SET_WORKER, [(tokens[row], row) for row in run_rows.values()])
    bodies = {run_id: [*before, RunStarting(worker=tokens[row], launcher=launcher)] for run_id, row in run_rows.items()}
    append_control_of_runs(transaction, bodies, run_rows, statuses, at)


@cache
def _tokens(count: int) -> Statement:
    names = numbered("row", count)
    query = select(live_runs.c.run_row, live_runs.c.token)
    return Statement(query.where(live_runs.c.run_row.in_([bindparam(name) for name in names])), *names)


def _take_key(transaction: Transaction, request: RequestKey, run: Run) -> str | None:
    """Take a key for a run; where it is taken, note that and return the run that has it."""
    transaction.lock(f"request/{request.scope}/{request.key}")
    found = transaction.one(_REQUEST, (request.scope, request.key))
    if found is None:
        transaction.run(_NEW_REQUEST, (request.scope, request.key, run.id, run.created_at, request.expires_at))
        return None
    run_id, expires_at = found
    is_over = expires_at is not None and expires_at <= run.created_at
    if is_over or transaction.one(_IS_THERE, (run_id,)) is None:
        transaction.run(_RENEW_REQUEST, (run.id, run.created_at, request.expires_at, request.scope, request.key))
        return None
    transaction.lock("duplicate_requests")
    id = transaction.next_id(duplicate_requests)
    transaction.run(_NEW_DUPLICATE, (id, request.scope, request.key, run_id, run.created_at))
    return str(run_id)


def _view(transaction: Transaction) -> QueueView:
    found: dict[int, LaneState] = {}
    for id, content in transaction.all(_LANES_WAITING):
        found[id] = LaneState(id=id, lane=_LANE.decode(content), has_queued=True)
    for id, content, count in transaction.all(_LANES_ACTIVE):
        found[id] = LaneState(id=id, lane=_LANE.decode(content), has_queued=id in found, active=count)
    return QueueView(lanes=tuple(found.values()), pools=_pools(transaction))


def _pools(transaction: Transaction) -> Mapping[str, PoolUse]:
    limits: dict[str, int | None] = dict(transaction.all(_POOLS))
    counts: dict[str, list[int]] = {}
    for pool, is_holder, count in transaction.all(_POOL_USE):
        counts.setdefault(pool, [0, 0])[0 if is_holder else 1] = count
    return {
        name: PoolUse(limit=limits.get(name), used=used, waiting=waiting)
        for name in {*limits, *counts}
        for used, waiting in [counts.get(name, [0, 0])]
    }


def _lane_id(transaction: Transaction, content: str) -> int:
    row = transaction.one(_LANE_ID, (content,))
    if row is None:
        transaction.run(_NEW_LANE, (content,))
        row = transaction.one(_LANE_ID, (content,))
    assert row is not None
    id: int = row[0]
    return id


def _content(lane: Lane) -> str:
    return to_json(lane).decode()


def _by_id(transaction: Transaction, run_ids: Sequence[str]) -> tuple[LiveRun, ...]:
    found: dict[str, LiveRun] = {}
    for chunk in in_lists(run_ids):
        for row in transaction.all(_rows_by_id(len(chunk)), chunk):
            found[row[0]] = _live(row)
    return tuple(found[run_id] for run_id in run_ids)


def _live(row: Row) -> LiveRun:
    place: Any = row[7]
    return LiveRun(
        run_id=row[0],
        is_queued=not row[1],
        lane=_LANE.decode(row[2]),
        priority=-row[3],
        enqueued_at=row[4],
        token=row[5],
        launched_at=row[6],
        worker=None if place is None else _PLACE.decode(place),
        beats=row[8],
        beat_at=row[9],
    )
