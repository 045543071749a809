"""`weft.storage.ports.EventLog` over SQL: the hot path of the storage.

An append is one write transaction of few statements, whatever the size of the batch: read the runs, the highest numbers delivered and
the state that the batch touches; reduce; write the events in INSERTs of many rows and the changed state with one ``executemany`` for
each table. Bodies are encoded before the transaction begins, so that the lock is held for the database's work only.

Reading walks one index in the order of ids. Where several types are asked for, each is a walk of its own with the limit applied, and the
walks are merged: the cost is that of the answer, not of the history.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Set
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, bindparam, func, insert, select, text, union_all, update

from weft.model.asset_state import AssetState, PartitionStatus
from weft.model.codec import encode
from weft.model.events import BODY_DECODER, CONTROL_SOURCE, NO_RUN, AssetEventBody, Event, EventBody, StoredEvent
from weft.model.keys import AssetKey
from weft.model.run import RunStatus
from weft.model.step import Step
from weft.storage.failures import run_not_found
from weft.storage.ports import Appended
from weft.storage.projections import Changes, Current, Touched, is_fenced, may_announce, reduce, reported, touched_by
from weft.storage.sql.asset_ids import asset_ids
from weft.storage.sql.asset_rows import partition_statuses, states_of, write_assets, write_partitions
from weft.storage.sql.check_rows import write_checks
from weft.storage.sql.codes import ASSET_CODES, ASSET_EVENT_TYPES, EVENT_CODES, FIRST_ROUTINE_CODE
from weft.storage.sql.database import Database, Row, Statement, Transaction, in_lists, numbered
from weft.storage.sql.keys import sort_key
from weft.storage.sql.run_store import write_run_changes
from weft.storage.sql.step_rows import STATE_COLUMNS, STEP_COLUMNS, step_from_row, step_state
from weft.storage.sql.tables import assets, events, runs, steps

if TYPE_CHECKING:
    from weft.storage.sql.database import Query

_NEW_EVENT = Statement(
    insert(events),
    "id",
    "run_row",
    "source",
    "seq",
    "time",
    "type",
    "step_id",
    "asset_id",
    "partition",
    "payload",
)
_RUN_AND_LAST_SEQ = Statement(
    select(
        runs.c.row_id,
        runs.c.status,
        runs.c.worker,
        select(func.max(events.c.seq))
        .where(events.c.run_row == runs.c.row_id, events.c.source == bindparam("source_of"))
        .scalar_subquery(),
    ).where(runs.c.run_id == bindparam("run")),
    "source_of",
    "run",
)
_SEQS = Statement(
    select(events.c.seq).where(
        events.c.run_row == bindparam("run"),
        events.c.source == bindparam("source_of"),
        events.c.seq.between(bindparam("low"), bindparam("high")),
    ),
    "run",
    "source_of",
    "low",
    "high",
)
_LAST_SEQ_OF = Statement(
    select(func.max(events.c.seq)).where(
        events.c.run_row == select(runs.c.row_id).where(runs.c.run_id == bindparam("run")).scalar_subquery(),
        events.c.source == bindparam("source_of"),
    ),
    "run",
    "source_of",
)
_LATEST_ID = Statement(select(func.max(events.c.id)))
_NEW_STEP = Statement(insert(steps), "id", "run_row", "key", *STATE_COLUMNS)
_CHANGE_STEP = Statement(update(steps).where(steps.c.id == bindparam("the_id")), *STATE_COLUMNS, "the_id")
_NO_STATE: Row = (None,) * len(STATE_COLUMNS)
# Stands for the run of events that no run gave; rows of runs begin at 1.
_NO_RUN_ROW = 0
# Kinds of body to the number that stands for them.
_CODE_OF = {kind: EVENT_CODES[kind.__struct_config__.tag] for kind in EventBody.__args__}


@lru_cache(maxsize=16)
def _steps(count: int) -> Statement:
    names = numbered("key", count)
    return Statement(
        select(*STEP_COLUMNS).where(
            steps.c.run_row == bindparam("run"), steps.c.key.in_([bindparam(name) for name in names])
        ),
        "run",
        *names,
    )


@cache
def _last_seqs(count: int) -> Statement:
    """The highest numbers of a source in some runs: (row, number)."""
    names = numbered("run", count)
    query = select(events.c.run_row, func.max(events.c.seq)).where(
        events.c.source == bindparam("source_of"), events.c.run_row.in_([bindparam(name) for name in names])
    )
    return Statement(query.group_by(events.c.run_row), "source_of", *names)


class SqlEventLog:
    """Events in the table `events`, reduced to the state tables as they come."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, events: Sequence[Event]) -> Appended:
        """See `weft.storage.ports.EventLog.append`."""
        if not events:
            return Appended(stored=())
        payloads = [encode(event.body) for event in events]
        touched = touched_by(events)
        with self._database.write() as transaction:
            return _append(transaction, events, payloads, touched)

    def report(self, bodies: Sequence[AssetEventBody], *, at: float) -> tuple[StoredEvent, ...]:
        """See `weft.storage.ports.EventLog.report`."""
        if not bodies:
            return ()
        with self._database.write() as transaction:
            stored = reported(bodies, transaction.next_id(events), at)
            given = [one.event for one in stored]
            _write(transaction, stored, [encode(body) for body in bodies], touched_by(given), {NO_RUN: _NO_RUN_ROW}, {})
        return stored

    def announce(
        self,
        run_id: str,
        bodies: Sequence[EventBody],
        *,
        at: float,
        worker: int | None = None,
        expected: Collection[RunStatus] | None = None,
    ) -> bool:
        """See `weft.storage.ports.EventLog.announce`."""
        with self._database.write() as transaction:
            row = transaction.one(_RUN_AND_LAST_SEQ, (CONTROL_SOURCE, run_id))
            if row is None or not may_announce(RunStatus(row[1]), row[2], worker, expected):
                return False
            append_control(transaction, run_id, bodies, at)
        return True

    def read(
        self,
        run_id: str,
        *,
        after_id: int = 0,
        types: Sequence[str] | None = None,
        step_key: str | None = None,
        limit: int = 1000,
    ) -> tuple[StoredEvent, ...]:
        """See `weft.storage.ports.EventLog.read`."""
        codes = None if types is None else _codes(types)
        if limit < 1 or codes == []:
            return ()
        parameters = [run_id, *(() if step_key is None else (step_key,)), after_id, *(codes or ()), limit]
        with self._database.read() as transaction:
            rows = transaction.all(_of_run(len(codes or ()), step_key is not None), parameters)
        return _stored(rows)

    def get(self, event_id: int) -> StoredEvent | None:
        """See `weft.storage.ports.EventLog.get`."""
        with self._database.read() as transaction:
            rows = transaction.all(_EVENT, (event_id,))
        return next(iter(_stored(rows)), None)

    def last_seq(self, run_id: str, source: int) -> int:
        """See `weft.storage.ports.EventLog.last_seq`."""
        with self._database.read() as transaction:
            row = transaction.one(_LAST_SEQ_OF, (run_id, source))
        return 0 if row is None else row[0] or 0

    def of_asset(
        self,
        key: AssetKey,
        *,
        types: Sequence[str] | None = None,
        partition: str | None = None,
        limit: int = 50,
        before_id: int | None = None,
        after_id: int | None = None,
        ascending: bool = False,
    ) -> tuple[StoredEvent, ...]:
        """See `weft.storage.ports.EventLog.of_asset`."""
        codes = _codes(ASSET_EVENT_TYPES if types is None else types)
        if limit < 1 or not codes:
            return ()
        parameters = [
            sort_key(key.parts),
            0 if after_id is None else after_id,
            _BEYOND_ALL_IDS if before_id is None else before_id,
            *(() if partition is None else (partition,)),
            *codes,
            limit,
        ]
        with self._database.read() as transaction:
            rows = transaction.all(_of_asset(len(codes), partition is not None, ascending), parameters)
        return _stored(rows)

    def of_types(
        self,
        types: Sequence[str],
        *,
        after_id: int = 0,
        before_id: int | None = None,
        limit: int = 1000,
        ascending: bool = True,
    ) -> tuple[StoredEvent, ...]:
        """See `weft.storage.ports.EventLog.of_types`."""
        codes = _codes(types)
        if limit < 1 or not codes:
            return ()
        indexed = sum(code < FIRST_ROUTINE_CODE for code in codes)  # they are sorted: these come first
        bounds = (after_id, _BEYOND_ALL_IDS if before_id is None else before_id)
        with self._database.read() as transaction:
            rows = transaction.all(_of_types(indexed, len(codes) - indexed, ascending), [*bounds, *codes, limit])
        return _stored(rows)

    def latest_id(self) -> int:
        """See `weft.storage.ports.EventLog.latest_id`."""
        with self._database.read() as transaction:
            row = transaction.one(_LATEST_ID)
        return 0 if row is None else row[0] or 0


