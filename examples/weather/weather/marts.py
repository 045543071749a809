"""The marts: tables in DuckDB and a plot, for people and dashboards."""

from __future__ import annotations

from typing import Any

import matplotlib

matplotlib.use("Agg")  # no screen is needed

import matplotlib.pyplot as plt
import pandas as pd

from weather.resources import OutputFolder, Warehouse, table_metadata
from weft import AssetIn, MaterializeResult, MetadataValue, asset


def _stored(warehouse: Warehouse, table: str, frame: pd.DataFrame) -> MaterializeResult[Any]:
    rows = warehouse.replace_table(table, frame)
    return MaterializeResult(metadata={**table_metadata(frame), "weft/table_name": table, "weft/row_count": rows})


@asset(
    key_prefix="marts",
    group_name="marts",
    ins={"months": AssetIn(["cleaned", "weather"])},
    io_manager_key="parquet",
    kinds={"pandas", "parquet"},
    owners=["team:climate"],
)
def weather_by_month(months: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """All months of weather, each as one row."""
    rows = [
        {
            "month": month,
            "days": len(frame),
            "rainy_days": int(frame["is_rainy"].sum()),
            "precipitation_mm": round(float(frame["precipitation_mm"].sum()), 1),
            "mean_max_c": round(float(frame["temperature_max_c"].mean()), 2),
            "warmest_c": float(frame["temperature_max_c"].max()),
            "coldest_c": float(frame["temperature_min_c"].min()),
        }
        for month, frame in months.items()
    ]
    return pd.DataFrame(rows).sort_values("month", ignore_index=True)


@asset(key_prefix="marts", group_name="marts", kinds={"duckdb"}, owners=["team:climate"])
def weather_by_year(weather_by_month: pd.DataFrame, warehouse: Warehouse) -> MaterializeResult[Any]:
    """The weather of each year, in the table ``weather_by_year``."""
    by_year = weather_by_month.assign(year=weather_by_month["month"].str[:4].astype(int)).groupby("year")
    frame = by_year.agg(
        days=("days", "sum"),
        rainy_days=("rainy_days", "sum"),
        precipitation_mm=("precipitation_mm", "sum"),
        warmest_c=("warmest_c", "max"),
        coldest_c=("coldest_c", "min"),
    ).reset_index()
    return _stored(warehouse, "weather_by_year", frame)


@asset(key_prefix="marts", group_name="marts", kinds={"matplotlib", "png"}, owners=["team:climate"])
def rain_plot(weather_by_month: pd.DataFrame, output: OutputFolder) -> MaterializeResult[Any]:
    """Rain by month as a picture."""
    figure, axis = plt.subplots(figsize=(9, 3.5), layout="constrained")
    axis.bar(weather_by_month["month"].str[:7], weather_by_month["precipitation_mm"], color="#4477aa")
    axis.set(title="Precipitation in Seattle", ylabel="mm per month")
    axis.set_xticks(range(0, len(weather_by_month), 6))
    path = output.file("rain.png")
    figure.savefig(path, dpi=110)
    plt.close(figure)
    wettest = weather_by_month.loc[weather_by_month["precipitation_mm"].idxmax()]
    return MaterializeResult(
        metadata={
            "plot": MetadataValue.path(path),
            "wettest month": str(wettest["month"])[:7],
            "wettest month mm": float(wettest["precipitation_mm"]),
        }
    )


@asset(
    key_prefix="marts",
    group_name="marts",
    ins={"employment": AssetIn(["cleaned", "employment"])},
    kinds={"duckdb"},
    owners=["team:economy"],
)
def employment_by_year(employment: pd.DataFrame, warehouse: Warehouse) -> MaterializeResult[Any]:
    """Mean employment by year and sector, in the table ``employment_by_year``."""
    frame = (
        employment.assign(year=employment["month"].dt.year).groupby(["year", "sector"], as_index=False)["people"].mean()
    )
    return _stored(warehouse, "employment_by_year", frame)


@asset(
    key_prefix="marts",
    group_name="marts",
    ins={"stocks": AssetIn(["cleaned", "stocks"])},
    kinds={"duckdb"},
    owners=["team:economy"],
)
def stock_returns(stocks: pd.DataFrame, warehouse: Warehouse) -> MaterializeResult[Any]:
    """What each stock gained in each year, in the table ``stock_returns``."""
    by_year = stocks.assign(year=stocks["date"].dt.year).groupby(["symbol", "year"])["price"]
    frame = (by_year.last() / by_year.first() - 1).rename("gain").reset_index()
    return _stored(warehouse, "stock_returns", frame)


@asset(
    key_prefix="marts",
    group_name="marts",
    ins={"airports": AssetIn(["cleaned", "airports"])},
    kinds={"duckdb"},
)
def airports_by_state(airports: pd.DataFrame, warehouse: Warehouse) -> MaterializeResult[Any]:
    """How many airports each state has, in the table ``airports_by_state``."""
    frame = airports.groupby("state", as_index=False).agg(airports=("iata", "count"))
    return _stored(warehouse, "airports_by_state", frame.sort_values("airports", ascending=False, ignore_index=True))


@asset(
    key_prefix="marts",
    group_name="marts",
    deps=[employment_by_year, stock_returns],
    kinds={"duckdb", "parquet"},
    owners=["team:economy"],
)
def economy_by_year(warehouse: Warehouse, output: OutputFolder) -> MaterializeResult[Any]:
    """Employment beside stocks, joined in DuckDB and written as Parquet."""
    query = """
        SELECT e.year, e.people AS employed, avg(s.gain) AS mean_stock_gain
        FROM employment_by_year e JOIN stock_returns s USING (year)
        WHERE e.sector = 'nonfarm'
        GROUP BY ALL ORDER BY e.year
    """
    with warehouse.connect() as connection:
        frame = connection.execute(query).df()
    path = output.file("economy_by_year.parquet")
    frame.to_parquet(path, index=False)
    return MaterializeResult(metadata={**table_metadata(frame), "path": MetadataValue.path(path)})
