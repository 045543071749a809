"""A function returns another type than it says."""

from weft import Definitions, asset


@asset
def orders() -> list[int]:
    return [1, 2, "3"]


defs = Definitions(assets=[orders])


if __name__ == "__main__":
    from tests.golden.playback import weft

    weft("asset", "materialize", "-f", "shop.py", "--select", "*")
