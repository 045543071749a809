"""What decorators may be put on, and what a definition is called then."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.definitions.refusal import refused

from weft.definitions.asset_checks import asset_check, multi_asset_check
from weft.definitions.asset_spec import AssetCheckSpec, AssetSpec
from weft.definitions.assets import asset, multi_asset
from weft.definitions.decorated import decorated_description
from weft.definitions.graph import graph
from weft.definitions.hooks import failure_hook, success_hook
from weft.definitions.job import job
from weft.definitions.op import op

BARE: list[Callable[..., Any]] = [asset, op, graph, job, success_hook, failure_hook]
SETTINGS: list[Callable[..., Any]] = [
    asset(),
    op(),
    graph(),
    job(),
    success_hook(),
    failure_hook(),
    multi_asset(specs=[AssetSpec("a")]),
    asset_check(asset="a"),
    multi_asset_check(specs=[AssetCheckSpec("c", asset="a")]),
]


def name_of(definition: Any) -> str:
    return str(getattr(definition, "name", None) or definition.node_def.name)


@pytest.mark.parametrize("decorator", BARE)
def test_brackets_make_no_difference(decorator: Callable[..., Any]) -> None:
    def orders(_: Any = None) -> None: ...

    if decorator in (graph, job, asset):

        def orders() -> None: ...  # type: ignore[misc]  # no parameters here

    bare, called = decorator(orders), decorator()(orders)
    assert type(bare) is type(called)
    assert name_of(bare) == name_of(called) == "orders"


@pytest.mark.parametrize("decorator", [multi_asset, asset_check, multi_asset_check])
def test_a_decorator_that_needs_settings_says_so(decorator: Callable[..., Any]) -> None:
    def orders() -> None: ...

    with refused("WEFT-D079", "used without its settings", "orders", "write @"):
        decorator(orders)


@pytest.mark.parametrize("decorator", SETTINGS)
def test_a_class_a_string_and_a_number_are_no_functions(decorator: Callable[..., Any]) -> None:
    class Orders: ...

    for wrong in (Orders, "orders", 3, None, property(lambda self: 1), [1]):
        with refused("WEFT-D073"):
            decorator(wrong)


@pytest.mark.parametrize("decorator", BARE)
def test_a_name_given_by_position_is_explained(decorator: Callable[..., Any]) -> None:
    with refused("WEFT-D073", '"orders"', "by name"):
        decorator("orders")


@pytest.mark.parametrize("decorator", SETTINGS)
def test_nothing_is_decorated_twice(decorator: Callable[..., Any]) -> None:
    @op
    def inner() -> None: ...

    @asset
    def made() -> None: ...

    for wrong in (inner, made):
        with refused("WEFT-D073", "decorated already"):
            decorator(wrong)


@pytest.mark.parametrize("decorator", SETTINGS)
def test_what_has_no_name_of_its_own_needs_one(decorator: Callable[..., Any]) -> None:
    def orders() -> None: ...

    class Callable_:
        def __call__(self) -> None: ...

    for nameless in (lambda: None, functools.partial(orders), Callable_()):
        with refused("WEFT-D075", 'name="..."'):
            decorator(nameless)


@pytest.mark.parametrize("make", [asset, op])
def test_a_nameless_function_may_be_given_a_name(make: Callable[..., Any]) -> None:
    def orders(limit: int) -> int:
        """What was ordered."""
        return limit

    class Callable_:
        def __call__(self) -> int:
            return 1

    for fn in (lambda: 1, functools.partial(orders, limit=3), Callable_()):
        assert name_of(make(name="orders")(fn)) == "orders"


def test_static_and_bound_methods_are_functions() -> None:
    class Shop:
        @staticmethod
        def orders() -> int:
            return 1

        def total(self) -> int:
            return 2

    assert asset(Shop.orders)() == 1
    assert asset(Shop().total)() == 2
    assert op(Shop().total).ins == {}


def test_the_description_is_the_docstring_without_its_indentation() -> None:
    def orders() -> None:
        """What was ordered.

        One row for each order.
        """

    assert decorated_description(orders, None) == "What was ordered.\n\nOne row for each order."
    assert decorated_description(functools.partial(orders), None) == "What was ordered.\n\nOne row for each order."
    assert decorated_description(orders, "another") == "another"
    assert decorated_description(lambda: None, None) is None
