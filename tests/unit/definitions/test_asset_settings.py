"""What one way of declaring an asset takes, the others take as well (promise d8)."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.definitions.refusal import refused

from weft import (
    AssetKey,
    AssetOut,
    AssetSpec,
    AutomationCondition,
    BackfillPolicy,
    DeprecatedNameWarning,
    FreshnessPolicy,
    LegacyFreshnessPolicy,
    SourceAsset,
    StaticPartitionsDefinition,
    asset,
    asset_check,
    graph_asset,
    graph_multi_asset,
    multi_asset,
    multi_asset_check,
    multi_observable_source_asset,
    observable_source_asset,
    op,
)
from weft.definitions import asset_settings
from weft.definitions.asset_settings import ASSET_SETTINGS, STEP_SETTINGS
from weft.definitions.deprecations import DEPRECATED_SETTINGS
from weft.model.assets import AssetNode

VALUES: Mapping[str, Any] = {
    "automation_condition": AutomationCondition.eager(),
    "backfill_policy": BackfillPolicy.single_run(),
    "cache": True,
    "code_version": "2",
    "description": "what it is",
    "freshness_policy": FreshnessPolicy.time_window(fail_window=timedelta(hours=1)),
    "group_name": "sales",
    "is_virtual": True,
    "kinds": ("duckdb",),
    "metadata": {"rows": 3},
    "owners": ("team:data",),
    "partitions_def": StaticPartitionsDefinition(["a", "b"]),
    "renamed_from": (AssetKey("earlier"),),
    "tags": {"tier": "gold"},
}


@op
def number() -> int:
    return 1


def by_asset(settings: Mapping[str, Any]) -> AssetSpec:
    @asset(**settings)
    def orders() -> None: ...

    return orders.get_asset_spec()


def by_spec(settings: Mapping[str, Any]) -> AssetSpec:
    return AssetSpec("orders", **settings)


def by_out(settings: Mapping[str, Any]) -> AssetSpec:
    @multi_asset(outs={"orders": AssetOut(**settings)})
    def shop() -> int:
        return 1

    return shop.get_asset_spec()


def by_multi_asset(settings: Mapping[str, Any]) -> AssetSpec:
    @multi_asset(specs=[AssetSpec("orders")], **settings)
    def shop() -> None: ...

    return shop.get_asset_spec()


def by_graph_asset(settings: Mapping[str, Any]) -> AssetSpec:
    @graph_asset(**settings)
    def orders() -> Any:
        return number()

    return orders.get_asset_spec()


def by_graph_multi_asset(settings: Mapping[str, Any]) -> AssetSpec:
    @graph_multi_asset(outs={"orders": AssetOut()}, **settings)
    def shop() -> Any:
        return {"orders": number()}

    return shop.get_asset_spec()


def by_observable(settings: Mapping[str, Any]) -> AssetSpec:
    @observable_source_asset(**settings)
    def orders() -> None: ...

    return orders.get_asset_spec()


def by_multi_observable(settings: Mapping[str, Any]) -> AssetSpec:
    @multi_observable_source_asset(specs=[AssetSpec("orders")], **settings)
    def shop() -> None: ...

    return shop.get_asset_spec()


def by_source_asset(settings: Mapping[str, Any]) -> AssetSpec:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "SourceAsset is deprecated")
        return SourceAsset("orders", **settings)


_OF_SEVERAL = {
    "description": "it describes the step; each asset has its own",
    "renamed_from": "it would not say which of several assets was renamed",
}

# Each way of declaring an asset, with the settings that it does not have and why.
WAYS: Mapping[Callable[[Mapping[str, Any]], AssetSpec], Mapping[str, str]] = {
    by_asset: {},
    by_spec: {},
    by_out: {},
    by_multi_asset: _OF_SEVERAL,
    by_graph_asset: {},
    by_graph_multi_asset: _OF_SEVERAL,
    by_observable: {},
    by_multi_observable: _OF_SEVERAL,
    by_source_asset: {},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", sorted(VALUES))
def test_each_setting_reaches_the_spec_however_the_asset_is_declared(
    way: Callable[[Mapping[str, Any]], AssetSpec], name: str
) -> None:
    if name in WAYS[way]:
        return
    assert getattr(way({name: VALUES[name]}), name) == VALUES[name]


def test_the_table_of_values_names_every_setting() -> None:
    assert set(VALUES) == ASSET_SETTINGS - DEPRECATED_SETTINGS


def test_every_setting_is_explained() -> None:
    texts = [inspect.getdoc(value) or "" for value in vars(asset_settings).values() if isinstance(value, type)]
    unexplained = [
        name
        for name in ASSET_SETTINGS | STEP_SETTINGS
        if not any(f"{name}:" in text or f"{name} (" in text for text in texts)
    ]
    assert unexplained == []


@pytest.mark.parametrize(
    "decorator",
    [
        asset,
        multi_asset,
        asset_check,
        multi_asset_check,
        graph_asset,
        graph_multi_asset,
        observable_source_asset,
        multi_observable_source_asset,
    ],
)
def test_no_decorator_lists_a_setting_for_itself(decorator: Callable[..., Any]) -> None:
    assert (ASSET_SETTINGS | STEP_SETTINGS) & inspect.signature(decorator).parameters.keys() == set()


def test_what_planning_and_pages_need_is_in_the_node() -> None:
    node = by_asset({name: value for name, value in VALUES.items() if name != "partitions_def"})
    described = node.describe()
    for name in ("freshness_policy", "backfill_policy", "renamed_from", "cache"):
        assert getattr(described, name) == VALUES[name]
    assert described.automation_condition == VALUES["automation_condition"].expression
    assert AssetNode(key=AssetKey("plain")).cache is None


def test_own_values_win_over_those_of_the_whole_step() -> None:
    @multi_asset(
        specs=[AssetSpec("orders", cache=False, owners=["team:own"], tags={"tier": "own"}), AssetSpec("customers")],
        cache=True,
        owners=["team:shared"],
        tags={"tier": "shared", "place": "here"},
    )
    def shop() -> None: ...

    orders, customers = shop.specs
    assert (orders.cache, orders.owners, orders.tags) == (False, ("team:own",), {"tier": "own", "place": "here"})
    assert (customers.cache, customers.owners) == (True, ("team:shared",))


def test_an_unknown_setting_names_the_nearest() -> None:
    with refused("WEFT-D400", "'partition_def'", 'did you mean "partitions_def"'):
        by_asset({"partition_def": None})
    with refused("WEFT-D400", "'group_nam'"):
        AssetOut(group_nam="sales")  # type: ignore[call-arg]  # what is refused
    with refused("WEFT-D400", "'owners'"):
        asset_check(asset="orders", name="c", owners=[])(lambda: True)  # type: ignore[call-arg]  # a check has no owner


def test_several_assets_cannot_be_renamed_at_once() -> None:
    with refused("WEFT-D408", "renamed_from"):
        by_multi_asset({"renamed_from": "earlier"})


def test_renaming_takes_one_key_or_several() -> None:
    assert AssetSpec("orders", renamed_from="shop/orders").renamed_from == (AssetKey(["shop", "orders"]),)
    assert AssetSpec("orders", renamed_from=["a", AssetKey("b")]).renamed_from == (AssetKey("a"), AssetKey("b"))
    with refused("WEFT-D406", "from itself"):
        AssetSpec("orders", renamed_from=["orders"])


def test_a_condition_has_to_be_one() -> None:
    with refused("WEFT-D504", "automation condition"):
        AssetSpec("orders", automation_condition="eager")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("old", "value", "new", "expected"),
    [
        ("compute_kind", "spark", "kinds", ("spark",)),
        (
            "legacy_freshness_policy",
            LegacyFreshnessPolicy(maximum_lag_minutes=60),
            "freshness_policy",
            VALUES["freshness_policy"],
        ),
    ],
)
def test_a_deprecated_name_works_and_says_what_to_use_at_the_line_that_uses_it(
    way: Callable[[Mapping[str, Any]], AssetSpec], old: str, value: Any, new: str, expected: Any
) -> None:
    with pytest.warns(DeprecatedNameWarning, match=f"{old} is deprecated: use {new}") as caught:
        spec = way({old: value})
    assert getattr(spec, new) == expected
    assert len(caught) == 1
    assert caught[0].filename == __file__


def test_deps_have_an_earlier_name_too() -> None:
    with pytest.warns(DeprecatedNameWarning, match="non_argument_deps is deprecated: use deps"):
        spec = by_asset({"non_argument_deps": {"customers"}})
    assert [dep.asset_key for dep in spec.deps] == [AssetKey("customers")]


def test_both_names_at_once_are_refused() -> None:
    with refused("WEFT-D405", "compute_kind", "kinds"):
        by_asset({"compute_kind": "spark", "kinds": {"spark"}})


def test_a_deprecated_name_without_a_value_is_as_good_as_absent() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert by_asset({"compute_kind": None}).kinds == ()


def test_a_check_takes_the_settings_of_a_step() -> None:
    made = asset_check(asset="orders", name="fits", pool="db", timeout_seconds=3.0, op_tags={"a": "b"})(lambda: True)
    assert (made.op.pool, made.op.timeout_seconds, made.op.tags) == ("db", 3.0, {"a": "b"})


def test_specs_merge_what_is_added() -> None:
    spec = AssetSpec("orders", deps=["a"], metadata={"x": 1, "y": 1}, owners=["team:a"], tags={"t": "1"}, kinds={"k"})
    merged = spec.merge_attributes(deps=["a", "b"], metadata={"y": 2}, owners=["team:b"], tags={"u": "2"}, kinds={"l"})
    assert [dep.asset_key.to_user_string() for dep in merged.deps] == ["a", "b"]
    assert merged.metadata == {"x": 1, "y": 2}
    assert merged.owners == ("team:a", "team:b")
    assert merged.tags == {"t": "1", "u": "2"}
    assert merged.kinds == ("k", "l")
    assert merged.declared_at == spec.declared_at
    assert spec.with_io_manager_key("warehouse").io_manager_key == "warehouse"
    assert spec.io_manager_key is None
