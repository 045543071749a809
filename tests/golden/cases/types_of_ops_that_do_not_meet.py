"""An op takes a text where a number is given."""

from weft import job, op


@op
def count() -> int:
    return 3


@op
def shout(text: str) -> str:
    return text.upper()


@job
def nightly():
    shout(count())
