"""Sales by day, country and product: three dimensions, a weekly report over them, customers that come and go.

weft asset materialize -f definitions.py --select sales --partition '2024-01-01|de|tea'
weft asset materialize -f definitions.py --select daily_total --partition 2024-01-01
"""

from weft import (
    AssetDep,
    AssetExecutionContext,
    DailyPartitionsDefinition,
    Definitions,
    DynamicPartitionsDefinition,
    MaterializeResult,
    MultiPartitionsDefinition,
    StaticPartitionsDefinition,
    TimeWindowPartitionMapping,
    WeeklyPartitionsDefinition,
    asset,
)

DAYS = DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-03-01", timezone="Europe/Berlin")
WEEKS = WeeklyPartitionsDefinition(
    start_date="2024-01-01", end_date="2024-03-01", day_offset=1, timezone="Europe/Berlin"
)
SALES = MultiPartitionsDefinition(
    {
        "day": DAYS,
        "country": StaticPartitionsDefinition(["de", "fr", "it"]),
        "product": StaticPartitionsDefinition(["tea", "coffee", "tea, green"]),
    }
)
CUSTOMERS = DynamicPartitionsDefinition("customers")


@asset(partitions_def=SALES)
def sales(context: AssetExecutionContext) -> int:
    """How many were sold: one number for each day, country and product."""
    keys = context.multi_partition_key.keys_by_dimension
    return len(keys["country"]) * len(keys["product"]) + int(keys["day"][-2:])


@asset(partitions_def=DAYS)
def daily_total(sales: dict[str, int]) -> int:
    """Over all countries and products of a day: what is there is loaded by key."""
    return sum(sales.values())


@asset(
    partitions_def=WEEKS,
    deps=[AssetDep(daily_total, partition_mapping=TimeWindowPartitionMapping())],
)
def weekly_report(context: AssetExecutionContext) -> MaterializeResult[None]:
    """For a week, from the days in it."""
    start, end = context.partition_time_window
    return MaterializeResult(metadata={"from": start.date().isoformat(), "to": end.date().isoformat()})


@asset(partitions_def=CUSTOMERS)
def letter(context: AssetExecutionContext) -> str:
    """For a customer. Keys may hold anything: commas, quotes, slashes."""
    return f"Dear {context.partition_key},"


defs = Definitions([sales, daily_total, weekly_report, letter])
