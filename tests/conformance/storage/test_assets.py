"""The laws of `AssetStore` and `CheckStore`."""

from __future__ import annotations

import pytest
from tests.conformance.storage.building import ORDERS, Journal, new_run, without_id

from weft.model.asset_state import AssetCheckState, AssetPartitionState, AssetState, EventPointer, PartitionStatus
from weft.model.events import (
    AssetCheckEvaluated,
    AssetCheckSeverity,
    AssetFailedToMaterialize,
    AssetMaterialized,
    AssetObserved,
)
from weft.model.keys import AssetCheckKey, AssetKey
from weft.storage.ports import Page, Storage

FRESH = AssetCheckKey(ORDERS, "fresh")


def journal_of(storage: Storage, run_id: str = "r1") -> Journal:
    new_run(storage, run_id)
    return Journal(storage, run_id)


def test_an_asset_that_nothing_happened_to_has_no_state(storage: Storage) -> None:
    new_run(storage, asset_selection=(ORDERS,))
    assert storage.assets.get(ORDERS) is None
    assert storage.assets.get_many([ORDERS]) == {}
    assert storage.assets.list().items == ()
    assert storage.assets.partition(ORDERS, "p") is None
    assert storage.assets.partitions(ORDERS).items == ()
    assert storage.assets.partition_counts(ORDERS) == {}
    assert storage.checks.get(FRESH) is None
    assert storage.checks.of_assets([ORDERS]) == ()
    storage.assets.wipe(ORDERS)
    storage.assets.wipe(AssetKey("nothing"), partitions=["p"])


def test_the_latest_materialization_observation_and_failure_are_kept(storage: Storage) -> None:
    journal = journal_of(storage)
    journal.materialize()
    materialized = journal.materialize(
        tags={"t": "u"}, data_version="v", code_version="w", input_data_versions={"raw": "1"}
    )
    [observed] = journal.write(
        AssetObserved(asset_key=ORDERS, partition="p", data_version="o", tags={"a": "b"}), step_key="s"
    )
    [failed] = journal.write(AssetFailedToMaterialize(asset_key=ORDERS), step_key="s")
    state = storage.assets.get(ORDERS)
    assert without_id(state) == AssetState(
        id=0,
        key=ORDERS,
        materialization_count=2,
        latest_materialization=EventPointer(
            event_id=materialized.id,
            run_id="r1",
            time=materialized.event.time,
            tags={"t": "u"},
            data_version="v",
            code_version="w",
            input_data_versions={"raw": "1"},
        ),
        latest_observation=EventPointer(
            event_id=observed.id,
            run_id="r1",
            time=observed.event.time,
            step_key="s",
            partition="p",
            data_version="o",
            tags={"a": "b"},
        ),
        latest_failure=EventPointer(event_id=failed.id, run_id="r1", time=failed.event.time, step_key="s"),
    )


def test_an_observation_makes_no_partition(storage: Storage) -> None:
    journal_of(storage).write(AssetObserved(asset_key=ORDERS, partition="p"))
    assert storage.assets.partition(ORDERS, "p") is None


def test_the_last_word_on_a_partition_wins(storage: Storage) -> None:
    journal = journal_of(storage)

    def status() -> tuple[PartitionStatus, int]:
        state = storage.assets.partition(ORDERS, "p")
        assert state is not None
        return state.status, state.latest.event_id

    first = journal.materialize(partition="p")
    assert status() == (PartitionStatus.MATERIALIZED, first.id)
    [failed] = journal.write(AssetFailedToMaterialize(asset_key=ORDERS, partition="p"))
    assert status() == (PartitionStatus.FAILED, failed.id)
    assert storage.assets.partition_counts(ORDERS) == {"FAILED": 1}
    again = journal.materialize(partition="p")
    assert status() == (PartitionStatus.MATERIALIZED, again.id)
    assert storage.assets.partition_counts(ORDERS) == {"MATERIALIZED": 1}
    state = storage.assets.get(ORDERS)
    assert state is not None
    assert state.materialization_count == 2
    assert state.latest_failure is not None


def test_the_last_word_wins_within_one_batch_too(storage: Storage) -> None:
    journal = journal_of(storage)
    made, missed = (
        AssetMaterialized(asset_key=ORDERS, partition="p"),
        AssetFailedToMaterialize(asset_key=ORDERS, partition="p"),
    )
    journal.write(made, missed, made, missed)
    assert storage.assets.partition_counts(ORDERS) == {"FAILED": 1}
    journal.write(missed, made)
    assert storage.assets.partition_counts(ORDERS) == {"MATERIALIZED": 1}


