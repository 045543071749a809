"""Resources outside a run are set up and torn down as in one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from weft import ConfigError, ConfigurableResource, build_init_resource_context, build_resources, resource


def test_resources_are_up_inside_and_torn_down_after() -> None:
    seen = []

    @resource(config_schema={"host": str}, required_resource_keys={"log"})
    def db(context: Any) -> Iterator[str]:
        seen.append(f"up {context.resource_config['host']} {context.resources.log}")
        yield "db"
        seen.append("down")

    with build_resources({"db": db, "log": "a log"}, resource_config={"db": {"config": {"host": "x"}}}) as resources:
        assert (resources.db, resources.log) == ("db", "a log")
        assert seen == ["up x a log"]
    assert seen[-1] == "down"


def test_configurable_resources_may_be_given_as_they_are() -> None:
    class Database(ConfigurableResource):
        host: str

    with build_resources({"db": Database(host="here")}) as resources:
        assert resources.db.host == "here"


def test_configuration_is_checked_for_all_at_once() -> None:
    @resource(config_schema={"host": str})
    def db() -> None: ...

    with pytest.raises(ConfigError) as refused, build_resources({"a": db, "b": db}):
        pass
    assert len(refused.value.problems) == 2


def test_the_function_of_a_resource_is_called_with_a_context() -> None:
    @resource(config_schema={"host": str, "port": int})
    def db(context: Any) -> str:
        return f"{context.resource_config['host']}:{context.resource_config['port']}:{context.resources.user}"

    context = build_init_resource_context({"host": "h", "port": 1}, {"user": "me"})
    assert db(context) == "h:1:me"
    with pytest.raises(ConfigError):
        db(build_init_resource_context({"host": "h"}))
