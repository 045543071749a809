"""Resources: objects that steps share, such as clients and connections, set up before a step and torn down after it.

A `ResourceDefinition` says how to make one. However it is written (a function, a generator, a function under
``contextlib.contextmanager``, a plain object, a configurable resource), it is used in one way: `ResourceDefinition.open` is a context manager that
yields the resource and tears it down on exit. Configuration reaches it validated, with environment variables read
(`InitResourceContext.resource_config`).
"""

from __future__ import annotations

import contextlib
import inspect
import logging
import os
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard, cast, overload

from msgspec import UNSET

from weft.config.mapping import configured_field
from weft.config.schema import Any as AnyConfig, ConfigSchema, Field, Shape, String, to_data
from weft.config.validation import declared, validate
from weft.definitions.scoped_resources import ScopedResources
from weft.errors import DefinitionError, InvocationError, ResourceError, WeftError
from weft.model.snapshot import ResourceSnapshot

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from weft.model.run import Run

ResourceFunction: TypeAlias = Callable[..., Any]
"""Makes a resource: takes an `InitResourceContext` or nothing; returns the resource, yields it once, or returns a context manager
made by ``contextlib.contextmanager``."""

NO_CONFIG = Field(Shape({}))
ANY_CONFIG = Field(AnyConfig, is_required=False)
# Names by which a parameter with a default is still taken for the context.
_CONTEXT_NAMES = frozenset({"context", "init_context", "_context", "_"})


class InitResourceContext:
    """What a resource sees while it is set up. Built by whoever carries out the run, or by `build_init_resource_context` in tests."""

    __slots__ = ("_instance", "_log", "_resource_config", "_resource_def", "_resource_key", "_resources", "_run")

    def __init__(
        self,
        *,
        resource_config: Any = None,
        resources: ScopedResources | Mapping[str, object] | None = None,
        resource_key: str = "",
        resource_def: ResourceDefinition | None = None,
        run: Run | None = None,
        instance: Any = None,  # an instance is wired above this layer
        log: logging.Logger | None = None,
    ) -> None:
        self._resource_config = resource_config
        self._resources = resources if isinstance(resources, ScopedResources) else ScopedResources(resources)
        self._resource_key = resource_key
        self._resource_def = resource_def
        self._run = run
        self._instance = instance
        self._log = log

    @property
    def resource_config(self) -> Any:
        """The configuration of the resource: validated, defaults applied, environment variables read."""
        return self._resource_config

    @property
    def resources(self) -> Any:
        """The resources that this one requires, as attributes."""
        return self._resources

    @property
    def resource_key(self) -> str:
        """The key under which the resource is bound; of a resource inside another, ``outer.field``. Empty outside a run."""
        return self._resource_key

    @property
    def resource_def(self) -> ResourceDefinition | None:
        """The definition that is being set up."""
        return self._resource_def

    @property
    def run(self) -> Run | None:
        """The run, or None outside one."""
        return self._run

    @property
    def run_id(self) -> str | None:
        """The id of the run, or None outside one."""
        return self._run.id if self._run is not None else None

    @property
    def instance(self) -> Any:
        """The instance that the run belongs to, or None outside one."""
        return self._instance

    @property
    def log(self) -> logging.Logger:
        """Where to log: the run's log, or the logger ``weft`` outside a run."""
        return self._log if self._log is not None else logging.getLogger("weft")

    def replace(
        self, *, resource_config: Any, resource_key: str, resource_def: ResourceDefinition | None
    ) -> InitResourceContext:
        """The same surroundings for another resource."""
        return InitResourceContext(
            resource_config=resource_config,
            resources=self._resources,
            resource_key=resource_key,
            resource_def=resource_def,
            run=self._run,
            instance=self._instance,
            log=self._log,
        )

    def replace_config(self, config: Any) -> InitResourceContext:
        """The same context with other configuration."""
        return self.replace(resource_config=config, resource_key=self._resource_key, resource_def=self._resource_def)


