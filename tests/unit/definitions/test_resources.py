"""A resource is set up and torn down in one way, however it is written."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import MagicMock

import pytest

from weft.config.env import EnvVar
from weft.config.schema import Field, String, StringSource, written_type
from weft.definitions.resources import InitResourceContext, ResourceDefinition, make_values_resource, resource
from weft.definitions.scoped_resources import (
    IAttachDifferentObjectToOpContext,
    ScopedResources,
    UndeclaredResourceError,
)
from weft.errors import ConfigError, DefinitionError, ResourceError


def context(config: Any = None, **resources: object) -> InitResourceContext:
    return InitResourceContext(resource_config=config, resources=resources, resource_key="db")


def use(definition: ResourceDefinition, config: Any = None, **resources: object) -> Any:
    with definition.open(context(config, **resources)) as value:
        return value


# --- ways to write one ------------------------------------------------------------------------------------------------


def test_a_function_returns_the_resource() -> None:
    @resource
    def db(context: InitResourceContext) -> str:
        """The orders."""
        return f"db at {context.resource_config}"

    assert isinstance(db, ResourceDefinition)
    assert db.description == "The orders."
    assert use(db, "host") == "db at host"


def test_a_function_may_take_nothing() -> None:
    assert use(ResourceDefinition(lambda: 5)) == 5
    assert use(ResourceDefinition(lambda _: 6)) == 6
    assert use(ResourceDefinition(lambda context=None: context.resource_config), 7) == 7
    assert use(ResourceDefinition(lambda retries=3: retries)) == 3
    assert use(ResourceDefinition(dict)) == {}


def test_a_generator_tears_down_after_the_yield() -> None:
    log: list[str] = []

    @resource
    def db() -> Iterator[str]:
        log.append("up")
        yield "db"
        log.append("down")

    with db.open(context()) as value:
        assert (value, log) == ("db", ["up"])
    assert log == ["up", "down"]


def test_a_function_under_contextmanager_works_the_same() -> None:
    log: list[str] = []

    @resource(config_schema=str)
    @contextmanager
    def db(context: InitResourceContext) -> Iterator[str]:
        log.append("up")
        yield context.resource_config
        log.append("down")

    with db.open(context("x")) as value:
        assert (value, log) == ("x", ["up"])
    assert log == ["up", "down"]


def test_an_object_that_happens_to_be_a_context_manager_is_not_entered() -> None:
    connection = sqlite3.connect(":memory:")
    assert use(ResourceDefinition(lambda: connection)) is connection
    connection.execute("select 1")
    connection.close()


@pytest.mark.parametrize("parameters", ["a, b", "context, *, host", "*, host"])
def test_a_function_with_more_parameters_is_refused(parameters: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        ResourceDefinition(eval(f"lambda {parameters}: 1"))
    assert caught.value.code == "WEFT-D210"


def test_ready_made_definitions() -> None:
    value = object()
    assert use(ResourceDefinition.hardcoded_resource(value)) is value
    assert use(ResourceDefinition.none_resource()) is None
    assert use(ResourceDefinition.string_resource(), "x") == "x"
    assert use(make_values_resource(a=int), {"a": 1}) == {"a": 1}
    mock = ResourceDefinition.mock_resource()
    assert isinstance(use(mock), MagicMock)
    assert use(mock) is not use(mock)


# --- errors -----------------------------------------------------------------------------------------------------------


def test_a_failed_set_up_names_the_resource_and_keeps_the_cause() -> None:
    def db() -> None:
        raise ValueError("no host")

    with pytest.raises(ResourceError) as caught:
        use(ResourceDefinition(db))
    assert isinstance(caught.value.__cause__, ValueError)
    assert caught.value.code == "WEFT-X010"
    assert caught.value.what == 'Setting up the resource "db" failed.'
    assert caught.value.facts["error"] == "ValueError: no host"


def test_a_generator_that_yields_nothing_is_reported() -> None:
    @resource
    def db() -> Iterator[str]:
        yield from ()

    with pytest.raises(ResourceError) as caught:
        use(db)
    assert caught.value.code == "WEFT-X011"


def test_a_generator_that_yields_twice_is_reported_and_closed() -> None:
    log: list[str] = []

    @resource
    def db() -> Iterator[int]:
        try:
            yield 1
            yield 2
        finally:
            log.append("closed")

    with pytest.raises(ResourceError) as caught:
        use(db)
    assert (caught.value.code, log) == ("WEFT-X013", ["closed"])


def test_a_failed_teardown_keeps_the_cause() -> None:
    @resource
    def db() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    with pytest.raises(ResourceError) as caught:
        use(db)
    assert caught.value.code == "WEFT-X012"
    assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.parametrize("wrap", [lambda fn: fn, contextmanager])
def test_an_error_of_the_body_reaches_the_generator_and_always_propagates(wrap: Any) -> None:
    log: list[str] = []

    def db() -> Iterator[int]:
        try:
            yield 1
        except KeyError:
            log.append("rolled back")
        finally:
            log.append("closed")

    error = KeyError("step")
    with pytest.raises(KeyError) as caught, ResourceDefinition(wrap(db)).open(context()):
        raise error
    assert caught.value is error
    assert log == ["rolled back", "closed"]


# --- configuration ----------------------------------------------------------------------------------------------------


def test_without_a_schema_anything_may_be_configured() -> None:
    definition = ResourceDefinition(lambda: 1)
    assert definition.config_schema.is_required is False
    assert definition.describe("x").config_schema == {}


def test_a_plain_object_takes_no_configuration() -> None:
    assert ResourceDefinition.hardcoded_resource(1).config_schema.type.fields == {}  # type: ignore[attr-defined]


def test_a_default_that_does_not_fit_is_refused_at_once() -> None:
    with pytest.raises(DefinitionError):
        resource(config_schema={"port": Field(int, default_value="x")})(lambda _: 1)


def test_configured_with_values_keeps_them_as_the_default() -> None:
    @resource(config_schema={"host": StringSource, "port": Field(int, default_value=1)})
    def db(context: InitResourceContext) -> Any:
        return context.resource_config

    ready = db.configured({"host": EnvVar("HOST")})
    assert ready.config_schema.is_required is False
    assert ready.config_schema.default_value == {"host": {"env": "HOST"}}
    assert db.config_schema.is_required is True
    with pytest.raises(ConfigError):
        db.configured({"hots": "x"})


def test_configured_with_a_function_translates_configuration() -> None:
    @resource(config_schema={"host": str, "port": Field(int, default_value=1)})
    def db(context: InitResourceContext) -> Any:
        return context.resource_config

    short = db.configured(lambda name: {"host": f"{name}.local"}, config_schema=str)
    assert written_type(short.config_schema.type) == String
    assert short(InitResourceContext(resource_config="db")) == {"host": "db.local", "port": 1}
    wrong = db.configured(lambda name: {"host": 3}, config_schema=str)
    with pytest.raises(ConfigError) as caught:
        wrong(InitResourceContext(resource_config="db"))
    assert caught.value.facts["path"] == "config.host"
    assert "lambda" in str(caught.value.facts["computed by"])


def test_calling_a_definition_calls_the_function() -> None:
    @resource(config_schema={"host": Field(str, default_value="h")})
    def db(context: InitResourceContext) -> str:
        return str(context.resource_config["host"])

    assert db() == "h"
    assert db(InitResourceContext(resource_config={"host": "x"})) == "x"


# --- the context ------------------------------------------------------------------------------------------------------


def test_required_resources_are_on_the_context() -> None:
    @resource(required_resource_keys={"client"})
    def db(context: InitResourceContext) -> Any:
        return context.resources.client

    assert db.required_resource_keys == {"client"}
    assert use(db, client=5) == 5


def test_the_context_outside_a_run() -> None:
    outside = InitResourceContext()
    assert (outside.run, outside.run_id, outside.instance, outside.resource_key) == (None, None, None, "")
    assert isinstance(outside.log, logging.Logger)


def test_a_resource_that_was_not_asked_for_is_named_with_the_nearest() -> None:
    resources = ScopedResources({"client": 1}, owner='op "clean"')
    with pytest.raises(UndeclaredResourceError) as caught:
        resources.clinet  # noqa: B018
    assert str(caught.value).startswith('op "clean" has no resource "clinet".')
    assert 'did you mean "client"' in str(caught.value)


def test_scoped_resources_are_a_frozen_collection() -> None:
    resources = ScopedResources({"a": 1, "b": 2})
    assert (list(resources), len(resources), "a" in resources, resources["b"]) == (["a", "b"], 2, True, 2)
    with pytest.raises(AttributeError):
        resources.a = 3
    assert not hasattr(resources, "__deepcopy__")


def test_a_resource_may_show_another_object() -> None:
    class Wrapper(IAttachDifferentObjectToOpContext):
        def get_object_to_set_on_execution_context(self) -> object:
            return "client"

    wrapper = Wrapper()
    resources = ScopedResources({"db": wrapper})
    assert resources.db == "client"
    assert resources.original_values["db"] is wrapper


# --- description ------------------------------------------------------------------------------------------------------


def test_a_definition_describes_itself() -> None:
    @resource(config_schema={"host": str}, description="The db.", required_resource_keys={"b", "a"}, version="2")
    def db(context: InitResourceContext) -> None: ...

    described = db.describe("main")
    assert (described.key, described.description, described.requires) == ("main", "The db.", ("a", "b"))
    assert described.type_name.endswith("db")
    assert described.config_schema["config"]["fields"] == {"host": {"config": "String", "required": True}}
    assert ResourceDefinition.hardcoded_resource(3).describe("x").type_name == "builtins.int"
