"""Ops: functions as steps. `OpDefinition` is also what computes an asset or a check."""

from __future__ import annotations

import collections.abc
import functools
import typing
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from weft.definitions.composition import NodeDefinition, in_composition, invoke_node
from weft.definitions.decorated import check_decorated, decorated_description, decorated_name
from weft.definitions.inputs_outputs import NO_DEFAULT, In, Out
from weft.definitions.names import check_each, check_kind, check_mapping, check_name, check_optional, tag_texts
from weft.definitions.resource_annotations import config_class_of
from weft.definitions.results import DEFAULT_OUTPUT, DynamicOutput, MaterializeResult, Output
from weft.definitions.signature import NO_ANNOTATION, FunctionSignature, parse_signature
from weft.definitions.source import declared_at
from weft.definitions.value_type import AnnotationType, ValueType, value_type
from weft.errors import DefinitionError, did_you_mean
from weft.model.retry import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weft.config.schema import ConfigSchema, Field
    from weft.definitions.op_typing import ContextOp, DynamicOutputs, OpDecorator, OpExecutionContext
    from weft.model.compute import ComputeResources

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

# Iterables of results, which a function that yields is annotated with; the awaitables wrap what an async function gives.
_ITERATORS = (
    collections.abc.Generator,
    collections.abc.Iterator,
    collections.abc.Iterable,
    collections.abc.AsyncGenerator,
    collections.abc.AsyncIterator,
    collections.abc.AsyncIterable,
)
_AWAITABLES = (collections.abc.Awaitable, collections.abc.Coroutine)

# What most ops have: one object for all of them, as nothing changes a declaration once it is made.
_PLAIN_IN = In()
_NO_INS: Mapping[str, In] = {}
_NO_KEYS: frozenset[str] = frozenset()
_NO_TAGS: Mapping[str, str] = {}
PLAIN_OUT = Out()
"""What most functions give: one value, stored by the default I/O manager."""
PLAIN_OUTS: Mapping[str, Out] = {DEFAULT_OUTPUT: PLAIN_OUT}


