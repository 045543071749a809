"""What may be done while the body of a graph runs: handles are passed on, everything else is explained."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.definitions.refusal import refused

from weft.definitions.assets import asset
from weft.definitions.composition import CollectedOutput, GraphInput, NodeOutput
from weft.definitions.graph import GraphDefinition, graph
from weft.definitions.hooks import success_hook
from weft.definitions.inputs_outputs import DynamicOut, In, Out
from weft.definitions.job import job
from weft.definitions.op import op
from weft.definitions.value_type import Nothing
from weft.model.retry import RetryPolicy


@op
def one() -> int:
    return 1


@op
def add(left: int, right: int = 0) -> int:
    return left + right


@op(out={"head": Out(int), "tail": Out(int)})
def split(value: int) -> Any: ...


@op(out={})
def say(value: int) -> None: ...


@op(ins={"after": In(Nothing)})
def finish(value: int) -> int:
    return value


@op(out=DynamicOut(int))
def spread() -> Any: ...


@op
def total(values: list[int]) -> int:
    return sum(values)


def composed(body: Callable[[], Any]) -> GraphDefinition:
    """The graph of a body; what it returns does not matter."""

    def run() -> None:
        body()

    return GraphDefinition(run, name="g")


def wires(definition: GraphDefinition, node: str) -> dict[str, str]:
    return {name: str(wire) for name, wire in definition.nodes[node].inputs.items()}


def test_calls_become_nodes_and_handles_become_wires() -> None:
    definition = composed(lambda: add(add(one(), one()), right=one()))
    assert list(definition.nodes) == ["one", "one_2", "add", "one_3", "add_2"]
    assert wires(definition, "add") == {
        "left": 'the output "result" of "one"',
        "right": 'the output "result" of "one_2"',
    }
    assert wires(definition, "add_2") == {
        "left": 'the output "result" of "add"',
        "right": 'the output "result" of "one_3"',
    }


def test_outputs_of_an_op_are_told_apart_by_name() -> None:
    def body() -> None:
        parts = split(one())
        add(parts.head, parts.tail)
        head, _tail = split(one())
        add(head)

    definition = composed(body)
    assert wires(definition, "add")["right"] == 'the output "tail" of "split"'
    assert wires(definition, "add_2")["left"] == 'the output "head" of "split_2"'


def test_an_op_without_outputs_gives_none() -> None:
    given: list[Any] = []
    composed(lambda: given.append(say(one())))
    assert given == [None]


def test_nothing_inputs_come_after_the_others_by_position() -> None:
    definition = composed(lambda: finish(one(), say_and_go()))
    assert wires(definition, "finish") == {
        "value": 'the output "result" of "one"',
        "after": 'the output "result" of "say_and_go"',
    }
    assert wires(composed(lambda: finish(one(), after=[one(), say_and_go()])), "finish")["value"]


@op(out=Out(Nothing))
def say_and_go() -> None: ...


def test_a_list_of_handles_is_fan_in() -> None:
    definition = composed(lambda: total([one(), one(), add(one())]))
    wire = definition.nodes["total"].inputs["values"]
    assert isinstance(wire, list)
    assert [str(item) for item in wire] == [f'the output "result" of "{name}"' for name in ("one", "one_2", "add")]
    assert composed(lambda: total([])).nodes["total"].inputs["values"] == []
    assert isinstance(composed(lambda: total((one(), one()))).nodes["total"].inputs["values"], list)


def test_a_node_may_have_another_name_tags_hooks_and_retries() -> None:
    @success_hook
    def tell(context: Any) -> None: ...

    policy = RetryPolicy(max_retries=2)
    definition = composed(
        lambda: (
            add.alias("sum")
            .tag({"cpu": 2})
            .tag({"a": "b"})
            .with_hooks({tell})
            .with_hooks([tell])
            .with_retry_policy(policy)(one())
        )
    )
    node = definition.nodes["sum"]
    assert node.definition is add
    assert node.tags == {"cpu": "2", "a": "b"}
    assert node.hooks == {tell}
    assert node.retry_policy is policy


def test_settings_of_a_node_are_checked_where_they_are_given() -> None:
    for make, code in (
        (lambda: add.alias("a b"), "WEFT-D003"),
        (lambda: add.tag("x"), "WEFT-D072"),  # type: ignore[arg-type]  # the point of the test
        (lambda: add.with_hooks({one}), "WEFT-D071"),  # type: ignore[arg-type]
        (lambda: add.with_retry_policy(3), "WEFT-D071"),  # type: ignore[arg-type]
    ):
        with refused(code):
            make()


def test_an_alias_is_unique_in_its_graph() -> None:
    with refused("WEFT-D018", 'two nodes named "x"', "one, add"):
        composed(lambda: (one.alias("x")(), add.alias("x")(one())))


def test_free_names_go_around_aliases() -> None:
    definition = composed(lambda: (one.alias("one_2")(), one(), one()))
    assert list(definition.nodes) == ["one_2", "one", "one_3"]


def test_settings_are_for_graphs() -> None:
    with refused("WEFT-I002", '"add"'):
        add.alias("x")(1, 2)
    assert add(1, 2) == 3


def test_a_plain_value_is_not_an_input() -> None:
    for value in (3, "text", None, {"a": 1}, [one, 3], object()):
        with refused("WEFT-D021", '"add" in graph "g"', 'input "left"'):
            composed(lambda value=value: add(value))  # type: ignore[misc]  # bound early


def test_likely_mistakes_get_their_own_fix() -> None:
    with refused("WEFT-D021", "call it: one()"):
        composed(lambda: add(one))
    with refused("WEFT-D021", "call it: one()"):
        composed(lambda: add(one.alias("x")))
    with refused("WEFT-D021", "for example .head"):
        composed(lambda: add(split(one())))
    with refused("WEFT-D021", "gives None"):
        composed(lambda: add(say(one())))


def test_inputs_are_those_the_op_takes() -> None:
    with refused("WEFT-D019", "called with 3 inputs, but takes 2", "left, right"):
        composed(lambda: add(one(), one(), one()))
    with refused("WEFT-D020", 'no input "rihgt"', 'did you mean "right"'):
        composed(lambda: add(one(), rihgt=one()))
    with refused("WEFT-D090", 'input "left" twice'):
        composed(lambda: add(one(), left=one()))


def test_values_do_not_exist_while_a_graph_is_composed() -> None:
    uses: list[tuple[str, Callable[[Any], Any]]] = [
        ("used as a condition", lambda x: add(x) if x else None),
        ("used as a condition", lambda x: not x),
        ("iterated over", lambda x: [add(y) for y in x]),
        ("iterated over", lambda x: add(*x)),
        ("asked for its length", len),
        ("indexed", lambda x: x["column"]),
        ("called", lambda x: x()),
        ("compared", lambda x: x == 3),
        ("compared", lambda x: x != 3),
        ("compared", lambda x: x > 3),
        ("compared", lambda x: x < 3),
        ("added to something", lambda x: x + 1),
        ("added to something", lambda x: 1 + x),
        ("multiplied", lambda x: x * 2),
    ]
    for how, use in uses:
        with refused("WEFT-D063", f'the output "result" of "one" was {how}'):
            composed(lambda use=use: use(one()))  # type: ignore[misc]  # bound early
        with refused("WEFT-D063", f'the input "x" of graph "g" was {how}'):
            _with_input(use)


def _with_input(use: Callable[[Any], Any]) -> GraphDefinition:
    def run(x: Any) -> None:
        use(x)

    return GraphDefinition(run, name="g")


def test_handles_can_be_kept_in_sets_and_dicts() -> None:
    def body() -> None:
        handle = one()
        assert {handle: 1}[handle] == 1

    composed(body)


def test_a_dynamic_output_is_mapped_or_collected() -> None:
    def body() -> None:
        mapped = spread().map(add)
        assert mapped.is_dynamic
        collected = mapped.map(lambda x: add(x, x)).collect()
        assert isinstance(collected, CollectedOutput)
        total(collected)
        total(spread().collect())

    definition = composed(body)
    assert wires(definition, "total") == {"values": 'the collected output "result" of "add_2"'}
    assert wires(definition, "total_2") == {"values": 'the collected output "result" of "spread_2"'}


def test_what_a_mapped_function_gives_is_dynamic_in_every_shape() -> None:
    def body() -> None:
        head, tail = spread().map(split)
        assert head.is_dynamic
        assert tail.is_dynamic
        assert [handle.is_dynamic for handle in spread().map(lambda x: [add(x), add(x)])] == [True, True]
        assert spread().map(say) is None

    composed(body)


def test_a_dynamic_output_is_not_one_value() -> None:
    for wrong in (lambda: add(spread()), lambda: total([spread()]), lambda: add(spread().map(add))):
        with refused("WEFT-D064", ".map(...)", ".collect()"):
            composed(wrong)


def test_only_dynamic_outputs_are_mapped_and_collected() -> None:
    with refused("WEFT-D062", "cannot be mapped"):
        composed(lambda: one().map(add))
    with refused("WEFT-D062", "cannot be collected"):
        composed(lambda: one().collect())


def test_a_dynamic_output_is_mapped_over_something_to_call() -> None:
    with refused("WEFT-D089", 'the output "result" of "one"'):
        composed(lambda: spread().map(one()))
    with refused("WEFT-D089", "None"):
        composed(lambda: spread().map(None))


def test_handles_belong_to_their_graph() -> None:
    kept: list[Any] = []
    composed(lambda: kept.append(one()))
    with refused("WEFT-D095", "made in", 'graph "g"'):
        GraphDefinition(lambda: add(kept[0]), name="other")

    def outer(x: Any) -> None:
        @graph
        def inner() -> Any:
            return add(x)

        inner()

    with refused("WEFT-D095", 'the input "x" of graph "outer"'):
        graph(outer)


def test_an_asset_is_no_node() -> None:
    called: list[int] = []

    @asset
    def orders() -> None:
        called.append(1)

    with refused("WEFT-D091", 'asset "orders"', "define_asset_job"):
        composed(orders)
    assert called == []


def test_jobs_and_graphs_are_not_functions() -> None:
    @job
    def nightly() -> None:
        one()

    @graph
    def part() -> None:
        one()

    with refused("WEFT-I003", "outside", "nightly.execute_in_process()"):
        nightly()
    with refused("WEFT-I003", "outside", "or call it in a @job"):
        part()
    with refused("WEFT-I003", "in the body", "not a part of another"):
        composed(nightly)


def test_a_body_that_fails_leaves_no_composition_behind() -> None:
    with pytest.raises(ZeroDivisionError):
        composed(lambda: 1 // 0)
    assert add(1, 2) == 3


def test_kinds_of_handles_are_what_the_body_sees() -> None:
    seen: list[Any] = []

    def run(x: Any) -> None:
        seen.extend([x, one()])

    GraphDefinition(run, name="g")
    assert [type(handle) for handle in seen] == [GraphInput, NodeOutput]