# --- appending -------------------------------------------------------------------------------------------------------


def _append(transaction: Transaction, given: Sequence[Event], payloads: Sequence[bytes], touched: Touched) -> Appended:
    run_rows: dict[str, int] = {}
    statuses: dict[str, RunStatus] = {}
    fenced: set[tuple[str, int]] = set()
    new = _new_ones(transaction, given, run_rows, statuses, fenced)
    if not new:
        return Appended(stored=())
    if len(new) < len(given):
        touched = touched_by(given[index] for index in new)
    first_id = transaction.next_id(events)
    stored = tuple(StoredEvent(id=id, event=given[index]) for id, index in enumerate(new, start=first_id))
    changes = _write(transaction, stored, [payloads[index] for index in new], touched, run_rows, statuses, fenced)
    write_run_changes(transaction, [(run_rows[run_id], change) for run_id, change in changes.runs.items()])
    return Appended(stored=stored, refused=tuple(changes.refused))


def append_control(
    transaction: Transaction, run_id: str, bodies: Sequence[EventBody], at: float
) -> tuple[StoredEvent, ...]:
    """Append events of the control plane to a run, in a write transaction that does more. The caller has the run locked."""
    [last] = transaction.one(_LAST_SEQ_OF, (run_id, CONTROL_SOURCE)) or (None,)
    given = [
        Event(run_id=run_id, source=CONTROL_SOURCE, seq=seq, time=at, body=body)
        for seq, body in enumerate(bodies, start=(last or 0) + 1)
    ]
    return _append(transaction, given, [encode(body) for body in bodies], touched_by(given)).stored


