"""Edges between ops that cannot work."""

from __future__ import annotations

from collections.abc import Iterator

from weft import DynamicOut, DynamicOutput, OpExecutionContext, job, op


@op
def seed(context: OpExecutionContext) -> int:
    return 3


@op(out=DynamicOut(int))
def numbers(count: int) -> Iterator[DynamicOutput[int]]:
    yield DynamicOutput(count, mapping_key="x")


@op
def named(name: str) -> str:
    return name


@op
def total(numbers: list[int]) -> int:
    return sum(numbers)


@job
def wrong() -> None:
    named(seed())  # error: incompatible type "int"; expected "str"
    total(seed())  # error: incompatible type "int"; expected "list[int]"
    total(numbers("three").collect())  # error: incompatible type "str"; expected "int"
    named(numbers(1))  # error: expected "str"
    seed(1, 2)  # error: No overload variant
    numbers(1).gather()  # error: has no attribute "gather"
