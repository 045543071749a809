"""Loading the inputs of a step: from upstream outputs and stored assets through I/O managers, from configuration, defaults and the caller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from weft.definitions.inputs_outputs import In
from weft.definitions.type_loaders import ValueTypeLoaderContext
from weft.definitions.value_type import loader_of
from weft.errors import ConfigError, InternalError, IOManagerError, TypeCheckError
from weft.execution.contexts import ExecutionContext, event_body
from weft.execution.io_contexts import InputContext, OutputContext
from weft.execution.io_managers.places import NOT_STORED
from weft.execution.run_context import RunContext
from weft.model.events import InputLoaded, StepInputChecked
from weft.model.keys import AssetKey
from weft.model.metadata import AnyMetadataValue
from weft.model.plan import (
    EdgeRule,
    FromAsset,
    FromCollected,
    FromConfig,
    FromDefault,
    FromMany,
    FromOutput,
    FromValue,
    InputSource,
    OrderOnly,
    OutputRef,
    StepInput,
    StepPlan,
)


def load_inputs(run_context: RunContext, context: ExecutionContext) -> dict[str, Any]:
    """The value of every input of a step that carries one, each loaded, type-checked and recorded.

    Raises:
        TypeCheckError: (WEFT-X020) a value does not have the declared type.
        IOManagerError: an I/O manager could not load it.
    """
    values: dict[str, Any] = {}
    step, op = context.step, context.op_def
    for step_input in step.inputs:
        if isinstance(step_input.source, OrderOnly):
            continue
        declared = op.ins[step_input.name]
        value = _load(run_context, step, step_input, declared, context)
        value_type = op.input_types.get(step_input.name)
        if value is None and not declared.has_default and _may_be_missing(step_input):
            value_type = None  # nothing is there, and the rule of the edge says that the step runs without it
        if value_type is not None and getattr(value_type, "checks_anything", True):
            problem = value_type.check(value)
            run_context.record(
                StepInputChecked(
                    input_name=step_input.name,
                    type_name=value_type.name,
                    passed=problem is None,
                    description=problem,
                ),
                step.key,
            )
            if problem is not None:
                raise TypeCheckError(
                    f'input "{step_input.name}" of step "{step.key}" does not have its declared type.',
                    code="WEFT-X020",
                    facts={"declared": value_type.name, "found": problem, "comes from": _origin(step_input)},
                    fix="change the annotation, or what the upstream returns",
                )
        values[step_input.name] = value
    return values


def _load(
    run_context: RunContext, step: StepPlan, step_input: StepInput, declared: In, context: ExecutionContext
) -> Any:
    given = run_context.config_of(step.key).get("inputs", {})
    if isinstance(step_input.source, (FromConfig, FromDefault)) and step_input.name in given:
        return _configured(run_context, context, step_input.name, given[step_input.name])
    if (
        isinstance(step_input.source, FromConfig)
        and step_input.source.path[0] == "inputs"
        and step_input.source.path[1] in run_context.config.inputs
    ):
        return _configured(run_context, context, step_input.name, run_context.config.inputs[step_input.source.path[1]])
    return _load_source(run_context, step, step_input, step_input.source, declared)


def _may_be_missing(step_input: StepInput) -> bool:
    """Whether the step runs without the input where it is absent."""
    return step_input.rule is not EdgeRule.ALL_SUCCEEDED or isinstance(step_input.source, FromDefault)


def _load_source(
    run_context: RunContext, step: StepPlan, step_input: StepInput, source: InputSource, declared: In
) -> Any:
    if isinstance(source, FromAsset) or (isinstance(source, FromOutput) and step_input.asset_key is not None):
        key = source.asset_key if isinstance(source, FromAsset) else step_input.asset_key
        assert key is not None
        keys = run_context.upstream_partition_keys(step, key, step_input.name)
        try:
            value, metadata = load_asset(
                run_context, step, key, name=step_input.name, partition_keys=keys, declared=declared
            )
        except IOManagerError as error:
            if error.code != NOT_STORED or not isinstance(source, FromAsset) or not _may_be_missing(step_input):
                raise
            return declared.default_value if declared.has_default else None
        _record_loaded(run_context, step, step_input.name, _manager_key_of_asset(run_context, key, declared), metadata)
        return value
    if isinstance(source, FromOutput):
        return _load_output(run_context, step, step_input.name, source.ref, declared)
    if isinstance(source, FromMany):
        return [_load_source(run_context, step, step_input, one, declared) for one in source.sources]
    if isinstance(source, FromDefault):
        return declared.default_value if declared.has_default else None
    if isinstance(source, FromValue):
        return run_context.input_values[source.name]
    if isinstance(source, FromConfig):
        return _from_config(run_context, step, step_input.name, source.path, declared)
    if isinstance(source, FromCollected):
        raise InternalError("a fan-out was not resolved before its step began", facts={"step": step.key})
    raise InternalError(f"an input has the unexpected source {type(source).__name__}", facts={"step": step.key})


def _from_config(run_context: RunContext, step: StepPlan, name: str, path: tuple[str, ...], declared: In) -> Any:
    if declared.input_manager_key is not None:
        return _load_unconnected(run_context, step, name, declared)
    if declared.has_default:
        return declared.default_value
    raise ConfigError(
        f'input "{name}" of step "{step.key}" is connected to nothing and has no value.',
        code="WEFT-C080",
        facts={"path": ".".join(path)},
        fix="give it in the run configuration at that path, give the parameter a default, or connect it",
    )


def _configured(run_context: RunContext, context: ExecutionContext, name: str, value: Any) -> Any:
    """The value that configuration means for an input: what the loader of its type makes of it, else what is written."""
    loader = loader_of(context.op_def.input_types.get(name))
    if loader is not None:
        loader_context = ValueTypeLoaderContext(
            resources=run_context.resources_for(loader.required_resource_keys()),
            log=context.log,
            instance=context.instance,
            run_id=context.run_id,
        )
        with run_context.interruption.user_code():
            return loader.construct_from_config_value(loader_context, value)
    return value["value"] if isinstance(value, Mapping) and set(value) == {"value"} else value


def _load_unconnected(run_context: RunContext, step: StepPlan, name: str, declared: In) -> Any:
    assert declared.input_manager_key is not None
    manager = run_context.resources.get(declared.input_manager_key)
    value, metadata = _call_manager(
        run_context,
        manager,
        InputContext(
            config=run_context.config_of(step.key).get("inputs", {}).get(name),
            resource_config=run_context.config.resources.get(declared.input_manager_key),
            name=name,
            step_key=step.key,
            run_id=run_context.run.id,
            job_name=run_context.run.job_name,
            op_name=step.op_name,
            definition_metadata=declared.metadata,
            resources=run_context.resources.all(),
            log=run_context.log_of(step.key),
        ),
    )
    _record_loaded(run_context, step, name, declared.input_manager_key, metadata)
    return value


def _load_output(run_context: RunContext, step: StepPlan, name: str, ref: OutputRef, declared: In) -> Any:
    upstream = run_context.target.body(ref.step_key).op
    out = upstream.outs[ref.output_name]
    manager_key = declared.input_manager_key or out.io_manager_key
    upstream_output = OutputContext(
        name=ref.output_name,
        step_key=ref.step_key,
        run_id=ref.run_id or run_context.run.id,
        job_name=run_context.run.job_name,
        op_name=upstream.name,
        definition_metadata=out.metadata,
        value_type=upstream.output_types[ref.output_name],
        mapping_key=ref.mapping_key,
    )
    value, metadata = _call_manager(
        run_context,
        run_context.resources.get(manager_key),
        InputContext(
            config=run_context.config_of(step.key).get("inputs", {}).get(name),
            resource_config=run_context.config.resources.get(manager_key),
            op_def=run_context.target.body(step.key).op,
            upstream_output=upstream_output,
            name=name,
            step_key=step.key,
            run_id=run_context.run.id,
            job_name=run_context.run.job_name,
            op_name=step.op_name,
            run_partition_key=run_context.partitions.key,
            run_tags=run_context.run.tags,
            definition_metadata=declared.metadata,
            value_type=run_context.target.body(step.key).op.input_types.get(name),
            resources=run_context.resources.all(),
            log=run_context.log_of(step.key),
        ),
    )
    run_context.record(
        InputLoaded(
            input_name=name,
            manager_key=manager_key,
            upstream_run_id=ref.run_id,
            upstream_step_key=ref.step_key,
            upstream_output=ref.output_name,
            metadata=metadata,
        ),
        step.key,
    )
    return value


def load_asset(
    run_context: RunContext,
    step: StepPlan,
    key: AssetKey,
    *,
    name: str,
    partition_keys: Sequence[str],
    declared: In | None = None,
) -> tuple[Any, Mapping[str, AnyMetadataValue]]:
    """The stored value of an asset (or of these partitions of it), and what its I/O manager said about it."""
    spec = run_context.target.spec(key)
    partitions_def = spec.partitions_def if spec is not None else None
    manager_key = _manager_key_of_asset(run_context, key, declared)
    upstream_output = OutputContext(
        name="result",
        step_key=key.to_python_identifier(),
        run_id=run_context.run.id,
        asset_key=key,
        asset_spec=spec,
        asset_partitions_def=partitions_def,
        partition_keys=partition_keys,
        definition_metadata=spec.metadata if spec is not None else {},
    )
    input_type = run_context.target.body(step.key).op.input_types.get(name)
    return _call_manager(
        run_context,
        run_context.resources.get(manager_key),
        InputContext(
            config=run_context.config_of(step.key).get("inputs", {}).get(name),
            resource_config=run_context.config.resources.get(manager_key),
            op_def=run_context.target.body(step.key).op,
            upstream_output=upstream_output,
            name=name,
            step_key=step.key,
            run_id=run_context.run.id,
            job_name=run_context.run.job_name,
            op_name=step.op_name,
            asset_key=key,
            asset_spec=spec,
            asset_partitions_def=partitions_def,
            partition_keys=partition_keys,
            run_partition_key=run_context.partitions.key,
            run_tags=run_context.run.tags,
            definition_metadata=declared.metadata if declared is not None else {},
            value_type=input_type,
            resources=run_context.resources.all(),
            log=run_context.log_of(step.key),
        ),
    )


def _manager_key_of_asset(run_context: RunContext, key: AssetKey, declared: In | None) -> str:
    if declared is not None and declared.input_manager_key is not None:
        return declared.input_manager_key
    return run_context.target.io_manager_key_of(key)


def _call_manager(
    run_context: RunContext, manager: Any, input_context: InputContext
) -> tuple[Any, Mapping[str, AnyMetadataValue]]:
    run_context.interruption.enter_user_code()
    try:
        value = manager.load_input(input_context)
    finally:
        run_context.interruption.leave_user_code()
    for event in input_context.logged_events:
        run_context.record(event_body(event), input_context.step_key)
    return value, input_context.input_metadata


def _record_loaded(
    run_context: RunContext, step: StepPlan, name: str, manager_key: str, metadata: Mapping[str, AnyMetadataValue]
) -> None:
    run_context.record(InputLoaded(input_name=name, manager_key=manager_key, metadata=metadata), step.key)


def _origin(step_input: StepInput) -> str:
    source = step_input.source
    if step_input.asset_key is not None:
        return f'asset "{step_input.asset_key.to_user_string()}"'
    if isinstance(source, FromOutput):
        return f'output "{source.ref.output_name}" of step "{source.ref.step_key}"'
    return {"FromConfig": "the run configuration", "FromDefault": "its default"}.get(
        type(source).__name__, "the caller"
    )
