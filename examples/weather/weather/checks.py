"""Checks that can fail on the data. Two of them block what is downstream."""

from __future__ import annotations

from typing import Any

import pandas as pd

from weather.cleaned import airports, employment, stocks, weather
from weather.marts import weather_by_month
from weather.raw import MONTHS
from weft import AssetCheckResult, AssetCheckSeverity, asset_check


@asset_check(asset=weather, blocking=True, partitions_def=MONTHS)
def days_are_complete(days: pd.DataFrame) -> AssetCheckResult:
    """Each day of the month is there exactly once."""
    moments = pd.to_datetime(days["day"])
    expected = int(moments.iloc[0].days_in_month) if len(days) else 0
    return AssetCheckResult(
        passed=bool(len(days)) and len(days) == expected and moments.is_unique,
        metadata={"days": len(days), "expected": expected},
    )


@asset_check(asset=weather, partitions_def=MONTHS)
def temperatures_are_plausible(days: pd.DataFrame) -> AssetCheckResult:
    """Between -30 and 50 degrees, and the lowest not above the highest."""
    wrong = days[
        (days["temperature_max_c"] > 50)
        | (days["temperature_min_c"] < -30)
        | (days["temperature_min_c"] > days["temperature_max_c"])
    ]
    return AssetCheckResult(passed=wrong.empty, metadata={"wrong days": len(wrong)})


@asset_check(asset=stocks, blocking=True)
def prices_are_positive(prices: pd.DataFrame) -> bool:
    """A price is above zero."""
    return bool((prices["price"] > 0).all())


@asset_check(asset=employment)
def sectors_are_complete(long: pd.DataFrame) -> AssetCheckResult:
    """Every sector has every month."""
    counts = long.groupby("sector")["month"].nunique()
    return AssetCheckResult(
        passed=counts.nunique() == 1, metadata={"sectors": len(counts), "months": int(counts.max())}
    )


@asset_check(asset=airports)
def codes_are_unique(listed: pd.DataFrame) -> AssetCheckResult:
    """No two airports share a code."""
    repeated = sorted(set(listed.loc[listed["iata"].duplicated(), "iata"]))
    return AssetCheckResult(passed=not repeated, metadata={"repeated": repeated})


@asset_check(asset=weather_by_month)
def weather_is_recent(months: pd.DataFrame) -> AssetCheckResult:
    """The data end within the last year. They do not: the data set ends in 2015. So this one warns."""
    last = pd.Timestamp(str(months["month"].max()))
    age = (pd.Timestamp.now() - last).days
    metadata: dict[str, Any] = {"last month": str(months["month"].max())[:7], "days ago": age}
    return AssetCheckResult(passed=age <= 365, severity=AssetCheckSeverity.WARN, metadata=metadata)
