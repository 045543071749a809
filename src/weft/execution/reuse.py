"""Caching: a step whose result exists, made by the same version of the code from the same versions of the inputs, with the same configuration and resources, does not run.

Who asks for it: the asset (``cache=True``), or, for all assets that do not say ``cache=False``, the job or the run (the tag ``weft/cache``). An asset without a
code version is never reused that way: nothing says that its code is the same. With the tag ``weft/stale_assets_only`` everything is left
alone that is not stale, where code without a version counts as unchanged.

A result is reused only if all of it is there: every asset (and partition) that the step is to make, in storage as in the records. Of a value whose
I/O manager cannot tell whether it is there (it has no ``has_value``), the record is believed. A step that evaluates checks runs, since its
checks are to be evaluated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from weft.execution.data_versions import SETTINGS_TAG
from weft.execution.io_contexts import OutputContext
from weft.execution.run_context import RunContext
from weft.execution.settings_version import settings_of_step
from weft.model.asset_state import EventPointer
from weft.model.keys import AssetKey
from weft.model.plan import FromDefault, StepOutputPlan, StepPlan
from weft.model.run import RunTag
from weft.planning.versions import seen_through

_TRUE = frozenset({"true", "1", "yes"})


class Reused(Struct, frozen=True):
    """Where the result of a step comes from."""

    run_id: str
    reason: str


def is_cached(tags: Mapping[str, str], cache: bool | None) -> bool:
    """Whether a step is to be skipped if its result exists, by the tags of the run and what its assets say."""
    if cache is not None:
        return cache
    return tags.get(RunTag.CACHE, "").lower() in _TRUE


def find_reusable(run_context: RunContext, step: StepPlan) -> Reused | None:
    """The existing result of a step, where it may be used in its place."""
    definition = run_context.definition_of_step(step.key)
    if definition is None or len(definition.describe_unit().steps) != 1:
        return None
    if any(output.asset_key is None or output.check_key is not None for output in step.outputs) or not step.outputs:
        return None
    tags = run_context.run.tags
    stale_only = tags.get(RunTag.STALE_ASSETS_ONLY, "").lower() in _TRUE
    found: list[EventPointer] = []
    for output in step.outputs:
        assert output.asset_key is not None
        spec = run_context.target.spec(output.asset_key)
        cache = spec.cache if spec is not None else None
        if cache is False or not (stale_only or is_cached(tags, cache)):
            return None
        code_version = (spec.code_version if spec is not None else None) or step.code_version
        if code_version is None and not stale_only:
            return None
        settings = None if stale_only else settings_of_step(run_context, step)
        for partition in partitions_of(run_context, output.asset_key):
            latest = _matching(run_context, step, output.asset_key, partition, code_version)
            if latest is not None and not stale_only and latest.tags.get(SETTINGS_TAG) != settings:
                return None
            if latest is None:
                return None
            found.append(latest)
        if not _is_stored(run_context, output, found[-1]):
            return None
    newest = max(found, key=lambda pointer: pointer.event_id)
    versions = "code and data" if newest.code_version is not None else "data"
    return Reused(newest.run_id, f"made by run {newest.run_id} from the same versions of {versions}")


def partitions_of(run_context: RunContext, key: AssetKey) -> list[str | None]:
    """The partitions of an asset that the run makes; one None for an asset without."""
    spec = run_context.target.spec(key)
    if spec is None or spec.partitions_def is None or not run_context.partitions.is_partitioned:
        return [None]
    return list(run_context.partitions.keys(spec.partitions_def))


def input_versions(run_context: RunContext, step: StepPlan, partition: str | None) -> dict[str, str]:
    """Upstream asset (user string) to the version of what the step reads of it, to make `partition`. Those that have none are left out."""
    found: dict[str, str] = {}
    for item in step.inputs:
        key = item.asset_key
        if key is None or isinstance(item.source, FromDefault):  # not there, and the step runs without it
            continue
        repository = run_context.target.repository
        behind = seen_through(repository.graph, key) if repository is not None else (key,)
        if behind != (key,):  # a virtual asset: what it shows counts, each as a whole
            found.update(
                {
                    root.to_user_string(): version
                    for root in behind
                    if (version := run_context.data_versions.of(root, ()))
                }
            )
            continue
        keys = run_context.upstream_partition_keys(step, key, item.name, partition)
        version = run_context.data_versions.of(key, keys)
        if version is not None:
            found[key.to_user_string()] = version
    return found


def _matching(
    run_context: RunContext, step: StepPlan, key: AssetKey, partition: str | None, code_version: str | None
) -> EventPointer | None:
    latest = run_context.data_versions.latest(key, partition)
    if latest is None or latest.code_version != code_version:
        return None
    return latest if dict(latest.input_data_versions) == input_versions(run_context, step, partition) else None


def _is_stored(run_context: RunContext, output: StepOutputPlan, latest: EventPointer) -> bool:
    if not latest.has_value:
        return True  # the function stored it itself, or there is nothing to store
    manager: Any = run_context.resources.get(output.io_manager_key)
    has_value = getattr(manager, "has_value", None)
    if has_value is None:
        return True
    key = output.asset_key
    assert key is not None
    spec = run_context.target.spec(key)
    partitions_def = spec.partitions_def if spec is not None else None
    context = OutputContext(
        name=output.name,
        step_key=latest.step_key or "",
        run_id=latest.run_id,
        asset_key=key,
        asset_spec=spec,
        asset_partitions_def=partitions_def,
        partition_keys=run_context.partitions.keys(partitions_def) if partitions_def is not None else (),
        definition_metadata=spec.metadata if spec is not None else {},
    )
    return bool(has_value(context))