def test_partitions_are_listed_in_the_order_of_their_keys(storage: Storage) -> None:
    journal = journal_of(storage)
    keys = ["b", "a", "", "é", "Z", "a|b", "10", "9", "😀", "\uffff"]
    for key in keys:
        journal.materialize(partition=key)
    journal.materialize(AssetKey("other"), partition="a")
    found: list[AssetPartitionState] = []
    page: Page[AssetPartitionState] = storage.assets.partitions(ORDERS, limit=3)
    while True:
        found += page.items
        if page.cursor is None:
            break
        page = storage.assets.partitions(ORDERS, limit=3, cursor=page.cursor)
    assert [state.partition for state in found] == sorted(keys)
    assert all(state.asset_key == ORDERS for state in found)
    assert [storage.assets.partition(ORDERS, key) for key in sorted(keys)] == found
    assert storage.assets.partition_counts(ORDERS) == {"MATERIALIZED": len(keys)}
    assert storage.assets.partitions(ORDERS, limit=0).items == ()


def test_assets_are_listed_in_the_order_of_their_keys(storage: Storage) -> None:
    journal = journal_of(storage)
    keys = [
        AssetKey(parts)
        for parts in (
            ["b"],
            ["a"],
            ["a", "b"],
            ["a", "c"],
            ["a/b"],
            ["ab"],
            ["a\x01"],
            ["a\x02", "b"],
            ["a", "\x02"],
            ["é"],
            ["Z", "z"],
            ["😀"],
            ['"'],
        )
    ]
    for key in keys:
        journal.materialize(key)
    for limit in (1, 4, len(keys), 100):
        found: list[AssetKey] = []
        page = storage.assets.list(limit=limit)
        while True:
            found += [state.key for state in page.items]
            if page.cursor is None:
                break
            page = storage.assets.list(limit=limit, cursor=page.cursor)
        assert found == sorted(keys)


def test_a_prefix_is_made_of_whole_parts(storage: Storage) -> None:
    journal = journal_of(storage)
    for parts in (["shop"], ["shop", "orders"], ["shop", "orders", "daily"], ["shopping"], ["a"], ["shop\x01x"]):
        journal.materialize(AssetKey(parts))

    def below(*prefix: str, limit: int = 100) -> list[list[str]]:
        return [state.key.path for state in storage.assets.list(prefix=prefix, limit=limit).items]

    assert below("shop") == [["shop"], ["shop", "orders"], ["shop", "orders", "daily"]]
    assert below("shop", "orders") == [["shop", "orders"], ["shop", "orders", "daily"]]
    assert below("sho") == []
    first = storage.assets.list(prefix=["shop"], limit=2)
    second = storage.assets.list(prefix=["shop"], limit=2, cursor=first.cursor)
    assert [state.key.path for state in second.items] == [["shop", "orders", "daily"]]


def test_many_states_are_read_at_once(storage: Storage) -> None:
    journal = journal_of(storage)
    keys = [AssetKey(["t", str(number)]) for number in range(1500)]
    storage.events.append([journal.event(AssetMaterialized(asset_key=key)) for key in keys[::2]])
    found = storage.assets.get_many([*keys, keys[0]])
    assert list(found) == keys[::2]
    assert all(found[key] == storage.assets.get(key) for key in keys[:20:2])


# --- wiping -----------------------------------------------------------------------------------------------------------


def test_wiping_an_asset_forgets_its_state_and_keeps_the_log_and_the_id(storage: Storage) -> None:
    journal = journal_of(storage)
    journal.materialize(partition="p")
    journal.write(AssetCheckEvaluated(check_key=FRESH, passed=True))
    other = journal.materialize(AssetKey("other"))
    before = storage.assets.get(ORDERS)
    assert before is not None

    storage.assets.wipe(ORDERS)

    assert storage.assets.get(ORDERS) is None
    assert [state.key for state in storage.assets.list().items] == [AssetKey("other")]
    assert storage.assets.partitions(ORDERS).items == ()
    assert storage.assets.partition_counts(ORDERS) == {}
    assert storage.checks.of_assets([ORDERS]) == ()
    assert len(storage.events.of_asset(ORDERS)) == 2
    assert storage.events.of_asset(AssetKey("other")) == (other,)

    journal.materialize(partition="q")
    after = storage.assets.get(ORDERS)
    assert after is not None
    assert (after.id, after.materialization_count) == (before.id, 1)
    assert storage.assets.partition_counts(ORDERS) == {"MATERIALIZED": 1}


