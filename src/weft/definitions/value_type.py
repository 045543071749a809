"""Types of inputs and outputs, checked gradually at run time.

A `ValueType` is made from a Python annotation or declared with an own check. Values are trusted unless the type says something that can be
checked: no annotation, ``Any``, type variables and unresolvable names accept everything. Elements of containers are checked up to the first
1,000, so that a check never costs more than the step. Scalars of numpy count as the Python number they hold.
"""

from __future__ import annotations

import collections.abc
import functools
import itertools
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, Union

from weft.errors import DefinitionError
from weft.model.metadata import AnyMetadataValue, RawMetadata, metadata_values

if TYPE_CHECKING:
    from weft.definitions.type_loaders import ValueTypeLoader

_MOST_ELEMENTS = 1000

Acceptor: typing.TypeAlias = "Callable[[Any], bool] | None"
"""Says whether a value is accepted; None accepts everything."""


class _NothingMeta(type):
    def __repr__(cls) -> str:
        return "Nothing"


class Nothing(metaclass=_NothingMeta):
    """The type of an input or output that only orders steps and carries no value."""


class TypeCheck:
    """The answer of a type check with facts for the reader."""

    __slots__ = ("description", "metadata", "success")

    def __init__(self, success: bool, description: str | None = None, metadata: RawMetadata | None = None) -> None:
        self.success = success
        self.description = description
        self.metadata: dict[str, AnyMetadataValue] = metadata_values(metadata)


class TypeCheckContext:
    """What the check of a type sees besides the value.

    Args:
        resources: the resources of the step, by attribute; None outside a run.
        log: where to log; None outside a run.
        instance: the instance of the run; None outside one.
        run_id: the id of the run; None outside one.
    """

    __slots__ = ("instance", "log", "resources", "run_id")

    def __init__(
        self, *, resources: Any = None, log: Any = None, instance: Any = None, run_id: str | None = None
    ) -> None:
        self.resources = resources
        self.log = log
        self.instance = instance
        self.run_id = run_id


class ValueType:
    """A named type with a check.

    Args:
        type_check_fn: takes ``(context, value)`` and returns a bool or a `TypeCheck`. The context is a `TypeCheckContext`, or None outside a run.
        name: shown to users.
        description: what it means.
        python_type, typing_type: the Python type it stands for, where there is one (two names of one thing).
        metadata: facts for the reader.
        required_resource_keys: resources that the check reads from its context.
        loader: makes a value of it from run configuration; see `value_type_loader`.
    """

    __slots__ = ("description", "loader", "metadata", "name", "python_type", "required_resource_keys", "type_check_fn")

    def __init__(
        self,
        type_check_fn: Callable[[Any, Any], bool | TypeCheck],
        name: str,
        *,
        description: str | None = None,
        python_type: Any = Any,
        typing_type: Any = Any,
        metadata: RawMetadata | None = None,
        required_resource_keys: Iterable[str] = (),
        loader: ValueTypeLoader | None = None,
    ) -> None:
        self.type_check_fn = type_check_fn
        self.loader = loader
        self.name = name
        self.description = description
        self.python_type = typing_type if python_type is Any else python_type
        self.metadata: dict[str, AnyMetadataValue] = metadata_values(metadata)
        self.required_resource_keys = frozenset(required_resource_keys)

    @property
    def typing_type(self) -> Any:
        """The Python type it stands for; ``Any`` where there is none."""
        return self.python_type

    def type_check(self, context: TypeCheckContext | None, value: Any) -> TypeCheck:
        """The answer of the check. Raises what the user's check raises.

        Raises:
            DefinitionError: (WEFT-D061) the check gave something else.
        """
        answer: Any = self.type_check_fn(context, value)
        if isinstance(answer, TypeCheck):
            return answer
        if not isinstance(answer, bool) and not _is_numpy_scalar(answer, bool):
            raise DefinitionError(
                f"the check of type {self.name} returned {type(answer).__name__}.",
                code="WEFT-D061",
                fix="return a bool or a TypeCheck",
            )
        return TypeCheck(bool(answer))

    def check(self, value: Any, context: TypeCheckContext | None = None) -> str | None:
        """None where `value` belongs to the type, else why not. Raises what the user's check raises."""
        answer = self.type_check(context, value)
        return None if answer.success else (answer.description or f"its check ({self.name}) did not pass")

    def __repr__(self) -> str:
        return f"ValueType({self.name!r})"


