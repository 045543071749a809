"""A run as a tree of its steps that moves, on a terminal. Lines that must stay (warnings, errors, what steps print) are written above it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from weft.cli.progress.error_text import error_lines
from weft.cli.progress.lines import subject_name
from weft.cli.progress.plain_text import plain_line
from weft.cli.progress.run_view import RunView, StepView
from weft.cli.progress.status_words import RUN_LOOKS, STEP_LOOKS
from weft.cli.progress.tree_rows import Row, counts_text, tree_rows
from weft.cli.quantities import count_text, duration_text
from weft.cli.terminal import Terminal
from weft.model.events import Event, LogMessage
from weft.model.step import StepStatus

_REFRESH_PER_SECOND = 8
# A tree of many steps takes long to lay out, and little of it is seen.
_MANY_STEPS, _REFRESH_MANY_PER_SECOND = 2000, 1
_LINES_AROUND = 4  # the head of the tree, an empty line, the prompt
_MOST_AT_THE_END = 60
_ASCII_GUIDES = str.maketrans({"│": "|", "├": "|", "└": "`", "─": "-"})


class TreeDisplay:
    """Draws the tree from a thread of its own, so that it moves while user code runs.

    The lock guards the view between that thread and the one of the run. It is never held while something is written: rich has a lock of its
    own, which the drawing thread takes first.
    """

    def __init__(
        self, view: RunView, terminal: Terminal, *, verbose: bool, now: Callable[[], float], lock: threading.RLock
    ) -> None:
        self._view = view
        self._terminal = terminal
        self._verbose = verbose
        self._now = now
        self._lock = lock
        self._console = Console(
            file=terminal.stream,
            force_terminal=True,
            no_color=not terminal.has_colour,
            highlight=False,
            markup=False,
            emoji=False,
            soft_wrap=False,
        )
        self._live = Live(
            console=self._console,
            get_renderable=self._draw,
            refresh_per_second=_REFRESH_PER_SECOND if len(view.steps) < _MANY_STEPS else _REFRESH_MANY_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def show(self, event: Event, changed: StepView | None) -> None:
        """Something happened; the view has taken it in."""
        if not self._live.is_started:  # not before: until its first event, a run may be forking
            self._live.start()
        body = event.body
        if isinstance(body, LogMessage):
            if body.level >= (logging.DEBUG if self._verbose else logging.WARNING):
                self._log(event.step_key, body)
        elif changed is not None and changed.error is not None:
            if changed.status is StepStatus.FAILED:
                self._above(f"{changed.key} failed", error_lines(changed.error, own_frames=self._verbose), "red")
            elif changed.status is StepStatus.UP_FOR_RETRY:
                self._above(f"{changed.key} failed, is tried again", error_lines(changed.error)[:1], "yellow")

    def output(self, step_key: str | None, lines: Sequence[str], at: float) -> None:
        """A step printed lines."""
        head = f"{step_key} | " if step_key else "| "
        text = Text()
        for number, line in enumerate(lines):
            text.append(f"\n{head}" if number else head, style="bright_black")
            text.append(line, style="default")
        self._print(text)

    def close(self) -> None:
        """Take the moving tree away and leave its last state."""
        self._live.stop()
        self._fit()
        with self._lock:
            last = self._picture(_MOST_AT_THE_END)
        self._console.print(last)

    def _log(self, step_key: str | None, body: LogMessage) -> None:
        colour = "red" if body.level >= logging.ERROR else "yellow" if body.level >= logging.WARNING else "default"
        error = error_lines(body.error, own_frames=self._verbose) if body.error is not None else []
        first, *rest = body.message.splitlines() or [""]
        head = f"{logging.getLevelName(body.level)}  {step_key + ': ' if step_key else ''}{plain_line(first)}"
        self._above(head, [*rest, *error], colour)

    def _above(self, head: str, lines: list[str], colour: str) -> None:
        text = Text(head, style=f"bold {colour}")
        for line in lines:
            text.append(f"\n    {plain_line(line)}", style="not bold default")
        self._print(text)

    def _print(self, text: Text) -> None:
        """Write above the tree, all at once: the tree is drawn again below each print."""
        self._fit()
        self._console.print(text)

    # --- drawing -----------------------------------------------------------------------------------------------------

    def _draw(self) -> Group:
        self._fit()
        with self._lock:
            return self._picture(max(3, self._console.height - _LINES_AROUND))

    def _fit(self) -> None:
        """rich would ask the standard descriptors for the size; while output is captured they lead to files."""
        columns, lines = self._terminal.size
        self._console.size = (columns, lines)

    def _picture(self, most: int) -> Group:
        now = self._now()
        table = Table.grid(padding=(0, 2))
        for _ in range(3):
            table.add_column(no_wrap=True)
        table.add_column(justify="right", no_wrap=True)
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        for row in tree_rows(self._view, most=most):
            table.add_row(*self._cells(row, now))
        return Group(self._head(now), table, Text(""))

    def _head(self, now: float) -> Text:
        view = self._view
        look = RUN_LOOKS[view.status]
        text = Text(f"{look.mark(self._terminal)} ", style=look.colour)
        text.append(f"run {view.run.id}", style="bold default")
        text.append(f"  {subject_name(view.run.job_name)}", style="default")
        if view.run.partition_key is not None:
            text.append(f"  partition {view.run.partition_key}", style="default")
        elif view.run.partition_range is not None:
            text.append("  partitions {}...{}".format(*view.run.partition_range), style="default")
        text.append(f"  {look.word}", style=look.colour)
        text.append(f"  {duration_text(view.seconds(now))}  {counts_text(view.counts())}", style="default")
        return text

    def _cells(self, row: Row, now: float) -> Iterator[Text]:
        guide = row.guide if self._terminal.has_symbols else row.guide.translate(_ASCII_GUIDES)
        step = row.step
        if step is None:
            yield Text(f"{guide}{row.label}", style="default")
            yield from (Text(""), Text(""), Text(""), Text(row.note, style="bright_black"))
            return
        look = STEP_LOOKS[step.status]
        label = Text(guide, style="bright_black")
        label.append(f"{look.mark(self._terminal)} ", style=look.colour)
        label.append(row.label, style="default")
        yield label
        yield Text(look.word, style=look.colour)
        yield Text(f"attempt {step.attempt}" if step.attempt > 1 else "", style="yellow")
        yield Text(duration_text(step.seconds(now)), style="default")
        yield Text(_note(step), style="bright_black")


def _note(step: StepView) -> str:
    if step.status is StepStatus.RUNNING:
        return plain_line(step.last_line.splitlines()[0]) if step.last_line else ""
    if step.status is StepStatus.SKIPPED:
        return step.reason
    if step.error is not None:
        return error_lines(step.error)[0]
    rows = count_text(step.rows, "row") if step.rows is not None else ""
    return "  ".join(part for part in (step.partition_text, rows) if part)
