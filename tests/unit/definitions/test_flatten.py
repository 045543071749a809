"""A graph as a flat list of steps: keys, wiring, defaults, hooks, retries, and what is mapped over what."""

from __future__ import annotations

from typing import Any

from hypothesis import given, strategies as st
from tests.unit.definitions.refusal import refused

from weft.definitions.flatten import FlatGraph, config_path, flatten_graph, graph_input_sources
from weft.definitions.graph import GraphDefinition, graph
from weft.definitions.hooks import success_hook
from weft.definitions.inputs_outputs import DynamicOut, GraphOut, In, Out
from weft.definitions.op import op
from weft.definitions.value_type import Nothing
from weft.model.keys import AssetKey
from weft.model.plan import (
    EdgeRule,
    FromAsset,
    FromCollected,
    FromConfig,
    FromDefault,
    FromMany,
    FromOutput,
    FromValue,
    OrderOnly,
    OutputRef,
    StepPlan,
    upstream_refs,
)
from weft.model.retry import RetryPolicy


@op(retry_policy=RetryPolicy(max_retries=1))
def one() -> int:
    return 1


@op(tags={"kind": "sum"}, pool="cpu", code_version="2", timeout_seconds=5)
def add(left: int, right: int = 7) -> int:
    return left + right


@op
def total(values: list[int]) -> int:
    return sum(values)


@op(out=DynamicOut(int))
def spread() -> Any: ...


@op(out=DynamicOut(int))
def spread_more(value: int) -> Any: ...


@op(ins={"after": In(Nothing)})
def finish(value: int = 0) -> int:
    return value


def flat(definition: GraphDefinition, **inputs: Any) -> FlatGraph:
    return flatten_graph(definition, inputs)


def steps(definition: GraphDefinition, **inputs: Any) -> dict[str, StepPlan]:
    return {step.key: step for step in flat(definition, **inputs).steps}


def sources(step: StepPlan) -> dict[str, Any]:
    return {given.name: given.source for given in step.inputs}


def test_names_of_nodes_become_step_keys_and_paths_of_configuration() -> None:
    @graph
    def inner(x: Any) -> Any:
        return add(x)

    @graph
    def outer() -> Any:
        return inner.alias("second")(inner(one()))

    found = flat(outer)
    assert [step.key for step in found.steps] == ["one", "inner.add", "second.add"]
    assert found.bodies["second.add"].node_path == ("second", "add")
    assert config_path(("second", "add")) == ("ops", "second", "ops", "add")
    assert sources(found.steps[2])["left"] == FromOutput(OutputRef("inner.add", "result"))
    assert found.outputs == {"result": FromOutput(OutputRef("second.add", "result"))}
    assert flatten_graph(inner, {}, prefix=("around",)).steps[0].key == "around.add"


def test_an_unconnected_input_comes_from_its_asset_its_default_or_configuration() -> None:
    @op(ins={"orders": In(asset_key="shop/orders")})
    def load(orders: int) -> int:
        return orders

    @graph
    def g() -> None:
        load()
        add()

    found = steps(g)
    assert sources(found["load"]) == {"orders": FromAsset(AssetKey(["shop", "orders"]))}
    assert found["load"].inputs[0].asset_key == AssetKey(["shop", "orders"])
    assert sources(found["add"]) == {"left": FromConfig(("ops", "add", "inputs", "left")), "right": FromDefault()}


def test_inputs_of_the_outermost_graph_come_from_values_defaults_or_configuration() -> None:
    @graph
    def g(a: Any, b: Any, c: Any = 3) -> None:
        add(a, b)
        add(c)

    given_sources = graph_input_sources(g, {"b": 1})
    assert given_sources == {"a": FromConfig(("inputs", "a")), "b": FromValue("b"), "c": FromValue("c")}
    found = steps(g, **given_sources)
    assert sources(found["add"]) == {"left": FromConfig(("inputs", "a")), "right": FromValue("b")}


def test_the_default_of_an_inner_graph_reaches_its_ops() -> None:
    @graph
    def inner(x: Any = 5) -> Any:
        return add(x, x)

    @graph
    def outer() -> None:
        inner()
        inner.alias("connected")(one())

    found = flat(outer)
    by_key = {step.key: step for step in found.steps}
    assert sources(by_key["inner.add"]) == {"left": FromValue("inner.x"), "right": FromValue("inner.x")}
    assert found.values["inner.x"] == 5
    assert sources(by_key["connected.add"])["left"] == FromOutput(OutputRef("one", "result"))


def test_an_inner_input_without_default_is_the_ops_own_matter() -> None:
    @graph
    def inner(x: Any) -> Any:
        return add(one(), x)

    @graph
    def outer() -> None:
        inner()

    assert sources(steps(outer)["inner.add"])["right"] == FromDefault()


def test_nothing_inputs_order_and_carry_nothing() -> None:
    @graph
    def g() -> None:
        finish(after=[one(), add(one())])
        finish()

    found = steps(g)
    assert sources(found["finish"])["after"] == OrderOnly((OutputRef("one", "result"), OutputRef("add", "result")))
    assert "after" not in sources(found["finish_2"])


