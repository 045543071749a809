"""Config classes: pydantic models that users write, and the way between them and plain schemas and values.

A class is turned into a schema (`ConfigModel.to_config_schema`), so that a run's configuration is checked with exact paths, also away from
the user's code; a checked value becomes an object of the class (`instantiate`), where pydantic has the last word.

An object that was made with an `EnvVar` inside is a *template*: it has the right shape, but its own validators have not run, because they
would see a reference instead of the value. They run where the value is known, when the run starts.

The text of an environment variable fits every scalar field. Enum fields are written by name; discriminated unions as
``{"<choice>": {...}}``, or flat with the discriminator among the other keys. What a field with a validator of its own before pydantic's
(``mode="before"``, ``"wrap"``, ``"plain"``) takes is not known here: the schema accepts anything for it.
"""

from __future__ import annotations

import copy
import enum
import inspect
import re
import sys
import types
import typing
import warnings
import weakref
from collections import abc
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, TypeVar, Union, get_args, get_origin

import pydantic
from msgspec import UNSET, structs
from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, ValidationError
from pydantic.errors import PydanticSchemaGenerationError, PydanticUndefinedAnnotation
from pydantic.fields import FieldInfo, ModelPrivateAttr
from pydantic_core import CoreSchema, PydanticSerializationError, PydanticUndefined, to_jsonable_python
from typing_extensions import TypeAliasType

from weft.config.data import config_data, config_key
from weft.config.env import holds_env_var, is_env_var
from weft.config.schema import (
    AnyOf,
    AnyType,
    Array,
    BoolSource,
    ConfigType,
    Enum,
    EnumValue,
    Field,
    FloatSource,
    IntSource,
    Map,
    Noneable,
    Permissive,
    Refusal,
    ScalarType,
    Selector,
    Shape,
    StringSource,
    as_type,
    fields_of,
)
from weft.config.secrets import HIDDEN
from weft.config.validation import Check, redacted, refused
from weft.errors import ConfigError, DefinitionError, Problem

ModelT = TypeVar("ModelT", bound="ConfigModel")

# Names of BaseModel that are obsolete, so that fields may have them: pydantic warns of each.
_FREED_NAMES = frozenset({"construct", "copy", "dict", "json", "parse_obj", "parse_raw", "schema", "validate"})
# Text fields whose last word is one of these hold secrets.
_SECRET_NAME = re.compile(
    r"(^|_)(password|passwd|passphrase|secret|token|api_?key|access_?key|secret_?key|private_?key|credentials?)\Z",
    re.IGNORECASE,
)
_BOUNDS = ("ge", "gt", "le", "lt", "multiple_of", "min_length", "max_length")
_ANYTHING = AnyType(from_env=True)


def _annotated_names(cls: type) -> frozenset[str]:
    if sys.version_info >= (3, 14):  # annotations are evaluated late
        import annotationlib

        return frozenset(annotationlib.get_annotations(cls, format=annotationlib.Format.FORWARDREF))
    return frozenset(inspect.get_annotations(cls))


