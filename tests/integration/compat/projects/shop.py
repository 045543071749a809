"""A project as it is written today, with the names and arguments that real code uses most."""

import os
from datetime import datetime
from typing import Any

import pandas as pd
from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetIn,
    AssetKey,
    AssetMaterialization,
    AssetOut,
    AssetSelection,
    AssetSpec,
    AutomationCondition,
    Backoff,
    Config,
    ConfigurableIOManager,
    ConfigurableResource,
    DagsterRunStatus,
    DailyPartitionsDefinition,
    DefaultScheduleStatus,
    DefaultSensorStatus,
    Definitions,
    DynamicOut,
    DynamicOutput,
    EnvVar,
    Field,
    FilesystemIOManager,
    HookContext,
    In,
    InitResourceContext,
    InputContext,
    Int,
    Jitter,
    MaterializeResult,
    MetadataValue,
    MultiPartitionsDefinition,
    Nothing,
    OpExecutionContext,
    Out,
    Output,
    OutputContext,
    ResourceDefinition,
    RetryPolicy,
    RunConfig,
    RunFailureSensorContext,
    RunRequest,
    RunStatusSensorContext,
    ScheduleDefinition,
    ScheduleEvaluationContext,
    SensorEvaluationContext,
    SkipReason,
    SourceAsset,
    StaticPartitionsDefinition,
    StringSource,
    TableColumn,
    TableSchema,
    asset,
    asset_check,
    asset_sensor,
    build_schedule_from_partitioned_job,
    define_asset_job,
    failure_hook,
    get_dagster_logger,
    graph,
    in_process_executor,
    job,
    mem_io_manager,
    multi_asset,
    multiprocess_executor,
    op,
    resource,
    run_failure_sensor,
    run_status_sensor,
    schedule,
    sensor,
    success_hook,
)

logger = get_dagster_logger()
FOLDER = os.environ["FOLDER"]


class Warehouse(ConfigurableResource):
    dsn: str = "memory"
    timeout: int = 3

    def query(self, sql: str) -> list[int]:
        return [1, 2, 3]


class OrdersConfig(Config):
    rows: int = 3
    name: str = "x"


@asset(
    group_name="raw",
    compute_kind="python",
    metadata={"owner": "me", "url": MetadataValue.url("https://example.com")},
    op_tags={"dagster/priority": "3"},
    retry_policy=RetryPolicy(max_retries=2, delay=0.01, backoff=Backoff.EXPONENTIAL, jitter=Jitter.PLUS_MINUS),
    key_prefix=["shop"],
    code_version="1",
    owners=["team:data"],
)
def orders(context: AssetExecutionContext, config: OrdersConfig, warehouse: Warehouse) -> pd.DataFrame:
    """The orders."""
    context.log.info(f"run {context.run_id} {context.asset_key.path}")
    logger.info("hello")
    frame = pd.DataFrame({"id": range(config.rows), "v": warehouse.query("x")[: config.rows]})
    context.add_output_metadata(
        {
            "num_records": len(frame),
            "preview": MetadataValue.md("a"),
            "dagster/row_count": len(frame),
            "schema": MetadataValue.table_schema(TableSchema(columns=[TableColumn("id", "int")])),
        }
    )
    return frame


@asset(
    ins={"orders": AssetIn(key_prefix="shop")},
    group_name="core",
    deps=[AssetKey(["shop", "orders"])],
    automation_condition=AutomationCondition.eager(),
)
def revenue(orders: pd.DataFrame) -> Output[float]:
    return Output(float(orders["v"].sum()), metadata={"x": 1.5})


@asset(deps=[revenue], kinds={"python"}, tags={"domain": "shop"})
def report() -> MaterializeResult:
    return MaterializeResult(metadata={"path": MetadataValue.path("x"), "json": MetadataValue.json({"a": 1})})


@multi_asset(
    outs={"a": AssetOut(key=AssetKey("aa"), is_required=False), "b": AssetOut(is_required=False, dagster_type=int)},
    can_subset=True,
    internal_asset_deps={"a": set(), "b": {AssetKey("aa")}},
)
def ab(context: AssetExecutionContext):
    if "a" in context.op_execution_context.selected_output_names:
        yield Output(1, output_name="a")
    if "b" in context.selected_output_names:
        yield Output(2, "b")


@asset_check(asset=revenue, description="positive", blocking=True)
def revenue_positive(revenue: float):
    return AssetCheckResult(passed=bool(revenue > 0), severity=AssetCheckSeverity.WARN, metadata={"v": revenue})


@asset(check_specs=[AssetCheckSpec("has_rows", asset="checked")])
def checked():
    yield Output(3)
    yield AssetCheckResult(check_name="has_rows", passed=True)


daily = DailyPartitionsDefinition(start_date=datetime(2024, 1, 1), end_offset=1)


@asset(partitions_def=daily)
def events(context) -> dict[str, Any]:
    start, end = context.partition_time_window
    assert context.asset_partition_key_for_output() == context.partition_key
    return {"day": context.partition_key, "start": str(start)}


multi = MultiPartitionsDefinition({"date": daily, "color": StaticPartitionsDefinition(["red", "blue"])})


@asset(partitions_def=multi)
def grid(context: AssetExecutionContext):
    keys = context.partition_key.keys_by_dimension
    return keys["color"] + keys["date"]


@op(config_schema={"n": Field(Int, default_value=3, is_required=False, description="how many")}, out=DynamicOut(int))
def fan(context: OpExecutionContext):
    for i in range(context.op_config["n"]):
        yield DynamicOutput(i, mapping_key=f"k{i}")


