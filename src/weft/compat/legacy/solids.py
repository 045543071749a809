"""Solids, which are ops, and composite solids, which are graphs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from weft.config.mapping import ConfigMapping
from weft.definitions.deprecations import warn_deprecated
from weft.definitions.graph import GraphDefinition, graph
from weft.definitions.inputs_outputs import NO_DEFAULT, DynamicOut, GraphIn, GraphOut, In, Out
from weft.definitions.op import OpDefinition, op
from weft.definitions.results import DEFAULT_OUTPUT
from weft.execution.contexts import OpExecutionContext
from weft.model.keys import CoercibleToAssetKey
from weft.model.retry import RetryPolicy
from weft.testing.contexts import build_op_context


class InputDefinition:
    """An input with its name; now `In`, in a dict by name."""

    def __init__(
        self,
        name: str,
        dagster_type: Any = NO_DEFAULT,
        description: str | None = None,
        default_value: Any = NO_DEFAULT,
        root_manager_key: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        asset_key: CoercibleToAssetKey | None = None,
    ) -> None:
        self.name = name
        self.to_in = In(
            dagster_type,
            description,
            default_value,
            metadata=metadata,
            asset_key=asset_key,
            input_manager_key=root_manager_key,
        )


class OutputDefinition:
    """An output with its name; now `Out`, in a dict by name."""

    def __init__(
        self,
        dagster_type: Any = NO_DEFAULT,
        name: str | None = None,
        description: str | None = None,
        is_required: bool = True,
        io_manager_key: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name or DEFAULT_OUTPUT
        self.to_out = Out(dagster_type, description, is_required, io_manager_key=io_manager_key, metadata=metadata)


class DynamicOutputDefinition(OutputDefinition):
    """An output of several values at run time, with its name; now `DynamicOut`."""

    def __init__(
        self,
        dagster_type: Any = NO_DEFAULT,
        name: str | None = None,
        description: str | None = None,
        is_required: bool = True,
        io_manager_key: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(dagster_type, name)
        self.to_out = DynamicOut(
            dagster_type, description, is_required, io_manager_key=io_manager_key, metadata=metadata
        )


def build_solid_context(
    resources: Mapping[str, Any] | None = None,
    config: Any = None,
    instance: Any = None,
    *,
    solid_config: Any = None,
) -> OpExecutionContext:
    """A context for calling a solid directly; now `build_op_context`."""
    warn_deprecated("build_solid_context", "build_op_context")
    return build_op_context(resources, config if config is not None else solid_config, instance=instance)


def solid(
    name: Any = None,
    description: str | None = None,
    input_defs: Sequence[InputDefinition] | None = None,
    output_defs: Sequence[OutputDefinition] | None = None,
    config_schema: Any = None,
    required_resource_keys: Collection[str] | None = None,
    tags: Mapping[str, Any] | None = None,
    version: str | None = None,
    retry_policy: RetryPolicy | None = None,
) -> Any:
    """Make a function an op; now `op`. `version` is its `code_version`."""
    warn_deprecated("@solid", "@op")

    def make(fn: Callable[..., Any]) -> OpDefinition[..., Any]:
        made: OpDefinition[..., Any] = op(
            name=name if isinstance(name, str) else None,
            description=description,
            ins={one.name: one.to_in for one in input_defs or ()},
            out={one.name: one.to_out for one in output_defs} if output_defs is not None else None,
            config_schema=config_schema,
            required_resource_keys=set(required_resource_keys or ()),
            tags=tags,
            code_version=version,
            retry_policy=retry_policy,
        )(fn)
        return made

    return make(name) if callable(name) else make


def lambda_solid(
    name: Any = None,
    description: str | None = None,
    input_defs: Sequence[InputDefinition] | None = None,
    output_def: OutputDefinition | None = None,
) -> Any:
    """Make a function without a context an op; now `op`."""
    return solid(name, description, input_defs, [output_def] if output_def is not None else None)


def composite_solid(
    name: Any = None,
    input_defs: Sequence[InputDefinition] | None = None,
    output_defs: Sequence[OutputDefinition] | None = None,
    description: str | None = None,
    config_schema: Any = None,
    config_fn: Callable[[Any], Mapping[str, Any]] | None = None,
) -> Any:
    """Make a function that wires solids a graph; now `graph`. `config_fn` gives ``{<solid>: {"config": ...}}`` of the solids inside."""
    warn_deprecated("@composite_solid", "@graph")

    def make(fn: Callable[..., Any]) -> GraphDefinition:
        made: GraphDefinition = graph(
            name=name if isinstance(name, str) else None,
            description=description,
            ins={one.name: GraphIn(one.to_in.description) for one in input_defs or ()},
            out={one.name: GraphOut(one.to_out.description) for one in output_defs} if output_defs else None,
            config=_mapping(config_fn, config_schema),
        )(fn)
        return made

    return make(name) if callable(name) else make


def _mapping(config_fn: Callable[[Any], Mapping[str, Any]] | None, config_schema: Any) -> Any:
    if config_fn is None:
        return None
    return ConfigMapping(config_fn=config_fn, config_schema=config_schema)
