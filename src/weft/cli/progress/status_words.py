"""States as people see them: a symbol, a word, a colour. The word is always there; the others only help."""

from __future__ import annotations

from typing import NamedTuple

from weft.cli.terminal import Terminal
from weft.model.run import RunStatus
from weft.model.step import StepStatus


class Look(NamedTuple):
    """How a state is shown. `plain` stands for the symbol where there are only ASCII characters."""

    symbol: str
    plain: str
    word: str
    colour: str

    def mark(self, terminal: Terminal) -> str:
        """The symbol for that terminal."""
        return self.symbol if terminal.has_symbols else self.plain


STEP_LOOKS: dict[StepStatus, Look] = {
    StepStatus.PENDING: Look("·", ".", "waiting", "bright_black"),
    StepStatus.READY: Look("·", ".", "waiting", "bright_black"),
    StepStatus.RUNNING: Look("▶", ">", "running", "cyan"),
    StepStatus.UP_FOR_RETRY: Look("↻", "~", "up for retry", "yellow"),
    StepStatus.SUCCEEDED: Look("✓", "+", "succeeded", "green"),
    StepStatus.FAILED: Look("✗", "x", "failed", "red"),
    StepStatus.SKIPPED: Look("○", "-", "skipped", "yellow"),
    StepStatus.CANCELED: Look("■", "#", "canceled", "magenta"),
}

BROKEN_OFF = Look("✗", "x", "broken off", "red")
"""A step of a run that is over, of whose end nobody heard: its process was lost in the middle of it."""

RUN_LOOKS: dict[RunStatus, Look] = {
    RunStatus.QUEUED: Look("·", ".", "queued", "bright_black"),
    RunStatus.NOT_STARTED: Look("·", ".", "not started", "bright_black"),
    RunStatus.STARTING: Look("▶", ">", "starting", "cyan"),
    RunStatus.STARTED: Look("▶", ">", "running", "cyan"),
    RunStatus.SUCCESS: Look("✓", "+", "succeeded", "green"),
    RunStatus.FAILURE: Look("✗", "x", "failed", "red"),
    RunStatus.CANCELING: Look("■", "#", "canceling", "magenta"),
    RunStatus.CANCELED: Look("■", "#", "canceled", "magenta"),
}
