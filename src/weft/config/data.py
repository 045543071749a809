"""What users pass as configuration, as plain data: the form that is stored, sent and shown.

Config objects become mappings, environment references ``{"env": "NAME"}``, enum members their names, tuples and sets lists. Everything
JSON can carry stays as it is; so does an object of any other type, which then only fits where the schema accepts anything.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any

from weft.config.env import env_data, is_env_var


def config_data(value: Any) -> Any:
    """`value` as plain data. Idempotent; never changes `value` itself."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if isinstance(value, Mapping):
        return {config_key(key): config_data(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [config_data(item) for item in value]
    if is_env_var(value):
        return env_data(value)
    if isinstance(value, enum.Enum):
        return value.name
    if isinstance(value, (set, frozenset)):
        return [
            config_data(item) for item in sorted(value, key=repr)
        ]  # sets have no order: the data must not depend on it
    describe = getattr(kind, "__weft_config_data__", None)
    if describe is not None:
        return describe(value)
    return value


def config_key(key: Any) -> Any:
    """A key of a mapping as plain data."""
    return key.name if isinstance(key, enum.Enum) else key


_PLAIN = frozenset({str, int, float, bool, type(None)})
