"""A group has a name with a space."""

from weft import asset


@asset(group_name="raw data")
def orders() -> None: ...
