"""The partitions of an asset are read as texts, though each is a number."""

from weft import AllPartitionMapping, AssetIn, Definitions, StaticPartitionsDefinition, asset


@asset(partitions_def=StaticPartitionsDefinition(["north", "south"]))
def sales() -> int:
    return 1


@asset(ins={"sales": AssetIn(partition_mapping=AllPartitionMapping())})
def report(sales: dict[str, str]) -> str:
    return ""


Definitions([sales, report]).resolve()
