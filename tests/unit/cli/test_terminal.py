"""What a stream can show."""

from __future__ import annotations

import io
import os
import pty
from collections.abc import Iterator
from typing import IO

import pytest

from weft.cli.terminal import Terminal


@pytest.fixture
def terminal_stream() -> Iterator[IO[str]]:
    leader, follower = pty.openpty()
    with os.fdopen(follower, "w", encoding="utf-8") as stream:
        yield stream
    os.close(leader)


@pytest.mark.parametrize(
    ("environ", "is_interactive", "has_colour"),
    [
        ({"TERM": "xterm"}, True, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, True, False),
        ({"TERM": "xterm", "NO_COLOR": ""}, True, True),
        ({"TERM": "dumb"}, False, False),
        ({"TERM": "xterm", "CI": "true"}, False, False),
    ],
)
def test_a_terminal_is_what_its_environment_says(
    terminal_stream: IO[str], environ: dict[str, str], is_interactive: bool, has_colour: bool
) -> None:
    terminal = Terminal(terminal_stream, environ)
    assert (terminal.is_interactive, terminal.has_colour) == (is_interactive, has_colour)
    assert ("\x1b" in terminal.style("text", "red")) == has_colour


def test_what_is_no_terminal_has_neither_colour_nor_width() -> None:
    terminal = Terminal(io.StringIO(), {"TERM": "xterm"})
    assert not terminal.is_interactive
    assert terminal.width is None
    assert terminal.style("text", "red", bold=True) == "text"


def test_a_closed_stream_is_no_terminal() -> None:
    stream = io.StringIO()
    stream.close()
    assert not Terminal(stream, {}).is_interactive


def test_the_size_is_that_of_the_stream(terminal_stream: IO[str]) -> None:
    import fcntl
    import struct
    import termios

    terminal = Terminal(terminal_stream, {"TERM": "xterm"})
    assert terminal.size == (80, 24), "a terminal that does not know its size"
    fcntl.ioctl(terminal_stream.fileno(), termios.TIOCSWINSZ, struct.pack("HHHH", 50, 132, 0, 0))
    assert terminal.size == (132, 50)
    assert terminal.width == 132


@pytest.mark.parametrize(("encoding", "has_symbols"), [("utf-8", True), ("ascii", False), ("latin-1", False)])
def test_symbols_need_an_encoding_that_has_them(encoding: str, has_symbols: bool) -> None:
    with io.TextIOWrapper(io.BytesIO(), encoding=encoding) as stream:
        assert Terminal(stream, {}).has_symbols == has_symbols
