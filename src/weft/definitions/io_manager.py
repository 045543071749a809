"""I/O managers: resources that store what an output yields and load it where an input needs it.

An `IOManager` stores and loads, an `InputManager` only loads. Both are resources; `IOManagerDefinition` and `InputManagerDefinition` are
resource definitions that also say what may be configured for each output and input.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any, TypeAlias, cast, overload

from weft.config.schema import ConfigSchema, Field
from weft.config.validation import declared
from weft.definitions.resources import InitResourceContext, ResourceDefinition, ResourceFunction, is_bare_function
from weft.errors import DefinitionError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

LoadFunction: TypeAlias = Callable[..., Any]
"""Loads an input: takes an `InputContext` or nothing, returns the value."""


class InputManager(ABC):
    """Loads inputs."""

    @abstractmethod
    def load_input(self, context: Any) -> Any:  # an InputContext, which is made in execution
        """The value of the input that the `InputContext` describes."""


class OutputManager(ABC):
    """Stores outputs."""

    @abstractmethod
    def handle_output(self, context: Any, obj: Any) -> Any:  # an OutputContext, which is made in execution
        """Store `obj`, the value of the output that the `OutputContext` describes. Returns nothing, or yields metadata and events."""


class IOManager(InputManager, OutputManager):
    """Stores outputs and loads them as inputs of other steps, which may run in another process or on another machine.

    Law: what `handle_output` stored, `load_input` gives back for every input whose context names that output.
    """


class IOManagerDefinition(ResourceDefinition):
    """How to make an I/O manager, with what may be configured for each of its outputs and inputs.

    Args:
        resource_fn: makes the I/O manager, like the function of any resource.
        config_schema: what may be configured once for it.
        description: what it is for.
        required_resource_keys: resources it needs.
        version: changes when what it stores changes.
        input_config_schema: what may be configured for an input, at ``ops.<op>.inputs.<input>``. None: nothing.
        output_config_schema: what may be configured for an output, at ``ops.<op>.outputs.<output>``. None: nothing.
    """

    def __init__(
        self,
        resource_fn: ResourceFunction,
        config_schema: ConfigSchema | None = None,
        description: str | None = None,
        required_resource_keys: Collection[str] | None = None,
        version: str | None = None,
        input_config_schema: ConfigSchema | None = None,
        output_config_schema: ConfigSchema | None = None,
    ) -> None:
        super().__init__(resource_fn, config_schema, description, required_resource_keys, version)
        self.input_config_schema: Field | None = optional_schema(input_config_schema)
        self.output_config_schema: Field | None = optional_schema(output_config_schema)

    @staticmethod
    def hardcoded_io_manager(value: IOManager, description: str | None = None) -> IOManagerDefinition:
        """An I/O manager that is `value` itself."""
        return HardcodedIOManager(value, description)

    def _manager(self, context: InitResourceContext) -> AbstractContextManager[Any]:
        return _Checked(super()._manager(context), IOManager, self.type_name)


class HardcodedIOManager(IOManagerDefinition):
    """An I/O manager that is an object the user made. It takes no configuration."""

    def __init__(self, value: IOManager, description: str | None = None) -> None:
        super().__init__(lambda: value, {}, description)
        self.value = value

    @property
    def type_name(self) -> str:
        """The class of the object."""
        kind = type(self.value)
        return f"{kind.__module__}.{kind.__qualname__}"

    @property
    def source(self) -> object:
        """The object."""
        return self.value


class InputManagerDefinition(ResourceDefinition):
    """How to make an input manager; see `IOManagerDefinition`."""

    def __init__(
        self,
        resource_fn: ResourceFunction,
        config_schema: ConfigSchema | None = None,
        description: str | None = None,
        required_resource_keys: Collection[str] | None = None,
        version: str | None = None,
        input_config_schema: ConfigSchema | None = None,
    ) -> None:
        super().__init__(resource_fn, config_schema, description, required_resource_keys, version)
        self.input_config_schema: Field | None = optional_schema(input_config_schema)

    def _manager(self, context: InitResourceContext) -> AbstractContextManager[Any]:
        return _Checked(super()._manager(context), InputManager, self.type_name)


@overload
def io_manager(fn: ResourceFunction, /) -> IOManagerDefinition: ...  # type: ignore[overload-overlap]  # a class is callable, but a schema
@overload
def io_manager(
    config_schema: ConfigSchema | None = None,
    description: str | None = None,
    output_config_schema: ConfigSchema | None = None,
    input_config_schema: ConfigSchema | None = None,
    required_resource_keys: Collection[str] | None = None,
    version: str | None = None,
) -> Callable[[ResourceFunction], IOManagerDefinition]: ...
def io_manager(
    config_schema: ConfigSchema | ResourceFunction | None = None,
    description: str | None = None,
    output_config_schema: ConfigSchema | None = None,
    input_config_schema: ConfigSchema | None = None,
    required_resource_keys: Collection[str] | None = None,
    version: str | None = None,
) -> IOManagerDefinition | Callable[[ResourceFunction], IOManagerDefinition]:
    """Make an I/O manager of a function that takes an `InitResourceContext` (or nothing) and returns an `IOManager`.

    Args:
        config_schema: what may be configured once for it.
        description: what it is for.
        output_config_schema: what may be configured for each output.
        input_config_schema: what may be configured for each input.
        required_resource_keys: resources it needs.
        version: changes when what it stores changes.
    """
    if is_bare_function(config_schema):
        return IOManagerDefinition(config_schema)
    schema = cast("ConfigSchema | None", config_schema)

    def decorate(fn: ResourceFunction) -> IOManagerDefinition:
        return IOManagerDefinition(
            fn, schema, description, required_resource_keys, version, input_config_schema, output_config_schema
        )

    return decorate


@overload
def input_manager(fn: LoadFunction, /) -> InputManagerDefinition: ...  # type: ignore[overload-overlap]  # a class is callable, but a schema
@overload
def input_manager(
    config_schema: ConfigSchema | None = None,
    description: str | None = None,
    input_config_schema: ConfigSchema | None = None,
    required_resource_keys: Collection[str] | None = None,
    version: str | None = None,
) -> Callable[[LoadFunction], InputManagerDefinition]: ...
def input_manager(
    config_schema: ConfigSchema | LoadFunction | None = None,
    description: str | None = None,
    input_config_schema: ConfigSchema | None = None,
    required_resource_keys: Collection[str] | None = None,
    version: str | None = None,
) -> InputManagerDefinition | Callable[[LoadFunction], InputManagerDefinition]:
    """Make an input manager of the function that loads an input.

    >>> @input_manager
    ... def orders(context):
    ...     return read_csv("orders.csv")

    The function takes an `InputContext` or nothing. The configuration of the manager is at ``context.resource_config``.

    Args:
        config_schema: what may be configured once for it.
        description: what it is for.
        input_config_schema: what may be configured for each input.
        required_resource_keys: resources it needs.
        version: changes when what it loads changes.
    """

    def decorate(fn: LoadFunction, schema: ConfigSchema | None) -> InputManagerDefinition:
        def make() -> InputManager:
            return FunctionInputManager(fn)

        make.__doc__, make.__module__, make.__qualname__ = fn.__doc__, fn.__module__, fn.__qualname__
        return InputManagerDefinition(make, schema, description, required_resource_keys, version, input_config_schema)

    if is_bare_function(config_schema):
        return decorate(config_schema, None)
    return lambda fn: decorate(fn, cast("ConfigSchema | None", config_schema))


class FunctionInputManager(InputManager):
    """An input manager whose `load_input` is a function."""

    __slots__ = ("_fn", "_takes_context")

    def __init__(self, fn: LoadFunction) -> None:
        self._fn = fn
        self._takes_context = bool(inspect.signature(fn).parameters)

    def load_input(self, context: Any) -> Any:
        """See `InputManager.load_input`."""
        return self._fn(context) if self._takes_context else self._fn()


class _Checked:
    """The set-up of a resource that must be of one kind."""

    __slots__ = ("_kind", "_made_by", "_manager")

    def __init__(self, manager: AbstractContextManager[Any], kind: type, made_by: str) -> None:
        self._manager = manager
        self._kind = kind
        self._made_by = made_by

    def __enter__(self) -> Any:
        value = self._manager.__enter__()
        if isinstance(value, self._kind):
            return value
        error = DefinitionError(
            f"What should make an {self._kind.__name__} made something else.",
            code="WEFT-D213",
            facts={"made by": self._made_by, "found": type(value).__qualname__},
            fix=f"return an object whose class derives from {self._kind.__name__}",
        )
        self._manager.__exit__(type(error), error, None)
        raise error

    def __exit__(self, *error: Any) -> bool | None:
        return self._manager.__exit__(*error)


def optional_schema(schema: ConfigSchema | None) -> Field | None:
    """`schema` as a declared field, or None where there is none."""
    return None if schema is None else declared(schema)
