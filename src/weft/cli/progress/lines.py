"""A run as plain lines: one for each change of a step, one for each line that it prints or logs. No control characters."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from weft.cli.progress.error_text import error_lines
from weft.cli.progress.plain_text import plain_line
from weft.cli.progress.run_view import RunView, StepView
from weft.cli.progress.status_words import STEP_LOOKS
from weft.cli.quantities import clock_text, count_text, duration_text
from weft.cli.terminal import Terminal
from weft.model.events import Event, LogMessage, RunStarted, StepUpForRetry
from weft.model.step import StepStatus

_WIDEST_KEY = 40


class LineDisplay:
    """Writes lines as things happen."""

    def __init__(self, view: RunView, terminal: Terminal, *, verbose: bool) -> None:
        self._view = view
        self._terminal = terminal
        self._verbose = verbose
        self._width = min(_WIDEST_KEY, max((len(key) for key in view.steps), default=0))

    def show(self, event: Event, changed: StepView | None) -> None:
        """Something happened; the view has taken it in."""
        body = event.body
        if isinstance(body, RunStarted):
            self._write(f"{clock_text(event.time)}  run {event.run_id} started: {run_subject(self._view)}")
        elif isinstance(body, LogMessage):
            if body.level >= (logging.DEBUG if self._verbose else logging.INFO):
                self._write_log(event, body)
        elif changed is not None:
            self._write_change(event, changed)

    def output(self, step_key: str | None, lines: Sequence[str], at: float) -> None:
        """A step printed lines."""
        head = f"{clock_text(at)}  {step_key or '':<{self._width}}  | "
        self._write("\n".join(f"{head}{line}".rstrip() for line in lines))

    def close(self) -> None:
        """Nothing is left open."""

    def _write_log(self, event: Event, body: LogMessage) -> None:
        first, *rest = body.message.splitlines() or [""]
        level = logging.getLevelName(body.level)
        self._write(f"{self._head(event, event.step_key or '')}  {level}  {plain_line(first)}")
        for line in rest:
            self._write(f"    {plain_line(line)}")
        if body.error is not None:
            self._write_error(error_lines(body.error, own_frames=self._verbose))

    def _write_change(self, event: Event, step: StepView) -> None:
        look = STEP_LOOKS[step.status]
        parts = [f"{self._head(event, step.key)}  {self._terminal.style(look.word, look.colour)}"]
        if step.status is StepStatus.SKIPPED:
            parts.append(step.reason)
        elif step.status is not StepStatus.RUNNING:
            parts.append(duration_text(step.seconds(event.time)))
        if step.attempt > 1:
            parts.append(f"attempt {step.attempt}")
        if isinstance(event.body, StepUpForRetry):
            parts.append(f"again in {duration_text(event.body.delay_seconds)}")
        if step.status is StepStatus.SUCCEEDED:
            parts.append(step.partition_text)
            parts.append(count_text(step.rows, "row") if step.rows is not None else "")
        self._write("  ".join(part for part in parts if part))
        if step.error is not None and step.status in (StepStatus.FAILED, StepStatus.UP_FOR_RETRY):
            self._write_error(error_lines(step.error, own_frames=self._verbose))

    def _head(self, event: Event, key: str) -> str:
        return f"{clock_text(event.time)}  {key:<{self._width}}"

    def _write_error(self, lines: list[str]) -> None:
        for line in lines:
            self._write(f"    {plain_line(line)}".rstrip())

    def _write(self, line: str) -> None:
        self._terminal.stream.write(line + "\n")
        self._terminal.stream.flush()


def run_subject(view: RunView) -> str:
    """What the run is about: its job, steps and partitions."""
    run = view.run
    parts = [subject_name(run.job_name), count_text(len(view.steps), "step")]
    if run.partition_key is not None:
        parts.append(f"partition {run.partition_key}")
    elif run.partition_range is not None:
        parts.append("partitions {}...{}".format(*run.partition_range))
    return ", ".join(parts)


def subject_name(job_name: str) -> str:
    """The name of a job for people; a run of selected assets has none of its own."""
    return "assets" if job_name.startswith("__") else f"job {job_name}"
