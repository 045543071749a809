from weft import Definitions, asset


@asset
def orders() -> int:
    return 1


again = asset(name="orders")(lambda: 2)

Definitions([orders, again]).resolve()
