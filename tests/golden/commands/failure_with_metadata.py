"""The user's function gives up with an explanation."""

from weft import Definitions, Failure, asset


@asset
def orders() -> list[int]:
    raise Failure("the export is empty", metadata={"file": "orders.csv", "rows": 0})


defs = Definitions(assets=[orders])


if __name__ == "__main__":
    from tests.golden.playback import weft

    weft("asset", "materialize", "-f", "shop.py", "--select", "*")