class ResourceDefinition:
    """How to make a resource.

    Args:
        resource_fn: makes it; see `ResourceFunction`.
        config_schema: what may be configured. None: anything, and nothing must be.
        description: what the resource is for.
        required_resource_keys: resources that must be set up before it, readable as ``context.resources``.
        version: changes when what the resource does changes.

    Raises:
        DefinitionError: (WEFT-D210) `resource_fn` takes more than a context; the schema does not hold together.
    """

    def __init__(
        self,
        resource_fn: ResourceFunction,
        config_schema: ConfigSchema | None = None,
        description: str | None = None,
        required_resource_keys: Collection[str] | None = None,
        version: str | None = None,
    ) -> None:
        self.resource_fn = resource_fn
        self.config_schema: Field = ANY_CONFIG if config_schema is None else declared(config_schema)
        self.description = description or (inspect.getdoc(resource_fn) if inspect.isroutine(resource_fn) else None)
        self.required_resource_keys = frozenset(required_resource_keys or ())
        self.version = version
        self._takes_context = _takes_context(resource_fn)

    @property
    def type_name(self) -> str:
        """What makes the resource, as ``module.name``."""
        fn = self.resource_fn
        name = getattr(fn, "__qualname__", type(fn).__qualname__)
        return f"{getattr(fn, '__module__', type(fn).__module__)}.{name}"

    @property
    def source(self) -> object:
        """The object that the user declared: this definition, or the configurable resource or plain object behind it."""
        return self

    @property
    def is_for_step(self) -> bool:
        """Whether it is set up for each step, because values of it depend on the step."""
        return False

    def for_step(
        self, context: Any, key: str, config: Mapping[str, Any] | None
    ) -> tuple[ResourceDefinition, dict[str, Any]]:
        """The definition for one step, and the values that were found for it by ``<key>.<field>``; secret ones are hidden.

        Args:
            context: the context of the step, without resources.
            key: the key of the resource.
            config: its configuration in the run; what it gives wins.

        Raises:
            ExecutionError: (WEFT-X102) a function that gives a value raised.
        """
        return self, {}

    def describe(self, key: str) -> ResourceSnapshot:
        """The definition as a value for snapshots. Defaults of secret fields are left out."""
        return ResourceSnapshot(
            key=key,
            type_name=self.type_name,
            description=self.description,
            config_schema={} if self.config_schema == ANY_CONFIG else to_data(self.config_schema),
            requires=tuple(sorted(self.required_resource_keys)),
        )

    def bound(self, keys: Mapping[int, str]) -> ResourceDefinition:
        """The definition within a set of resources, where `keys` maps the ``id`` of each source to its key.

        A resource inside another that is also bound to a key of its own is then shared. Most definitions have nothing inside.
        """
        return self

    @contextmanager
    def open(self, context: InitResourceContext) -> Iterator[Any]:
        """Set the resource up, yield it, tear it down on exit.

        An exception of the body is raised inside a generator or context manager too, so that it may roll back, and always propagates.

        Raises:
            ResourceError: (WEFT-X010) set-up failed, (WEFT-X011) a generator did not yield, (WEFT-X012) teardown failed. The cause is
                the user's exception.
        """
        manager = self._manager(context)
        key = context.resource_key
        try:
            value = manager.__enter__()
        except WeftError:
            raise
        except Exception as error:
            raise _set_up_failed(key, self.type_name, error) from error
        try:
            yield value
        except BaseException as error:
            manager.__exit__(type(error), error, error.__traceback__)
            raise
        else:
            try:
                manager.__exit__(None, None, None)
            except WeftError:
                raise
            except Exception as error:
                raise ResourceError(
                    f"The teardown of {_named(key)} failed.",
                    code="WEFT-X012",
                    facts={"made by": self.type_name, "error": f"{type(error).__name__}: {error}"},
                    fix="see the traceback of the error above",
                ) from error

    def initialised(self, context: InitResourceContext) -> Any:
        """The resource, set up, with nothing to tear it down; for tests and scripts.

        Raises:
            InvocationError: (WEFT-I092) it has a teardown.
        """
        made = self._call(context)
        if inspect.isgenerator(made) or _is_made_by_contextmanager(made):
            raise needs_teardown(self.type_name)
        return made

    def _manager(self, context: InitResourceContext) -> AbstractContextManager[Any]:
        """The set-up and teardown of one resource. Entering it may raise anything."""
        return _Deferred(lambda: self._call(context), self)

    def _call(self, context: InitResourceContext) -> Any:
        return self.resource_fn(context) if self._takes_context else self.resource_fn()

    def configured(
        self,
        config_or_config_fn: Any,
        config_schema: ConfigSchema | None = None,
        description: str | None = None,
    ) -> ResourceDefinition:
        """The resource with its configuration given, or computed from other configuration.

        Args:
            config_or_config_fn: the configuration, or a function from the new configuration to it.
            config_schema: the schema of the new configuration, for a function.
            description: in place of this definition's.

        Raises:
            ConfigError: the configuration does not fit the schema.
        """
        copy = self._copy()
        copy.description = description or self.description
        copy.config_schema = configured_field(self.config_schema, config_or_config_fn, config_schema)
        return copy

    def _copy(self) -> ResourceDefinition:
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        return copy

    def __call__(self, context: InitResourceContext | None = None) -> Any:
        """Call the function that makes the resource, for tests. A generator comes back as it is.

        Without a context it gets one with its default configuration. Configuration of a context that was built without this definition is
        checked first.
        """
        if context is None:
            context = InitResourceContext()
        if context.resource_def is None:
            config = self.processed_config(context.resource_config)
            context = context.replace(resource_config=config, resource_key=context.resource_key, resource_def=self)
        return self._call(context)

    def processed_config(self, config: Any) -> Any:
        """Configuration as the function gets it: checked, defaults applied, environment variables read. None: nothing was given.

        Raises:
            ConfigError: it does not fit, or variables are missing.
        """
        path = ("config",)
        given = UNSET if config is None else config
        checked = validate(self.config_schema, given, path=path, environ=os.environ)
        value = checked.resolve(os.environ, path=path).value
        return None if value is UNSET else value

    @staticmethod
    def hardcoded_resource(value: Any, description: str | None = None) -> ResourceDefinition:
        """A resource that is `value` itself."""
        return HardcodedResource(value, description)

    @staticmethod
    def none_resource(description: str | None = None) -> ResourceDefinition:
        """A resource that is None."""
        return HardcodedResource(None, description)

    @staticmethod
    def mock_resource(description: str | None = None) -> ResourceDefinition:
        """A resource that is a fresh ``unittest.mock.MagicMock`` in each run, for tests."""

        def mock() -> Any:
            from unittest.mock import MagicMock  # for tests only

            return MagicMock()

        return ResourceDefinition(mock, NO_CONFIG, description)

    @staticmethod
    def string_resource(description: str | None = None) -> ResourceDefinition:
        """A resource that is the text it is configured with."""
        return ResourceDefinition(_configured_value, String, description)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.type_name}>"


