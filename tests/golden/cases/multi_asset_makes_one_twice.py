"""A multi-asset names an asset twice."""

from weft import AssetSpec, multi_asset


@multi_asset(specs=[AssetSpec("orders"), AssetSpec("users"), AssetSpec("orders")])
def load() -> None: ...
