"""What decorators are put on: what may be decorated, what it is called, what it says of itself."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any

from weft.definitions.names import check_name
from weft.definitions.source import declared_at, plain_function
from weft.errors import DefinitionError


def check_decorated(value: Any, decorator: str) -> None:
    """Refuse what cannot be decorated, with the likely mistake.

    Raises:
        DefinitionError: (WEFT-D073) it is decorated already, or is no function.
    """
    kind = type(value)
    if kind is FunctionType:
        return
    if kind.__module__.startswith("weft."):
        raise DefinitionError(
            f"@{decorator} was put on something that is decorated already.",
            code="WEFT-D073",
            facts={"found": repr(value), "declared in": getattr(value, "declared_at", None) or "?"},
            fix="decorate the plain function, once",
        )
    if not callable(value) and not isinstance(value, (classmethod, property)):
        raise DefinitionError(
            f"@{decorator} was given {value!r:.80} where the function belongs.",
            code="WEFT-D073",
            fix=f'give settings by name, for example @{decorator}(name="orders")'
            if isinstance(value, str)
            else f"write @{decorator} above a function",
        )
    if isinstance(value, (type, classmethod, property)):
        raise DefinitionError(
            f"@{decorator} was put on a {'class' if isinstance(value, type) else kind.__name__}, which is not a function.",
            code="WEFT-D073",
            facts={"found": getattr(value, "__qualname__", kind.__name__)},
            fix="decorate a function outside the class",
        )


def check_called(value: Any, decorator: str) -> None:
    """Refuse a decorator that was put on a function without the settings it needs.

    Raises:
        DefinitionError: (WEFT-D079) `value` is given.
    """
    if value is not None:
        raise DefinitionError(
            f"@{decorator} was used without its settings.",
            code="WEFT-D079",
            facts={"on": getattr(value, "__qualname__", repr(value)), "declared in": declared_at(value) or "?"},
            fix=f"write @{decorator}(...): it cannot be used bare",
        )


def decorated_name(fn: Callable[..., Any], given: str | None, what: str) -> str:
    """The name of `what` is made from `fn`: the one given, else the function's own.

    Raises:
        DefinitionError: (WEFT-D003) it may not be called so; (WEFT-D075) none is given, and `fn` has none.
    """
    if given is not None:
        return check_name(given, what)
    own = getattr(fn, "__name__", None)
    if own is None or own == "<lambda>":
        raise DefinitionError(
            f"{what} is made from {_nameless(fn)}, which has no name of its own.",
            code="WEFT-D075",
            facts={"declared in": declared_at(fn) or "?"},
            fix='give it one: name="..."',
        )
    return check_name(own, what)


def decorated_description(fn: Callable[..., Any], given: str | None) -> str | None:
    """The description given, else the docstring without its indentation."""
    if given is not None:
        return given
    if type(fn) is not FunctionType or fn.__dict__:
        fn = inspect.unwrap(plain_function(fn))
    text = fn.__doc__
    return inspect.cleandoc(text) if text and "\n" in text else text or None


def _nameless(fn: Callable[..., Any]) -> str:
    if getattr(fn, "__name__", None) == "<lambda>":
        return "a lambda"
    return "a partial" if isinstance(fn, functools.partial) else f"an object of class {type(fn).__name__}"
