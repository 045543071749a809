"""Graphs wired by tables: the same graphs as a body makes, and clear errors."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st
from tests.unit.definitions.refusal import refused

from weft.definitions.composition import NodeDefinition, PendingNode
from weft.definitions.graph import GraphDefinition, graph
from weft.definitions.graph_wiring import (
    DependencyDefinition,
    InputMapping,
    MultiDependencyDefinition,
    NodeInvocation,
    OutputMapping,
)
from weft.definitions.inputs_outputs import DynamicOut, GraphIn, In
from weft.definitions.op import op
from weft.definitions.results import DynamicOutput


@op
def one() -> int:
    return 1


@op
def add(left: int, right: int) -> int:
    return left + right


@op
def total(numbers: list[int]) -> int:
    return sum(numbers)


@op(out=DynamicOut())
def some() -> Any:
    yield DynamicOutput(1, "a")
    yield DynamicOutput(2, "b")


@op
def double(number: int) -> int:
    return 2 * number


def wired(**tables: Any) -> GraphDefinition:
    return GraphDefinition(name="wired", **tables)


def test_nodes_take_what_the_dependencies_name() -> None:
    made = wired(
        node_defs=[add, one],
        dependencies={"add": {"left": DependencyDefinition("one"), "right": DependencyDefinition("one", "result")}},
        output_mappings=[OutputMapping("sum", "add")],
    )
    result = made.execute_in_process()
    assert result.output_for_node("add") == 2
    assert result.output_value("sum") == 2


def test_one_op_is_several_nodes_under_aliases() -> None:
    made = wired(
        node_defs=[one, add],
        dependencies={
            NodeInvocation("one", alias="first", tags={"size": "small"}): {},
            NodeInvocation("one", alias="second"): {},
            NodeInvocation("add", alias="add_1"): {
                "left": DependencyDefinition("first"),
                "right": DependencyDefinition("second"),
            },
        },
    )
    assert list(made.nodes) == ["first", "second", "add_1"]
    assert made.nodes["first"].tags == {"size": "small"}
    assert made.execute_in_process().output_for_node("add_1") == 2


def test_several_outputs_become_a_list_in_order_with_inputs_of_the_graph_between_them() -> None:
    made = wired(
        node_defs=[one, total],
        dependencies={"total": {"numbers": MultiDependencyDefinition([DependencyDefinition("one")] * 2)}},
        input_mappings=[InputMapping("more", "total", "numbers", fan_in_index=1)],
    )
    wires = made.nodes["total"].inputs["numbers"]
    assert isinstance(wires, list)
    assert [type(wire).__name__ for wire in wires] == ["NodeOutput", "GraphInput", "NodeOutput"]
    result = made.to_job(input_values={"more": 5}).execute_in_process()
    assert result.output_for_node("total") == 7


def test_inputs_of_the_graph_have_type_and_default_of_what_takes_them() -> None:
    @op(ins={"number": In(int, "How many.", 4)})
    def with_default(number: int) -> int:
        return number

    made = wired(
        node_defs=[with_default],
        input_mappings=[InputMapping("count", "with_default", "number")],
        output_mappings=[OutputMapping("result", "with_default")],
    )
    assert made.ins["count"].value_type is int
    assert made.ins["count"].description == "How many."
    assert made.execute_in_process().output_value() == 4
    assert made.to_job(input_values={"count": 9}).execute_in_process().output_value() == 9


def test_a_wired_graph_is_a_node_of_a_graph_with_a_body() -> None:
    inner = wired(
        node_defs=[double],
        input_mappings=[InputMapping("x", "double", "number")],
        output_mappings=[OutputMapping("y", "double")],
    )

    @graph(ins={"x": GraphIn()})
    def outer(x: int) -> Any:
        return inner(inner.alias("again")(x))

    assert outer.to_job(input_values={"x": 3}).execute_in_process().output_value() == 12


def test_a_node_that_takes_a_dynamic_output_is_mapped_over_it() -> None:
    made = wired(
        node_defs=[some, double],
        dependencies={"double": {"number": DependencyDefinition("some")}},
        output_mappings=[OutputMapping("result", "double", from_dynamic_mapping=True)],
    )
    assert made.outs["result"].is_dynamic
    assert made.execute_in_process().output_for_node("double") == {"a": 2, "b": 4}


def test_a_node_with_settings_in_a_body_is_a_pending_node() -> None:
    assert isinstance(one.alias("other"), PendingNode)


_FIRST = DependencyDefinition("one")


@pytest.mark.parametrize(
    ("tables", "code", "text"),
    [
        ({"dependencies": {"ad": {}}}, "WEFT-D550", '"add"'),
        ({"dependencies": {"add": {"left": DependencyDefinition("onee")}}}, "WEFT-D550", '"one"'),
        ({"dependencies": {"add": {"leftt": _FIRST}}}, "WEFT-D020", '"left"'),
        ({"dependencies": {"add": {"left": DependencyDefinition("one", "resul")}}}, "WEFT-D551", '"result"'),
        ({"input_mappings": [InputMapping("x", "add", "rigth")]}, "WEFT-D020", '"right"'),
        ({"output_mappings": [OutputMapping("x", "addd")]}, "WEFT-D550", '"add"'),
        ({"output_mappings": [OutputMapping("x", "add"), OutputMapping("x", "one")]}, "WEFT-D553", '"x"'),
        (
            {"dependencies": {"add": {"left": _FIRST}}, "input_mappings": [InputMapping("x", "add", "left")]},
            "WEFT-D553",
            "fan_in_index",
        ),
        ({"dependencies": {"add": {"left": DependencyDefinition("add")}}}, "WEFT-D552", "add -> add"),
        ({"dependencies": {NodeInvocation("one", alias="add"): {}}}, "WEFT-D018", '"add"'),
        ({"dependencies": {"add": {"left": "one"}}}, "WEFT-D071", "DependencyDefinition"),
        ({"dependencies": {"add": [_FIRST]}}, "WEFT-D072", "dependencies"),
        ({"node_defs": [one, double.alias("x")]}, "WEFT-D071", "node_defs"),
        ({"ins": {"x": GraphIn()}}, "WEFT-D554", "ins"),
    ],
)
def test_a_mistake_in_the_tables_is_named_with_what_was_meant(tables: dict[str, Any], code: str, text: str) -> None:
    with refused(code, text):
        wired(**{"node_defs": [one, add], **tables})


def test_a_body_and_tables_together_are_refused() -> None:
    with refused("WEFT-D554", "node_defs beside a body"):
        GraphDefinition(lambda: None, name="both", node_defs=[one])


def _link(name: str) -> NodeDefinition:
    @op(name=name, ins={"before": In(list[int])})
    def link(before: list[int]) -> int:
        return len(before)

    return link


@given(st.data())
def test_nodes_stand_after_all_that_they_depend_on(data: st.DataObject) -> None:
    names = [f"n{number}" for number in range(data.draw(st.integers(1, 7)))]
    edges = {
        name: data.draw(st.lists(st.sampled_from(names[:index]), unique=True)) if index else []
        for index, name in enumerate(names)
    }
    shuffled = data.draw(st.permutations(names))
    made = wired(
        node_defs=[_link(name) for name in shuffled],
        dependencies={
            name: {"before": MultiDependencyDefinition([DependencyDefinition(one) for one in edges[name]])}
            for name in shuffled
        },
    )
    order = list(made.nodes)
    assert sorted(order) == names
    assert all(order.index(above) < order.index(name) for name, aboves in edges.items() for above in aboves)
