"""What user code may ask an instance."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import weft
from weft.model.events import EVENT_TYPES


@weft.asset(partitions_def=weft.StaticPartitionsDefinition(["a", "b", "c"]), code_version="7")
def orders(context: weft.AssetExecutionContext) -> weft.MaterializeResult[None]:
    if context.partition_key == "c":
        raise ValueError("no c")
    return weft.MaterializeResult(metadata={"rows": 3})


@weft.asset
def total() -> int:
    return 1


@pytest.fixture(params=["memory", "sqlite"])
def instance(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[weft.Instance]:
    with weft.Instance.ephemeral() if request.param == "memory" else weft.Instance.local_temp(tmp_path) as made:
        for key in "abca":
            run_of(made, orders, partition_key=key, tags={"key": key})
        run_of(made, total)
        yield made


def run_of(instance: weft.Instance, *assets: Any, **settings: Any) -> weft.ExecuteInProcessResult:
    return weft.materialize(assets, instance=instance, raise_on_error=False, **settings)


class TestRuns:
    def test_are_found_by_state_tag_and_order(self, instance: weft.Instance) -> None:
        failed = instance.get_runs(weft.RunFilter(statuses=(weft.RunStatus.FAILURE,)))
        assert [run.tags["key"] for run in failed] == ["c"]
        assert instance.get_runs_count() == 5
        newest = instance.get_run_records(limit=2)
        assert [record.run.tags.get("key") for record in newest] == [None, "a"]
        assert [run.id for run in instance.get_runs(cursor=newest[0].run.id, limit=1)] == [newest[1].run.id]
        oldest = instance.get_run_records(ascending=True, limit=1)[0]
        assert oldest.start_time is not None
        assert oldest.create_timestamp <= oldest.update_timestamp
        by_end = instance.get_run_records(order_by="end_time", ascending=True)
        assert [record.end_time for record in by_end] == sorted(record.end_time or 0 for record in by_end)

    def test_an_order_that_is_not_there_is_refused(self, instance: weft.Instance) -> None:
        with pytest.raises(weft.InvocationError, match="cannot be listed"):
            instance.get_run_records(order_by="colour")

    def test_can_be_tagged_and_deleted(self, instance: weft.Instance) -> None:
        run_id = instance.get_run_ids()[0]
        instance.add_run_tags(run_id, {"seen": "yes"})
        run = instance.get_run_by_id(run_id)
        assert run is not None
        assert run.tags["seen"] == "yes"
        assert {"RUN_START", "RUN_SUCCESS"} <= {event.event_type for event in instance.all_logs(run_id)}
        assert [event.event_type for event in instance.all_logs(run_id, of_type="RUN_START")] == ["RUN_START"]
        instance.delete_run(run_id)
        assert not instance.has_run(run_id)
        with pytest.raises(weft.RunNotFoundError):
            instance.delete_run(run_id)


class TestEvents:
    def test_of_an_asset_are_read_in_pages(self, instance: weft.Instance) -> None:
        first = instance.fetch_materializations(weft.AssetKey("orders"), limit=2)
        assert [record.partition_key for record in first.records] == ["a", "b"]
        assert first.has_more
        rest = instance.fetch_materializations(weft.AssetKey("orders"), limit=2, cursor=first.cursor)
        assert [record.partition_key for record in rest.records] == ["a"]
        assert not rest.has_more
        made = first.records[0].asset_materialization
        assert made is not None
        assert made.metadata["rows"].value == 3

    def test_are_filtered_by_partition_and_place(self, instance: weft.Instance) -> None:
        wanted = weft.EventRecordsFilter(
            event_type=weft.EventType.ASSET_MATERIALIZATION, asset_key=weft.AssetKey("orders"), asset_partitions=["a"]
        )
        records = instance.get_event_records(wanted)
        assert len(records) == 2
        assert records[0].id > records[1].id
        assert instance.get_event_records(wanted, limit=1, ascending=True) == records[1:]
        every = instance.get_event_records(weft.EventRecordsFilter(event_type="ASSET_MATERIALIZATION"))
        assert len(every) == 4
        later = weft.EventRecordsFilter(event_type="ASSET_MATERIALIZATION", after_cursor=every[1].id)
        assert instance.get_event_records(later) == every[:1]

    def test_changes_of_state_of_runs(self, instance: weft.Instance) -> None:
        found = instance.fetch_run_status_changes("RUN_FAILURE")
        assert len(found.records) == 1
        of_job = weft.RunStatusChangeRecordsFilter(event_type="RUN_SUCCESS", job_names=["nothing"])
        assert instance.fetch_run_status_changes(of_job).records == []
        page = instance.fetch_run_status_changes("RUN_SUCCESS", limit=3, ascending=True)
        rest = instance.fetch_run_status_changes("RUN_SUCCESS", limit=3, ascending=True, cursor=page.cursor)
        assert (len(page.records), page.has_more, len(rest.records), rest.has_more) == (3, True, 1, False)

    def test_the_latest_of_an_asset(self, instance: weft.Instance) -> None:
        latest = instance.get_latest_materialization_event(weft.AssetKey("orders"))
        assert latest is not None
        assert latest.partition == "a"
        assert instance.get_latest_materialization_event("nothing") is None
        versions = instance.get_latest_materialization_code_versions(["orders", "nothing"])
        assert versions == {weft.AssetKey("orders"): "7", weft.AssetKey("nothing"): None}

    def test_every_type_has_a_name(self) -> None:
        assert tuple(one.value for one in weft.EventType) == EVENT_TYPES

    def test_may_be_reported_without_a_run(self, instance: weft.Instance) -> None:
        instance.report_runless_asset_event(
            weft.AssetMaterialization("elsewhere", metadata={"rows": 9}, tags={"dagster/data_version": "v9"})
        )
        record = instance.fetch_materializations("elsewhere").records[0]
        assert record.run_id == ""
        assert record.asset_materialization is not None
        assert record.asset_materialization.data_version == "v9"
        with pytest.raises(weft.InvocationError, match="no event about an asset"):
            instance.report_runless_asset_event("elsewhere")


class TestAssets:
    def test_are_listed_and_forgotten(self, instance: weft.Instance) -> None:
        assert instance.get_asset_keys() == [weft.AssetKey("orders"), weft.AssetKey("total")]
        assert instance.has_asset_key("total")
        record = instance.get_asset_records(["total"])[0]
        assert record.asset_entry.last_run_id == instance.get_run_ids(limit=1)[0]
        instance.wipe_assets([weft.AssetKey("total")])
        assert not instance.has_asset_key("total")

    def test_say_how_their_partitions_stand(self, instance: weft.Instance) -> None:
        status = instance.get_status_by_partition(
            weft.AssetKey("orders"), ["a", "c", "x"], weft.StaticPartitionsDefinition(["a", "b", "c"])
        )
        assert status == {"a": weft.PartitionStatus.MATERIALIZED, "c": weft.PartitionStatus.FAILED, "x": None}
        assert instance.get_materialized_partitions("orders") == {"a", "b"}
        instance.wipe_asset_partitions("orders", ["a"])
        assert instance.get_materialized_partitions("orders") == {"b"}


def test_dynamic_partitions(instance: weft.Instance) -> None:
    instance.add_dynamic_partitions("customers", ["x", "y", "x", "z"])
    assert list(instance.get_dynamic_partitions("customers")) == ["x", "y", "z"]
    assert instance.has_dynamic_partition("customers", "y")
    instance.delete_dynamic_partition("customers", "y")
    first = instance.get_paginated_dynamic_partitions("customers", limit=1)
    assert (list(first.results), first.has_more) == (["x"], True)
    rest = instance.get_paginated_dynamic_partitions("customers", limit=1, cursor=first.cursor)
    assert (list(rest.results), rest.has_more) == (["z"], False)
    backwards = instance.get_paginated_dynamic_partitions("customers", limit=5, ascending=False)
    assert list(backwards.results) == ["z", "x"]
