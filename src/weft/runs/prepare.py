"""Preparing a run: from what somebody asks for to a `Run` with its plan and configuration, everything checked, nothing started.

All that can be wrong with a request is found here, before a run exists: unknown assets, partitions that do not exist, configuration that does not
fit, resources that are missing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Set as AbstractSet
from typing import Any

from weft.clock import Clock
from weft.config.secrets import Redaction
from weft.definitions.inputs_outputs import DEFAULT_IO_MANAGER_KEY
from weft.definitions.job import AssetJobDefinition, JobDefinition, config_for_partition
from weft.definitions.repository import Repository
from weft.definitions.resource_set import bind_resources, initialisation_order
from weft.definitions.resources import ResourceDefinition
from weft.definitions.run_target import RunTarget, asset_target, job_target
from weft.definitions.value_type import loader_of
from weft.errors import PartitionError, some_of
from weft.ids import check_run_id, new_run_id
from weft.model.keys import AssetCheckKey, AssetKey
from weft.model.partitions.definitions import PartitionsDefinition
from weft.model.partitions.keys import PartitionKeyRange
from weft.model.plan import FromConfig, FromDefault, OrderOnly, RunPlan
from weft.model.run import IMPLICIT_ASSET_JOB, Run, RunStatus, RunTag, native_tag
from weft.planning.run_plan import plan_assets, select_ops
from weft.runs.run_config import RunConfiguration, check_run_config, storage_manager


class PreparedRun:
    """A run that can be started."""

    __slots__ = ("config", "plan", "resource_defs", "resource_order", "run", "secrets", "target")

    def __init__(
        self,
        run: Run,
        plan: RunPlan,
        target: RunTarget,
        config: RunConfiguration,
        resource_defs: Mapping[str, ResourceDefinition],
        resource_order: Sequence[str],
        secrets: frozenset[str],
    ) -> None:
        self.run = run
        self.plan = plan
        self.target = target
        self.config = config
        self.resource_defs = resource_defs
        # The keys to set up, each after those it needs.
        self.resource_order = resource_order
        # What must not be recorded: of the configuration, and what the definitions got from the environment.
        self.secrets = secrets


class RunSettings:
    """What is the same for every kind of run: settings that the caller may give."""

    __slots__ = (
        "parent_run_id",
        "partition_key",
        "partition_range",
        "resources",
        "root_run_id",
        "run_config",
        "run_id",
        "tags",
    )

    def __init__(
        self,
        *,
        run_config: Any = None,
        partition_key: str | None = None,
        partition_range: tuple[str, str] | None = None,
        run_id: str | None = None,
        tags: Mapping[str, str] | None = None,
        resources: Mapping[str, Any] | None = None,
        parent_run_id: str | None = None,
        root_run_id: str | None = None,
    ) -> None:
        self.run_config = run_config
        self.partition_key = partition_key
        self.run_id = run_id
        self.tags = dict(tags or {})
        if partition_key is None and partition_range is None:
            partition_range = _tagged_range(self.tags)
        self.partition_range = partition_range
        self.resources = resources
        self.parent_run_id = parent_run_id
        self.root_run_id = root_run_id


def _tagged_range(tags: Mapping[str, str]) -> tuple[str, str] | None:
    """The range of partitions that tags ask for, by which existing code says so."""
    named = {native_tag(key): value for key, value in tags.items()}
    start, end = named.get(RunTag.PARTITION_RANGE_START), named.get(RunTag.PARTITION_RANGE_END)
    return None if start is None or end is None else (start, end)


def prepare_job(
    job: JobDefinition,
    request: RunSettings,
    *,
    clock: Clock,
    default_resources: Mapping[str, Any],
    dynamic_partitions: Any = None,
    op_selection: Sequence[str] | None = None,
    input_values: Mapping[str, Any] | None = None,
    plan: RunPlan | None = None,
) -> PreparedRun:
    """A run of a job of ops. `plan` replaces the job's own, for a re-execution."""
    target = job_target(job, resources=request.resources, input_values=input_values)
    if plan is None:
        steps = (job.flat if not input_values else job.flat_with(input_values)).steps
        plan = RunPlan(job_name=job.name, steps=steps)
        if op_selection is not None:
            plan = select_ops(plan, op_selection)
    if job.partitions_def is not None:
        _check_partition("job", job.name, job.partitions_def, request, clock, dynamic_partitions)
    else:
        _refuse_partition(f'job "{job.name}"', request)
    return _prepared(
        target,
        plan,
        request,
        clock=clock,
        default_resources=default_resources,
        op_selection=op_selection,
        declared_secrets=job.secrets,
    )


