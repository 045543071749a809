"""Contexts as the executor makes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from weft.execution.io_contexts import InputContext, OutputContext
from weft.model.keys import AssetKey
from weft.model.partitions.definitions import PartitionsDefinition, StaticPartitionsDefinition

ANY_PARTITIONS: PartitionsDefinition = StaticPartitionsDefinition(["a", "b", "c"])


def op_output(
    step_key: str = "load", name: str = "result", run_id: str = "run-1", mapping_key: str | None = None
) -> OutputContext:
    return OutputContext(name=name, step_key=step_key, run_id=run_id, mapping_key=mapping_key)


def op_input(upstream: OutputContext, run_id: str = "run-1") -> InputContext:
    return InputContext(name="value", step_key="use", run_id=run_id, upstream_output=upstream)


def asset_output(*parts: str, partitions: Sequence[str] | None = None, run_id: str = "run-1") -> OutputContext:
    return OutputContext(
        name="result",
        step_key="make",
        run_id=run_id,
        asset_key=AssetKey(parts),
        asset_partitions_def=None if partitions is None else ANY_PARTITIONS,
        partition_keys=partitions or (),
    )


def asset_input(
    *parts: str,
    partitions: Sequence[str] | None = None,
    metadata: Mapping[str, Any] | None = None,
    run_id: str = "run-2",
) -> InputContext:
    return InputContext(
        name="value",
        step_key="use",
        run_id=run_id,
        asset_key=AssetKey(parts),
        asset_partitions_def=None if partitions is None else ANY_PARTITIONS,
        partition_keys=partitions or (),
        definition_metadata=metadata,
        upstream_output=asset_output(*parts, partitions=partitions, run_id=run_id),
    )
