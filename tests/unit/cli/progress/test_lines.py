"""A run as plain lines."""

from __future__ import annotations

import io
import re

from tests.unit.cli.progress.events_of_runs import Happenings, a_plan, a_run, an_error

from weft.cli.progress.lines import LineDisplay
from weft.cli.progress.run_view import RunView
from weft.cli.terminal import Terminal
from weft.model.events import (
    AssetMaterialized,
    LogMessage,
    RunStarted,
    StepFailed,
    StepRestarted,
    StepSkipped,
    StepStarted,
    StepSucceeded,
    StepUpForRetry,
)
from weft.model.keys import AssetKey
from weft.model.metadata import IntMetadataValue
from weft.model.run import RunTag


class Shown:
    """A display and what it wrote, without the time of day."""

    def __init__(self, *keys: str, verbose: bool = False, **run: object) -> None:
        self._stream = io.StringIO()
        self._view = RunView(a_run(**run), a_plan(*keys))  # type: ignore[arg-type]
        self._happens = Happenings()
        self.display = LineDisplay(self._view, Terminal(self._stream, {}), verbose=verbose)

    def __call__(self, body: object, step_key: str | None = None) -> None:
        event = self._happens(body, step_key)  # type: ignore[arg-type]
        self.display.show(event, self._view.handle(event))

    @property
    def lines(self) -> list[str]:
        return [re.sub(r"^\d\d:\d\d:\d\d  ", "", line) for line in self._stream.getvalue().splitlines()]


def test_every_change_of_a_step_is_one_line() -> None:
    shown = Shown("orders", "total", "report", tags={RunTag.PARTITION: "2024-01-01"})
    shown(RunStarted(pid=1))
    shown(StepStarted(), "orders")
    shown(
        AssetMaterialized(
            asset_key=AssetKey("orders"), partition="2024-01-01", metadata={"weft/row_count": IntMetadataValue(1200)}
        ),
        "orders",
    )
    shown(StepSucceeded(), "orders")
    shown(StepStarted(), "total")
    shown(StepUpForRetry(error=None, delay_seconds=2.0), "total")
    shown(StepRestarted(attempt=2), "total")
    shown(StepSkipped(reason='step "total" failed'), "report")
    assert shown.lines == [
        "run run-1 started: job nightly, 3 steps, partition 2024-01-01",
        "orders  running",
        "orders  succeeded  2 s  2024-01-01  1,200 rows",
        "total   running",
        "total   up for retry  1 s  again in 2 s",
        "total   running  attempt 2",
        'report  skipped  step "total" failed',
    ]


def test_a_failure_is_followed_by_its_reason() -> None:
    shown = Shown("orders")
    shown(StepStarted(), "orders")
    shown(StepFailed(error=an_error("no rows\nat all")), "orders")
    assert shown.lines[1] == "orders  failed  1 s"
    assert re.fullmatch(r"    \S*events_of_runs.py:\d+: ValueError: no rows", shown.lines[2])
    assert shown.lines[-2:] == ["    ValueError: no rows", "    at all"]


def test_what_is_logged_and_printed_is_shown_by_level() -> None:
    quiet, verbose = Shown("a"), Shown("a", verbose=True)
    for shown in (quiet, verbose):
        shown(LogMessage(message="detail", level=10), "a")
        shown(LogMessage(message="first\nsecond\x1b[31m", level=30), "a")
        shown.display.output("a", ["printed", ""], 0.0)
        shown.display.output(None, ["by nobody"], 0.0)
    assert quiet.lines == ["a  WARNING  first", "    second", "a  | printed", "a  |", "   | by nobody"]
    assert verbose.lines == ["a  DEBUG  detail", *quiet.lines]
