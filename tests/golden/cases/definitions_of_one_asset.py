"""The assets are one asset instead of a list."""

from weft import Definitions, asset


@asset
def orders() -> None: ...


defs = Definitions(assets=orders)
