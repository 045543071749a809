"""The laws of `EventLog`."""

from __future__ import annotations

import pytest
from tests.conformance.storage.building import ORDERS, Journal, new_run

from weft.errors import RunNotFoundError
from weft.model.events import (
    EVENT_TYPES,
    AssetCheckEvaluated,
    AssetFailedToMaterialize,
    AssetMaterialized,
    AssetObserved,
    Event,
    HookCompleted,
    LogMessage,
    RunStarted,
    RunSucceeded,
    StepOutput,
    StepStarted,
    StepSucceeded,
    StoredEvent,
)
from weft.model.keys import AssetCheckKey, AssetKey
from weft.model.metadata import FloatMetadataValue, MetadataValue
from weft.storage.ports import Storage


def types(found: tuple[StoredEvent, ...]) -> list[str]:
    return [stored.event.type for stored in found]


def ids(found: tuple[StoredEvent, ...]) -> list[int]:
    return [stored.id for stored in found]


def test_events_are_read_back_as_they_were_written(storage: Storage) -> None:
    new_run(storage)
    journal = Journal(storage)
    events = [
        journal.event(RunStarted(pid=3, host="h")),
        journal.event(
            AssetMaterialized(
                asset_key=AssetKey(["a/b", "c"]),
                partition="p|q",
                metadata={"rows": MetadataValue.int(3), "loss": FloatMetadataValue(float("inf"))},
                tags={"t": "u"},
                data_version="v",
                code_version="w",
                input_data_versions={"a": "1"},
            ),
            "a",
        ),
        journal.event(LogMessage(message="x", level=20, fields={"n": [1, {"m": None}]}), "a"),
    ]
    appended = storage.events.append(events)
    assert [stored.event for stored in appended.stored] == events
    assert appended.refused == ()
    assert storage.events.read("r1") == appended.stored
    for stored in appended.stored:
        assert storage.events.get(stored.id) == stored


def test_ids_grow_in_the_order_of_arrival(storage: Storage) -> None:
    new_run(storage, "r1")
    new_run(storage, "r2")
    one, two = Journal(storage, "r1"), Journal(storage, "r2")
    stored = (*one.write(RunStarted()), *two.write(RunStarted(), RunSucceeded()), *one.write(RunSucceeded()))
    assert ids(stored) == sorted(set(ids(stored)))
    assert storage.events.latest_id() == stored[-1].id
    assert types(storage.events.of_types(EVENT_TYPES)) == ["RUN_START", "RUN_START", "RUN_SUCCESS", "RUN_SUCCESS"]


def test_ids_are_never_used_again(storage: Storage) -> None:
    new_run(storage, "r1")
    [first] = Journal(storage).write(RunStarted())
    storage.runs.delete("r1")
    assert storage.events.latest_id() == 0
    new_run(storage, "r2")
    [second] = Journal(storage, "r2").write(RunStarted())
    assert second.id > first.id


def test_an_empty_log_has_no_events(storage: Storage) -> None:
    assert storage.events.latest_id() == 0
    assert storage.events.get(1) is None
    assert storage.events.read("nobody") == ()
    assert storage.events.last_seq("nobody", 1) == 0
    assert storage.events.of_asset(ORDERS) == ()
    assert storage.events.of_types(["RUN_START"]) == ()
    assert storage.events.append([]).stored == ()


def test_delivery_is_idempotent(storage: Storage) -> None:
    new_run(storage)
    journal = Journal(storage)
    events = [
        journal.event(RunStarted()),
        journal.event(StepStarted(), "a"),
        journal.event(AssetMaterialized(asset_key=ORDERS, partition="p"), "a"),
        journal.event(StepSucceeded(cpu_seconds=1.0), "a"),
    ]
    storage.events.append(events[:3])
    appended = storage.events.append(events)
    assert [stored.event for stored in appended.stored] == events[3:]
    assert storage.events.append(events).stored == ()
    assert [stored.event for stored in storage.events.read("r1")] == events
    state = storage.assets.get(ORDERS)
    assert state is not None
    assert state.materialization_count == 1
    assert storage.assets.partition_counts(ORDERS) == {"MATERIALIZED": 1}
    assert storage.runs.steps("r1")[0].cpu_seconds == 1.0


def test_an_event_given_twice_in_one_batch_is_stored_once(storage: Storage) -> None:
    new_run(storage)
    event = Journal(storage).event(AssetMaterialized(asset_key=ORDERS))
    assert len(storage.events.append([event, event]).stored) == 1
    state = storage.assets.get(ORDERS)
    assert state is not None
    assert state.materialization_count == 1


