"""The user's function raises."""

from weft import Definitions, asset


@asset
def orders() -> list[int]:
    return [1, 2, 0]


def ratio(rows: list[int]) -> float:
    return rows[0] / rows[-1]


@asset
def report(orders: list[int]) -> float:
    return ratio(orders)


@asset
def mail(report: float) -> None: ...


defs = Definitions(assets=[orders, report, mail])


if __name__ == "__main__":
    from tests.golden.playback import weft

    weft("asset", "materialize", "-f", "shop.py", "--select", "*")
