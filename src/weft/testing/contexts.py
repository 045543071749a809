"""Contexts for calling decorated functions directly, in tests and scripts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from weft.clock import SYSTEM_CLOCK
from weft.config.run_config import ResolvedRunConfig
from weft.definitions.op import OpDefinition
from weft.definitions.resource_set import bind_resources, initialisation_order
from weft.definitions.run_target import RunTarget
from weft.execution.console import print_log
from weft.execution.contexts import (
    AssetCheckExecutionContext,
    AssetExecutionContext,
    ExecutionContext,
    HookContext,
    OpExecutionContext,
)
from weft.execution.data_versions import DataVersions
from weft.execution.interruption import Interruption
from weft.execution.journal import MemoryJournal
from weft.execution.resources import ResourceSession
from weft.execution.run_context import RunContext
from weft.model.events import Event, LogMessage
from weft.model.plan import RunPlan, StepPlan
from weft.model.run import Run, RunStatus, RunTag
from weft.storage.memory import MemoryStorage

C = TypeVar("C", bound=ExecutionContext)

DIRECT_RUN_ID = "EPHEMERAL"


def _show_log_line(event: Event) -> None:
    if isinstance(event.body, LogMessage):
        print_log(event.body, event.step_key, event.time)


def _nothing() -> None:
    """Stands in for the function until the context is passed to one."""


_UNBOUND: OpDefinition[[], None] = OpDefinition(_nothing, name="unbound")


def build_op_context(
    resources: Mapping[str, Any] | None = None,
    op_config: Any = None,
    *,
    config: Any = None,
    partition_key: str | None = None,
    partition_key_range: Any = None,
    run_tags: Mapping[str, str] | None = None,
    instance: Any = None,
) -> OpExecutionContext:
    """A context for calling an op directly.

    Args:
        resources: key to resource; they are set up now. Plain objects are resources too.
        op_config, config: the configuration, as a dict or `Config` object.
        partition_key, partition_key_range: what the run is about.
        run_tags: tags of the run.
        instance: what ``context.instance`` gives.
    """
    return _build(
        OpExecutionContext, resources, op_config or config, partition_key, partition_key_range, run_tags, instance
    )


def build_asset_context(
    resources: Mapping[str, Any] | None = None,
    asset_config: Any = None,
    *,
    partition_key: str | None = None,
    partition_key_range: Any = None,
    run_tags: Mapping[str, str] | None = None,
    instance: Any = None,
) -> AssetExecutionContext:
    """A context for calling an asset directly. See `build_op_context`."""
    return _build(
        AssetExecutionContext, resources, asset_config, partition_key, partition_key_range, run_tags, instance
    )


def build_asset_check_context(
    resources: Mapping[str, Any] | None = None,
    *,
    partition_key: str | None = None,
    run_tags: Mapping[str, str] | None = None,
    instance: Any = None,
) -> AssetCheckExecutionContext:
    """A context for calling a check directly. See `build_op_context`."""
    return _build(AssetCheckExecutionContext, resources, None, partition_key, None, run_tags, instance)


def build_hook_context(
    resources: Mapping[str, Any] | None = None,
    op: OpDefinition[Any, Any] | None = None,
    run_id: str | None = None,
    job_name: str | None = None,
    op_exception: BaseException | None = None,
    instance: Any = None,
    op_output_values: Mapping[str, Any] | None = None,
) -> HookContext:
    """A context for calling a hook directly: ``notify(build_hook_context(op_exception=ValueError("no rows")))``.

    Args:
        resources: key to resource; they are set up now. Plain objects are resources too.
        op: the op of the step.
        run_id, job_name: of the run.
        op_exception: the exception of a step that failed.
        instance: what ``context.instance`` gives.
        op_output_values: output name to value, of a step that succeeded.
    """
    context = _build(
        OpExecutionContext, resources, None, None, None, None, instance, run_id or DIRECT_RUN_ID, job_name or "direct"
    )
    if op is not None:
        context.bind(op, None)
    return HookContext(context, None, op_exception=op_exception, op_output_values=op_output_values)


def _build(
    kind: type[C],
    resources: Mapping[str, Any] | None,
    config: Any,
    partition_key: str | None,
    partition_key_range: Any,
    run_tags: Mapping[str, str] | None,
    instance: Any,
    run_id: str = DIRECT_RUN_ID,
    job_name: str = "direct",
) -> C:
    tags = dict(run_tags or {})
    if partition_key is not None:
        tags[RunTag.PARTITION] = partition_key
    if partition_key_range is not None:
        tags[RunTag.PARTITION_RANGE_START] = partition_key_range.start
        tags[RunTag.PARTITION_RANGE_END] = partition_key_range.end
    run = Run(
        id=run_id,
        job_name=job_name,
        status=RunStatus.STARTED,
        created_at=SYSTEM_CLOCK.wall(),
        tags=tags,
    )
    journal = MemoryJournal(DIRECT_RUN_ID)
    journal.subscribe(_show_log_line)
    resource_defs = bind_resources(resources or {})
    session = ResourceSession(
        resource_defs,
        initialisation_order(resource_defs, resource_defs.keys()),
        config={},
        record=journal.append,
        clock=SYSTEM_CLOCK,
        run=run,
        instance=instance,
    )
    session.open()
    storage = MemoryStorage()
    run_context = RunContext(
        run=run,
        plan=RunPlan(job_name="direct", steps=()),
        target=RunTarget(job_name="direct", body=_no_body, node_names=tuple, resource_defs=resources or {}),
        journal=journal,
        resources=session,
        data_versions=DataVersions(storage.assets),
        clock=SYSTEM_CLOCK,
        interruption=Interruption(),
        config=ResolvedRunConfig(document={}),
        instance=instance if instance is not None else storage,
    )
    return kind(
        run_context,
        StepPlan(key="direct", op_name="direct"),
        _UNBOUND,
        resources=session.all(),
        op_config=config,
    )


def _no_body(step_key: str) -> Any:
    raise KeyError(step_key)