class PythonObjectValueType(ValueType):
    """The type of the objects of a Python class, or of one of several.

    Args:
        python_type: the class, or a tuple of classes.
        name: shown to users; the name of the class by default.
        description, metadata: for the reader.
        loader: see `ValueType`.
    """

    __slots__ = ()

    def __init__(
        self,
        python_type: type | tuple[type, ...],
        name: str | None = None,
        *,
        description: str | None = None,
        metadata: RawMetadata | None = None,
        loader: ValueTypeLoader | None = None,
    ) -> None:
        kinds = python_type if isinstance(python_type, tuple) else (python_type,)
        shown = " | ".join(map(type_name, kinds))

        def is_one(_context: Any, value: Any) -> TypeCheck:
            found = f"expected {shown}, found {type_name(type(value))}"
            return TypeCheck(True) if isinstance(value, kinds) else TypeCheck(False, found)

        super().__init__(
            is_one,
            name or shown,
            description=description,
            python_type=Union[kinds],  # noqa: UP007  # of classes that are known only now
            metadata=metadata,
            loader=loader,
        )


# A class to the type that stands for it wherever it is an annotation.
_USABLE: dict[type, ValueType] = {}

C = typing.TypeVar("C", bound=type)


def usable_as_value_type(
    name: Any = None,
    *,
    description: str | None = None,
    metadata: RawMetadata | None = None,
    loader: ValueTypeLoader | None = None,
) -> Any:
    """Give a class a name and a description as a type of inputs and outputs. A decorator, with or without arguments.

    >>> @usable_as_value_type(name="Orders", description="One row for each order.")
    ... class OrderTable: ...
    """

    def make(kind: C) -> C:
        made = PythonObjectValueType(
            kind,
            name if isinstance(name, str) else None,
            description=description or kind.__doc__,
            metadata=metadata,
            loader=loader,
        )
        make_python_type_usable_as_value_type(kind, made)
        return kind

    return make(name) if isinstance(name, type) else make


def make_python_type_usable_as_value_type(python_type: type, meant: ValueType) -> None:
    """Let a Python class, where it is the annotation of an input or output, mean the type `meant`, in definitions that follow.

    Raises:
        DefinitionError: (WEFT-D534) the class means another type already.
    """
    known = _USABLE.get(python_type)
    if known is not None and known is not meant:
        raise DefinitionError(
            f"the class {type_name(python_type)} stands for two types.",
            code="WEFT-D534",
            facts={"one": known.name, "the other": meant.name},
            fix="keep one of them",
        )
    _USABLE[python_type] = meant


def check_value_type(declared: Any, value: Any) -> TypeCheck:
    """Whether `value` belongs to a type: a `ValueType`, or any annotation. For tests of own types.

    >>> check_value_type(list[int], ["a"]).success
    False
    """
    kind = value_type(declared)
    if isinstance(kind, ValueType):
        return kind.type_check(TypeCheckContext(), value)
    problem = kind.check(value)
    return TypeCheck(problem is None, problem)


class AnnotationType:
    """The type that a Python annotation means."""

    __slots__ = ("_accepts", "annotation", "name")

    def __init__(self, annotation: Any) -> None:
        self.annotation = annotation
        self.name = type_name(annotation)
        self._accepts = _acceptor(annotation)

    def check(self, value: Any, context: TypeCheckContext | None = None) -> str | None:
        """None where `value` belongs to the type, else why not."""
        if self._accepts is None or self._accepts(value):
            return None
        return f"expected {self.name}, found {_found(self.annotation, value)}"

    @property
    def checks_anything(self) -> bool:
        """Whether there are values that it refuses."""
        return self._accepts is not None

    def __repr__(self) -> str:
        return f"AnnotationType({self.name})"


