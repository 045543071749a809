"""What users write becomes config types; types describe themselves as JSON data."""

from __future__ import annotations

import enum
import json
import typing

import pytest
from hypothesis import given
from msgspec import UNSET
from tests.unit.config.config_strategies import fields, law, schemas

from weft.config.env import EnvVar
from weft.config.schema import (
    Any,
    AnyOf,
    Array,
    Bool,
    Enum,
    EnumValue,
    Field,
    Float,
    Int,
    Map,
    Noneable,
    Permissive,
    ScalarUnion,
    Selector,
    Shape,
    String,
    StringSource,
    config_field,
    config_type,
    described,
    from_data,
    to_data,
)
from weft.errors import DefinitionError


class Color(enum.Enum):
    RED = "red"
    BLUE = 2


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (int, Int),
        (str, String),
        (float, Float),
        (bool, Bool),
        (typing.Any, Any),
        (list, Array(Any)),
        (dict, Permissive()),
        ([int], Array(Int)),
        ([{"a": str}], Array(Shape({"a": String}))),
        ({"a": int, "b": [str]}, Shape({"a": Field(Int), "b": Field(Array(String))})),
        ({}, Shape({})),
        ({str: int}, Map(String, Int)),
        ({String: {"a": int}}, Map(String, Shape({"a": Int}))),
        (list[int], Array(Int)),
        (dict[str, bool], Map(String, Bool)),
        (int | None, Noneable(Int)),
        (typing.Optional[str], Noneable(String)),  # noqa: UP045
        (int | str, AnyOf([Int, String])),
        (Field(int, description="x"), Int),
        (StringSource, StringSource),
        (Color, Enum("Color", [EnumValue("RED", Color.RED, aliases=("red",)), EnumValue("BLUE", Color.BLUE)])),
    ],
)
def test_python_spelling_means_a_config_type(written: object, meant: object) -> None:
    assert config_type(written) == meant


@pytest.mark.parametrize(
    "written", [object(), [int, str], [], {1: int, 2: int}, {1, 2}, 3, "Int", print, tuple[int, int], None]
)
def test_what_is_no_schema_is_refused_with_what_was_found(written: object) -> None:
    with pytest.raises(DefinitionError) as caught:
        config_type(written)
    assert caught.value.code == "WEFT-D201"
    assert "found" in caught.value.facts


def test_a_field_without_default_is_required() -> None:
    assert Field(int).is_required is True
    assert Field(int, is_required=False).is_required is False
    assert Field(int).default_value is UNSET


def test_a_field_with_a_default_is_not_required() -> None:
    field = Field(int, default_value=3)
    assert (field.is_required, field.default_value, field.default_provided) == (False, 3, True)


@pytest.mark.parametrize(
    ("of", "implied"),
    [
        (Noneable(int), None),
        ({"a": Field(int, default_value=1)}, {}),
        (Permissive(), {}),
        (Selector({"only": {"a": Field(int, default_value=1)}}), {"only": {}}),
    ],
)
def test_some_types_imply_a_default(of: object, implied: object) -> None:
    field = Field(of)
    assert field.is_required is False
    assert field.effective_default == implied
    assert field.default_provided is False


@pytest.mark.parametrize(
    "of", [int, {"a": int}, Selector({"a": {}, "b": {}}), Selector({"a": int}), Array(int), Map(str, int)]
)
def test_other_types_imply_none(of: object) -> None:
    assert Field(of).is_required is True
    assert Field(of).effective_default is UNSET


def test_an_implied_default_can_be_taken_back() -> None:
    assert Field(Noneable(int), is_required=True).effective_default is UNSET


def test_required_with_a_default_is_a_contradiction() -> None:
    with pytest.raises(DefinitionError) as caught:
        Field(int, default_value=1, is_required=True)
    assert caught.value.code == "WEFT-D202"


def test_a_field_inside_a_field_is_refused() -> None:
    with pytest.raises(DefinitionError):
        Field(Field(int))


def test_a_default_may_be_an_environment_variable() -> None:
    assert Field(StringSource, default_value=EnvVar("HOST")).default_value == {"env": "HOST"}


def test_a_schema_is_a_required_field_unless_it_is_one() -> None:
    field = Field(int, default_value=1)
    assert config_field(field) is field
    assert config_field({"a": int}) == Field(Shape({"a": Int}))


