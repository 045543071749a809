"""Resources as pydantic classes: fields are their configuration, methods are what users call.

An object that the user declares is a description. For each use a resource is made from it (`ConfigurableResourceDefinition._values`, the one place
where fields get their values): configuration of the run replaces declared values, environment variables are read, resources in fields
are set up first. Where nothing changes it is a copy, so that what `setup_for_execution` keeps in private attributes never leaks from
one run into another.

A field may be given as a function of the context of a step (``Spark(executors=lambda context: ...)``). Such a resource is set up for each step
that needs it, with the values for that step (`ConfigurableResourceDefinition.for_step`), in place of once for the run.

A resource in a field of another is set up with it, under ``<key>.<field>``; if the same object is also bound to a key of its own, that one is
shared.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from types import FunctionType, MethodType
from typing import Any, ClassVar, Generic, TypeAlias

from msgspec import UNSET, structs
from pydantic import BaseModel, GetCoreSchemaHandler, PrivateAttr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, core_schema
from typing_extensions import Self, TypeVar

from weft.config.data import config_data
from weft.config.env import env_name_in
from weft.config.models import ConfigModel, admits_none, field_data, key_of, refusals_of, shape_of
from weft.config.schema import Field, Permissive, Refusal, Shape, fields_of
from weft.config.secrets import HIDDEN
from weft.config.validation import collect_texts, declared, redacted, refused, validate
from weft.definitions.resource_annotations import (
    InitializedResource,
    is_resource_marker,
    mentions_resource,
    resource_class_of,
)
from weft.definitions.resources import InitResourceContext, ResourceDefinition, needs_teardown
from weft.definitions.source import declared_at
from weft.errors import ConfigError, DefinitionError, ExecutionError, InvocationError, did_you_mean, some_of

OpenResource: TypeAlias = Callable[[ResourceDefinition, InitResourceContext], Any]
"""Sets one resource up, for as long as the resource around it is used."""

T = TypeVar("T", default=Any)


class ConfigurableResourceFactory(ConfigModel, Generic[T]):
    """Describes how to make a resource of another class: fields are configuration, `create_resource` makes it.

    >>> class Connection(ConfigurableResourceFactory[psycopg.Connection]):
    ...     dsn: str
    ...     def create_resource(self, context):
    ...         return psycopg.connect(self.dsn)

    A step takes what it makes as ``connection: ResourceParam[psycopg.Connection]``.
    """

    __weft_resource__: ClassVar[bool] = True

    _weft_context: InitResourceContext | None = PrivateAttr(default=None)

    def __new__(cls, /, *args: Any, **data: Any) -> Self:
        """The object; or, where functions of a step's context stand in for values, what makes one for each step."""
        if data and any(_is_function_of_step(cls, name, value) for name, value in data.items()):
            return LaunchConfigured(cls, data)  # type: ignore[return-value]  # stands for it wherever resources are declared
        return super().__new__(cls)

    # --- for subclasses -----------------------------------------------------------------------------------------------

    def create_resource(self, context: InitResourceContext) -> T:
        """The resource, made from the fields. Called once for each set-up, after `setup_for_execution`."""
        raise DefinitionError(
            f"{type(self).__name__} does not say what resource it makes.",
            code="WEFT-D221",
            facts={"class": type(self).__qualname__},
            fix="define create_resource(self, context), or derive from ConfigurableResource",
        )

    def setup_for_execution(self, context: InitResourceContext) -> None:
        """Called before the resource is used. Keep what it opens in private attributes (``_client: Client = PrivateAttr()``)."""

    def teardown_after_execution(self, context: InitResourceContext) -> None:
        """Called after the last use, also when steps failed; not called where `setup_for_execution` raised."""

    @contextmanager
    def yield_for_execution(self, context: InitResourceContext) -> Iterator[T]:
        """Set-up and teardown as one context manager; override it in place of the two methods."""
        self.setup_for_execution(context)
        try:
            yield self.create_resource(context)
        finally:
            self.teardown_after_execution(context)

    def get_resource_context(self) -> InitResourceContext:
        """The context in which the resource was set up.

        Raises:
            InvocationError: (WEFT-I091) it was not set up: it is the description that was declared.
        """
        if self._weft_context is None:
            raise InvocationError(
                f"{type(self).__name__} has no context: it was not set up.",
                code="WEFT-I091",
                facts={"what has one": "the object that steps receive in a run"},
                fix="in tests, use it through process_config_and_initialize_cm() or build_resources(...)",
            )
        return self._weft_context

    # --- for users ----------------------------------------------------------------------------------------------------

    @classmethod
    def configure_at_launch(cls, **given: Any) -> Any:  # fits resources={...} and a field of the class alike
        """The resource with its fields left to the configuration of each run, except those given here.

        Raises:
            DefinitionError: (WEFT-D220) a name is no field; (WEFT-D222) a field that takes a resource is not given: a run's configuration
                cannot name one.
        """
        return LaunchConfigured(cls, given)

    def with_replaced_resource_context(self, context: InitResourceContext) -> Self:
        """A copy that has `context` as its context."""
        copy = self.model_copy()
        copy._weft_context = context
        return copy

    @classmethod
    def from_resource_context(
        cls, context: InitResourceContext, nested_resources: Mapping[str, Any] | None = None
    ) -> T:
        """The resource from the configuration in `context`, set up, inside the function of another resource.

        Nothing tears it down: use `from_resource_context_cm` where that matters.
        """
        made: T = cls._declared_in(nested_resources).initialised(context)
        return made

    @classmethod
    @contextmanager
    def from_resource_context_cm(
        cls, context: InitResourceContext, nested_resources: Mapping[str, Any] | None = None
    ) -> Iterator[T]:
        """The resource from the configuration in `context`, torn down at the end of the block."""
        with cls._declared_in(nested_resources).open(context) as value:
            yield value

    @classmethod
    def _declared_in(cls, nested: Mapping[str, Any] | None) -> ConfigurableResourceDefinition:
        return LaunchConfigured(cls, dict(nested or {})).__weft_resource_definition__()

    def process_config_and_initialize(self) -> T:
        """The resource with environment variables read and everything set up, for tests and scripts. Nothing tears it down."""
        made: T = self.__weft_resource_definition__().initialised(InitResourceContext())
        return made

    @contextmanager
    def process_config_and_initialize_cm(self) -> Iterator[T]:
        """The same, torn down at the end of the block."""
        with self.__weft_resource_definition__().open(InitResourceContext()) as value:
            yield value

    # --- how it describes itself --------------------------------------------------------------------------------------

    @classmethod
    def __weft_is_config_field__(cls, field: FieldInfo) -> bool:
        return not _takes_resource(field)

    def __weft_resource_definition__(self) -> ConfigurableResourceDefinition:
        """The definition behind this object; equal in effect each time."""
        return self.__weft_definition_class__(type(self), self.__dict__ | (self.__pydantic_extra__ or {}), self)

    @classmethod
    def __weft_definition_class__(cls, *arguments: Any) -> ConfigurableResourceDefinition:
        return ConfigurableResourceDefinition(*arguments)

    def __weft_config_data__(self) -> dict[str, Any]:
        data = super().__weft_config_data__()
        for name, field in resource_fields(type(self)).items():
            inner = self.__dict__.get(name)
            if isinstance(inner, ConfigurableResourceFactory):
                data[key_of(name, field)] = config_data(inner)
        return data

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[BaseModel], handler: GetCoreSchemaHandler, /) -> CoreSchema:
        """A field of this class also holds what stands for such a resource: one left to launch, any definition, one that is set up."""
        inner = super().__get_pydantic_core_schema__(source, handler)

        def accept(value: Any, validate_inner: Callable[[Any], Any]) -> Any:
            if isinstance(value, InitializedResource):
                return value.value
            if isinstance(value, ResourceDefinition):
                return value
            if isinstance(value, LaunchConfigured) and issubclass(value.resource_class, cls):
                return value
            return validate_inner(value)

        return core_schema.no_info_wrap_validator_function(accept, inner)

    def _become_template(self, data: Mapping[str, Any]) -> None:
        given = dict(data)
        for name, field in type(self).model_fields.items():
            inner = resource_class_of(field.annotation)
            if isinstance(given.get(name), Mapping) and inner is not None and issubclass(inner, BaseModel):
                given[name] = inner(**given[name])
        super()._become_template(given)


