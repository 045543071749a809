"""What an output stream can show: whether it is a terminal, colours, symbols.

A terminal gets colours and a display that moves. Everything else (a pipe, a file, continuous integration, ``TERM=dumb``) gets plain lines without a
single control character. ``NO_COLOR`` takes the colours away, see https://no-color.org.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import IO

import click

# Of a terminal that does not know its size.
_COLUMNS, _LINES = 80, 24


class Terminal:
    """One output stream, as it may be written to.

    Args:
        stream: where text goes.
        environ: the environment variables that count.
    """

    def __init__(self, stream: IO[str], environ: Mapping[str, str] = os.environ) -> None:
        self.stream = stream
        self.is_interactive = _is_terminal(stream) and environ.get("TERM") != "dumb" and not environ.get("CI")
        self.has_colour = self.is_interactive and not environ.get("NO_COLOR")
        encoding = (getattr(stream, "encoding", None) or "ascii").lower().replace("-", "")
        self.has_symbols = encoding.startswith("utf")

    @property
    def width(self) -> int | None:
        """Characters in a line; None where lines may be as long as they like."""
        return self.size[0] if self.is_interactive else None

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines. Asked of the stream itself: while output is captured, the standard descriptors lead to files."""
        try:
            columns, lines = os.get_terminal_size(self.stream.fileno())
        except (OSError, ValueError):
            columns, lines = 0, 0
        return columns or _COLUMNS, lines or _LINES

    def style(self, text: str, colour: str | None = None, *, bold: bool = False, dim: bool = False) -> str:
        """`text` in a colour, where there are colours."""
        return click.style(text, fg=colour, bold=bold or None, dim=dim or None) if self.has_colour else text


def _is_terminal(stream: IO[str]) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # it is closed
        return False
