"""10,000 mapped steps in one run, and a nested fan-out of 50 x 50 x 20 in the planner alone.

Figures: wall and CPU time of a step, how much the process grows for each step that ends, how the last tenth of the steps compares with the
first. In memory the events and values themselves are kept, so the growth is theirs.
"""

from __future__ import annotations

import gc
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from harness import measure

from weft import DynamicOut, DynamicOutput, Instance, job, op
from weft.model.plan import FromCollected, FromOutput, OutputRef, RunPlan, StepInput, StepOutputPlan, StepPlan
from weft.planning.run_machine import OutputProduced, RunMachine, StepSucceeded
from weft.runs.environment import RunEnvironment
from weft.runs.execute import execute_run
from weft.runs.prepare import PreparedRun, RunSettings, prepare_job

STEPS = 10_000
LEVELS = (50, 50, 20)


@op(out=DynamicOut(int))
def numbers() -> Iterator[DynamicOutput[int]]:
    for number in range(STEPS):
        yield DynamicOutput(number, str(number))


@op
def double(number: int) -> int:
    return 2 * number


@op
def total(numbers: list[int]) -> int:
    return sum(numbers)


@job
def mapped() -> None:
    total(numbers().map(double).collect())


def prepared(environment: RunEnvironment) -> PreparedRun:
    return prepare_job(mapped, RunSettings(), clock=environment.clock, default_resources=environment.default_resources)


def resident_bytes() -> int:
    """The resident set of this process (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Spread:
    """Notes the time and the size of the process at the first and last tenth of the steps."""

    def __init__(self) -> None:
        self._ended = 0
        self.marks: list[tuple[float, int]] = []

    def __call__(self, event: object) -> None:
        if getattr(event, "type", None) != "STEP_SUCCESS":
            return
        self._ended += 1
        if self._ended % (STEPS // 10) == 1:
            gc.collect()
            self.marks.append((time.perf_counter(), resident_bytes()))

    def bytes_per_step(self) -> float:
        """From the end of the second tenth on: by then everything that is made once is there."""
        return (self.marks[-1][1] - self.marks[2][1]) / (STEPS * 7 // 10)

    def last_over_first(self) -> float:
        times = [at for at, _ in self.marks]
        return (times[-1] - times[-2]) / (times[2] - times[1])


def with_environment(persistent: bool, body: Callable[[RunEnvironment], float]) -> float:
    """`body` in memory, or on a fresh SQLite instance."""
    if not persistent:
        return body(RunEnvironment.in_memory())
    with tempfile.TemporaryDirectory() as folder, Instance.at(Path(folder)) as instance:
        return body(instance)


def per_step(clock: Callable[[], float], environment: RunEnvironment) -> float:
    """Milliseconds of `clock` for each step."""
    run = prepared(environment)
    started = clock()
    outcome = execute_run(run, environment)
    assert outcome.run.status.value == "SUCCESS"
    return 1000 * (clock() - started) / STEPS


def spread_of(environment: RunEnvironment) -> Spread:
    """One run, watched."""
    spread = Spread()
    execute_run(prepared(environment), environment, listeners=[spread])
    return spread


def nested_plan() -> RunPlan:
    """Three levels of fan-out, collected level by level."""
    refs = tuple(OutputRef(f"level{depth}", "out") for depth in range(len(LEVELS)))
    dynamic = (StepOutputPlan(name="out", is_dynamic=True),)
    plain = (StepOutputPlan(name="result"),)
    steps = [StepPlan(key="level0", op_name="level", outputs=dynamic)]
    for depth in range(1, len(LEVELS)):
        source = StepInput(name="x", source=FromOutput(refs[depth - 1]))
        steps.append(
            StepPlan(key=f"level{depth}", op_name="level", inputs=(source,), outputs=dynamic, fan_out=refs[:depth])
        )
    source = StepInput(name="x", source=FromOutput(refs[-1]))
    steps.append(StepPlan(key="leaf", op_name="leaf", inputs=(source,), outputs=plain, fan_out=refs))
    below = "leaf"
    for depth in range(len(LEVELS) - 1, -1, -1):
        many = StepInput(name="xs", source=FromCollected(OutputRef(below, "result")))
        below = f"sum{depth}"
        steps.append(StepPlan(key=below, op_name="sum", inputs=(many,), outputs=plain, fan_out=refs[:depth]))
    return RunPlan(job_name="nested", steps=tuple(steps))


def nested_planning(clock: Callable[[], float]) -> float:
    """Microseconds of the run machine for each step of the nested fan-out."""
    plan = nested_plan()
    started = clock()
    machine = RunMachine(plan)
    machine.start()
    ended = 0
    while not machine.is_finished:
        [start] = machine.take_ready(1)
        key = start.step.key
        depth = int(key[5]) if key.startswith("level") else None
        if depth is None:
            machine.handle(OutputProduced(key, "result"))
        else:
            for number in range(LEVELS[depth]):
                machine.handle(OutputProduced(key, "out", str(number)))
        machine.handle(StepSucceeded(key))
        ended += 1
    return 1e6 * (clock() - started) / ended


if __name__ == "__main__":
    for persistent, where, cpu_budget in ((False, "memory", 0.15), (True, "sqlite", 0.5)):
        cpu = partial(per_step, time.process_time)
        measure(
            f"dynamic_{where}_cpu", partial(with_environment, persistent, cpu), unit="ms", repeats=3, budget=cpu_budget
        )
        wall = partial(per_step, time.perf_counter)
        measure(f"dynamic_{where}_wall", partial(with_environment, persistent, wall), unit="ms", repeats=3, budget=1.0)
        growth = partial(with_environment, persistent, lambda one: spread_of(one).bytes_per_step())
        measure(f"dynamic_{where}_bytes", growth, unit="bytes", repeats=3)
        ratio = partial(with_environment, persistent, lambda one: spread_of(one).last_over_first())
        measure(f"dynamic_{where}_last_over_first", ratio, unit="x", repeats=3, budget=1.2)
    measure("dynamic_nested_planning", partial(nested_planning, time.process_time), unit="us", repeats=3)
