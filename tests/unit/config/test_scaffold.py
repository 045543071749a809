"""Examples made from a schema fit it and can be pasted."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, strategies as st
from tests.unit.config.config_strategies import law, schemas

from weft.config.scaffold import paste, scaffold, to_yaml
from weft.config.schema import Array, Field, Selector, to_data
from weft.config.validation import validate

DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@law
@given(schemas())
def test_the_example_of_a_schema_fits_it(schema: Any) -> None:
    validate(schema, scaffold(schema))


def test_only_what_is_required_is_in_the_example() -> None:
    schema = {
        "a": int,
        "b": Field(str, default_value="x"),
        "c": {"d": bool},
        "e": Selector({"f": {"g": float}, "h": {}}),
    }
    assert scaffold(schema) == {"a": 0, "c": {"d": False}, "e": {"f": {"g": 0.0}}}


@pytest.mark.parametrize(
    "field",
    [
        Field(int, constraints={"ge": 5}),
        Field(int, constraints={"gt": 5, "multiple_of": 5}),
        Field(int, constraints={"lt": 0}),
        Field(float, constraints={"le": -1.5}),
        Field(str, constraints={"min_length": 5}),
        Field(str, constraints={"max_length": 1}),
        Field(Array(int), constraints={"min_length": 2}),
    ],
)
def test_the_example_keeps_the_bounds(field: Field) -> None:
    validate({"x": field}, scaffold({"x": field}))


@law
@given(DATA)
def test_written_yaml_reads_back(data: Any) -> None:
    assert yaml.safe_load(to_yaml(data)) == data


@law
@given(schemas())
def test_pasted_text_is_yaml_with_the_path(schema: Any) -> None:
    text = paste(("ops", "my op", "config"), {"x": Field(schema, is_required=True)})
    assert yaml.safe_load(text) == {"ops": {"my op": {"config": {"x": scaffold(Field(schema, is_required=True))}}}}
    assert to_data(Field(schema))
