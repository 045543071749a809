"""What user code printed, made safe to show."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from weft.cli.progress.plain_text import LineSplitter, plain_line


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("plain", "plain"),
        ("tab\tstays", "tab\tstays"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;https://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("10%\r20%\r100%", "100%"),
        ("100%\r", "100%"),
        ("bell\x07 back\x08space \x9b31m", "bell backspace 31m"),
    ],
)
def test_escapes_and_controls_are_taken_out(line: str, shown: str) -> None:
    assert plain_line(line) == shown


@given(st.text())
def test_no_control_character_is_left(text: str) -> None:
    assert [
        char for char in plain_line(text) if (ord(char) < 32 and char not in "\t\n") or 127 <= ord(char) < 160
    ] == []


@given(st.lists(st.text("ab\n"), max_size=10))
def test_lines_do_not_depend_on_how_the_text_comes(pieces: list[str]) -> None:
    splitter = LineSplitter()
    lines = [line for piece in pieces for line in splitter.feed(piece)]
    text = "".join(pieces)
    assert lines + splitter.finish() == text.split("\n")[: None if text.split("\n")[-1] else -1]
    assert splitter.finish() == []
