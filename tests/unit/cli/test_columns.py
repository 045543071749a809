"""Aligned columns."""

from __future__ import annotations

import io

from hypothesis import given, strategies as st

from weft.cli.columns import aligned, display_width
from weft.cli.terminal import Terminal


class Narrow(Terminal):
    """A terminal of 30 columns."""

    def __init__(self) -> None:
        super().__init__(io.StringIO(), {})
        self.is_interactive = True

    @property
    def size(self) -> tuple[int, int]:
        return 30, 10


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert list(aligned([["a", "bb", "c"], ["aaa", "b", ""]], header=["A", "B", "C"])) == [
        "A    B   C",
        "a    bb  c",
        "aaa  b",
    ]


def test_numbers_are_aligned_to_the_right() -> None:
    assert list(aligned([["1", "x"], ["100", "y"]], right=(0,), indent="  ")) == ["    1  x", "  100  y"]


def test_the_last_column_is_cut_where_the_terminal_is_narrow() -> None:
    lines = list(aligned([["key", "a long description that goes on"]], terminal=Narrow()))
    assert lines == ["key  a long description tha..."]
    assert len(lines[0]) == 30


def test_wide_characters_take_two_columns() -> None:
    assert display_width("日本") == 4
    assert display_width("e\u0301") == 1
    assert list(aligned([["日本", "x"], ["abc", "y"]])) == ["日本  x", "abc   y"]


def test_nothing_gives_nothing() -> None:
    assert list(aligned([])) == []
    assert list(aligned([], header=["A"])) == ["A"]


@given(st.lists(st.lists(st.text(max_size=5), min_size=3, max_size=3), min_size=1))
def test_every_row_is_one_line(rows: list[list[str]]) -> None:
    lines = list(aligned(rows))
    assert len(lines) == len(rows)
    assert all("\n" not in line for line in lines)
