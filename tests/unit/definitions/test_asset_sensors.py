"""Sensors of assets are called with what has happened since they last took note."""

from __future__ import annotations

import pytest

from weft import (
    AssetKey,
    DefinitionError,
    Definitions,
    Instance,
    InvocationError,
    MultiAssetSensorEvaluationContext,
    RunRequest,
    SensorEvaluationContext,
    StaticPartitionsDefinition,
    asset,
    asset_sensor,
    build_multi_asset_sensor_context,
    build_sensor_context,
    job,
    materialize,
    multi_asset_sensor,
    op,
)
from weft.model.events import StoredEvent

SHOPS = StaticPartitionsDefinition(["a", "b", "c"])
ORDERS, SALES = AssetKey("orders"), AssetKey("sales")


@op
def report() -> None: ...


@job
def reporting() -> None:
    report()


@asset
def orders() -> int:
    return 1


@asset(partitions_def=SHOPS)
def sales() -> int:
    return 1


@asset_sensor(asset_key="orders", job=reporting)
def when_orders_change(context: SensorEvaluationContext, event: StoredEvent) -> RunRequest:
    assert event.asset_key == ORDERS
    return RunRequest(run_key=str(event.id))


def test_each_new_materialisation_is_seen_once() -> None:
    with Instance.ephemeral() as instance:
        nothing = when_orders_change.evaluate_tick(build_sensor_context(instance))
        assert nothing.skip_message == 'asset "orders" has not been materialised since'
        assert nothing.cursor is None

        materialize([orders], instance=instance)
        first = when_orders_change.evaluate_tick(build_sensor_context(instance, cursor=nothing.cursor))
        assert [request.run_key for request in first.run_requests] == [first.cursor]

        again = when_orders_change.evaluate_tick(build_sensor_context(instance, cursor=first.cursor))
        assert again.run_requests == ()
        assert again.cursor == first.cursor


def test_an_asset_sensor_is_called_with_context_and_event() -> None:
    with Instance.ephemeral() as instance:
        materialize([orders], instance=instance)
        [event] = instance.events.of_asset(ORDERS, types=["ASSET_MATERIALIZATION"])
        assert when_orders_change(build_sensor_context(instance), event) == RunRequest(run_key=str(event.id))
    with pytest.raises(InvocationError) as refused:
        when_orders_change(build_sensor_context())
    assert refused.value.code == "WEFT-I450"


def test_the_asset_may_be_given_by_its_definition() -> None:
    @asset_sensor(asset_key=orders, job=reporting)
    def when(context: SensorEvaluationContext, event: StoredEvent) -> None: ...

    assert when.asset_key == ORDERS


@multi_asset_sensor(monitored_assets=[orders, sales], job=reporting)
def when_both_changed(context: MultiAssetSensorEvaluationContext) -> RunRequest | None:
    if all(context.latest_materialization_records_by_key().values()):
        context.advance_all_cursors()
        return RunRequest()
    return None


def test_a_sensor_of_several_assets_waits_for_all_of_them() -> None:
    with Instance.ephemeral() as instance:
        materialize([orders], instance=instance)
        waiting = when_both_changed.evaluate_tick(build_multi_asset_sensor_context(instance=instance))
        assert waiting.run_requests == ()
        materialize([sales], instance=instance, partition_key="a")
        both = when_both_changed.evaluate_tick(build_sensor_context(instance, cursor=waiting.cursor))
        assert both.run_requests == (RunRequest(),)
        again = when_both_changed.evaluate_tick(build_multi_asset_sensor_context(instance=instance, cursor=both.cursor))
        assert again.run_requests == ()


def test_partitions_that_were_passed_over_stay_to_be_seen() -> None:
    with Instance.ephemeral() as instance:
        for shop in ("a", "b", "c"):
            materialize([sales], instance=instance, partition_key=shop)
        context = build_multi_asset_sensor_context([SALES], instance=instance)
        events = context.latest_materialization_records_by_partition(SALES)
        assert list(events) == ["a", "b", "c"]

        context.advance_cursor({SALES: events["b"]})
        assert context.get_cursor_partition(SALES) == "b"
        assert list(context.latest_materialization_records_by_partition(SALES)) == ["a", "c"]
        assert [event.partition_key for event in context.get_trailing_unconsumed_events(SALES)] == ["a"]

        later = build_multi_asset_sensor_context([SALES], instance=instance, cursor=context.cursor)
        later.advance_cursor({SALES: events["a"]})
        assert list(later.latest_materialization_records_by_partition(SALES)) == ["c"]
        later.advance_cursor({SALES: events["c"]})
        assert later.latest_materialization_records_by_partition_and_asset() == {}
        assert later.latest_materialization_records_by_key() == {SALES: None}


def test_whether_all_partitions_are_there_is_known() -> None:
    defs = Definitions([orders, sales])
    with Instance.ephemeral() as instance:
        context = build_multi_asset_sensor_context([ORDERS, SALES], instance=instance, definitions=defs)
        materialize([sales], instance=instance, partition_key="a")
        assert context.all_partitions_materialized(SALES, ["a"])
        assert not context.all_partitions_materialized(SALES)
        assert context.assets_defs_by_key[ORDERS] is defs.get_assets_def("orders")
        with pytest.raises(InvocationError) as refused:
            context.all_partitions_materialized(ORDERS)
        assert refused.value.code == "WEFT-I457"


def test_a_context_may_begin_after_what_has_happened() -> None:
    with Instance.ephemeral() as instance:
        materialize([orders], instance=instance)
        context = build_multi_asset_sensor_context(
            ["orders"], instance=instance, cursor_from_latest_materializations=True
        )
        assert context.latest_materialization_records_by_key() == {ORDERS: None}
        assert context.materialization_records_for_key("orders") == []


def test_other_assets_cannot_be_asked_about() -> None:
    with pytest.raises(InvocationError) as refused:
        build_multi_asset_sensor_context(["orders"]).get_cursor_partition("ordres")
    assert refused.value.code == "WEFT-I458"
    assert 'did you mean "orders"' in str(refused.value)


def test_what_is_followed_must_be_said() -> None:
    with pytest.raises(DefinitionError) as one:
        asset_sensor(None)(lambda_like)  # type: ignore[arg-type]
    assert one.value.code == "WEFT-D469"
    with pytest.raises(DefinitionError) as several:
        multi_asset_sensor(None)(lambda_like)  # type: ignore[arg-type]
    assert several.value.code == "WEFT-D471"


def lambda_like(context: object) -> None: ...
