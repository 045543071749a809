"""What a program is told of its step, whatever kind of step it is."""

from __future__ import annotations

import json
from typing import Any

from weft import (
    AssetExecutionContext,
    AssetKey,
    AssetSpec,
    BackfillPolicy,
    DailyPartitionsDefinition,
    MultiPartitionKey,
    MultiPartitionsDefinition,
    StaticPartitionsDefinition,
    asset,
    asset_check,
    job,
    materialize,
    multi_asset,
    op,
)
from weft.pipes.context_data import PipesContextData, context_data_of

KEYS = {
    "asset_keys",
    "code_version_by_asset_key",
    "provenance_by_asset_key",
    "partition_key",
    "partition_key_range",
    "partition_time_window",
    "run_id",
    "job_name",
    "retry_number",
    "extras",
}
DAYS = DailyPartitionsDefinition("2026-01-01", end_date="2026-01-10")
found: list[dict[str, Any]] = []


def tell(context: Any) -> None:
    data: PipesContextData = context_data_of(context, {"limit": 5})
    # It goes over the wire as JSON.
    found.append(json.loads(json.dumps(data)))


def told() -> dict[str, Any]:
    [one] = found
    found.clear()
    assert one.keys() == KEYS
    return one


def test_an_op_has_no_assets() -> None:
    @op
    def plain(context: Any) -> None:
        tell(context)

    @job
    def plain_job() -> None:
        plain()

    result = plain_job.execute_in_process()

    assert told() == {
        "asset_keys": None,
        "code_version_by_asset_key": None,
        "provenance_by_asset_key": None,
        "partition_key": None,
        "partition_key_range": None,
        "partition_time_window": None,
        "run_id": result.run_id,
        "job_name": "plain_job",
        "retry_number": 0,
        "extras": {"limit": 5},
    }


def test_several_assets_are_named_in_order_with_slashes_escaped() -> None:
    @multi_asset(specs=[AssetSpec("b", code_version="2"), AssetSpec(AssetKey(["shop", "a/c"]))])
    def both(context: AssetExecutionContext) -> Any:
        tell(context)
        return None

    materialize([both], raise_on_error=False)

    data = told()
    assert data["asset_keys"] == ["b", "shop/a\\/c"]
    assert data["code_version_by_asset_key"] == {"b": "2", "shop/a\\/c": None}
    assert data["provenance_by_asset_key"] == {"b": None, "shop/a\\/c": None}


def test_a_check_names_the_asset_that_it_asks_about() -> None:
    @asset
    def table() -> int:
        return 1

    @asset_check(asset=table)
    def good(context: Any) -> bool:
        tell(context)
        return True

    materialize([table, good])

    assert told()["asset_keys"] == ["table"]


def test_a_partition_is_a_range_of_itself() -> None:
    @asset(partitions_def=DAYS)
    def daily(context: AssetExecutionContext) -> None:
        tell(context)

    materialize([daily], partition_key="2026-01-03")

    data = told()
    assert data["partition_key"] == "2026-01-03"
    assert data["partition_key_range"] == {"start": "2026-01-03", "end": "2026-01-03"}
    assert data["partition_time_window"] == {"start": "2026-01-03T00:00:00+00:00", "end": "2026-01-04T00:00:00+00:00"}


def test_a_range_in_one_run_has_no_single_key() -> None:
    @asset(partitions_def=DAYS, backfill_policy=BackfillPolicy.single_run())
    def daily(context: AssetExecutionContext) -> None:
        tell(context)

    tags = {"dagster/asset_partition_range_start": "2026-01-02", "dagster/asset_partition_range_end": "2026-01-04"}
    materialize([daily], tags=tags)

    data = told()
    assert data["partition_key"] is None
    assert data["partition_key_range"] == {"start": "2026-01-02", "end": "2026-01-04"}
    assert data["partition_time_window"] == {"start": "2026-01-02T00:00:00+00:00", "end": "2026-01-05T00:00:00+00:00"}


def test_keys_that_are_no_times_have_no_window() -> None:
    @asset(partitions_def=StaticPartitionsDefinition(["a", "b"]))
    def each(context: AssetExecutionContext) -> None:
        tell(context)

    materialize([each], partition_key="b")

    data = told()
    assert (data["partition_key"], data["partition_time_window"]) == ("b", None)


def test_a_key_of_several_dimensions_is_one_text_without_a_window() -> None:
    @asset(partitions_def=MultiPartitionsDefinition({"day": DAYS, "region": StaticPartitionsDefinition(["eu", "us"])}))
    def grid(context: AssetExecutionContext) -> None:
        tell(context)

    materialize([grid], partition_key=MultiPartitionKey({"day": "2026-01-03", "region": "eu"}))

    data = told()
    assert data["partition_key"] == "2026-01-03|eu"
    assert data["partition_time_window"] is None
