"""What the parameters of a decorated function mean: context, configuration, resources, inputs.

Parsed once, when the function is decorated. Annotations may be postponed (strings): each is evaluated in the function's module and, where
that fails, in the frames that are open while it is declared, so classes local to a test work too. What cannot be evaluated counts as
not annotated.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Collection, Mapping
from types import FrameType
from typing import Any

from weft.definitions.resource_annotations import is_config_class, is_resource_annotation
from weft.errors import DefinitionError

CONTEXT_NAMES = frozenset({"context", "_context", "_", "__"})
NO_ANNOTATION = inspect.Parameter.empty


class Parameter:
    """One input parameter."""

    __slots__ = ("annotation", "default", "name")

    def __init__(self, name: str, annotation: Any, default: Any) -> None:
        self.name = name
        self.annotation = annotation
        self.default = default

    @property
    def has_default(self) -> bool:
        """Whether the function can be called without it."""
        return self.default is not inspect.Parameter.empty


class FunctionSignature:
    """The parameters of a user's function, sorted by what they mean."""

    __slots__ = (
        "accepts_any",
        "config",
        "config_class",
        "context",
        "inputs",
        "order",
        "resources",
        "return_annotation",
    )

    def __init__(self) -> None:
        # The name of the parameter that takes the context, always passed by position first.
        self.context: str | None = None
        self.config: str | None = None
        self.config_class: Any = None
        # Parameter name (which is the resource key) to annotation.
        self.resources: dict[str, Any] = {}
        self.inputs: dict[str, Parameter] = {}
        # Whether it has ``**kwargs``: inputs that are not named are passed too.
        self.accepts_any = False
        self.return_annotation: Any = NO_ANNOTATION
        # The names of all parameters, in order.
        self.order: tuple[str, ...] = ()


def parse_signature(
    fn: Callable[..., Any], *, resource_keys: Collection[str] = (), config_expected: bool = False
) -> FunctionSignature:
    """The meaning of every parameter of `fn`.

    Args:
        fn: the user's function.
        resource_keys: parameters of these names are resources even without an annotation that says so.
        config_expected: a parameter called ``config`` without annotation takes the configuration.

    Raises:
        DefinitionError: (WEFT-D010) positional-only or ``*args`` parameters; (WEFT-D011) two configuration parameters.
    """
    try:
        signature = inspect.signature(fn)
    except (TypeError, ValueError) as error:
        raise DefinitionError(
            f"{fn!r} cannot be decorated: its parameters cannot be read.",
            code="WEFT-D010",
            fix="decorate a plain function",
        ) from error
    result = FunctionSignature()
    result.order = tuple(signature.parameters)
    if signature.return_annotation is not NO_ANNOTATION:
        result.return_annotation = evaluate_annotation(signature.return_annotation, fn)
    for index, (name, parameter) in enumerate(signature.parameters.items()):
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            result.accepts_any = True
            continue
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            raise DefinitionError(
                f"{fn.__name__}() takes *{name}, which cannot be an input.",
                code="WEFT-D010",
                facts={"declared in": _place(fn)},
                fix="name each input as a parameter, or take **kwargs",
            )
        annotation = parameter.annotation
        if isinstance(annotation, str):
            annotation = evaluate_annotation(annotation, fn)
        if index == 0 and (name in CONTEXT_NAMES or _is_context(annotation)):
            result.context = name
        elif is_config_class(annotation) or (config_expected and name == "config"):
            if result.config is not None:
                raise DefinitionError(
                    f"{fn.__name__}() takes configuration twice.",
                    code="WEFT-D011",
                    facts={"parameters": f"{result.config}, {name}", "declared in": _place(fn)},
                    fix="join both into one Config class",
                )
            result.config = name
            result.config_class = annotation if is_config_class(annotation) else None
        elif name in resource_keys or is_resource_annotation(annotation):
            result.resources[name] = annotation
        else:
            result.inputs[name] = Parameter(name, annotation, parameter.default)
    return result


def evaluate_annotation(annotation: Any, fn: Callable[..., Any]) -> Any:
    """The object that a postponed annotation names, or `NO_ANNOTATION` where it cannot be found."""
    if not isinstance(annotation, str):
        return annotation
    fn = inspect.unwrap(fn)
    module_names = getattr(fn, "__globals__", {})
    try:
        return eval(annotation, module_names)  # noqa: S307  # the user's own annotation, in the user's own module
    except Exception:  # noqa: BLE001  # anything may be missing at import time (TYPE_CHECKING blocks)
        return _evaluate_in_open_frames(annotation, module_names)


def _evaluate_in_open_frames(annotation: str, module_names: Mapping[str, Any]) -> Any:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_globals is module_names and frame.f_locals is not frame.f_globals:
            try:
                return eval(annotation, frame.f_globals, frame.f_locals)  # noqa: S307  # see above
            except Exception:  # noqa: BLE001, S110  # look further out
                pass
        frame = frame.f_back
    return NO_ANNOTATION


def _is_context(annotation: Any) -> bool:
    return getattr(annotation, "__weft_context__", False) is True


def _place(fn: Callable[..., Any]) -> str:
    from weft.definitions.source import declared_at

    return declared_at(fn) or "?"
