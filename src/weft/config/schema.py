"""The algebra of config types: what configuration may look like, as frozen values.

A schema is built from scalars (`Int`, `String`, `Bool`, `Float`, `Any`, and `StringSource` and its like, which also take
``{"env": "NAME"}``) and the constructors `Array`, `Map`, `Shape`, `Permissive`, `Selector`, `Noneable`, `Enum`, `ScalarUnion` and `AnyOf`. A `Field`
is a type with a default, a description and whether it must be given. Users may write plain Python instead (`ConfigSchema`): ``int``,
``[str]``, ``{"limit": int}``, ``{str: float}``, a config class.

Invariants: a constructor's parts are always types and fields, whatever was written; `to_data` of a schema is JSON data, and `from_data` of
that accepts the same values (except for what only Python can check). The default of a secret field is never in the data. Values are checked
in `weft.config.validation`.
"""

from __future__ import annotations

import enum
import inspect
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias, Union

from msgspec import UNSET, Struct
from msgspec.structs import force_setattr

from weft.config.data import config_data
from weft.config.env import env_name_in
from weft.errors import DefinitionError, InternalError, some_of


class ConfigType(Struct, frozen=True):
    """Base of all config types."""


ConfigSchema: TypeAlias = Union[
    ConfigType, "Field", type, Mapping[typing.Any, typing.Any], Sequence[typing.Any], types.UnionType
]
"""What users may write where a schema is expected. `config_type` and `config_field` say what each form means."""


class Refusal(Struct, frozen=True):
    """Why a value of the right shape is refused after all: where below the shape, why, and what was found there."""

    location: tuple[str | int, ...]
    reason: str
    found: typing.Any = None


class ScalarType(ConfigType, frozen=True):
    """One scalar: ``String``, ``Int``, ``Float`` or ``Bool``. With `from_env` it may come from an environment variable."""

    kind: str
    from_env: bool = False


class AnyType(ConfigType, frozen=True):
    """Any value at all. `label` names what is really expected where another check follows."""

    label: str = "Any"
    from_env: bool = False


Int = ScalarType("Int")
String = ScalarType("String")
Float = ScalarType("Float")
Bool = ScalarType("Bool")
Any = AnyType()
IntSource = ScalarType("Int", from_env=True)
StringSource = ScalarType("String", from_env=True)
FloatSource = ScalarType("Float", from_env=True)
BoolSource = ScalarType("Bool", from_env=True)


class Array(ConfigType, frozen=True):
    """A list of values of one type."""

    inner_type: ConfigSchema

    def __post_init__(self) -> None:
        force_setattr(self, "inner_type", config_type(self.inner_type))


class Map(ConfigType, frozen=True):
    """A mapping from keys of one scalar type to values of one type. `key_label_name` says what the keys are."""

    key_type: ConfigSchema
    inner_type: ConfigSchema
    key_label_name: str | None = None

    def __post_init__(self) -> None:
        force_setattr(self, "key_type", config_type(self.key_type))
        force_setattr(self, "inner_type", config_type(self.inner_type))


class Shape(ConfigType, frozen=True):
    """A mapping with exactly these keys.

    `refine` is a further check for what a schema cannot say. It gets a value of the right shape without environment references, and is not
    part of the schema's data.
    """

    fields: Mapping[str, typing.Any] = {}
    description: str | None = None
    refine: Callable[[Mapping[str, typing.Any]], Iterable[Refusal]] | None = None

    def __post_init__(self) -> None:
        force_setattr(self, "fields", _fields(self.fields))


class Permissive(ConfigType, frozen=True):
    """A mapping with at least these keys; others are kept, each a value of the type `extra`."""

    fields: Mapping[str, typing.Any] | None = None
    description: str | None = None
    refine: Callable[[Mapping[str, typing.Any]], Iterable[Refusal]] | None = None
    extra: ConfigSchema = Any

    def __post_init__(self) -> None:
        force_setattr(self, "fields", _fields(self.fields or {}))
        force_setattr(self, "extra", config_type(self.extra))


class Selector(ConfigType, frozen=True):
    """A mapping with exactly one of these keys: a choice and its settings.

    With a `discriminator` the flat form is accepted too: the settings of the choice with one more key of that name which holds the
    choice. The value then always comes out flat.
    """

    fields: Mapping[str, typing.Any]
    description: str | None = None
    discriminator: str | None = None

    def __post_init__(self) -> None:
        force_setattr(self, "fields", _fields(self.fields))
        if not self.fields:
            raise _not_a_schema("a Selector without choices", 'write Selector({"local": {...}, "s3": {...}})')


