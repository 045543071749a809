"""Deleting old history by the settings of the instance: events, captured output, runs. The state of assets stays.

Runs are visited in the order of their last change, each once for its events and once for its output: how far that went is kept in the storage, so a
daemon that starts again goes on, and two at once do no harm. Each transaction is small, and `apply_retention` does a bounded amount of work, so that
whoever calls it stays in reach; `RetentionSummary.is_complete` says whether there is more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from weft.config.instance_settings import RetentionSettings
from weft.errors import StorageError
from weft.planning.retention import cutoffs
from weft.runs.environment import RunEnvironment

RUNS_AT_ONCE = 50
"""Runs of one transaction. Other writers wait that long: some milliseconds."""

_REPORTS_AT_ONCE = 2_000
"""Events without a run of one call."""

_EVENTS_KEY = "retention/events"
_LOGS_KEY = "retention/logs"


class RetentionSummary(Struct, frozen=True, kw_only=True):
    """What was deleted."""

    events: int = 0
    # Runs whose captured output went.
    logs: int = 0
    runs: int = 0
    # Stretches of the log that were dropped whole; their events are not among `events`.
    segments: int = 0
    # False: there is more to delete, call again.
    is_complete: bool = True


def apply_retention(
    environment: RunEnvironment, settings: RetentionSettings, *, now: float, most_runs: int = 1_000
) -> RetentionSummary:
    """Delete what is older than `settings` say at `now` (seconds since the epoch), of at most `most_runs` runs each for events, output and runs.

    Raises:
        StorageError: the storage cannot be used. What was deleted stays deleted, and the next call goes on from there.
    """
    limits = cutoffs(settings, now=now)
    history = environment.storage.history
    segments = events = 0
    is_complete = True
    if limits.runs is not None:
        runs, is_complete = _delete_runs(environment, limits.runs, most_runs)
    else:
        runs = 0
    if limits.events is not None:
        segments = history.drop_segments(before=limits.events)
        events, visited_all = _visit(environment, _EVENTS_KEY, limits.events, most_runs, history.forget_events)
        reports = history.forget_reports(before=limits.events, limit=_REPORTS_AT_ONCE)
        events += reports
        is_complete = is_complete and visited_all and reports < _REPORTS_AT_ONCE
    logs = 0
    if limits.logs is not None:
        logs, visited_all = _visit(
            environment, _LOGS_KEY, limits.logs, most_runs, lambda ids: _delete_logs(environment, ids)
        )
        is_complete = is_complete and visited_all
    return RetentionSummary(events=events, logs=logs, runs=runs, segments=segments, is_complete=is_complete)


def _visit(
    environment: RunEnvironment, key: str, before: float, most_runs: int, delete: Callable[[Sequence[str]], int]
) -> tuple[int, bool]:
    """Delete something of the runs that are due and were not visited yet; returns how much, and whether all were visited."""
    history, values = environment.storage.history, environment.storage.keyvalue
    deleted = visited = 0
    while visited < most_runs:
        known = values.get(key)
        try:
            page = history.over(before=before, cursor=known, limit=RUNS_AT_ONCE)
        except StorageError as error:
            if error.code != "WEFT-T012":
                raise
            # Another version wrote it in another form: visiting runs again finds nothing left of them.
            values.delete(key)
            continue
        if not page.items or page.cursor is None:
            return deleted, True
        deleted += delete(page.items)
        visited += len(page.items)
        values.compare_and_set(key, expected=known, value=page.cursor)
    return deleted, False


def _delete_runs(environment: RunEnvironment, before: float, most_runs: int) -> tuple[int, bool]:
    """Delete runs with all that belongs to them; returns how many, and whether there are no more."""
    deleted = 0
    while deleted < most_runs:
        page = environment.storage.history.over(before=before, limit=RUNS_AT_ONCE)
        if not page.items:
            return deleted, True
        for run_id in page.items:
            environment.logs.delete(run_id)
            environment.storage.runs.delete(run_id)
        deleted += len(page.items)
    return deleted, False


def _delete_logs(environment: RunEnvironment, run_ids: Sequence[str]) -> int:
    count = 0
    for run_id in run_ids:
        if environment.logs.files(run_id):
            environment.logs.delete(run_id)
            count += 1
    return count