def test_wiping_partitions_leaves_the_others(storage: Storage) -> None:
    journal = journal_of(storage)
    for partition in ("p", "q", "r"):
        journal.materialize(partition=partition)
    journal.write(
        AssetFailedToMaterialize(asset_key=ORDERS, partition="r"),
        AssetCheckEvaluated(check_key=FRESH, passed=True),
        AssetCheckEvaluated(check_key=FRESH, passed=True, partition="p"),
        AssetCheckEvaluated(check_key=FRESH, passed=True, partition="q"),
    )
    storage.assets.wipe(ORDERS, partitions=["p", "r", "p", "never there"])
    assert [state.partition for state in storage.assets.partitions(ORDERS).items] == ["q"]
    assert storage.assets.partition_counts(ORDERS) == {"MATERIALIZED": 1}
    assert storage.checks.get(FRESH, partition="p") is None
    assert storage.checks.get(FRESH, partition="q") is not None
    assert storage.checks.get(FRESH) is not None
    state = storage.assets.get(ORDERS)
    assert state is not None
    assert state.materialization_count == 3
    storage.assets.wipe(ORDERS, partitions=[])
    assert storage.assets.partition_counts(ORDERS) == {"MATERIALIZED": 1}


# --- checks -----------------------------------------------------------------------------------------------------------


def test_the_latest_answer_of_a_check_is_kept_for_each_partition(storage: Storage) -> None:
    journal = journal_of(storage)
    journal.write(AssetCheckEvaluated(check_key=FRESH, passed=True))
    [latest] = journal.write(
        AssetCheckEvaluated(check_key=FRESH, passed=False, severity=AssetCheckSeverity.WARN, blocking=True),
        step_key="s",
    )
    journal.write(
        AssetCheckEvaluated(check_key=FRESH, passed=True, partition="p"),
        AssetCheckEvaluated(check_key=FRESH, passed=False, partition=""),
    )
    assert storage.checks.get(FRESH) == AssetCheckState(
        key=FRESH,
        passed=False,
        severity=AssetCheckSeverity.WARN,
        blocking=True,
        latest=EventPointer(event_id=latest.id, run_id="r1", time=latest.event.time, step_key="s"),
    )
    answers = [storage.checks.get(FRESH, partition=partition) for partition in ("p", "")]
    assert [answer.passed for answer in answers if answer] == [True, False]
    assert answers[0] is not None
    assert answers[0].latest.partition == "p"


def test_answers_of_assets_come_by_asset_check_and_partition(storage: Storage) -> None:
    journal = journal_of(storage)
    keys = [AssetCheckKey("b", "x"), AssetCheckKey(["a", "z"], "y"), AssetCheckKey("a", "y"), AssetCheckKey("a", "x")]
    for key in keys:
        for partition in ("q", None, "p"):
            journal.write(AssetCheckEvaluated(check_key=key, passed=True, partition=partition))
    found = storage.checks.of_assets([AssetKey("b"), AssetKey(["a", "z"]), AssetKey("a"), AssetKey("nothing")])
    assert [(state.key, state.latest.partition) for state in found] == [
        (key, partition) for key in sorted(keys) for partition in (None, "p", "q")
    ]
    assert {state.key for state in storage.checks.of_assets([AssetKey("b")])} == {keys[0]}


def test_a_check_is_something_that_happened_to_its_asset(storage: Storage) -> None:
    journal_of(storage).write(AssetCheckEvaluated(check_key=FRESH, passed=True))
    state = storage.assets.get(ORDERS)
    assert without_id(state) == AssetState(id=0, key=ORDERS)


@pytest.mark.parametrize("count", [1, 3])
def test_answers_change_once_per_delivery(storage: Storage, count: int) -> None:
    journal = journal_of(storage)
    events = [journal.event(AssetCheckEvaluated(check_key=FRESH, passed=bool(number % 2))) for number in range(4)]
    storage.events.append(events)
    for _ in range(count):
        storage.events.append(events[:2])
    answer = storage.checks.get(FRESH)
    assert answer is not None
    assert (answer.passed, answer.latest.time) == (True, events[3].time)