def prepare_assets(
    repository: Repository,
    assets: AbstractSet[AssetKey],
    checks: AbstractSet[AssetCheckKey],
    request: RunSettings,
    *,
    clock: Clock,
    default_resources: Mapping[str, Any],
    dynamic_partitions: Any = None,
    job: AssetJobDefinition | None = None,
    plan: RunPlan | None = None,
) -> PreparedRun:
    """A run that makes assets and evaluates checks. `plan` replaces the planned one, for a re-execution."""
    name = job.name if job is not None else IMPLICIT_ASSET_JOB
    if plan is None:
        plan = plan_assets(
            repository.units_for(assets, checks), repository.graph, assets=assets, checks=checks, job_name=name
        )
    target = asset_target(repository, [step.key for step in plan.steps], job=job, resources=request.resources)
    target.add_loaders(given.asset_key for step in plan.steps for given in step.inputs if given.asset_key is not None)
    _check_partitions(repository, assets, checks, request, clock, dynamic_partitions)
    return _prepared(
        target,
        plan,
        request,
        clock=clock,
        default_resources=default_resources,
        assets=tuple(sorted(assets)),
        checks=tuple(sorted(checks)),
        declared_secrets=repository.secrets,
    )


def _prepared(
    target: RunTarget,
    plan: RunPlan,
    request: RunSettings,
    *,
    clock: Clock,
    default_resources: Mapping[str, Any],
    assets: tuple[AssetKey, ...] | None = None,
    checks: tuple[AssetCheckKey, ...] | None = None,
    op_selection: Sequence[str] | None = None,
    declared_secrets: frozenset[str] = frozenset(),
) -> PreparedRun:
    asked_for = storage_manager(request.run_config if request.run_config is not None else target.config)
    if asked_for is not None:
        target.resource_defs.setdefault(DEFAULT_IO_MANAGER_KEY, asked_for)
    for key, resource in default_resources.items():
        target.resource_defs.setdefault(key, resource)
    resource_defs = bind_resources(target.resource_defs)
    order = initialisation_order(resource_defs, required_resources(plan, target))
    own_config, own_tags = config_for_partition(target.config, request.partition_key)
    raw = request.run_config if request.run_config is not None else (own_config if own_config is not None else {})
    config = check_run_config(target, plan, resource_defs, order, raw)
    secrets = config.resolved.secrets | declared_secrets
    now = clock.wall()
    run = Run(
        id=check_run_id(request.run_id) if request.run_id is not None else new_run_id(now=now),
        job_name=target.job_name,
        status=RunStatus.NOT_STARTED,
        created_at=now,
        run_config=config.stored,
        tags=run_tags(_without_secrets({**target.tags, **own_tags, **request.tags}, secrets), request),
        asset_selection=assets,
        check_selection=checks,
        op_selection=tuple(op_selection) if op_selection is not None else None,
        parent_run_id=request.parent_run_id,
        root_run_id=request.root_run_id,
    )
    return PreparedRun(run, plan, target, config, resource_defs, order, secrets)


def _without_secrets(tags: Mapping[str, str], secrets: Collection[str]) -> dict[str, str]:
    redaction = Redaction(secrets)
    return {key: redaction.text(value) for key, value in tags.items()}


def reuse_tags(cache: bool | None, stale_assets_only: bool) -> dict[str, str]:
    """The tags that ask for caching."""
    tags = {} if cache is None else {RunTag.CACHE: "true" if cache else "false"}
    if stale_assets_only:
        tags[RunTag.STALE_ASSETS_ONLY] = "true"
    return tags


def run_tags(tags: Mapping[str, str], request: RunSettings) -> dict[str, str]:
    """The tags of a run: those given, with foreign spellings of system tags as ours, and those that the request implies."""
    result = {native_tag(key): value for key, value in tags.items()}
    if request.partition_key is not None:
        result[RunTag.PARTITION] = str(request.partition_key)
    if request.partition_range is not None:
        result[RunTag.PARTITION_RANGE_START], result[RunTag.PARTITION_RANGE_END] = request.partition_range
    if request.parent_run_id is not None:
        result[RunTag.PARENT_RUN] = request.parent_run_id
    if request.root_run_id is not None:
        result[RunTag.ROOT_RUN] = request.root_run_id
    return result