def append_control_of_runs(
    transaction: Transaction,
    bodies: Mapping[str, Sequence[EventBody]],
    run_rows: dict[str, int],
    statuses: dict[str, RunStatus],
    at: float,
) -> None:
    """`append_control` for several runs, whose rows and states were read in this write transaction."""
    last: dict[int, int] = {}
    for chunk in in_lists([run_rows[run_id] for run_id in bodies]):
        last.update(transaction.all(_last_seqs(len(chunk)), (CONTROL_SOURCE, *chunk)))
    given = [
        Event(run_id=run_id, source=CONTROL_SOURCE, seq=seq, time=at, body=body)
        for run_id, some in bodies.items()
        for seq, body in enumerate(some, start=last.get(run_rows[run_id], 0) + 1)
    ]
    first_id = transaction.next_id(events)
    stored = [StoredEvent(id=id, event=event) for id, event in enumerate(given, start=first_id)]
    payloads = [encode(event.body) for event in given]
    changes = _write(transaction, stored, payloads, touched_by(given), run_rows, statuses)
    write_run_changes(transaction, [(run_rows[run_id], change) for run_id, change in changes.runs.items()])


def _write(
    transaction: Transaction,
    stored: Sequence[StoredEvent],
    payloads: Sequence[bytes],
    touched: Touched,
    run_rows: dict[str, int],
    statuses: dict[str, RunStatus],
    fenced: Set[tuple[str, int]] = frozenset(),
) -> Changes:
    """Write new events, and what they change of steps and assets. Those of `fenced` workers are history only."""
    step_ids, known_steps = _steps_of(transaction, touched, run_rows)
    ids_of_assets: dict[AssetKey, int] = {}
    asset_states: dict[AssetKey, AssetState] = {}
    partitions: dict[tuple[AssetKey, str], PartitionStatus] = {}
    if touched.asset_keys:
        ids_of_assets = asset_ids(transaction, touched.asset_keys)
        asset_states = states_of(transaction, ids_of_assets)
        partitions = partition_statuses(transaction, ids_of_assets, touched.partitions)
    heard = [one for one in stored if (one.event.run_id, one.event.source) not in fenced] if fenced else stored
    changes = reduce(heard, Current(runs=statuses, steps=known_steps, assets=asset_states, partitions=partitions))
    if fenced:
        changes.refused += [one.event for one in stored if (one.event.run_id, one.event.source) in fenced]
    # New steps before the events that name them; an event is never seen without what it names.
    _write_steps(transaction, touched, changes, run_rows, step_ids)
    rows = []
    for one, payload in zip(stored, payloads, strict=True):
        event = one.event
        body = event.body
        code = _CODE_OF[type(body)]
        asset_id = partition = None
        if code in ASSET_CODES:
            key = event.asset_key
            assert key is not None
            asset_id, partition = ids_of_assets[key], event.partition
        run_id, step_key = event.run_id, event.step_key
        rows.append(
            (
                one.id,
                run_rows[run_id],
                event.source,
                event.seq,
                event.time,
                code,
                None if step_key is None else step_ids[run_id, step_key],
                asset_id,
                partition,
                payload,
            )
        )
    transaction.insert(_NEW_EVENT, rows)
    if changes.assets:
        write_assets(transaction, changes)
        write_partitions(transaction, ids_of_assets, changes, partitions)
        write_checks(transaction, ids_of_assets, changes)
    return changes


