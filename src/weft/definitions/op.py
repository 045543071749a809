"""Ops: functions as steps. `OpDefinition` is also what computes an asset or a check."""

from __future__ import annotations

import typing
from collections.abc import Callable, Collection, Mapping
from typing import Any, Generic, ParamSpec, TypeVar, overload

from weft.definitions.composition import NodeDefinition, in_composition, invoke_node
from weft.definitions.inputs_outputs import In, Out
from weft.definitions.names import check_name
from weft.definitions.results import DEFAULT_OUTPUT, DynamicOutput, Output
from weft.definitions.signature import NO_ANNOTATION, FunctionSignature, parse_signature
from weft.definitions.source import declared_at
from weft.definitions.value_type import ANY, AnnotationType, ValueType, value_type
from weft.errors import DefinitionError, did_you_mean
from weft.model.retry import RetryPolicy

P = ParamSpec("P")
R = TypeVar("R")

_OPTIONAL_ORIGINS = (typing.Union,)


class OpDefinition(NodeDefinition, Generic[P, R]):
    """A function as a step. Made by `op`; called inside a graph it becomes a node, called elsewhere it runs as a plain function.

    Attributes:
        ins, outs: input and output name to declaration, in order.
        input_types, output_types: the same names to their value types.
    """

    def __init__(
        self,
        fn: Callable[P, R],
        *,
        name: str | None = None,
        description: str | None = None,
        ins: Mapping[str, In] | None = None,
        outs: Mapping[str, Out] | None = None,
        config_schema: Any = None,
        required_resource_keys: Collection[str] = (),
        tags: Mapping[str, str] | None = None,
        retry_policy: RetryPolicy | None = None,
        code_version: str | None = None,
        pool: str | None = None,
        timeout_seconds: float | None = None,
        signature: FunctionSignature | None = None,
    ) -> None:
        self.fn = fn
        self.name = check_name(name or str(getattr(fn, "__name__", "")), "an op")
        self.description = description or fn.__doc__
        self.declared_at = declared_at(fn)
        self.signature = signature or parse_signature(
            fn, resource_keys=required_resource_keys, config_expected=config_schema is not None
        )
        self.config_schema = self.signature.config_class if self.signature.config_class is not None else config_schema
        self.required_resource_keys = frozenset(required_resource_keys).union(self.signature.resources)
        self.ins = self._make_ins(dict(ins or {}))
        self.outs = self._make_outs(dict(outs) if outs is not None else None)
        self.input_types = {key: value_type(_declared(self, key, spec)) for key, spec in self.ins.items()}
        self.output_types = {key: self._output_type(key, out) for key, out in self.outs.items()}
        self.tags = dict(tags or {})
        self.retry_policy = retry_policy
        self.code_version = code_version
        self.pool = pool
        self.timeout_seconds = timeout_seconds
        self.__name__ = self.name
        self.__doc__ = self.description

    def _make_ins(self, ins: dict[str, In]) -> dict[str, In]:
        parameters = self.signature.inputs
        result: dict[str, In] = {}
        for name, parameter in parameters.items():
            declared = ins.pop(name, None) or In()
            if declared.is_nothing:
                raise DefinitionError(
                    f'Op "{self.name}" takes "{name}" as a parameter, but declares it as Nothing.',
                    code="WEFT-D015",
                    facts={"declared in": self.declared_at or "?"},
                    fix="remove the parameter: a Nothing input carries no value",
                )
            if parameter.has_default and not declared.has_default:
                declared = In(
                    declared.value_type,
                    declared.description,
                    parameter.default,
                    declared.metadata,
                    declared.asset_key,
                    declared.input_manager_key,
                    rule=declared.rule,
                )
            result[name] = declared
        for name, declared in ins.items():
            if not declared.is_nothing and not self.signature.accepts_any:
                raise DefinitionError(
                    f'Op "{self.name}" declares the input "{name}", which its function does not take.',
                    code="WEFT-D016",
                    facts={"parameters": ", ".join(parameters) or "(none)", "declared in": self.declared_at or "?"},
                    fix=did_you_mean(name, parameters, f'add a parameter "{name}", or declare it as In(Nothing)'),
                )
            result[name] = declared
        return result

    def _make_outs(self, outs: dict[str, Out] | None) -> dict[str, Out]:
        if outs is not None:
            for name in outs:
                check_name(name, f'an output of op "{self.name}"') if name != DEFAULT_OUTPUT else None
            return outs
        annotation = self.signature.return_annotation
        if (
            typing.get_origin(annotation) is list
            and typing.get_origin((typing.get_args(annotation) or (None,))[0]) is DynamicOutput
        ):
            raise DefinitionError(
                f'Op "{self.name}" returns dynamic outputs, but does not declare one.',
                code="WEFT-D017",
                facts={"declared in": self.declared_at or "?"},
                fix="declare it: @op(out=DynamicOut())",
            )
        return {DEFAULT_OUTPUT: Out()}

    def _output_type(self, name: str, out: Out) -> ValueType | AnnotationType:
        if out.value_type is not NO_ANNOTATION:
            return value_type(out.value_type)
        if len(self.outs) != 1 or out.is_dynamic:
            return ANY
        return value_type(returned_type(self.signature.return_annotation))

    def with_settings(self, *, tags: Mapping[str, str] | None = None) -> OpDefinition[P, R]:
        """A copy with more tags."""
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        copy.tags = {**self.tags, **(tags or {})}
        return copy

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        if in_composition():
            return invoke_node(self, args, kwargs)  # type: ignore[no-any-return]  # inside a graph it gives handles
        from weft.execution.direct_invocation import invoke_op

        return invoke_op(self, args, kwargs)  # type: ignore[no-any-return]  # what the user's function returns

    def __repr__(self) -> str:
        return f"OpDefinition({self.name!r})"


