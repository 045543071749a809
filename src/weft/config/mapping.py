"""Configuration that is computed from other configuration.

A `ConfigMapping` stands in front of a graph or job: what is written is simple, what its nodes get is computed from it. `computed_field` does the same
for one definition (`configured`). Both are checked with everything else before a run starts: what is written, and what the function gave.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, overload

from weft.config.schema import Any as AnyConfig, ConfigSchema, Field, Mapped
from weft.config.validation import declared, function_name, validate
from weft.errors import DefinitionError

ConfigFunction = Callable[[Any], Any]
"""From checked configuration to other configuration: a dict, a config object, or a `RunConfig`."""

_ANY = Field(AnyConfig, is_required=False)


class ConfigMapping:
    """The ``config=`` of a graph or job whose configuration is computed from a simpler one.

    Of a graph, the function gets what is written at ``ops.<graph>.config`` and gives what its nodes get: ``{"load": {"config": {...}}}``. Of a
    job, it gets the whole run configuration and gives another whole one.

    Args:
        config_fn: the function.
        config_schema: what is written; None: anything.
        receive_processed_config_values: accepted for code that gives it; values always arrive with defaults applied.

    Raises:
        DefinitionError: (WEFT-D531) `config_fn` is no function.

    >>> simple = ConfigMapping(lambda given: {"load": {"config": {"rows": given["n"]}}}, {"n": int})
    """

    __slots__ = ("config_field", "config_fn")

    is_config_mapping = True
    """Tells one where this module is not loaded: most projects have none."""

    def __init__(
        self,
        config_fn: ConfigFunction,
        config_schema: ConfigSchema | None = None,
        receive_processed_config_values: bool | None = None,
    ) -> None:
        given: object = config_fn  # a caller without a type checker may give anything
        if not callable(given):
            raise DefinitionError(
                "config_fn of a ConfigMapping is no function.",
                code="WEFT-D531",
                facts={"found": type(given).__name__},
                fix="give a function of the configuration that is written; for fixed configuration write config={...}",
            )
        self.config_fn = config_fn
        self.config_field: Field = _ANY if config_schema is None else declared(config_schema)

    def configured(self, config_or_config_fn: Any, config_schema: ConfigSchema | None = None) -> ConfigMapping:
        """The mapping with its own configuration given, or computed in turn."""
        return ConfigMapping(self.config_fn, configured_field(self.config_field, config_or_config_fn, config_schema))

    def __call__(self, config: Any = None) -> Any:
        """Call the function itself, for tests."""
        return self.config_fn(config)

    def __repr__(self) -> str:
        return f"ConfigMapping({function_name(self.config_fn)})"


@overload
def config_mapping(config_fn: ConfigFunction, /) -> ConfigMapping: ...
@overload
def config_mapping(
    config_fn: None = None,
    *,
    config_schema: ConfigSchema | None = None,
    receive_processed_config_values: bool | None = None,
) -> Callable[[ConfigFunction], ConfigMapping]: ...
def config_mapping(
    config_fn: ConfigFunction | None = None,
    *,
    config_schema: ConfigSchema | None = None,
    receive_processed_config_values: bool | None = None,
) -> ConfigMapping | Callable[[ConfigFunction], ConfigMapping]:
    """Make a function a `ConfigMapping`.

    >>> @config_mapping(config_schema={"n": int})
    ... def simple(given):
    ...     return {"ops": {"load": {"config": {"rows": given["n"]}}}}
    """

    def make(fn: ConfigFunction) -> ConfigMapping:
        return ConfigMapping(fn, config_schema, receive_processed_config_values)

    return make if config_fn is None else make(config_fn)


def configured_field(inner: Field, config_or_config_fn: Any, config_schema: ConfigSchema | None = None) -> Field:
    """The schema of a definition that was configured.

    Args:
        inner: its schema before.
        config_or_config_fn: the configuration, which becomes the default; or a function that gives it.
        config_schema: what the function gets; None: anything.

    Raises:
        ConfigError: the configuration does not fit the schema.
    """
    if callable(config_or_config_fn) and not hasattr(type(config_or_config_fn), "__weft_config_data__"):
        outer = _ANY if config_schema is None else declared(config_schema)
        mapped = Mapped(outer.type, config_or_config_fn, inner)
        if outer.default_provided:
            return Field(mapped, default_value=outer.default_value, description=outer.description)
        return Field(mapped, is_required=outer.is_required, description=outer.description)
    validate(inner, config_or_config_fn, path=("config",))
    return Field(inner.type, default_value=config_or_config_fn, description=inner.description)


def fixed_config(config: Any) -> ConfigMapping:
    """The mapping of a graph whose nodes have fixed configuration."""
    return ConfigMapping(lambda _: config, {})
