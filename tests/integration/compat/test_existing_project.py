"""Projects in the words of existing code run unchanged: every line of them is what users write."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROJECTS = Path(__file__).parent / "projects"

USES_OF_SHOP = """
import warnings

warnings.simplefilter("ignore", DeprecationWarning)
import weft.compat.dagster.auto
from datetime import datetime

import dagster as dg
from dagster import *
from shop import *
import shop

defs.validate_loadable()
instance = DagsterInstance.ephemeral()

result = defs.get_job_def("raw_job").execute_in_process(instance=instance)
assert result.success
assert result.asset_value(AssetKey(["shop", "orders"])).shape == (2, 2)

result = defs.get_job_def("pipeline_job").execute_in_process(instance=instance)
assert result.output_for_node("total") == 22
assert result.output_value() == 22
assert shop.second_job.execute_in_process(instance=instance).output_for_node("sum_up") == 7

result = defs.get_job_def("events_job").execute_in_process(instance=instance, partition_key="2024-01-03")
assert result.output_for_node("events")["day"] == "2024-01-03"
result = materialize(
    [grid], partition_key=MultiPartitionKey({"date": "2024-01-02", "color": "red"}), instance=instance
)
assert result.asset_value("grid") == "red2024-01-02"
assert materialize([ab], instance=instance, selection=[AssetKey("b")]).output_for_node("ab", "b") == 2

csv = {"csv": CsvIOManager(base_dir=FOLDER)}
result = materialize([checked, table, table_sum], resources=csv, instance=instance)
assert result.output_for_node("table_sum") == 3
assert [one.passed for one in result.get_asset_check_evaluations()] == [True]
assert result.get_asset_materialization_events()[0].materialization.asset_key == AssetKey("checked")

records = instance.get_event_records(
    EventRecordsFilter(
        event_type=DagsterEventType.ASSET_MATERIALIZATION, asset_key=AssetKey(["shop", "orders"])
    ),
    limit=1,
)
made = records[0].event_log_entry.dagster_event.event_specific_data.materialization
assert made.metadata["num_records"].value == 2
assert records[0].asset_materialization.metadata["num_records"].value == 2
entry = instance.get_latest_materialization_event(AssetKey("revenue"))
assert entry.dagster_event.asset_key == AssetKey("revenue")
assert entry.asset_materialization.metadata["x"].value == 1.5

runs = instance.get_runs(
    filters=RunsFilter(job_name="raw_job", statuses=[DagsterRunStatus.SUCCESS]), limit=5
)
assert runs[0].is_success and runs[0].run_id and runs[0].tags["a"] == "b"
after = RunsFilter(statuses=[DagsterRunStatus.SUCCESS], created_after=datetime(2020, 1, 1))
record = instance.get_run_records(filters=after)[0]
assert record.dagster_run.status == DagsterRunStatus.SUCCESS and record.start_time

assert next(iter(files(build_sensor_context(instance=instance, cursor=None)))).run_key == "file-1"
assert files.evaluate_tick(build_sensor_context(instance=instance)).cursor == "7"
assert often(dg.build_schedule_context(scheduled_execution_time=datetime(2024, 1, 1))).tags == {"date": "2024-01-01"}
assert len(after_revenue.evaluate_tick(build_sensor_context(instance=instance)).run_requests) == 1
context = dg.build_run_status_sensor_context(
    sensor_name="s",
    dagster_event=result.get_run_success_event(),
    dagster_instance=instance,
    dagster_run=result.dagster_run,
)
assert on_run_success(context).run_key == result.run_id

assert orders(build_asset_context(), OrdersConfig(rows=2), Warehouse()).shape == (2, 2)
assert total(build_op_context(resources={"values": {"base": 5}}), [1]) == 6
assert [one.mapping_key for one in fan(build_op_context(op_config={"n": 2}))] == ["k0", "k1"]
print("all of it")
"""


def test_a_project_of_today(tmp_path: Path) -> None:
    assert run(USES_OF_SHOP, tmp_path) == "all of it"


def run(code: str, folder: Path) -> str:
    """What a fresh interpreter prints last."""
    environment = {**os.environ, "FOLDER": str(folder), "WAREHOUSE_DSN": "x", "PYTHONPATH": str(PROJECTS)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]
