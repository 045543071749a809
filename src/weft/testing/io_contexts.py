"""Contexts for calling I/O managers directly, in tests of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from weft.definitions.scoped_resources import ScopedResources
from weft.definitions.value_type import value_type
from weft.execution.io_contexts import InputContext, OutputContext
from weft.model.keys import AssetKey, CoercibleToAssetKey
from weft.model.partitions.keys import PartitionKeyRange


def build_output_context(
    step_key: str | None = None,
    name: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    run_id: str | None = None,
    mapping_key: str | None = None,
    config: Any = None,
    dagster_type: Any = None,
    version: str | None = None,
    resource_config: Mapping[str, Any] | None = None,
    resources: Mapping[str, Any] | None = None,
    op_def: Any = None,
    asset_key: CoercibleToAssetKey | None = None,
    partition_key: str | None = None,
    definition_metadata: Mapping[str, Any] | None = None,
    output_metadata: Mapping[str, Any] | None = None,
    *,
    asset_spec: Any = None,
    asset_partitions_def: Any = None,
    partition_keys: Sequence[str] | None = None,
    asset_partition_key_range: PartitionKeyRange | None = None,
    python_type: Any = None,
) -> OutputContext:
    """A context for calling `IOManager.handle_output` directly.

    Args:
        step_key, name, run_id, mapping_key: which output it is; defaults stand in.
        metadata, definition_metadata: what the definition says about the value; two names for one thing.
        config, resource_config: what ``context.config`` and ``context.resource_config`` give.
        dagster_type, python_type: the declared type, as a type of weft or a Python annotation.
        version: ``context.version``.
        resources: key to the object that ``context.resources`` gives.
        op_def: the op.
        asset_key: the asset whose value it is; without one, the output of an op.
        partition_key: the partition of the run, and of the asset where it is partitioned.
        output_metadata: what was attached already.
        asset_spec, asset_partitions_def: the asset's own. Without partitions of its own, a given key makes it an asset of that one.
        partition_keys, asset_partition_key_range: several partitions of the asset, in place of one.

    >>> manager.handle_output(build_output_context(asset_key="orders", partition_key="2024-01-01"), frame)
    """
    context = OutputContext(
        name=name or "result",
        step_key=step_key or "step",
        run_id=run_id or "run",
        mapping_key=mapping_key,
        config=config,
        resource_config=resource_config,
        op_def=op_def,
        op_name=op_def.name if op_def is not None else "",
        definition_metadata={**(definition_metadata or {}), **(metadata or {})},
        asset_spec=_with_version(asset_spec, asset_key, version),
        **_shared(
            asset_key,
            partition_key,
            asset_spec,
            asset_partitions_def,
            partition_keys,
            asset_partition_key_range,
            python_type if python_type is not None else dagster_type,
            resources,
        ),
    )
    if output_metadata:
        context.add_output_metadata(output_metadata)
    return context


def build_input_context(
    name: str | None = None,
    config: Any = None,
    metadata: Mapping[str, Any] | None = None,
    upstream_output: OutputContext | None = None,
    dagster_type: Any = None,
    resource_config: Mapping[str, Any] | None = None,
    resources: Mapping[str, Any] | None = None,
    op_def: Any = None,
    step_context: Any = None,
    asset_key: CoercibleToAssetKey | None = None,
    partition_key: str | None = None,
    asset_partition_key_range: PartitionKeyRange | None = None,
    asset_partitions_def: Any = None,
    instance: Any = None,
    definition_metadata: Mapping[str, Any] | None = None,
    *,
    asset_spec: Any = None,
    partition_keys: Sequence[str] | None = None,
    python_type: Any = None,
) -> InputContext:
    """A context for calling `IOManager.load_input` directly. See `build_output_context`.

    Args:
        upstream_output: the context with which the value was stored. An input of an asset takes key and partitions from it where they are not given.
        step_context, instance: taken for compatibility; an input context has neither.
        name, config, metadata, definition_metadata, dagster_type, python_type, resource_config, resources, op_def: as there.
        asset_key, partition_key, asset_partition_key_range, asset_partitions_def, asset_spec, partition_keys: as there.
    """
    if upstream_output is not None and asset_key is None and upstream_output.has_asset_key:
        asset_key = upstream_output.asset_key
        asset_spec = asset_spec or upstream_output.asset_spec
        asset_partitions_def = asset_partitions_def or upstream_output.asset_partitions_def_or_none
        if partition_key is None and partition_keys is None and asset_partition_key_range is None:
            partition_keys = upstream_output.partition_keys
    return InputContext(
        upstream_output=upstream_output,
        name=name or "input",
        step_key="step",
        run_id="run",
        config=config,
        resource_config=resource_config,
        op_def=op_def,
        op_name=op_def.name if op_def is not None else "",
        definition_metadata={**(definition_metadata or {}), **(metadata or {})},
        asset_spec=asset_spec,
        **_shared(
            asset_key,
            partition_key,
            asset_spec,
            asset_partitions_def,
            partition_keys,
            asset_partition_key_range,
            python_type if python_type is not None else dagster_type,
            resources,
        ),
    )


def _shared(
    asset_key: CoercibleToAssetKey | None,
    partition_key: str | None,
    asset_spec: Any,
    partitions_def: Any,
    partition_keys: Sequence[str] | None,
    key_range: PartitionKeyRange | None,
    declared_type: Any,
    resources: Mapping[str, Any] | None,
) -> dict[str, Any]:
    partitions_def = partitions_def or getattr(asset_spec, "partitions_def", None)
    keys: Sequence[str] = partition_keys or ()
    if key_range is not None and partitions_def is not None:
        keys = partitions_def.get_partition_keys_in_range(key_range)
    elif partition_key is not None and not keys:
        keys = (partition_key,)
    if keys and partitions_def is None and asset_key is not None:
        from weft.model.partitions.definitions import StaticPartitionsDefinition

        partitions_def = StaticPartitionsDefinition(list(keys))
    return {
        "asset_key": AssetKey.of(asset_key) if asset_key is not None else None,
        "asset_partitions_def": partitions_def,
        "partition_keys": keys,
        "run_partition_key": partition_key,
        "value_type": None if declared_type is None else value_type(declared_type),
        "resources": ScopedResources(dict(resources or {})),
    }


def _with_version(asset_spec: Any, asset_key: CoercibleToAssetKey | None, version: str | None) -> Any:
    if version is None:
        return asset_spec
    from weft.definitions.asset_spec import AssetSpec

    if asset_spec is None:
        return AssetSpec(asset_key if asset_key is not None else "output", code_version=version)
    return asset_spec.replace_attributes(code_version=version)
