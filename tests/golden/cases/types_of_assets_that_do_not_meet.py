"""An asset reads a list where a dict is made."""

from weft import Definitions, asset


@asset
def orders() -> dict[str, int]:
    return {}


@asset
def total(orders: list[int]) -> int:
    return sum(orders)


Definitions([orders, total]).resolve()
