"""From what a document says to typed values: templates are filled in, the shape is checked, and each field becomes what its annotation says.

A class that is `Resolvable` has two forms. The *written* form is what stands in YAML: a pydantic model that is derived here once for each class. The
*resolved* form is the class itself, which may hold anything: asset specs, conditions, components. A `Resolver` in the annotation of a field says how one
becomes the other. Where no field needs a resolver, both forms are the class.

A value that a template gave and that is already of the resolved form is taken as it is, wherever its written form could stand.

Everything that is wrong with a value is collected, each problem with its place in the file. A reference to an environment variable (`EnvVar`) stays a
reference in fields that can hold one: fields of resources and other configuration classes, and fields whose annotation names `EnvVar`. In any other field the variable
is read.
"""

from __future__ import annotations

import copy
import dataclasses
import inspect
import sys
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Generic, TypeAlias, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError, WrapValidator, create_model
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from typing_extensions import Self

from weft.components.documents import Document, KeyPath, parse_documents
from weft.components.templates import Environment, TemplateError, UnsetVariable, fill, has_template
from weft.config.env import EnvVar, holds_env_var, is_env_var
from weft.config.models import ConfigModel
from weft.errors import DefinitionError, LoadError, Problem, WeftError, did_you_mean

T = TypeVar("T")

Resolve: TypeAlias = Callable[["ResolutionContext", Any], Any]
"""Makes the value of a field from what is written."""

_ANY_TYPES = ConfigDict(arbitrary_types_allowed=True, extra="forbid", protected_namespaces=())


class Model(BaseModel):
    """A pydantic model whose fields may be of any type, and which refuses unknown fields: the base of components and their parts."""

    model_config = _ANY_TYPES


class Resolver:
    """How a field is made from what is written, in the annotation of the field.

    >>> class Sync(Component, Model, Resolvable):
    ...     client: Annotated[Client, Resolver(lambda context, url: Client(url), model_field_type=str)]

    Args:
        fn: takes the context and the value with its templates filled in; gives the value of the field.
        model_field_type: the type of what is written; that of the field by default.
        model_field_name: the name of the field in YAML; its own by default.
        description, examples: for the schema that editors use.
        defer: give `fn` the value as it is written: it fills in the templates itself, with ``context.resolve_value``.
    """

    def __init__(
        self,
        fn: Resolve,
        *,
        model_field_type: Any = None,
        model_field_name: str | None = None,
        description: str | None = None,
        examples: Sequence[Any] | None = None,
        can_inject: bool = True,
        defer: bool = False,
    ) -> None:
        self.fn = fn
        self.model_field_type = model_field_type
        self.model_field_name = model_field_name
        self.description = description
        self.examples = list(examples) if examples is not None else None
        self.can_inject = can_inject
        self.defer = defer
        self.from_parent = False

    @staticmethod
    def from_model(fn: Resolve, **options: Any) -> Resolver:
        """A resolver whose function takes the whole written model in place of one field."""
        made = Resolver(fn, **options)
        made.from_parent = True
        return made

    @staticmethod
    def default(**options: Any) -> Resolver:
        """No function: the field is resolved by its type. For descriptions and examples."""
        return Resolver(_as_it_is, **options)


def _as_it_is(context: ResolutionContext, value: Any) -> Any:
    return value


class _InjectedMarker(Resolver):
    """Marks `Injected`."""


_INJECTED = _InjectedMarker(_as_it_is, model_field_type=Any)

if typing.TYPE_CHECKING:
    Injected: TypeAlias = Annotated[T, "injected"]
else:

    class Injected:
        """``Injected[T]``: a field whose value only a template can give: ``client: "{{ make_client() }}"``."""

        def __class_getitem__(cls, item: Any) -> Any:
            return Annotated[item, _INJECTED]


