"""The laws of `AssetStore.rename` (promise d16)."""

from __future__ import annotations

from typing import Any

import pytest
from tests.conformance.storage.building import ORDERS, Journal, new_run

from weft.errors import StorageError
from weft.model.events import AssetCheckEvaluated, AssetObserved
from weft.model.keys import AssetCheckKey, AssetKey
from weft.model.run import RunFilter
from weft.storage.ports import Storage

SALES = AssetKey(["shop", "sales"])


def with_history(storage: Storage, key: AssetKey = ORDERS, run_id: str = "r1") -> Journal:
    new_run(storage, run_id, asset_selection=(key,))
    journal = Journal(storage, run_id)
    journal.materialize(key=key, partition="p")
    journal.write(AssetObserved(asset_key=key, data_version="o"), step_key="s")
    for partition in (None, "p"):
        journal.write(AssetCheckEvaluated(check_key=AssetCheckKey(key, "fits"), passed=True, partition=partition))
    return journal


def stored(storage: Storage, key: AssetKey) -> dict[str, Any]:
    """Everything that is stored of an asset, without its name."""
    state = storage.assets.get(key)
    return {
        "state": state and (state.id, state.latest_materialization, state.latest_observation),
        "partitions": [(one.partition, one.status, one.latest) for one in storage.assets.partitions(key).items],
        "counts": storage.assets.partition_counts(key),
        "checks": [(one.key.name, one.passed, one.latest) for one in storage.checks.of_assets([key])],
        "events": [event.id for event in storage.events.of_asset(key)],
        "runs": [run.id for run in storage.runs.list(RunFilter(asset_key=key)).items],
    }


NOTHING: dict[str, Any] = {"state": None, "partitions": [], "counts": {}, "checks": [], "events": [], "runs": []}


def test_everything_that_is_stored_goes_to_the_new_key(storage: Storage) -> None:
    with_history(storage)
    before = stored(storage, ORDERS)
    assert all(before.values())
    assert storage.assets.rename(ORDERS, SALES)
    assert stored(storage, SALES) == before
    assert stored(storage, ORDERS) == NOTHING
    assert [state.key for state in storage.assets.list().items] == [SALES]


def test_renaming_again_does_nothing(storage: Storage) -> None:
    with_history(storage)
    storage.assets.rename(ORDERS, SALES)
    before = stored(storage, SALES)
    assert not storage.assets.rename(ORDERS, SALES)
    assert not storage.assets.rename(SALES, SALES)
    assert not storage.assets.rename(AssetKey("nothing"), AssetKey("other"))
    assert stored(storage, SALES) == before


def test_renaming_is_taken_back_by_swapping_the_keys(storage: Storage) -> None:
    with_history(storage)
    before = stored(storage, ORDERS)
    storage.assets.rename(ORDERS, SALES)
    assert storage.assets.rename(SALES, ORDERS)
    assert stored(storage, ORDERS) == before
    assert stored(storage, SALES) == NOTHING


def test_two_histories_are_never_mixed(storage: Storage) -> None:
    with_history(storage)
    with_history(storage, SALES, "r2")
    before = stored(storage, ORDERS), stored(storage, SALES)
    with pytest.raises(StorageError) as caught:
        storage.assets.rename(ORDERS, SALES)
    assert caught.value.code == "WEFT-T041"
    assert not caught.value.may_pass
    assert (stored(storage, ORDERS), stored(storage, SALES)) == before


def test_a_new_key_that_a_run_only_names_takes_the_history(storage: Storage) -> None:
    with_history(storage)
    new_run(storage, "r2", asset_selection=(SALES, ORDERS))
    assert storage.assets.rename(ORDERS, SALES)
    assert {*stored(storage, SALES)["runs"]} == {"r1", "r2"}


def test_history_goes_on_under_the_new_key(storage: Storage) -> None:
    journal = with_history(storage)
    storage.assets.rename(ORDERS, SALES)
    id = stored(storage, SALES)["state"][0]
    journal.materialize(key=SALES, partition="q")
    after = stored(storage, SALES)
    assert after["state"][0] == id
    assert [partition for partition, _, _ in after["partitions"]] == ["p", "q"]
    assert stored(storage, ORDERS) == NOTHING
