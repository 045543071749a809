"""Run ids: ordered by time, unlike each other, and harmless in paths and queries."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given, strategies as st

from weft.errors import UsageError
from weft.ids import check_run_id, new_run_id

TIMES = st.integers(0, 2**40).map(lambda milliseconds: milliseconds / 1000)


@given(TIMES, TIMES)
def test_later_ids_sort_later(one: float, other: float) -> None:
    if int(one * 1000) != int(other * 1000):
        assert (new_run_id(now=one) < new_run_id(now=other)) == (one < other)


@given(TIMES)
def test_an_id_is_a_version_7_uuid_of_its_time(now: float) -> None:
    value = uuid.UUID(new_run_id(now=now))
    assert value.version == 7
    assert value.variant == uuid.RFC_4122
    assert value.int >> 80 == int(now * 1000)


def test_ids_of_one_moment_are_unlike() -> None:
    assert len({new_run_id(now=1.0) for _ in range(1000)}) == 1000


def test_an_id_is_accepted_where_it_comes_in_again() -> None:
    run_id = new_run_id()
    assert check_run_id(run_id) == run_id


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", fullmatch=True))
def test_plain_words_are_ids(text: str) -> None:
    assert check_run_id(text) == text


@pytest.mark.parametrize(
    "text",
    ["", ".", "..", "../x", "a/b", "a\\b", "-a", "_a", "a b", "a\n", "a\x00", "ä", "a" * 65, "a;", "a'", "%", None, 5],
)
def test_what_could_leave_a_folder_or_a_query_is_no_id(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_run_id(text)
    assert caught.value.code == "WEFT-U010"