def test_what_only_a_repeated_number_mentions_is_not_there(storage: Storage) -> None:
    new_run(storage)
    journal = Journal(storage)
    first = journal.event(LogMessage(message="x", level=20))
    repeated = Event(run_id="r1", seq=first.seq, time=5.0, body=StepStarted(), step_key="late")
    asset = Event(run_id="r1", seq=first.seq, time=5.0, body=AssetMaterialized(asset_key=ORDERS))
    early, late = journal.event(StepStarted(), "early"), journal.event(StepStarted(), "late")
    storage.events.append([first, repeated, asset, early, late])
    assert [step.key for step in storage.runs.steps("r1")] == ["early", "late"]
    assert storage.assets.get(ORDERS) is None


def test_late_numbers_fill_gaps(storage: Storage) -> None:
    new_run(storage)
    journal = Journal(storage)
    events = [journal.event(LogMessage(message=str(number), level=20)) for number in range(6)]
    storage.events.append([events[1], events[4]])
    storage.events.append([events[5], events[0], events[4], events[3]])
    storage.events.append(events)
    assert [stored.event.seq for stored in storage.events.read("r1")] == [2, 5, 6, 1, 4, 3]
    assert storage.events.last_seq("r1", 1) == 6


def test_sources_count_apart(storage: Storage) -> None:
    new_run(storage)
    worker, control = Journal(storage, source=1), Journal(storage, source=0)
    worker.write(RunStarted(), LogMessage(message="x", level=20))
    control.write(LogMessage(message="y", level=20))
    assert (storage.events.last_seq("r1", 1), storage.events.last_seq("r1", 0)) == (2, 1)
    assert storage.events.last_seq("r1", 2) == 0
    assert [(s.event.source, s.event.seq) for s in storage.events.read("r1")] == [(1, 1), (1, 2), (0, 1)]


def test_nothing_is_stored_when_a_run_is_unknown(storage: Storage) -> None:
    new_run(storage)
    journal = Journal(storage)
    good = journal.event(AssetMaterialized(asset_key=ORDERS), "a")
    bad = Event(run_id="nobody", seq=1, time=1.0, body=RunStarted())
    with pytest.raises(RunNotFoundError) as caught:
        storage.events.append([good, bad])
    assert caught.value.code == "WEFT-T010"
    assert caught.value.facts["run"] == "nobody"
    assert storage.events.read("r1") == ()
    assert storage.events.latest_id() == 0
    assert storage.assets.get(ORDERS) is None
    assert len(storage.events.append([good]).stored) == 1


def test_a_batch_may_belong_to_several_runs(storage: Storage) -> None:
    journals = []
    for number in range(40):
        new_run(storage, f"r{number}")
        journals.append(Journal(storage, f"r{number}"))
    storage.events.append([journal.event(body) for body in (RunStarted(), RunSucceeded()) for journal in journals])
    for number in range(40):
        assert types(storage.events.read(f"r{number}")) == ["RUN_START", "RUN_SUCCESS"]


def test_a_run_is_read_in_pages_and_by_type_and_step(storage: Storage) -> None:
    new_run(storage, "r1")
    new_run(storage, "r2")
    journal = Journal(storage)
    journal.write(RunStarted())
    for key in ("a", "b"):
        journal.write(StepStarted(), LogMessage(message=key, level=20), StepSucceeded(), step_key=key)
        Journal(storage, "r2", source=ord(key)).write(LogMessage(message="other", level=20), step_key=key)
    everything = storage.events.read("r1")
    assert len(everything) == 7

    paged: list[StoredEvent] = []
    while page := storage.events.read("r1", after_id=paged[-1].id if paged else 0, limit=2):
        paged += page
    assert tuple(paged) == everything

    assert types(storage.events.read("r1", step_key="b")) == ["STEP_START", "LOG_MESSAGE", "STEP_SUCCESS"]
    assert storage.events.read("r1", step_key="nothing") == ()
    assert types(storage.events.read("r1", types=["STEP_START", "RUN_START"])) == [
        "RUN_START",
        "STEP_START",
        "STEP_START",
    ]
    assert types(storage.events.read("r1", types=["STEP_SUCCESS"], step_key="a")) == ["STEP_SUCCESS"]
    assert storage.events.read("r1", types=[]) == ()
    assert storage.events.read("r1", types=["NO_SUCH_TYPE"]) == ()
    assert storage.events.read("r1", limit=0) == ()
    assert storage.events.read("r1", after_id=everything[-1].id) == ()


