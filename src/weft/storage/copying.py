"""Moving an instance's storage from one database to another: every row as it is, ids and cursors included.

Tables are copied in the order of their references, each in the order of its primary key, some hundred rows in a transaction. How far it went is
written in the target in the same transaction, so a copy that was interrupted goes on where it stopped, and nothing is there twice. Until the end the target
says that it is incomplete. At the end the rows of each table are counted on both sides.

Nothing may write to the source meanwhile: what is written to a table that was copied already would be missing, and then the counts differ. Files (captured
output, journals, stored values) are not part of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from msgspec import Struct
from sqlalchemy import Column, ColumnElement, Table, and_, bindparam, func, insert, or_, select

from weft.errors import StorageError
from weft.storage.ports import Storage
from weft.storage.sql.database import Database, Row, Statement, Transaction, numbered
from weft.storage.sql.key_value_store import read_value, write_value
from weft.storage.sql.stores import SqlStores
from weft.storage.sql.tables import key_values, live_runs, metadata, runs

ROWS_AT_ONCE = 500
"""Rows of one transaction."""

MARK = "instance/copy"
"""The key of the target under which a copy keeps how far it is."""

_LIVE_STATES = ("STARTING", "STARTED", "CANCELING")

_VALUE_GONE = Statement(key_values.delete().where(key_values.c.key == bindparam("the_key")), "the_key")


class Copied(Struct, frozen=True, kw_only=True):
    """What a copy did."""

    # Rows of each table, in both databases.
    rows: Mapping[str, int]
    # Whether it went on with a copy that was interrupted.
    is_resumed: bool


class _Progress(Struct, frozen=True, kw_only=True):
    """How far a copy is: the table, and the primary key of the last row of it that is there."""

    source: str
    table: str | None = None
    after: tuple[Any, ...] = ()


def copy_storage(
    source: Storage,
    target: Storage,
    *,
    force: bool = False,
    progress: Callable[[str, int], object] | None = None,
) -> Copied:
    """Copy everything from `source` to `target`, an empty database.

    Args:
        source: nobody writes to it meanwhile.
        target: a new database, or one with a part of a copy of the same source.
        force: also where runs are live. Their workers go on writing to the source, so these runs end as lost in the target.
        progress: told the table and how many rows of it are copied, now and then.

    Raises:
        StorageError: WEFT-T070 one of the two is no database; T071 the target is not empty; T072 runs are live; T073 the counts differ at the end, because
            somebody wrote to the source. And whatever keeps a database from being used: the copy goes on with the next call.
    """
    read_from, write_to = _database_of(source), _database_of(target)
    place = _place_of(source)
    if not force:
        _refuse_live_runs(read_from, place)
    done = _begin(write_to, place, _place_of(target))
    is_resumed = done.table is not None
    tables = list(metadata.sorted_tables)
    names = [table.name for table in tables]
    for table in tables[0 if done.table is None else names.index(done.table) :]:
        after = done.after if table.name == done.table else ()
        _copy_table(read_from, write_to, table, place, after, progress)
    with read_from.read() as reading, write_to.write() as writing:
        for table in tables:
            if _counts_by_itself(table):
                writing.note_ids(table, reading.next_id(table) - 1)
    counts = {}
    with read_from.read() as reading, write_to.read() as checking:
        for table in tables:
            there, here = _count(reading, table), _count(checking, table)
            counts[table.name] = here
            if there != here:
                raise _counts_differ(table.name, there, here)
    with write_to.write() as writing:
        writing.run(_VALUE_GONE, (MARK,))
    return Copied(rows=counts, is_resumed=is_resumed)


def is_incomplete(storage: Storage) -> bool:
    """Whether a copy to this storage was begun and not finished."""
    return storage.keyvalue.get(MARK) is not None


def _copy_table(
    source: Database,
    target: Database,
    table: Table,
    place: str,
    after: Sequence[object],
    progress: Callable[[str, int], object] | None,
) -> None:
    new = _new_row(table)
    places = _places_of_key(table)
    copied = 0
    while True:
        with source.read() as reading:
            statement = _page(table, bool(after))
            rows = reading.all(statement, (*_up_to(after), ROWS_AT_ONCE))
        with target.write() as writing:
            if rows:
                after = [rows[-1][index] for index in places]
                kept = [row for row in rows if table is not key_values or row[0] != MARK]
                if len(places) == 1 and isinstance(after[0], int):
                    writing.make_room(table, after[0])
                writing.insert(new, kept)
            note = _Progress(source=place, table=table.name, after=tuple(after))
            write_value(writing, MARK, _written(note))
        copied += len(rows)
        if progress is not None:
            progress(table.name, copied)
        if len(rows) < ROWS_AT_ONCE:
            return


# --- statements ------------------------------------------------------------------------------------------------------


def _key(table: Table) -> list[Column[Any]]:
    return list(table.primary_key.columns)


def _places_of_key(table: Table) -> list[int]:
    columns = list(table.columns)
    return [columns.index(column) for column in _key(table)]


def _counts_by_itself(table: Table) -> bool:
    """Whether ids of the table are given by the storage: an integer key of its own, of which others are no part."""
    key = _key(table)
    return len(key) == 1 and table.autoincrement_column is not None and not key[0].foreign_keys


@cache
def _new_row(table: Table) -> Statement:
    return Statement(insert(table), *(column.name for column in table.columns))


@cache
def _page(table: Table, continued: bool) -> Statement:
    """A page of rows after a primary key. Parameters: what `_up_to` gives, limit."""
    key = _key(table)
    query = select(*table.columns)
    names = numbered("key", len(key) * (len(key) + 1) // 2) if continued else ()
    if continued:
        given = iter(names)
        later: list[ColumnElement[bool]] = []
        for length in range(len(key)):
            same = [column == bindparam(next(given)) for column in key[:length]]
            later.append(and_(*same, key[length] > bindparam(next(given))))
        query = query.where(or_(*later))
    return Statement(query.order_by(*key).limit(bindparam("limit")), *names, "limit")


def _up_to(key: Sequence[object]) -> list[object]:
    """The parameters of `_page` for the rows after `key`: (a > 1) or (a = 1 and b > 2) or (a = 1 and b = 2 and c > 3)..."""
    return [value for length in range(len(key)) for value in key[: length + 1]]


@cache
def _count_of(table: Table) -> Statement:
    query = select(func.count()).select_from(table)
    return Statement(query.where(table.c.key != MARK) if table is key_values else query)


@cache
def _any_of(table: Table) -> Statement:
    return Statement(select(_key(table)[0]).limit(1))


_LIVE = Statement(
    select(runs.c.run_id)
    .where(runs.c.status.in_([bindparam(name) for name in numbered("status", len(_LIVE_STATES))]))
    .limit(5),
    *numbered("status", len(_LIVE_STATES)),
)
_ACTIVE = Statement(
    select(runs.c.run_id)
    .join(live_runs, live_runs.c.run_row == runs.c.row_id)
    .where(live_runs.c.is_active == 1)
    .limit(5)
)


def _count(transaction: Transaction, table: Table) -> int:
    row: Row = transaction.one(_count_of(table)) or (0,)
    return int(row[0])


# --- before the copy -------------------------------------------------------------------------------------------------


def _begin(target: Database, place: str, target_place: str) -> _Progress:
    """The progress of a copy to `target`; one that begins is noted there."""
    with target.write() as writing:
        noted = read_value(writing, MARK)
        if noted is not None:
            done = _read(noted)
            if done.source != place:
                raise _not_empty(target_place, f"a part of a copy of {done.source}")
            return done
        for table in metadata.sorted_tables:
            if writing.one(_any_of(table)) is not None:
                raise _not_empty(target_place, f"rows of {table.name}")
        done = _Progress(source=place)
        write_value(writing, MARK, _written(done))
    return done


def _written(progress: _Progress) -> str:
    return json.dumps([progress.source, progress.table, list(progress.after)])


def _read(text: str) -> _Progress:
    source, table, after = json.loads(text)
    return _Progress(source=source, table=table, after=tuple(after))


def _database_of(storage: Storage) -> Database:
    if not isinstance(storage, SqlStores):
        kind = storage.describe().get("kind", "?")
        error = StorageError(
            "only databases can be copied, and only to databases.",
            code="WEFT-T070",
            facts={"storage": kind},
            fix="name the address of an SQLite folder, PostgreSQL or MySQL",
        )
        error.may_pass = False
        raise error
    database: Database = storage.database
    return database


def _place_of(storage: Storage) -> str:
    facts = storage.describe()
    return f"{facts['kind']} {facts['place']}"


def _refuse_live_runs(source: Database, place: str) -> None:
    with source.read() as reading:
        found = [run_id for (run_id,) in reading.all(_LIVE, _LIVE_STATES)]
        found += [run_id for (run_id,) in reading.all(_ACTIVE) if run_id not in found]
    if found:
        raise StorageError(
            "runs are going on in the storage that would be copied.",
            code="WEFT-T072",
            facts={"storage": place, "runs": found},
            fix="stop the daemon and wait for the runs to end, or cancel them; to copy all the same: --force",
        )


def _not_empty(place: str, found: str) -> StorageError:
    error = StorageError(
        "the storage that would be copied to is not empty.",
        code="WEFT-T071",
        facts={"storage": place, "found": found},
        fix="name a new, empty database",
    )
    error.may_pass = False
    return error


def _counts_differ(table: str, there: int, here: int) -> StorageError:
    error = StorageError(
        "the copy is not complete: somebody wrote to the storage while it was copied.",
        code="WEFT-T073",
        facts={"table": table, "rows in the source": there, "rows in the copy": here},
        fix="stop everything that uses the instance, and copy it to a new, empty database",
    )
    error.may_pass = False
    return error