class ConfigurableResource(ConfigurableResourceFactory[T]):
    """A resource whose fields are its configuration. Steps receive an object of the class.

    >>> class Warehouse(ConfigurableResource):
    ...     host: str
    ...     password: str = EnvVar("WAREHOUSE_PASSWORD")
    ...     def rows(self, query: str) -> list[dict]: ...
    >>> Definitions(assets=[...], resources={"warehouse": Warehouse(host="localhost")})

    The fields may hold other resources. Objects are immutable; state goes into private attributes.
    """

    def create_resource(
        self, context: InitResourceContext
    ) -> Any:  # a factory says what it makes; a resource is itself
        """The object itself."""
        return self


class ConfigurableLegacyResourceAdapter(ConfigurableResourceFactory[Any]):
    """Gives an older function resource fields of its own: `wrapped_resource` is the definition that takes them as its configuration."""

    @property
    def wrapped_resource(self) -> ResourceDefinition:
        """The definition to set up with the configuration of this object."""
        raise DefinitionError(
            f"{type(self).__name__} does not say which resource it wraps.",
            code="WEFT-D223",
            facts={"class": type(self).__qualname__},
            fix="define the property wrapped_resource",
        )

    @contextmanager
    def yield_for_execution(self, context: InitResourceContext) -> Iterator[Any]:
        """The wrapped resource."""
        with self.wrapped_resource.open(context) as value:
            yield value


