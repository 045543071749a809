"""A graph returns two outputs without naming them."""

from weft import graph, op


@op
def extract() -> int:
    return 1


@op
def clean(rows: int, limit: int = 10) -> int:
    return rows


@graph
def prepare():
    return extract(), clean(extract())
