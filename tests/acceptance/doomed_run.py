"""A run that somebody will kill: a chain of sums with a fan-out, each success reported on stdout once it is safe.

Usage: doomed_run.py HOME RUN_ID
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from weft import Event, In, Instance, Nothing, Out, job, op
from weft.runs.execute import execute_run
from weft.runs.prepare import RunSettings, prepare_job

STEPS = 12
FAN = 4


@op
def start() -> int:
    return 1


@op
def add_one(value: int) -> int:
    return value + 1


@op
def total(values: list[int]) -> int:
    return sum(values)


@op(ins={"after": In(Nothing)}, out=Out(Nothing))
def last() -> None:
    pass


@job
def doomed() -> None:
    """start -> 12 times add_one -> 4 branches -> total -> last; the total is 4 * 14 = 56."""
    value = start()
    for number in range(STEPS):
        value = add_one.alias(f"add_{number}")(value)
    last(total([add_one.alias(f"branch_{number}")(value) for number in range(FAN)]))


EXPECTED_TOTAL = FAN * (1 + STEPS + 1)


def report(event: Event) -> None:
    """Tell the parent about each success; the journal has it already."""
    if event.type in ("RUN_START", "STEP_SUCCESS", "RUN_SUCCESS"):
        os.write(REPORTS, f"{event.type} {event.step_key or ''}\n".encode())


if __name__ == "__main__":
    # The run captures descriptor 1, so the reports need one of their own.
    REPORTS = os.dup(1)
    with Instance.at(Path(sys.argv[1])) as instance:
        prepared = prepare_job(
            doomed,
            RunSettings(run_id=sys.argv[2]),
            clock=instance.clock,
            default_resources=instance.default_resources,
        )
        execute_run(prepared, instance, listeners=[report])
