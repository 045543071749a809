"""`weft.storage.ports.RunStore` over SQL.

A page of runs walks one index that is ordered by time of creation: that of a tag or an asset where the filter names one, else that of
the status or the job, else that of all runs. Several states are one walk each, merged, because an index on (status, time) is not in
the order of time over several states and sorting a long history for one page is what makes such pages slow.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct
from sqlalchemy import ColumnElement, bindparam, delete, func, insert, literal, select, union_all, update

from weft.model.codec import Decoder, encode, to_json
from weft.model.failure import ErrorInfo
from weft.model.keys import AssetCheckKey, AssetKey
from weft.model.origin import CodeOrigin
from weft.model.plan import PLAN_DECODER, RunPlan
from weft.model.run import FailureReason, Run, RunFilter, RunStatus
from weft.model.step import Step
from weft.storage.cursors import RUN_CURSOR
from weft.storage.failures import run_exists, run_not_found
from weft.storage.ports import Page
from weft.storage.projections import RunChange, transition
from weft.storage.sql.asset_ids import asset_ids, known_asset_ids
from weft.storage.sql.database import Database, Parameters, Row, Statement, Transaction, in_lists, numbered
from weft.storage.sql.dialects import insert_unless_there
from weft.storage.sql.step_rows import STEP_COLUMNS, step_from_row
from weft.storage.sql.tables import (
    events,
    live_runs,
    pool_slots,
    run_assets,
    run_plans,
    run_tags,
    runs,
    steps,
    tags,
)

if TYPE_CHECKING:
    from weft.storage.sql.database import Query

_Request = tuple[
    dict[str, Any],
    tuple[AssetKey, ...] | None,
    tuple[AssetCheckKey, ...] | None,
    tuple[str, ...] | None,
]
_REQUEST: Decoder[_Request] = Decoder(_Request)
_ERROR: Decoder[ErrorInfo] = Decoder(ErrorInfo)
_ORIGIN: Decoder[CodeOrigin] = Decoder(CodeOrigin)
_TAGS = msgspec.json.Decoder(dict[str, str])

_COLUMNS = (
    runs.c.row_id,
    runs.c.run_id,
    runs.c.job_name,
    runs.c.status,
    runs.c.created_at,
    runs.c.started_at,
    runs.c.ended_at,
    runs.c.updated_at,
    runs.c.parent_run_id,
    runs.c.root_run_id,
    runs.c.snapshot_id,
    runs.c.failure_reason,
    runs.c.tags,
    runs.c.request,
    runs.c.error,
    runs.c.worker,
    runs.c.origin,
)

_ROW_ID = Statement(select(runs.c.row_id).where(runs.c.run_id == bindparam("run")), "run")
_NEW_RUN = Statement(insert(runs), *(column.name for column in _COLUMNS))
_NEW_PLAN = Statement(insert(run_plans), "run_row", "plan")
_NEW_TAG = Statement(insert_unless_there(tags), "key", "value")
_NEW_RUN_TAG = Statement(insert(run_tags), "run_row", "tag_id", "created_at")
_NEW_RUN_ASSET = Statement(insert(run_assets), "run_row", "asset_id", "created_at")
_TAG_ID = Statement(
    select(tags.c.id).where(tags.c.key == bindparam("key"), tags.c.value == bindparam("value")), "key", "value"
)
_RUN = Statement(select(*_COLUMNS).where(runs.c.run_id == bindparam("run")), "run")
_PLAN = Statement(
    select(run_plans.c.plan).join(runs, runs.c.row_id == run_plans.c.run_row).where(runs.c.run_id == bindparam("run")),
    "run",
)
_STEPS = Statement(
    select(*STEP_COLUMNS)
    .where(
        steps.c.run_row == select(runs.c.row_id).where(runs.c.run_id == bindparam("run")).scalar_subquery(),
        steps.c.status.is_not(None),
    )
    .order_by(steps.c.id),
    "run",
)
_STATUS = Statement(select(runs.c.row_id, runs.c.status).where(runs.c.run_id == bindparam("run")), "run")
_TAGS_OF = Statement(
    select(runs.c.row_id, runs.c.created_at, runs.c.tags).where(runs.c.run_id == bindparam("run")), "run"
)
_CHANGE = Statement(
    update(runs)
    .values(
        {
            runs.c.status: bindparam("new_status"),
            runs.c.updated_at: bindparam("at"),
            runs.c.started_at: func.coalesce(bindparam("started"), runs.c.started_at),
            runs.c.ended_at: func.coalesce(bindparam("ended"), runs.c.ended_at),
            runs.c.failure_reason: func.coalesce(bindparam("reason"), runs.c.failure_reason),
            runs.c.error: func.coalesce(bindparam("failure"), runs.c.error),
        }
    )
    .where(runs.c.row_id == bindparam("the_row")),
    "new_status",
    "at",
    "started",
    "ended",
    "reason",
    "failure",
    "the_row",
)
_SET_TAGS = Statement(update(runs).where(runs.c.row_id == bindparam("the_row")), "tags", "the_row")
_DROP_RUN_TAG = Statement(
    delete(run_tags).where(run_tags.c.run_row == bindparam("row"), run_tags.c.tag_id == bindparam("tag")), "row", "tag"
)
_TAG_IDS_OF = Statement(select(run_tags.c.tag_id).where(run_tags.c.run_row == bindparam("row")), "row")
_DROP_UNUSED_TAG = Statement(
    delete(tags).where(
        tags.c.id == bindparam("tag"),
        ~select(literal(1)).where(run_tags.c.tag_id == tags.c.id).exists(),
    ),
    "tag",
)
_DROPS = tuple(
    Statement(delete(table).where(column == bindparam("row")), "row")
    for table, column in (
        (live_runs, live_runs.c.run_row),
        (pool_slots, pool_slots.c.run_row),
        (events, events.c.run_row),
        (steps, steps.c.run_row),
        (run_plans, run_plans.c.run_row),
        (run_tags, run_tags.c.run_row),
        (run_assets, run_assets.c.run_row),
        (runs, runs.c.row_id),
    )
)
_ENDS_LIFE = tuple(
    Statement(delete(table).where(column == bindparam("row")), "row")
    for table, column in ((live_runs, live_runs.c.run_row), (pool_slots, pool_slots.c.run_row))
)


class SqlRunStore:
    """Runs in the tables `runs`, `run_plans`, `run_tags`, `run_assets` and `steps`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, run: Run, plan: RunPlan) -> None:
        """See `weft.storage.ports.RunStore.create`."""
        blob = plan_blob(plan)
        with self._database.write() as transaction:
            write_run(transaction, run, blob)

    def get(self, run_id: str) -> Run | None:
        """See `weft.storage.ports.RunStore.get`."""
        with self._database.read() as transaction:
            row = transaction.one(_RUN, (run_id,))
        return None if row is None else _run_of(row)

    def plan(self, run_id: str) -> RunPlan | None:
        """See `weft.storage.ports.RunStore.plan`."""
        with self._database.read() as transaction:
            row = transaction.one(_PLAN, (run_id,))
        return None if row is None else PLAN_DECODER.decode(zlib.decompress(row[0]))

    def steps(self, run_id: str) -> tuple[Step, ...]:
        """See `weft.storage.ports.RunStore.steps`."""
        with self._database.read() as transaction:
            rows = transaction.all(_STEPS, (run_id,))
        return tuple(step_from_row(run_id, row) for row in rows)

    def list(
        self, filter: RunFilter | None = None, *, limit: int = 50, cursor: str | None = None, ascending: bool = False
    ) -> Page[Run]:
        """See `weft.storage.ports.RunStore.list`."""
        after = None if cursor is None else RUN_CURSOR.read(cursor)
        if limit < 1:
            return Page(items=())
        rows: list[Row] = []
        with self._database.read() as transaction:
            for statement, parameters in _queries(
                transaction, filter, after=after, limit=limit + 1, ascending=ascending
            ):
                rows += transaction.all(statement, parameters)
        rows.sort(key=_place, reverse=not ascending)
        taken = rows[:limit]
        return Page(
            items=tuple(_run_of(row) for row in taken),
            cursor=RUN_CURSOR.write(_place(taken[-1])) if len(rows) > limit else None,
        )

    def count(self, filter: RunFilter | None = None) -> int:
        """See `weft.storage.ports.RunStore.count`."""
        with self._database.read() as transaction:
            return sum(
                transaction.all(statement, parameters)[0][0]
                for statement, parameters in _queries(transaction, filter, counting=True)
            )

    def transition(self, run_id: str, to: RunStatus, *, expected: RunStatus, at: float) -> bool:
        """See `weft.storage.ports.RunStore.transition`."""
        change = transition(expected, to, at)
        if change is None:
            return False
        with self._database.write() as transaction:
            row = transaction.one(_STATUS, (run_id,))
            if row is None or row[1] != expected.value:
                return False
            write_run_change(transaction, row[0], change)
            return True

    def add_tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        """See `weft.storage.ports.RunStore.add_tags`."""
        with self._database.write() as transaction:
            row = transaction.one(_TAGS_OF, (run_id,))
            if row is None:
                raise run_not_found(run_id)
            row_id, created_at, text = row
            before = _TAGS.decode(text)
            changed = {key: value for key, value in tags.items() if before.get(key) != value}
            if not changed:
                return
            replaced = [(key, before[key]) for key in changed if key in before]
            for key, value in replaced:
                [tag_id] = transaction.one(_TAG_ID, (key, value)) or (None,)
                transaction.run(_DROP_RUN_TAG, (row_id, tag_id))
                transaction.run(_DROP_UNUSED_TAG, (tag_id,))
            _write_tags(transaction, row_id, created_at, changed)
            transaction.run(_SET_TAGS, (_json({**before, **changed}), row_id))

    def delete(self, run_id: str) -> bool:
        """See `weft.storage.ports.RunStore.delete`."""
        with self._database.write() as transaction:
            row = transaction.one(_ROW_ID, (run_id,))
            if row is None:
                return False
            tag_ids = transaction.all(_TAG_IDS_OF, row)
            transaction.keep_ids(events)
            for statement in _DROPS:
                transaction.run(statement, row)
            transaction.run_many(_DROP_UNUSED_TAG, tag_ids)
            return True


