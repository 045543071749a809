"""Evaluating automation conditions in a test: what they would request, at any time, without a daemon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from weft.definitions.asset_selection import AssetSelection
from weft.definitions.asset_spec import AssetCheckSpec, AssetSpec
from weft.definitions.automation_condition import AutomationCondition
from weft.definitions.definitions import Definitions
from weft.definitions.repository import Repository
from weft.execution.automation import asking
from weft.model.automation import Condition
from weft.model.keys import AssetCheckKey, AssetJobKey, AssetKey
from weft.planning.automation.evaluate import AutomationEvaluation, TargetEvaluation, evaluate_automation
from weft.planning.automation.state import AutomationCursor, Target
from weft.planning.automation.subset import Subset
from weft.planning.selection import Selector
from weft.runs.automation_state import StoredAutomationState
from weft.runs.environment import RunEnvironment


class EvaluateAutomationConditionsResult:
    """What an evaluation would request. Pass `cursor` to the next one."""

    def __init__(self, evaluation: AutomationEvaluation) -> None:
        self._evaluation = evaluation

    @property
    def cursor(self) -> AutomationCursor:
        """What the evaluation leaves for the next."""
        return self._evaluation.cursor

    @property
    def total_requested(self) -> int:
        """How many partitions, of all targets together, are requested; a target without partitions counts as one."""
        return sum(subset.size for subset in self._evaluation.requested.values())

    @property
    def results(self) -> Sequence[TargetEvaluation]:
        """How each condition came out, in the order of the evaluation."""
        return tuple(self._evaluation.evaluations.values())

    def get_requested_partitions(self, key: AssetKey | AssetCheckKey | AssetJobKey) -> set[str | None]:
        """The requested partitions of a target; ``{None}`` for a requested target without partitions."""
        subset = self._requested(key)
        if subset is None or subset.is_empty:
            return set()
        return {None} if isinstance(subset.held, bool) else set(subset.partition_keys())

    def get_num_requested(self, key: AssetKey | AssetCheckKey | AssetJobKey) -> int:
        """How many partitions of a target are requested."""
        subset = self._requested(key)
        return subset.size if subset is not None else 0

    def get_evaluation(self, key: AssetKey | AssetCheckKey | AssetJobKey) -> TargetEvaluation | None:
        """How the condition of one target came out, node by node; None where it has none."""
        return self._evaluation.evaluations.get(key)

    def _requested(self, key: Target) -> Subset | None:
        return self._evaluation.requested.get(key)


def evaluate_automation_conditions(
    defs: Definitions | Sequence[Any],
    instance: RunEnvironment,
    asset_selection: Any = None,
    evaluation_time: datetime | None = None,
    cursor: AutomationCursor | None = None,
) -> EvaluateAutomationConditionsResult:
    """Evaluate the automation conditions of some definitions once.

    Args:
        defs: the definitions, or a list of assets and checks.
        instance: what was made so far is read from it; nothing is written.
        asset_selection: the targets to evaluate; all by default.
        evaluation_time: the moment that counts as now; the instance's clock by default.
        cursor: `cursor` of the previous result. Without it this is the first evaluation, in which nothing counts as new.

    >>> result = evaluate_automation_conditions(defs=[orders, total], instance=instance)
    >>> result.total_requested
    0
    """
    repository = (defs if isinstance(defs, Definitions) else Definitions(defs)).resolve()
    now = evaluation_time.timestamp() if evaluation_time is not None else instance.clock.wall()
    builders = conditions_of(repository)
    if asset_selection is not None:
        assets, checks = _chosen(repository, asset_selection)
        builders = {
            target: condition
            for target, condition in builders.items()
            if target in assets or target in checks or isinstance(target, AssetJobKey)
        }
    conditions: dict[Target, Condition] = {target: builder.expression for target, builder in builders.items()}
    custom = {key: own for builder in builders.values() for key, own in builder.custom.items()}
    evaluation = evaluate_automation(
        repository.graph,
        conditions,
        StoredAutomationState(instance, repository.graph, now),
        now=now,
        cursor=cursor,
        custom_mappings=_own_mappings(repository),
        job_assets=_job_assets(repository),
        ask_custom=asking(custom, instance),
        dynamic=instance.dynamic_partitions,
    )
    return EvaluateAutomationConditionsResult(evaluation)


def conditions_of(repository: Repository) -> Mapping[Target, AutomationCondition]:
    """Every asset, check and job that has a condition, with it."""
    found: dict[Target, AutomationCondition] = {}
    for key in repository.graph.keys:
        _note(found, key, repository.spec(key))
        for check in repository.graph.checks_of(key):
            _note(found, check, repository.check_spec(check))
    for name, job in repository.jobs.items():
        condition = getattr(job, "automation_condition", None)
        if condition is not None:
            found[AssetJobKey(name)] = condition
    return found


def _note(found: dict[Target, AutomationCondition], target: Target, spec: AssetSpec | AssetCheckSpec | None) -> None:
    condition = spec.automation_condition if spec is not None else None
    if condition is not None:
        found[target] = condition


def _chosen(repository: Repository, selection: Any) -> tuple[frozenset[AssetKey], frozenset[AssetCheckKey]]:
    return Selector(repository.graph).select(AssetSelection.of(selection).expression)


def _own_mappings(repository: Repository) -> dict[tuple[AssetKey, AssetKey], Any]:
    """Partition mappings as objects: those of the user's own cannot be made from the graph."""
    found = {}
    for definition in repository.definitions:
        for given in definition.inputs.values():
            if given.asset_in.partition_mapping is not None:
                for key in definition.keys:
                    found[key, given.key] = given.asset_in.partition_mapping
    for key in repository.graph.keys:
        spec = repository.spec(key)
        for dep in spec.deps if spec is not None else ():
            if dep.partition_mapping is not None:
                found[key, dep.asset_key] = dep.partition_mapping
    return found


def _job_assets(repository: Repository) -> dict[str, frozenset[AssetKey]]:
    selector = Selector(repository.graph)
    return {
        name: selector.select(job.selection.expression)[0]
        for name, job in repository.jobs.items()
        if getattr(job, "automation_condition", None) is not None and hasattr(job, "selection")
    }
