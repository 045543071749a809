"""Loaders of types: how a value of a type is made from run configuration, for an input that nothing is connected to.

A `ValueType` with a loader says what may stand at ``ops.<op>.inputs.<name>``: the run configuration is checked against the loader's schema before
anything starts, and the loader makes the value when the step begins.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from types import FunctionType
from typing import Any

from weft.config.schema import ConfigSchema, Field, config_field
from weft.definitions.decorated import check_called
from weft.definitions.names import check_each
from weft.definitions.value_type import TypeCheckContext
from weft.errors import DefinitionError


class ValueTypeLoaderContext(TypeCheckContext):
    """What a loader sees besides the configuration: resources, log, instance and run, as the check of a type does."""

    __slots__ = ()


class ValueTypeLoader:
    """How a value of a type is made from configuration. Made by `value_type_loader`; a subclass may give both parts itself.

    Args:
        fn: takes the context and the configuration, and returns the value.
        config_schema: what the configuration must be.
        required_resource_keys: resources that it reads from its context.
    """

    def __init__(
        self,
        fn: Callable[[Any, Any], Any] | None = None,
        config_schema: ConfigSchema | None = None,
        required_resource_keys: Collection[str] = (),
    ) -> None:
        self._fn = fn
        self._config_schema = config_schema
        self._keys = frozenset(check_each(required_resource_keys, str, "required_resource_keys", "a loader of a type"))

    @property
    def schema_type(self) -> Any:
        """What the configuration must be, in any form of a config schema."""
        return Any if self._config_schema is None else self._config_schema

    @functools.cached_property
    def config_field(self) -> Field:
        """The same as a checked field."""
        schema: Any = self.schema_type
        if isinstance(schema, ValueTypeLoader):
            return schema.config_field
        return config_field(schema)

    def required_resource_keys(self) -> frozenset[str]:
        """The resources that it reads."""
        return getattr(self, "_keys", frozenset())  # a subclass need not call the constructor

    def construct_from_config_value(self, context: ValueTypeLoaderContext, config_value: Any) -> Any:
        """The value that `config_value` means.

        Raises:
            DefinitionError: (WEFT-D555) it has no function, and its class does not say how.
        """
        fn = getattr(self, "_fn", None)
        if fn is None:
            raise DefinitionError(
                f"the loader {type(self).__name__} does not say how a value is made.",
                code="WEFT-D555",
                fix="override construct_from_config_value, or make it with @value_type_loader",
            )
        return fn(context, config_value)


def value_type_loader(
    config_schema: ConfigSchema, required_resource_keys: Collection[str] = ()
) -> Callable[[Callable[[Any, Any], Any]], ValueTypeLoader]:
    """Make a function of ``(context, config)`` the loader of a type.

    >>> @value_type_loader({"path": str})
    ... def load_orders(context, config):
    ...     return read_orders(config["path"])
    >>> Orders = ValueType(is_orders, "Orders", loader=load_orders)

    Args:
        config_schema: what the configuration must be.
        required_resource_keys: resources that the function reads from ``context.resources``.
    """
    given: Any = config_schema  # used bare, it is the function
    check_called(given if isinstance(given, FunctionType) else None, "value_type_loader")

    def make(fn: Callable[[Any, Any], Any]) -> ValueTypeLoader:
        return ValueTypeLoader(fn, config_schema, required_resource_keys)

    return make
