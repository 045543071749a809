"""A renamed asset keeps its history (promise d16)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.unit.definitions.refusal import refused

import weft
from weft import (
    AssetCheckKey,
    AssetKey,
    AssetSpec,
    Definitions,
    Instance,
    StaticPartitionsDefinition,
    asset,
    asset_check,
    materialize,
)
from weft.runs.environment import RunEnvironment
from weft.runs.rename import apply_renames

PARTS = StaticPartitionsDefinition(["a", "b"])


@pytest.fixture(params=["memory", "sqlite"])
def instance(request: pytest.FixtureRequest, tmp_path: Any) -> Any:
    made = RunEnvironment.in_memory() if request.param == "memory" else Instance.at(tmp_path / "instance")
    yield made
    made.close()


def declared(name: str, **settings: Any) -> list[Any]:
    @asset(name=name, partitions_def=PARTS, **settings)
    def made() -> int:
        return 1

    @asset_check(asset=made)
    def fits() -> bool:
        return True

    return [made, fits]


def test_a_run_of_the_renamed_asset_finds_its_partitions_and_checks(instance: Any) -> None:
    materialize(declared("orders"), partition_key="a", instance=instance)
    before = instance.assets.get(AssetKey("orders"))
    materialize(declared("sales", renamed_from="orders"), partition_key="b", instance=instance)
    state = instance.assets.get(AssetKey("sales"))
    assert state.id == before.id
    assert state.materialization_count == 2
    assert instance.assets.partition_counts(AssetKey("sales")) == {"MATERIALIZED": 2}
    assert instance.checks.get(AssetCheckKey(AssetKey("sales"), "fits")) or instance.checks.of_assets(
        [AssetKey("sales")]
    )
    assert instance.assets.get(AssetKey("orders")) is None


def test_renaming_back_is_renaming_again(instance: Any) -> None:
    materialize(declared("orders"), partition_key="a", instance=instance)
    materialize(declared("sales", renamed_from="orders"), partition_key="a", instance=instance)
    materialize(declared("orders", renamed_from="sales"), partition_key="a", instance=instance)
    assert instance.assets.get(AssetKey("orders")).materialization_count == 3


def test_an_external_asset_is_renamed_by_any_run_of_its_definitions(instance: Any) -> None:
    materialize(declared("orders"), partition_key="a", instance=instance)

    @asset
    def other() -> int:
        return 1

    materialize([other, AssetSpec("sales", renamed_from=["earlier", "orders"])], instance=instance)
    assert instance.assets.get(AssetKey("sales")).materialization_count == 1


def test_what_was_renamed_already_is_only_looked_at(instance: Any) -> None:
    materialize(declared("orders"), partition_key="a", instance=instance)
    pairs = [(AssetKey("orders"), AssetKey("sales"))]
    assert apply_renames(pairs, instance.assets) == pairs
    assert apply_renames(pairs, instance.assets) == []
    assert apply_renames([], instance.assets) == []


def test_an_earlier_name_belongs_to_one_asset() -> None:
    with refused("WEFT-D413", '"sales"', '"orders"'):
        Definitions([AssetSpec("orders"), AssetSpec("sales", renamed_from="orders")]).resolve()
    with refused("WEFT-D413"):
        Definitions([AssetSpec("a", renamed_from="orders"), AssetSpec("b", renamed_from="orders")]).resolve()


def test_a_renamed_asset_still_has_its_values(tmp_path: Path) -> None:
    def project(name: str, **settings: object) -> list[object]:
        @weft.asset(name=name, partitions_def=weft.StaticPartitionsDefinition(["a", "b"]), **settings)
        def made(context: weft.AssetExecutionContext) -> str:
            return context.partition_key

        @weft.asset(ins={"values": weft.AssetIn(name)})
        def all_of_it(values: dict[str, str]) -> list[str]:
            return sorted(values.values())

        return [made, all_of_it]

    with weft.Instance.local_temp(tmp_path) as instance:
        for key in "ab":
            materialize(project("orders"), selection="orders", partition_key=key, instance=instance)
        renamed = project("sales", renamed_from="orders")
        result = materialize(renamed, selection="all_of_it", instance=instance)
        assert result.asset_value("all_of_it") == ["a", "b"]
        materialize(renamed, selection="sales", partition_key="b", instance=instance)
        assert weft.Definitions(renamed).load_asset_value("sales", partition_key="a", instance=instance) == "a"
