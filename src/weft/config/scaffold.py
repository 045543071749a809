"""Example configuration for a schema: the least that fits, ready to paste.

`scaffold` of any type is a value that fits it (as far as the schema says). `paste` writes a value with the path that leads to it as YAML,
with the types of placeholders as comments.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import UNSET

from weft.config.schema import (
    AnyOf,
    AnyType,
    Array,
    ConfigSchema,
    ConfigType,
    Enum,
    Field,
    Map,
    Noneable,
    Permissive,
    ScalarType,
    ScalarUnion,
    Selector,
    Shape,
    as_type,
    config_field,
    described,
    fields_of,
    written_type,
)
from weft.errors import InternalError

_PLACEHOLDERS: Mapping[str, Any] = {"Int": 0, "Float": 0.0, "Bool": False, "String": "..."}


def scaffold(schema: ConfigSchema) -> Any:
    """The least configuration that fits `schema`: required keys only, with placeholders for their values."""
    field = config_field(schema)
    default = field.effective_default
    if default is not UNSET:
        return default
    return _bounded(_example(field.type), field)


def _example(of: ConfigType) -> Any:
    of = written_type(of)
    if isinstance(of, ScalarType):
        return _PLACEHOLDERS[of.kind]
    if isinstance(of, AnyType):
        return "..."
    if isinstance(of, Array):
        return []
    if isinstance(of, Map):
        return {}
    if isinstance(of, (Shape, Permissive)):
        return {name: scaffold(field) for name, field in fields_of(of).items() if field.is_required}
    if isinstance(of, Selector):
        name, field = next(iter(fields_of(of).items()))
        return {name: scaffold(field)}
    if isinstance(of, Noneable):
        return None
    if isinstance(of, Enum):
        return of.enum_values[0].config_value
    if isinstance(of, ScalarUnion):
        return _example(as_type(of.scalar_type))
    if isinstance(of, AnyOf):
        return _example(as_type(of.options[0]))
    raise InternalError("an unknown config type", facts={"type": type(of).__name__})


def _bounded(value: Any, field: Field) -> Any:
    """`value` moved inside the bounds of `field`, where there are any."""
    bounds = field.constraints
    if not bounds:
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        step = bounds.get("multiple_of", 1)
        if "ge" in bounds and value < bounds["ge"]:
            value = bounds["ge"]
        if "gt" in bounds and value <= bounds["gt"]:
            value = bounds["gt"] + step
        if "le" in bounds and value > bounds["le"]:
            value = bounds["le"]
        if "lt" in bounds and value >= bounds["lt"]:
            value = bounds["lt"] - step
        return -(-value // step) * step if "multiple_of" in bounds else value
    if isinstance(value, str):
        return value.ljust(bounds.get("min_length", 0), ".")[: bounds.get("max_length")]
    if isinstance(value, list) and isinstance(field.type, Array):
        return [_example(as_type(field.type.inner_type))] * bounds.get("min_length", 0)
    return value


def paste(path: Sequence[str | int], missing: Mapping[str, Field]) -> str:
    """YAML that adds `missing` at `path`, each with a placeholder and its type as a comment.

    Only the part of the path after the last list index is written: an item of a list cannot be written alone.
    """
    start = max((index + 1 for index, part in enumerate(path) if isinstance(part, int)), default=0)
    keys = [str(part) for part in path[start:]]
    lines = [f"{'  ' * depth}{_scalar(key)}:" for depth, key in enumerate(keys)]
    indent = "  " * len(keys)
    for name, field in missing.items():
        value = scaffold(field)
        body = list(_yaml(value))
        if isinstance(value, (dict, list)) and value:
            lines.append(f"{indent}{_scalar(name)}:")
            lines.extend(f"{indent}  {line}" for line in body)
        else:
            lines.append(f"{indent}{_scalar(name)}: {body[0]}  # {_comment(field)}")
    return "\n".join(lines)


def _comment(field: Field) -> str:
    kind = described(field.type)
    first = field.description.strip().splitlines()[0] if field.description and field.description.strip() else ""
    return f"{kind}: {first}" if first else kind


def to_yaml(value: Any) -> str:
    """Plain data as YAML, in the order of its keys."""
    return "\n".join(_yaml(value))


def _yaml(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _entry(f"{_scalar(key)}:", item)
    elif isinstance(value, (list, tuple)) and value:
        for item in value:
            first, *rest = _yaml(item)
            yield f"- {first}"
            yield from (f"  {line}" for line in rest)
    else:
        yield _scalar(value)


def _entry(head: str, item: Any) -> Iterator[str]:
    if isinstance(item, (Mapping, list, tuple)) and item:
        yield head
        yield from (f"  {line}" for line in _yaml(item))
    else:
        yield f"{head} {_scalar(item)}"


def _scalar(value: Any) -> str:
    """A scalar or an empty collection in YAML: JSON, without the quotes where a bare word means the same."""
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, str) and _WORD.fullmatch(value) and value.lower() not in _NO_TEXT:
        return value
    text = json.dumps(value, default=str, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _number(value: float) -> str:
    """YAML 1.1 takes ``1e-05`` for text: its numbers have a point."""
    if math.isnan(value) or math.isinf(value):
        return ".nan" if math.isnan(value) else (".inf" if value > 0 else "-.inf")
    mantissa, mark, exponent = repr(value).partition("e")
    return f"{mantissa}.0e{exponent}" if mark and "." not in mantissa else repr(value)


_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
# Bare words that mean something else than text.
_NO_TEXT = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
# What YAML does not allow in a text as it is, or takes for the end of a line.
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")