def _new_ones(
    transaction: Transaction,
    given: Sequence[Event],
    run_rows: dict[str, int],
    statuses: dict[str, RunStatus],
    fenced: set[tuple[str, int]],
) -> list[int]:
    """The places of the events that are not in the log yet, each once, in the order given.

    Fills in rows and states of the runs, and which of the workers that wrote the events are fenced off.
    """
    by_source: dict[tuple[str, int], list[int]] = {}
    origins = [(event.run_id, event.source) for event in given]
    if origins.count(origins[0]) == len(origins):  # a journal ships its own events only
        by_source[origins[0]] = list(range(len(origins)))
    else:
        for index, origin in enumerate(origins):
            by_source.setdefault(origin, []).append(index)
    new: list[int] = []
    for (run_id, source), places in by_source.items():
        row = transaction.one(_RUN_AND_LAST_SEQ, (source, run_id))
        if row is None:
            raise run_not_found(run_id)
        run_rows[run_id], status, worker, last = row
        if is_fenced(source, worker):
            fenced.add((run_id, source))
        statuses[run_id] = RunStatus(status)
        seqs = [given[place].seq for place in places]
        low, high = min(seqs), max(seqs)
        seen: set[int] = set()
        if last is None or low > last:
            if len(set(seqs)) == len(seqs):  # nearly always: a journal counts up
                new += places
                continue
        else:
            seen.update(seq for (seq,) in transaction.all(_SEQS, (run_rows[run_id], source, low, high)))
        for place, seq in zip(places, seqs, strict=True):
            if seq not in seen:
                seen.add(seq)
                new.append(place)
    new.sort()
    return new


def _steps_of(
    transaction: Transaction, touched: Touched, run_rows: dict[str, int]
) -> tuple[dict[tuple[str, str], int], dict[tuple[str, str], Step]]:
    """The ids of the touched steps that have a row, and the state of those that have one."""
    ids: dict[tuple[str, str], int] = {}
    known: dict[tuple[str, str], Step] = {}
    by_run: dict[str, list[str]] = {}
    for run_id, step_key in touched.steps:
        by_run.setdefault(run_id, []).append(step_key)
    for run_id, step_keys in by_run.items():
        for chunk in in_lists(step_keys):
            for row in transaction.all(_steps(len(chunk)), (run_rows[run_id], *chunk)):
                ids[run_id, row[1]] = row[0]
                if row[2] is not None:
                    known[run_id, row[1]] = step_from_row(run_id, row)
    return ids, known


def _write_steps(
    transaction: Transaction,
    touched: Touched,
    changes: Changes,
    run_rows: dict[str, int],
    ids: dict[tuple[str, str], int],
) -> None:
    """Write new and changed steps, and add the ids of new ones to `ids`."""
    changed = [(*step_state(step), ids[place]) for place, step in changes.steps.items() if place in ids]
    new = []
    if len(ids) < len(touched.steps):
        next_id = transaction.next_id(steps)
        for place in touched.steps:
            if place not in ids:
                ids[place] = next_id
                step = changes.steps.get(place)
                state = _NO_STATE if step is None else step_state(step)
                new.append((next_id, run_rows[place[0]], place[1], *state))
                next_id += 1
        transaction.run_many(_NEW_STEP, new)
    if changed:
        transaction.run_many(_CHANGE_STEP, changed)


# --- reading ---------------------------------------------------------------------------------------------------------

_BEYOND_ALL_IDS = (1 << 63) - 1

_INNER = (
    events.c.id,
    events.c.run_row,
    events.c.source,
    events.c.seq,
    events.c.time,
    events.c.step_id,
    events.c.payload,
)


