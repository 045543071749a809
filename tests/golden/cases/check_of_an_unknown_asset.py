from weft import Definitions, asset, asset_check


@asset
def orders() -> int:
    return 1


@asset_check(asset="order")
def not_empty() -> bool:
    return True


Definitions([orders], asset_checks=[not_empty]).resolve()
