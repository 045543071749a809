from weft import Definitions, asset


@asset
def a(c: int) -> int:
    return c


@asset
def b(a: int) -> int:
    return a


@asset
def c(b: int) -> int:
    return b


Definitions([a, b, c]).resolve()
