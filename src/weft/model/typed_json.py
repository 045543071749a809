"""Model values as JSON that says what they are, and back.

For values that user code keeps outside weft: in a cursor, a file, another system. Only classes of `weft.model` are written and made; data can name no
other class, so that reading what somebody else wrote runs no code.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import Enum
from functools import lru_cache
from typing import Any, TypeVar

import msgspec

from weft.errors import DefinitionError, InvocationError, did_you_mean, some_of
from weft.model.codec import from_builtins, to_builtins
from weft.model.keys import AssetCheckKey, AssetKey

T = TypeVar("T")

_CLASS = "__class__"
_VALUE = "value"


def serialize_value(val: Any, indent: int | None = None, separators: tuple[str, str] | None = None) -> str:
    """`val` as JSON: a model value, or lists, dicts with string keys and scalars of them.

    Raises:
        InvocationError: (WEFT-I071) something in it is no model value.

    >>> serialize_value(AssetKey(["sales", "orders"]))
    '{"__class__": "AssetKey", "value": ["sales", "orders"]}'
    """
    return json.dumps(_written(val), indent=indent, separators=separators)


def deserialize_value(val: str, as_type: type[T] | None = None) -> T:
    """What `serialize_value` wrote.

    Args:
        val: the text.
        as_type: what it must be.

    Raises:
        InvocationError: (WEFT-I072) the text is not of that form, names an unknown class, or is no `as_type`.
    """
    try:
        value = _read(json.loads(val))
    except RecursionError as error:
        raise _unreadable("it is nested too deeply") from error
    except (ValueError, TypeError, msgspec.ValidationError, DefinitionError) as error:
        raise _unreadable(str(error)) from error
    if as_type is not None and not isinstance(value, as_type):
        raise _unreadable(f"it is of type {type(value).__name__}, not {as_type.__name__}")
    found: T = value
    return found


def _written(value: Any) -> Any:
    if value is None or type(value) in (str, int, float, bool):
        return value
    if isinstance(value, (list, tuple)) and type(value) in (list, tuple):
        return [_written(item) for item in value]
    if type(value) is dict and all(isinstance(key, str) for key in value):
        if _CLASS in value:
            return {_CLASS: "dict", _VALUE: [[key, _written(item)] for key, item in value.items()]}
        return {key: _written(item) for key, item in value.items()}
    kind = type(value)
    if _classes().get(kind.__name__) is kind:
        return {_CLASS: kind.__name__, _VALUE: to_builtins(value)}
    raise InvocationError(
        f"{kind.__name__} is no value of weft's model, so it cannot be serialized.",
        code="WEFT-I071",
        facts={"found": f"{value!r:.80}"},
        fix="serialize keys, partitions, metadata, runs and events; for your own data use json",
    )


def _read(data: Any) -> Any:
    if isinstance(data, list):
        return [_read(item) for item in data]
    if not isinstance(data, Mapping):
        return data
    name = data.get(_CLASS)
    if name is None:
        return {key: _read(item) for key, item in data.items()}
    if _VALUE not in data:
        raise ValueError(f"a {name!r} has no value")
    if name == "dict":
        return {key: _read(item) for key, item in data[_VALUE]}
    kind = _classes().get(name)
    if kind is None:
        known = sorted(_classes())
        fix = did_you_mean(str(name), known, f"known are {some_of(known)}")
        raise ValueError(f"{name!r} is no class of the model: {fix}")
    return from_builtins(data[_VALUE], kind)


@lru_cache(maxsize=1)
def _classes() -> Mapping[str, type]:
    """Every class of a value in `weft.model`, by name."""
    from weft.model import (  # all of them, and only for values that are written down
        asset_state,
        assets,
        backfill,
        cron_schedule,
        events,
        failure,
        freshness,
        keys,
        metadata,
        plan,
        retry,
        run,
        severity,
        snapshot,
        step,
    )
    from weft.model.partitions import definitions, keys as partition_keys, mappings, spec

    found: dict[str, type] = {"AssetKey": AssetKey, "AssetCheckKey": AssetCheckKey}
    for module in (
        *(asset_state, assets, backfill, cron_schedule, events, failure, freshness, keys, metadata, plan, retry, run),
        *(severity, snapshot, step, definitions, partition_keys, mappings, spec),
    ):
        for name, value in vars(module).items():
            is_value = isinstance(value, type) and issubclass(value, (msgspec.Struct, Enum))
            if is_value and value.__module__ == module.__name__ and not name.startswith("_"):
                found.setdefault(name, value)
    return found


def _unreadable(reason: str) -> InvocationError:
    return InvocationError(
        "the text cannot be read as a value of weft's model.",
        code="WEFT-I072",
        facts={"reason": reason},
        fix="give a text that serialize_value made",
    )
