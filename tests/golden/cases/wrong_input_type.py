from weft import asset, materialize


@asset
def orders():
    return "three"


@asset
def total(orders: list[int]) -> int:
    return sum(orders)


materialize([orders, total])
