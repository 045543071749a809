"""Hooks: functions called after a step succeeded or failed, in the process of the step. Their errors never change its result."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection
from typing import Any, overload

from weft.definitions.decorated import check_decorated, decorated_description, decorated_name
from weft.definitions.names import check_each
from weft.definitions.source import declared_at
from weft.errors import DefinitionError


class HookExecutionResult:
    """What a hook may return to say whether it did anything.

    Args:
        hook_name: the name of the hook.
        is_skipped: whether it had nothing to do; it is then recorded as skipped.
    """

    __slots__ = ("hook_name", "is_skipped")

    def __init__(self, hook_name: str, is_skipped: bool = False) -> None:
        self.hook_name = hook_name
        self.is_skipped = is_skipped


class HookDefinition:
    """A hook: called with a `HookContext` when a step `on` "success" or "failure" has ended."""

    __slots__ = ("description", "fn", "name", "on", "required_resource_keys")

    def __init__(
        self,
        fn: Callable[[Any], Any],
        *,
        name: str | None = None,
        on: str,
        required_resource_keys: Collection[str] = (),
        description: str | None = None,
    ) -> None:
        check_decorated(fn, f"{on}_hook")
        self.fn = fn
        self.name = decorated_name(fn, name, "a hook")
        self.on = on
        self.required_resource_keys: frozenset[str] = frozenset(
            check_each(required_resource_keys, str, "required_resource_keys", f'hook "{self.name}"')
        )
        self.description = decorated_description(fn, description)
        try:
            inspect.signature(fn).bind(None)
        except TypeError as error:
            raise DefinitionError(
                f'hook "{self.name}" cannot be called with a context alone.',
                code="WEFT-D094",
                facts={"reason": str(error), "declared in": declared_at(fn) or "?"},
                fix=f"take the context as the only parameter: def {self.name}(context)",
            ) from error

    def __call__(self, context: Any) -> Any:
        """Call the function itself, for tests: with a context of `build_hook_context`, or whatever the function takes."""
        if getattr(context, "hook_def", self) is None:
            context.hook_def = self
        return self.fn(context)

    def __repr__(self) -> str:
        return f"HookDefinition({self.name!r}, on={self.on!r})"


@overload
def success_hook(fn: Callable[[Any], Any], /) -> HookDefinition: ...
@overload
def success_hook(
    *, name: str | None = None, required_resource_keys: Collection[str] = ()
) -> Callable[[Callable[[Any], Any]], HookDefinition]: ...
def success_hook(
    fn: Callable[[Any], Any] | None = None, *, name: str | None = None, required_resource_keys: Collection[str] = ()
) -> HookDefinition | Callable[[Callable[[Any], Any]], HookDefinition]:
    """A hook that is called after each step that succeeded."""
    return _hook(fn, "success", name, required_resource_keys)


@overload
def failure_hook(fn: Callable[[Any], Any], /) -> HookDefinition: ...
@overload
def failure_hook(
    *, name: str | None = None, required_resource_keys: Collection[str] = ()
) -> Callable[[Callable[[Any], Any]], HookDefinition]: ...
def failure_hook(
    fn: Callable[[Any], Any] | None = None, *, name: str | None = None, required_resource_keys: Collection[str] = ()
) -> HookDefinition | Callable[[Callable[[Any], Any]], HookDefinition]:
    """A hook that is called after each step that failed for good. ``context.step_exception`` is the exception."""
    return _hook(fn, "failure", name, required_resource_keys)


def _hook(
    fn: Callable[[Any], Any] | None, on: str, name: str | None, required_resource_keys: Collection[str]
) -> HookDefinition | Callable[[Callable[[Any], Any]], HookDefinition]:
    def make(function: Callable[[Any], Any]) -> HookDefinition:
        return HookDefinition(function, name=name, on=on, required_resource_keys=required_resource_keys)

    return make if fn is None else make(fn)
