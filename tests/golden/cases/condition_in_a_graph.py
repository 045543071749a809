"""The output of an op is used as a condition."""

from weft import job, op


@op
def extract() -> int:
    return 1


@op
def clean(rows: int, limit: int = 10) -> int:
    return rows


@job
def nightly():
    if extract() > 0:
        clean(extract())
