"""Types of inputs and outputs, checked gradually at run time.

A `ValueType` is made from a Python annotation or declared with an own check. Values are trusted unless the type says something that can be
checked: no annotation, ``Any``, type variables and unresolvable names accept everything. Elements of containers are checked up to the first
1,000, so that a check never costs more than the step.
"""

from __future__ import annotations

import collections.abc
import itertools
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, Union

from weft.errors import DefinitionError
from weft.model.metadata import AnyMetadataValue, RawMetadata, metadata_values

_MOST_ELEMENTS = 1000


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


class ValueType:
    """A named type with a check.

    Args:
        type_check_fn: takes ``(context, value)`` and returns a bool or a `TypeCheck`.
        name: shown to users.
        description: what it means.
        python_type: the Python type it stands for, where there is one.
    """

    __slots__ = ("description", "name", "python_type", "type_check_fn")

    def __init__(
        self,
        type_check_fn: Callable[[Any, Any], bool | TypeCheck],
        name: str,
        *,
        description: str | None = None,
        python_type: Any = Any,
    ) -> None:
        self.type_check_fn = type_check_fn
        self.name = name
        self.description = description
        self.python_type = python_type

    def check(self, value: Any) -> str | None:
        """None where `value` belongs to the type, else why not. Raises what the user's check raises."""
        answer = self.type_check_fn(None, value)
        if isinstance(answer, TypeCheck):
            return None if answer.success else (answer.description or f"its check ({self.name}) did not pass")
        if not isinstance(answer, bool):
            raise DefinitionError(
                f"the check of type {self.name} returned {type(answer).__name__}.",
                code="WEFT-D061",
                fix="return a bool or a TypeCheck",
            )
        return None if answer else f"its check ({self.name}) did not pass"

    def __repr__(self) -> str:
        return f"ValueType({self.name!r})"


class AnnotationType:
    """The type that a Python annotation means."""

    __slots__ = ("_accepts", "annotation", "name")

    def __init__(self, annotation: Any) -> None:
        self.annotation = annotation
        self.name = type_name(annotation)
        self._accepts = _acceptor(annotation)

    def check(self, value: Any) -> str | None:
        """None where `value` belongs to the type, else why not."""
        if self._accepts is None or self._accepts(value):
            return None
        return f"expected {self.name}, found {type_name(type(value))}"

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
    return AnnotationType(declared)


def type_name(annotation: Any) -> str:
    """How an annotation is shown: ``int``, ``list[str]``, ``str | None``."""
    if annotation is None or annotation is type(None):
        return "None"
    if isinstance(annotation, type) and not typing.get_args(annotation):
        return annotation.__name__ if annotation.__module__ == "builtins" else annotation.__qualname__
    if typing.get_origin(annotation) in (Union, types.UnionType):
        return " | ".join(type_name(arg) for arg in typing.get_args(annotation))
    return str(annotation).replace("typing.", "")


def _acceptor(annotation: Any) -> Callable[[Any], bool] | None:
    """A predicate for `annotation`, or None where it accepts everything."""
    if annotation is Any or annotation is None.__class__:
        return None if annotation is Any else (lambda value: value is None)
    if annotation is None:
        return lambda value: value is None
    if isinstance(annotation, (str, typing.TypeVar)) or annotation is Nothing:
        return None
    origin = typing.get_origin(annotation)
    if origin is not None:
        return _generic_acceptor(annotation, origin, typing.get_args(annotation))
    supertype = getattr(annotation, "__supertype__", None)  # NewType
    if supertype is not None:
        return _acceptor(supertype)
    if not isinstance(annotation, type):
        return None
    if annotation is object:
        return None
    if annotation is float:
        return lambda value: isinstance(value, (float, int))
    if getattr(annotation, "_is_protocol", False) and not getattr(annotation, "_is_runtime_protocol", False):
        return None
    if typing.is_typeddict(annotation):
        return lambda value: isinstance(value, dict)
    kind: type = annotation
    return lambda value: isinstance(value, kind)


def _generic_acceptor(annotation: Any, origin: Any, args: tuple[Any, ...]) -> Callable[[Any], bool] | None:
    if origin in (Union, types.UnionType):
        accepts = [_acceptor(arg) for arg in args]
        if any(one is None for one in accepts):
            return None
        some = [one for one in accepts if one is not None]
        return lambda value: any(one(value) for one in some)
    if origin is Literal:
        return lambda value: any(value == choice and type(value) is type(choice) for choice in args)
    if hasattr(annotation, "__metadata__"):  # Annotated
        return _acceptor(args[0])
    if origin is type:
        return lambda value: isinstance(value, type)
    if origin is collections.abc.Callable:
        return callable
    if not isinstance(origin, type):
        return None
    if origin is tuple and args and args[-1] is not Ellipsis:
        return _tuple_acceptor([_acceptor(arg) for arg in args])
    if issubclass(origin, collections.abc.Mapping) and len(args) == 2:
        return _mapping_acceptor(origin, _acceptor(args[0]), _acceptor(args[1]))
    if issubclass(origin, (list, set, frozenset, tuple, collections.abc.Sequence, collections.abc.Set)) and args:
        return _container_acceptor(origin, _acceptor(args[0]))
    return lambda value: isinstance(value, origin)


def _tuple_acceptor(each: list[Callable[[Any], bool] | None]) -> Callable[[Any], bool]:
    def accepts(value: Any) -> bool:
        return (
            isinstance(value, tuple)
            and len(value) == len(each)
            and all(one is None or one(item) for one, item in zip(each, value, strict=True))
        )

    return accepts


def _mapping_acceptor(
    origin: type[Mapping[Any, Any]], key: Callable[[Any], bool] | None, item: Callable[[Any], bool] | None
) -> Callable[[Any], bool]:
    def accepts(value: Any) -> bool:
        return isinstance(value, origin) and all(
            (key is None or key(k)) and (item is None or item(v))
            for k, v in itertools.islice(value.items(), _MOST_ELEMENTS)
        )

    return accepts


def _container_acceptor(origin: type[Iterable[Any]], element: Callable[[Any], bool] | None) -> Callable[[Any], bool]:
    def accepts(value: Any) -> bool:
        if not isinstance(value, origin):
            return False
        return element is None or all(element(item) for item in itertools.islice(value, _MOST_ELEMENTS))

    return accepts


ANY = AnnotationType(Any)
"""The type that accepts everything."""
