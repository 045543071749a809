"""A dependency is a function that is no asset."""

from weft import asset


def orders() -> list[int]:
    return [1]


@asset(deps=[orders])
def report() -> None: ...
