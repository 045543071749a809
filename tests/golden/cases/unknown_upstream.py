from weft import Definitions, asset


@asset
def orders_raw() -> int:
    return 1


@asset
def orders_daily(order_raw: int) -> int:
    return order_raw


Definitions([orders_raw, orders_daily]).resolve()
