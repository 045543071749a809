"""Ops: which inputs and outputs a function has, of which types, and with which settings."""

# ruff: noqa: UP006, UP007, UP037, UP045  # annotations in every form that users write
from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Awaitable, Coroutine, Generator, Iterable, Iterator
from typing import Any, NoReturn, Optional

import pytest
from tests.unit.definitions.refusal import refused

from weft.config.models import Config
from weft.definitions.inputs_outputs import AssetIn, DynamicOut, In, Out
from weft.definitions.op import OpDefinition, op, returned_type
from weft.definitions.results import AssetMaterialization, DynamicOutput, MaterializeResult, Output
from weft.definitions.value_type import Nothing, ValueType
from weft.model.retry import RetryPolicy


class Settings(Config):
    limit: int = 10


def types_of(definition: OpDefinition[Any, Any]) -> dict[str, str]:
    return {name: one.name for name, one in definition.output_types.items()}


def test_parameters_are_inputs_and_the_return_value_is_the_output() -> None:
    @op
    def add(left: int, right: float = 2.0) -> str:
        """Adds."""
        return str(left + right)

    assert list(add.ins) == ["left", "right"]
    assert not add.ins["left"].has_default
    assert add.ins["right"].default_value == 2.0
    assert {name: one.name for name, one in add.input_types.items()} == {"left": "int", "right": "float"}
    assert types_of(add) == {"result": "str"}
    assert add.description == "Adds."
    assert (add.name, add.__name__, add.__doc__) == ("add", "add", "Adds.")
    assert repr(add) == "OpDefinition('add')"


def test_an_op_is_still_a_function() -> None:
    @op
    def double(x: int) -> int:
        return 2 * x

    assert double(4) == double(x=4) == 8


def test_declared_inputs_say_more_than_annotations() -> None:
    even = ValueType(lambda _context, value: value % 2 == 0, "Even")

    @op(ins={"x": In(even, "an even number", default_value=4), "after": In(Nothing)})
    def halve(x: int = 6) -> int:
        return x // 2

    assert list(halve.ins) == ["x", "after"]
    assert halve.ins["x"].default_value == 4
    assert halve.input_types["x"] is even


def test_an_input_without_parameter_needs_keyword_arguments_or_nothing() -> None:
    @op(ins={"a": In(int), "after": In(Nothing)})
    def anything(**values: int) -> int:
        return sum(values.values())

    assert list(anything.ins) == ["a", "after"]
    with refused("WEFT-D016", 'op "strict" declares the input "orders"', 'did you mean "order"'):

        @op(ins={"orders": In(int)})
        def strict(order: int) -> None: ...

    with refused("WEFT-D015", '"after"'):

        @op(ins={"after": In(Nothing)})
        def takes(after: int) -> None: ...


def test_inputs_are_declared_by_in() -> None:
    for wrong in (int, "key", AssetIn("key"), In):
        with refused("WEFT-D071", 'the input "x" of op "f"'):

            @op(ins={"x": wrong})  # type: ignore[dict-item]  # the point of the test
            def f(x: int) -> None: ...

    with refused("WEFT-D072", 'ins of op "f"'):

        @op(ins=["x"])  # type: ignore[arg-type]  # the point of the test
        def f(x: int) -> None: ...


def test_outputs_are_one_or_several_by_name() -> None:
    @op(out=Out(int))
    def single() -> Any: ...

    @op(out={"a": Out(int), "b": Out(is_required=False)})
    def several() -> Any: ...

    @op(out={})
    def none() -> Any: ...

    @op(out=DynamicOut(int))
    def dynamic() -> Any: ...

    assert types_of(single) == {"result": "int"}
    assert types_of(several) == {"a": "int", "b": "Any"}
    assert none.outs == {}
    assert dynamic.outs["result"].is_dynamic


def test_outputs_are_declared_by_out() -> None:
    for wrong in (int, "a", 3, Out, In()):
        with refused("WEFT-D071", 'the output "result" of op "f"'):

            @op(out=wrong)  # type: ignore[call-overload]  # the point of the test
            def f() -> None: ...

    with refused("WEFT-D071", 'the output "a" of op "f"', "int"):

        @op(out={"a": int})  # type: ignore[dict-item]  # the point of the test
        def f() -> None: ...

    with refused("WEFT-D003", "an output of op"):

        @op(out={"a b": Out()})
        def f() -> None: ...


def test_a_return_annotation_of_a_tuple_types_several_outputs() -> None:
    @op(out={"a": Out(), "b": Out(), "c": Out(bytes)})
    def typed() -> tuple[int, Output[str], float]: ...  # type: ignore[empty-body]  # never called

    @op(out={"a": Out(), "b": Out()})
    def unlike() -> tuple[int, str, float]: ...  # type: ignore[empty-body]

    @op(out={"a": Out(), "b": Out()})
    def variable() -> tuple[int, ...]: ...  # type: ignore[empty-body]

    @op(out={"a": Out(Nothing), "b": Out()})
    def ordered() -> int: ...  # type: ignore[empty-body]

    assert types_of(typed) == {"a": "int", "b": "str", "c": "bytes"}
    assert types_of(unlike) == types_of(variable) == {"a": "Any", "b": "Any"}
    assert types_of(ordered)["b"] == "int"


