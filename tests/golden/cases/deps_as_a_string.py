"""The dependencies are one string instead of a list."""

from weft import asset


@asset(deps="orders")
def report() -> None: ...
