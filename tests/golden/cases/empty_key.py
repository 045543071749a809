"""A key has an empty part."""

from weft import AssetKey, asset


@asset(key=AssetKey(["shop", ""]))
def orders() -> None: ...
