"""Declarations of inputs and outputs, and every form in which a dependency may be given."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.definitions.refusal import refused

from weft.definitions.asset_spec import AssetSpec
from weft.definitions.assets import AssetsDefinition, asset, multi_asset
from weft.definitions.inputs_outputs import AssetDep, AssetIn, AssetOut, DynamicOut, In, Out, asset_key_of
from weft.definitions.value_type import Nothing
from weft.model.keys import AssetKey
from weft.model.partitions.mappings import AllPartitionMapping, LastPartitionMapping


@asset(key_prefix="shop")
def orders() -> int:
    return 1


@multi_asset(specs=[AssetSpec("left"), AssetSpec("right")])
def both() -> None: ...


def keys(deps: tuple[AssetDep, ...]) -> list[str]:
    return [dep.asset_key.to_user_string() for dep in deps]


@pytest.mark.parametrize(
    "form",
    [
        orders,
        "shop/orders",
        AssetKey(["shop", "orders"]),
        AssetSpec(["shop", "orders"]),
        ["shop", "orders"],
        ("shop", "orders"),
    ],
)
def test_an_asset_is_named_in_every_form(form: Any) -> None:
    assert asset_key_of(form) == AssetKey(["shop", "orders"])
    assert AssetDep(form).asset_key == AssetKey(["shop", "orders"])


def undecorated() -> None: ...


@pytest.mark.parametrize("value", [3, None, [], [1], object(), {"a": 1}, int])
def test_what_names_no_asset_is_refused(value: Any) -> None:
    with refused("WEFT-D013", "does not name an asset"):
        asset_key_of(value)


def test_a_function_that_is_not_decorated_is_told_so() -> None:
    with refused("WEFT-D013", "undecorated", "a function without @asset", "decorate it"):
        asset_key_of(undecorated)


def test_a_definition_of_several_assets_does_not_name_one_but_may_be_depended_on() -> None:
    with refused("WEFT-D013", "makes 2 assets", "left, right"):
        AssetDep(both)
    assert keys(AssetDep.each([both], "asset")) == ["left", "right"]


def test_deps_keep_their_order_and_are_named_once() -> None:
    deps: list[Any] = ["b", orders, AssetDep("a"), "b", AssetSpec("c"), both, "left"]
    assert keys(AssetDep.each(deps, "asset")) == ["b", "shop/orders", "a", "c", "left", "right"]
    assert AssetDep.each(None, "asset") == AssetDep.each([], "asset") == ()
    assert keys(AssetDep.each((one for one in "ab"), "asset")) == ["a", "b"]


def test_a_set_of_deps_has_one_order() -> None:
    assert keys(AssetDep.each({"c", "a", "b"}, "asset")) == ["a", "b", "c"]


def test_a_string_is_no_list_of_deps() -> None:
    with refused("WEFT-D070", 'deps of asset "x"', "deps=[...]"):
        AssetDep.each("orders", 'asset "x"')


def test_one_asset_cannot_be_depended_on_in_two_ways() -> None:
    last = LastPartitionMapping()
    assert (
        len(AssetDep.each([AssetDep("a", partition_mapping=last), AssetDep("a", partition_mapping=last)], "asset")) == 1
    )
    with refused("WEFT-D077", '"a" twice'):
        AssetDep.each(
            [AssetDep("a", partition_mapping=last), AssetDep("a", partition_mapping=AllPartitionMapping())], "asset"
        )
    with refused("WEFT-D077"):
        AssetDep.each([AssetDep("a", partition_mapping=last), "a"], "asset")


def test_none_is_a_default_value() -> None:
    assert In(default_value=None).has_default
    assert not In().has_default
    copy = In(int, "what", metadata={"a": 1}, input_manager_key="m").with_default(3)
    assert (copy.default_value, copy.value_type, copy.description, copy.input_manager_key) == (3, int, "what", "m")


def test_nothing_only_orders() -> None:
    assert In(Nothing).is_nothing
    assert Out(Nothing).is_nothing
    assert not In(int).is_nothing
    assert not Out().is_nothing


def test_an_output_is_stored_by_the_default_manager_unless_it_says_otherwise() -> None:
    assert Out().io_manager_key == "io_manager"
    assert Out(io_manager_key="files").io_manager_key == "files"
    assert DynamicOut().is_dynamic
    assert not Out().is_dynamic


def test_the_key_of_an_argument_is_given_whole_or_by_prefix() -> None:
    assert AssetIn().resolved_key("orders") == AssetKey("orders")
    assert AssetIn("shop/orders").resolved_key("x") == AssetKey(["shop", "orders"])
    assert AssetIn(key_prefix="shop").resolved_key("orders") == AssetKey(["shop", "orders"])
    assert AssetIn(key_prefix=["a", "b"]).resolved_key("orders") == AssetKey(["a", "b", "orders"])
    with refused("WEFT-D012"):
        AssetIn("orders", key_prefix="shop")


@pytest.mark.parametrize("kind", [In, Out, AssetIn, lambda metadata: AssetDep("a", metadata=metadata)])
def test_metadata_is_a_mapping(kind: Any) -> None:
    assert kind(metadata={"a": 1}).metadata == {"a": 1}
    assert kind(metadata=None).metadata == {}
    with refused("WEFT-D072", "metadata of"):
        kind(metadata=["a"])


def test_an_asset_out_takes_what_a_spec_takes() -> None:
    @multi_asset(
        outs={
            "a": AssetOut(
                key_prefix="shop",
                description="what",
                group_name="g",
                code_version="1",
                owners=["team:data"],
                tags={"t": "v"},
                kinds={"python", "csv"},
                metadata={"m": 1},
                io_manager_key="files",
                is_required=False,
            ),
            "b": AssetOut(key="other"),
        }
    )
    def made() -> None: ...

    assert isinstance(made, AssetsDefinition)
    spec = made.get_asset_spec(["shop", "a"])
    assert (spec.description, spec.group_name, spec.code_version, spec.owners) == ("what", "g", "1", ("team:data",))
    assert (spec.tags, spec.kinds, spec.metadata, spec.skippable) == ({"t": "v"}, ("csv", "python"), {"m": 1}, True)
    assert made.node_def.outs["a"].io_manager_key == "files"
    assert [*made.keys][1] == AssetKey("other")