class OpDefinition(NodeDefinition, Generic[P, R]):
    """A function as a step. Made by `op`; called inside a graph it becomes a node, called elsewhere it runs as a plain function.

    Attributes:
        ins, outs: input and output name to declaration, in order.
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
        tags: Mapping[str, Any] | None = None,
        retry_policy: RetryPolicy | None = None,
        code_version: str | None = None,
        pool: str | None = None,
        timeout_seconds: float | None = None,
        resources: ComputeResources | None = None,
        signature: FunctionSignature | None = None,
        what: str = "op",
    ) -> None:
        """Make an op of `fn`. The arguments are those of `op`; one that makes assets or checks gives the `signature` (and a name) that it has
        parsed and checked, and says `what` it is.
        """
        if signature is None:
            check_decorated(fn, "op")
        self.fn = fn
        self.name = name if signature is not None and name is not None else decorated_name(fn, name, "an op")
        self.description = decorated_description(fn, description)
        self.declared_at = declared_at(fn)
        where = f'{what} "{self.name}"'
        keys = (
            check_each(required_resource_keys, str, "required_resource_keys", where) if required_resource_keys else ()
        )
        self.signature = signature or parse_signature(fn, resource_keys=keys, config_expected=config_schema is not None)
        self.config_schema = self.signature.config_class if self.signature.config_class is not None else config_schema
        needed = self.signature.resources
        self.required_resource_keys = frozenset(keys).union(needed) if keys or needed else _NO_KEYS
        self.ins = self._make_ins(check_mapping(ins, "ins", where) if ins else {}, where)
        self.outs = self._make_outs(outs, where)
        self.tags: Mapping[str, str] = tag_texts(tags, where) if tags else _NO_TAGS
        if resources is not None:
            self.tags = {**_compute_tags(resources, where), **self.tags}
        self.retry_policy: RetryPolicy | None = check_optional(retry_policy, RetryPolicy, "retry_policy", where)
        self.code_version: str | None = check_optional(code_version, str, "code_version", where)
        self.pool: str | None = check_optional(pool, str, "pool", where)
        self.timeout_seconds = _timeout(timeout_seconds, where)
        self.__name__ = self.name
        self.__doc__ = self.description

    def _make_ins(self, ins: dict[str, Any], where: str) -> Mapping[str, In]:
        parameters = self.signature.inputs
        if not parameters and not ins:
            return _NO_INS
        result: dict[str, In] = {}
        for name, parameter in parameters.items():
            declared = check_kind(ins.pop(name), In, f'the input "{name}"', where) if name in ins else _PLAIN_IN
            if declared.is_nothing:
                raise DefinitionError(
                    f'{where} takes "{name}" as a parameter, but declares it as Nothing.',
                    code="WEFT-D015",
                    facts={"declared in": self.declared_at or "?"},
                    fix="remove the parameter: a Nothing input carries no value",
                )
            if parameter.has_default and not declared.has_default:
                declared = declared.with_default(parameter.default)
            result[name] = declared
        for name, declared in ins.items():
            check_kind(declared, In, f'the input "{name}"', where)
            if not declared.is_nothing and not self.signature.accepts_any:
                raise DefinitionError(
                    f'{where} declares the input "{name}", which its function does not take.',
                    code="WEFT-D016",
                    facts={"parameters": ", ".join(parameters) or "(none)", "declared in": self.declared_at or "?"},
                    fix=did_you_mean(name, parameters, f'add a parameter "{name}", or declare it as In(Nothing)'),
                )
            result[check_name(name, f"an input of {where}")] = declared
        return result

    def _make_outs(self, outs: Mapping[str, Out] | None, where: str) -> Mapping[str, Out]:
        if outs is PLAIN_OUTS:
            return PLAIN_OUTS
        if outs is not None:
            declared = check_mapping(outs, "out", where)
            for name, out in declared.items():
                check_kind(out, Out, f'the output "{name}"', where)
                if name != DEFAULT_OUTPUT:
                    check_name(name, f"an output of {where}")
            return declared
        if _gives_dynamic_outputs(self.signature.return_annotation):
            raise DefinitionError(
                f"{where} returns dynamic outputs, but does not declare one.",
                code="WEFT-D017",
                facts={"declared in": self.declared_at or "?"},
                fix="declare it: @op(out=DynamicOut())",
            )
        return PLAIN_OUTS

    @functools.cached_property
    def input_types(self) -> Mapping[str, ValueType | AnnotationType]:
        """Input name to type: the declared one, else the annotation. Made when it is first asked for."""
        return {key: value_type(_declared(self, key, spec)) for key, spec in self.ins.items()}

    @functools.cached_property
    def output_types(self) -> Mapping[str, ValueType | AnnotationType]:
        """Output name to type: the declared one, else what the return annotation says of a single output, or of each of several."""
        carrying = [name for name, out in self.outs.items() if not out.is_nothing]
        annotation = self.signature.return_annotation
        each: Sequence[Any] = ()
        if len(carrying) == 1:
            each = [Any if self.outs[carrying[0]].is_dynamic else annotation]
        elif typing.get_origin(annotation) is tuple:
            parts = typing.get_args(annotation)
            each = parts if len(parts) == len(carrying) and Ellipsis not in parts else ()
        annotated = dict(zip(carrying, each, strict=False))
        return {
            name: value_type(
                out.value_type
                if out.value_type is not NO_DEFAULT
                else returned_type(annotated.get(name, NO_ANNOTATION))
            )
            for name, out in self.outs.items()
        }

    def with_settings(self, *, tags: Mapping[str, Any] | None = None) -> OpDefinition[P, R]:
        """A copy with more tags."""
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        copy.tags = {**self.tags, **tag_texts(tags, f'op "{self.name}"')}
        return copy

    @functools.cached_property
    def config_field(self) -> Field | None:
        """The schema of its configuration as a field; None where it declares none. Made when it is first asked for."""
        if self.config_schema is None:
            return None
        from weft.config.validation import declared  # slow to load, and most ops have no configuration

        config_class: Any = config_class_of(self.config_schema)
        return config_class.to_config_schema() if config_class is not None else declared(self.config_schema)

    @property
    def config_class(self) -> Any:
        """The class of the object that its function takes as configuration; None where it takes plain data."""
        annotated = self.signature.config_class
        return config_class_of(annotated if annotated is not None else self.config_schema)

    def configured(
        self,
        config_or_config_fn: Any,
        name: str | None = None,
        config_schema: ConfigSchema | None = None,
        description: str | None = None,
    ) -> OpDefinition[P, R]:
        """A copy with its configuration given, or computed from other configuration.

        Args:
            config_or_config_fn: the configuration, or a function from the new configuration to it.
            name: the name of the copy; the same by default.
            config_schema: the schema of the new configuration, for a function.
            description: in place of this one's.

        Raises:
            ConfigError: the configuration does not fit the schema.
        """
        from weft.config.mapping import configured_field  # as above
        from weft.config.schema import Any as AnyConfig, Field

        copy = self.with_settings()
        copy.__dict__.pop("config_field", None)
        inner = self.config_field or Field(AnyConfig, is_required=False)
        copy.config_schema = configured_field(inner, config_or_config_fn, config_schema)
        if name is not None:
            copy.name = copy.__name__ = check_name(name, "an op")
        copy.description = description or self.description
        return copy

    def needed_resource_keys(self) -> set[str]:
        """The keys of every resource that it, its inputs and its outputs name."""
        needed = {out.io_manager_key for out in self.outs.values() if not out.is_nothing}
        needed.update(given.input_manager_key for given in self.ins.values() if given.input_manager_key is not None)
        for given in self.ins.values():
            if isinstance(given.value_type, ValueType) and given.value_type.loader is not None:
                needed |= given.value_type.loader.required_resource_keys()
        return needed | self.required_resource_keys

    def renamed(self, name: str) -> OpDefinition[P, R]:
        """A copy under another name."""
        copy = self.with_settings()
        copy.name = name
        return copy

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        if in_composition():
            return invoke_node(self, args, kwargs)  # type: ignore[no-any-return]  # inside a graph it gives handles
        from weft.execution.direct_invocation import invoke_op

        return invoke_op(self, args, kwargs)  # type: ignore[no-any-return]  # what the user's function returns

    def __repr__(self) -> str:
        return f"OpDefinition({self.name!r})"


def _declared(op: OpDefinition[Any, Any], name: str, spec: In) -> Any:
    if spec.value_type is not NO_DEFAULT:
        return spec.value_type
    parameter = op.signature.inputs.get(name)
    if parameter is None or parameter.annotation is NO_ANNOTATION:
        return Any
    return parameter.annotation


def returned_type(annotation: Any) -> Any:
    """The type of the value in a return annotation: what is inside ``Output[...]`` or an awaitable; generators and result objects say nothing."""
    if type(annotation) is type and annotation.__module__ == "builtins":
        return annotation
    if annotation is NO_ANNOTATION:
        return Any
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    bare = origin or annotation
    if bare in (Output, MaterializeResult):
        return args[0] if args else Any
    if bare in _AWAITABLES:
        return returned_type(args[-1]) if args else Any
    if bare in _ITERATORS or getattr(bare, "__module__", "").startswith("weft."):
        return Any
    if any(getattr(typing.get_origin(arg) or arg, "__module__", "").startswith("weft.") for arg in args):
        return Any  # for example: MaterializeResult | None
    return annotation


def _gives_dynamic_outputs(annotation: Any) -> bool:
    if type(annotation) is type:
        return annotation is DynamicOutput
    if (typing.get_origin(annotation) or annotation) is DynamicOutput:
        return True
    return any(_gives_dynamic_outputs(arg) for arg in typing.get_args(annotation))


def _compute_tags(resources: Any, where: str) -> Mapping[str, str]:
    from weft.model.compute import ComputeResources

    given: ComputeResources = check_kind(resources, ComputeResources, "resources", where)
    return given.tags


def _timeout(seconds: Any, where: str) -> float | None:
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not seconds > 0:
        raise DefinitionError(
            f"the timeout of {where} is not a positive number of seconds.",
            code="WEFT-D080",
            facts={"found": f"{seconds!r}"},
            fix="for example timeout_seconds=3600, or leave it out for no limit",
        )
    return seconds


@overload
def op(
    fn: Callable[Concatenate[OpExecutionContext, P], Iterator[DynamicOutput[T]]], /
) -> ContextOp[P, DynamicOutputs[T]]: ...
@overload
def op(fn: Callable[Concatenate[OpExecutionContext, P], R], /) -> ContextOp[P, R]: ...
@overload
def op(fn: Callable[P, Iterator[DynamicOutput[T]]], /) -> OpDefinition[P, DynamicOutputs[T]]: ...
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
    tags: Mapping[str, Any] | None = None,
    retry_policy: RetryPolicy | None = None,
    code_version: str | None = None,
    pool: str | None = None,
    timeout_seconds: float | None = None,
    resources: ComputeResources | None = None,
) -> OpDecorator: ...
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
    tags: Mapping[str, Any] | None = None,
    retry_policy: RetryPolicy | None = None,
    code_version: str | None = None,
    pool: str | None = None,
    timeout_seconds: float | None = None,
    resources: ComputeResources | None = None,
) -> Any:
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
        tags: for executors and pages; values that are not strings become JSON text.
        retry_policy: what to do when it fails.
        code_version: the version of the code.
        pool: the pool whose slots limit how many run at once.
        timeout_seconds: the longest time one attempt may take.
        resources: the memory and processors that it may have.

    Raises:
        DefinitionError: names, parameters and declarations do not fit together.

    >>> @op
    ... def double(x: int) -> int:
    ...     return 2 * x
    >>> double(4)
    8
    """

    def make(function: Callable[P, R]) -> OpDefinition[P, R]:
        outs = {DEFAULT_OUTPUT: out} if out is not None and not isinstance(out, Mapping) else out
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
            resources=resources,
        )

    return make if fn is None else make(fn)
