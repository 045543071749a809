"""Memoisation of jobs of ops: which steps need not run, because the same code made their result from the same things before.

The *version* of a step is a hash of what its result depends on: the op, its code version, its configuration, and the versions of the steps it reads
from. So it is known before anything runs, and equal versions mean equal results, as far as the code version tells the truth. A step has no
version, and always runs, where something in it cannot be told: an op without a code version, a value handed over by the caller, an asset loaded from
storage, a dynamic output, an output that may be left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from msgspec.structs import replace

from weft.model.plan import (
    FromCollected,
    FromConfig,
    FromDefault,
    FromMany,
    FromOutput,
    InputSource,
    OrderOnly,
    OutputRef,
    RunPlan,
    StepPlan,
    upstream_refs,
)


def step_versions(plan: RunPlan, settings: Mapping[str, str]) -> dict[str, str]:
    """The version of each step that has one.

    Args:
        plan: the steps, each after those it reads from.
        settings: step key to everything that is configured for it, as text.
    """
    versions: dict[str, str] = {}
    for step in plan.steps:
        version = _version(step, versions, settings.get(step.key, ""))
        if version is not None:
            versions[step.key] = version
    return versions


def with_results(plan: RunPlan, results: Mapping[str, str]) -> RunPlan:
    """The plan without the steps of `results` (step key to the run that has its outputs); what reads from them reads from those runs."""
    if not results:
        return plan
    selected = [step.key for step in plan.steps] if plan.selected is None else plan.selected
    steps = tuple(
        [
            replace(
                step,
                inputs=tuple([replace(item, source=_redirected(item.source, results)) for item in step.inputs]),
            )
            if any(ref.step_key in results for item in step.inputs for ref in upstream_refs(item.source))
            else step
            for step in plan.steps
        ]
    )
    return replace(plan, steps=steps, selected=tuple([key for key in selected if key not in results]))


def _version(step: StepPlan, versions: Mapping[str, str], settings: str) -> str | None:
    if step.code_version is None or step.fan_out or not step.outputs:
        return None
    if any(output.is_dynamic or not output.is_required or output.asset_key is not None for output in step.outputs):
        return None
    parts = [step.key, step.op_name, step.code_version, settings]
    for item in step.inputs:
        text = _source_version(item.source, versions)
        if text is None:
            return None
        parts += [item.name, text]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _source_version(source: InputSource, versions: Mapping[str, str]) -> str | None:
    """What an input depends on, as text; None where that cannot be told."""
    if isinstance(source, FromOutput):
        ref = source.ref
        if ref.run_id is not None:
            return f"{ref.run_id}/{ref.step_key}/{ref.output_name}/{ref.mapping_key or ''}"
        version = versions.get(ref.step_key)
        return f"{version}/{ref.output_name}" if version is not None else None
    if isinstance(source, FromMany):
        parts = [_source_version(one, versions) for one in source.sources]
        known = [part for part in parts if part is not None]
        return "\1".join(known) if len(known) == len(parts) else None
    if isinstance(source, (FromConfig, FromDefault)):
        return type(source).__name__  # what is configured is among the settings; the default belongs to the code
    if isinstance(source, OrderOnly):
        return "" if all(ref.run_id is not None or ref.step_key in versions for ref in source.refs) else None
    return None


def _redirected(source: InputSource, results: Mapping[str, str]) -> InputSource:
    if isinstance(source, (FromOutput, FromCollected)):
        return replace(source, ref=_from_run(source.ref, results))
    if isinstance(source, FromMany):
        return FromMany(tuple([_redirected(one, results) for one in source.sources]))
    if isinstance(source, OrderOnly):
        return OrderOnly(tuple([_from_run(ref, results) for ref in source.refs]))
    return source


def _from_run(ref: OutputRef, results: Mapping[str, str]) -> OutputRef:
    run_id = results.get(ref.step_key) if ref.run_id is None else None
    return replace(ref, run_id=run_id) if run_id is not None else ref
