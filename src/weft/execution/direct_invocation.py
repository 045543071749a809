"""Calling a decorated function as what it is: a function. Nothing is planned, stored or recorded.

Arguments are those of the user's function. What is left out is filled in where that has one meaning only: the default configuration, resources of
the context that is passed. The result is what the function returns, unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from weft.definitions.assets import AssetsDefinition
from weft.definitions.op import OpDefinition
from weft.definitions.signature import FunctionSignature
from weft.errors import InvocationError

if TYPE_CHECKING:
    from weft.execution.contexts import ExecutionContext


def invoke_op(op: OpDefinition[Any, Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Call the function of an op.

    Raises:
        InvocationError: (WEFT-I007) it needs a context and got none; (WEFT-I008) configuration or a resource is missing.
    """
    return _call(op, args, kwargs, None)


def invoke_assets(assets: AssetsDefinition[Any, Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Call the function of an asset or check.

    Raises:
        InvocationError: as `invoke_op`; (WEFT-I009) it is computed by a graph.
    """
    if not isinstance(assets.node_def, OpDefinition):
        raise InvocationError(
            f'"{assets.node_def.name}" is computed by a graph, so it cannot be called as a function.',
            code="WEFT-I009",
            fix="run it with materialize([...]), or call its ops",
        )
    return _call(assets.node_def, args, kwargs, assets)


def _call(
    op: OpDefinition[Any, Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    assets: AssetsDefinition[Any, Any] | None,
) -> Any:
    signature = op.signature
    context = _context_of(op, args, kwargs)
    if context is not None:
        context.bind(op, assets)
    if signature.config is None and not signature.resources:
        return op.fn(*args, **kwargs)
    given = _names_given(signature, args) | kwargs.keys()
    filled = dict(kwargs)
    if signature.config is not None and signature.config not in given:
        filled[signature.config] = _config(op, context)
    for name in signature.resources:
        if name not in given:
            filled[name] = _resource(op, name, context)
    return op.fn(*args, **filled)


def _context_of(op: OpDefinition[Any, Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> ExecutionContext | None:
    name = op.signature.context
    if name is None:
        return None
    context = args[0] if args else kwargs.get(name)
    if context is None and name not in kwargs and not args:
        raise InvocationError(
            f'"{op.name}" takes a context, but was called without one.',
            code="WEFT-I007",
            facts={"declared in": op.declared_at or "?"},
            fix=f"pass one: {op.name}(build_op_context(), ...), or build_asset_context() for assets",
        )
    return context if hasattr(context, "bind") else None


def _names_given(signature: FunctionSignature, args: Sequence[Any]) -> set[str]:
    return set(signature.order[: len(args)])


def _config(op: OpDefinition[Any, Any], context: ExecutionContext | None) -> Any:
    if context is not None and context.op_config is not None:
        from weft.config.models import instantiate

        given = context.op_config
        kind = op.signature.config_class
        return given if kind is None or isinstance(given, kind) else instantiate(kind, given)
    kind = op.signature.config_class
    if kind is not None:
        try:
            return kind()
        except Exception as error:
            raise InvocationError(
                f'"{op.name}" takes configuration without defaults, but was called without it.',
                code="WEFT-I008",
                facts={"parameter": op.signature.config, "class": kind.__name__},
                fix=f"pass it: {op.name}({op.signature.config}={kind.__name__}(...))",
            ) from error
    return {}


def _resource(op: OpDefinition[Any, Any], name: str, context: ExecutionContext | None) -> Any:
    if context is not None and name in context.resources:
        return getattr(context.resources, name)
    raise InvocationError(
        f'"{op.name}" takes the resource "{name}", but was called without it.',
        code="WEFT-I008",
        facts={"declared in": op.declared_at or "?"},
        fix=f"pass it: {op.name}({name}=...), or in the context: build_op_context(resources={{...}})",
    )