class HardcodedResource(ResourceDefinition):
    """A resource that is an object the user made. It takes no configuration; nothing is torn down."""

    def __init__(self, value: Any, description: str | None = None) -> None:
        super().__init__(lambda: value, NO_CONFIG, description)
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


@overload
def resource(fn: ResourceFunction, /) -> ResourceDefinition: ...  # type: ignore[overload-overlap]  # a class is callable, but a schema
@overload
def resource(
    config_schema: ConfigSchema | None = None,
    description: str | None = None,
    required_resource_keys: Collection[str] | None = None,
    version: str | None = None,
) -> Callable[[ResourceFunction], ResourceDefinition]: ...
def resource(
    config_schema: ConfigSchema | ResourceFunction | None = None,
    description: str | None = None,
    required_resource_keys: Collection[str] | None = None,
    version: str | None = None,
) -> ResourceDefinition | Callable[[ResourceFunction], ResourceDefinition]:
    """Make a resource of a function. It may yield the resource and tear it down after that.

    >>> @resource(config_schema={"path": str})
    ... def lines(context):
    ...     with open(context.resource_config["path"]) as file:
    ...         yield file

    Args:
        config_schema: what may be configured; None: anything.
        description: what it is for; the docstring where None.
        required_resource_keys: resources that must be set up before it.
        version: changes when what it does changes.
    """
    if is_bare_function(config_schema):
        return ResourceDefinition(config_schema)
    schema = cast("ConfigSchema | None", config_schema)

    def decorate(fn: ResourceFunction) -> ResourceDefinition:
        return ResourceDefinition(fn, schema, description, required_resource_keys, version)

    return decorate