class LaunchConfigured:
    """A resource class with some of its fields given and the others left to the configuration of each run."""

    __slots__ = ("given", "resource_class")

    def __init__(self, resource_class: type[ConfigurableResourceFactory[Any]], given: Mapping[str, Any]) -> None:
        fields = resource_class.model_fields
        unknown = [name for name in given if name not in fields]
        if unknown:
            raise DefinitionError(
                f"{resource_class.__name__} has no field {unknown[0]!r}.",
                code="WEFT-D220",
                facts={"fields": some_of(fields)},
                fix=did_you_mean(unknown[0], fields, "leave it out."),
            )
        missing = [
            name for name, field in resource_fields(resource_class).items() if field.is_required() and name not in given
        ]
        if missing:
            raise DefinitionError(
                f"{resource_class.__name__} needs a resource that configuration cannot give: {', '.join(missing)}.",
                code="WEFT-D222",
                facts={"class": resource_class.__qualname__},
                fix=f"{resource_class.__name__}.configure_at_launch({missing[0]}=...)",
            )
        self.resource_class = resource_class
        self.given = dict(given)

    def __weft_resource_definition__(self) -> ConfigurableResourceDefinition:
        """The definition behind this object."""
        return self.resource_class.__weft_definition_class__(self.resource_class, self.given, self)

    def __repr__(self) -> str:
        given = ", ".join(f"{name}=..." for name in self.given)
        return f"{self.resource_class.__name__}.configure_at_launch({given})"


