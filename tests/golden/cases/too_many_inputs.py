"""An op is called with more inputs than it takes."""

from weft import job, op


@op
def extract() -> int:
    return 1


@op
def clean(rows: int, limit: int = 10) -> int:
    return rows


@job
def nightly():
    clean(extract(), extract(), extract())
