"""Prices come in, a model is kept up to date, a report is written every morning: conditions in place of schedules.

weft check -f definitions.py
"""

from datetime import timedelta

from weft import (
    AssetCheckResult,
    AutomationCondition,
    DailyPartitionsDefinition,
    Definitions,
    FreshnessPolicy,
    asset,
    asset_check,
)

DAYS = DailyPartitionsDefinition(start_date="2024-01-01", timezone="Europe/Berlin")


@asset(partitions_def=DAYS)
def prices() -> list[float]:
    """Comes from outside, at no certain time."""
    return [5.0, 7.0, 6.5]


@asset(
    partitions_def=DAYS,
    automation_condition=AutomationCondition.eager() & AutomationCondition.all_deps_blocking_checks_passed(),
    freshness_policy=FreshnessPolicy.time_window(fail_window=timedelta(hours=36), warn_window=timedelta(hours=24)),
)
def model(prices: list[float]) -> float:
    """Made anew when the prices of the latest day are there and good."""
    return sum(prices) / len(prices)


@asset_check(asset=prices, blocking=True, partitions_def=DAYS)
def prices_are_positive(prices: list[float]) -> AssetCheckResult:
    return AssetCheckResult(passed=all(price > 0 for price in prices))


@asset(automation_condition=AutomationCondition.on_cron("0 7 * * *", "Europe/Berlin"), deps=[model])
def morning_report() -> str:
    """Once a day, after seven, as soon as the model was made."""
    return "good morning"


defs = Definitions([prices, model, morning_report], asset_checks=[prices_are_positive])