def plan_blob(plan: RunPlan) -> bytes:
    """A plan as it is stored."""
    return zlib.compress(encode(plan), level=1)


def write_run(transaction: Transaction, run: Run, plan: bytes) -> int:
    """Write a new run with its plan (see `plan_blob`), in a write transaction; returns its row.

    Raises:
        StorageError: (WEFT-T011) there is one with that id.
    """
    if transaction.one(_ROW_ID, (run.id,)) is not None:
        raise run_exists(run.id)
    row_id = transaction.next_id(runs)
    transaction.run(_NEW_RUN, (row_id, *_row_of(run)))
    transaction.run(_NEW_PLAN, (row_id, plan))
    _write_tags(transaction, row_id, run.created_at, run.tags)
    if run.asset_selection:
        ids = asset_ids(transaction, run.asset_selection)
        transaction.run_many(_NEW_RUN_ASSET, [(row_id, id, run.created_at) for id in ids.values()])
    return row_id


def write_run_change(transaction: Transaction, row_id: int, change: RunChange) -> None:
    """Write new values of a run, in a write transaction that has read its state. A run that is over is live no more."""
    write_run_changes(transaction, [(row_id, change)])


def write_run_changes(transaction: Transaction, changes: Sequence[tuple[int, RunChange]]) -> None:
    """`write_run_change` for several runs."""
    over = [(row_id,) for row_id, change in changes if change.status.is_finished]
    if over:
        for statement in _ENDS_LIFE:
            transaction.run_many(statement, over)
    values = [
        (
            change.status.value,
            change.updated_at,
            change.started_at,
            change.ended_at,
            None if change.failure_reason is None else change.failure_reason.value,
            None if change.error is None else encode(change.error),
            row_id,
        )
        for row_id, change in changes
    ]
    if len(values) == 1:
        transaction.run(_CHANGE, values[0])
    elif values:
        transaction.run_many(_CHANGE, values)