def value_type(declared: Any) -> ValueType | AnnotationType:
    """The type of `declared`: a `ValueType` stays itself, anything else is read as an annotation."""
    if isinstance(declared, (ValueType, AnnotationType)):
        return declared
    if declared is Any:
        return ANY
    if _USABLE and isinstance(declared, type) and declared in _USABLE:
        return _USABLE[declared]
    try:
        return _annotation_type(declared)
    except TypeError:  # it holds something that has no hash
        return AnnotationType(declared)


def loader_of(of: ValueType | AnnotationType | None) -> ValueTypeLoader | None:
    """The loader of a type; None where it has none."""
    return of.loader if isinstance(of, ValueType) else None


# Projects use few types for thousands of inputs and outputs.
_annotation_type = functools.lru_cache(maxsize=1024)(AnnotationType)


def type_name(annotation: Any) -> str:
    """How an annotation is shown: ``int``, ``list[str]``, ``str | None``."""
    if annotation is None or annotation is type(None):
        return "None"
    if annotation is Ellipsis:
        return "..."
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is None or not args:
        if isinstance(annotation, type):
            return annotation.__qualname__.rpartition("<locals>.")[2]
        supertype = getattr(annotation, "__supertype__", None)
        return str(annotation.__name__ if supertype is not None else annotation).replace("typing.", "")
    if origin in (Union, types.UnionType):
        return " | ".join(type_name(arg) for arg in args)
    if origin is typing.Annotated:
        return type_name(args[0])
    if origin is Literal:
        return f"Literal[{', '.join(map(repr, args))}]"
    if origin is collections.abc.Callable:
        return str(annotation).replace("typing.", "").replace("collections.abc.", "")
    inner = ", ".join(type_name(arg) if not isinstance(arg, (list, tuple)) else str(arg) for arg in args)
    return f"{type_name(origin)}[{inner}]"


# --- what a type accepts ---------------------------------------------------------------------------------------------


def _acceptor(annotation: Any) -> Acceptor:
    """A predicate for `annotation`, or None where it accepts everything."""
    if annotation is None or annotation is type(None):
        return _is_none
    if annotation is Any or annotation is object or annotation is Nothing:
        return None
    if isinstance(annotation, (str, typing.TypeVar, typing.ForwardRef)):
        return None
    origin = typing.get_origin(annotation)
    if origin is not None:
        return _generic_acceptor(annotation, origin, typing.get_args(annotation))
    supertype = getattr(annotation, "__supertype__", None)  # NewType
    if supertype is not None:
        return _acceptor(supertype)
    alias = getattr(annotation, "__value__", None) if type(annotation).__name__ == "TypeAliasType" else None
    if alias is not None:  # ``type Rows = list[int]``
        return _acceptor(alias)
    return _class_acceptor(annotation) if isinstance(annotation, type) else None


def _is_none(value: Any) -> bool:
    return value is None


def _class_acceptor(kind: type) -> Acceptor:
    if kind in _NUMBERS:
        accepted = _NUMBERS[kind]
        return lambda value: isinstance(value, accepted) or _is_numpy_scalar(value, accepted)
    if typing.is_typeddict(kind):
        return lambda value: isinstance(value, dict)
    if getattr(kind, "_is_protocol", False) and not getattr(kind, "_is_runtime_protocol", False):
        return None
    return lambda value: isinstance(value, kind)


# The numeric tower of PEP 484: an int does where a float is asked for.
_NUMBERS: Mapping[type, tuple[type, ...]] = {
    bool: (bool,),
    int: (int,),
    float: (float, int),
    complex: (complex, float, int),
}


def _is_numpy_scalar(value: Any, kind: type | tuple[type, ...]) -> bool:
    """Whether `value` is a scalar of numpy (which nobody imports here) that holds a `kind`."""
    if type(value).__module__ != "numpy" or getattr(value, "shape", None) != ():
        return False
    return isinstance(value.item(), kind)


