"""A job may take its configuration and tags from the partition of its run."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from weft import (
    DailyPartitionsDefinition,
    DefinitionError,
    Definitions,
    OpExecutionContext,
    PartitionedConfig,
    PartitionError,
    RunRequest,
    StaticPartitionsDefinition,
    asset,
    build_schedule_from_partitioned_job,
    daily_partitioned_config,
    define_asset_job,
    dynamic_partitioned_config,
    hourly_partitioned_config,
    job,
    monthly_partitioned_config,
    op,
    static_partitioned_config,
    weekly_partitioned_config,
)


@op(config_schema={"day": str})
def load(context: OpExecutionContext) -> str:
    return f"{context.op_config['day']} {context.get_tag('weekday')}"


@daily_partitioned_config(
    start_date="2024-01-01", tags_for_partition_fn=lambda start, end: {"weekday": start.strftime("%A")}
)
def by_day(start: datetime, end: datetime) -> dict[str, Any]:
    assert (end - start).days == 1
    return {"ops": {"load": {"config": {"day": start.strftime("%d.%m.")}}}}


@job(config=by_day)
def daily() -> None:
    load()


def test_a_run_is_configured_by_its_partition() -> None:
    result = daily.execute_in_process(partition_key="2024-02-29")
    assert result.output_for_node("load") == "29.02. Thursday"


def test_given_configuration_replaces_that_of_the_partition() -> None:
    given = {"ops": {"load": {"config": {"day": "any"}}}}
    assert daily.execute_in_process(given, partition_key="2024-02-29").output_for_node("load") == "any Thursday"


def test_the_job_has_the_partitions_of_its_configuration() -> None:
    assert daily.partitions_def == DailyPartitionsDefinition("2024-01-01")
    schedule = build_schedule_from_partitioned_job(daily)
    assert schedule.cron.crons == ("0 0 * * *",)
    with pytest.raises(PartitionError):
        daily.execute_in_process()


def test_a_request_for_a_partition_says_everything() -> None:
    request = daily.run_request_for_partition("2024-02-29", run_key="k", tags={"a": "b"})
    assert request == RunRequest(
        "k",
        run_config={"ops": {"load": {"config": {"day": "29.02."}}}},
        tags={"weekday": "Thursday", "a": "b"},
        job_name="daily",
        partition_key="2024-02-29",
    )
    with pytest.raises(PartitionError):
        daily.run_request_for_partition("2023-01-01")


def test_a_job_without_partitions_has_no_such_request() -> None:
    @job
    def plain() -> None:
        load()

    with pytest.raises(DefinitionError) as refused:
        plain.run_request_for_partition("2024-01-01")
    assert refused.value.code == "WEFT-D480"


def test_asset_jobs_take_it_too() -> None:
    @static_partitioned_config(["a", "b"])
    def by_shop(partition_key: str) -> dict[str, Any]:
        return {"ops": {"orders": {"config": {"shop": partition_key}}}}

    @asset(partitions_def=StaticPartitionsDefinition(["a", "b"]), config_schema={"shop": str})
    def orders(context: OpExecutionContext) -> str:
        return str(context.op_config["shop"])

    made = Definitions([orders], jobs=[define_asset_job("made", config=by_shop)]).get_job_def("made")
    assert made.execute_in_process(partition_key="b").asset_value("orders") == "b"


def test_the_function_can_still_be_called() -> None:
    assert by_day(datetime(2024, 1, 1), datetime(2024, 1, 2)) == {"ops": {"load": {"config": {"day": "01.01."}}}}


@pytest.mark.parametrize(
    ("decorator", "key", "hours"),
    [
        (hourly_partitioned_config(start_date=datetime(2024, 1, 1)), "2024-01-01-05:00", 1),
        (weekly_partitioned_config(start_date="2024-01-07"), "2024-01-14", 168),
        (monthly_partitioned_config(start_date="2024-01-01"), "2024-02-01", 29 * 24),
    ],
)
def test_windows_of_every_length(decorator: Any, key: str, hours: int) -> None:
    config = decorator(lambda start, end: {"ops": {"hours": (end - start).total_seconds() / 3600}})
    assert config.get_run_config_for_partition_key(key) == {"ops": {"hours": hours}}
    assert config.get_tags_for_partition_key(key) == {}


def body() -> None:
    load()


def test_dynamic_keys_and_mistakes() -> None:
    config = dynamic_partitioned_config("shops")(lambda key: {"ops": {}})
    assert config.partitions_def.name == "shops"
    with pytest.raises(DefinitionError) as no_function:
        PartitionedConfig(StaticPartitionsDefinition(["a"]), {"ops": {}})  # type: ignore[arg-type]
    assert no_function.value.code == "WEFT-D478"
    with pytest.raises(DefinitionError) as other:
        job(name="other", config=by_day, partitions_def=StaticPartitionsDefinition(["a"]))(body)
    assert other.value.code == "WEFT-D479"