def _write_tags(transaction: Transaction, row_id: int, created_at: float, added: Mapping[str, str]) -> None:
    if not added:
        return
    rows = []
    for tag in added.items():
        found = transaction.one(_TAG_ID, tag)
        if found is None:  # seldom: most tags are those of other runs
            transaction.run(_NEW_TAG, tag)
            found = transaction.one(_TAG_ID, tag)
        assert found is not None
        rows.append((row_id, found[0], created_at))
    transaction.insert(_NEW_RUN_TAG, rows)


# --- rows ------------------------------------------------------------------------------------------------------------


def _row_of(run: Run) -> Row:
    """The columns of `_COLUMNS` after the row id."""
    request: _Request = (dict(run.run_config), run.asset_selection, run.check_selection, run.op_selection)
    return (
        run.id,
        run.job_name,
        run.status.value,
        run.created_at,
        run.started_at,
        run.ended_at,
        run.updated_at,
        run.parent_run_id,
        run.root_run_id,
        run.snapshot_id,
        None if run.failure_reason is None else run.failure_reason.value,
        _json(run.tags),
        None if request == _EMPTY_REQUEST else encode(request),
        None if run.error is None else encode(run.error),
        run.worker,
        None if run.origin is None else encode(run.origin),
    )


_EMPTY_REQUEST: _Request = ({}, None, None, None)


