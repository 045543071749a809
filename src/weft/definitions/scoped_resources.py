"""``context.resources``: the resources that a step, hook or resource asked for, as attributes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from weft.errors import did_you_mean, some_of


class IAttachDifferentObjectToOpContext:
    """A resource may show another object than itself on ``context.resources``, for example a client that it wraps."""

    def get_object_to_set_on_execution_context(self) -> object:
        """The object to show."""
        raise NotImplementedError


class UndeclaredResourceError(AttributeError):
    """A resource was read from a context whose owner did not declare that it needs it."""


class ScopedResources:
    """Resources by key, readable as attributes: ``resources.db``. Immutable; iterates over the keys.

    Args:
        values: key to resource, set up.
        owner: whose resources they are, for messages, such as ``op "clean"``.
    """

    __slots__ = ("_owner", "_shown", "_values")

    _owner: str
    _values: dict[str, object]
    _shown: dict[str, object]

    def __init__(self, values: Mapping[str, object] | None = None, *, owner: str = "") -> None:
        held = dict(values or {})
        shown = {
            key: value.get_object_to_set_on_execution_context()
            if isinstance(value, IAttachDifferentObjectToOpContext)
            else value
            for key, value in held.items()
        }
        object.__setattr__(self, "_values", held)
        object.__setattr__(self, "_shown", shown)
        object.__setattr__(self, "_owner", owner)

    @property
    def original_values(self) -> Mapping[str, object]:
        """The resources themselves, not what they show instead."""
        return self._values

    def __getattr__(self, key: str) -> Any:
        try:
            return self._shown[key]
        except KeyError:
            pass
        if key.startswith("__"):  # copy, pickle and inspect ask for these
            raise AttributeError(key)
        owner = self._owner or "this context"
        fix = did_you_mean(key, self._shown, f'add "{key}" to required_resource_keys, or take it as a parameter.')
        raise UndeclaredResourceError(
            f'{owner} has no resource "{key}".\n  it has        {some_of(self._shown)}\n  fix           {fix}'
        )

    def __setattr__(self, key: str, value: object) -> None:
        raise AttributeError(f"resources cannot be replaced on a context: {key}")

    def __contains__(self, key: object) -> bool:
        return key in self._shown

    def __iter__(self) -> Iterator[str]:
        return iter(self._shown)

    def __len__(self) -> int:
        return len(self._shown)

    def __getitem__(self, key: str) -> Any:
        return getattr(self, key)

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuilt, (self._values, self._owner))

    def __repr__(self) -> str:
        return f"ScopedResources({some_of(self._shown)})"


def _rebuilt(values: Mapping[str, object], owner: str) -> ScopedResources:
    return ScopedResources(values, owner=owner)
