"""Specs of assets and checks: what they say, how they are changed, how they describe themselves."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.definitions.refusal import refused

from weft.definitions.asset_spec import AssetCheckSpec, AssetSpec, check_partitions_def
from weft.definitions.assets import asset
from weft.definitions.inputs_outputs import AssetDep
from weft.model.assets import AssetDependency
from weft.model.keys import AssetCheckKey, AssetKey
from weft.model.metadata import IntMetadataValue
from weft.model.partitions.definitions import DailyPartitionsDefinition
from weft.model.partitions.mappings import LastPartitionMapping

DAYS = DailyPartitionsDefinition(start_date="2024-01-01")


def full() -> AssetSpec:
    return AssetSpec(
        "shop/orders",
        deps=["raw"],
        description="what was ordered",
        metadata={"rows": 3},
        group_name="sales/eu",
        code_version="1",
        owners=["team:data", "a@b.org"],
        tags={"pii": ""},
        kinds={"table", "duckdb"},
        partitions_def=DAYS,
        skippable=True,
        is_virtual=True,
    )


def test_a_spec_says_everything_of_an_external_asset() -> None:
    node = full().describe()
    assert node.key == AssetKey(["shop", "orders"])
    assert node.deps == (AssetDependency(AssetKey("raw")),)
    assert (node.description, node.group_name, node.code_version) == ("what was ordered", "sales/eu", "1")
    assert (node.owners, node.tags, node.kinds) == (("team:data", "a@b.org"), {"pii": ""}, ("duckdb", "table"))
    assert node.metadata == {"rows": IntMetadataValue(3)}
    assert node.partitions == DAYS.to_spec()
    assert node.is_virtual
    assert node.is_external
    assert node.declared_at is not None
    assert "test_asset_spec.py" in node.declared_at


def test_a_spec_alone_has_defaults() -> None:
    node = AssetSpec("orders").describe()
    assert node.group_name == "default"
    assert (node.deps, node.tags, node.kinds, node.owners, node.metadata) == ((), {}, (), (), {})


def test_attributes_are_replaced_in_a_copy() -> None:
    spec = full()
    changed = spec.replace_attributes(key="orders", group_name=None, deps=[])
    assert (changed.key, changed.group_name, changed.deps) == (AssetKey("orders"), None, ())
    for name in (
        "description",
        "metadata",
        "code_version",
        "owners",
        "tags",
        "kinds",
        "partitions_def",
        "skippable",
        "is_virtual",
        "declared_at",
    ):
        assert getattr(changed, name) == getattr(spec, name)
    assert spec.key == AssetKey(["shop", "orders"])
    with refused("WEFT-D085", "'group'", 'did you mean "group_name"'):
        spec.replace_attributes(group="x")


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"key": ""}, "WEFT-D002"),
        ({"key": 3}, "WEFT-D002"),
        ({"group_name": "a b"}, "WEFT-D004"),
        ({"group_name": 3}, "WEFT-D004"),
        ({"tags": {"a": 1}}, "WEFT-D005"),
        ({"tags": "pii"}, "WEFT-D072"),
        ({"owners": ["sales"]}, "WEFT-D006"),
        ({"owners": "team:data"}, "WEFT-D070"),
        ({"owners": [3]}, "WEFT-D071"),
        ({"kinds": "duckdb"}, "WEFT-D070"),
        ({"kinds": [3]}, "WEFT-D071"),
        ({"kinds": [f"k{number}" for number in range(11)]}, "WEFT-D007"),
        ({"metadata": ["a"]}, "WEFT-D072"),
        ({"description": 3}, "WEFT-D071"),
        ({"code_version": 3}, "WEFT-D071"),
        ({"deps": "raw"}, "WEFT-D070"),
        ({"deps": [3]}, "WEFT-D013"),
        ({"partitions_def": DailyPartitionsDefinition}, "WEFT-D086"),
        ({"partitions_def": "daily"}, "WEFT-D086"),
    ],
)
def test_attributes_are_checked_where_they_are_given(settings: dict[str, Any], code: str) -> None:
    with refused(code):
        AssetSpec(**{"key": "orders", **settings})
    if "key" not in settings:

        @asset
        def orders() -> None: ...

        with refused(code):
            asset(**{"name": "orders", **settings})(orders.op.fn)


def test_metadata_that_does_not_fit_names_the_asset_and_the_place() -> None:
    with refused("WEFT-D040", "label", "rows", "asset", "shop/orders", "test_asset_spec.py"):
        AssetSpec("shop/orders", metadata={"rows": object()}).describe()


def test_kinds_are_named_once() -> None:
    assert AssetSpec("a", kinds=["b", "a", "b"]).kinds == ("a", "b")


def test_a_class_of_partitions_in_place_of_an_object_is_told() -> None:
    with refused("WEFT-D086", "the class DailyPartitionsDefinition itself", "DailyPartitionsDefinition(...)"):
        check_partitions_def(DailyPartitionsDefinition, "asset")


def test_the_mapping_of_a_dependency_is_described() -> None:
    mapping = LastPartitionMapping()
    node = AssetSpec("a", deps=[AssetDep("b", partition_mapping=mapping)]).describe()
    assert node.deps == (AssetDependency(AssetKey("b"), None, mapping.to_spec()),)


def test_a_check_spec_names_its_asset_in_every_form() -> None:
    @asset(key_prefix="shop")
    def orders() -> None: ...

    for form in (orders, "shop/orders", AssetKey(["shop", "orders"]), AssetSpec(["shop", "orders"])):
        spec = AssetCheckSpec(
            "not_empty", asset=form, blocking=True, additional_deps=["raw"], metadata={"a": 1}, description="what"
        )
        assert spec.key == AssetCheckKey(["shop", "orders"], "not_empty")
        assert spec.get_python_identifier() == "shop__orders_not_empty"
        node = spec.describe("op")
        assert (node.op_name, node.blocking, node.additional_deps, node.description) == (
            "op",
            True,
            (AssetKey("raw"),),
            "what",
        )
    moved = spec.with_asset("other")
    assert moved.asset_key == AssetKey("other")
    assert (moved.name, moved.blocking, moved.description, moved.metadata) == ("not_empty", True, "what", {"a": 1})


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"name": "not empty"}, "WEFT-D003"),
        ({"asset": 3}, "WEFT-D013"),
        ({"additional_deps": "raw"}, "WEFT-D070"),
        ({"metadata": "x"}, "WEFT-D072"),
        ({"description": 3}, "WEFT-D071"),
        ({"partitions_def": DailyPartitionsDefinition}, "WEFT-D086"),
    ],
)
def test_a_check_spec_is_checked_where_it_is_made(settings: dict[str, Any], code: str) -> None:
    with refused(code):
        AssetCheckSpec(**{"name": "not_empty", "asset": "orders", **settings})
