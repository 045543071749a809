"""A check takes the values of two assets."""

from weft import asset_check


@asset_check(asset="orders")
def complete(orders: list[int], raw_orders: list[int]) -> bool:
    return len(orders) == len(raw_orders)
