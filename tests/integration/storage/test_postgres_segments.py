"""The log on PostgreSQL is cut into segments, made ahead of time and dropped whole."""

from __future__ import annotations

from typing import Any

import pytest

from weft.model.events import AssetMaterialized, Event, LogMessage, RunStarted, RunSucceeded
from weft.model.keys import AssetKey
from weft.model.plan import RunPlan
from weft.model.run import Run, RunStatus
from weft.storage.opening import open_storage
from weft.storage.sql import postgres_dialect

IDS = 100


@pytest.fixture
def storage(new_postgres_database: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A storage with small segments."""
    monkeypatch.setattr(postgres_dialect, "SEGMENT_IDS", IDS)
    monkeypatch.setattr(postgres_dialect, "_AHEAD_IDS", 20)
    made = open_storage(new_postgres_database)
    yield made
    made.close()


def new_run(storage: Any, run_id: str, *, at: float, events: int = 18, ends: bool = True) -> None:
    storage.runs.create(
        Run(id=run_id, job_name="j", status=RunStatus.NOT_STARTED, created_at=at), RunPlan(job_name="j", steps=())
    )
    lines = [LogMessage(message="x", level=20)] * events
    bodies = [RunStarted(), *lines, *([RunSucceeded()] if ends else [])]
    storage.events.append(
        [Event(run_id=run_id, seq=seq, time=at, body=body) for seq, body in enumerate(bodies, start=1)]
    )


def segments(storage: Any) -> list[tuple[int, int]]:
    with storage.database.read() as transaction:
        return [(first, end) for _, first, end in postgres_dialect.segments(transaction.cursor, "events")]


def test_segments_are_made_before_they_are_needed(storage: Any) -> None:
    for number in range(20):
        new_run(storage, f"r{number}", at=float(number))
        last = storage.events.latest_id()
        assert segments(storage)[-1][1] > last + 1
    assert [first for first, _ in segments(storage)] == [IDS * place for place in range(len(segments(storage)))]
    assert [len(storage.events.read(f"r{number}")) for number in range(20)] == [20] * 20


def test_a_batch_may_be_longer_than_a_segment(storage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_dialect, "_AHEAD_IDS", 400)
    new_run(storage, "long", at=1.0, events=350)
    assert len(storage.events.read("long")) == 352


def test_delivery_is_idempotent_across_segments(storage: Any) -> None:
    new_run(storage, "a", at=1.0, ends=False)
    for number in range(10):
        new_run(storage, f"r{number}", at=2.0)
    again = [Event(run_id="a", seq=2, time=1.0, body=LogMessage(message="x", level=20))]
    assert storage.events.append(again).stored == ()


def test_old_segments_are_dropped_whole_and_state_stays(storage: Any) -> None:
    key = AssetKey("orders")
    storage.events.report([AssetMaterialized(asset_key=key)], at=1.0)
    for number in range(20):
        new_run(storage, f"r{number}", at=float(number))
    state = storage.assets.get(key)
    assert storage.history.drop_segments(before=12.0) == 2, "to the id 200, which was reached at the time 9"
    assert segments(storage)[0] == (200, 300)
    assert storage.events.read("r5") == ()
    assert len(storage.events.read("r12")) == 20
    assert storage.assets.get(key) == state
    assert storage.history.drop_segments(before=12.0) == 0
    assert storage.history.drop_segments(before=1e9) == 2, "the segment that is written to stays"
    last = storage.events.latest_id()
    new_run(storage, "next", at=99.0)
    assert storage.events.latest_id() == last + 20


@pytest.mark.parametrize("why", ["a live run", "a run that changed lately", "a young report"])
def test_a_segment_stays_as_long_as_one_event_of_it_must(storage: Any, why: str) -> None:
    if why == "a live run":
        new_run(storage, "live", at=0.0, ends=False)
    elif why == "a run that changed lately":
        new_run(storage, "long", at=0.0, ends=False)
    else:
        storage.events.report([AssetMaterialized(asset_key=AssetKey("orders"))], at=999.0)
    for number in range(20):
        new_run(storage, f"r{number}", at=float(number))
    if why == "a run that changed lately":
        storage.events.append([Event(run_id="long", seq=99, time=999.0, body=RunSucceeded())])
    assert storage.history.drop_segments(before=500.0) == 3
    assert segments(storage)[0] == (0, 100)


def test_an_empty_log_has_nothing_to_drop(storage: Any) -> None:
    assert storage.history.drop_segments(before=1e9) == 0
