"""Checks apart from what makes the asset: which asset, which values they take, how they describe themselves."""

from __future__ import annotations

from typing import Any

from tests.unit.definitions.refusal import refused

from weft.definitions.asset_checks import AssetChecksDefinition, asset_check, multi_asset_check
from weft.definitions.asset_spec import AssetCheckSpec
from weft.definitions.assets import asset
from weft.definitions.inputs_outputs import AssetIn
from weft.definitions.results import AssetCheckResult
from weft.model.keys import AssetCheckKey, AssetKey
from weft.model.plan import FromAsset, OrderOnly
from weft.model.retry import RetryPolicy


@asset(key_prefix="shop")
def orders() -> list[int]:
    return [1]


def test_a_check_takes_the_value_of_its_asset() -> None:
    @asset_check(
        asset=orders, blocking=True, description="not empty", metadata={"a": 1}, retry_policy=RetryPolicy(max_retries=1)
    )
    def not_empty(context: Any, orders: list[int]) -> bool:
        return bool(orders)

    assert isinstance(not_empty, AssetChecksDefinition)
    assert not_empty.check_keys == {AssetCheckKey("shop/orders", "not_empty")}
    assert not_empty.keys == set()
    unit = not_empty.describe_unit()
    assert (unit.name, unit.asset_keys, unit.check_keys) == ("shop__orders_not_empty", (), tuple(not_empty.check_keys))
    [step] = unit.steps
    assert [(given.name, given.source) for given in step.inputs] == [
        ("orders", FromAsset(AssetKey(["shop", "orders"])))
    ]
    assert [output.check_key for output in step.outputs] == [*not_empty.check_keys]
    assert step.retry_policy == RetryPolicy(max_retries=1)
    [node] = not_empty.describe_checks()
    assert (node.blocking, node.description, node.op_name) == (True, "not empty", "shop__orders_not_empty")
    assert repr(not_empty) == "AssetChecksDefinition(shop/orders:not_empty)"


def test_a_check_that_takes_nothing_waits_for_its_asset() -> None:
    @asset_check(asset="orders")
    def fresh() -> bool:
        """Is it fresh?"""
        return True

    [step] = fresh.describe_unit().steps
    assert [(given.name, given.source, given.asset_key) for given in step.inputs] == [
        ("dep orders", OrderOnly(()), AssetKey("orders"))
    ]
    assert fresh.describe_checks()[0].description == "Is it fresh?"


def test_a_check_may_load_and_wait_for_others() -> None:
    @asset_check(asset=orders, additional_ins={"raw": AssetIn("shop/raw")}, additional_deps=["other"])
    def complete(orders: list[int], raw: list[int]) -> bool:
        return len(orders) == len(raw)

    [step] = complete.describe_unit().steps
    assert [given.name for given in step.inputs] == ["orders", "raw", "dep other"]
    assert complete.describe_checks()[0].additional_deps == (AssetKey("other"),)
    with refused("WEFT-D029", "takes 2 values", "orders, raw", "additional_ins"):

        @asset_check(asset=orders)
        def too_many(orders: list[int], raw: list[int]) -> bool: ...  # type: ignore[empty-body]

    with refused("WEFT-D071", "AssetIn"):

        @asset_check(asset=orders, additional_ins={"raw": "shop/raw"})  # type: ignore[dict-item]  # the point of the test
        def wrong(orders: list[int], raw: list[int]) -> bool: ...  # type: ignore[empty-body]


def test_a_check_names_its_asset() -> None:
    with refused("WEFT-D087", "test_asset_checks.py", 'asset="orders"'):
        asset_check(name="x")
    with refused("WEFT-D013"):
        asset_check(asset=3)
    with refused("WEFT-D013", "without @asset"):
        asset_check(asset=orders.op.fn)


def test_a_check_is_still_a_function() -> None:
    @asset_check(asset=orders)
    def not_empty(orders: list[int]) -> AssetCheckResult:
        return AssetCheckResult(bool(orders))

    assert not_empty([1]).passed
    assert not not_empty([]).passed


def test_one_function_may_answer_several_checks() -> None:
    @multi_asset_check(
        specs=[AssetCheckSpec("a", asset=orders), AssetCheckSpec("b", asset="other", blocking=True)],
        can_subset=True,
        ins={"orders": AssetIn("shop/orders")},
        description="all of them",
    )
    def all_of_them(orders: list[int]) -> Any: ...

    assert all_of_them.check_keys == {AssetCheckKey("shop/orders", "a"), AssetCheckKey("other", "b")}
    unit = all_of_them.describe_unit()
    assert unit.can_subset
    [step] = unit.steps
    assert [given.name for given in step.inputs] == ["orders", "dep other"]
    assert [(out.name, out.is_required) for out in step.outputs] == [("shop__orders_a", False), ("other_b", False)]


def test_several_checks_are_declared_once_each() -> None:
    def fn() -> Any: ...

    with refused("WEFT-D088", "test_asset_checks.py"):
        multi_asset_check()(fn)
    with refused("WEFT-D082", "twice"):
        multi_asset_check(specs=[AssetCheckSpec("a", asset="x"), AssetCheckSpec("a", asset="x")])(fn)
    with refused("WEFT-D071"):
        multi_asset_check(specs=["a"])(fn)  # type: ignore[list-item]  # the point of the test
    with refused("WEFT-D016"):
        multi_asset_check(specs=[AssetCheckSpec("a", asset="x")], ins={"y": AssetIn()})(fn)


def test_checks_of_different_assets_with_one_identifier_are_both_there() -> None:
    @multi_asset_check(specs=[AssetCheckSpec("b_c", asset="a"), AssetCheckSpec("c", asset="a_b")])
    def both() -> Any: ...

    assert len(both.check_keys) == len(both.describe_unit().steps[0].outputs) == 2


def test_resources_and_schemas_work_as_for_assets() -> None:
    @asset_check(
        asset=orders, resource_defs={"db": object()}, config_schema={"limit": int}, pool="db", timeout_seconds=3
    )
    def fine(context: Any, orders: list[int], db: Any) -> bool: ...  # type: ignore[empty-body]

    [step] = fine.describe_unit().steps
    assert (step.resource_keys, step.pool, step.timeout_seconds) == (("db",), "db", 3)
    assert fine.op.config_schema == {"limit": int}
