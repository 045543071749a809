"""Ready-made checks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.unit.definitions.refusal import refused

from weft import (
    AssetSelection,
    AssetSpec,
    DailyPartitionsDefinition,
    FreshnessPolicy,
    Instance,
    MaterializeResult,
    MetadataValue,
    TableColumn,
    TableSchema,
    apply_freshness_policy,
    asset,
    build_column_schema_change_checks,
    build_last_update_freshness_checks,
    build_metadata_bounds_checks,
    build_sensor_context,
    build_sensor_for_freshness_checks,
    build_time_partition_freshness_checks,
    materialize,
)
from weft.model.events import AssetCheckEvaluated
from weft.runs.environment import RunEnvironment


def made(instance: RunEnvironment, checks: list[Any], **metadata: Any) -> list[bool]:
    @asset
    def orders() -> MaterializeResult:
        return MaterializeResult(metadata={key.replace("__", "/"): value for key, value in metadata.items()})

    result = materialize([orders, *checks], instance=instance)
    bodies = [event.body for event in result.all_events]
    return [body.passed for body in bodies if isinstance(body, AssetCheckEvaluated)]


def test_what_was_made_just_now_is_fresh_and_what_never_was_is_not() -> None:
    checks = build_last_update_freshness_checks(["orders", AssetSpec("feed")], lower_bound_delta=timedelta(hours=1))
    instance = RunEnvironment.in_memory()

    @asset
    def orders() -> int:
        return 1

    result = materialize([orders, AssetSpec("feed"), *checks], instance=instance)
    answers = {
        event.body.check_key.asset_key.to_user_string(): event.body.passed
        for event in result.all_events
        if isinstance(event.body, AssetCheckEvaluated)
    }
    assert answers == {"orders": True, "feed": False}


def test_a_deadline_counts_from_its_last_tick() -> None:
    checks = build_last_update_freshness_checks(
        ["orders"], lower_bound_delta=timedelta(hours=1), deadline_cron="0 0 * * *"
    )
    assert made(RunEnvironment.in_memory(), checks) == [True]


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({"min_value": 3}, True),
        ({"min_value": 3, "exclusive_min": True}, False),
        ({"max_value": 3, "min_value": 1}, True),
        ({"max_value": 3, "exclusive_max": True}, False),
    ],
)
def test_numbers_have_bounds(bounds: Any, expected: bool) -> None:
    checks = build_metadata_bounds_checks(["orders"], metadata_key="rows", **bounds)
    assert made(RunEnvironment.in_memory(), checks, rows=3) == [expected]
    assert made(RunEnvironment.in_memory(), checks) == [False]


def test_bounds_have_to_be_given() -> None:
    with refused("WEFT-D415", '"rows"'):
        build_metadata_bounds_checks(["orders"], metadata_key="rows")


def schema(**columns: str) -> Any:
    return MetadataValue.table_schema(TableSchema(tuple(TableColumn(name, type) for name, type in columns.items())))


def test_columns_are_compared_with_those_before() -> None:
    checks = build_column_schema_change_checks(["orders"])
    instance = RunEnvironment.in_memory()
    assert made(instance, checks) == [False]
    assert made(instance, checks, weft__column_schema=schema(a="int")) == [True]
    assert made(instance, checks, weft__column_schema=schema(a="int")) == [True]
    assert made(instance, checks, weft__column_schema=schema(a="string", b="int")) == [False]


def test_a_policy_is_applied_to_specs() -> None:
    hour = FreshnessPolicy.time_window(fail_window=timedelta(hours=1))
    day = FreshnessPolicy.time_window(fail_window=timedelta(days=1))
    spec = apply_freshness_policy(AssetSpec("orders"), hour)
    assert spec.freshness_policy == hour
    assert apply_freshness_policy(spec, day, overwrite_existing=False).freshness_policy == hour
    assert apply_freshness_policy(spec, day).freshness_policy == day


def test_no_assets_give_no_checks() -> None:
    assert build_last_update_freshness_checks([], lower_bound_delta=timedelta(hours=1)) == []


def test_the_latest_window_has_to_be_there_at_the_deadline() -> None:
    days = DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-01-03")

    @asset(partitions_def=days)
    def daily() -> None: ...

    checks = build_time_partition_freshness_checks([daily], deadline_cron="0 9 * * *")
    instance = RunEnvironment.in_memory()

    def passed() -> bool:
        result = materialize([daily, *checks], selection=AssetSelection.all_asset_checks(), instance=instance)
        [answer] = result.get_asset_check_evaluations()
        assert answer.metadata["latest_window"].value == "2024-01-02"
        return answer.passed

    materialize([daily], partition_key="2024-01-01", instance=instance)
    assert not passed()
    materialize([daily], partition_key="2024-01-02", instance=instance)
    assert passed()
    with refused("WEFT-D416", "orders"):
        build_time_partition_freshness_checks([AssetSpec("orders")], deadline_cron="0 9 * * *")


def test_a_sensor_asks_for_checks_that_nobody_evaluated_lately() -> None:
    checks = build_last_update_freshness_checks(["orders"], lower_bound_delta=timedelta(hours=1))
    sensor = build_sensor_for_freshness_checks(freshness_checks=checks, minimum_interval_seconds=3600)
    with Instance.ephemeral() as instance:
        first = sensor.evaluate_tick(build_sensor_context(instance=instance))
        [request] = first.run_requests
        assert [key.to_user_string() for key in request.asset_check_keys or ()] == ["orders:freshness_check"]
        assert request.asset_selection == ()
        made(instance, checks)
        second = sensor.evaluate_tick(build_sensor_context(instance=instance))
        assert second.skip_message == "every check was evaluated lately"
