"""Rows as aligned columns of plain text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from unicodedata import combining, east_asian_width

from weft.cli.terminal import Terminal

_GAP = "  "
_LEAST_LAST = 12


def aligned(
    rows: Sequence[Sequence[str]],
    *,
    header: Sequence[str] | None = None,
    right: Sequence[int] = (),
    indent: str = "",
    terminal: Terminal | None = None,
) -> Iterator[str]:
    """One line for each row, columns padded to their widest cell.

    Args:
        rows: cells; line breaks in them become spaces.
        header: names of the columns.
        right: columns that are aligned to the right, for numbers.
        indent: put in front of each line.
        terminal: where it is narrower than the rows, the last column is cut; its styles mark the header.
    """
    body = [[" ".join(cell.split("\n")) for cell in row] for row in rows]
    everything = [list(header), *body] if header is not None else body
    if not everything:
        return
    widths = [max(map(display_width, column)) for column in zip(*everything, strict=True)]
    room = terminal.width if terminal is not None else None
    if room is not None:
        taken = len(indent) + sum(widths[:-1]) + len(_GAP) * (len(widths) - 1)
        widths[-1] = min(widths[-1], max(_LEAST_LAST, room - taken))
    for number, row in enumerate(everything):
        cells = [
            _fitted(cell, width, place in right) for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        line = (indent + _GAP.join(cells)).rstrip()
        is_header = header is not None and number == 0
        yield terminal.style(line, bold=True) if is_header and terminal is not None else line


def display_width(text: str) -> int:
    """How many columns of a terminal the text takes."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)


def _fitted(text: str, width: int, to_right: bool) -> str:
    missing = width - display_width(text)
    if missing < 0:
        while display_width(text) > width - 3:
            text = text[:-1]
        return text + "..."
    return " " * missing + text if to_right else text + " " * missing