class Frame: ...


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (int, int),
        (None, None),
        (list[int], list[int]),
        (Optional[int], Optional[int]),
        (Frame, Frame),
        (Output[int], int),
        (Output[list[int]], list[int]),
        (MaterializeResult[int], int),
        (Awaitable[int], int),
        (Coroutine[Any, Any, list[int]], list[int]),
        (Output, Any),
        (MaterializeResult, Any),
        (Optional[MaterializeResult], Any),
        (MaterializeResult[int] | None, Any),
        (Iterator[int], Any),
        (Iterable[int], Any),
        (Generator[Output[int], None, None], Any),
        (AsyncIterator[int], Any),
        (list[Output[int]], Any),
        (tuple[int, Output[int]], Any),
        (AssetMaterialization, Any),
        (Any, Any),
        (NoReturn, NoReturn),
    ],
)
def test_the_type_of_the_value_is_found_in_the_return_annotation(annotation: Any, expected: Any) -> None:
    assert returned_type(annotation) == expected


def test_dynamic_outputs_are_declared() -> None:
    for annotation in (
        list[DynamicOutput[int]],
        Iterator[DynamicOutput[int]],
        DynamicOutput,
        Optional[DynamicOutput[int]],
    ):

        def spread() -> Any: ...

        spread.__annotations__["return"] = annotation
        with refused("WEFT-D017", "out=DynamicOut()"):
            op(spread)
        assert op(out=DynamicOut())(spread).outs["result"].is_dynamic


def test_configuration_comes_from_a_class_or_a_schema() -> None:
    @op
    def by_class(config: Settings) -> None: ...

    @op(config_schema={"limit": int})
    def by_schema(context: Any) -> None: ...

    @op
    def without() -> None: ...

    assert by_class.config_schema is Settings
    assert by_schema.config_schema == {"limit": int}
    assert without.config_schema is None


def test_resources_are_those_named_and_those_annotated() -> None:
    @op(required_resource_keys={"db"})
    def load(context: Any, db: Any) -> None: ...

    assert load.required_resource_keys == {"db"}
    assert load.signature.resources.keys() == {"db"}
    with refused("WEFT-D070", "required_resource_keys"):

        @op(required_resource_keys="db")
        def wrong() -> None: ...


@dataclasses.dataclass
class NotAPolicy:
    max_retries: int = 1


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"retry_policy": 3}, "WEFT-D071"),
        ({"retry_policy": RetryPolicy}, "WEFT-D071"),
        ({"retry_policy": NotAPolicy()}, "WEFT-D071"),
        ({"code_version": 1}, "WEFT-D071"),
        ({"pool": 3}, "WEFT-D071"),
        ({"timeout_seconds": 0}, "WEFT-D080"),
        ({"timeout_seconds": -1}, "WEFT-D080"),
        ({"timeout_seconds": "60"}, "WEFT-D080"),
        ({"timeout_seconds": True}, "WEFT-D080"),
        ({"timeout_seconds": float("nan")}, "WEFT-D080"),
        ({"tags": ["a"]}, "WEFT-D072"),
        ({"tags": {"a": object()}}, "WEFT-D074"),
        ({"name": "a b"}, "WEFT-D003"),
        ({"name": ""}, "WEFT-D003"),
    ],
)
def test_settings_are_checked_where_they_are_given(settings: dict[str, Any], code: str) -> None:
    def f() -> None: ...

    with refused(code):
        op(**settings)(f)


def test_settings_are_kept() -> None:
    policy = RetryPolicy(max_retries=3)

    @op(
        name="other",
        description="what",
        tags={"cpu": 2},
        retry_policy=policy,
        code_version="1",
        pool="db",
        timeout_seconds=1.5,
    )
    def f() -> None: ...

    assert (f.name, f.description, f.tags, f.retry_policy) == ("other", "what", {"cpu": "2"}, policy)
    assert (f.code_version, f.pool, f.timeout_seconds) == ("1", "db", 1.5)


def test_copies_leave_the_op_as_it_is() -> None:
    @op(tags={"a": "b"})
    def f() -> int: ...  # type: ignore[empty-body]

    assert f.with_settings(tags={"c": 1}).tags == {"a": "b", "c": "1"}
    assert f.renamed("g").name == "g"
    assert (f.name, f.tags) == ("f", {"a": "b"})
    assert types_of(f.renamed("g")) == {"result": "int"}


def test_ops_name_every_resource_that_they_need() -> None:
    @op(
        ins={"x": In(input_manager_key="loader")},
        out={"a": Out(io_manager_key="files"), "b": Out(), "c": Out(Nothing, io_manager_key="unused")},
        required_resource_keys={"db"},
    )
    def f(x: int) -> Any: ...

    assert f.needed_resource_keys() == {"loader", "files", "io_manager", "db"}
