"""A multi-asset declares nothing."""

from weft import multi_asset


@multi_asset()
def load() -> None: ...