def test_fan_in_keeps_the_order_of_the_list() -> None:
    @graph
    def inner(x: Any) -> Any:
        return total([x, one()])

    @graph
    def outer() -> Any:
        return inner(add(one()))

    assert sources(steps(outer)["inner.total"]) == {
        "values": FromMany((FromOutput(OutputRef("add", "result")), FromOutput(OutputRef("inner.one", "result"))))
    }


def test_settings_of_a_step_come_from_the_node_then_the_op_then_around() -> None:
    mine, around = RetryPolicy(max_retries=5), RetryPolicy(max_retries=9)

    @success_hook
    def b_hook(context: Any) -> None: ...

    @success_hook
    def a_hook(context: Any) -> None: ...

    @graph
    def inner(x: Any) -> Any:
        return add.with_hooks({b_hook})(x)

    @graph
    def outer() -> None:
        inner.with_hooks({a_hook})(one())
        one.with_retry_policy(mine).tag({"more": "x"})()

    found = flatten_graph(outer, {}, retry_policy=around)
    by_key = {step.key: step for step in found.steps}
    assert by_key["inner.add"].retry_policy == around
    assert by_key["one"].retry_policy == RetryPolicy(max_retries=1)
    assert by_key["one_2"].retry_policy == mine
    assert (by_key["inner.add"].tags, by_key["one_2"].tags) == ({"kind": "sum"}, {"more": "x"})
    assert [hook.name for hook in found.bodies["inner.add"].hooks] == ["a_hook", "b_hook"]
    assert (by_key["inner.add"].pool, by_key["inner.add"].code_version) == ("cpu", "2")
    assert by_key["inner.add"].timeout_seconds == 5


def test_the_rule_of_an_input_is_kept() -> None:
    @op(ins={"x": In(rule=EdgeRule.ALL_DONE)})
    def always(x: int) -> None: ...

    @graph
    def g() -> None:
        always(one())

    assert steps(g)["always"].inputs[0].rule is EdgeRule.ALL_DONE


def test_what_is_mapped_runs_once_for_each_value() -> None:
    ref = OutputRef("spread", "result")

    @graph
    def g() -> None:
        mapped = spread().map(lambda x: add(add(x), one()))
        total(mapped.collect())
        total(spread().collect())

    found = steps(g)
    assert {key for key, step in found.items() if step.fan_out == (ref,)} == {"add", "add_2"}
    assert sources(found["total"]) == {"values": FromCollected(OutputRef("add_2", "result"))}
    assert sources(found["total_2"]) == {"values": FromCollected(OutputRef("spread_2", "result"))}
    assert found["total"].fan_out == found["one"].fan_out == ()


def test_fan_outs_nest() -> None:
    @graph
    def deep() -> None:
        spread().map(lambda x: total(spread_more(x).map(lambda y: add(y, x)).collect()))

    found = steps(deep)
    outer, inner = OutputRef("spread", "result"), OutputRef("spread_more", "result")
    assert found["spread_more"].fan_out == (outer,)
    assert found["add"].fan_out == (outer, inner)
    assert found["total"].fan_out == (outer,)


def test_two_independent_fan_outs_do_not_meet() -> None:
    @graph
    def g() -> None:
        first, second = spread(), spread()
        first.map(lambda x: second.map(lambda y: add(x, y)))

    with refused("WEFT-D065", '"add"', "spread", "spread_2", "collect() one of them"):
        flat(g)

    @graph
    def listed() -> None:
        first, second = spread(), spread()
        first.map(lambda x: second.map(lambda y: total([x, y])))

    with refused("WEFT-D065", '"total"'):
        flat(listed)


def test_mapping_goes_through_graphs() -> None:
    @graph
    def inner(x: Any) -> Any:
        return add(x)

    @graph
    def mapped() -> Any:
        return spread().map(inner)

    @graph
    def outer() -> Any:
        return total(mapped().map(inner).collect())

    found = steps(outer)
    ref = OutputRef("mapped.spread", "result")
    assert found["mapped.inner.add"].fan_out == found["inner.add"].fan_out == (ref,)
    assert sources(found["total"]) == {"values": FromCollected(OutputRef("inner.add", "result"))}


def test_outputs_are_described() -> None:
    @op(out={"a": Out(is_required=False, io_manager_key="files"), "b": Out(Nothing)})
    def f() -> Any: ...

    @graph(out={"a": GraphOut(), "b": GraphOut()})
    def g() -> Any:
        return f()

    first, second = steps(g)["f"].outputs
    assert (first.name, first.is_required, first.io_manager_key, first.is_nothing) == ("a", False, "files", False)
    assert second.is_nothing


@given(st.lists(st.lists(st.integers(0, 20), max_size=3), min_size=1, max_size=8))
def test_every_step_comes_after_those_it_reads(wiring: list[list[int]]) -> None:
    def body() -> None:
        made: list[Any] = []
        for chosen in wiring:
            below = [made[index % len(made)] for index in chosen] if made else []
            made.append(total(below))

    found = flatten_graph(GraphDefinition(body, name="g"), {})
    seen: set[str] = set()
    for step in found.steps:
        assert {ref.step_key for given_input in step.inputs for ref in upstream_refs(given_input.source)} <= seen
        seen.add(step.key)
    assert seen == found.bodies.keys()
    assert len(seen) == len(wiring)
