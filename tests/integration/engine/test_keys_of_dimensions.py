"""Runs of partitions of several dimensions, named by an object that is more than its text."""

from __future__ import annotations

from pathlib import Path

import pytest

from weft import (
    AssetExecutionContext,
    AssetKey,
    DailyPartitionsDefinition,
    Instance,
    MultiPartitionKey,
    MultiPartitionsDefinition,
    StaticPartitionsDefinition,
    asset,
    materialize,
)


@pytest.mark.parametrize("is_kept", [False, True])
def test_a_key_of_several_dimensions_names_the_partition_to_make(is_kept: bool, tmp_path: Path) -> None:
    both = MultiPartitionsDefinition(
        {"date": DailyPartitionsDefinition(start_date="2024-01-01"), "region": StaticPartitionsDefinition(["eu", "us"])}
    )

    @asset(partitions_def=both)
    def sales(context: AssetExecutionContext) -> str:
        return context.partition_key

    key = MultiPartitionKey({"region": "eu", "date": "2024-01-02"})
    with Instance.at(tmp_path) if is_kept else Instance.ephemeral() as instance:
        result = materialize([sales], partition_key=key, instance=instance, tags={"asked": key})
        assert result.asset_value("sales") == "2024-01-02|eu"
        run = instance.runs.get(result.run_id)
        assert run is not None
        assert run.partition_key == "2024-01-02|eu"
        assert run.tags["asked"] == "2024-01-02|eu"
        state = instance.assets.get(AssetKey("sales"))
        assert state is not None
        assert state.materialization_count == 1