class ResolutionContext:
    """What templates can name, and where in a document the value stands that is being resolved."""

    def __init__(
        self,
        scope: Mapping[str, Any] | None = None,
        *,
        document: Document | None = None,
        path: KeyPath = (),
        problems: list[Problem] | None = None,
    ) -> None:
        self.scope: Mapping[str, Any] = scope if scope is not None else {}
        self.document = document
        self.path = path
        self.problems: list[Problem] = problems if problems is not None else []

    @staticmethod
    def default() -> ResolutionContext:
        """One whose templates know ``env`` only."""
        return ResolutionContext({"env": Environment()})

    def with_scope(self, **names: Any) -> ResolutionContext:
        """One whose templates know these names, too."""
        made = copy.copy(self)
        made.scope = {**self.scope, **names}
        return made

    def at_path(self, *parts: str | int) -> ResolutionContext:
        """One for a value inside this one."""
        made = copy.copy(self)
        made.path = (*self.path, *parts)
        return made

    @property
    def declared_at(self) -> str | None:
        """``defs.yaml:12`` of the value."""
        return self.document.place_text(self.path) if self.document is not None else None

    def resolve_value(self, value: Any, as_type: Any = None) -> Any:
        """`value` with its templates filled in, as `as_type` where that is given.

        Raises:
            LoadError: a template cannot be filled in, or the value does not fit; with every problem.
        """
        inner = copy.copy(self)
        inner.problems = []
        filled = inner._filled(value, self.path)
        if as_type is not None and not inner.problems:
            wrapper = _wrapper_of(as_type)
            made = _resolved(wrapper, {"value": filled}, inner, self.path, ())
            filled = made["value"] if made is not None else None
        if inner.problems:
            raise LoadError.from_problems(inner.problems)
        return filled

    def resolve_source_relative_path(self, value: str) -> Path:
        """`value` as a path beside the document."""
        base = self.document.file.parent if self.document is not None else Path.cwd()
        return (base / value).resolve()

    def problem(
        self, code: str, what: str, path: KeyPath, *, fix: str, facts: dict[str, object] | None = None
    ) -> Problem:
        """A problem at `path` of the document."""
        if self.document is not None:
            return self.document.problem(code, what, path, fix=fix, facts=facts)
        return Problem(code, what, facts={"in": ".".join(map(str, path)) or "attributes", **(facts or {})}, fix=fix)

    def unset_variable(self, name: str, path: KeyPath) -> None:
        """Report that an environment variable is needed now and not set."""
        fix = f'set it, or write a default: {{{{ env("{name}", "...") }}}}'
        self.problems.append(self.problem("WEFT-L035", f'The environment variable "{name}" is not set.', path, fix=fix))

    def _filled(self, value: Any, path: KeyPath) -> Any:
        """`value` with its templates filled in. What cannot be filled in is reported, and becomes `_Unknown`."""
        if isinstance(value, str):
            if "{" not in value or not has_template(value):
                return value
            try:
                return fill(value, self.scope)
            except UnsetVariable as error:
                self.unset_variable(error.name, path)
            except TemplateError as error:
                self.problems.append(self.problem("WEFT-L030", error.what, path, fix=error.fix, facts=error.facts))
            except WeftError as error:
                for problem in error.problems:
                    problem.facts.setdefault("used at", str(self.document.place(path)) if self.document else "?")
                self.problems.extend(error.problems)
            except Exception as error:  # noqa: BLE001  # a function of the user's, called by a template
                self.problems.append(
                    self.problem(
                        "WEFT-L031",
                        "A template raised an error.",
                        path,
                        facts={"template": value, "error": f"{type(error).__name__}: {error}"},
                        fix="correct the function that it calls, or what is given to it",
                    )
                )
            return _UNKNOWN
        if type(value) is dict:
            return {key: self._filled(item, (*path, key)) for key, item in value.items()}
        if type(value) is list:
            return [self._filled(item, (*path, position)) for position, item in enumerate(value)]
        return value


class _Unknown:
    """Stands for a value that could not be filled in: reported already, and accepted everywhere."""


_UNKNOWN = _Unknown()


class Resolvable:
    """A class that can be filled in from YAML: a pydantic model, a dataclass, or a class with an annotated ``__init__``."""

    @classmethod
    def model(cls) -> type[BaseModel]:
        """The written form: what stands in YAML, before templates are filled in."""
        return _form_of(cls).written

    @classmethod
    def resolve_from_model(cls, context: ResolutionContext, model: BaseModel) -> Self:
        """An object from its written form.

        Raises:
            LoadError: with every problem.
        """
        return cls.resolve_from_dict(model.model_dump(exclude_unset=True), context)

    @classmethod
    def resolve_from_dict(cls, attributes: Mapping[str, Any], context: ResolutionContext | None = None) -> Self:
        """An object from plain values.

        Raises:
            LoadError: with every problem.
        """
        context = copy.copy(context) if context is not None else ResolutionContext.default()
        context.problems = []
        made = resolve_into(cls, dict(attributes), context)
        if context.problems or made is None:
            raise LoadError.from_problems(context.problems)
        return made

    @classmethod
    def resolve_from_yaml(cls, yaml: str, *, scope: Mapping[str, Any] | None = None) -> Self:
        """An object from a YAML text, for tests and scripts.

        Raises:
            LoadError: with every problem.
        """
        documents, problems = parse_documents(yaml, Path("<yaml>"))
        if problems:
            raise LoadError.from_problems(problems)
        value = documents[0].value if documents else {}
        context = ResolutionContext(
            {"env": Environment(), **(scope or {})}, document=documents[0] if documents else None
        )
        return cls.resolve_from_dict(value, context)


