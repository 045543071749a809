"""Showing a run that goes on in this process: a tree that moves on a terminal, plain lines elsewhere.

While the run goes on, the standard descriptors lead to the files of its captured output, so the display writes to a duplicate that was made before.
What steps print is read back from those files and shown in between; before anything else is shown of a step, all that it printed so far is.

A display never disturbs a run. Where its reader has gone (``weft job execute | head``), it falls silent; an error of its own is kept and raised when
the run has ended.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol

from weft.cli.progress.lines import LineDisplay
from weft.cli.progress.plain_text import LineSplitter
from weft.cli.progress.run_view import RunView, StepView
from weft.cli.terminal import Terminal
from weft.logs.capture import SUFFIXES, Stream
from weft.logs.live import LiveTail
from weft.logs.store import ComputeLogStore, LocalComputeLogStore
from weft.model.events import Event, LogsCaptured
from weft.model.plan import RunPlan
from weft.model.run import Run
from weft.model.step import StepStatus


class _WorkerOutput:
    """The files of a process that carries a step out."""

    def __init__(self, step_key: str, paths: Mapping[Stream, Path]) -> None:
        self.step_key = step_key
        self.paths = paths
        self.lines: dict[Stream, LineSplitter] = {stream: LineSplitter() for stream in SUFFIXES}


class Display(Protocol):
    """One way to draw a run."""

    def show(self, event: Event, changed: StepView | None) -> None:
        """Something happened; the view has taken it in. `changed` is the step whose state it changed."""
        ...

    def output(self, step_key: str | None, lines: Sequence[str], at: float) -> None:
        """A step printed lines; at least one."""
        ...

    def close(self) -> None:
        """The run has ended."""
        ...


class ProgressDisplay:
    """Shows one run; a context manager around `execute_run`, whose events go to `listener`.

    Args:
        run: the run.
        plan: its plan.
        logs: where its captured output goes.
        stream: where to show it; a stream of the process that is not captured yet.
        verbose: show DEBUG lines and the frames of weft.
    """

    def __init__(
        self,
        run: Run,
        plan: RunPlan,
        logs: ComputeLogStore,
        stream: IO[str],
        *,
        verbose: bool,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.view = RunView(run, plan)
        self._logs = logs
        self._stream = stream
        self._verbose = verbose
        self._now = now
        # Guards the view, between the thread of the run, that of the tail and that which draws. Nothing is written while it is held.
        self._lock = threading.RLock()
        # Guards the lines that were begun and whose they are, between the thread of the run and that of the tail.
        self._text_lock = threading.RLock()
        self._display: Display | None = None
        self._tail: LiveTail | None = None
        self._lines: dict[Stream, LineSplitter] = {stream: LineSplitter() for stream in SUFFIXES}
        self._step_key: str | None = None
        # Of steps with files of their own: the step, to the output of its worker.
        self._workers: dict[str, _WorkerOutput] = {}
        # Where files were left that a worker may go on to write for another step.
        self._left_at: dict[Path, int] = {}
        self._error: Exception | None = None
        self._duplicate: IO[str] | None = None

    def __enter__(self) -> ProgressDisplay:
        terminal = Terminal(self._duplicated())
        if terminal.is_interactive:
            from weft.cli.progress.tree import TreeDisplay

            self._display = TreeDisplay(self.view, terminal, verbose=self._verbose, now=self._now, lock=self._lock)
        else:
            self._display = LineDisplay(self.view, terminal, verbose=self._verbose)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._guarded(self._stop_tail)
        if self._display is not None:
            self._guarded(self._display.close)
        if self._duplicate is not None:
            with contextlib.suppress(OSError):  # what is left in its buffer goes nowhere
                self._duplicate.close()
        if self._error is not None and error is None:
            raise self._error

    def listener(self, event: Event) -> None:
        """Take an event in and show it."""
        self._guarded(lambda: self._take(event))

    def _take(self, event: Event) -> None:
        if isinstance(event.body, LogsCaptured):
            self._follow(event)
        elif self._tail is not None:
            self._tail.catch_up()
        with self._lock:
            changed = self.view.handle(event)
        if changed is not None or event.step_key not in (None, self._step_key):
            self._turn_to(event.step_key)
        if changed is not None and changed.status is not StepStatus.RUNNING:
            self._leave(changed.key)
        if self._display is not None:
            self._display.show(event, changed)
        if changed is not None and changed.status is not StepStatus.RUNNING:
            self._turn_to(None)

    # --- what steps print --------------------------------------------------------------------------------------------

    def _follow(self, event: Event) -> None:
        body = event.body
        if not isinstance(body, LogsCaptured) or not isinstance(self._logs, LocalComputeLogStore):
            return
        if self._tail is None:
            self._tail = LiveTail(self._on_text)
            self._tail.start()
        folder = self._logs.root / event.run_id
        paths: dict[Stream, Path] = {stream: folder / f"{body.file_key}{suffix}" for stream, suffix in SUFFIXES.items()}
        if event.step_key is None:
            for stream, path in paths.items():
                self._tail.follow(stream, path)
            return
        key = event.step_key
        worker = self._workers[key] = _WorkerOutput(key, paths)
        for stream, path in paths.items():
            start = self._left_at.pop(path, 0)
            self._tail.follow(stream, path, start=start, on_text=partial(self._on_worker_text, worker))

    def _leave(self, step_key: str) -> None:
        """A step with files of its own has ended: show the rest of them."""
        worker = self._workers.pop(step_key, None)
        if worker is None or self._tail is None:
            return
        for path in worker.paths.values():
            self._left_at[path] = self._tail.leave(path)
        with self._text_lock:
            for splitter in worker.lines.values():
                self._show_lines(splitter.finish(), worker.step_key)

    def _on_worker_text(self, worker: _WorkerOutput, stream: Stream, text: str) -> None:
        def show() -> None:
            with self._text_lock:
                self._show_lines(worker.lines[stream].feed(text), worker.step_key)

        self._guarded(show)

    def _on_text(self, stream: Stream, text: str) -> None:
        def show() -> None:
            with self._text_lock:
                self._show_lines(self._lines[stream].feed(text))

        self._guarded(show)

    def _turn_to(self, step_key: str | None) -> None:
        """From here on, what is printed belongs to this step. A line that was begun belongs to the one before."""
        with self._text_lock:
            self._finish_lines()
            self._step_key = step_key

    def _show_lines(self, lines: list[str], step_key: str | None = None) -> None:
        if not lines:
            return
        key = step_key if step_key is not None else self._step_key
        if key is not None:
            with self._lock:
                self.view.note_output(key, lines)
        if self._display is not None:
            self._display.output(key, lines, self._now())

    def _finish_lines(self) -> None:
        for splitter in self._lines.values():
            self._show_lines(splitter.finish())

    def _stop_tail(self) -> None:
        if self._tail is not None:
            self._tail.stop()
            self._turn_to(None)

    # --- the stream --------------------------------------------------------------------------------------------------

    def _duplicated(self) -> IO[str]:
        try:
            duplicate = os.dup(self._stream.fileno())
        except (OSError, ValueError, AttributeError):  # no descriptor behind it: nothing redirects it
            return self._stream
        os.set_inheritable(duplicate, False)
        self._stream.flush()
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        self._duplicate = os.fdopen(duplicate, "w", encoding=encoding, errors="replace", newline="")
        return self._duplicate

    def _guarded(self, action: Callable[[], None]) -> None:
        if self._error is not None:
            return
        try:
            action()
        except OSError:  # its reader has gone
            display, self._display = self._display, None
            if display is not None:
                with contextlib.suppress(OSError):
                    display.close()
        except Exception as error:  # noqa: BLE001  # raised when the run has ended
            self._error = error