class ConfigModel(BaseModel):
    """What all classes with configuration share: immutable, no unknown keys, fields that may wait for an environment variable."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        freed = _FREED_NAMES & _annotated_names(cls)
        if freed:  # pydantic looks for such fields next: this warning, of this class, must not come
            names, owner = "|".join(sorted(freed)), re.escape(cls.__qualname__)
            message = f'Field name "({names})" (in "{owner}" )?shadows an attribute'
            warnings.filterwarnings("ignore", message=message, category=UserWarning)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[BaseModel], handler: GetCoreSchemaHandler, /) -> CoreSchema:
        try:
            return handler(source)
        except PydanticSchemaGenerationError as error:
            raise DefinitionError(
                f"A field of {cls.__name__} has a type that cannot be configuration.",
                code="WEFT-D204",
                facts={"class": cls.__qualname__, "reason": str(error).splitlines()[0]},
                fix="for another resource write ResourceDependency[TheType]; for configuration use plain types, "
                "or set model_config = ConfigDict(arbitrary_types_allowed=True)",
            ) from error

    def __init__(self, /, **data: Any) -> None:
        if holds_env_var(data):
            self._become_template(data)
        else:
            super().__init__(**data)

    @classmethod
    def to_config_schema(cls) -> Field:
        """The schema of the class, usable as ``config_schema`` of anything."""
        return Field(shape_of(cls), description=_own_doc(cls))

    @classmethod
    def to_fields_dict(cls) -> dict[str, Field]:
        """The schema of each field by its key."""
        return dict(fields_of(shape_of(cls)))

    @classmethod
    def __weft_is_config_field__(cls, field: FieldInfo) -> bool:
        """Whether the field is configuration. Subclasses may have other fields too."""
        return True

    def __weft_config_data__(self) -> dict[str, Any]:
        """The object as plain data, for `config_data`."""
        return _model_data(self)

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """What ``repr`` shows; never the text of a secret field."""
        fields = type(self).model_fields
        for name, value in super().__repr_args__():
            hidden = (
                name in fields and isinstance(value, str) and not is_env_var(value) and is_secret(name, fields[name])
            )
            yield name, HIDDEN if hidden else value

    def _become_template(self, data: Mapping[str, Any]) -> None:
        """Take `data`, in which there are environment references, after checking its shape only."""
        cls = type(self)
        shape = shape_of(cls)
        keys = {name: key_of(name, field) for name, field in cls.model_fields.items()}
        own = {name for name, field in cls.model_fields.items() if not cls.__weft_is_config_field__(field)}
        by_key = {keys[name]: name for name in keys} | {name: name for name in keys}
        check = Check()
        check.value(
            shape,
            {
                keys.get(by_key.get(key, key), key): field_data(item)
                for key, item in data.items()
                if by_key.get(key) not in own
            },
            (cls.__name__,),
        )
        given = {by_key.get(key, key): item for key, item in data.items()}
        missing = [name for name in own if name not in given and cls.model_fields[name].is_required()]
        check.problems.extend(_missing_resource(cls, name) for name in missing)
        check.raise_problems()
        values: dict[str, Any] = {}
        for name, field in cls.model_fields.items():
            values[name] = given[name] if name in given else _default(field, values)
        extra = {key: item for key, item in given.items() if key not in keys}
        set_ = object.__setattr__
        set_(self, "__dict__", values)
        set_(self, "__pydantic_fields_set__", set(given))
        set_(self, "__pydantic_extra__", extra if cls.model_config.get("extra") == "allow" else None)
        private: dict[str, Any] = {}
        for name, attribute in cls.__private_attributes__.items():
            default = _default(attribute, {**values, **private})
            if default is not PydanticUndefined:
                private[name] = default
        set_(self, "__pydantic_private__", private or None)


class Config(ConfigModel):
    """Configuration of an op, asset, sensor or schedule: a parameter annotated with a subclass receives it.

    >>> class Limits(Config):
    ...     rows: int = 1000
    >>> @asset
    ... def orders(config: Limits): ...

    Fields are those of a pydantic model. An object is immutable; unknown keys are refused.
    """

    __weft_config__: ClassVar[bool] = True


class PermissiveConfig(Config):
    """A config class that takes keys beyond its fields; they become attributes."""

    model_config = ConfigDict(extra="allow")


def instantiate(
    config_class: type[ModelT], value: object, *, path: Sequence[str | int] = (), secrets: frozenset[str] = frozenset()
) -> ModelT:
    """`value`, which fits the class's schema and holds no environment references any more, as an object of `config_class`.

    Args:
        config_class: the class.
        value: a mapping, or an object of the class.
        path: where the value stands in the run's configuration, for messages.
        secrets: texts that no message may show.

    Raises:
        ConfigError: (WEFT-C006) the class's own conditions do not hold, all of them at once.
    """
    if isinstance(value, config_class):
        return value
    try:
        return config_class.model_validate(value)
    except ValidationError as error:
        refusals = refusals_of(error, value)
    hidden_at = _secret_locations(shape_of(config_class))
    where = tuple(path)
    raise ConfigError.from_problems(
        [refused(where, redacted(one, secrets), hidden=_is_hidden(one, hidden_at, secrets)) for one in refusals]
    )


def shape_of(model: type[BaseModel]) -> Shape | Permissive:
    """The schema of a model class. What pydantic checks beyond it is checked with the schema, too, where the class is at hand."""
    found = _SHAPES.get(model)
    if found is None:
        found = _bare_shape(model, ())
        if len(fields_of(found)) == len(model.model_fields):  # else configuration alone does not make an object
            found = structs.replace(found, refine=_Refine(model))
        _SHAPES[model] = found
    return found


_SHAPES: weakref.WeakKeyDictionary[type[BaseModel], Shape | Permissive] = weakref.WeakKeyDictionary()


def schema_of_annotation(annotation: object) -> ConfigType:
    """The config type of any annotation; what is not known is accepted as it is."""
    return _type_of(annotation, ())


def key_of(name: str, field: FieldInfo) -> str:
    """The key under which a field is configured: its alias where it has one."""
    alias = field.validation_alias
    if isinstance(alias, pydantic.AliasChoices):
        alias = next((choice for choice in alias.choices if isinstance(choice, str)), None)
    if isinstance(alias, str):
        return alias
    return field.alias or name


class _Refine:
    """The check of a model class behind the shape of its schema. Equal for the same class, so that equal schemas stay equal."""

    __slots__ = ("_model",)

    def __init__(self, model: type[BaseModel]) -> None:
        self._model = model

    def __call__(self, value: Mapping[str, Any]) -> list[Refusal]:
        try:
            self._model.model_validate(dict(value))
        except ValidationError as error:
            return refusals_of(error, value)
        return []

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Refine) and self._model is other._model

    def __hash__(self) -> int:
        return hash(self._model)


def refusals_of(error: ValidationError, value: object) -> list[Refusal]:
    """What pydantic refused in `value`, with the parts of its locations that really are keys and indexes of the value."""
    return [
        Refusal(_location(item["loc"], value, item["type"]), _reason(item["msg"]), item["input"])
        for item in error.errors(include_url=False, include_context=False)
    ]


def _location(parts: Sequence[str | int], value: object, kind: str) -> tuple[str | int, ...]:
    kept: list[str | int] = []
    for place, part in enumerate(parts):
        if _is_inside(part, value):
            value = value[part]  # type: ignore[index]  # just found there
        elif not (kind == "missing" and place == len(parts) - 1):
            continue  # the name of a union's member or of a validator
        kept.append(part)
    return tuple(kept)


def _is_inside(part: str | int, value: object) -> bool:
    if isinstance(value, (list, tuple)):
        return isinstance(part, int) and part < len(value)
    return isinstance(value, Mapping) and part in value


def _reason(message: str) -> str:
    text = message.removeprefix("Value error, ").removeprefix("Assertion failed, ").rstrip(".")
    return f"{text[:1].lower()}{text[1:]}" if text[1:2].islower() else text


def _is_hidden(refusal: Refusal, hidden_at: frozenset[tuple[str, ...]], secrets: frozenset[str]) -> bool:
    names = tuple(part for part in refusal.location if isinstance(part, str))
    text = repr(refusal.found)
    return any(names[: len(at)] == at for at in hidden_at) or any(secret in text for secret in secrets)


def _secret_locations(of: ConfigType) -> frozenset[tuple[str, ...]]:
    """The keys that lead to each secret field, list indexes left out."""
    if isinstance(of, (Shape, Permissive)):
        found: set[tuple[str, ...]] = set()
        for name, field in (of.fields or {}).items():
            inner = {()} if field.is_secret else _secret_locations(field.type)
            found |= {(name, *rest) for rest in inner}
        return frozenset(found)
    if isinstance(of, Selector):
        return frozenset(at for field in of.fields.values() for at in _secret_locations(field.type))
    if isinstance(of, (Array, Noneable)) and isinstance(of.inner_type, ConfigType):
        return _secret_locations(of.inner_type)
    return frozenset()


# --- classes to schemas -----------------------------------------------------------------------------------------------


def _bare_shape(model: type[BaseModel], within: tuple[type, ...]) -> Shape | Permissive:
    """The shape of a model without its own checks. `within`: the classes it stands in, to end recursion."""
    if not model.__pydantic_complete__:
        _complete(model)
    is_config = getattr(model, "__weft_is_config_field__", None)
    loose = _fields_with_early_validators(model)
    fields = {
        key_of(name, info): _field(name, info, model, (*within, model), loose=name in loose or "*" in loose)
        for name, info in model.model_fields.items()
        if is_config is None or is_config(info)
    }
    if model.model_config.get("extra") == "allow":
        return Permissive(fields, _own_doc(model), extra=_ANYTHING)
    return Shape(fields, _own_doc(model))


def _complete(model: type[BaseModel]) -> None:
    """Evaluate annotations that named something not yet defined when the class was made."""
    try:
        model.model_rebuild()
    except PydanticUndefinedAnnotation as error:
        raise DefinitionError(
            f"The fields of {model.__name__} name something that is not defined.",
            code="WEFT-D205",
            facts={"class": model.__qualname__, "name": error.name},
            fix=f'define or import "{error.name}" in the module of the class, not only for type checkers',
        ) from error


def _field(name: str, info: FieldInfo, model: type[BaseModel], within: tuple[type, ...], *, loose: bool) -> Field:
    early = loose or any(isinstance(item, _EARLY) for item in info.metadata)
    annotation = Annotated[info.annotation, info] if info.discriminator is not None else info.annotation
    of = AnyType(_label(info.annotation), from_env=True) if early else _type_of(annotation, within)
    default = _schema_default(info)
    if default is None and not admits_none(of):
        default = UNSET  # ``limit: int = None`` is often written; pydantic accepts it only where nothing is given
    return Field(
        of,
        default_value=default,
        is_required=info.is_required(),
        description=info.description,
        is_secret=is_secret(name, info),
        constraints={} if early else _bounds(info, model),
    )


def _schema_default(info: FieldInfo) -> Any:
    """The default as plain data; UNSET where there is none, or where it is made anew each time."""
    if info.is_required() or info.default_factory is not None:
        return UNSET
    return field_data(info.default)


def admits_none(of: ConfigType) -> bool:
    """Whether null is a value of the type."""
    return isinstance(of, (Noneable, AnyType)) or (
        isinstance(of, AnyOf) and any(admits_none(as_type(option)) for option in of.options)
    )


def _default(of: FieldInfo | ModelPrivateAttr, values: Mapping[str, Any]) -> Any:
    """A fresh default of a field or private attribute, given those before it."""
    factory: Any = of.default_factory
    if factory is None:
        return copy.deepcopy(of.default)
    takes_values = getattr(of, "default_factory_takes_validated_data", False)  # since pydantic 2.10
    return factory(dict(values)) if takes_values else factory()


def _bounds(info: FieldInfo, model: type[BaseModel]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    strips = model.model_config.get("str_strip_whitespace", False)
    for item in info.metadata:
        strips = strips or getattr(item, "strip_whitespace", None) is True
        for bound in _BOUNDS:
            value = getattr(item, bound, None)
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                found[bound] = value
    if strips:  # the length counts after stripping
        found.pop("max_length", None)
    return found


def is_secret(name: str, info: FieldInfo) -> bool:
    """Whether a field is secret: it says so, is a `pydantic.SecretStr`, or is a text whose name says so, such as ``db_password``."""
    extra = info.json_schema_extra
    if isinstance(extra, Mapping) and "is_secret" in extra:
        return bool(extra["is_secret"])
    kinds = {info.annotation, *get_args(info.annotation)}
    if kinds & {pydantic.SecretStr, pydantic.SecretBytes}:
        return True
    return str in kinds and _SECRET_NAME.search(name) is not None


_EARLY = (pydantic.BeforeValidator, pydantic.WrapValidator, pydantic.PlainValidator)


def _fields_with_early_validators(model: type[BaseModel]) -> frozenset[str]:
    decorators = model.__pydantic_decorators__.field_validators.values()
    return frozenset(name for one in decorators if one.info.mode != "after" for name in one.info.fields)


def _type_of(annotation: object, within: tuple[type, ...]) -> ConfigType:
    scalar = _SCALARS.get(annotation) if isinstance(annotation, type) else None
    if scalar is not None:
        return scalar
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _annotated_type(args[0], args[1:], within)
    if isinstance(annotation, TypeAliasType) or type(annotation).__name__ == "TypeAliasType":
        return _type_of(annotation.__value__, within)  # type: ignore[attr-defined]  # of typing in Python 3.12
    if isinstance(annotation, typing.NewType):
        return _type_of(annotation.__supertype__, within)
    if origin in (Union, types.UnionType):
        return _union_type(args, within)
    if origin is typing.Literal:
        return _literal_type(args)
    if annotation is list or annotation is tuple or annotation is set or annotation is frozenset:
        return Array(_ANYTHING)
    if annotation is dict:
        return Permissive(extra=_ANYTHING)
    if isinstance(origin, type):
        return _generic_type(origin, args, within)
    if isinstance(annotation, type):
        return _class_type(annotation, within)
    return _ANYTHING


def _annotated_type(inner: object, metadata: tuple[object, ...], within: tuple[type, ...]) -> ConfigType:
    if any(isinstance(item, _EARLY) for item in metadata):
        return AnyType(_label(inner), from_env=True)
    for item in metadata:
        discriminator = getattr(item, "discriminator", None)
        if isinstance(discriminator, str):
            return _discriminated_type(inner, discriminator, within)
    return _type_of(inner, within)


def _union_type(args: tuple[object, ...], within: tuple[type, ...]) -> ConfigType:
    options = list(dict.fromkeys(_type_key(_type_of(arg, within)) for arg in args if arg is not type(None)))
    of = options[0].type if len(options) == 1 else AnyOf([option.type for option in options])
    return Noneable(of) if type(None) in args else of


class _type_key:  # noqa: N801  # a key, not a type
    """A config type as a key of a dict: types hold dicts and cannot be hashed."""

    __slots__ = ("type",)

    def __init__(self, of: ConfigType) -> None:
        self.type = of

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _type_key) and self.type == other.type

    def __hash__(self) -> int:
        return hash(type(self.type))


def _literal_type(values: tuple[Any, ...]) -> ConfigType:
    choices = [
        EnumValue(value.name, value) if isinstance(value, enum.Enum) else EnumValue(value)
        for value in values
        if value is not None
    ]
    if not choices:
        return AnyType("null")
    of = Enum("Literal", choices, from_env=True)
    return Noneable(of) if None in values else of


def _generic_type(origin: type, args: tuple[Any, ...], within: tuple[type, ...]) -> ConfigType:
    if issubclass(origin, abc.Mapping):
        keys = _type_of(args[0], within)
        if isinstance(keys, (ScalarType, Enum)):
            keys = structs.replace(keys, from_env=False)  # a key cannot be a reference
        return Map(keys, _type_of(args[1], within))
    if origin is tuple:
        same = len(args) == 2 and args[1] is Ellipsis
        return Array(_type_of(args[0], within) if same else _ANYTHING)
    if issubclass(origin, (abc.Sequence, abc.Set)):
        return Array(_type_of(args[0], within))
    return _class_type(origin, within)


def _class_type(kind: type, within: tuple[type, ...]) -> ConfigType:
    if issubclass(kind, enum.Enum):
        return structs.replace(Enum.from_python_enum(kind), from_env=True)
    if issubclass(kind, BaseModel):
        if kind in within:  # a class that contains itself: pydantic checks the inner levels
            return AnyType(kind.__name__)
        return _bare_shape(kind, within)
    if kind in (pydantic.SecretStr, pydantic.SecretBytes):
        return StringSource
    return AnyType(_label(kind), from_env=True)


def _discriminated_type(union: object, discriminator: str, within: tuple[type, ...]) -> ConfigType:
    """A `Selector` of the union's models by what their discriminator field says."""
    members = get_args(union) if get_origin(union) in (Union, types.UnionType) else (union,)
    fields: dict[str, Field] = {}
    key = discriminator
    for member in members:
        if member is type(None):
            continue
        model = get_args(member)[0] if get_origin(member) is Annotated else member
        if not (isinstance(model, type) and issubclass(model, BaseModel) and discriminator in model.model_fields):
            return _type_of(union, within)
        info = model.model_fields[discriminator]
        key = key_of(discriminator, info)
        choices = get_args(info.annotation)
        if not choices or not all(isinstance(choice, str) and not isinstance(choice, enum.Enum) for choice in choices):
            return _type_of(union, within)
        if model in within:
            return AnyType(_label(union), from_env=True)
        shape = _bare_shape(model, within)
        rest = {name: field for name, field in (shape.fields or {}).items() if name != key}
        for choice in choices:
            fields[choice] = Field(structs.replace(shape, fields=rest), description=_own_doc(model))
    of = Selector(fields, discriminator=key)
    return Noneable(of) if type(None) in members else of


