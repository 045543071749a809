"""The laws of `DynamicPartitionStore`, `SnapshotStore`, `KeyValue`, of cursors and of closing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.conformance.storage.building import ORDERS, Journal, new_run

from weft.errors import StorageError
from weft.model.snapshot import content_id
from weft.storage.ports import Storage

# --- dynamic partitions ---------------------------------------------------------------------------------------------


def test_keys_are_listed_in_the_order_of_their_addition(storage: Storage) -> None:
    keys = storage.dynamic_partitions
    assert keys.add("regions", ["eu", "us", "eu"]) == ("eu", "us")
    assert keys.add("regions", ["asia", "us"]) == ("asia",)
    assert keys.add("other", ["us"]) == ("us",)
    assert keys.add("regions", []) == ()
    assert keys.list("regions") == ("eu", "us", "asia")
    assert keys.count("regions") == 3
    assert keys.has("regions", "us")
    assert not keys.has("regions", "moon")
    assert not keys.has("nothing", "us")
    assert (keys.list("nothing"), keys.count("nothing")) == ((), 0)


def test_a_removed_key_that_is_added_again_goes_to_the_end(storage: Storage) -> None:
    keys = storage.dynamic_partitions
    keys.add("regions", ["a", "b", "c"])
    keys.remove("regions", ["a", "c", "unknown"])
    keys.remove("nothing", ["a"])
    assert keys.list("regions") == ("b",)
    assert keys.add("regions", ["c", "b", "a"]) == ("c", "a")
    assert keys.list("regions") == ("b", "c", "a")


def test_keys_are_listed_in_pages(storage: Storage) -> None:
    keys = storage.dynamic_partitions
    keys.add("n", ["c", "a", "b"])
    assert keys.list("n", limit=2) == ("c", "a")
    assert keys.list("n", limit=2, after="a") == ("b",)
    assert keys.list("n", after="b") == keys.list("n", limit=0) == ()
    with pytest.raises(StorageError) as caught:
        keys.list("n", after="gone")
    assert caught.value.code == "WEFT-T012"


def test_many_keys_are_added_in_one_call(storage: Storage) -> None:
    many = [f"key-{number}" for number in range(20_000)]
    storage.dynamic_partitions.add("n", many[:50])
    assert storage.dynamic_partitions.add("n", many) == tuple(many[50:])
    assert storage.dynamic_partitions.count("n") == len(many)
    storage.dynamic_partitions.remove("n", many[1:])
    assert storage.dynamic_partitions.list("n") == ("key-0",)


# --- snapshots and values -------------------------------------------------------------------------------------------


def test_a_blob_is_found_by_its_content(storage: Storage) -> None:
    blob = bytes(range(256)) * 100
    id = storage.snapshots.put(blob)
    assert id == content_id(blob) == storage.snapshots.put(blob)
    assert storage.snapshots.get(id) == blob
    assert storage.snapshots.get("nothing") is None
    assert storage.snapshots.get(storage.snapshots.put(b"")) == b""


def test_values_are_set_compared_and_deleted(storage: Storage) -> None:
    values = storage.keyvalue
    assert values.get("k") is None
    assert not values.compare_and_set("k", expected="1", value="2")
    assert values.compare_and_set("k", expected=None, value="1")
    assert not values.compare_and_set("k", expected=None, value="2")
    assert values.get("k") == "1"
    assert values.compare_and_set("k", expected="1", value="2")
    values.set("k", "3")
    values.set("l", "")
    assert (values.get("k"), values.get("l")) == ("3", "")
    values.delete("k")
    values.delete("k")
    assert values.get("k") is None


# --- cursors --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cursor", ["", "nonsense", "é", "=", "AAAA", "k6RydW5zyz_wAAAAAAAA", "a" * 500])
def test_a_bad_cursor_is_an_error_of_its_own(storage: Storage, cursor: str) -> None:
    for use in (
        lambda: storage.runs.list(cursor=cursor),
        lambda: storage.assets.list(cursor=cursor),
        lambda: storage.assets.partitions(ORDERS, cursor=cursor),
    ):
        with pytest.raises(StorageError) as caught:
            use()
        assert caught.value.code == "WEFT-T012"
        assert caught.value.fix


def test_a_cursor_of_another_list_is_refused(storage: Storage) -> None:
    for number in range(2):
        new_run(storage, f"r{number}")
        Journal(storage, f"r{number}").materialize(partition=str(number))
    runs = storage.runs.list(limit=1).cursor
    partitions = storage.assets.partitions(ORDERS, limit=1).cursor
    assert runs and partitions
    for use in (
        lambda: storage.assets.list(cursor=runs),
        lambda: storage.assets.partitions(ORDERS, cursor=runs),
        lambda: storage.runs.list(cursor=partitions),
    ):
        with pytest.raises(StorageError, match="cursor does not belong"):
            use()


# --- the whole ------------------------------------------------------------------------------------------------------


def test_a_closed_storage_says_so(storage: Storage) -> None:
    new_run(storage)
    storage.close()
    uses: list[Callable[[], object]] = [
        lambda: storage.runs.get("r1"),
        storage.runs.count,
        lambda: Journal(storage).materialize(),
        lambda: storage.assets.get(ORDERS),
        lambda: storage.dynamic_partitions.add("n", ["k"]),
        lambda: storage.keyvalue.set("k", "v"),
        lambda: storage.snapshots.put(b""),
    ]
    for use in uses:
        with pytest.raises(StorageError) as caught:
            use()
        assert caught.value.code == "WEFT-T013"


def test_a_storage_describes_itself(storage: Storage) -> None:
    facts = storage.describe()
    assert {"kind", "place"} <= set(facts)
    assert all(isinstance(value, str) for value in facts.values())


def test_numbers_of_keys_grow_and_are_never_given_again(storage: Storage) -> None:
    keys = storage.dynamic_partitions
    keys.add("a", ["x", "y", "z"])
    keys.add("b", ["x"])
    x, y, z, other = keys.numbers_of("a", ["x", "y", "z", "nothing"])
    assert x is not None and y is not None and z is not None
    assert x < y < z
    assert other is None
    assert list(keys.numbers("a")) == [x, y, z]
    keys.remove("a", ["y", "z"])
    keys.add("a", ["z"])
    [again] = keys.numbers_of("a", ["z"])
    assert again is not None
    assert again > z
    assert list(keys.keys_of("a", [x, y, z, again])) == ["x", None, None, "z"]
    assert list(keys.keys_of("b", [x])) == [None], "the numbers of one set mean nothing in another"
    assert (list(keys.numbers("none")), list(keys.numbers_of("none", ["x"])), list(keys.keys_of("none", [1]))) == (
        [],
        [None],
        [None],
    )
