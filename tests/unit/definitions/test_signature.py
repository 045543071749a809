"""What parameters mean, with annotations as they are, postponed, quoted, local, or missing at run time."""

# ruff: noqa: UP006, UP007, UP037, UP045  # annotations in every form that users write
from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Optional

import pytest
from tests.unit.definitions.refusal import refused

from weft.config.models import Config
from weft.definitions.configurable_resource import ConfigurableResource
from weft.definitions.resource_annotations import ResourceParam
from weft.definitions.signature import NO_ANNOTATION, evaluate_annotation, parse_signature
from weft.execution.contexts import AssetExecutionContext, OpExecutionContext

if TYPE_CHECKING:
    from somewhere import Frame


class Settings(Config):
    limit: int = 10


class Database(ConfigurableResource):
    host: str = "localhost"


class Client: ...


def test_each_parameter_has_one_meaning() -> None:
    def fn(
        context: AssetExecutionContext,
        orders: list[int],
        settings: Settings,
        db: Database,
        client: ResourceParam[Client],
    ) -> int: ...

    signature = parse_signature(fn)
    assert signature.context == "context"
    assert list(signature.inputs) == ["orders"]
    assert signature.inputs["orders"].annotation == list[int]
    assert (signature.config, signature.config_class) == ("settings", Settings)
    assert signature.resources == {"db": Database, "client": ResourceParam[Client]}
    assert signature.return_annotation is int
    assert signature.order == ("context", "orders", "settings", "db", "client")
    assert not signature.accepts_any


@pytest.mark.parametrize("name", ["context", "_context", "_", "__"])
def test_a_first_parameter_of_these_names_is_the_context(name: str) -> None:
    namespace: dict[str, Any] = {}
    exec(f"def fn({name}, orders): ...", namespace)
    signature = parse_signature(namespace["fn"])
    assert signature.context == name
    assert list(signature.inputs) == ["orders"]


def test_a_first_parameter_annotated_as_a_context_is_one_whatever_its_name() -> None:
    def fn(ctx: OpExecutionContext, orders: int) -> None: ...

    assert parse_signature(fn).context == "ctx"


def test_the_context_comes_first() -> None:
    def by_name(orders: int, context: Any) -> None: ...

    def by_type(orders: int, ctx: OpExecutionContext) -> None: ...

    def method(self: Any, context: Any) -> None: ...

    with refused("WEFT-D076", '"context"', "def by_name(context, orders)"):
        parse_signature(by_name)
    with refused("WEFT-D076", '"ctx"', "def by_type(ctx, orders)"):
        parse_signature(by_type)
    with refused("WEFT-D076", "outside the class"):
        parse_signature(method)


def test_an_underscore_that_is_not_first_is_an_input() -> None:
    def fn(orders: int, _: int) -> None: ...

    assert list(parse_signature(fn).inputs) == ["orders", "_"]


def test_defaults_and_keyword_only_parameters_are_kept() -> None:
    def fn(a: int, b: int = 2, *, c: int, d: int = 4) -> None: ...

    inputs = parse_signature(fn).inputs
    assert [name for name, one in inputs.items() if one.has_default] == ["b", "d"]
    assert (inputs["b"].default, inputs["d"].default) == (2, 4)


def test_a_default_of_none_is_a_default() -> None:
    def fn(a: int | None = None) -> None: ...

    assert parse_signature(fn).inputs["a"].has_default


def test_keyword_arguments_without_names_are_noted() -> None:
    def fn(orders: int, **others: int) -> None: ...

    signature = parse_signature(fn)
    assert signature.accepts_any
    assert list(signature.inputs) == ["orders"]


def test_parameters_that_cannot_be_passed_by_name_are_refused() -> None:
    def star(*orders: int) -> None: ...

    def slash(orders: int, /) -> None: ...

    with refused("WEFT-D010", "star() takes *orders", "**kwargs", "test_signature.py"):
        parse_signature(star)
    with refused("WEFT-D010", "slash() takes orders", "remove the /"):
        parse_signature(slash)
    with refused("WEFT-D010", "cannot be read"):
        parse_signature(iter)


def test_the_context_may_be_positional_only() -> None:
    def fn(context: Any, /, orders: int) -> None: ...

    signature = parse_signature(fn)
    assert signature.context == "context"
    assert list(signature.inputs) == ["orders"]


def test_two_configurations_are_refused() -> None:
    def fn(a: Settings, b: Settings) -> None: ...

    with refused("WEFT-D011", "a, b"):
        parse_signature(fn)


def test_config_without_a_class_is_taken_where_a_schema_says_so() -> None:
    def fn(config: Any, orders: int) -> None: ...

    assert parse_signature(fn).config is None
    assert parse_signature(fn, config_expected=True).config == "config"


