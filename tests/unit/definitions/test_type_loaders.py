"""Loaders of types: configuration that becomes the value of an input."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.definitions.refusal import refused

from weft.definitions.inputs_outputs import In
from weft.definitions.job import job
from weft.definitions.op import op
from weft.definitions.type_loaders import ValueTypeLoader, ValueTypeLoaderContext, value_type_loader
from weft.definitions.value_type import ValueType
from weft.errors import ConfigError


class Point:
    def __init__(self, x: int, y: int) -> None:
        self.x, self.y = x, y


@value_type_loader({"x": int, "y": int})
def load_point(context: ValueTypeLoaderContext, config: Any) -> Point:
    assert context.run_id
    return Point(**config)


PointType = ValueType(lambda _, value: isinstance(value, Point), "Point", loader=load_point)


@op(ins={"point": In(PointType)})
def total(point: Any) -> int:
    return int(point.x + point.y)


@job
def sums() -> None:
    total()


def test_the_loader_makes_the_value_of_what_the_run_configuration_says() -> None:
    config = {"ops": {"total": {"inputs": {"point": {"x": 1, "y": 2}}}}}
    assert sums.execute_in_process(run_config=config).output_for_node("total") == 3


@pytest.mark.parametrize("written", [{"x": 1}, {"x": 1, "y": "two"}, 5])
def test_what_does_not_fit_the_loaders_schema_is_refused_before_the_run(written: Any) -> None:
    with pytest.raises(ConfigError, match="point"):
        sums.execute_in_process(run_config={"ops": {"total": {"inputs": {"point": written}}}})


def test_an_input_without_a_value_is_asked_for() -> None:
    with pytest.raises(ConfigError, match="point"):
        sums.execute_in_process()


def test_a_loader_reads_resources() -> None:
    @value_type_loader(str, required_resource_keys={"points"})
    def named(context: Any, name: str) -> Point:
        return context.resources.points[name]  # type: ignore[no-any-return]

    kind = ValueType(lambda _, value: isinstance(value, Point), "Named", loader=named)

    @op(ins={"point": In(kind)})
    def x_of(point: Any) -> int:
        return int(point.x)

    @job(resource_defs={"points": {"origin": Point(7, 0)}})
    def by_name() -> None:
        x_of()

    config = {"ops": {"x_of": {"inputs": {"point": "origin"}}}}
    assert by_name.execute_in_process(run_config=config).output_for_node("x_of") == 7


def test_a_subclass_gives_schema_and_value_itself() -> None:
    class Doubled(ValueTypeLoader):
        @property
        def schema_type(self) -> Any:
            return int

        def construct_from_config_value(self, context: ValueTypeLoaderContext, config_value: Any) -> int:
            return 2 * int(config_value)

    kind = ValueType(lambda _, value: isinstance(value, int), "Doubled", loader=Doubled())

    @op(ins={"number": In(kind)})
    def same(number: Any) -> int:
        return int(number)

    @job
    def doubles() -> None:
        same()

    config = {"ops": {"same": {"inputs": {"number": 4}}}}
    assert doubles.execute_in_process(run_config=config).output_for_node("same") == 8


def test_a_loader_that_says_nothing_and_a_bare_decorator_are_refused() -> None:
    with refused("WEFT-D555"):
        ValueTypeLoader().construct_from_config_value(ValueTypeLoaderContext(), 1)
    with refused("WEFT-D079"):
        value_type_loader(lambda context, config: config)
