"""Memoised runs of jobs: steps whose result exists are left out, and the results of the others are remembered.

A run is memoised where its job or its tags say so (``cache=True``, ``weft/cache``, ``weft/is_memoized_run``). What is remembered is only which run has the
result of which version (`weft.planning.memoization`): the values stay where the I/O manager of that run put them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from weft.definitions.io_manager import HardcodedIOManager
from weft.execution.io_contexts import OutputContext
from weft.execution.settings_version import settings_version
from weft.model.events import Event, StepSucceeded
from weft.model.plan import StepPlan
from weft.model.run import RunTag
from weft.planning.memoization import step_versions, with_results
from weft.runs.environment import RunEnvironment
from weft.runs.prepare import PreparedRun

_TRUE = frozenset({"true", "1", "yes"})


class Memoization:
    """What is known of the results of one run's steps.

    Attributes:
        results: the steps that need not run, with the run that has their outputs.
    """

    def __init__(self, prepared: PreparedRun, environment: RunEnvironment) -> None:
        self._environment = environment
        self._run_id = prepared.run.id
        self._versions = step_versions(prepared.plan, _settings(prepared))
        selected = None if prepared.plan.selected is None else frozenset(prepared.plan.selected)
        self.results: dict[str, str] = {}
        for step in prepared.plan.steps:
            version = self._versions.get(step.key)
            if version is None or (selected is not None and step.key not in selected):
                continue
            run_id = environment.keyvalue.get(_key(version))
            if run_id is not None and _is_stored(prepared, step, run_id):
                self.results[step.key] = run_id

    def take_out(self, prepared: PreparedRun) -> None:
        """Leave the steps out that need not run."""
        prepared.plan = with_results(prepared.plan, self.results)

    def remember(self, event: Event) -> None:
        """Note the result of a step that has succeeded; a listener of the run's events."""
        version = self._versions.get(event.step_key) if event.step_key is not None else None
        if version is not None and isinstance(event.body, StepSucceeded):
            self._environment.keyvalue.set(_key(version), self._run_id)


def memoization_of(prepared: PreparedRun, environment: RunEnvironment) -> Memoization | None:
    """The memoisation of a run, or None where it is not memoised. Runs of assets have versions of their own (`weft.execution.reuse`)."""
    tags = prepared.run.tags
    asked = any(tags.get(tag, "").lower() in _TRUE for tag in (RunTag.CACHE, RunTag.IS_MEMOIZED))
    return Memoization(prepared, environment) if asked and prepared.target.repository is None else None


def _key(version: str) -> str:
    return f"step_result/{version}"


def _settings(prepared: PreparedRun) -> dict[str, str]:
    """Step key to what is configured for it and for the resources that it uses, and the partition of the run."""
    config, tags = prepared.config.resolved, prepared.run.tags
    partition = [tags.get(tag) for tag in (RunTag.PARTITION, RunTag.PARTITION_RANGE_START, RunTag.PARTITION_RANGE_END)]
    found = {}
    for step in prepared.plan.steps:
        entries = _at(config.document, prepared.target.body(step.key).node_path)
        parts = [entries, config.inputs or None, partition]
        found[step.key] = settings_version(config, parts, step.resource_keys, prepared.resource_defs) or ""
    return found


def _at(document: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    node: Any = document
    entries = []
    for name in path:
        node = (node.get("ops") or {}).get(name) if isinstance(node, Mapping) else None
        # What is configured for a graph around the op may be handed down to it.
        entries.append(
            {key: value for key, value in node.items() if key != "ops"} if isinstance(node, Mapping) else None
        )
    return entries


def _is_stored(prepared: PreparedRun, step: StepPlan, run_id: str) -> bool:
    """Whether every value is there, as far as an I/O manager can be asked before it is set up; of others it is believed."""
    op = prepared.target.body(step.key).op
    for output in step.outputs:
        definition = prepared.resource_defs.get(output.io_manager_key)
        manager: Any = definition.value if isinstance(definition, HardcodedIOManager) else None
        if output.is_nothing or not hasattr(manager, "has_value"):
            continue
        context = OutputContext(
            name=output.name,
            step_key=step.key,
            run_id=run_id,
            job_name=prepared.run.job_name,
            op_name=step.op_name,
            definition_metadata=op.outs[output.name].metadata,
        )
        if not manager.has_value(context):
            return False
    return True
