"""What users write every day, which type checkers must accept as it stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from weft import (
    AssetCheckResult,
    AssetExecutionContext,
    AssetSpec,
    AutomationCondition,
    Config,
    ConfigurableResource,
    DailyPartitionsDefinition,
    Definitions,
    EnvVar,
    In,
    MaterializeResult,
    OpExecutionContext,
    Out,
    RunRequest,
    ScheduleEvaluationContext,
    SensorEvaluationContext,
    StaticPartitionsDefinition,
    asset,
    asset_check,
    define_asset_job,
    graph_asset,
    job,
    materialize,
    multi_asset,
    op,
    schedule,
    sensor,
)


class Settings(Config):
    limit: int = 10


class Database(ConfigurableResource):
    url: str
    port: int = 5432

    def rows(self, table: str) -> list[str]:
        return [f"{self.url}:{self.port}/{table}"]


@asset
def orders() -> list[int]:
    return [1, 2]


@asset(group_name="sales", kinds={"python"}, automation_condition=AutomationCondition.eager())
def total(orders: list[int]) -> int:
    return sum(orders)


@asset(partitions_def=DailyPartitionsDefinition(start_date="2026-01-01"), deps=[orders], code_version="2")
def by_day(context: AssetExecutionContext, config: Settings, database: Database) -> MaterializeResult[Any]:
    context.log.info(context.partition_key)
    return MaterializeResult(metadata={"rows": len(database.rows("orders")[: config.limit])})


@asset(partitions_def=StaticPartitionsDefinition(["eu", "us"]))
def by_region() -> str:
    return "eu"


@multi_asset(specs=[AssetSpec("left"), AssetSpec("right", deps=["left"])])
def sides() -> Iterator[MaterializeResult[Any]]:
    yield MaterializeResult(asset_key="left")
    yield MaterializeResult(asset_key="right")


@asset_check(asset=orders, blocking=True)
def has_orders(orders: list[int]) -> AssetCheckResult:
    return AssetCheckResult(passed=bool(orders))


@op(ins={"number": In(int)}, out=Out(int))
def double(number: int) -> int:
    return 2 * number


@op
def with_context(context: OpExecutionContext, config: Settings) -> str:
    return f"{context.run_id} {config.limit}"


@op
def one() -> int:
    return 1


@job(tags={"team": "data"})
def numbers() -> None:
    double(number=one())


@graph_asset
def doubled() -> int:
    return one()


@schedule(cron_schedule="0 6 * * *", job=numbers)
def every_morning(context: ScheduleEvaluationContext) -> RunRequest:
    return RunRequest(run_key=str(context.scheduled_execution_time))


@sensor(job=numbers)
def new_files(context: SensorEvaluationContext) -> Iterator[RunRequest]:
    yield RunRequest(run_key="a")


defs = Definitions(
    assets=[orders, total, by_day, by_region, sides, doubled],
    asset_checks=[has_orders],
    jobs=[numbers, define_asset_job("all_assets", selection="*")],
    schedules=[every_morning],
    sensors=[new_files],
    resources={"database": Database(url=EnvVar("DATABASE_URL"), port=EnvVar.int("DATABASE_PORT"))},
)

listed: list[int] = orders()
summed: int = total([1, 2])
single: int = one()
twice: int = double(number=2)
succeeded: bool = materialize([orders, total]).success