class ConfigurableResourceDefinition(ResourceDefinition):
    """The definition behind a configurable resource.

    Args:
        resource_class: the class.
        given: field to the value that was declared. The rest comes from configuration or the class's defaults.
        source: the object that was declared.
        keys: ``id`` of sources to the keys they are bound to; see `ResourceDefinition.bound`.
    """

    def __init__(
        self,
        resource_class: type[ConfigurableResourceFactory[Any]],
        given: Mapping[str, Any],
        source: object,
        keys: Mapping[int, str] | None = None,
    ) -> None:
        self._class = resource_class
        self._given = given
        # Fields whose values are functions of the context of a step.
        self._functions = {
            name: value for name, value in given.items() if _is_function_of_step(resource_class, name, value)
        }
        self._source = source
        self._keys = {other: key for other, key in (keys or {}).items() if other != id(source)}
        # Field to the definition of the resource in it, where it is not shared through a key.
        self._inner: dict[str, ResourceDefinition] = {}
        required: set[str] = set()
        for name, field in resource_fields(resource_class).items():
            declared_value = given.get(name, field.default)
            for value in _resources_in(declared_value):
                if id(value) in self._keys:
                    required.add(self._keys[id(value)])
                    continue
                inner = _definition_of(value).bound(self._keys)
                required |= inner.required_resource_keys
                if value is declared_value:
                    self._inner[name] = inner
        schema = self._schema()
        if isinstance(source, LaunchConfigured):
            declared(schema)  # of an object, pydantic has checked the values
        self.resource_fn = self.initialised
        self.config_schema = schema
        self.description = schema.description
        self.required_resource_keys = frozenset(required)
        self.version = None
        self._takes_context = True

    @property
    def is_for_step(self) -> bool:
        """See `ResourceDefinition.is_for_step`."""
        return bool(self._functions) or any(inner.is_for_step for inner in self._inner.values())

    def for_step(
        self, context: Any, key: str, config: Mapping[str, Any] | None
    ) -> tuple[ResourceDefinition, dict[str, Any]]:
        """See `ResourceDefinition.for_step`."""
        given = dict(self._given)
        found: dict[str, Any] = {}
        fields = fields_of(self._shape)
        for name, function in self._functions.items():
            field_key = key_of(name, self._class.model_fields[name])
            label = f"{key}.{name}"
            if config is not None and field_key in config:  # the configuration of the run wins
                del given[name]
                continue
            try:
                given[name] = function(context)
            except Exception as error:
                raise ExecutionError(
                    f'the function that gives "{label}" for step "{context.step.key}" raised {type(error).__name__}: {error}',
                    code="WEFT-X102",
                    facts={"resource": self.type_name, "field": name, "declared in": declared_at(function) or "?"},
                    fix="look at what the context has before using it, for example context.has_partition_key",
                ) from error
            is_secret = field_key in fields and fields[field_key].is_secret
            found[label] = HIDDEN if is_secret else given[name]
        for name, inner in self._inner.items():
            if inner.is_for_step:
                inner_config = (config or {}).get(key_of(name, self._class.model_fields[name]))
                given[name], inner_found = inner.for_step(context, f"{key}.{name}", inner_config)
                found.update(inner_found)
        definition = type(self)(self._class, given, self, {**self._keys})
        return definition, found

    @property
    def type_name(self) -> str:
        """The class of the resource."""
        return f"{self._class.__module__}.{self._class.__qualname__}"

    @property
    def source(self) -> object:
        """The object that was declared."""
        return self._source

    def bound(self, keys: Mapping[int, str]) -> ConfigurableResourceDefinition:
        """The definition that shares those resources in its fields that are bound to keys of their own."""
        inside = [id(value) for value in self._resources_inside()]
        if all(keys.get(inner) == self._keys.get(inner) for inner in inside):
            return self
        return type(self)(self._class, self._given, self._source, keys)

    def initialised(self, context: InitResourceContext) -> Any:
        """See `ResourceDefinition.initialised`."""
        context = self._with_config(context)
        resource = self._resource(context, lambda definition, inner: definition.initialised(inner))
        if type(resource).yield_for_execution is not ConfigurableResourceFactory.yield_for_execution:
            raise needs_teardown(self.type_name)
        resource.setup_for_execution(context)
        return resource.create_resource(context)

    def refusals(self, config: Mapping[str, Any]) -> list[Refusal]:
        """What the class itself refuses in `config`, which has the right shape. Nothing is set up."""
        if self._functions:
            return []  # some values are known only when a step begins; they are checked then
        values, _, changed = self._values(config, lambda name, value, inner_config: value)
        if changed:
            try:
                self._class(**values)
            except ValidationError as error:
                return refusals_of(error, values)
        return []

    def _resources_inside(self) -> Iterator[Any]:
        """The resources in the fields, and in the fields of those."""
        for name, field in resource_fields(self._class).items():
            for value in _resources_in(self._given.get(name, field.default)):
                yield value
                definition = _definition_of(value)
                if isinstance(definition, ConfigurableResourceDefinition):
                    yield from definition._resources_inside()

    def _manager(self, context: InitResourceContext) -> AbstractContextManager[Any]:
        return self._set_up(context)

    @contextmanager
    def _set_up(self, context: InitResourceContext) -> Iterator[Any]:
        context = self._with_config(context)
        with ExitStack() as stack:
            resource = self._resource(context, lambda definition, inner: stack.enter_context(definition.open(inner)))
            yield stack.enter_context(resource.yield_for_execution(context))

    def _with_config(self, context: InitResourceContext) -> InitResourceContext:
        """`context` with the defaults as configuration where it has none: outside a run nobody has validated any."""
        if context.resource_config is not None:
            return context
        path = _config_path(context)
        return context.replace_config(validate(self.config_schema, path=path).resolve(os.environ, path=path).value)

    def _resource(self, context: InitResourceContext, open_inner: OpenResource) -> ConfigurableResourceFactory[Any]:
        """The object to use: the class made anew where anything differs from what was declared, else a copy."""

        def opened(name: str, value: Any, config: Any) -> Any:
            return self._opened(name, value, config, context, open_inner)

        values, from_env, changed = self._values(context.resource_config, opened)
        if not changed and isinstance(self._source, ConfigurableResourceFactory):
            resource: ConfigurableResourceFactory[Any] = self._source.model_copy()
        else:
            resource = self._made(values, from_env, _config_path(context))
        resource._weft_context = context
        return resource

    def _values(
        self, config: Mapping[str, Any], opened: Callable[[str, Any, Any], Any]
    ) -> tuple[dict[str, Any], set[str], bool]:
        """The value of each field by key, the keys whose values came from the environment, and whether any is not the declared one.

        Args:
            config: the configuration, ready for use.
            opened: from a field that takes a resource, the declared value and its configuration to the value to use.
        """
        values: dict[str, Any] = {}
        from_env: set[str] = set()
        changed = False
        inside = resource_fields(self._class)
        for name, field in self._class.model_fields.items():
            key = key_of(name, field)
            if name in inside:
                declared_value = self._given.get(name, field.default)
                used = opened(name, declared_value, config.get(key))
                if used is not declared_value:
                    changed = True
                    values[key] = used
                elif name in self._given:
                    values[key] = used
            elif name in self._functions:  # not known before a step begins
                if key in config:
                    changed = True
                    values[key] = config[key]
            elif name in self._given:
                values[key] = self._given[name]
                data = field_data(self._given[name])
                if key in config and not _same(config_data(config[key]), data):
                    changed = True
                    values[key] = config[key]
                    if _names_env(data):
                        from_env.add(key)
            elif key in config:
                changed = True
                values[key] = config[key]
        if self._class.model_config.get("extra") == "allow":
            for key in (config.keys() | self._given.keys()) - values.keys() - self._class.model_fields.keys():
                values[key] = config.get(key, self._given.get(key))
                changed = changed or key not in self._given or not _same(config.get(key), field_data(self._given[key]))
        return values, from_env, changed

    def _opened(
        self, name: str, value: Any, config: Any, context: InitResourceContext, open_inner: OpenResource
    ) -> Any:
        """What a field gets for its declared value: each resource in it set up and wrapped; anything else as it is."""
        if _is_resource(value):
            shared = self._keys.get(id(value))
            if shared is not None:
                return InitializedResource(context.resources.original_values[shared])
            definition = self._inner.get(name) or _definition_of(value).bound(self._keys)
            key = f"{context.resource_key}.{name}" if context.resource_key else name
            inner = context.replace(resource_config=config, resource_key=key, resource_def=definition)
            return InitializedResource(open_inner(definition, inner))
        if next(_resources_in(value), None) is None:
            return value
        if isinstance(value, Mapping):
            return {key: self._opened(name, item, None, context, open_inner) for key, item in value.items()}
        return type(value)([self._opened(name, item, None, context, open_inner) for item in value])

    def _made(
        self, values: Mapping[str, Any], from_env: set[str], path: tuple[str, ...]
    ) -> ConfigurableResourceFactory[Any]:
        try:
            return self._class(**values)
        except ValidationError as error:
            refusals = refusals_of(error, values)
        secrets: set[str] = set()
        fields = fields_of(self._shape)
        hidden = from_env | {key for key, field in fields.items() if field.is_secret}
        collect_texts([values[key] for key in hidden & values.keys()], secrets)
        raise ConfigError.from_problems(
            [refused(path, redacted(one, secrets), hidden=not hidden.isdisjoint(one.location[:1])) for one in refusals]
        )

    def _schema(self) -> Field:
        """The schema of the class with declared values as defaults, and the configuration of the resources in its fields."""
        self._shape = shape = shape_of(self._class)
        fields = dict(fields_of(shape))
        for name, info in self._class.model_fields.items():
            key = key_of(name, info)
            if name in self._functions:
                fields[key] = structs.replace(fields[key], default_value=UNSET, is_required=False)
            elif key in fields and name in self._given:
                data = field_data(self._given[name])
                if data is not None or admits_none(fields[key].type):
                    fields[key] = structs.replace(fields[key], default_value=data, is_required=False)
            inner = self._inner[name].config_schema if name in self._inner else None
            if inner is not None and isinstance(inner.type, (Shape, Permissive)) and inner.type.fields:
                fields[key] = inner
        return Field(
            structs.replace(shape, fields=fields, refine=_Refine(self)),
            description=self._class.to_config_schema().description,
        )


