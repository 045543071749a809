"""Everything that the demo declares, in one object."""

from __future__ import annotations

import os
from pathlib import Path

from weather import checks, cleaned, marts, raw
from weather.jobs import airport_fact_sheet, everything_else, monthly_weather
from weather.resources import OutputFolder, ParquetIOManager, Warehouse
from weft import Definitions

# Where the demo puts what it makes: WEATHER_OUTPUT, else beside this project.
OUTPUT = Path(os.environ.get("WEATHER_OUTPUT") or Path(__file__).resolve().parent.parent / "output")

defs = Definitions(
    assets=[
        *raw.SOURCES,
        raw.weather_days,
        raw.employment_months,
        raw.stock_prices,
        raw.airport_list,
        cleaned.weather,
        cleaned.employment,
        cleaned.stocks,
        cleaned.airports,
        marts.weather_by_month,
        marts.weather_by_year,
        marts.rain_plot,
        marts.employment_by_year,
        marts.stock_returns,
        marts.airports_by_state,
        marts.economy_by_year,
    ],
    asset_checks=[
        checks.days_are_complete,
        checks.temperatures_are_plausible,
        checks.prices_are_positive,
        checks.sectors_are_complete,
        checks.codes_are_unique,
        checks.weather_is_recent,
    ],
    jobs=[monthly_weather, everything_else, airport_fact_sheet],
    resources={
        "parquet": ParquetIOManager(OUTPUT / "parquet"),
        "warehouse": Warehouse(path=str(OUTPUT / "warehouse.duckdb")),
        "output": OutputFolder(path=str(OUTPUT)),
    },
)
