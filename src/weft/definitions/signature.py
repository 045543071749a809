"""What the parameters of a decorated function mean: context, configuration, resources, inputs.

Parsed once, when the function is decorated. Annotations may be postponed (strings): each is evaluated in the frames that are open while a
nested function is declared, so that classes local to a test work too, and in the function's module. What cannot be evaluated counts as not
annotated.

A project declares thousands of functions, so plain ones are read from their code object, and what an annotation means is remembered.
"""

from __future__ import annotations

import builtins
import functools
import inspect
import sys
import typing
from collections.abc import Callable, Collection, Iterator, Mapping
from types import CodeType, FrameType, FunctionType
from typing import Any

from weft.definitions.resource_annotations import is_config_class, is_resource_annotation
from weft.definitions.source import declared_at, plain_function
from weft.errors import DefinitionError

CONTEXT_NAMES = frozenset({"context", "_context", "_", "__"})
NO_ANNOTATION = inspect.Parameter.empty

_NONE: Mapping[str, Any] = {}
_VAR_FLAGS = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS


class Parameter:
    """One input parameter."""

    __slots__ = ("annotation", "default", "kind", "name")

    def __init__(self, name: str, annotation: Any, default: Any, kind: Any = inspect.Parameter.KEYWORD_ONLY) -> None:
        self.name = name
        self.annotation = annotation
        self.default = default
        self.kind = kind

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
        self.resources: Mapping[str, Any] = _NONE
        self.inputs: Mapping[str, Parameter] = _NONE
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
        DefinitionError: (WEFT-D010) parameters that cannot be passed by name; (WEFT-D011) two configuration parameters; (WEFT-D076) a context
            that is not the first parameter.
    """
    parameters, returned = _plain_parameters(fn) or _any_parameters(fn)
    result = FunctionSignature()
    result.order = tuple([parameter.name for parameter in parameters])
    result.return_annotation = evaluate_annotation(returned, fn)
    inputs: dict[str, Parameter] = {}
    for index, parameter in enumerate(parameters):
        name = parameter.name
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            result.accepts_any = True
            continue
        annotation = parameter.annotation = evaluate_annotation(parameter.annotation, fn)
        meaning = None if annotation is NO_ANNOTATION else _meaning(annotation)
        if name in CONTEXT_NAMES or meaning == "context":
            if index == 0:
                result.context = name
                continue
            if meaning == "context" or name == "context":
                raise _misplaced_context(fn, name, result.order)
        if parameter.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.POSITIONAL_ONLY):
            raise _unnamed(fn, parameter)
        if meaning == "config" or (config_expected and name == "config"):
            if result.config is not None:
                raise DefinitionError(
                    f"{_name(fn)}() takes configuration twice.",
                    code="WEFT-D011",
                    facts={"parameters": f"{result.config}, {name}", "declared in": declared_at(fn) or "?"},
                    fix="join both into one Config class",
                )
            result.config = name
            result.config_class = annotation if meaning == "config" else None
        elif name in resource_keys or meaning == "resource":
            result.resources = {**result.resources, name: annotation}
        else:
            inputs[name] = parameter
    if inputs:
        result.inputs = inputs
    return result


# --- reading parameters ----------------------------------------------------------------------------------------------


def _plain_parameters(fn: Any) -> tuple[list[Parameter], Any] | None:
    """The parameters and return annotation of a function without oddities, many times faster than `inspect.signature`; None of any other."""
    if type(fn) is not FunctionType or fn.__dict__:
        return None
    code = fn.__code__
    if code.co_flags & _VAR_FLAGS or code.co_posonlyargcount:
        return None
    annotations = _annotations(fn)
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    defaults: dict[str, Any] = dict(fn.__kwdefaults__ or ()) if names else {}
    if fn.__defaults__:
        first = code.co_argcount - len(fn.__defaults__)
        defaults.update(zip(names[first : code.co_argcount], fn.__defaults__, strict=True))
    parameters = [
        Parameter(name, annotations.get(name, NO_ANNOTATION), defaults.get(name, NO_ANNOTATION)) for name in names
    ]
    return parameters, annotations.get("return", NO_ANNOTATION)


def _any_parameters(fn: Callable[..., Any]) -> tuple[list[Parameter], Any]:
    try:
        signature = _inspected(fn)
    except (TypeError, ValueError) as error:
        raise DefinitionError(
            f"{fn!r:.80} cannot be decorated: its parameters cannot be read.",
            code="WEFT-D010",
            fix="wrap it in a plain function with named parameters",
        ) from error
    parameters = [Parameter(name, one.annotation, one.default, one.kind) for name, one in signature.parameters.items()]
    return parameters, signature.return_annotation


if sys.version_info >= (3, 14):
    # Annotations are evaluated when they are asked for; those of TYPE_CHECKING blocks must not raise.
    import annotationlib

    def _annotations(fn: Any) -> Mapping[str, Any]:
        return annotationlib.get_annotations(fn, format=annotationlib.Format.FORWARDREF)

    def _inspected(fn: Callable[..., Any]) -> inspect.Signature:
        return inspect.signature(fn, annotation_format=annotationlib.Format.FORWARDREF)

else:

    def _annotations(fn: Any) -> Mapping[str, Any]:
        found: Mapping[str, Any] = fn.__annotations__
        return found

    def _inspected(fn: Callable[..., Any]) -> inspect.Signature:
        return inspect.signature(fn)


# --- annotations -----------------------------------------------------------------------------------------------------


def evaluate_annotation(annotation: Any, fn: Callable[..., Any]) -> Any:
    """The object that a postponed annotation names, or `NO_ANNOTATION` where it cannot be found."""
    if type(annotation) is type:
        return annotation
    while isinstance(annotation, str):  # quotes under postponed evaluation make a string in a string
        annotation = _evaluate(annotation, fn)
    if isinstance(annotation, typing.ForwardRef):
        return _evaluate(annotation.__forward_arg__, fn)
    if _has_names(annotation):
        return _with_names_evaluated(annotation, fn)
    return annotation


def _evaluate(annotation: str, fn: Callable[..., Any]) -> Any:
    function = inspect.unwrap(plain_function(fn))
    module_names: dict[str, Any] = getattr(function, "__globals__", {})
    is_nested = "<locals>" in getattr(function, "__qualname__", "")
    if annotation.isidentifier() and not is_nested:
        if annotation in module_names:
            return module_names[annotation]
        if hasattr(builtins, annotation):
            return getattr(builtins, annotation)
    try:
        code = _compiled(annotation)
    except SyntaxError:
        return NO_ANNOTATION
    frames = list(_open_frames(module_names))
    scopes = [*frames, None] if is_nested else [None, *frames]
    for local_names in scopes:
        try:
            return eval(code, module_names, local_names)  # noqa: S307  # the user's own annotation, in the user's own module
        except Exception:  # noqa: BLE001, S112  # anything may be missing at import time (TYPE_CHECKING blocks): look further out
            continue
    return NO_ANNOTATION


@functools.lru_cache(maxsize=1024)
def _compiled(annotation: str) -> CodeType:
    return compile(annotation.strip(), "<annotation>", "eval")


def _open_frames(module_names: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The local names of every open function or class body of the module, from the inside out."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_globals is module_names and frame.f_locals is not frame.f_globals:
            yield frame.f_locals
        frame = frame.f_back


def _has_names(annotation: Any) -> bool:
    """Whether a name stands unevaluated inside ``Optional["Settings"]`` and the like."""
    if typing.get_origin(annotation) in (None, typing.Literal):
        return False
    args = typing.get_args(annotation)
    if typing.get_origin(annotation) is typing.Annotated:
        args = args[:1]
    return any(isinstance(arg, (str, typing.ForwardRef)) or _has_names(arg) for arg in args)


def _with_names_evaluated(annotation: Any, fn: Callable[..., Any]) -> Any:
    function = inspect.unwrap(plain_function(fn))
    module_names: dict[str, Any] = getattr(function, "__globals__", {})

    def holder() -> None: ...

    holder.__annotations__ = {"value": annotation}
    for local_names in (*_open_frames(module_names), {}):
        try:
            return typing.get_type_hints(holder, module_names, dict(local_names), include_extras=True)["value"]
        except Exception:  # noqa: BLE001, S112  # see _evaluate
            continue
    return annotation


def _meaning(annotation: Any) -> str | None:
    """``context``, ``config`` or ``resource`` where a parameter with this annotation is one of these."""
    try:
        return _remembered_meaning(annotation)
    except TypeError:  # it holds something that has no hash
        return _find_meaning(annotation)


def _find_meaning(annotation: Any) -> str | None:
    if getattr(annotation, "__weft_context__", False) is True:
        return "context"
    if is_config_class(annotation):
        return "config"
    return "resource" if is_resource_annotation(annotation) else None


_remembered_meaning = functools.lru_cache(maxsize=1024)(_find_meaning)


# --- errors ----------------------------------------------------------------------------------------------------------


def _unnamed(fn: Callable[..., Any], parameter: Parameter) -> DefinitionError:
    is_star = parameter.kind is inspect.Parameter.VAR_POSITIONAL
    return DefinitionError(
        f"{_name(fn)}() takes {'*' if is_star else ''}{parameter.name} by position only, so it cannot be an input.",
        code="WEFT-D010",
        facts={"declared in": declared_at(fn) or "?"},
        fix="name each input as a parameter, or take **kwargs" if is_star else "remove the / from its parameters",
    )


def _misplaced_context(fn: Callable[..., Any], name: str, order: tuple[str, ...]) -> DefinitionError:
    is_method = order[0] in ("self", "cls")
    return DefinitionError(
        f'{_name(fn)}() takes the context as "{name}", which is not its first parameter.',
        code="WEFT-D076",
        facts={"parameters": ", ".join(order), "declared in": declared_at(fn) or "?"},
        fix="decorate a function outside the class: a method has no object yet"
        if is_method
        else f"put {name} first: def {_name(fn)}({', '.join([name, *(one for one in order if one != name)])})",
    )


def _name(fn: Callable[..., Any]) -> str:
    return str(getattr(fn, "__name__", None) or getattr(plain_function(fn), "__name__", type(fn).__name__))