def _named(inner: Query, *, ascending: bool = True) -> Query:
    """`inner`, a limited walk over `_INNER`, with the names of run and step: first the walk, then a lookup for each row."""
    walk = inner.subquery("walk")
    return (
        select(
            walk.c.id,
            func.coalesce(runs.c.run_id, NO_RUN),
            walk.c.source,
            walk.c.seq,
            walk.c.time,
            steps.c.key,
            walk.c.payload,
        )
        .select_from(
            walk.outerjoin(runs, runs.c.row_id == walk.c.run_row).outerjoin(steps, steps.c.id == walk.c.step_id)
        )
        .order_by(walk.c.id.asc() if ascending else walk.c.id.desc())
    )


_EVENT = Statement(_named(select(*_INNER).where(events.c.id == bindparam("event_id")).limit(1)), "event_id")


@lru_cache(maxsize=64)
def _of_run(types: int, step: bool) -> Statement:
    """Events of one run or one of its steps. Parameters: run, step, after, types, limit."""
    run_row = select(runs.c.row_id).where(runs.c.run_id == bindparam("run")).scalar_subquery()
    names = numbered("type", types)
    inner = select(*_INNER).where(events.c.id > bindparam("after"))
    if step:
        step_id = select(steps.c.id).where(steps.c.run_row == run_row, steps.c.key == bindparam("step"))
        inner = inner.where(events.c.step_id == step_id.scalar_subquery())
    else:
        inner = inner.where(events.c.run_row == run_row)
    if types:
        inner = inner.where(events.c.type.in_([bindparam(name) for name in names]))
    inner = _limited(inner, events.c.id.asc())
    return Statement(_named(inner), "run", *(("step",) if step else ()), "after", *names, "limit")


@lru_cache(maxsize=64)
def _of_asset(types: int, partition: bool, ascending: bool) -> Statement:
    """Events of one asset. Parameters: sort key, after, before, partition, types, limit."""
    names = numbered("type", types)
    asset_id = select(assets.c.id).where(assets.c.sort_key == bindparam("key")).scalar_subquery()
    order = events.c.id.asc() if ascending else events.c.id.desc()
    about = select(*_INNER).where(
        events.c.asset_id == asset_id, events.c.id > bindparam("after"), events.c.id < bindparam("before")
    )
    if partition:
        inner = _limited(
            about.where(
                events.c.partition == bindparam("partition_of"),
                events.c.type.in_([bindparam(name) for name in names]),
            ),
            order,
        )
    else:
        walks = [_limited(about.where(events.c.type == bindparam(name)), order) for name in names]
        inner = _merged(walks, ascending=ascending)
    return Statement(
        _named(inner, ascending=ascending),
        "key",
        "after",
        "before",
        *(("partition_of",) if partition else ()),
        *names,
        "limit",
    )


@lru_cache(maxsize=64)
def _of_types(indexed: int, routine: int, ascending: bool) -> Statement:
    """Events of some types over all runs. Parameters: after, before, types with an index, routine types, limit."""
    names = numbered("type", indexed + routine)
    order = events.c.id.asc() if ascending else events.c.id.desc()
    between = select(*_INNER).where(events.c.id > bindparam("after"), events.c.id < bindparam("before"))
    # The condition in the words of the partial index, else the index is not used.
    rare = between.where(text(f"type < {FIRST_ROUTINE_CODE}"))
    walks = [_limited(rare.where(events.c.type == bindparam(name)), order) for name in names[:indexed]]
    if routine:
        # One walk along the log itself for all of them.
        walks.append(_limited(between.where(events.c.type.in_([bindparam(name) for name in names[indexed:]])), order))
    inner = _merged(walks, ascending=ascending)
    return Statement(_named(inner, ascending=ascending), "after", "before", *names, "limit")


def _limited(walk: Query, order: ColumnElement[Any]) -> Query:
    return walk.order_by(order).limit(bindparam("limit"))


def _merged(walks: Sequence[Query], *, ascending: bool) -> Query:
    """The first events of any of `walks`, in the order of ids."""
    if len(walks) == 1:
        return walks[0]
    merged = union_all(*(select(walk.subquery()) for walk in walks)).subquery("merged")
    return _limited(select(merged), merged.c.id.asc() if ascending else merged.c.id.desc())


def _codes(types: Sequence[str]) -> list[int]:
    """The numbers of those types that exist, each once."""
    return sorted({EVENT_CODES[type] for type in types if type in EVENT_CODES})


def _stored(rows: Sequence[Row]) -> tuple[StoredEvent, ...]:
    decode = BODY_DECODER.decode
    return tuple(
        StoredEvent(
            id=id,
            event=Event(run_id=run_id, source=source, seq=seq, time=time, step_key=step_key, body=decode(payload)),
        )
        for id, run_id, source, seq, time, step_key, payload in rows
    )
