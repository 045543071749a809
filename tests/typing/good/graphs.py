"""Ops in the bodies of graphs: called without their context, mapped and collected where they are dynamic."""

from __future__ import annotations

from collections.abc import Iterator

from weft import DynamicOut, DynamicOutput, OpExecutionContext, build_op_context, graph, job, op


@op
def seed(context: OpExecutionContext) -> int:
    context.log.info("seed")
    return 3


@op(out=DynamicOut(int))
def numbers(count: int) -> Iterator[DynamicOutput[int]]:
    for number in range(count):
        yield DynamicOutput(number, mapping_key=str(number))


@op(out=DynamicOut(str), tags={"a": "b"})
def letters(context: OpExecutionContext, number: int) -> Iterator[DynamicOutput[str]]:
    yield DynamicOutput(str(number), mapping_key="x")


@op
def double(number: int) -> int:
    return 2 * number


@op
def total(numbers: list[int]) -> int:
    return sum(numbers)


@op
def joined(texts: list[str]) -> str:
    return "".join(texts)


@graph
def of_number(number: int) -> str:
    return joined(letters(number).collect())


@job
def everything() -> None:
    total(numbers(seed()).map(double).collect())
    joined(numbers(seed()).map(lambda number: joined(letters(number).collect())).collect())


four: int = double(2)
three: int = seed(build_op_context())
keys: list[str] = [one.mapping_key for one in numbers(2)]