def test_events_of_an_asset_come_newest_first_unless_ascending(storage: Storage) -> None:
    new_run(storage, "r1")
    new_run(storage, "r2")
    journal = Journal(storage)
    check = AssetCheckKey(ORDERS, "c")
    stored = journal.write(
        AssetMaterialized(asset_key=ORDERS, partition="p"),
        AssetObserved(asset_key=ORDERS),
        LogMessage(message="not about it", level=20),
        AssetMaterialized(asset_key=AssetKey(["orders", "daily"])),
        AssetCheckEvaluated(check_key=check, passed=True, partition="p"),
        AssetFailedToMaterialize(asset_key=ORDERS, partition="q"),
    )
    stored += Journal(storage, "r2").write(AssetMaterialized(asset_key=ORDERS, partition="q"))
    about = [stored[0], stored[1], stored[4], stored[5], stored[6]]
    of = storage.events.of_asset
    assert list(of(ORDERS, ascending=True)) == about
    assert list(of(ORDERS)) == about[::-1]
    assert list(of(ORDERS, types=["ASSET_MATERIALIZATION"])) == [about[4], about[0]]
    assert list(of(ORDERS, types=["ASSET_OBSERVATION", "ASSET_CHECK_EVALUATION"], ascending=True)) == about[1:3]
    assert list(of(ORDERS, partition="q")) == [about[4], about[3]]
    assert list(of(ORDERS, partition="p", types=["ASSET_CHECK_EVALUATION"])) == [about[2]]
    assert list(of(ORDERS, limit=2)) == about[:-3:-1]
    assert list(of(ORDERS, before_id=about[3].id)) == about[2::-1]
    assert list(of(ORDERS, after_id=about[2].id)) == about[:2:-1]
    assert list(of(ORDERS, after_id=about[0].id, before_id=about[3].id, ascending=True, limit=1)) == [about[1]]
    assert of(ORDERS, types=["LOG_MESSAGE"]) == of(ORDERS, types=[]) == of(ORDERS, limit=0) == ()
    assert of(ORDERS, partition="nothing") == of(AssetKey("nothing")) == ()


def test_events_of_types_are_followed_over_all_runs(storage: Storage) -> None:
    for number in range(3):
        new_run(storage, f"r{number}")
        Journal(storage, f"r{number}").write(
            RunStarted(), StepStarted(), HookCompleted(hook_name="h"), StepOutput(output_name="o"), RunSucceeded()
        )
    wanted = ["RUN_SUCCESS", "HOOK_COMPLETED", "STEP_START"]
    everything = storage.events.of_types(wanted)
    assert types(everything) == ["STEP_START", "HOOK_COMPLETED", "RUN_SUCCESS"] * 3
    followed: list[StoredEvent] = []
    while page := storage.events.of_types(wanted, after_id=followed[-1].id if followed else 0, limit=2):
        followed += page
    assert tuple(followed) == everything
    assert types(storage.events.of_types(["STEP_OUTPUT", "STEP_START"], limit=3)) == [
        "STEP_START",
        "STEP_OUTPUT",
        "STEP_START",
    ]
    assert len(storage.events.of_types(["RUN_START", "RUN_START"])) == 3
    assert storage.events.of_types(["NO_SUCH_TYPE"]) == storage.events.of_types([]) == ()
    assert storage.events.of_types(wanted, limit=0) == ()


def test_what_is_reported_without_a_run_counts_like_what_a_run_made(storage: Storage) -> None:
    new_run(storage)
    journal = Journal(storage)
    journal.write(RunStarted())
    bodies = (
        AssetMaterialized(asset_key=ORDERS, partition="2024", data_version="v"),
        AssetObserved(asset_key=ORDERS),
        AssetCheckEvaluated(check_key=AssetCheckKey(ORDERS, "fine"), passed=True),
    )
    stored = storage.events.report(bodies, at=12.0)
    assert [one.event.body for one in stored] == list(bodies)
    assert {(one.event.run_id, one.event.time) for one in stored} == {("", 12.0)}
    assert storage.events.of_asset(ORDERS, ascending=True) == stored
    assert storage.events.get(stored[0].id) == stored[0]
    assert storage.events.of_types(["ASSET_OBSERVATION"]) == stored[1:2]
    state = storage.assets.get(ORDERS)
    assert state is not None
    assert state.latest_materialization is not None
    assert state.latest_materialization.data_version == "v"
    partition = storage.assets.partition(ORDERS, "2024")
    assert partition is not None
    answer = storage.checks.get(AssetCheckKey(ORDERS, "fine"))
    assert answer is not None
    assert answer.passed
    assert storage.events.report(bodies[:1], at=13.0)[0].id > stored[-1].id
    assert storage.events.report((), at=13.0) == ()


def test_events_of_types_come_in_both_directions_within_bounds(storage: Storage) -> None:
    new_run(storage)
    journal = Journal(storage)
    stored = [
        *journal.write(RunStarted()),
        *journal.write(*(StepStarted() for _ in range(3)), step_key="a"),
        *journal.write(RunSucceeded()),
    ]
    wanted = ["RUN_START", "STEP_START", "RUN_SUCCESS"]
    assert ids(storage.events.of_types(wanted, ascending=False)) == ids(tuple(reversed(stored)))
    assert ids(storage.events.of_types(wanted, ascending=False, limit=2)) == [stored[4].id, stored[3].id]
    between = storage.events.of_types(wanted, after_id=stored[0].id, before_id=stored[3].id)
    assert ids(between) == [stored[1].id, stored[2].id]
    assert ids(storage.events.of_types(["RUN_START"], before_id=stored[0].id)) == []
