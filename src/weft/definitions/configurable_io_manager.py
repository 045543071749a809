"""I/O managers as pydantic classes: fields are their configuration; see `weft.definitions.configurable_resource`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from weft.config.schema import ConfigSchema, Field
from weft.definitions.configurable_resource import ConfigurableResourceDefinition, ConfigurableResourceFactory
from weft.definitions.io_manager import IOManager, IOManagerDefinition, optional_schema
from weft.definitions.resources import InitResourceContext
from weft.errors import DefinitionError


class ConfigurableIOManagerFactory(ConfigurableResourceFactory[IOManager]):
    """Describes how to make an I/O manager of another class: fields are configuration, `create_io_manager` makes it."""

    def create_io_manager(self, context: InitResourceContext) -> IOManager:
        """The I/O manager, made from the fields."""
        raise DefinitionError(
            f"{type(self).__name__} does not say which I/O manager it makes.",
            code="WEFT-D224",
            facts={"class": type(self).__qualname__},
            fix="define create_io_manager(self, context), or derive from ConfigurableIOManager",
        )

    def create_resource(self, context: InitResourceContext) -> IOManager:
        """The I/O manager."""
        return self.create_io_manager(context)

    @classmethod
    def input_config_schema(cls) -> ConfigSchema | None:
        """What may be configured for each input; None: nothing."""
        return None

    @classmethod
    def output_config_schema(cls) -> ConfigSchema | None:
        """What may be configured for each output; None: nothing."""
        return None

    @classmethod
    def __weft_definition_class__(cls, *arguments: Any) -> ConfigurableResourceDefinition:
        return ConfigurableIOManagerDefinition(*arguments)


class ConfigurableIOManager(ConfigurableIOManagerFactory, IOManager):
    """An I/O manager whose fields are its configuration.

    >>> class Parquet(ConfigurableIOManager):
    ...     folder: str
    ...     def handle_output(self, context, obj): ...
    ...     def load_input(self, context): ...
    """

    def create_io_manager(self, context: InitResourceContext) -> IOManager:
        """The object itself."""
        return self


class ConfigurableLegacyIOManagerAdapter(ConfigurableIOManagerFactory):
    """Gives an older function resource fields of its own: `wrapped_io_manager` is the definition that takes them as its configuration."""

    @property
    def wrapped_io_manager(self) -> IOManagerDefinition:
        """The definition to set up with the configuration of this object."""
        raise DefinitionError(
            f"{type(self).__name__} does not say which I/O manager it wraps.",
            code="WEFT-D225",
            facts={"class": type(self).__qualname__},
            fix="define the property wrapped_io_manager",
        )

    @contextmanager
    def yield_for_execution(self, context: InitResourceContext) -> Iterator[IOManager]:
        """The wrapped I/O manager."""
        with self.wrapped_io_manager.open(context) as value:
            yield value


class ConfigurableIOManagerDefinition(IOManagerDefinition, ConfigurableResourceDefinition):
    """The definition behind a configurable I/O manager."""

    def __init__(
        self,
        resource_class: type[ConfigurableIOManagerFactory],
        given: Mapping[str, Any],
        source: object,
        keys: Mapping[int, str] | None = None,
    ) -> None:
        ConfigurableResourceDefinition.__init__(self, resource_class, given, source, keys)
        self.input_config_schema: Field | None = optional_schema(resource_class.input_config_schema())
        self.output_config_schema: Field | None = optional_schema(resource_class.output_config_schema())
