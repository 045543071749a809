"""The raw layer: files of other people, as they are. The files ship inside the package ``vega_datasets``."""

from __future__ import annotations

import pandas as pd
from vega_datasets import local_data

from weft import (
    AssetExecutionContext,
    AssetSpec,
    MonthlyPartitionsDefinition,
    RetryPolicy,
    asset,
)

MONTHS = MonthlyPartitionsDefinition(start_date="2012-01-01", end_date="2016-01-01")

SOURCES = [
    AssetSpec(["vega", name], group_name="sources", kinds={"csv"}, description=f"The file {name}.csv of vega_datasets.")
    for name in ("seattle_weather", "us_employment", "stocks", "airports")
]

_READING_FILES = RetryPolicy(max_retries=2, delay=0.2)


@asset(
    key_prefix="raw",
    group_name="raw",
    deps=[["vega", "seattle_weather"]],
    partitions_def=MONTHS,
    io_manager_key="parquet",
    kinds={"pandas", "parquet"},
    owners=["team:climate"],
    retry_policy=_READING_FILES,
)
def weather_days(context: AssetExecutionContext) -> pd.DataFrame:
    """One month of daily weather in Seattle, as measured."""
    frame = local_data.seattle_weather()
    window = context.partition_time_window
    start, end = (pd.Timestamp(moment).tz_localize(None) for moment in (window.start, window.end))
    month = frame[(frame["date"] >= start) & (frame["date"] < end)]
    print(f"{len(month)} days from {local_data.seattle_weather.filepath.rsplit('/', 1)[-1]}")
    return month.reset_index(drop=True)


@asset(
    key_prefix="raw",
    group_name="raw",
    deps=[["vega", "us_employment"]],
    io_manager_key="parquet",
    kinds={"pandas", "parquet"},
    owners=["team:economy"],
    retry_policy=_READING_FILES,
)
def employment_months() -> pd.DataFrame:
    """Employment in the United States by sector and month, in thousands of people."""
    return local_data.us_employment()


@asset(
    key_prefix="raw",
    group_name="raw",
    deps=[["vega", "stocks"]],
    io_manager_key="parquet",
    kinds={"pandas", "parquet"},
    owners=["team:economy"],
    retry_policy=_READING_FILES,
)
def stock_prices() -> pd.DataFrame:
    """Prices of five stocks on the first of each month."""
    return local_data.stocks()


@asset(
    key_prefix="raw",
    group_name="raw",
    deps=[["vega", "airports"]],
    io_manager_key="parquet",
    kinds={"pandas", "parquet"},
    retry_policy=_READING_FILES,
)
def airport_list() -> pd.DataFrame:
    """Airports of the United States with their places."""
    return local_data.airports()
