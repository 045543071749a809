"""Two nodes of a job have one name."""

from weft import job, op


@op
def extract() -> int:
    return 1


@op
def clean(rows: int, limit: int = 10) -> int:
    return rows


@job
def nightly():
    clean.alias("first")(extract())
    extract.alias("first")()