def _declared(op: OpDefinition[Any, Any], name: str, spec: In) -> Any:
    if spec.value_type is not NO_ANNOTATION:
        return spec.value_type
    parameter = op.signature.inputs.get(name)
    if parameter is None or parameter.annotation is NO_ANNOTATION:
        return Any
    return parameter.annotation


def returned_type(annotation: Any) -> Any:
    """The type of the value in a return annotation: what is inside ``Output[...]``; generators and result objects say nothing."""
    if annotation is NO_ANNOTATION:
        return Any
    origin = typing.get_origin(annotation)
    if origin is Output:
        return typing.get_args(annotation)[0]
    bare = origin or annotation
    if isinstance(bare, type) and (
        bare.__module__.startswith("weft.") or (bare.__module__ in ("collections.abc",) and "Iterator" in bare.__name__)
    ):
        return Any
    if getattr(bare, "__name__", "") in ("Generator", "Iterator", "AsyncIterator", "AsyncGenerator", "Iterable"):
        return Any
    if origin is not None and any(
        getattr(typing.get_origin(arg) or arg, "__module__", "").startswith("weft.")
        for arg in typing.get_args(annotation)
    ):
        return Any  # for example: MaterializeResult | None
    return annotation


@overload
def op(fn: Callable[P, R], /) -> OpDefinition[P, R]: ...
@overload
def op(
    *,
    name: str | None = None,
    description: str | None = None,
    ins: Mapping[str, In] | None = None,
    out: Out | Mapping[str, Out] | None = None,
    config_schema: Any = None,
    required_resource_keys: Collection[str] = (),
    tags: Mapping[str, str] | None = None,
    retry_policy: RetryPolicy | None = None,
    code_version: str | None = None,
    pool: str | None = None,
    timeout_seconds: float | None = None,
) -> Callable[[Callable[P, R]], OpDefinition[P, R]]: ...
def op(
    fn: Callable[P, R] | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    ins: Mapping[str, In] | None = None,
    out: Out | Mapping[str, Out] | None = None,
    config_schema: Any = None,
    required_resource_keys: Collection[str] = (),
    tags: Mapping[str, str] | None = None,
    retry_policy: RetryPolicy | None = None,
    code_version: str | None = None,
    pool: str | None = None,
    timeout_seconds: float | None = None,
) -> OpDefinition[P, R] | Callable[[Callable[P, R]], OpDefinition[P, R]]:
    """Make a function a step.

    Parameters become inputs, except a first one called ``context``, one annotated with a `Config` class, and those annotated with resources.

    Args:
        fn: the function, where the decorator is used without arguments.
        name: the name; the function's own by default.
        description: what it does; the docstring by default.
        ins: more about inputs; `Nothing` inputs, which are not parameters.
        out: the output, or several by name.
        config_schema: the schema of its configuration where no `Config` class is used.
        required_resource_keys: resources it reads from ``context.resources``.
        tags: for executors and pages.
        retry_policy: what to do when it fails.
        code_version: the version of the code.
        pool: the pool whose slots limit how many run at once.
        timeout_seconds: the longest time one attempt may take.

    Raises:
        DefinitionError: names, parameters and declarations do not fit together.

    >>> @op
    ... def double(x: int) -> int:
    ...     return 2 * x
    >>> double(4)
    8
    """

    def make(function: Callable[P, R]) -> OpDefinition[P, R]:
        outs = {DEFAULT_OUTPUT: out} if isinstance(out, Out) else out
        return OpDefinition(
            function,
            name=name,
            description=description,
            ins=ins,
            outs=outs,
            config_schema=config_schema,
            required_resource_keys=required_resource_keys,
            tags=tags,
            retry_policy=retry_policy,
            code_version=code_version,
            pool=pool,
            timeout_seconds=timeout_seconds,
        )

    return make if fn is None else make(fn)
