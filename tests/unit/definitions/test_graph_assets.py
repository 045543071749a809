"""Assets that graphs of ops make."""

from __future__ import annotations

from typing import Any

from tests.unit.definitions.refusal import refused

from weft import (
    AssetCheckResult,
    AssetCheckSpec,
    AssetIn,
    AssetKey,
    AssetOut,
    DynamicOut,
    DynamicOutput,
    RetryPolicy,
    asset,
    graph_asset,
    graph_multi_asset,
    materialize,
    op,
)
from weft.model.events import AssetCheckEvaluated


@op
def numbers() -> list[int]:
    return [1, 2, 3]


@op(out=DynamicOut())
def each(values: list[int]) -> Any:
    for value in values:
        yield DynamicOutput(value, mapping_key=f"n{value}")


@op
def double(value: int) -> int:
    return 2 * value


@op
def total(values: list[int]) -> int:
    return sum(values)


@asset
def orders() -> list[int]:
    return [1, 2, 3]


@graph_asset(group_name="sales", kinds={"python"}, code_version="3", retry_policy=RetryPolicy(max_retries=2), pool="db")
def report(orders: Any) -> Any:
    """What was sold."""
    return total(each(orders).map(double).collect())


def test_ops_are_the_steps_and_fan_out_inside() -> None:
    result = materialize([orders, report])
    assert result.success
    assert result.asset_value("report") == 12
    spec = report.get_asset_spec()
    assert (spec.group_name, spec.kinds, spec.code_version) == ("sales", ("python",), "3")
    assert spec.description == "What was sold."


def test_settings_of_the_graph_hold_for_steps_that_have_none() -> None:
    steps = report.describe_unit().steps
    assert {step.pool for step in steps} == {"db"}
    assert {step.retry_policy for step in steps} == {RetryPolicy(max_retries=2)}


def test_what_only_orders_comes_before_the_first_step() -> None:
    @graph_asset(deps=["orders"], key_prefix="shop")
    def later() -> Any:
        return total(numbers())

    assert later.key == AssetKey(["shop", "later"])
    [node] = later.describe_nodes()
    assert [dep.asset_key for dep in node.deps] == [AssetKey("orders")]
    first = later.describe_unit().steps[0]
    assert AssetKey("orders") in {given.asset_key for given in first.inputs}


def test_inputs_may_have_other_keys() -> None:
    @graph_asset(ins={"values": AssetIn("orders")})
    def summed(values: Any) -> Any:
        return total(values)

    assert materialize([orders, summed]).asset_value("summed") == 6


def test_a_graph_may_answer_checks() -> None:
    @op
    def judge(value: int) -> AssetCheckResult:
        return AssetCheckResult(value > 0, asset_key="checked", check_name="positive")

    @graph_asset(check_specs=[AssetCheckSpec("positive", asset="checked")])
    def checked() -> Any:
        value = total(numbers())
        return {"result": value, "checked_positive": judge(value)}

    assert [key.name for key in checked.check_keys] == ["positive"]
    bodies = [event.body for event in materialize([checked]).all_events]
    assert [body.passed for body in bodies if isinstance(body, AssetCheckEvaluated)] == [True]
    with refused("WEFT-D409", "unanswered_positive"):

        @graph_asset(check_specs=[AssetCheckSpec("positive", asset="unanswered")])
        def unanswered() -> Any:
            return total(numbers())


def test_several_assets_of_one_graph() -> None:
    @graph_multi_asset(
        outs={"small": AssetOut(io_manager_key="other"), "large": AssetOut(key="big", owners=["team:a"])},
        group_name="sales",
        can_subset=True,
    )
    def sizes(orders: Any) -> Any:
        return {"small": total(orders), "large": double(total.alias("again")(orders))}

    assert [spec.key.to_user_string() for spec in sizes.specs] == ["small", "big"]
    assert {spec.group_name for spec in sizes.specs} == {"sales"}
    assert [node.io_manager_key for node in sizes.describe_nodes()] == ["other", None]
    from weft import InMemoryIOManager

    resources = {"other": InMemoryIOManager()}
    assert materialize([orders, sizes], resources=resources).asset_value("big") == 12
    part = materialize([orders, sizes], resources=resources, selection=["orders", "small"])
    assert part.asset_value("small") == 6


def test_a_graph_has_no_configuration_of_its_own() -> None:
    with refused("WEFT-D400", "config_schema"):

        @graph_asset(config_schema={"a": int})  # type: ignore[call-overload]  # what is refused
        def odd() -> Any:
            return total(numbers())
