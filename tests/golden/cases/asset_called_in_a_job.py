"""An asset is called in the body of a job."""

from weft import asset, job


@asset
def orders() -> list[int]:
    return [1]


@job
def nightly():
    orders()