# --- the two forms ---------------------------------------------------------------------------------------------------


class _FieldForm:
    """One field in both forms."""

    __slots__ = (
        "annotation",
        "default",
        "has_default",
        "metadata",
        "name",
        "needs_resolving",
        "resolver",
        "written_name",
        "written_type",
    )

    def __init__(self, name: str, annotation: Any, default: Any, has_default: bool, metadata: FieldInfo | None) -> None:
        self.name = name
        self.annotation = annotation
        self.default = default
        self.has_default = has_default
        self.metadata = metadata
        self.resolver = resolver_of(annotation)
        resolver = self.resolver
        self.written_name = (resolver.model_field_name if resolver is not None else None) or name
        self.written_type = written_type(annotation)
        self.needs_resolving = needs_resolving(annotation)


class _Form(Generic[T]):
    """Both forms of a class."""

    __slots__ = ("cls", "fields", "is_plain", "written")

    def __init__(self, cls: type[T]) -> None:
        self.cls = cls
        self.fields = {field.written_name: field for field in _fields_of(cls)}
        is_model = issubclass(cls, BaseModel)
        self.is_plain = is_model and not any(field.needs_resolving for field in self.fields.values())
        if self.is_plain:
            self.written: type[BaseModel] = typing.cast("type[BaseModel]", cls)
            return
        given: dict[str, Any] = {}
        for name, field in self.fields.items():
            resolver = field.resolver
            options: dict[str, Any] = {}
            if field.metadata is not None:
                options = {"description": field.metadata.description, "examples": field.metadata.examples}
            if resolver is not None:
                options["description"] = resolver.description or options.get("description")
                options["examples"] = resolver.examples or options.get("examples")
            # The default belongs to the resolved form: what is not written is not given.
            info = FieldInfo(default=None if field.has_default else PydanticUndefined, **options)
            given[name] = (field.written_type, info)
        self.written = create_model(
            f"{cls.__name__}Model",
            __config__=_ANY_TYPES,
            __doc__=inspect.getdoc(cls),
            __module__=cls.__module__,
            **given,
        )


_forms: dict[type, _Form[Any]] = {}


def _form_of(cls: type[T]) -> _Form[T]:
    found = _forms.get(cls)
    if found is None:
        found = _forms[cls] = _Form(cls)
    return found


def _fields_by_name(cls: type) -> Mapping[str, _FieldForm]:
    return _form_of(cls).fields


def _fields_of(cls: type) -> list[_FieldForm]:
    if issubclass(cls, BaseModel):
        return [
            _FieldForm(info.alias or name, _annotation_of(info), info, not info.is_required(), info)
            for name, info in cls.model_fields.items()
        ]
    hints = _class_hints(cls) if dataclasses.is_dataclass(cls) else _hints(cls.__init__)
    if dataclasses.is_dataclass(cls):
        return [
            _FieldForm(
                field.name,
                hints[field.name],
                field.default,
                field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING,
                None,
            )
            for field in dataclasses.fields(cls)
            if field.init
        ]
    fields: list[_FieldForm] = []
    for parameter in list(inspect.signature(cls.__init__).parameters.values())[1:]:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if parameter.name not in hints:
            raise DefinitionError(
                f'the parameter "{parameter.name}" of {cls.__qualname__} has no annotation.',
                code="WEFT-D580",
                facts={"class": f"{cls.__module__}.{cls.__qualname__}"},
                fix="annotate every parameter of __init__, or make the class a dataclass or a Model",
            )
        has_default = parameter.default is not parameter.empty
        fields.append(_FieldForm(parameter.name, hints[parameter.name], parameter.default, has_default, None))
    return fields