@pytest.mark.parametrize("choices", [[], [EnumValue("a"), EnumValue("a")]])
def test_an_enum_needs_choices_that_differ(choices: list[EnumValue]) -> None:
    with pytest.raises(DefinitionError):
        Enum("E", choices)


def test_a_selector_needs_choices() -> None:
    with pytest.raises(DefinitionError):
        Selector({})


def test_types_with_equal_parts_are_equal_and_cannot_be_changed() -> None:
    assert Array(int) == Array(Int) != Array(str)
    with pytest.raises(AttributeError):
        Array(int).inner_type = String  # type: ignore[misc]


@pytest.mark.parametrize(
    ("of", "words"),
    [
        (Int, "Int"),
        (Array(int), "list of Int"),
        (Map(str, int), "mapping of String to Int"),
        (Map(str, int, "city"), "mapping of city to Int"),
        (Shape({"a": int, "b": int}), "mapping with a, b"),
        (Permissive(), "mapping"),
        (Selector({"a": int, "b": int}), "mapping with exactly one of: a, b"),
        (Noneable(int), "Int or null"),
        (Enum("E", [EnumValue("x"), EnumValue("y")]), "one of: x, y"),
        (ScalarUnion(str, {"a": int}), "String or mapping with a"),
        (AnyOf([int, str, int]), "Int or String"),
    ],
)
def test_types_have_a_description_in_words(of: object, words: str) -> None:
    assert described(config_type(of)) == words


@law
@given(fields(schemas()))
def test_data_of_a_schema_reads_back_as_the_same_schema(field: Field) -> None:
    data = to_data(field)
    assert from_data(json.loads(json.dumps(data))) == field
    assert to_data(from_data(data)) == data


def test_data_keeps_what_constructors_were_given() -> None:
    field = Field(
        {
            "a": Field(Map(str, int, "city"), description="by city"),
            "b": Field(Int, default_value=2, constraints={"ge": 1}),
            "c": Selector({"x": int}, description="which", discriminator="kind"),
            "d": Permissive({"p": int}, extra=StringSource),
            "e": Enum("Color", [EnumValue("RED", aliases=("red",), description="stop")], from_env=True),
        }
    )
    assert from_data(to_data(field)) == field


def test_data_of_an_enum_leaves_python_values_out() -> None:
    read = from_data(to_data(Field(Enum.from_python_enum(Color)))).type
    assert isinstance(read, Enum)
    assert [(value.config_value, value.python_value) for value in read.enum_values] == [
        ("RED", "RED"),
        ("BLUE", "BLUE"),
    ]


def test_the_default_of_a_secret_field_is_never_in_the_data() -> None:
    field = Field({"password": Field(str, default_value="hunter2", is_secret=True)})
    assert "hunter2" not in json.dumps(to_data(field))
    read = from_data(to_data(field))
    assert to_data(read) == to_data(field)
    assert read.type.fields["password"].is_required is False  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "of",
    [
        {"pw": Field(str, is_secret=True)},
        [{"pw": Field(str, is_secret=True)}],
        {str: {"pw": Field(str, is_secret=True)}},
        Noneable({"pw": Field(str, is_secret=True)}),
        Selector({"a": {"pw": Field(str, is_secret=True)}}),
        Selector({"a": {"pw": Field(str, is_secret=True)}}, discriminator="kind"),
        AnyOf([int, {"pw": Field(str, is_secret=True)}]),
        ScalarUnion(int, {"pw": Field(str, is_secret=True)}),
    ],
)
def test_a_default_with_a_secret_inside_is_not_in_the_data_either(of: typing.Any) -> None:
    inner = {"pw": "hunter2"}
    shape = config_type(of)
    default: typing.Any = inner
    if isinstance(shape, Array):
        default = [inner]
    elif isinstance(shape, Map):
        default = {"k": inner}
    elif isinstance(shape, Selector):
        default = {"kind": "a", **inner} if shape.discriminator else {"a": inner}
    field = Field(of, default_value=default)
    assert "hunter2" not in json.dumps(to_data(field))
    assert from_data(to_data(field)).is_required is False


def test_a_reference_to_the_environment_is_shown_by_name() -> None:
    field = Field(StringSource, default_value=EnvVar("DB_PASSWORD"), is_secret=True)
    assert to_data(field)["default"] == {"env": "DB_PASSWORD"}


def test_a_default_that_json_cannot_carry_is_not_in_the_data() -> None:
    assert "default" not in to_data(Field(Any, default_value={"a": [object()]}))
