"""Showing a run while it goes on, without ever disturbing it."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import IO, Any

import pytest
from tests.unit.cli.progress.events_of_runs import RUN_ID, Happenings, a_plan, a_run

from weft.cli.progress.display import ProgressDisplay
from weft.logs.store import ComputeLogStore, LocalComputeLogStore, NullComputeLogStore
from weft.model.events import LogsCaptured, RunStarted, StepStarted, StepSucceeded
from weft.model.step import StepStatus


def display_of(stream: IO[str], logs: ComputeLogStore | None = None) -> ProgressDisplay:
    return ProgressDisplay(
        a_run(), a_plan("a", "b"), logs or NullComputeLogStore(), stream, verbose=False, now=lambda: 0.0
    )


def shown(text: str) -> list[str]:
    """Lines without the time of day."""
    return [" ".join(line.split()[1:]) for line in text.splitlines()]


def test_what_a_step_prints_is_shown_before_its_end_and_under_its_name(tmp_path: Path) -> None:
    folder = tmp_path / RUN_ID
    folder.mkdir()
    stream, happens = io.StringIO(), Happenings()

    def printed(text: str, suffix: str = ".out") -> None:
        with (folder / f"run{suffix}").open("a") as file:
            file.write(text)

    with display_of(stream, LocalComputeLogStore(tmp_path)) as display:
        display.listener(happens(RunStarted(pid=1)))
        display.listener(happens(LogsCaptured(file_key="run")))
        printed("resources are up\n")
        display.listener(happens(StepStarted(), "a"))
        printed("one\ntwo without end")
        printed("complaint\n", ".err")
        display.listener(happens(StepSucceeded(), "a"))
        display.listener(happens(StepStarted(), "b"))
        printed("three\n")
        display.listener(happens(StepSucceeded(), "b"))
        printed("torn down\n")
    assert shown(stream.getvalue()) == [
        "run run-1 started: job nightly, 2 steps",
        "| resources are up",
        "a running",
        "a | one",
        "a | complaint",
        "a | two without end",
        "a succeeded 1 s",
        "b running",
        "b | three",
        "b succeeded 1 s",
        "| torn down",
    ]


def test_a_reader_that_goes_silences_the_display_only() -> None:
    reading, writing = os.pipe()
    happens = Happenings()
    with os.fdopen(writing, "w") as stream, display_of(stream) as display:
        display.listener(happens(StepStarted(), "a"))
        os.close(reading)
        for _ in range(3):
            display.listener(happens(StepStarted(), "b"))
        display.listener(happens(StepSucceeded(), "b"))
        assert display.view.steps["b"].status is StepStatus.SUCCEEDED
        # Nothing is left in its own buffer that would complain when it is closed.
        assert os.dup2(os.open(os.devnull, os.O_WRONLY), writing) == writing


def test_an_error_of_the_display_is_raised_when_the_run_has_ended() -> None:
    class Broken(io.StringIO):
        def write(self, text: Any) -> int:
            raise ZeroDivisionError

    happens = Happenings()
    with pytest.raises(ZeroDivisionError), display_of(Broken()) as display:
        display.listener(happens(StepStarted(), "a"))
        display.listener(happens(StepSucceeded(), "a"))


def test_the_error_of_a_run_comes_before_one_of_the_display() -> None:
    class Broken(io.StringIO):
        def write(self, text: Any) -> int:
            raise ZeroDivisionError

    happens = Happenings()
    with pytest.raises(KeyError), display_of(Broken()) as display:
        display.listener(happens(StepStarted(), "a"))
        raise KeyError
