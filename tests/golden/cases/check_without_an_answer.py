from weft import asset, asset_check, materialize


@asset
def orders() -> int:
    return 1


@asset_check(asset=orders)
def not_empty():
    return "yes"


materialize([orders, not_empty])
