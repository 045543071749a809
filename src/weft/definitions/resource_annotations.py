"""How a function says that a parameter is configuration or a resource, without anyone importing pydantic.

Classes carry marker attributes: ``__weft_config__`` on `weft.Config`, ``__weft_resource__`` on configurable resources and I/O managers.
Other types become resources when the annotation is wrapped: ``client: ResourceParam[Client]`` on a function,
``client: ResourceDependency[Client]`` on a field of another resource. For type checkers both wrappers mean just ``Client``.

The functions here look at annotations that are already evaluated (``typing.get_type_hints(fn, include_extras=True)``). A parameter is
never both: a resource class is not a config class.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

T = TypeVar("T")


class InitializedResource:
    """Hands a resource that is already set up to the field that asked for it, past the field's declared type.

    A factory's field is annotated with the factory, but holds what the factory made once the resource is in use.
    """

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value


class _Marker:
    """A token in the metadata of an ``Annotated`` type. Compared by identity; pickles to the same object."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> str:
        return self.name

    def __get_pydantic_core_schema__(self, source: object, handler: Callable[[Any], Any]) -> Any:
        """Any object fits such a field: it may hold the object itself or a resource that makes it."""
        from pydantic_core import core_schema  # pydantic itself is asking

        return core_schema.no_info_plain_validator_function(_unwrapped)


def _unwrapped(value: object) -> object:
    if isinstance(value, InitializedResource):
        return value.value
    if type(value) is list or type(value) is tuple:
        return type(value)(map(_unwrapped, value))
    if type(value) is dict:
        return {key: _unwrapped(item) for key, item in value.items()}
    return value


RESOURCE_PARAM = _Marker("RESOURCE_PARAM")
RESOURCE_DEPENDENCY = _Marker("RESOURCE_DEPENDENCY")

ResourceParam = Annotated[T, RESOURCE_PARAM]
"""Marks a parameter of any type as a resource: ``def orders(client: ResourceParam[Client]): ...``."""

ResourceDependency = Annotated[T, RESOURCE_DEPENDENCY]
"""Marks a field of a resource as another resource: ``client: ResourceDependency[Client]``."""


def is_config_class(annotation: object) -> bool:
    """Whether `annotation` is a config class (or ``Optional`` of one)."""
    return config_class_of(annotation) is not None


def config_class_of(annotation: object) -> type | None:
    """The config class that `annotation` names, also inside ``Annotated`` or ``Optional``; None where it names none."""
    kind = _class_in(annotation)
    if kind is None or getattr(kind, "__weft_config__", False) is not True:
        return None
    return kind


def is_resource_annotation(annotation: object) -> bool:
    """Whether a parameter or field with this annotation takes a resource."""
    if has_resource_marker(annotation):
        return True
    return getattr(_class_in(annotation), "__weft_resource__", False) is True


def has_resource_marker(annotation: object) -> bool:
    """Whether `annotation` is written with `ResourceParam` or `ResourceDependency`, also inside ``Optional``."""
    if get_origin(annotation) is Annotated:
        _, *metadata = get_args(annotation)
        return any(map(is_resource_marker, metadata)) or has_resource_marker(get_args(annotation)[0])
    inner = _without_none(annotation)
    return inner is not annotation and has_resource_marker(inner)


def is_resource_marker(item: object) -> bool:
    """Whether an item of an ``Annotated``'s metadata is what `ResourceParam` and `ResourceDependency` add."""
    return isinstance(item, _Marker)


def mentions_resource(annotation: object) -> bool:
    """Whether a resource stands in `annotation` at any depth: ``list[Warehouse]``, ``dict[str, ResourceDependency[Client]]``."""
    return is_resource_annotation(annotation) or any(map(mentions_resource, get_args(annotation)))


def resource_class_of(annotation: object) -> type | None:
    """The resource class that `annotation` names, also inside ``Annotated`` or ``Optional``; None where it names none."""
    kind = _class_in(annotation)
    return kind if getattr(kind, "__weft_resource__", False) is True else None


def resource_type_of(annotation: object) -> object:
    """The type that a resource annotation promises: ``Client`` for ``ResourceParam[Client]``."""
    if get_origin(annotation) is Annotated:
        return resource_type_of(get_args(annotation)[0])
    inner = _without_none(annotation)
    return annotation if inner is annotation else resource_type_of(inner)


def _class_in(annotation: object) -> type | None:
    """The class behind ``Annotated``, ``Optional`` and type parameters."""
    if isinstance(annotation, type) and get_origin(annotation) is None:
        return annotation
    if get_origin(annotation) is Annotated:
        return _class_in(get_args(annotation)[0])
    inner = _without_none(annotation)
    if inner is not annotation:
        return _class_in(inner)
    origin = get_origin(annotation)
    return origin if isinstance(origin, type) else None


def _without_none(annotation: object) -> object:
    """``X`` for ``Optional[X]``; everything else stays as it is."""
    if get_origin(annotation) not in (Union, types.UnionType):
        return annotation
    others = [arg for arg in get_args(annotation) if arg is not type(None)]
    return others[0] if len(others) == 1 else annotation
