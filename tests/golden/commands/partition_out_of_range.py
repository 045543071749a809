"""A partition key is beyond the end."""

from weft import DailyPartitionsDefinition, Definitions, StaticPartitionsDefinition, asset


@asset(partitions_def=DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-02-01"))
def orders() -> list[int]:
    return [1]


@asset(partitions_def=StaticPartitionsDefinition(["eu", "us", "asia"]))
def regions() -> int:
    return 1


@asset
def plain() -> int:
    return 1


defs = Definitions(assets=[orders, regions, plain])


if __name__ == "__main__":
    from tests.golden.playback import weft

    weft("asset", "materialize", "-f", "shop.py", "--select", "orders", "--partition", "2025-01-05")
