"""Random schemas, values that fit them, and breaks of such values with the path where they are."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import settings, strategies as st

from weft.config.schema import (
    Any as AnyConfig,
    AnyOf,
    AnyType,
    Array,
    Bool,
    BoolSource,
    ConfigType,
    Enum,
    EnumValue,
    Field,
    Float,
    FloatSource,
    Int,
    IntSource,
    Map,
    Noneable,
    Permissive,
    ScalarType,
    ScalarUnion,
    Selector,
    Shape,
    String,
    StringSource,
    as_type,
    fields_of,
)
from weft.config.validation import ConfigPath

# Nested schemas are slow to draw; a machine that does other work must not fail them.
law = settings(max_examples=50, deadline=None)

NAMES = st.sampled_from(["a", "b", "limit", "host", "with space", "dotted.name", "x1"])
SCALARS = st.sampled_from([Int, String, Float, Bool, IntSource, StringSource, FloatSource, BoolSource])
CHOICES = st.lists(st.sampled_from(["small", "large", "auto", 1, 2]), min_size=1, unique=True).map(
    lambda values: Enum("Choice", [EnumValue(value) for value in values])
)
VALUES_OF: dict[str, st.SearchStrategy[Any]] = {
    "Int": st.integers(),
    "String": st.text(max_size=8),
    "Float": st.floats(allow_nan=False) | st.integers(min_value=-1000, max_value=1000),
    "Bool": st.booleans(),
}


@st.composite
def fields(draw: st.DrawFn, types: st.SearchStrategy[ConfigType]) -> Field:
    of = draw(types)
    if draw(st.booleans()):
        return Field(of, default_value=draw(values(of)), description=draw(st.none() | st.just("why")))
    return Field(of, is_required=draw(st.none() | st.just(True)))


def schemas() -> st.SearchStrategy[ConfigType]:
    """Config types of every kind, nested a few levels."""
    return st.recursive(SCALARS | CHOICES | st.just(AnyConfig), _nested, max_leaves=6)


def _nested(inner: st.SearchStrategy[ConfigType]) -> st.SearchStrategy[ConfigType]:
    mappings = st.dictionaries(NAMES, fields(inner), max_size=4)
    return st.one_of(
        inner.map(Array),
        st.builds(Map, st.just(String), inner),
        inner.map(Noneable),
        mappings.map(Shape),
        mappings.map(Permissive),
        st.dictionaries(NAMES, fields(inner), min_size=1, max_size=3).map(Selector),
        st.builds(ScalarUnion, SCALARS, mappings.map(Shape)),
        st.lists(SCALARS, min_size=1, max_size=3).map(AnyOf),
    )


@st.composite
def values(draw: st.DrawFn, of: ConfigType) -> Any:
    """A value as written in configuration that fits `of`."""
    if isinstance(of, ScalarType):
        if of.from_env and draw(st.integers(0, 4)) == 0:
            return {"env": draw(st.sampled_from(["HOST", "PORT"]))}
        return draw(VALUES_OF[of.kind])
    if isinstance(of, AnyType):
        return draw(st.none() | st.integers() | st.text(max_size=3) | st.lists(st.booleans(), max_size=2))
    if isinstance(of, Array):
        return draw(st.lists(values(as_type(of.inner_type)), max_size=3))
    if isinstance(of, Map):
        return draw(st.dictionaries(st.text(max_size=4), values(as_type(of.inner_type)), max_size=3))
    if isinstance(of, Noneable):
        return draw(st.none() | values(as_type(of.inner_type)))
    if isinstance(of, (Shape, Permissive)):
        made = {}
        for name, field in fields_of(of).items():
            if field.is_required or draw(st.booleans()):
                made[name] = draw(values(field.type))
        if isinstance(of, Permissive) and draw(st.booleans()):
            made["extra key"] = draw(st.integers())
        return made
    if isinstance(of, Selector):
        name = draw(st.sampled_from(sorted(of.fields)))
        return {name: draw(values(fields_of(of)[name].type))}
    if isinstance(of, Enum):
        return draw(st.sampled_from([value.config_value for value in of.enum_values]))
    if isinstance(of, ScalarUnion):
        scalar = as_type(of.scalar_type)
        plain = ScalarType(scalar.kind) if isinstance(scalar, ScalarType) else scalar
        return draw(values(plain) | values(as_type(of.non_scalar_schema)).filter(lambda value: set(value) != {"env"}))
    assert isinstance(of, AnyOf)
    return draw(values(as_type(draw(st.sampled_from(list(of.options))))))


def positions(of: ConfigType, value: Any, path: ConfigPath = ()) -> list[tuple[ConfigPath, ConfigType, Any]]:
    """Each place in a fitting value whose type is certain, with that type."""
    if isinstance(of, Noneable):
        return [] if value is None else positions(as_type(of.inner_type), value, path)
    found = [(path, of, value)]
    if isinstance(of, Array):
        for index, item in enumerate(value):
            found += positions(as_type(of.inner_type), item, (*path, index))
    elif isinstance(of, Map):
        for key, item in value.items():
            found += positions(as_type(of.inner_type), item, (*path, key))
    elif isinstance(of, (Shape, Permissive, Selector)):
        for name, field in fields_of(of).items():
            if name in value:
                found += positions(field.type, value[name], (*path, name))
    return found


class Wrong:
    """A value that fits no type but `Any`."""


@st.composite
def broken(draw: st.DrawFn, of: ConfigType, value: Any) -> tuple[Any, ConfigPath, str] | None:
    """`value` with one thing wrong: the broken value, the path to report, the code. None where nothing can be wrong."""
    places = [place for place in positions(of, value) if not isinstance(place[1], AnyType)]
    if not places:
        return None
    path, at, held = draw(st.sampled_from(places))
    if isinstance(at, Shape) and draw(st.booleans()):
        return _replaced(value, path, {**held, "unheard of": 1}), (*path, "unheard of"), "WEFT-C002"
    if isinstance(at, (Shape, Permissive)):
        required = [name for name, field in fields_of(at).items() if field.is_required]
        if required:
            name = draw(st.sampled_from(required))
            return _replaced(value, path, {k: v for k, v in held.items() if k != name}), path, "WEFT-C003"
    if isinstance(at, Selector) and draw(st.booleans()):
        return _replaced(value, path, {**held, "unheard of": 1}), path, "WEFT-C004"
    return _replaced(value, path, Wrong()), path, "WEFT-C005" if isinstance(at, Enum) else "WEFT-C001"


def _replaced(value: Any, path: ConfigPath, new: Any) -> Any:
    if not path:
        return new
    result = copy.copy(value)
    result[path[0]] = _replaced(value[path[0]], path[1:], new)
    return result