class Noneable(ConfigType, frozen=True):
    """A value of a type, or null. A field of it needs no value: it is null by default."""

    inner_type: ConfigSchema

    def __post_init__(self) -> None:
        force_setattr(self, "inner_type", config_type(self.inner_type))


class EnumValue(Struct, frozen=True):
    """One choice of an `Enum`: how it is written, and the Python value that user code gets (the same where not given)."""

    config_value: str | int | float | bool
    python_value: typing.Any = None
    description: str | None = None
    # Other ways to write it.
    aliases: tuple[typing.Any, ...] = ()

    def __post_init__(self) -> None:
        if self.python_value is None:
            force_setattr(self, "python_value", self.config_value)


class Enum(ConfigType, frozen=True):
    """One of a closed set of values."""

    name: str
    enum_values: Sequence[EnumValue]
    from_env: bool = False

    def __post_init__(self) -> None:
        force_setattr(self, "enum_values", tuple(self.enum_values))
        written = [(type(value.config_value), value.config_value) for value in self.enum_values]
        if not written or len(set(written)) < len(written):
            raise _not_a_schema(
                f"the Enum {self.name!r} {'has a choice twice' if written else 'without choices'}",
                'write Enum("Size", [EnumValue("small"), EnumValue("large")])',
            )

    @staticmethod
    def from_python_enum(enum_class: type[enum.Enum], name: str | None = None) -> Enum:
        """The members of a Python enum, written by name. Text values are understood as well where no name is the same."""
        names = set(enum_class.__members__)
        return Enum(
            name or enum_class.__name__,
            [
                EnumValue(
                    key,
                    member,
                    aliases=(member.value,) if isinstance(member.value, str) and member.value not in names else (),
                )
                for key, member in enum_class.__members__.items()
            ],
        )

    @property
    def config_values(self) -> list[str]:
        """The choices as they are written, in order."""
        return [str(value.config_value) for value in self.enum_values]


class ScalarUnion(ConfigType, frozen=True):
    """A scalar, or a value of another type that is a mapping or list: a short and a long form."""

    scalar_type: ConfigSchema
    non_scalar_schema: ConfigSchema

    def __post_init__(self) -> None:
        force_setattr(self, "scalar_type", config_type(self.scalar_type))
        force_setattr(self, "non_scalar_schema", config_type(self.non_scalar_schema))


class AnyOf(ConfigType, frozen=True):
    """A value of one of several types; the first that fits counts."""

    options: Sequence[ConfigSchema]

    def __post_init__(self) -> None:
        force_setattr(self, "options", tuple(config_type(option) for option in self.options))
        if not self.options:
            raise _not_a_schema("AnyOf without options", "write AnyOf([Int, String])")


class Mapped(ConfigType, frozen=True):
    """What is written is of one type, what user code gets is computed from it and of another: how `configured` and config mappings say it.

    `config_fn` gets a checked value with defaults applied and environment variables read. What it gives is checked as `inner`. Only `outer`
    is part of the schema's data.
    """

    outer: ConfigSchema
    config_fn: Callable[[typing.Any], typing.Any]
    inner: Field

    def __post_init__(self) -> None:
        force_setattr(self, "outer", config_type(self.outer))


class Field(Struct, frozen=True):
    """A config type with what a mapping needs to know of it.

    Args:
        config: the type, in any form of `ConfigSchema`.
        default_value: the value where none is given, as it would be written in configuration.
        is_required: whether a value must be given. By default it must, unless there is a default, the type is
            `Noneable`, or it is a mapping whose own fields all have defaults.
        description: what the value means.
        is_secret: hide the value in messages, pages and logs.
        constraints: bounds that hold for the value: ``ge``, ``gt``, ``le``, ``lt``, ``multiple_of``, ``min_length``, ``max_length``.

    Raises:
        DefinitionError: (WEFT-D201) no config type is written like that; (WEFT-D202) required and with a default.
    """

    config: ConfigSchema
    default_value: typing.Any = UNSET
    # After construction always a bool.
    is_required: bool | None = None
    description: str | None = None
    is_secret: bool = False
    constraints: Mapping[str, typing.Any] = {}

    def __post_init__(self) -> None:
        if isinstance(self.config, Field):
            raise _not_a_schema("a Field inside a Field", "give the inner type itself")
        force_setattr(self, "config", config_type(self.config))
        if self.default_value is not UNSET:
            if self.is_required:
                raise DefinitionError(
                    "A config field is required and has a default.",
                    code="WEFT-D202",
                    facts={"type": described(self.type)},
                    fix="leave out is_required or default_value",
                )
            force_setattr(self, "default_value", config_data(self.default_value))
            force_setattr(self, "is_required", False)
        elif self.is_required is None:
            force_setattr(self, "is_required", implicit_default(self.type) is UNSET)

    @property
    def type(self) -> ConfigType:
        """The type."""
        return as_type(self.config)

    @property
    def default_provided(self) -> bool:
        """Whether a default was given."""
        return self.default_value is not UNSET

    @property
    def effective_default(self) -> typing.Any:
        """The default, given or implied by the type, as written in configuration; ``msgspec.UNSET`` where there is none."""
        if self.default_value is not UNSET or self.is_required:
            return self.default_value
        return implicit_default(self.type)


