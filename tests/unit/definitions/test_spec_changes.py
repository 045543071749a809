"""Changing many definitions at once, and making assets of graphs and ops."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.definitions.refusal import refused

from weft import (
    AssetKey,
    AssetsDefinition,
    AssetSpec,
    Definitions,
    DeprecatedNameWarning,
    StaticPartitionsDefinition,
    asset,
    asset_check,
    graph,
    map_asset_specs,
    materialize,
    op,
    with_resources,
)


@asset(group_name="sales")
def orders() -> int:
    return 2


@asset
def total(orders: int) -> int:
    return orders + 1


@asset_check(asset=orders)
def fits(orders: int) -> bool:
    return orders == 2


@op
def plus_one(value: int) -> int:
    return value + 1


@graph
def twice(value: Any) -> Any:
    return plus_one(plus_one.alias("first")(value))


def owned(spec: AssetSpec) -> AssetSpec:
    return spec.merge_attributes(owners=["team:data"])


def test_every_spec_is_changed_and_checks_stay() -> None:
    changed = map_asset_specs(owned, [orders, [total], AssetSpec("feed"), fits])
    assert [item.get_asset_spec().owners for item in (changed[0], changed[1][0])] == [("team:data",)] * 2
    assert changed[2].owners == ("team:data",)
    assert changed[3].check_keys == fits.check_keys
    assert orders.get_asset_spec().owners == ()


def test_definitions_change_what_a_selection_holds() -> None:
    defs = Definitions([orders, total], resources={"db": 1})
    changed = defs.map_asset_specs(func=owned, selection="group:sales")
    assert {spec.key.to_user_string(): spec.owners for spec in changed.resolve_all_asset_specs()} == {
        "orders": ("team:data",),
        "total": (),
    }
    assert changed.resources == {"db": 1}
    assert all(spec.owners for spec in defs.map_asset_specs(func=owned).resolve_all_asset_specs())
    assert not any(spec.owners for spec in defs.resolve_all_asset_specs())


def test_attributes_are_given_for_all_or_by_key() -> None:
    changed = total.with_attributes(
        asset_key_replacements={AssetKey("total"): AssetKey("sum"), AssetKey("orders"): AssetKey("sales")},
        descriptions_by_key={AssetKey("total"): "what was sold"},
        partitions_def=StaticPartitionsDefinition(["a"]),
    )
    spec = changed.get_asset_spec()
    assert (spec.key, spec.description) == (AssetKey("sum"), "what was sold")
    assert changed.partitions_def == StaticPartitionsDefinition(["a"])
    [node] = changed.describe_nodes()
    assert [dep.asset_key for dep in node.deps] == [AssetKey("sales")]


def test_an_asset_made_elsewhere_is_known_as_external() -> None:
    source = orders.to_source_asset()
    assert (source.key, source.group_name, source.io_manager_key) == (AssetKey("orders"), "sales", "io_manager")
    assert Definitions([source, total]).resolve().graph[AssetKey("orders")].is_external
    assert [spec.key for spec in orders.to_source_assets()] == [AssetKey("orders")]


def test_a_graph_becomes_assets() -> None:
    made = AssetsDefinition.from_graph(
        twice,
        keys_by_input_name={"value": "orders"},
        keys_by_output_name={"result": "shop/more"},
        group_name="sales",
        by_output_name={"result": {"description": "more of them"}},
        pool="db",
    )
    assert materialize([orders, made]).asset_value("shop/more") == 4
    spec = made.get_asset_spec()
    assert (spec.group_name, spec.description) == ("sales", "more of them")
    assert {step.pool for step in made.describe_unit().steps} == {"db"}


def test_an_op_becomes_an_asset() -> None:
    made = AssetsDefinition.from_op(plus_one, keys_by_input_name={"value": "orders"}, key_prefix="shop")
    assert made.key == AssetKey(["shop", "plus_one"])
    assert materialize([orders, made]).asset_value(made.key) == 3
    with refused("WEFT-D414", '"valu"', 'did you mean "value"'):
        AssetsDefinition.from_op(plus_one, keys_by_input_name={"valu": "orders"})


def test_resources_may_be_given_to_a_list() -> None:
    with pytest.warns(DeprecatedNameWarning, match="with_resources"):
        [changed, spec] = with_resources([orders, AssetSpec("feed")], {"db": 1})
    assert changed.resource_defs == {"db": 1}
    assert spec.key == AssetKey("feed")
