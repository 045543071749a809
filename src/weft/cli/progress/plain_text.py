"""Text that user code printed, made safe to show between lines of ours."""

from __future__ import annotations

import re

# Escape sequences (ECMA-48): CSI with its parameters, OSC up to its end, and the short ones.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def plain_line(line: str) -> str:
    """One line without escape sequences and control characters; of a line that overwrote itself (``\\r``), what stood at its end."""
    line = _ESCAPES.sub("", line.rstrip("\r\n"))
    return _CONTROLS.sub("", line.rpartition("\r")[2])


class LineSplitter:
    """Puts pieces of text together to whole lines."""

    def __init__(self) -> None:
        self._rest = ""

    def feed(self, text: str) -> list[str]:
        """The lines that are complete with `text`."""
        *lines, self._rest = (self._rest + text).split("\n")
        return [plain_line(line) for line in lines]

    def finish(self) -> list[str]:
        """The line that was begun, if any."""
        rest, self._rest = self._rest, ""
        return [plain_line(rest)] if rest else []
