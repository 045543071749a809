"""Staleness of what runs really recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from weft import (
    AssetKey,
    AssetSpec,
    Definitions,
    Instance,
    MaterializeResult,
    StaticPartitionsDefinition,
    asset,
    asset_staleness,
    materialize,
)
from weft.planning.staleness import StaleCauseKind, StaleStatus


@pytest.fixture
def instance(tmp_path: Path) -> Any:
    with Instance.at(tmp_path) as one:
        yield one


def test_each_partition_has_a_status_of_its_own(instance: Instance) -> None:
    shops = StaticPartitionsDefinition(["north", "south", "west"])
    version = {"north": "n1", "south": "s1"}

    @asset(partitions_def=shops)
    def sales(context: Any) -> MaterializeResult[int]:
        return MaterializeResult(value=1, data_version=version[context.partition_key])

    @asset(partitions_def=shops)
    def report(sales: int) -> int:
        return sales

    @asset
    def total(report: Any) -> int:
        return len(report)

    assets = [sales, report, total]
    for key in version:
        materialize([sales, report], partition_key=key, instance=instance)
    found = asset_staleness(Definitions(assets), instance)
    assert found[AssetKey("report")].status is StaleStatus.FRESH
    assert found[AssetKey("report")].missing_count == 1
    assert found[AssetKey("total")].status is StaleStatus.MISSING

    version["north"] = "n2"
    materialize([sales], partition_key="north", instance=instance)
    found = asset_staleness(Definitions(assets), instance)

    report_now = found[AssetKey("report")]
    assert report_now.status is StaleStatus.STALE
    assert report_now.fresh_partitions == ("south",)
    [cause] = report_now.stale_partitions["north"]
    assert (cause.kind, cause.old, cause.new) == (StaleCauseKind.DATA, "n1", "n2")
    assert found[AssetKey("sales")].status is StaleStatus.FRESH


def test_a_run_looks_through_virtual_assets_as_the_status_does(instance: Instance) -> None:
    version = ["1"]

    @asset
    def raw() -> MaterializeResult[int]:
        return MaterializeResult(value=1, data_version=version[0])

    view = AssetSpec("view", deps=["raw"], is_virtual=True)

    @asset(deps=["view"])
    def below() -> None: ...

    defs = Definitions([raw, view, below])
    materialize([raw, view, below], instance=instance)
    assert {key.to_user_string(): one.status for key, one in asset_staleness(defs, instance).items()} == {
        "raw": StaleStatus.FRESH,
        "below": StaleStatus.FRESH,
    }

    version[0] = "2"
    materialize([raw], instance=instance)

    [cause] = asset_staleness(defs, instance, "below")[AssetKey("below")].causes
    assert (cause.kind, cause.upstream, cause.old, cause.new) == (StaleCauseKind.DATA, AssetKey("raw"), "1", "2")
