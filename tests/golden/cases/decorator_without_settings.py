"""A decorator that needs settings is used bare."""

from weft import asset_check


@asset_check
def not_empty(orders: list[int]) -> bool:
    return bool(orders)