def as_type(part: ConfigSchema) -> ConfigType:
    """A part of a constructed type, which is always a `ConfigType`."""
    if not isinstance(part, ConfigType):
        raise InternalError("a config type holds something else", facts={"found": repr(part)})
    return part


def config_type(schema: ConfigSchema) -> ConfigType:
    """The type that a user means by `schema`.

    Accepts a config type, ``int``, ``str``, ``float``, ``bool``, ``list``, ``dict``, ``typing.Any``, a list with one item (`Array`), a dict of
    names to schemas (`Shape`), a dict of one type to one type (`Map`), ``list[X]``, ``dict[str, X]``, ``X | None``, a Python enum class, a
    config class.

    Raises:
        DefinitionError: (WEFT-D201) it is none of these.
    """
    if isinstance(schema, ConfigType):
        return schema
    if isinstance(schema, Field):
        return schema.type
    if isinstance(schema, Mapping):
        return _mapping_type(schema)
    if isinstance(schema, (list, tuple)):
        if len(schema) != 1:
            raise _not_a_schema(repr(schema), "a list needs exactly one item, the type of its items: [int]")
        return Array(schema[0])
    simple = _SIMPLE.get(id(schema))
    if simple is not None:
        return simple
    if inspect.isclass(schema) and typing.get_origin(schema) is None:
        if issubclass(schema, enum.Enum):
            return Enum.from_python_enum(schema)
        describe = getattr(schema, "to_config_schema", None)
        if describe is not None:
            return typing.cast(Field, describe()).type
    found = _generic_type(schema)
    if found is None:
        name = schema.__qualname__ if inspect.isclass(schema) else repr(schema)
        raise _not_a_schema(
            name, "use int, str, float, bool, [..], {..}, a Field, a config class or a type of weft.config"
        )
    return found


def config_field(schema: ConfigSchema) -> Field:
    """The field that a user means by `schema`: a `Field` stays itself, a config class gives its own, the rest is a type without default."""
    if isinstance(schema, Field):
        return schema
    describe = getattr(schema, "to_config_schema", None) if inspect.isclass(schema) else None
    if describe is not None:
        return typing.cast(Field, describe())
    return Field(config_type(schema))


def implicit_default(of: ConfigType) -> typing.Any:
    """What a type stands for when nothing is given, or ``msgspec.UNSET``: null, or a mapping whose fields all have defaults."""
    if isinstance(of, Noneable):
        return None
    if isinstance(of, (Shape, Permissive)):
        return UNSET if any(field.is_required for field in fields_of(of).values()) else {}
    if isinstance(of, Mapped):
        return implicit_default(as_type(of.outer))
    if isinstance(of, Selector) and len(of.fields) == 1:
        (name, field), *_ = fields_of(of).items()
        if not field.is_required:
            inner = field.effective_default
            return {name: {} if inner is UNSET else inner}
    return UNSET


def fields_of(of: Shape | Permissive | Selector) -> Mapping[str, Field]:
    """The fields of a mapping type by name."""
    return of.fields or {}


def written_type(of: ConfigType) -> ConfigType:
    """The type of what is written: `of` itself, or what a `Mapped` type is computed from."""
    return written_type(as_type(of.outer)) if isinstance(of, Mapped) else of


def described(of: ConfigType) -> str:
    """A type in a few words, for messages: ``Int``, ``list of String``, ``one of: small, large``."""
    of = written_type(of)
    if isinstance(of, ScalarType):
        return of.kind
    if isinstance(of, AnyType):
        return of.label
    if isinstance(of, Array):
        return f"list of {described(as_type(of.inner_type))}"
    if isinstance(of, Map):
        return (
            f"mapping of {of.key_label_name or described(as_type(of.key_type))} to {described(as_type(of.inner_type))}"
        )
    if isinstance(of, (Shape, Permissive)):
        names = some_of(fields_of(of))
        return f"mapping with {names}" if of.fields else "mapping"
    if isinstance(of, Selector):
        return f"mapping with exactly one of: {some_of(of.fields)}"
    if isinstance(of, Noneable):
        return f"{described(as_type(of.inner_type))} or null"
    if isinstance(of, Enum):
        return f"one of: {some_of(of.config_values)}"
    if isinstance(of, ScalarUnion):
        return f"{described(as_type(of.scalar_type))} or {described(as_type(of.non_scalar_schema))}"
    if isinstance(of, AnyOf):
        return " or ".join(dict.fromkeys(described(as_type(option)) for option in of.options))
    raise InternalError("an unknown config type", facts={"type": type(of).__name__})


