"""Orders of a shop: an asset with a resource, one with configuration, a check, a schedule and a sensor. See test_definitions.py for their tests."""

from pathlib import Path

from weft import (
    AssetCheckResult,
    AssetExecutionContext,
    Config,
    ConfigurableResource,
    Definitions,
    RunRequest,
    ScheduleEvaluationContext,
    SensorEvaluationContext,
    SkipReason,
    asset,
    asset_check,
    define_asset_job,
    schedule,
    sensor,
)

INBOX = Path("inbox")


class Till(ConfigurableResource):
    url: str

    def orders(self) -> list[float]:
        raise NotImplementedError(self.url)


class Limits(Config):
    smallest: float = 0.0


@asset
def orders(context: AssetExecutionContext, till: Till) -> list[float]:
    found = till.orders()
    context.log.info(f"{len(found)} orders")
    return found


@asset
def revenue(config: Limits, orders: list[float]) -> float:
    return sum(order for order in orders if order >= config.smallest)


@asset_check(asset=revenue)
def revenue_is_positive(revenue: float) -> AssetCheckResult:
    return AssetCheckResult(passed=revenue > 0, metadata={"revenue": revenue})


nightly_job = define_asset_job("nightly_job")


@schedule(cron_schedule="0 2 * * *", job=nightly_job)
def nightly(context: ScheduleEvaluationContext) -> RunRequest:
    return RunRequest(tags={"day": context.scheduled_execution_time.date().isoformat()})


@sensor(job=nightly_job)
def new_files(context: SensorEvaluationContext) -> SkipReason | list[RunRequest]:
    names = sorted(path.name for path in INBOX.glob("*.csv")) if INBOX.is_dir() else []
    fresh = [name for name in names if name > (context.cursor or "")]
    if not fresh:
        return SkipReason("no new file")
    context.update_cursor(fresh[-1])
    return [RunRequest(run_key=name) for name in fresh]


defs = Definitions(
    [orders, revenue],
    asset_checks=[revenue_is_positive],
    jobs=[nightly_job],
    schedules=[nightly],
    sensors=[new_files],
    resources={"till": Till(url="https://till.example")},
)