def _annotation_of(info: FieldInfo) -> Any:
    """The annotation as it was written: pydantic has taken it apart."""
    if not info.metadata:
        return info.annotation
    parts = (info.annotation, *info.metadata)
    return Annotated[parts]


def _class_hints(cls: type) -> dict[str, Any]:
    """The annotations of a class and its bases. Functions in them see the names of the module, as `typing` alone does not arrange."""
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        own = type(base.__name__, (), {"__annotations__": inspect.get_annotations(base), "__module__": base.__module__})
        own.__qualname__ = base.__qualname__
        found.update(_hints(own, vars(sys.modules[base.__module__])))
    return found


def _hints(owner: Any, names: dict[str, Any] | None = None) -> dict[str, Any]:
    try:
        return typing.get_type_hints(owner, globalns=names, include_extras=True)
    except NameError as error:
        raise DefinitionError(
            f'an annotation of {owner.__qualname__} names "{error.name}", which its module does not have.',
            code="WEFT-D581",
            facts={"in": f"{owner.__module__}.{owner.__qualname__}"},
            fix="import the name at the top level of the module, not under TYPE_CHECKING",
        ) from error


def resolver_of(annotation: Any) -> Resolver | None:
    """The resolver that an annotation carries."""
    if get_origin(annotation) is Annotated:
        found = [item for item in annotation.__metadata__ if isinstance(item, Resolver)]
        if found:
            return found[-1]
        return resolver_of(annotation.__origin__)
    return None


def _is_resolvable(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Resolvable)


def needs_resolving(annotation: Any) -> bool:
    """Whether the written form of an annotation differs from the resolved one somewhere inside."""
    if resolver_of(annotation) is not None:
        return True
    if _is_resolvable(annotation):
        return not _form_of(annotation).is_plain
    return any(needs_resolving(argument) for argument in get_args(annotation) if not isinstance(argument, str))


def written_type(annotation: Any) -> Any:
    """The type of what stands in YAML for a field with this annotation."""
    if not needs_resolving(annotation):
        return annotation
    resolver = resolver_of(annotation)
    if resolver is not None:
        inner = annotation.__origin__
        if resolver.from_parent:
            return Any
        if resolver.model_field_type is not None:
            written = resolver.model_field_type
            if _is_resolvable(written):
                written = _form_of(written).written
        else:
            written = written_type(inner)
        return Annotated[written, _taking(inner)]
    if _is_resolvable(annotation):
        return Annotated[_form_of(annotation).written, _taking(annotation)]
    origin = get_origin(annotation)
    arguments = tuple(written_type(argument) for argument in get_args(annotation))
    if origin is Annotated:
        parts = (arguments[0], *annotation.__metadata__)
        return Annotated[parts]
    if origin in (Union, types.UnionType):
        return Union[arguments]  # noqa: UP007  # built from a tuple
    return origin[arguments if len(arguments) > 1 else arguments[0]] if origin is not None else annotation


def _taking(resolved: Any) -> WrapValidator:
    """Takes a value that is of the resolved form already, made by a template."""
    kinds = _runtime_kinds(resolved)

    def take(value: Any, handler: Callable[[Any], Any]) -> Any:
        if isinstance(value, _Unknown) or (
            kinds and isinstance(value, kinds) and not isinstance(value, (str, dict, list))
        ):
            return value
        return handler(value)

    return WrapValidator(take)


def _runtime_kinds(annotation: Any) -> tuple[type, ...]:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _runtime_kinds(annotation.__origin__)
    if origin in (Union, types.UnionType):
        return tuple(kind for argument in get_args(annotation) for kind in _runtime_kinds(argument))
    kind = origin or annotation
    return (kind,) if isinstance(kind, type) and kind is not type(None) else ()


# --- resolving -------------------------------------------------------------------------------------------------------


def resolve_into(cls: type[T], attributes: Any, context: ResolutionContext) -> T | None:
    """An object of `cls` from what is written; None where something is wrong, which `context.problems` then has."""
    form = _form_of(cls)
    before = len(context.problems)
    if attributes is None:
        attributes = {}
    if not isinstance(attributes, dict):
        context.problems.append(
            context.problem(
                "WEFT-L032",
                f"the attributes of {cls.__name__} are not a mapping.",
                context.path,
                facts={"found": f"a {type(attributes).__name__}"},
                fix="write name: value for each of them",
            )
        )
        return None
    deferred = {name for name, field in form.fields.items() if field.resolver is not None and field.resolver.defer}
    filled = {
        name: value if name in deferred else context._filled(value, (*context.path, name))
        for name, value in attributes.items()
    }
    values = _resolved(form, filled, context, context.path, ())
    if values is None or len(context.problems) > before:
        return None
    return _constructed(form, values, context)