def required_resources(plan: RunPlan, target: RunTarget) -> dict[str, list[str]]:
    """Resource key to the steps that need it: what ops read, what stores their outputs, what loads their inputs, what hooks use."""
    needed: dict[str, list[str]] = {}
    selected = None if plan.selected is None else set(plan.selected)
    for step in plan.steps:
        if selected is not None and step.key not in selected:
            continue
        body = target.body(step.key)
        keys = set(step.resource_keys)
        keys.update(output.io_manager_key for output in step.outputs if not output.is_nothing)
        for step_input in step.inputs:
            declared = body.op.ins.get(step_input.name)
            if declared is not None and declared.input_manager_key is not None:
                keys.add(declared.input_manager_key)
            elif step_input.asset_key is not None and not isinstance(step_input.source, OrderOnly):
                keys.add(target.io_manager_key_of(step_input.asset_key))
            elif isinstance(step_input.source, (FromConfig, FromDefault)):
                loader = loader_of(body.op.input_types.get(step_input.name))
                keys |= loader.required_resource_keys() if loader is not None else frozenset()
        for hook in body.hooks:
            keys |= hook.required_resource_keys
        for key in sorted(keys):
            needed.setdefault(key, []).append(f'step "{step.key}"')
    return needed


# --- partitions ------------------------------------------------------------------------------------------------------


def _check_partitions(
    repository: Repository,
    assets: AbstractSet[AssetKey],
    checks: AbstractSet[AssetCheckKey],
    request: RunSettings,
    clock: Clock,
    dynamic_partitions: Any,
) -> None:
    partitioned = [
        ("asset", key.to_user_string(), spec.partitions_def)
        for key in sorted(assets)
        if (spec := repository.spec(key)) is not None and spec.partitions_def is not None
    ]
    partitioned += [
        ("check", key.to_user_string(), check.partitions_def)
        for key in sorted(checks)
        if (check := repository.check_spec(key)) is not None and check.partitions_def is not None
    ]
    if not partitioned:
        _refuse_partition(
            "none of the selected assets", request, some_of(key.to_user_string() for key in sorted(assets))
        )
        return
    seen: list[PartitionsDefinition] = []
    for kind, name, definition in partitioned:
        if definition not in seen:
            seen.append(definition)
            _check_partition(kind, name, definition, request, clock, dynamic_partitions)


def _check_partition(
    kind: str,
    name: str,
    definition: PartitionsDefinition,
    request: RunSettings,
    clock: Clock,
    dynamic_partitions: Any,
) -> None:
    keys = [request.partition_key] if request.partition_key is not None else list(request.partition_range or ())
    if not keys:
        raise PartitionError(
            f'{kind} "{name}" is partitioned, but the run names no partition.',
            code="WEFT-P050",
            facts={"partitions": definition.describe()},
            fix="pass partition_key=... (on the command line: --partition KEY, or --partition-range FIRST...LAST)",
        )
    now = clock.wall()
    try:
        for key in keys:
            definition.validate_partition_key(key, current_time=now, dynamic_partitions_store=dynamic_partitions)
        if request.partition_range is not None:  # whether it ends after it starts; nothing is listed
            definition.get_partition_keys_in_range(
                PartitionKeyRange(*request.partition_range),
                current_time=now,
                dynamic_partitions_store=dynamic_partitions,
            )
    except PartitionError as error:
        error.facts[kind] = name
        raise


def _refuse_partition(what: str, request: RunSettings, selected: str | None = None) -> None:
    if request.partition_key is None and request.partition_range is None:
        return
    raise PartitionError(
        f"the run names a partition, but {what} is partitioned."
        if what.startswith("none")
        else f"the run names a partition, but {what} is not partitioned.",
        code="WEFT-P051",
        facts={
            "partition": request.partition_key or "...".join(request.partition_range or ()),
            **({"selected": selected} if selected else {}),
        },
        fix="leave the partition out, or add partitions_def=...",
    )