_SCALARS: Mapping[type, ConfigType] = {
    bool: BoolSource,
    int: IntSource,
    float: FloatSource,
    str: StringSource,
    object: _ANYTHING,
}


def _label(annotation: object) -> str:
    """An annotation in a word, for messages."""
    if isinstance(annotation, type) and get_origin(annotation) is None:
        return annotation.__name__
    text = str(annotation)
    return "Any" if annotation is Any else text.replace("typing.", "")


def _own_doc(model: type) -> str | None:
    doc = model.__dict__.get("__doc__")
    return typing.cast(str, doc).strip() or None if doc else None


# --- objects to data --------------------------------------------------------------------------------------------------


def _model_data(model: BaseModel) -> dict[str, Any]:
    """The config fields of a model object as plain data, by key, defaults included: what is stored says what was meant."""
    cls = type(model)
    is_config = getattr(cls, "__weft_is_config_field__", None)
    fields = fields_of(shape_of(cls))
    data: dict[str, Any] = {}
    for name, info in cls.model_fields.items():
        key = key_of(name, info)
        value = model.__dict__.get(name)
        if name not in model.__dict__ or (is_config is not None and not is_config(info)):
            continue
        if value is None and key in fields and not admits_none(fields[key].type):
            continue  # a default that cannot be given
        data[key] = field_data(value)
    for key, value in (model.__pydantic_extra__ or {}).items():
        data[key] = field_data(value)
    return data


def field_data(value: Any) -> Any:
    """A value of a model's field as plain data, as `config_data` of the model writes it. Objects that JSON cannot carry at all stay as they are."""
    if isinstance(value, BaseModel):
        return _model_data(value)
    if isinstance(value, Mapping):
        return {config_key(key): field_data(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [field_data(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return [field_data(item) for item in sorted(value, key=repr)]
    plain = config_data(value)
    if plain is not value or is_env_var(value) or value is None or isinstance(value, (bool, int, float)):
        return plain
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, (pydantic.SecretStr, pydantic.SecretBytes)):
        return field_data(value.get_secret_value())
    try:
        return to_jsonable_python(value)
    except PydanticSerializationError:
        return value


def _missing_resource(cls: type, name: str) -> Problem:
    return Problem(
        "WEFT-C008",
        f"{cls.__name__} needs the resource {name!r}.",
        facts={"class": cls.__qualname__},
        fix=f"{cls.__name__}({name}=...)",
    )