class _Refine:
    """The class's own check of a changed configuration, as part of validation. Equal for the same declared object."""

    __slots__ = ("_definition",)

    def __init__(self, definition: ConfigurableResourceDefinition) -> None:
        self._definition = definition

    def __call__(self, config: Mapping[str, Any]) -> list[Refusal]:
        return self._definition.refusals(config)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Refine) and self._definition.source is other._definition.source

    def __hash__(self) -> int:
        return id(self._definition.source)


def resource_fields(resource_class: type[BaseModel]) -> Mapping[str, FieldInfo]:
    """The fields of a class that hold a resource (or a collection of them) and not configuration."""
    found = _RESOURCE_FIELDS.get(resource_class)
    if found is None:
        fields = resource_class.model_fields.items()
        found = {name: field for name, field in fields if _takes_resource(field)}
        if resource_class.__pydantic_complete__:
            _RESOURCE_FIELDS[resource_class] = found
    return found


_RESOURCE_FIELDS: weakref.WeakKeyDictionary[type[BaseModel], Mapping[str, FieldInfo]] = weakref.WeakKeyDictionary()


def _is_function_of_step(cls: type[BaseModel], name: str, value: object) -> bool:
    """Whether a function was given for a field that does not hold functions itself."""
    if not isinstance(value, (FunctionType, MethodType, partial)):
        return False
    field = cls.model_fields.get(name)
    if field is None or _takes_resource(field):
        return False
    return field.annotation is not Any and "Callable" not in str(field.annotation)


