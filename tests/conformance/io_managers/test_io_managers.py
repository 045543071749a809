"""What every I/O manager of weft promises."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from tests.conformance.io_managers.building import asset_input, asset_output, op_input, op_output
from tests.conformance.storage.test_hostile_strings import HOSTILE

from weft.definitions.io_manager import IOManager
from weft.errors import IOManagerError
from weft.model.partitions.keys import MultiPartitionKey

VALUES: list[Any] = [
    None,
    0,
    "text 🌍",
    b"\0" * 100,
    [1, {"a": (2.5, {3})}],
    float("inf"),
    range(5),
    ValueError("x").args,
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_what_was_stored_is_loaded(manager: IOManager, value: Any) -> None:
    output = op_output()
    manager.handle_output(output, value)
    assert manager.load_input(op_input(output)) == value
    manager.handle_output(asset_output("a", "b"), value)
    assert manager.load_input(asset_input("a", "b")) == value


def test_the_latest_value_of_an_asset_is_loaded_by_every_run(manager: IOManager) -> None:
    for number in range(3):
        manager.handle_output(asset_output("a", run_id=f"run-{number}"), number)
        assert manager.load_input(asset_input("a", run_id="another")) == number


def test_outputs_of_runs_steps_names_and_mapping_keys_are_kept_apart(manager: IOManager) -> None:
    outputs = [
        op_output(run_id=run, step_key=step, name=name, mapping_key=key)
        for run in ("r1", "r2")
        for step in ("s", "s[m]", "g.s")
        for name in ("result", "other")
        for key in (None, "m1", "m2")
    ]
    for number, output in enumerate(outputs):
        manager.handle_output(output, number)
    for number, output in enumerate(outputs):
        assert manager.load_input(op_input(output, run_id="whichever")) == number


def test_an_asset_stands_beside_those_below_its_key_and_beside_its_partitions(manager: IOManager) -> None:
    manager.handle_output(asset_output("a"), "a")
    manager.handle_output(asset_output("a", "b"), "a/b")
    manager.handle_output(asset_output("a", "b", "c"), "a/b/c")
    manager.handle_output(asset_output("a", partitions=["b"]), "a:b")
    manager.handle_output(asset_output("a", "b", partitions=["c"]), "a/b:c")
    assert manager.load_input(asset_input("a")) == "a"
    assert manager.load_input(asset_input("a", "b")) == "a/b"
    assert manager.load_input(asset_input("a", "b", "c")) == "a/b/c"
    assert manager.load_input(asset_input("a", partitions=["b"])) == "a:b"
    assert manager.load_input(asset_input("a", "b", partitions=["c"])) == "a/b:c"


# --- partitions ------------------------------------------------------------------------------------------------------


def test_one_partition_is_its_value_and_several_are_a_dict_in_order(manager: IOManager) -> None:
    for key in ("a", "b", "c"):
        manager.handle_output(asset_output("x", partitions=[key]), key.upper())
    assert manager.load_input(asset_input("x", partitions=["b"])) == "B"
    loaded = manager.load_input(asset_input("x", partitions=["c", "a"]))
    assert list(loaded.items()) == [("c", "C"), ("a", "A")]
    assert manager.load_input(asset_input("x", partitions=[])) == {}


def test_several_partitions_are_stored_from_a_dict(manager: IOManager) -> None:
    manager.handle_output(asset_output("x", partitions=["a", "b"]), {"b": 2, "a": 1})
    assert manager.load_input(asset_input("x", partitions=["a"])) == 1
    assert manager.load_input(asset_input("x", partitions=["a", "b"])) == {"a": 1, "b": 2}


@pytest.mark.parametrize("value", [[1, 2], {"a": 1}, {"a": 1, "b": 2, "c": 3}, {"a": 1, "x": 2}, None])
def test_a_value_that_does_not_say_which_partition_is_which_is_refused(manager: IOManager, value: Any) -> None:
    with pytest.raises(IOManagerError, match='asset "x" was made for 2 partitions at once') as caught:
        manager.handle_output(asset_output("x", partitions=["a", "b"]), value)
    assert caught.value.code == "WEFT-X034"
    assert caught.value.fix is not None and "return a dict" in caught.value.fix


def test_missing_partitions_are_named(manager: IOManager) -> None:
    manager.handle_output(asset_output("x", partitions=["b"]), 2)
    with pytest.raises(IOManagerError) as caught:
        manager.load_input(asset_input("x", partitions=["a", "b", "c"]))
    assert caught.value.code == "WEFT-X032"
    assert caught.value.what == 'partition "a" of asset "x" is not stored.'
    assert caught.value.facts["also missing"] == "c"
    assert "weft asset materialize --select x --partition a" in str(caught.value)


def test_missing_partitions_may_be_allowed(manager: IOManager) -> None:
    allowed = {"allow_missing_partitions": True}
    assert manager.load_input(asset_input("x", partitions=["a", "b"], metadata=allowed)) == {}
    assert manager.load_input(asset_input("x", partitions=["a"], metadata=allowed)) is None
    manager.handle_output(asset_output("x", partitions=["b"]), 2)
    assert manager.load_input(asset_input("x", partitions=["a", "b", "c"], metadata=allowed)) == {"b": 2}
    assert manager.load_input(asset_input("x", partitions=["b"], metadata=allowed)) == 2


def test_keys_of_several_dimensions_are_the_same_as_text_and_as_objects(manager: IOManager) -> None:
    key = MultiPartitionKey({"date": "2024-01-01", "region": "eu"})
    manager.handle_output(asset_output("x", partitions=[key]), 1)
    manager.handle_output(asset_output("x", partitions=["2024-01-01|us"]), 2)
    assert manager.load_input(asset_input("x", partitions=[str.__str__(key)])) == 1
    other = MultiPartitionKey({"region": "us", "date": "2024-01-01"})
    assert manager.load_input(asset_input("x", partitions=[key, other])) == {"2024-01-01|eu": 1, "2024-01-01|us": 2}


# --- what is not there -----------------------------------------------------------------------------------------------


def test_an_asset_that_was_never_stored_says_how_to_make_it(manager: IOManager) -> None:
    with pytest.raises(IOManagerError) as caught:
        manager.load_input(asset_input("shop", "order's"))
    assert caught.value.code == "WEFT-X032"
    assert caught.value.what == """asset "shop/order's" is not stored."""
    assert caught.value.facts["needed by"] == 'input "value" of step "use"'
    assert caught.value.facts["looked at"]
    assert """weft asset materialize --select 'shop/order'"'"'s'""" in (caught.value.fix or "")


def test_an_output_that_was_never_stored_names_its_step_and_run(manager: IOManager) -> None:
    with pytest.raises(IOManagerError) as caught:
        manager.load_input(op_input(op_output(mapping_key="m1")))
    assert caught.value.what == 'output "result" of step "load", mapping key "m1" is not stored.'
    assert caught.value.facts["run"] == "run-1"


# --- names -----------------------------------------------------------------------------------------------------------


def test_hostile_partition_keys_are_kept_apart(manager: IOManager) -> None:
    """Promise c8."""
    for key in HOSTILE:
        manager.handle_output(asset_output("x", partitions=[key]), key)
    assert manager.load_input(asset_input("x", partitions=HOSTILE)) == {key: key for key in HOSTILE}


def test_hostile_asset_names_are_kept_apart(manager: IOManager) -> None:
    """Promise c8."""
    for name in HOSTILE:
        manager.handle_output(asset_output(name), name)
        manager.handle_output(asset_output(name, "below"), [name])
    for name in HOSTILE:
        assert manager.load_input(asset_input(name)) == name
        assert manager.load_input(asset_input(name, "below")) == [name]


@given(
    keys=st.lists(st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=3).map(tuple), unique=True, max_size=6)
)
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_two_keys_are_kept_apart(manager: IOManager, keys: list[tuple[str, ...]]) -> None:
    for key in keys:
        manager.handle_output(asset_output(*key), key)
    for key in keys:
        assert manager.load_input(asset_input(*key)) == key
