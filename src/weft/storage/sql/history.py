"""`weft.storage.ports.History` over SQL."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from sqlalchemy import ColumnElement, bindparam, delete, select

from weft.storage.cursors import CHANGE_CURSOR
from weft.storage.ports import Page
from weft.storage.sql.database import Database, Statement, in_lists, numbered
from weft.storage.sql.tables import events, runs

_REPORTS = 0
"""Stands for the run of events that no run gave."""


def _over(*, continued: bool) -> Statement:
    # By the end and not by the state, which has an index of its own that would tempt the planner to sort the whole history.
    query = select(runs.c.run_id, runs.c.updated_at, runs.c.row_id).where(
        runs.c.updated_at < bindparam("before"), runs.c.ended_at.is_not(None)
    )
    if continued:
        at: ColumnElement[float] = bindparam("at")
        # The first condition alone bounds the walk; the second one is for runs that changed at the same instant.
        query = query.where(runs.c.updated_at >= at, (runs.c.updated_at > at) | (runs.c.row_id > bindparam("row")))
    return Statement(
        query.order_by(runs.c.updated_at, runs.c.row_id).limit(bindparam("limit")),
        "before",
        *(("at", "row") if continued else ()),
        "limit",
    )


_FIRST, _NEXT = _over(continued=False), _over(continued=True)
_OLD_REPORTS = Statement(
    select(events.c.id)
    .where(events.c.run_row == _REPORTS, events.c.time < bindparam("before"))
    .order_by(events.c.id)
    .limit(bindparam("limit")),
    "before",
    "limit",
)


@cache
def _rows_of(count: int) -> Statement:
    names = numbered("run", count)
    return Statement(select(runs.c.row_id).where(runs.c.run_id.in_([bindparam(name) for name in names])), *names)


@cache
def _drop_of_runs(count: int) -> Statement:
    names = numbered("row", count)
    return Statement(delete(events).where(events.c.run_row.in_([bindparam(name) for name in names])), *names)


@cache
def _drop_by_id(count: int) -> Statement:
    names = numbered("id", count)
    return Statement(delete(events).where(events.c.id.in_([bindparam(name) for name in names])), *names)


class SqlHistory:
    """Old rows of `events`, found by their runs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def over(self, *, before: float, cursor: str | None = None, limit: int = 500) -> Page[str]:
        """See `weft.storage.ports.History.over`."""
        place = () if cursor is None else CHANGE_CURSOR.read(cursor)
        if limit < 1:
            return Page(items=())
        with self._database.read() as transaction:
            rows = transaction.all(_NEXT if place else _FIRST, (before, *place, limit))
        return Page(
            items=tuple(row[0] for row in rows),
            cursor=CHANGE_CURSOR.write((rows[-1][1], rows[-1][2])) if rows else None,
        )

    def forget_events(self, run_ids: Sequence[str]) -> int:
        """See `weft.storage.ports.History.forget_events`."""
        wanted = list(dict.fromkeys(run_ids))
        deleted = 0
        with self._database.write() as transaction:
            transaction.keep_ids(events)
            for chunk in in_lists(wanted):
                rows = [row for (row,) in transaction.all(_rows_of(len(chunk)), chunk)]
                for some in in_lists(rows):
                    deleted += transaction.run(_drop_of_runs(len(some)), some)
        return deleted

    def forget_reports(self, *, before: float, limit: int = 1000) -> int:
        """See `weft.storage.ports.History.forget_reports`."""
        if limit < 1:
            return 0
        with self._database.write() as transaction:
            ids = [id for (id,) in transaction.all(_OLD_REPORTS, (before, limit))]
            if ids:
                transaction.keep_ids(events)
            for chunk in in_lists(ids):
                transaction.run(_drop_by_id(len(chunk)), chunk)
        return len(ids)

    def drop_segments(self, *, before: float) -> int:
        """See `weft.storage.ports.History.drop_segments`. There are none."""
        return 0
