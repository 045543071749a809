"""Cursors: opaque, and checked when they come back."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, strategies as st

from weft.errors import StorageError
from weft.storage.cursors import ASSET_CURSOR, PARTITION_CURSOR, RUN_CURSOR

texts = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.tuples(st.floats(allow_nan=False), st.integers(0, 2**53)))
def test_a_place_among_runs_comes_back(place: tuple[float, int]) -> None:
    cursor = RUN_CURSOR.write(place)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", cursor)
    assert RUN_CURSOR.read(cursor) == place


@given(st.lists(texts).map(tuple), texts)
def test_places_among_assets_and_partitions_come_back(parts: tuple[str, ...], partition: str) -> None:
    assert ASSET_CURSOR.read(ASSET_CURSOR.write(parts)) == parts
    assert PARTITION_CURSOR.read(PARTITION_CURSOR.write(partition)) == partition


@given(st.text() | st.binary().map(lambda data: data.decode("latin-1")))
def test_anything_else_is_one_kind_of_error(cursor: str) -> None:
    with pytest.raises(StorageError) as caught:
        RUN_CURSOR.read(cursor)
    assert caught.value.code == "WEFT-T012"


@given(st.integers(0, 20), st.sampled_from("AZaz09_-"))
def test_a_damaged_cursor_is_never_a_crash(place: int, character: str) -> None:
    cursor = RUN_CURSOR.write((1.5, 7))
    damaged = cursor[:place] + character + cursor[place + 1 :]
    try:
        RUN_CURSOR.read(damaged)
    except StorageError as error:
        assert error.code == "WEFT-T012"


def test_the_error_shows_the_cursor_and_what_was_expected() -> None:
    with pytest.raises(StorageError) as caught:
        RUN_CURSOR.read(PARTITION_CURSOR.write("2024-01-01"))
    assert str(caught.value) == (
        "WEFT-T012  the cursor does not belong to this list.\n"
        f"  cursor        {PARTITION_CURSOR.write('2024-01-01')}\n"
        "  expected      a cursor of runs\n"
        "  fix           start again from the first page, without a cursor"
    )
