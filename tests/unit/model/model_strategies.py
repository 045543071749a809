"""Random values of every struct of the model, derived from its field types."""

from __future__ import annotations

import collections.abc
import functools
import types
import typing
from enum import Enum
from typing import Any, Union

import msgspec
from hypothesis import settings, strategies as st
from msgspec import Struct

from weft.model.backfill import BackfillPolicy
from weft.model.keys import AssetCheckKey, AssetKey
from weft.model.retry import Backoff, Jitter, RetryPolicy

# Structs with many fields are slow to draw; a machine that does other work must not fail them.
law = settings(max_examples=30, deadline=None)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
PARTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)
ASSET_KEYS = st.lists(PARTS, min_size=1, max_size=3).map(AssetKey)
NUMBERS = st.floats(allow_nan=False)
WHOLE_NUMBERS = st.integers(-(2**63), 2**64 - 1)
JSON = st.recursive(
    st.none() | st.booleans() | WHOLE_NUMBERS | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=4,
)
RETRY_POLICIES = st.builds(RetryPolicy, st.integers(0, 9), st.none() | st.floats(0, 1e6)) | st.builds(
    RetryPolicy, st.integers(0, 9), st.floats(0, 1e6), st.sampled_from(Backoff), st.none() | st.sampled_from(Jitter)
)
SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: WHOLE_NUMBERS,
    float: NUMBERS,
    bool: st.booleans(),
    bytes: st.binary(max_size=8),
    type(None): st.none(),
    None: st.none(),
    Any: JSON,
    AssetKey: ASSET_KEYS,
    BackfillPolicy: st.builds(BackfillPolicy, st.none() | st.integers(1, 2**63)),
    RetryPolicy: RETRY_POLICIES,
    AssetCheckKey: st.builds(AssetCheckKey, ASSET_KEYS, PARTS),
}


def instances(kind: Any, depth: int = 3) -> st.SearchStrategy[Any]:
    """Values of a type as the model uses types; structs nest at most `depth` deep."""
    if kind in SCALARS:
        return SCALARS[kind]
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, types.UnionType):
        return _one_of(args, depth)
    if origin is tuple and args[-1] is Ellipsis:
        return st.lists(instances(args[0], depth), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*(instances(arg, depth) for arg in args))
    if origin in (collections.abc.Sequence, list):
        return st.lists(instances(args[0], depth), max_size=2).map(tuple if origin is not list else list)
    if origin in (collections.abc.Mapping, dict):
        return st.dictionaries(TEXT, instances(args[1], depth), max_size=2)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(list(kind))
    assert isinstance(kind, type) and issubclass(kind, Struct), kind
    return _structs(kind, depth)


def _one_of(options: tuple[Any, ...], depth: int) -> st.SearchStrategy[Any]:
    if depth <= 0:  # no more nesting: what holds no struct, else the first
        flat = [option for option in options if option in SCALARS or _is_flat(option)]
        options = tuple(flat) or options[:1]
    return st.one_of([instances(option, depth) for option in options])


def _is_flat(option: Any) -> bool:
    return isinstance(option, type) and issubclass(option, Struct) and not msgspec.structs.fields(option)


@functools.cache
def _structs(kind: type[Struct], depth: int) -> st.SearchStrategy[Any]:
    required, optional = {}, {}
    for field in msgspec.structs.fields(kind):
        (required if field.required else optional)[field.name] = field.type
    if depth <= 0:
        optional = {}
    given = st.fixed_dictionaries({name: _later(of, depth - 1) for name, of in required.items()})
    if not optional:
        return given.map(lambda fields: kind(**fields))
    # A few of the optional fields at a time: all together make values that take long to draw and say no more.
    chosen = st.lists(st.sampled_from(sorted(optional)), max_size=3, unique=True).flatmap(
        lambda names: st.fixed_dictionaries({name: _later(optional[name], depth - 1) for name in names})
    )
    return st.builds(lambda fields, more: kind(**fields, **more), given, chosen)


def _later(kind: Any, depth: int) -> st.SearchStrategy[Any]:
    """Made when it is drawn from: types of the model contain themselves."""
    return st.deferred(lambda: instances(kind, depth))