def test_parameters_named_like_given_resources_are_resources() -> None:
    def fn(db: Any, orders: int) -> None: ...

    assert list(parse_signature(fn, resource_keys={"db"}).resources) == ["db"]


def test_classes_local_to_a_test_are_found() -> None:
    class Local(Config):
        x: int = 1

    def fn(config: Local, other: Local | None) -> None: ...

    with refused("WEFT-D011"):  # both are configuration, so both were found
        parse_signature(fn)


def test_a_local_class_hides_one_of_the_module() -> None:
    class Settings(Config):  # the module has one of the same name
        other: int = 1

    def fn(settings: Settings) -> None: ...

    assert parse_signature(fn).config_class is Settings


def test_quotes_under_postponed_evaluation_are_seen_through() -> None:
    def quoted(settings: "Settings", db: "Optional[Database]") -> "int": ...

    signature = parse_signature(quoted)
    assert signature.config_class is Settings
    assert list(signature.resources) == ["db"]
    assert signature.return_annotation is int


def test_names_inside_annotations_that_are_not_postponed_are_found() -> None:
    def fn(settings: Any, db: Any) -> None: ...

    fn.__annotations__ = {"settings": Optional["Settings"], "db": Annotated["Database", "note"]}
    signature = parse_signature(fn)
    assert signature.config_class == Optional[Settings]
    assert list(signature.resources) == ["db"]


def test_names_that_exist_for_type_checkers_only_count_as_no_annotation() -> None:
    def fn(frame: Frame, frames: dict[str, Frame]) -> Frame: ...

    signature = parse_signature(fn)
    assert [one.annotation for one in signature.inputs.values()] == [NO_ANNOTATION, NO_ANNOTATION]
    assert signature.return_annotation is NO_ANNOTATION


def test_annotations_that_are_no_python_count_as_none() -> None:
    def fn(orders: Any) -> None: ...

    fn.__annotations__ = {"orders": "rows of (id, price"}
    assert parse_signature(fn).inputs["orders"].annotation is NO_ANNOTATION


def test_annotations_that_have_no_hash_are_kept() -> None:
    def fn(orders: Any) -> None: ...

    fn.__annotations__ = {"orders": Annotated[int, ["no", "hash"]]}
    assert parse_signature(fn).inputs["orders"].annotation == Annotated[int, ["no", "hash"]]


def test_wrapped_partial_and_callable_objects_are_read_in_their_own_module() -> None:
    def orders(settings: Settings, limit: int) -> int: ...

    @functools.wraps(orders)
    def around(*args: Any, **kwargs: Any) -> Any: ...

    class Callable_:
        def __call__(self, settings: Settings, limit: int) -> int: ...

    for fn in (around, functools.partial(orders), Callable_(), Callable_().__call__):
        signature = parse_signature(fn)
        assert signature.config_class is Settings
        assert list(signature.inputs) == ["limit"]
        assert signature.inputs["limit"].annotation is int


def test_what_a_partial_fixes_is_a_default() -> None:
    def orders(limit: int, offset: int) -> int: ...

    inputs = parse_signature(functools.partial(orders, limit=3)).inputs
    assert inputs["limit"].has_default
    assert not inputs["offset"].has_default


def test_an_annotation_is_evaluated_in_the_module_of_the_function() -> None:
    namespace: dict[str, Any] = {"Settings": bytes}
    exec("from __future__ import annotations\ndef fn(a: Settings) -> Settings: ...", namespace)
    signature = parse_signature(namespace["fn"])
    assert signature.config is None
    assert signature.inputs["a"].annotation is signature.return_annotation is bytes


@pytest.mark.parametrize(
    ("text", "expected"), [("int", int), ("list[int]", list[int]), ("None", None), ("nothing_here", NO_ANNOTATION)]
)
def test_a_text_is_evaluated_or_says_nothing(text: str, expected: Any) -> None:
    fn: Callable[[], None] = lambda: None  # noqa: E731  # any function of this module
    assert evaluate_annotation(text, fn) == expected


def test_reading_a_plain_function_and_asking_inspect_agree() -> None:
    def plain(context: Any, a: int, b: int = 2, *, c: str = "x") -> float: ...

    def marked(context: Any, a: int, b: int = 2, *, c: str = "x") -> float: ...

    marked.anything = 1  # type: ignore[attr-defined]  # functions with attributes are read by inspect
    one, other = parse_signature(plain), parse_signature(marked)
    assert one.order == other.order
    assert one.return_annotation == other.return_annotation
    for name, parameter in one.inputs.items():
        assert parameter.annotation == other.inputs[name].annotation
        assert parameter.default == other.inputs[name].default
