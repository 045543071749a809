"""A project in the words of another package of this programming model. It runs as it is, where that package is not installed.

weft asset materialize -f definitions.py --select '*'
weft migrate definitions.py
"""

from dagster import AssetExecutionContext, Definitions, MaterializeResult, ScheduleDefinition, asset, define_asset_job


@asset(group_name="raw")
def numbers() -> list[int]:
    return [1, 2, 3]


@asset(group_name="marts", deps=["numbers"])
def summary(context: AssetExecutionContext) -> MaterializeResult:
    context.log.info(f"run {context.run_id}")
    return MaterializeResult(metadata={"rows": 3})


nightly = define_asset_job("nightly", selection="*")

defs = Definitions(
    assets=[numbers, summary],
    jobs=[nightly],
    schedules=[ScheduleDefinition(job=nightly, cron_schedule="0 1 * * *")],
)