def _run_of(row: Row) -> Run:
    config, asset_selection, check_selection, op_selection = (
        _EMPTY_REQUEST if row[13] is None else _REQUEST.decode(row[13])
    )
    return Run(
        id=row[1],
        job_name=row[2],
        status=RunStatus(row[3]),
        created_at=row[4],
        started_at=row[5],
        ended_at=row[6],
        updated_at=row[7],
        parent_run_id=row[8],
        root_run_id=row[9],
        snapshot_id=row[10],
        failure_reason=None if row[11] is None else FailureReason(row[11]),
        tags=_TAGS.decode(row[12]),
        run_config=config,
        asset_selection=asset_selection,
        check_selection=check_selection,
        op_selection=op_selection,
        error=None if row[14] is None else _ERROR.decode(row[14]),
        worker=row[15],
        origin=None if row[16] is None else _ORIGIN.decode(row[16]),
    )


def _place(row: Row) -> tuple[float, int]:
    return (row[4], row[0])


def _json(tags: Mapping[str, str]) -> str:
    return to_json(dict(tags)).decode()


# --- queries over runs -----------------------------------------------------------------------------------------------


class _Shape(Struct, frozen=True, kw_only=True):
    """Which conditions a query over runs has; statements are compiled once per shape."""

    run_ids: int = 0
    job: bool = False
    statuses: int = 0
    tags: int = 0
    asset: bool = False
    created_after: bool = False
    created_before: bool = False
    updated_after: bool = False
    updated_before: bool = False
    after_place: bool = False
    ascending: bool = False
    counting: bool = False


def _queries(
    transaction: Transaction,
    filter: RunFilter | None,
    *,
    after: tuple[float, int] | None = None,
    limit: int = 0,
    ascending: bool = False,
    counting: bool = False,
) -> Iterable[tuple[Statement, Parameters]]:
    """The statements that together answer a query; more than one only where it names very many runs.

    Nothing where the filter cannot match: it names a tag or an asset that no run has, or an empty list.
    """
    filter = filter or RunFilter()
    values: dict[str, object] = {"limit": limit}
    if after is not None:
        values["place_time"], values["place_row"] = after
    for number, tag in enumerate(filter.tags.items()):
        row = transaction.one(_TAG_ID, tag)
        if row is None:
            return
        values[f"tag_{number}"] = row[0]
    if filter.asset_key is not None:
        asset_id = known_asset_ids(transaction, (filter.asset_key,)).get(filter.asset_key)
        if asset_id is None:
            return
        values["asset"] = asset_id
    statuses = None if filter.statuses is None else sorted({status.value for status in filter.statuses})
    run_ids = None if filter.run_ids is None else list(dict.fromkeys(filter.run_ids))
    if statuses == [] or run_ids == []:
        return
    values.update(zip(numbered("status", len(statuses or ())), statuses or (), strict=True))
    for name in ("job_name", "created_after", "created_before", "updated_after", "updated_before"):
        values[name] = getattr(filter, name)
    for chunk in in_lists(run_ids) if run_ids is not None else ((),):
        values.update(zip(numbered("run", len(chunk)), chunk, strict=True))
        statement, names = _statement(
            _Shape(
                run_ids=len(chunk),
                job=filter.job_name is not None,
                statuses=len(statuses or ()),
                tags=len(filter.tags),
                asset=filter.asset_key is not None,
                created_after=filter.created_after is not None,
                created_before=filter.created_before is not None,
                updated_after=filter.updated_after is not None,
                updated_before=filter.updated_before is not None,
                after_place=after is not None,
                ascending=ascending,
                counting=counting,
            )
        )
        yield statement, [values[name] for name in names]


