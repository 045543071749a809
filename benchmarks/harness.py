"""How benchmarks measure and report: repeat, take the median, compare with bare Python, write JSON.

A benchmark is a file with one or more calls of `measure`; ``python benchmarks/<file>.py`` runs it, prints a line of JSON for each figure
and writes ``benchmarks/results/<name>.json``. Machines differ, so each result carries the time of a fixed loop of bare Python, measured
just before, and its ratio to that: compare ratios between machines, figures between commits on one machine. Budgets are reported,
never asserted: a busy machine must not fail a build.
"""

from __future__ import annotations

import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct, to_builtins

# Benchmarks on servers start those of the tests: `tests.servers`.
sys.path.append(str(Path(__file__).resolve().parents[1]))

RESULTS = Path(__file__).parent / "results"


class Result(Struct, frozen=True, kw_only=True):
    """One figure."""

    name: str
    median: float
    unit: str
    # The distance between the quartiles, as a share of the median.
    spread: float
    repeats: int
    # The median over that of the baseline, for a time; their product, for a rate. The same on a faster machine.
    ratio: float
    baseline_seconds: float
    # What it should be; at most this for a time, at least this for a rate. None: no budget.
    budget: float | None = None
    within_budget: bool | None = None
    python: str = platform.python_version()


def bare_python() -> None:
    """A fixed amount of work for the interpreter alone: the baseline."""
    counts: dict[int, int] = {}
    for number in range(200_000):
        counts[number & 1023] = counts.get(number & 1023, 0) + number


def measure(
    name: str,
    body: Callable[[], float | None],
    *,
    unit: str = "s",
    repeats: int = 5,
    budget: float | None = None,
    baseline: Callable[[], object] = bare_python,
    warm_up: int = 1,
) -> Result:
    """Run `body` several times; print and write the result.

    Args:
        name: the name of the figure and of its file.
        body: returns the figure in `unit`; None takes the wall time of the call in seconds.
        unit: what is measured. One that contains ``/s`` is a rate: more is better.
        repeats: how often it is run, after `warm_up` runs that do not count.
        budget: see `Result.budget`.
        baseline: what to compare with, timed the same way.
    """
    baseline_seconds = statistics.median(_timed(baseline) for _ in range(5))
    for _ in range(warm_up):
        body()
    figures = [_figure(body) for _ in range(repeats)]
    median = statistics.median(figures)
    low, _, high = statistics.quantiles(figures, n=4) if len(figures) > 1 else (median, median, median)
    is_rate = "/s" in unit
    result = Result(
        name=name,
        median=median,
        unit=unit,
        spread=(high - low) / median if median else 0.0,
        repeats=repeats,
        ratio=median * baseline_seconds if is_rate else median / baseline_seconds,
        baseline_seconds=baseline_seconds,
        budget=budget,
        within_budget=None if budget is None else (median >= budget if is_rate else median <= budget),
    )
    text = json.dumps(to_builtins(result))
    print(text)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(text + "\n")
    return result


def _figure(body: Callable[[], float | None]) -> float:
    start = time.perf_counter()
    figure = body()
    return time.perf_counter() - start if figure is None else figure


def _timed(body: Callable[[], object]) -> float:
    start = time.perf_counter()
    body()
    return time.perf_counter() - start
