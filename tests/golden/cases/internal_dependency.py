"""An internal dependency names something unknown."""

from weft import AssetOut, multi_asset


@multi_asset(outs={"orders": AssetOut(), "users": AssetOut()}, internal_asset_deps={"orders": {"raw_order"}})
def load(raw_orders: list[int]): ...
