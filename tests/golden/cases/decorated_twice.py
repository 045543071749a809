"""A function is made an op and an asset."""

from weft import asset, op


@asset
@op
def orders() -> list[int]:
    return [1]
