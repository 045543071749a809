"""Graphs: their inputs, their outputs, graphs in graphs."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.definitions.refusal import refused

from weft.config.models import Config
from weft.definitions.configurable_resource import ConfigurableResource
from weft.definitions.graph import graph
from weft.definitions.inputs_outputs import DynamicOut, GraphIn, GraphOut, Out
from weft.definitions.job import JobDefinition, job
from weft.definitions.op import op


class Settings(Config):
    limit: int = 1


class Database(ConfigurableResource):
    host: str = ""


@op
def one() -> int:
    return 1


@op
def add(left: int, right: int = 0) -> int:
    return left + right


@op(out={"head": Out(int, io_manager_key="files"), "tail": Out(int)})
def split(value: int) -> Any: ...


@op(out=DynamicOut(int))
def spread() -> Any: ...


def test_parameters_become_inputs_with_their_defaults_and_what_is_returned_the_output() -> None:
    @graph(ins={"x": GraphIn("the first")})
    def both(x: int, y: int = 3) -> Any:
        """Adds."""
        return add(x, y)

    assert both.name == "both"
    assert both.description == "Adds."
    assert both.ins["x"].description == "the first"
    assert not both.ins["x"].has_default
    assert both.ins["y"].default_value == 3
    assert list(both.outs) == ["result"]
    assert both.declared_at is not None
    assert "test_graph.py" in both.declared_at


def test_outputs_are_named_by_declaration_by_mapping_or_by_the_op() -> None:
    @graph(out={"a": GraphOut(), "b": GraphOut()})
    def declared() -> Any:
        return one(), add(one())

    @graph
    def mapped() -> Any:
        return {"a": one(), "b": add(one())}

    @graph
    def passed_on() -> Any:
        return split(one())

    @graph(out=GraphOut("only"))
    def single() -> Any:
        return one()

    @graph(out={"b": GraphOut(), "a": GraphOut()})
    def mapped_and_declared() -> Any:
        return {"a": one(), "b": add(one())}

    assert [list(definition.outs) for definition in (declared, mapped, passed_on, single)] == [
        ["a", "b"],
        ["a", "b"],
        ["head", "tail"],
        ["result"],
    ]
    assert set(mapped_and_declared.outs) == {"a", "b"}
    assert passed_on.outs["head"].io_manager_key == "files"


def test_a_graph_may_return_nothing() -> None:
    @graph
    def quiet() -> None:
        one()

    assert quiet.outs == {}


def test_what_is_returned_is_what_is_declared() -> None:
    def two() -> Any:
        return one(), one()

    def single() -> Any:
        return one()

    def none() -> None:
        one()

    def mapped() -> Any:
        return {"a": one()}

    for body, out in (
        (two, None),
        (two, GraphOut()),
        (two, {"a": GraphOut()}),
        (single, {"a": GraphOut(), "b": GraphOut()}),
        (single, {}),
        (none, {"a": GraphOut()}),
        (none, GraphOut()),
        (mapped, {"b": GraphOut()}),
    ):
        with refused("WEFT-D022", "declares"):
            graph(out=out)(body)  # type: ignore[arg-type]  # of all kinds


def test_what_is_returned_comes_from_a_node() -> None:
    def literal() -> Any:
        return 3

    def through(x: Any) -> Any:
        return x

    def listed() -> Any:
        return [one()]

    def generator() -> Any:
        yield one()

    for body, text in (
        (literal, "returns int"),
        (through, 'the input "x"'),
        (listed, "returns list"),
        (generator, "plain function"),
    ):
        with refused("WEFT-D023", text):
            graph(body)


def test_an_async_body_is_explained() -> None:
    async def body() -> Any:
        return one()

    with refused("WEFT-D023", "plain function"):
        graph(body)


def test_declarations_are_of_their_kind() -> None:
    def body(x: Any) -> Any:
        return add(x)

    with refused("WEFT-D071", "GraphIn"):
        graph(ins={"x": int})(body)  # type: ignore[dict-item]  # the point of the test
    with refused("WEFT-D071", "GraphOut"):
        graph(out={"a": Out()})(body)  # type: ignore[dict-item]
    with refused("WEFT-D072"):
        graph(out=int)(body)  # type: ignore[arg-type]
    with refused("WEFT-D096", '"y"', "x"):
        graph(ins={"y": GraphIn()})(body)
    with refused("WEFT-D003"):
        graph(out={"a b": GraphOut()})(body)


def test_the_body_takes_inputs_only() -> None:
    def with_context(context: Any) -> None: ...

    def settings(settings: Settings) -> None: ...

    def database(db: Database) -> None: ...

    def anything(**others: Any) -> None: ...

    for body in (with_context, settings, database, anything):
        with refused("WEFT-D092", "in the ops"):
            graph(body)
    with refused("WEFT-D092", 'job "with_context"'):
        job(with_context)

    def star(*values: Any) -> None: ...

    with refused("WEFT-D010"):
        graph(star)


def test_a_graph_is_a_node_of_another_under_several_names() -> None:
    @graph
    def inner(x: Any) -> Any:
        return add(x)

    @graph
    def outer() -> Any:
        return inner.alias("second")(inner(one()))

    assert list(outer.nodes) == ["one", "inner", "second"]
    assert outer.nodes["second"].definition is inner


def test_dynamic_outputs_leave_a_graph_as_they_are() -> None:
    @graph
    def raw() -> Any:
        return spread()

    @graph
    def mapped() -> Any:
        return spread().map(add)

    @graph
    def collected() -> Any:
        return spread().map(add).collect()

    assert raw.outs["result"].is_dynamic
    assert mapped.outs["result"].is_dynamic
    assert not collected.outs["result"].is_dynamic

    @graph(out={"a": GraphOut(), "b": GraphOut()})
    def outer() -> Any:
        return raw().map(add).collect(), mapped().map(add).collect()

    assert not any(out.is_dynamic for out in outer.outs.values())


def two() -> Any:
    return one(), one()


def test_a_graph_becomes_a_job() -> None:
    @graph(tags={"a": "b"}, config={"ops": {}})
    def nightly() -> None:
        one()

    made = nightly.to_job(name="other", description="each night", tags={"c": 1})
    assert isinstance(made, JobDefinition)
    assert (made.name, made.description, made.tags) == ("other", "each night", {"a": "b", "c": "1"})
    assert made.config == {"ops": {}}
    assert nightly.to_job().name == "nightly"


def test_a_copy_under_another_name_leaves_the_graph_as_it_is() -> None:
    @graph
    def mine() -> Any:
        return one()

    assert mine.renamed("other").name == "other"
    assert mine.name == "mine"
    assert repr(mine) == "GraphDefinition('mine')"


@pytest.mark.parametrize("name", ["a b", "type", ""])
def test_names_are_checked(name: str) -> None:
    with refused("WEFT-D003", "a graph"):
        graph(name=name)(two)
