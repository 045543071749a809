"""What retention deletes of runs that are over, and what it leaves."""

from __future__ import annotations

from typing import Any

import pytest
from tests.conformance.storage.building import plan_of

from weft.errors import StorageError
from weft.model.events import AssetMaterialized, Event, LogMessage, RunFailed, RunStarted, RunSucceeded, StepStarted
from weft.model.keys import AssetKey
from weft.model.run import FailureReason, Run, RunStatus
from weft.storage.ports import Storage

ORDERS = AssetKey("orders")


def new_run(storage: Storage, run_id: str, *bodies: Any, at: float) -> None:
    """A run with these events, all at the same time."""
    storage.runs.create(Run(id=run_id, job_name="j", status=RunStatus.NOT_STARTED, created_at=at), plan_of("j"))
    storage.events.append(
        [
            Event(run_id=run_id, seq=seq, time=at, body=body, step_key="s" if isinstance(body, StepStarted) else None)
            for seq, body in enumerate(bodies, start=1)
        ]
    )


def finished(storage: Storage, run_id: str, *, at: float, body: Any = None) -> None:
    made = AssetMaterialized(asset_key=ORDERS, partition=run_id)
    new_run(storage, run_id, RunStarted(), StepStarted(), made, body or RunSucceeded(), at=at)


def test_runs_that_are_over_come_in_the_order_of_their_last_change(storage: Storage) -> None:
    finished(storage, "late", at=30.0)
    finished(storage, "early", at=10.0)
    finished(storage, "failed", at=20.0, body=RunFailed(reason=next(iter(FailureReason))))
    finished(storage, "young", at=99.0)
    new_run(storage, "live", RunStarted(), at=5.0)
    new_run(storage, "waiting", at=1.0)
    page = storage.history.over(before=50.0)
    assert page.items == ("early", "failed", "late")
    first = storage.history.over(before=50.0, limit=1)
    assert first.items == ("early",)
    assert storage.history.over(before=50.0, cursor=first.cursor).items == ("failed", "late")
    assert storage.history.over(before=50.0, cursor=page.cursor).items == ()
    assert storage.history.over(before=50.0, limit=0).items == ()


def test_runs_that_changed_at_the_same_instant_are_each_given_once(storage: Storage) -> None:
    for number in range(7):
        finished(storage, f"r{number}", at=10.0)
    found: list[str] = []
    cursor = None
    while (page := storage.history.over(before=11.0, cursor=cursor, limit=3)).items:
        found += page.items
        cursor = page.cursor
    assert found == [f"r{number}" for number in range(7)]


def test_a_cursor_of_another_list_is_refused(storage: Storage) -> None:
    with pytest.raises(StorageError) as caught:
        storage.history.over(before=1.0, cursor="nonsense")
    assert caught.value.code == "WEFT-T012"


def test_forgotten_events_are_gone_and_all_state_is_as_it_was(storage: Storage) -> None:
    finished(storage, "old", at=10.0)
    finished(storage, "other", at=20.0)
    before = (
        storage.runs.get("old"),
        storage.runs.plan("old"),
        storage.runs.steps("old"),
        storage.assets.get(ORDERS),
        storage.assets.partitions(ORDERS),
        storage.assets.partition_counts(ORDERS),
    )
    latest = storage.events.latest_id()
    assert storage.history.forget_events(["old", "nobody", "old"]) == 4
    assert storage.events.read("old") == ()
    assert [stored.event.run_id for stored in storage.events.of_asset(ORDERS)] == ["other"]
    assert [stored.event.run_id for stored in storage.events.of_types(["RUN_SUCCESS"])] == ["other"]
    assert before == (
        storage.runs.get("old"),
        storage.runs.plan("old"),
        storage.runs.steps("old"),
        storage.assets.get(ORDERS),
        storage.assets.partitions(ORDERS),
        storage.assets.partition_counts(ORDERS),
    )
    assert storage.events.latest_id() == latest
    assert storage.history.forget_events(["old"]) == 0
    assert storage.history.forget_events([]) == 0


def test_ids_of_forgotten_events_are_not_given_again(storage: Storage) -> None:
    finished(storage, "a", at=10.0)
    latest = storage.events.latest_id()
    storage.history.forget_events(["a"])
    new_run(storage, "b", LogMessage(message="x", level=20), at=20.0)
    assert storage.events.latest_id() > latest


def test_the_oldest_reports_go_first_and_those_of_runs_stay(storage: Storage) -> None:
    finished(storage, "r", at=1.0)
    for at in (10.0, 20.0, 30.0):
        storage.events.report([AssetMaterialized(asset_key=ORDERS)], at=at)
    assert storage.history.forget_reports(before=25.0, limit=1) == 1
    assert storage.history.forget_reports(before=25.0) == 1
    assert storage.history.forget_reports(before=25.0) == 0
    times = [stored.event.time for stored in storage.events.of_asset(ORDERS, ascending=True)]
    assert times == [1.0, 30.0]


def test_stretches_are_dropped_only_where_there_are_any(storage: Storage) -> None:
    finished(storage, "old", at=10.0)
    assert storage.history.drop_segments(before=1e9) == 0
    assert len(storage.events.read("old")) == 4