def _resolved(
    form: _Form[Any], filled: dict[str, Any], context: ResolutionContext, path: KeyPath, outer: KeyPath
) -> dict[str, Any] | None:
    """The values of the fields, each of the resolved form; None where something is wrong."""
    if holds_env_var(filled):
        _place_env_vars(form, filled, context, path)
    unknown = _holds_unknown(filled)
    written_class = form.written
    try:
        written = written_class.model_validate(filled)
    except ValidationError as error:
        _report(error, form, filled, context, path)
        return None
    except WeftError as error:
        _take_over(error, context, path)
        return None
    if unknown:
        return None
    if form.is_plain:
        return {
            name: getattr(written, name) for name in written_class.model_fields if name in written.model_fields_set
        } | {_PLAIN: written}
    values: dict[str, Any] = {}
    complete = True
    for name, field in form.fields.items():
        if name not in written.model_fields_set and not (field.resolver is not None and field.resolver.from_parent):
            continue
        source = written if field.resolver is not None and field.resolver.from_parent else getattr(written, name)
        value = _field_value(
            field.annotation, source, context.at_path(name) if path == context.path else context, (*path, name)
        )
        if isinstance(value, _Unknown):
            complete = False
        else:
            values[field.name] = value
    return values if complete else None


_PLAIN = "\0plain"


def _constructed(form: _Form[T], values: dict[str, Any], context: ResolutionContext) -> T | None:
    if _PLAIN in values:
        made: T = values[_PLAIN]
        return made
    try:
        return form.cls(**values)
    except ValidationError as error:
        _report(error, form, values, context, context.path)
    except WeftError as error:
        _take_over(error, context, context.path)
    except Exception as error:  # noqa: BLE001  # the constructor is the user's
        context.problems.append(
            context.problem(
                "WEFT-L033",
                f"{form.cls.__name__} cannot be made from these attributes.",
                context.path,
                facts={"error": f"{type(error).__name__}: {error}"},
                fix=f"correct the attributes, or the constructor of {form.cls.__name__}",
            )
        )
    return None


def _field_value(annotation: Any, value: Any, context: ResolutionContext, path: KeyPath) -> Any:
    """What `value`, of the written form, is in the resolved form; `_Unknown` where that fails, reported."""
    if not needs_resolving(annotation) or value is None:
        return value
    resolver = resolver_of(annotation)
    here = copy.copy(context)
    here.path = path
    if resolver is not None:
        inner = annotation.__origin__
        if resolver.fn is _as_it_is:
            return _field_value(inner, value, context, path) if needs_resolving(inner) else value
        kinds = _runtime_kinds(inner)
        if (
            kinds
            and isinstance(value, kinds)
            and not isinstance(value, (str, dict, list))
            and resolver.model_field_type is not inner
        ):
            return value
        try:
            return resolver.fn(here, value)
        except WeftError as error:
            _take_over(error, context, path)
        except Exception as error:  # noqa: BLE001  # the function is the user's
            context.problems.append(
                context.problem(
                    "WEFT-L034",
                    f"the resolver of {path_end(path)} raised an error.",
                    path,
                    facts={"error": f"{type(error).__name__}: {error}"},
                    fix="correct the value, or the function of the Resolver",
                )
            )
        return _UNKNOWN
    if _is_resolvable(annotation):
        if not isinstance(value, BaseModel) or (isinstance(value, annotation) and not _form_of(annotation).is_plain):
            return value
        form = _form_of(annotation)
        if form.is_plain:
            return value
        before = len(context.problems)
        values: dict[str, Any] = {}
        for name, field in form.fields.items():
            from_parent = field.resolver is not None and field.resolver.from_parent
            if name in value.model_fields_set or from_parent:
                source = value if from_parent else getattr(value, name)
                values[field.name] = _field_value(field.annotation, source, context, (*path, name))
        if len(context.problems) > before:
            return _UNKNOWN
        made = _constructed(form, values, here)
        return made if made is not None else _UNKNOWN
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _field_value(annotation.__origin__, value, context, path)
    if origin in (Union, types.UnionType):
        return _union_value(arguments, value, context, path)
    if isinstance(value, Mapping) and len(arguments) == 2:
        made_mapping = {key: _field_value(arguments[1], item, context, (*path, key)) for key, item in value.items()}
        return _UNKNOWN if any(isinstance(item, _Unknown) for item in made_mapping.values()) else made_mapping
    if isinstance(value, (list, tuple, set, frozenset)) and arguments:
        made_items = [
            _field_value(arguments[0], item, context, (*path, position)) for position, item in enumerate(value)
        ]
        return _UNKNOWN if any(isinstance(item, _Unknown) for item in made_items) else type(value)(made_items)
    return value