def make_values_resource(**fields: Any) -> ResourceDefinition:
    """A resource that is a dict of configured values, each parameter a name and its schema. Without parameters: any values.

    >>> values = make_values_resource(path=str, limit=Field(int, default_value=3))
    """
    return ResourceDefinition(_configured_value, fields or AnyConfig)


def is_bare_function(argument: object) -> TypeGuard[Callable[..., Any]]:
    """Whether a decorator was used without parentheses: its only argument is the function."""
    return callable(argument) and not isinstance(argument, type)


def _configured_value(context: InitResourceContext) -> Any:
    return context.resource_config


class _Deferred:
    """Calls a function on entering and finds out then what came back: the resource, a generator, a context manager."""

    __slots__ = ("_call", "_definition", "_manager")

    def __init__(self, call: Callable[[], Any], definition: ResourceDefinition) -> None:
        self._call = call
        self._definition = definition
        self._manager: Any = None

    def __enter__(self) -> Any:
        made = self._call()
        if inspect.isgenerator(made):
            made = _GeneratorResource(made, self._definition.type_name)
        elif not _is_made_by_contextmanager(made):
            return made
        self._manager = made
        return made.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._manager is not None:
            self._manager.__exit__(kind, error, traceback)


class _GeneratorResource:
    """A generator that yields a resource once, as a context manager."""

    __slots__ = ("_generator", "_made_by")

    def __init__(self, generator: Generator[Any, Any, Any], made_by: str) -> None:
        self._generator = generator
        self._made_by = made_by

    def __enter__(self) -> Any:
        try:
            return next(self._generator)
        except StopIteration:
            raise ResourceError(
                "A resource generator ended without yielding a resource.",
                code="WEFT-X011",
                facts={"made by": self._made_by},
                fix="yield the resource exactly once",
            ) from None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if error is None:
                next(self._generator)
            else:
                self._generator.throw(error)
        except StopIteration:
            return
        except BaseException as raised:
            if raised is error:  # passed on: `open` raises it
                return
            raise
        self._generator.close()
        raise ResourceError(
            "A resource generator yielded a second time.",
            code="WEFT-X013",
            facts={"made by": self._made_by},
            fix="yield the resource exactly once; what follows the yield is the teardown",
        )


def _is_made_by_contextmanager(value: object) -> bool:
    """Whether `value` comes from a function under ``contextlib.contextmanager``.

    Other objects that happen to be context managers (files, connections) are the resource itself: entering them could commit or close.
    """
    return isinstance(value, contextlib.ContextDecorator) and isinstance(value, contextlib.AbstractContextManager)


def _takes_context(fn: ResourceFunction) -> bool:
    try:
        parameters = inspect.signature(fn).parameters.values()
    except (TypeError, ValueError):  # some built-ins have none
        return not isinstance(fn, type)
    required = [
        p for p in parameters if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    keyword_only = [p.name for p in parameters if p.default is p.empty and p.kind is p.KEYWORD_ONLY]
    if len(required) > 1 or keyword_only:
        raise DefinitionError(
            f"The function of a resource takes {len(required) + len(keyword_only)} parameters.",
            code="WEFT-D210",
            facts={
                "function": getattr(fn, "__qualname__", repr(fn)),
                "parameters": ", ".join([*(p.name for p in required), *keyword_only]),
            },
            fix="take an InitResourceContext or nothing; read other resources from context.resources",
        )
    return bool(required) or any(p.name in _CONTEXT_NAMES for p in parameters)


def needs_teardown(made_by: str) -> InvocationError:
    """The error of setting up without teardown what cannot do without."""
    return InvocationError(
        f"{made_by} sets up and tears down in one: it cannot be set up alone.",
        code="WEFT-I092",
        fix="use it as a context manager: process_config_and_initialize_cm(), from_resource_context_cm(context)",
    )


def _named(key: str) -> str:
    return f'the resource "{key}"' if key else "a resource"


def _set_up_failed(key: str, made_by: str, error: Exception) -> ResourceError:
    return ResourceError(
        f"Setting up {_named(key)} failed.",
        facts={"made by": made_by, "error": f"{type(error).__name__}: {error}"},
        fix="see the traceback of the error above",
    )