def _takes_resource(field: FieldInfo) -> bool:
    return any(map(is_resource_marker, field.metadata)) or mentions_resource(field.annotation)


def _is_resource(value: object) -> bool:
    return isinstance(value, ResourceDefinition) or hasattr(type(value), "__weft_resource_definition__")


def _definition_of(value: Any) -> ResourceDefinition:
    if isinstance(value, ResourceDefinition):
        return value
    definition: ResourceDefinition = value.__weft_resource_definition__()
    return definition


def _resources_in(value: Any) -> Iterator[Any]:
    """The resources that stand in `value`, at any depth of collections."""
    if _is_resource(value):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _resources_in(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _resources_in(item)


def _same(one: object, other: object) -> bool:
    """Whether configuration is unchanged. Where objects cannot say whether they are equal, only the same object is."""
    try:
        return one is other or bool(one == other)
    except Exception:  # noqa: BLE001  # arrays and data frames raise, each its own
        return False


def _names_env(data: object) -> bool:
    if isinstance(data, Mapping):
        return env_name_in(data) is not None or any(map(_names_env, data.values()))
    return isinstance(data, list) and any(map(_names_env, data))


def _config_path(context: InitResourceContext) -> tuple[str, ...]:
    """Where the configuration of the resource stands in the run's document."""
    outer, *fields = context.resource_key.split(".")
    return ("resources", outer, "config", *fields) if outer else ("config",)