def _union_value(choices: Sequence[Any], value: Any, context: ResolutionContext, path: KeyPath) -> Any:
    """The choice whose written form the value has."""
    fitting: list[Any] = []
    for choice in choices:
        if choice is type(None):
            continue
        if _is_resolvable(choice):
            if isinstance(value, _form_of(choice).written):
                return _field_value(choice, value, context, path)
        else:
            fitting.append(choice)
    for choice in fitting:
        if not needs_resolving(choice):
            kinds = _runtime_kinds(choice)
            if kinds and isinstance(value, kinds):
                return value
    for choice in fitting:
        if needs_resolving(choice):
            return _field_value(choice, value, context, path)
    return value


def _wrapper_of(annotation: Any) -> _Form[Any]:
    """A form with one field, ``value``."""
    form = _Form[Any].__new__(_Form)
    field = _FieldForm("value", annotation, None, False, None)
    form.cls = dict
    form.fields = {"value": field}
    form.is_plain = False
    form.written = create_model("Value", __config__=_ANY_TYPES, value=(field.written_type, ...))
    return form


# --- environment variables -------------------------------------------------------------------------------------------


def _place_env_vars(form: _Form[Any], filled: dict[str, Any], context: ResolutionContext, path: KeyPath) -> None:
    """Read the variables that fields need as values; leave references where fields can hold them."""
    for name, value in filled.items():
        field = form.fields.get(name)
        if isinstance(value, (EnvVar, dict, list)):
            annotation = field.annotation if field is not None else Any
            filled[name] = _env_placed(value, annotation, context, (*path, name))


def _env_placed(value: Any, annotation: Any, context: ResolutionContext, path: KeyPath) -> Any:
    if is_env_var(value):
        if _holds_references(annotation):
            return value
        found = value.get_value()
        if found is None:
            context.unset_variable(value.env_var_name, path)
            return _UNKNOWN
        return found
    if type(value) is dict:
        return {key: _env_placed(item, _inner(annotation, key), context, (*path, key)) for key, item in value.items()}
    if type(value) is list:
        return [
            _env_placed(item, _inner(annotation, position), context, (*path, position))
            for position, item in enumerate(value)
        ]
    return value


def _holds_references(annotation: Any) -> bool:
    if annotation is EnvVar or annotation is _IN_CONFIG:
        return True
    if resolver_of(annotation) is not None and resolver_of(annotation) is not _INJECTED:
        written = resolver_of(annotation).model_field_type  # type: ignore[union-attr]  # just tested
        return written is not None and _holds_references(written)
    return any(_holds_references(argument) for argument in get_args(annotation) if not isinstance(argument, str))


_IN_CONFIG = object()
"""Stands for the annotation of everything inside a configuration class."""


def _inner(annotation: Any, part: str | int) -> Any:
    """The annotation of an item of a value with this annotation."""
    if annotation is _IN_CONFIG:
        return _IN_CONFIG
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        resolver = resolver_of(annotation)
        written = resolver.model_field_type if resolver is not None else None
        return _inner(written if written is not None else annotation.__origin__, part)
    if origin in (Union, types.UnionType):
        found = [_inner(argument, part) for argument in arguments]
        return _IN_CONFIG if _IN_CONFIG in found else next((one for one in found if one is not Any), Any)
    if isinstance(annotation, type) and issubclass(annotation, ConfigModel):
        return _IN_CONFIG
    if isinstance(annotation, type) and (_is_resolvable(annotation) or issubclass(annotation, BaseModel)):
        field = _fields_by_name(annotation).get(str(part))
        return field.annotation if field is not None else Any
    if arguments:
        return arguments[-1] if isinstance(part, str) or len(arguments) == 1 else arguments[0]
    return Any


