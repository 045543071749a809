"""Keys of assets and checks: what is one, and the text forms that round-trip."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest
from hypothesis import given, strategies as st
from tests.unit.model.model_strategies import ASSET_KEYS, PARTS

from weft.errors import DefinitionError
from weft.model.keys import AssetCheckKey, AssetKey


@given(ASSET_KEYS)
def test_the_user_string_is_read_back(key: AssetKey) -> None:
    assert AssetKey.from_user_string(key.to_user_string()) == key
    assert AssetKey.of(key.to_user_string()) == key


@given(st.lists(st.text("a/\\ ", min_size=1, max_size=4), min_size=1, max_size=4))
def test_slashes_and_backslashes_in_parts_survive(parts: list[str]) -> None:
    assert AssetKey.from_user_string(AssetKey(parts).to_user_string()).path == parts


@given(ASSET_KEYS, ASSET_KEYS)
def test_user_strings_tell_keys_apart(one: AssetKey, other: AssetKey) -> None:
    assert (one.to_user_string() == other.to_user_string()) == (one == other)


@given(ASSET_KEYS)
def test_the_database_form_is_the_json_list_of_parts(key: AssetKey) -> None:
    assert json.loads(key.to_string()) == key.path


@given(ASSET_KEYS)
def test_the_identifier_is_a_plain_word(key: AssetKey) -> None:
    assert key.to_python_identifier().replace("_", "a").isalnum()
    assert key.to_python_identifier().isascii()


@given(ASSET_KEYS)
def test_keys_survive_copies_and_processes(key: AssetKey) -> None:
    check = AssetCheckKey(key, "not_empty")
    for value in (key, check):
        assert copy.deepcopy(value) == value
        assert pickle.loads(pickle.dumps(value)) == value
        assert hash(pickle.loads(pickle.dumps(value))) == hash(value)


@given(st.lists(ASSET_KEYS, max_size=6))
def test_keys_are_ordered_by_their_parts(keys: list[AssetKey]) -> None:
    assert [key.parts for key in sorted(keys)] == sorted(key.parts for key in keys)


@given(ASSET_KEYS, st.lists(PARTS, min_size=1, max_size=2))
def test_a_prefix_is_put_before_and_found_again(key: AssetKey, prefix: list[str]) -> None:
    below = key.with_prefix(prefix)
    assert below.path == [*prefix, *key.path]
    assert below.has_prefix(prefix)
    assert not key.has_prefix([*key.path, "more"])


def test_a_single_string_is_one_part_and_a_user_string_is_several() -> None:
    assert AssetKey("shop/orders").path == ["shop/orders"]
    assert AssetKey.of("shop/orders").path == ["shop", "orders"]
    assert AssetKey("orders").with_prefix("shop") == AssetKey(["shop", "orders"])
    assert AssetKey(["shop", "orders"]).to_python_identifier() == "shop__orders"
    assert AssetKey(["shop", "orders"]).to_python_identifier("daily") == "shop__orders__daily"


@pytest.mark.parametrize("path", ["", [], [""], ["a", ""], ["a", 1], None, 5, [None], b"a", object()])
def test_what_is_no_key_is_refused(path: Any) -> None:
    with pytest.raises(DefinitionError) as caught:
        AssetKey.of(path) if not isinstance(path, str) else AssetKey(path)
    assert caught.value.code == "WEFT-D002"


def test_keys_do_not_change() -> None:
    key = AssetKey("orders")
    with pytest.raises(AttributeError, match="immutable"):
        key.parts = ("other",)
    with pytest.raises(AttributeError, match="immutable"):
        AssetCheckKey("orders", "check").name = "other"
    key.path.append("more")
    assert key.path == ["orders"]


def test_keys_equal_only_keys() -> None:
    assert AssetKey("orders") != "orders"
    assert AssetKey("orders") != ("orders",)
    assert AssetCheckKey("orders", "check") != AssetKey("orders")
    with pytest.raises(TypeError):
        sorted([AssetKey("orders"), "orders"])  # type: ignore[list-item]  # the point of the test


def test_a_check_key_names_the_asset_and_the_check() -> None:
    key = AssetCheckKey(["shop", "orders"], "not_empty")
    assert key.asset_key == AssetKey(["shop", "orders"])
    assert key.to_user_string() == "shop/orders:not_empty"
    assert key.to_python_identifier() == "shop__orders_not_empty"
    assert sorted([AssetCheckKey("b", "a"), AssetCheckKey("a", "b")])[0].name == "b"
