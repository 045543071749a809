"""A retry policy is given as a number."""

from weft import asset


@asset(retry_policy=3)
def orders() -> None: ...