# --- schemas as JSON data ---------------------------------------------------------------------------------------------


def to_data(field: Field) -> dict[str, typing.Any]:
    """`field` as JSON data: for snapshots, pages, and validation away from the user's code."""
    data: dict[str, typing.Any] = {"config": _type_to_data(field.type)}
    if field.is_required:
        data["required"] = True
    default = field.default_value
    if default is not UNSET and _is_json(default) and not _shows_secret(field, default):
        data["default"] = default
    if field.description:
        data["description"] = field.description
    if field.is_secret:
        data["secret"] = True
    if field.constraints:
        data["constraints"] = dict(field.constraints)
    return data


def from_data(data: Mapping[str, typing.Any]) -> Field:
    """The field that `to_data` described. Python values of enums come back as their written form."""
    return Field(
        _type_from_data(data["config"]),
        default_value=data.get("default", UNSET),
        is_required=data.get("required", False),
        description=data.get("description"),
        is_secret=data.get("secret", False),
        constraints=data.get("constraints", {}),
    )


def _is_json(value: object) -> bool:
    """Whether plain data is of what JSON has; a default may be any object where the type is `Any`."""
    if isinstance(value, Mapping):
        return all(isinstance(key, (str, int)) and _is_json(item) for key, item in value.items())
    if isinstance(value, list):
        return all(map(_is_json, value))
    return value is None or isinstance(value, (str, int, float, bool))


def _shows_secret(field: Field, value: typing.Any) -> bool:
    """Whether `value`, of `field`, has the text of a secret field inside. A reference to the environment is no secret."""
    if field.is_secret:
        return value is not None and env_name_in(value) is None
    return _shows_secret_in(field.type, value)


def _shows_secret_in(of: ConfigType, value: typing.Any) -> bool:
    of = written_type(of)
    if isinstance(of, Noneable):
        return value is not None and _shows_secret_in(as_type(of.inner_type), value)
    if isinstance(of, Array):
        return isinstance(value, list) and any(_shows_secret_in(as_type(of.inner_type), item) for item in value)
    if isinstance(of, AnyOf):
        return any(_shows_secret_in(as_type(option), value) for option in of.options)
    if not isinstance(value, Mapping):
        return False
    if isinstance(of, Map):
        return any(_shows_secret_in(as_type(of.inner_type), item) for item in value.values())
    if isinstance(of, Selector) and of.discriminator in value:
        field = fields_of(of).get(value[of.discriminator])
        return field is not None and _shows_secret(field, value)
    if isinstance(of, (Shape, Permissive, Selector)):
        return any(name in value and _shows_secret(field, value[name]) for name, field in fields_of(of).items())
    return isinstance(of, ScalarUnion) and _shows_secret_in(as_type(of.non_scalar_schema), value)


def _type_to_data(of: ConfigType) -> typing.Any:
    of = written_type(of)
    if isinstance(of, ScalarType):
        return f"{of.kind}Source" if of.from_env else of.kind
    if isinstance(of, AnyType):
        if of == Any:
            return "Any"
        return {"type": "any", "label": of.label, "env": of.from_env}
    if isinstance(of, Array):
        return {"type": "array", "of": _type_to_data(as_type(of.inner_type))}
    if isinstance(of, Map):
        keys, values = _type_to_data(as_type(of.key_type)), _type_to_data(as_type(of.inner_type))
        return {"type": "map", "keys": keys, "of": values, **_given(label=of.key_label_name)}
    if isinstance(of, Shape):
        return {"type": "shape", "fields": _fields_to_data(of), **_given(description=of.description)}
    if isinstance(of, Permissive):
        extra = None if of.extra == Any else _type_to_data(as_type(of.extra))
        return {
            "type": "permissive",
            "fields": _fields_to_data(of),
            **_given(description=of.description, extra=extra),
        }
    if isinstance(of, Selector):
        about = _given(description=of.description, discriminator=of.discriminator)
        return {"type": "selector", "fields": _fields_to_data(of), **about}
    if isinstance(of, Noneable):
        return {"type": "noneable", "of": _type_to_data(as_type(of.inner_type))}
    if isinstance(of, Enum):
        values = [
            {"value": value.config_value, **_given(description=value.description, aliases=list(value.aliases) or None)}
            for value in of.enum_values
        ]
        return {"type": "enum", "name": of.name, "values": values, **_given(env=of.from_env or None)}
    if isinstance(of, ScalarUnion):
        return {
            "type": "scalar_union",
            "scalar": _type_to_data(as_type(of.scalar_type)),
            "other": _type_to_data(as_type(of.non_scalar_schema)),
        }
    if isinstance(of, AnyOf):
        return {"type": "any_of", "options": [_type_to_data(as_type(option)) for option in of.options]}
    raise InternalError("an unknown config type", facts={"type": type(of).__name__})


