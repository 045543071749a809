"""Three levels of fan-out with skips, run by `test_nested_fan` in a process of its own that kills itself after some leaves."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from weft import DynamicOut, DynamicOutput, Instance, JobDefinition, Skip, job, op

LEVELS = tuple(map(int, os.environ.get("WEFT_FAN", "6,5,4").split(",")))
LEAVES_BEFORE_DEATH = int(os.environ.get("WEFT_DIE_AFTER", "0"))
_done = [0]


def is_skipped(value: int) -> bool:
    return value % 7 == 3


def expected_total() -> int:
    first, second, third = LEVELS
    values = (10_000 * a + 100 * b + c for a in range(first) for b in range(second) for c in range(third))
    return sum(value for value in values if not is_skipped(value))


@op(out=DynamicOut(int))
def countries() -> Iterator[DynamicOutput[int]]:
    for number in range(LEVELS[0]):
        yield DynamicOutput(10_000 * number, f"c{number}")


@op(out=DynamicOut(int))
def cities(country: int) -> Iterator[DynamicOutput[int]]:
    for number in range(LEVELS[1]):
        yield DynamicOutput(country + 100 * number, f"t{number}")


@op(out=DynamicOut(int))
def streets(city: int) -> Iterator[DynamicOutput[int]]:
    for number in range(LEVELS[2]):
        yield DynamicOutput(city + number, f"s{number}")


@op
def count(street: int) -> int:
    _done[0] += 1
    if _done[0] == LEAVES_BEFORE_DEATH:
        os.kill(os.getpid(), signal.SIGKILL)
    if is_skipped(street):
        raise Skip("nobody lives there")
    return street


@op
def add(numbers: list[int]) -> int:
    return sum(numbers)


@job
def census() -> None:
    def of_city(city: int) -> int:
        return add(streets(city).map(count).collect())

    def of_country(country: int) -> int:
        return add.alias("add_cities")(cities(country).map(of_city).collect())

    add.alias("add_countries")(countries().map(of_country).collect())


def the_job() -> JobDefinition:
    return census


if __name__ == "__main__":
    with Instance.at(Path(sys.argv[1])) as instance:
        census.execute_in_process(instance=instance, run_id=sys.argv[2])
