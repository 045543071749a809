from __future__ import annotations

import pandas
import pytest

from weft import AssetMaterialization, DailyPartitionsDefinition, InMemoryIOManager, IOManager, asset, materialize
from weft.errors import InvocationError
from weft.model.partitions.keys import PartitionKeyRange
from weft.testing.io_contexts import build_input_context, build_output_context

DAYS = DailyPartitionsDefinition("2024-01-01", end_date="2024-02-01")


def test_what_was_stored_with_one_context_is_loaded_with_another() -> None:
    manager = InMemoryIOManager()
    output = build_output_context(asset_key=["shop", "orders"], partition_key="2024-01-01")
    manager.handle_output(output, 1)
    assert manager.load_input(build_input_context(upstream_output=output)) == 1
    assert manager.load_input(build_input_context(asset_key=["shop", "orders"], partition_key="2024-01-01")) == 1
    other = build_output_context(step_key="load", name="rows")
    manager.handle_output(other, 2)
    assert manager.load_input(build_input_context(upstream_output=other)) == 2


def test_contexts_say_what_they_were_built_with() -> None:
    context = build_output_context(
        name="rows",
        step_key="load",
        run_id="r1",
        metadata={"schema": "public"},
        config={"a": 1},
        resource_config={"b": 2},
        resources={"db": "connection"},
        asset_key="orders",
        version="v3",
        dagster_type=pandas.DataFrame,
        asset_partitions_def=DAYS,
        asset_partition_key_range=PartitionKeyRange("2024-01-01", "2024-01-03"),
    )
    assert (context.name, context.step_key, context.run_id, context.version) == ("rows", "load", "r1", "v3")
    assert context.metadata == context.definition_metadata == {"schema": "public"}
    assert (context.config, context.resource_config, context.resources.db) == ({"a": 1}, {"b": 2}, "connection")
    assert context.dagster_type.annotation is pandas.DataFrame
    assert list(context.asset_partition_keys) == ["2024-01-01", "2024-01-02", "2024-01-03"]
    assert context.asset_partition_key_range == PartitionKeyRange("2024-01-01", "2024-01-03")
    assert str(context.asset_partitions_time_window.end.date()) == "2024-01-04"


def test_what_a_context_was_not_built_with_is_absent() -> None:
    context = build_input_context()
    assert not context.has_asset_key and not context.has_partition_key and context.version is None
    with pytest.raises(InvocationError):
        _ = context.partition_key


def test_io_managers_may_log_events() -> None:
    class Telling(IOManager):
        def handle_output(self, context, obj) -> None:
            assert context.op_def.name == "number"
            context.log_event(AssetMaterialization("told"))

        def load_input(self, context):
            raise NotImplementedError

    @asset
    def number() -> int:
        return 1

    result = materialize([number], resources={"io_manager": Telling()})
    made = [event.body.asset_key.to_user_string() for event in result.get_asset_materialization_events()]
    assert sorted(made) == ["number", "told"]