def _holds_unknown(value: Any) -> bool:
    if isinstance(value, _Unknown):
        return True
    if type(value) is dict:
        return any(map(_holds_unknown, value.values()))
    return type(value) is list and any(map(_holds_unknown, value))


def _value_at(value: Any, path: KeyPath) -> Any:
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None
    return value


# --- what pydantic says ----------------------------------------------------------------------------------------------


def path_end(path: KeyPath) -> str:
    """The last key of a path, quoted."""
    names = [part for part in path if isinstance(part, str)]
    return f'"{names[-1]}"' if names else "the value"


def _take_over(error: WeftError, context: ResolutionContext, path: KeyPath) -> None:
    for problem in error.problems:
        if context.document is not None and "at" not in problem.facts:
            problem.facts = {"at": str(context.document.place(path)), **problem.facts}
            problem.facts.pop("declared in", None)
    context.problems.extend(error.problems)


def _report(
    error: ValidationError, form: _Form[Any], filled: Mapping[str, Any], context: ResolutionContext, path: KeyPath
) -> None:
    """Say each of pydantic's errors in weft's form, at its place in the file."""
    seen: set[tuple[Any, ...]] = set()
    found = error.errors(include_url=False, include_context=True)
    # Where a template could have given an object, what is wrong with the written form says more.
    said = [item["loc"] for item in found if item["type"] != "is_instance_of"]
    for item in found:
        if item["type"] == "is_instance_of" and any(loc[: len(item["loc"]) - 1] == item["loc"][:-1] for loc in said):
            continue
        location = item["loc"]
        inside = context.document.known_part((*path, *location)) if context.document is not None else (*path, *location)
        if (
            item["type"] != "missing"
            and _value_at(filled, inside[len(path) :]) is None
            and item.get("input") is not None
        ):
            # The last part is the name of a choice of a union, which no document has.
            inside = inside[:-1] if len(inside) > len(path) else inside
        if isinstance(item.get("input"), _Unknown) or isinstance(_value_at(filled, inside[len(path) :]), _Unknown):
            continue
        kind, message = item["type"], item["msg"]
        if (inside, kind, message) in seen:
            continue
        seen.add((inside, kind, message))
        context.problems.append(_problem_of(kind, message, item, inside, form, context, path))


def _problem_of(
    kind: str,
    message: str,
    item: Any,
    inside: KeyPath,
    form: _Form[Any],
    context: ResolutionContext,
    path: KeyPath,
) -> Problem:
    owner, fields = _owner_of(form, inside[len(path) :])
    if kind == "missing":
        return context.problem(
            "WEFT-L036",
            f'{owner} needs the field "{inside[-1]}".',
            inside,
            facts={"fields": ", ".join(fields)} if fields else None,
            fix=f"add: {inside[-1]}: ...",
        )
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        return context.problem(
            "WEFT-L037",
            f'{owner} has no field "{inside[-1]}".',
            inside,
            facts={"fields": ", ".join(fields)} if fields else None,
            fix=did_you_mean(str(inside[-1]), fields, "leave it out"),
        )
    value = item.get("input")
    text = message.removeprefix("Value error, ").removeprefix("Assertion failed, ")
    return context.problem(
        "WEFT-L038",
        f"{path_end(inside)} of {owner} does not fit.",
        inside,
        facts={"why": text[:1].lower() + text[1:], "found": _shown(value)},
        fix="correct the value",
    )


def _owner_of(form: _Form[Any], location: KeyPath) -> tuple[str, list[str]]:
    """The name and the fields of the class whose field a location is."""
    name, fields, current = form.cls.__name__, list(form.fields), form
    for part in location[:-1]:
        field = current.fields.get(str(part)) if not isinstance(part, int) else None
        if field is None:
            continue
        inner = _model_in(field.annotation)
        if inner is None:
            return name, fields
        current = _form_of(inner)
        name, fields = inner.__name__, list(current.fields)
    return name, fields


def _model_in(annotation: Any) -> type | None:
    resolver = resolver_of(annotation)
    if resolver is not None and resolver.model_field_type is not None:
        return _model_in(resolver.model_field_type)
    if isinstance(annotation, type) and (_is_resolvable(annotation) or issubclass(annotation, BaseModel)):
        return annotation
    found = [inner for argument in get_args(annotation) if (inner := _model_in(argument)) is not None]
    return found[0] if len(found) == 1 else None


def _shown(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return "a mapping" if isinstance(value, dict) else "a list"
    return f"{value!r:.80} ({type(value).__name__})"
