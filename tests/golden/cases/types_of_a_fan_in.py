"""A fan-in of texts is taken as a list of numbers."""

from weft import job, op


@op
def name() -> str:
    return "a"


@op
def add(values: list[int]) -> int:
    return sum(values)


@job
def nightly():
    add([name(), name()])
