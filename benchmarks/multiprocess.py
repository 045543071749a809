"""No-op steps in processes of their own on a persistent SQLite instance: 200 side by side, two at once; forked, with workers used again, spawned.

Figures: wall and CPU time of a step over the whole tree of processes, the start and the end of the run included; the memory of the coordinator from the
second to the last tenth of the steps.
"""

from __future__ import annotations

import functools
import gc
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness import measure
from msgspec.structs import replace

from weft import Definitions, Instance, JobDefinition, job, op
from weft.codeserver.target import FileTarget, origin_of
from weft.processes.tree import resident_of
from weft.runs.execute import execute_run
from weft.runs.prepare import RunSettings, prepare_job

STEPS = 200
FEW = 20


@op
def step() -> int:
    return 1


@job
def many() -> None:
    for number in range(STEPS):
        step.alias(f"step_{number}")()


@job
def few() -> None:
    for number in range(FEW):
        step.alias(f"step_{number}")()


DEFS = Definitions(jobs=[many, few])


class Spread:
    """Notes the memory of this process at every tenth of the steps."""

    def __init__(self) -> None:
        self._ended = 0
        self.sizes: list[int] = []

    def __call__(self, event: object) -> None:
        if getattr(event, "type", None) == "STEP_SUCCESS":
            self._ended += 1
            if self._ended % (STEPS // 10) == 0:
                gc.collect()
                self.sizes.append(resident_of(os.getpid()))


def cpu_of_tree() -> float:
    """CPU seconds of this process and of all that it has started and waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def run(target: JobDefinition, settings: Mapping[str, Any], spread: Spread | None = None) -> tuple[float, float]:
    """Wall and CPU milliseconds for each step of one run."""
    with tempfile.TemporaryDirectory() as folder, Instance.at(Path(folder)) as instance:
        config = {"execution": {"config": {"multiprocess": {"max_concurrent": 2, **settings}}}}
        prepared = prepare_job(
            target,
            RunSettings(run_config=config),
            clock=instance.clock,
            default_resources=instance.default_resources,
        )
        prepared.run = replace(prepared.run, origin=origin_of(FileTarget(file=Path(__file__), attribute="DEFS")))
        cpu, wall = cpu_of_tree(), time.perf_counter()
        outcome = execute_run(prepared, instance, listeners=[spread] if spread is not None else [])
        cpu, wall = cpu_of_tree() - cpu, time.perf_counter() - wall
    assert outcome.run.status.value == "SUCCESS", outcome.run
    steps = len(prepared.plan.steps)
    return 1000 * wall / steps, 1000 * cpu / steps


def growth() -> float:
    """KiB by which the coordinator grows with a step."""
    spread = Spread()
    run(many, {}, spread)
    return (spread.sizes[-1] - spread.sizes[1]) / 1024 / (STEPS * 8 // 10)


def figures(
    name: str, target: JobDefinition, settings: Mapping[str, Any], wall: float | None, cpu: float | None
) -> None:
    """Wall and CPU of one way to start workers, from the same runs."""
    seen: list[tuple[float, float]] = []

    def once() -> float:
        seen.append(run(target, settings))
        return seen[-1][0]

    measure(f"multiprocess_{name}_wall", once, unit="ms", budget=wall)
    kept = iter(seen[1:])
    measure(f"multiprocess_{name}_cpu", lambda: next(kept)[1], unit="ms", budget=cpu, warm_up=0)


if __name__ == "__main__":
    figures("fork", many, {}, 15, 12)
    figures("reused", many, {"reuse_workers": True}, None, None)
    figures("spawn", few, {"start_method": {"spawn": {}}}, None, None)
    measure("multiprocess_memory", functools.partial(growth), unit="KiB", repeats=3, budget=8)