@op(ins={"x": In(dagster_type=int)}, out=Out(dagster_type=int, io_manager_key="io_manager"))
def twice(x):
    return 2 * x


@op(required_resource_keys={"values"})
def total(context, xs: list[int]) -> int:
    context.log_event(AssetMaterialization(asset_key="total", description="t", metadata={"n": len(xs)}))
    return sum(xs) + context.resources.values["base"]


@op(ins={"after": In(Nothing)})
def last():
    pass


@success_hook(required_resource_keys={"values"})
def on_success(context: HookContext):
    context.log.info(f"{context.op.name} {context.resources.values}")


@failure_hook
def on_failure(context: HookContext):
    raise context.op_exception


@resource(config_schema={"base": Field(int, default_value=10), "host": Field(StringSource, is_required=False)})
def values(init_context: InitResourceContext):
    return {"base": init_context.resource_config["base"]}


@graph
def pipeline():
    total_out = total(fan().map(twice).collect())
    last(after=total_out)
    return total_out


pipeline_job = pipeline.to_job(
    name="pipeline_job",
    resource_defs={"values": values, "io_manager": mem_io_manager},
    executor_def=in_process_executor,
    config={"ops": {"fan": {"config": {"n": 4}}}},
    tags={"team": "x"},
)


@op
def seed():
    return 1


@job(
    resource_defs={"values": ResourceDefinition.hardcoded_resource({"base": 1})},
    hooks={on_success, on_failure},
    executor_def=multiprocess_executor,
    tags={"dagster/max_runtime": 10},
)
def second_job():
    total.alias("sum_up")([twice(twice.alias("first")(seed())), twice.alias("third")(seed.alias("seed2")())])


class CsvIOManager(ConfigurableIOManager):
    base_dir: str

    def _path(self, context):
        return (
            os.path.join(
                self.base_dir,
                *(
                    context.asset_key.path
                    if context.has_asset_key
                    else [context.run_id, context.step_key, context.name]
                ),
            )
            + ".csv"
        )

    def handle_output(self, context: OutputContext, obj: pd.DataFrame):
        path = self._path(context)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        obj.to_csv(path, index=False)
        context.add_output_metadata({"path": path, "rows": len(obj)})

    def load_input(self, context: InputContext) -> pd.DataFrame:
        return pd.read_csv(self._path(context.upstream_output))


@asset(io_manager_key="csv")
def table() -> pd.DataFrame:
    return pd.DataFrame({"a": [1, 2]})


@asset
def table_sum(table: pd.DataFrame) -> int:
    return int(table["a"].sum())


raw_job = define_asset_job(
    "raw_job",
    selection=AssetSelection.groups("raw") | AssetSelection.keys("report").upstream(),
    config=RunConfig(ops={"shop__orders": OrdersConfig(rows=2)}),
    tags={"a": "b"},
)
events_job = define_asset_job("events_job", AssetSelection.assets(events), partitions_def=daily)
nightly = ScheduleDefinition(
    job=raw_job,
    cron_schedule="0 1 * * *",
    execution_timezone="Europe/Berlin",
    default_status=DefaultScheduleStatus.RUNNING,
)
events_schedule = build_schedule_from_partitioned_job(events_job, hour_of_day=3)


@schedule(cron_schedule="*/5 * * * *", job=raw_job)
def often(context: ScheduleEvaluationContext):
    when = context.scheduled_execution_time.strftime("%Y-%m-%d")
    return RunRequest(run_key=None, run_config={"ops": {"shop__orders": {"config": {"rows": 1}}}}, tags={"date": when})


@sensor(job=raw_job, minimum_interval_seconds=60, default_status=DefaultSensorStatus.RUNNING)
def files(context: SensorEvaluationContext):
    last_mtime = float(context.cursor) if context.cursor else 0
    if last_mtime > 5:
        yield SkipReason("nothing new")
        return
    yield RunRequest(run_key="file-1", run_config={})
    context.update_cursor("7")


@asset_sensor(asset_key=AssetKey("revenue"), job=raw_job)
def after_revenue(context, asset_event):
    yield RunRequest(run_key=context.cursor, tags={"m": str(asset_event.dagster_event.asset_key)})


@run_failure_sensor
def on_run_failure(context: RunFailureSensorContext):
    print(context.dagster_run.run_id, context.dagster_run.job_name, context.failure_event.message)


@run_status_sensor(run_status=DagsterRunStatus.SUCCESS, request_job=raw_job)
def on_run_success(context: RunStatusSensorContext):
    return RunRequest(run_key=context.dagster_run.run_id)


defs = Definitions(
    assets=[
        orders,
        revenue,
        report,
        ab,
        checked,
        events,
        grid,
        table,
        table_sum,
        SourceAsset(AssetKey("external"), description="x"),
        AssetSpec("spec", deps=["external"]),
    ],
    asset_checks=[revenue_positive],
    jobs=[raw_job, events_job, pipeline_job],
    schedules=[nightly, events_schedule, often],
    sensors=[files, after_revenue, on_run_failure, on_run_success],
    resources={
        "warehouse": Warehouse(dsn=EnvVar("WAREHOUSE_DSN")),
        "csv": CsvIOManager(base_dir=os.path.join(FOLDER, "out")),
        "io_manager": FilesystemIOManager(base_dir=os.path.join(FOLDER, "store")),
    },
    executor=in_process_executor,
)
