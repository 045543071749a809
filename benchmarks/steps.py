"""1,000 no-op steps in process, as a chain and as a fan-out, in memory and on a persistent SQLite instance.

Figures: CPU and wall time of a step, how the last tenth of the steps compares with the first, bytes of database for each step.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from harness import measure

from weft import ExecuteInProcessResult, In, Instance, JobDefinition, Nothing, job, op

STEPS = 1000


@op
def first() -> int:
    return 0


@op
def following(value: int) -> int:
    return value


@op(ins={"after": In(Nothing)})
def leaf() -> int:
    return 1


@job
def chain() -> None:
    value = first()
    for _ in range(STEPS - 1):
        value = following(value)


@job
def fan_out() -> None:
    value = first()
    for number in range(STEPS - 1):
        following.alias(f"step_{number}")(value)


def per_step(run: Callable[[], object], clock: Callable[[], float]) -> float:
    """Milliseconds of `clock` for each step of a run."""
    started = clock()
    run()
    return 1000 * (clock() - started) / STEPS


def last_over_first(result: ExecuteInProcessResult) -> float:
    """How long the last tenth of the steps took, over the first tenth."""
    ends = [event.time for event in result.all_events if event.type == "STEP_SUCCESS"]
    tenth = len(ends) // 10
    return (ends[-1] - ends[-tenth]) / (ends[tenth] - ends[1])


def bytes_per_step(target: JobDefinition) -> float:
    """How much one run adds to the database, for each of its steps."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with Instance.at(home) as instance:
            target.execute_in_process(instance=instance)
        with Instance.at(home) as instance:
            before = size_of(home)
            target.execute_in_process(instance=instance)
        return (size_of(home) - before) / STEPS


def size_of(home: Path) -> int:
    """Bytes of the database and its log."""
    return sum(path.stat().st_size for path in home.glob("weft.db*"))


if __name__ == "__main__":
    for shape, target in (("chain", chain), ("fan_out", fan_out)):
        in_memory = target.execute_in_process
        measure(f"step_memory_{shape}", lambda run=in_memory: per_step(run, time.process_time), unit="ms", budget=0.15)
        with tempfile.TemporaryDirectory() as folder, Instance.at(Path(folder)) as instance:

            def persistent(target: JobDefinition = target, instance: Instance = instance) -> ExecuteInProcessResult:
                return target.execute_in_process(instance=instance)

            measure(f"step_sqlite_{shape}_cpu", lambda: per_step(persistent, time.process_time), unit="ms", budget=0.5)
            measure(f"step_sqlite_{shape}_wall", lambda: per_step(persistent, time.perf_counter), unit="ms", budget=1.0)
            measure(f"step_sqlite_{shape}_last_over_first", lambda: last_over_first(persistent()), unit="x", budget=1.2)
        measure(f"step_sqlite_{shape}_bytes", partial(bytes_per_step, target), unit="bytes", repeats=3, budget=1536)
