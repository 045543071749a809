"""The context is the second parameter."""

from weft import AssetExecutionContext, asset


@asset
def report(orders: list[int], context: AssetExecutionContext) -> None: ...
