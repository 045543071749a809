"""A setting with a default is taken for an upstream asset."""

from weft import Definitions, asset


@asset
def orders(limit: int = 10) -> list[int]:
    return list(range(limit))


Definitions(assets=[orders]).validate_loadable()