def _type_from_data(data: typing.Any) -> ConfigType:
    if isinstance(data, str):
        return _NAMED[data]
    return _READERS[data["type"]](data)


def _fields_to_data(of: Shape | Permissive | Selector) -> dict[str, typing.Any]:
    return {name: to_data(field) for name, field in fields_of(of).items()}


def _fields_from_data(data: Mapping[str, typing.Any]) -> dict[str, Field]:
    return {name: from_data(field) for name, field in data["fields"].items()}


def _given(**items: typing.Any) -> dict[str, typing.Any]:
    return {key: value for key, value in items.items() if value is not None}


_NAMED: dict[str, ConfigType] = {
    "Any": Any,
    **{
        f"{kind}{suffix}": ScalarType(kind, from_env=bool(suffix))
        for kind in ("Int", "String", "Float", "Bool")
        for suffix in ("", "Source")
    },
}

_READERS: dict[str, Callable[[Mapping[str, typing.Any]], ConfigType]] = {
    "any": lambda data: AnyType(data["label"], data["env"]),
    "array": lambda data: Array(_type_from_data(data["of"])),
    "map": lambda data: Map(_type_from_data(data["keys"]), _type_from_data(data["of"]), data.get("label")),
    "shape": lambda data: Shape(_fields_from_data(data), data.get("description")),
    "permissive": lambda data: Permissive(
        _fields_from_data(data), data.get("description"), extra=_type_from_data(data.get("extra", "Any"))
    ),
    "selector": lambda data: Selector(_fields_from_data(data), data.get("description"), data.get("discriminator")),
    "noneable": lambda data: Noneable(_type_from_data(data["of"])),
    "enum": lambda data: Enum(
        data["name"],
        [
            EnumValue(value["value"], None, value.get("description"), tuple(value.get("aliases", ())))
            for value in data["values"]
        ],
        data.get("env", False),
    ),
    "scalar_union": lambda data: ScalarUnion(_type_from_data(data["scalar"]), _type_from_data(data["other"])),
    "any_of": lambda data: AnyOf([_type_from_data(option) for option in data["options"]]),
}


# --- what users write -------------------------------------------------------------------------------------------------


def _mapping_type(schema: Mapping[typing.Any, typing.Any]) -> ConfigType:
    if len(schema) == 1:
        ((key, value),) = schema.items()
        if not isinstance(key, str):
            return Map(key, value)
    return Shape(schema)


def _generic_type(schema: object) -> ConfigType | None:
    origin, args = typing.get_origin(schema), typing.get_args(schema)
    if origin in (Union, types.UnionType):
        others = [arg for arg in args if arg is not type(None)]
        inner = config_type(others[0]) if len(others) == 1 else AnyOf(others)
        return Noneable(inner) if len(others) < len(args) else inner
    if origin is list:
        return Array(args[0])
    if origin is dict:
        return Map(*args)
    return None


def _fields(fields: object) -> dict[str, Field]:
    if not isinstance(fields, Mapping) or not all(isinstance(name, str) for name in fields):
        raise _not_a_schema(repr(fields), 'write names as text: {"limit": int}')
    return {name: config_field(schema) for name, schema in fields.items()}


def _not_a_schema(found: str, fix: str) -> DefinitionError:
    return DefinitionError(
        "That is not a config schema.",
        code="WEFT-D201",
        facts={"found": found if len(found) <= 200 else found[:197] + "..."},
        fix=fix,
    )


# By identity: what users write need not be hashable.
_SIMPLE: dict[int, ConfigType] = {
    id(int): Int,
    id(str): String,
    id(float): Float,
    id(bool): Bool,
    id(typing.Any): Any,
    id(list): Array(Any),
    id(dict): Permissive(),
    id(typing.List): Array(Any),  # noqa: UP006  # users of older Python write it
    id(typing.Dict): Permissive(),  # noqa: UP006  # see above
}