def _generic_acceptor(annotation: Any, origin: Any, args: tuple[Any, ...]) -> Acceptor:
    if origin in (Union, types.UnionType):
        accepts = [_acceptor(arg) for arg in args]
        some = [one for one in accepts if one is not None]
        return None if len(some) < len(accepts) else lambda value: any(one(value) for one in some)
    if origin is Literal:
        return lambda value: any(type(value) is type(choice) and value == choice for choice in args)
    if origin is typing.Annotated:
        return _acceptor(args[0])
    if origin is type:
        return lambda value: isinstance(value, type)
    if origin is collections.abc.Callable:
        return callable
    if not isinstance(origin, type):
        return _acceptor(origin) if type(origin).__name__ == "TypeAliasType" else None
    # Only the containers of the standard library say what their parameters mean.
    if origin.__module__ in ("builtins", "collections", "collections.abc"):
        if origin is tuple and args and args[-1] is not Ellipsis:
            return _tuple_acceptor([_acceptor(arg) for arg in args])
        if issubclass(origin, collections.abc.Mapping) and len(args) == 2:
            return _mapping_acceptor(origin, _acceptor(args[0]), _acceptor(args[1]))
        if issubclass(origin, _CONTAINERS) and args:
            return _container_acceptor(origin, _acceptor(args[0]))
    return _class_acceptor(origin)


_CONTAINERS = (list, set, frozenset, tuple, collections.abc.Sequence, collections.abc.Set)


def _tuple_acceptor(each: list[Acceptor]) -> Acceptor:
    def accepts(value: Any) -> bool:
        return (
            isinstance(value, tuple)
            and len(value) == len(each)
            and all(one is None or one(item) for one, item in zip(each, value, strict=True))
        )

    return accepts


def _mapping_acceptor(origin: type[Mapping[Any, Any]], key: Acceptor, item: Acceptor) -> Acceptor:
    def accepts(value: Any) -> bool:
        return isinstance(value, origin) and all(
            (key is None or key(k)) and (item is None or item(v))
            for k, v in itertools.islice(value.items(), _MOST_ELEMENTS)
        )

    return accepts


def _container_acceptor(origin: type[Iterable[Any]], element: Acceptor) -> Acceptor:
    def accepts(value: Any) -> bool:
        if not isinstance(value, origin):
            return False
        return element is None or all(element(item) for item in itertools.islice(value, _MOST_ELEMENTS))

    return accepts


# --- why a value is not accepted -------------------------------------------------------------------------------------


def _found(annotation: Any, value: Any) -> str:
    """What a refused value is: its type and, where the container is right, the first element that is not."""
    kind = type_name(type(value))
    place = _first_wrong(annotation, value)
    if place is not None:
        return f"{kind} with {place}"
    if typing.get_origin(annotation) is Literal or (value is not None and isinstance(value, (str, int, float, bool))):
        text = repr(value)
        return f"{kind} {text if len(text) <= 60 else text[:57] + '...'}"
    return kind


def _is_instance(value: Any, origin: Any) -> bool:
    return isinstance(origin, type) and isinstance(value, origin)


def _first_wrong(annotation: Any, value: Any) -> str | None:
    origin: Any = typing.get_origin(annotation)
    args = typing.get_args(annotation)
    if origin is typing.Annotated:
        return _first_wrong(args[0], value)
    if origin in (Union, types.UnionType):
        return next((place for arg in args if (place := _first_wrong(arg, value)) is not None), None)
    if not args or not _is_instance(value, origin):
        return None
    if origin is tuple and args[-1] is not Ellipsis:
        if len(value) != len(args):
            return f"{len(value)} elements instead of {len(args)}"
        wanted: Iterable[tuple[Any, Any, str]] = (
            (arg, item, f"[{index}]") for index, (arg, item) in enumerate(zip(args, value, strict=True))
        )
    elif isinstance(value, collections.abc.Mapping):
        if len(args) != 2:
            return None
        wanted = (
            part
            for k, v in value.items()
            for part in ((args[0], k, f"the key {k!r:.40}"), (args[1], v, f"[{k!r:.40}]"))
        )
    elif isinstance(value, _CONTAINERS):
        has_order = isinstance(value, collections.abc.Sequence)
        wanted = ((args[0], item, f"[{index}]" if has_order else "an element") for index, item in enumerate(value))
    else:
        return None
    for arg, item, place in itertools.islice(wanted, 2 * _MOST_ELEMENTS):
        accepts = _acceptor(arg)
        if accepts is not None and not accepts(item):
            return f"{_found(arg, item)} at {place}" if place.startswith("[") else f"{_found(arg, item)} as {place}"
    return None


ANY = AnnotationType(Any)
"""The type that accepts everything."""
