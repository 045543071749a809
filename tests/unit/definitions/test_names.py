"""Which names, labels and lists definitions may have, and what is said of the others."""

from __future__ import annotations

import keyword
from typing import Any

import pytest
from hypothesis import given, strategies as st
from tests.unit.definitions.refusal import refused

from weft.definitions.names import (
    check_each,
    check_group_name,
    check_kind,
    check_mapping,
    check_name,
    check_owners,
    check_tags,
    tag_texts,
)
from weft.errors import DefinitionError


@given(st.from_regex(r"[A-Za-z0-9_]+", fullmatch=True))
def test_words_of_letters_digits_and_underscores_are_names(name: str) -> None:
    try:
        assert check_name(name, "an op") == name
    except DefinitionError as error:
        assert "reserved" in str(error)


@given(st.text())
def test_the_suggested_name_is_allowed(name: str) -> None:
    try:
        check_name(name, "an op")
    except DefinitionError as error:
        assert error.fix is not None
        suggested = error.fix.split('"')[1]
        if "reserved" not in str(error) and not keyword.iskeyword(suggested):
            check_name(suggested if suggested not in ("type", "input", "output") else "x", "an op")


@pytest.mark.parametrize(
    "name", ["type", "input", "output", "config", "context", "dict", "class", "None", "__ASSET_JOB"]
)
def test_reserved_words_are_no_names(name: str) -> None:
    with refused("WEFT-D003", "reserved", f'"{name}" cannot be the name of an op'):
        check_name(name, "an op")


@pytest.mark.parametrize("name", ["Type", "INPUT", "Config", "none", "match", "case", "_", "1", "types"])
def test_case_matters_and_soft_keywords_are_free(name: str) -> None:
    assert check_name(name, "an op") == name


@pytest.mark.parametrize("name", ["", "a b", "a-b", "a.b", "größe", "a\n", "<lambda>", None, 5, b"a", ["a"]])
def test_other_names_are_refused_with_an_example(name: Any) -> None:
    with refused("WEFT-D003", "cannot be the name of an op"):
        check_name(name, "an op")


@pytest.mark.parametrize("name", ["default", "a/b", "A_1/b_2/c"])
def test_groups_nest_by_slashes(name: str) -> None:
    assert check_group_name(name) == name


@pytest.mark.parametrize("name", ["", "/a", "a/", "a//b", "a b", "a.b", None, 3, ["a"]])
def test_other_groups_are_refused_with_an_example_that_is_allowed(name: Any) -> None:
    with refused("WEFT-D004") as caught:
        check_group_name(name)
    assert caught.value.fix is not None
    check_group_name(caught.value.fix.split('"')[1])


@pytest.mark.parametrize(
    "tags",
    [{}, {"team": "sales"}, {"weft/kind": ""}, {"a.b-c_d/e": "x.y-z_0"}, {"k" * 63: "v" * 63}, {"p" * 63 + "/k": "v"}],
)
def test_short_plain_tags_are_allowed(tags: dict[str, str]) -> None:
    assert check_tags(tags, "asset") == tags


@pytest.mark.parametrize(
    "tags",
    [
        {"": "v"},
        {"a b": "v"},
        {"a": "b c"},
        {"a/b/c": "v"},
        {"k" * 64: "v"},
        {"k": "v" * 64},
        {"k": 1},
        {1: "v"},
        {"k": None},
    ],
)
def test_other_tags_are_refused(tags: dict[Any, Any]) -> None:
    with refused("WEFT-D005", 'asset "orders"', "metadata instead"):
        check_tags(tags, 'asset "orders"')


def test_tags_are_a_mapping() -> None:
    with refused("WEFT-D072", "tags of asset", "write a dict"):
        check_tags(["pii"], "asset")


def test_tags_of_executors_become_json_text() -> None:
    assert tag_texts({"plain": "a b", "cpu": {"limit": 2, "a": [1]}, "on": True}, "op") == {
        "plain": "a b",
        "cpu": '{"a": [1], "limit": 2}',
        "on": "true",
    }
    assert tag_texts(None, "op") == {}
    with refused("WEFT-D074", "'cpu': object"):
        tag_texts({"cpu": object()}, "op")


@pytest.mark.parametrize("owner", ["a@b.org", "team:data", "team:data eng"])
def test_owners_are_addresses_or_teams(owner: str) -> None:
    assert check_owners([owner], "asset") == (owner,)


@pytest.mark.parametrize("owner", ["sales", "team:", "team: ", "a@b", "a b@c.d", "@b.c", ""])
def test_other_owners_are_refused(owner: str) -> None:
    with refused("WEFT-D006", "team:"):
        check_owners([owner], "asset")


def test_a_single_string_is_not_taken_for_a_list_of_letters() -> None:
    for given_value in ("a@b.org", "", b"x", 3, object()):
        with refused("WEFT-D070", "owners of asset is not a list", "owners=[...]"):
            check_owners(given_value, "asset")


def test_lists_may_be_any_collection() -> None:
    assert check_each(None, str, "x", "y") == ()
    assert check_each([], str, "x", "y") == check_each(set(), str, "x", "y") == ()
    assert check_each((one for one in "ab"), str, "x", "y") == ("a", "b")
    assert check_each({"a": 1}.keys(), str, "x", "y") == ("a",)
    with refused("WEFT-D071", "expected", "string", "int 1"):
        check_each(["a", 1], str, "owners", "asset")


def test_a_class_in_place_of_an_object_is_named() -> None:
    assert check_kind(3, int, "x", "y") == 3
    with refused("WEFT-D071", "the class bool itself", "bool(...)"):
        check_kind(bool, int, "x", "y")


def test_mappings_are_copied() -> None:
    mine = {"a": 1}
    copied = check_mapping(mine, "x", "y")
    copied["b"] = 2
    assert mine == {"a": 1}
    assert check_mapping(None, "x", "y") == {}