@lru_cache(maxsize=256)
def _statement(shape: _Shape) -> tuple[Statement, tuple[str, ...]]:
    """The statement of a shape, and the names of its parameters."""
    # The column of time that the query walks along: each of these tables has an index on (what is filtered, created_at).
    if shape.tags:
        created, row = run_tags.c.created_at, run_tags.c.run_row
    elif shape.asset:
        created, row = run_assets.c.created_at, run_assets.c.run_row
    else:
        created, row = runs.c.created_at, runs.c.row_id
    names: list[str] = []

    def value(name: str) -> ColumnElement[Any]:
        names.append(name)
        return bindparam(name)

    query: Query = select(func.count()) if shape.counting else select(*_COLUMNS)
    query = query.select_from(runs)
    if shape.tags:
        query = query.join(run_tags, run_tags.c.run_row == runs.c.row_id).where(run_tags.c.tag_id == value("tag_0"))
    for number in range(1, shape.tags):
        other = run_tags.alias(f"tag_{number}")
        query = query.where(
            select(literal(1))
            .where(other.c.run_row == runs.c.row_id, other.c.tag_id == value(f"tag_{number}"))
            .exists()
        )
    if shape.asset and shape.tags:
        query = query.where(
            select(literal(1))
            .where(run_assets.c.run_row == runs.c.row_id, run_assets.c.asset_id == value("asset"))
            .exists()
        )
    elif shape.asset:
        query = query.join(run_assets, run_assets.c.run_row == runs.c.row_id).where(
            run_assets.c.asset_id == value("asset")
        )
    if shape.run_ids:
        query = query.where(runs.c.run_id.in_([value(name) for name in numbered("run", shape.run_ids)]))
    if shape.job:
        query = query.where(runs.c.job_name == value("job_name"))
    if shape.created_after:
        query = query.where(created > value("created_after"))
    if shape.created_before:
        query = query.where(created < value("created_before"))
    if shape.updated_after:
        query = query.where(runs.c.updated_at > value("updated_after"))
    if shape.updated_before:
        query = query.where(runs.c.updated_at < value("updated_before"))
    if shape.after_place:
        at = value("place_time")
        past, beyond = (
            (created >= at, (created > at) | (row > value("place_row")))
            if shape.ascending
            else (created <= at, (created < at) | (row < value("place_row")))
        )
        # The first condition alone bounds the walk; the second one is for runs created at the same instant.
        query = query.where(past, beyond)
    if shape.counting:
        if shape.statuses:
            query = query.where(runs.c.status.in_([value(name) for name in numbered("status", shape.statuses)]))
        return Statement(query, *names), tuple(names)
    time: ColumnElement[Any] = created
    if shape.updated_after and not (shape.tags or shape.asset or shape.run_ids or shape.job or shape.statuses):
        # Few runs changed lately: find them by that, and sort them. An index in the order asked for would tempt the planner to walk the
        # whole history in search of them; an expression has none.
        time = created + 0.0
    order = (time.asc(), row.asc()) if shape.ascending else (time.desc(), row.desc())
    query = query.order_by(*order).limit(value("limit"))
    states = numbered("status", shape.statuses)
    if shape.statuses > 1 and not (shape.tags or shape.asset or shape.run_ids):
        walks = [select(query.where(runs.c.status == value(name)).subquery()) for name in states]
        return Statement(union_all(*walks), *names), tuple(names)
    if shape.statuses:
        query = query.where(runs.c.status.in_([value(name) for name in states]))
    return Statement(query, *names), tuple(names)
