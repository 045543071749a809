"""Partition keys and keys of several dimensions."""

from __future__ import annotations

import pickle
from datetime import datetime

import pytest
from hypothesis import given, strategies as st

from weft.errors import PartitionError
from weft.model.partitions.keys import (
    MultiPartitionKey,
    PartitionKeyRange,
    TimeWindow,
    check_partition_key,
    join_parts,
    split_parts,
)

parts = st.lists(st.text(alphabet=st.sampled_from("ab|\\.,'/\"☃🎉 ")), min_size=1, max_size=5)


@given(parts)
def test_splitting_is_the_inverse_of_joining(values: list[str]) -> None:
    assert split_parts(join_parts(values)) == values


@given(st.text(alphabet="a|\\"))
def test_a_text_is_joined_in_one_way_only(text: str) -> None:
    values = split_parts(text)
    assert values is None or join_parts(values) == text


def test_a_key_of_several_dimensions_knows_its_parts() -> None:
    key = MultiPartitionKey({"region": "a|b", "date": "2024-01-01"})
    assert key == "2024-01-01|a\\|b"
    assert hash(key) == hash("2024-01-01|a\\|b")
    assert dict(key.keys_by_dimension) == {"date": "2024-01-01", "region": "a|b"}
    copy = pickle.loads(pickle.dumps(key))
    assert copy == key
    assert copy.keys_by_dimension == key.keys_by_dimension


@pytest.mark.parametrize(
    "key",
    [
        "a",
        "a,b",
        "it's",
        '"',
        "a/b/../c",
        "a|b",
        "\\",
        "☃",
        "🎉👩‍👩‍👧",
        "; DROP TABLE x --",
        " ",
        "..",
        "%s",
        "{x}",
        "a\u00a0b",
        "ａ",
    ],
)
def test_odd_keys_are_keys(key: str) -> None:
    assert check_partition_key(key) == key


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("", "empty"),
        ("a...b", "ranges"),
        ("a\nb", "control character"),
        ("\0", "control character"),
        ("a\x7f", "control character"),
        ("a\x85", "control character"),
        ("\ud800", "surrogate"),
        (7, "of type int"),
        (None, "of type NoneType"),
    ],
)
def test_a_key_that_cannot_be_one_is_refused_with_the_reason(key: object, reason: str) -> None:
    with pytest.raises(PartitionError, match=reason) as caught:
        check_partition_key(key)
    assert caught.value.code == "WEFT-P002"
    assert caught.value.fix


def test_ranges_and_windows_unpack() -> None:
    start, end = PartitionKeyRange("a", "b")
    assert (start, end) == ("a", "b")
    opened, closed = TimeWindow(datetime(2024, 1, 1), datetime(2024, 1, 2))
    assert opened < closed
    assert PartitionKeyRange("a", "b") == PartitionKeyRange(start="a", end="b")
