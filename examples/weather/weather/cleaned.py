"""The cleaned layer: typed columns, names that say what they mean, nothing that does not belong."""

from __future__ import annotations

import pandas as pd

from weather.raw import MONTHS
from weft import AssetExecutionContext, AssetIn, Config, asset


class RainConfig(Config):
    """What counts as a rainy day."""

    rainy_day_mm: float = 1.0


@asset(
    key_prefix="cleaned",
    group_name="cleaned",
    ins={"days": AssetIn(["raw", "weather_days"])},
    partitions_def=MONTHS,
    io_manager_key="parquet",
    kinds={"pandas", "parquet"},
    owners=["team:climate"],
    code_version="1",
)
def weather(context: AssetExecutionContext, config: RainConfig, days: pd.DataFrame) -> pd.DataFrame:
    """One month of daily weather with typed columns and the marks that the marts need."""
    context.log.info("a day with at least %s mm counts as rainy", config.rainy_day_mm)
    return pd.DataFrame(
        {
            "day": pd.to_datetime(days["date"]).dt.date,
            "precipitation_mm": days["precipitation"].astype(float),
            "temperature_max_c": days["temp_max"].astype(float),
            "temperature_min_c": days["temp_min"].astype(float),
            "wind_ms": days["wind"].astype(float),
            "kind": days["weather"].astype(str),
            "is_rainy": days["precipitation"] >= config.rainy_day_mm,
        }
    )


@asset(
    key_prefix="cleaned",
    group_name="cleaned",
    ins={"months": AssetIn(["raw", "employment_months"])},
    io_manager_key="parquet",
    kinds={"pandas", "parquet"},
    owners=["team:economy"],
    code_version="1",
)
def employment(months: pd.DataFrame) -> pd.DataFrame:
    """Employment in long form: one row for each month and sector, in people."""
    long = months.drop(columns=["nonfarm_change"]).melt(id_vars="month", var_name="sector", value_name="thousands")
    long["month"] = pd.to_datetime(long["month"])
    long["people"] = (long.pop("thousands") * 1000).round().astype("int64")
    return long.sort_values(["sector", "month"], ignore_index=True)


@asset(
    key_prefix="cleaned",
    group_name="cleaned",
    ins={"prices": AssetIn(["raw", "stock_prices"])},
    io_manager_key="parquet",
    kinds={"pandas", "parquet"},
    owners=["team:economy"],
    code_version="1",
)
def stocks(prices: pd.DataFrame) -> pd.DataFrame:
    """Stock prices, each with its change since the month before."""
    frame = prices.sort_values(["symbol", "date"], ignore_index=True)
    frame["monthly_return"] = frame.groupby("symbol")["price"].pct_change()
    return frame


@asset(
    key_prefix="cleaned",
    group_name="cleaned",
    ins={"listed": AssetIn(["raw", "airport_list"])},
    io_manager_key="parquet",
    kinds={"pandas", "parquet"},
    code_version="1",
)
def airports(listed: pd.DataFrame) -> pd.DataFrame:
    """Airports of the United States and their territories, with a known state and place."""
    known = listed.dropna(subset=["iata", "state", "latitude", "longitude"])
    return known[known["country"] == "USA"].drop(columns="country").reset_index(drop=True)
