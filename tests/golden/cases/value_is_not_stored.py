from weft import Instance, asset, materialize


@asset
def orders() -> int:
    return 1


@asset
def total(orders: int) -> int:
    return orders


materialize([orders, total], selection="total", instance=Instance.get())
