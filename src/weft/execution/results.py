"""What the in-process façades give back: how the run ended, its events, the values it made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from weft.definitions.composition import CollectedOutput, NodeOutput
from weft.definitions.graph import GraphDefinition
from weft.errors import InvocationError, did_you_mean, some_of
from weft.model.events import (
    AssetCheckEvaluated,
    AssetMaterialized,
    AssetObserved,
    Event,
    StepFailed,
)
from weft.model.keys import AssetKey, CoercibleToAssetKey
from weft.model.plan import FromCollected, FromOutput, RunPlan
from weft.model.run import Run, RunStatus

if TYPE_CHECKING:
    from weft.definitions.job import AssetJobDefinition, JobDefinition
    from weft.definitions.run_target import RunTarget


class PlannedMaterialization(NamedTuple):
    """An asset that a run was going to make, whether or not it came to that."""

    run_id: str
    step_key: str
    asset_key: AssetKey
    # None as well where the run is about a range of partitions.
    partition: str | None
    event_type: str = "ASSET_MATERIALIZATION_PLANNED"

    @property
    def event_type_value(self) -> str:
        """The public name of its type."""
        return self.event_type


class ExecuteInProcessResult:
    """The result of a run in this process.

    Attributes:
        run: the run as it ended.
        all_events: every event, in order.
    """

    def __init__(
        self,
        run: Run,
        plan: RunPlan,
        events: Sequence[Event],
        outputs: Mapping[tuple[str, str, str | None], Any],
        graph_outputs: Mapping[str, FromOutput | FromCollected] | None = None,
        target: RunTarget | None = None,
    ) -> None:
        self.run = run
        self.plan = plan
        self.all_events: Sequence[Event] = events
        # The values that were made, by step key, output and mapping key.
        self.outputs = outputs
        # Where each output of the job's graph comes from.
        self._graph_outputs = graph_outputs or {}
        # Knows the graphs, of which the plan has only the steps.
        self._target = target

    @property
    def success(self) -> bool:
        """Whether every step succeeded or was skipped."""
        return self.run.status is RunStatus.SUCCESS

    @property
    def run_id(self) -> str:
        """The id of the run."""
        return self.run.id

    dagster_run = property(lambda self: self.run)

    @property
    def job_name(self) -> str:
        """The name of the job."""
        return self.run.job_name

    @property
    def job_def(self) -> JobDefinition | AssetJobDefinition | None:
        """The job; for a run of assets without one, the job of all assets. None where the result was made without definitions."""
        return self._target.job_def if self._target is not None else None

    # --- values ------------------------------------------------------------------------------------------------------

    def output_for_node(self, node: str, output_name: str = "result") -> Any:
        """The value of an output of a node: an op, an asset, or a graph, by the names of the graphs around it and its own (``prepare.clean``).
        For a dynamic output: mapping key to value.

        Raises:
            InvocationError: (WEFT-I020) there is no such value.
        """
        if (node, output_name, None) in self.outputs:
            return self.outputs[node, output_name, None]
        dynamic = {
            mapping_key: value
            for (step_key, name, mapping_key), value in self.outputs.items()
            if step_key == node and name == output_name and mapping_key is not None
        }
        copies = {
            step_key[len(node) + 1 : -1]: value
            for (step_key, name, _), value in self.outputs.items()
            if name == output_name and step_key.startswith(f"{node}[")
        }
        if dynamic or copies:
            return dynamic or copies
        found, value = self._output_of_graph(node, output_name)
        if found:
            return value
        known = sorted({f"{step_key}.{name}" for step_key, name, _ in self.outputs})
        raise InvocationError(
            f'node "{node}" has no value for its output "{output_name}".',
            code="WEFT-I020",
            facts={"values": some_of(known)},
            fix=did_you_mean(f"{node}.{output_name}", known, "check that the step ran, succeeded and returned a value"),
        )

    def _output_of_graph(self, node: str, output_name: str) -> tuple[bool, Any]:
        """Whether the node is a graph with such an output, and the value of the op's output behind it."""
        definition = self._target.node_definition(node) if self._target is not None else None
        wire = definition.output_wires.get(output_name) if isinstance(definition, GraphDefinition) else None
        if not isinstance(wire, (NodeOutput, CollectedOutput)):
            return False, None
        value = self.output_for_node(f"{node}.{wire.node}", wire.output)
        return True, list(value.values()) if isinstance(wire, CollectedOutput) else value

    def output_value(self, output_name: str = "result") -> Any:
        """The value of an output of the job's graph; where it declares none, of the last step that has an output of that name."""
        source = self._graph_outputs.get(output_name)
        if source is not None:
            found = self.output_for_node(source.ref.step_key, source.ref.output_name)
            return list(found.values()) if isinstance(source, FromCollected) else found
        for step in reversed(self.plan.steps):
            if any(output.name == output_name for output in step.outputs):
                return self.output_for_node(step.key, output_name)
        return self.output_for_node("(graph)", output_name)

    def asset_value(self, asset_key: CoercibleToAssetKey) -> Any:
        """The value of an asset that the run made."""
        wanted = AssetKey.of(asset_key)
        for step in self.plan.steps:
            for output in step.outputs:
                if output.asset_key == wanted:
                    return self.output_for_node(step.key, output.name)
        known = [o.asset_key.to_user_string() for step in self.plan.steps for o in step.outputs if o.asset_key]
        raise InvocationError(
            f'the run did not make asset "{wanted.to_user_string()}".',
            code="WEFT-I020",
            facts={"assets": some_of(known)},
            fix=did_you_mean(wanted.to_user_string(), known, "check the key"),
        )

    def get_run_success_event(self) -> Event | None:
        """The event of the run's success, or None where it has not succeeded."""
        return next((event for event in self.all_events if event.type == "RUN_SUCCESS"), None)

    def get_run_failure_event(self) -> Event | None:
        """The event of the run's failure, or None where it has not failed."""
        return next((event for event in self.all_events if event.type == "RUN_FAILURE"), None)

    # --- events ------------------------------------------------------------------------------------------------------

    @property
    def all_node_events(self) -> list[Event]:
        """The events of steps, in order."""
        return [event for event in self.all_events if event.step_key is not None]

    def events_for_node(self, node: str) -> list[Event]:
        """The events of a node, of all its steps."""
        return [event for event in self.all_events if event.step_key is not None and _belongs(event.step_key, node)]

    def filter_events(self, keep: Any) -> list[Event]:
        """The events for which `keep(event)` holds."""
        return [event for event in self.all_events if keep(event)]

    def is_node_success(self, node: str) -> bool:
        """Whether a node succeeded."""
        return any(event.type == "STEP_SUCCESS" for event in self.events_for_node(node))

    def is_node_failed(self, node: str) -> bool:
        """Whether a node failed."""
        return any(event.type == "STEP_FAILURE" for event in self.events_for_node(node))

    def is_node_skipped(self, node: str) -> bool:
        """Whether a node was skipped."""
        return any(event.type == "STEP_SKIPPED" for event in self.events_for_node(node))

    def retry_attempts_for_node(self, node: str) -> int:
        """How many retries a node had."""
        return sum(event.type == "STEP_RESTARTED" for event in self.events_for_node(node))

    def failure_data_for_node(self, node: str) -> StepFailed | None:
        """Why a node failed, or None where it did not."""
        found = [event.body for event in self.events_for_node(node) if isinstance(event.body, StepFailed)]
        return found[-1] if found else None

    def get_step_failure_events(self) -> list[Event]:
        """The failures of steps, in order."""
        return [event for event in self.all_events if isinstance(event.body, StepFailed)]

    def get_step_success_events(self) -> list[Event]:
        """The successes of steps, in order."""
        return [event for event in self.all_events if event.type == "STEP_SUCCESS"]

    def get_step_skipped_events(self) -> list[Event]:
        """The steps that were skipped, in order."""
        return [event for event in self.all_events if event.type == "STEP_SKIPPED"]

    def get_asset_materialization_planned_events(self) -> list[PlannedMaterialization]:
        """The assets that the run was going to make, in the order of the plan."""
        chosen = self.plan.selected
        return [
            PlannedMaterialization(self.run_id, step.key, output.asset_key, self.run.partition_key)
            for step in self.plan.steps
            for output in step.outputs
            if output.asset_key is not None and (chosen is None or step.key in chosen)
        ]

    def get_failed_step_keys(self) -> set[str]:
        """The keys of the steps that failed."""
        return {event.step_key for event in self.get_step_failure_events() if event.step_key is not None}

    def get_asset_materialization_events(self) -> list[Event]:
        """The materialisations, in order."""
        return [event for event in self.all_events if isinstance(event.body, AssetMaterialized)]

    def get_asset_observation_events(self) -> list[Event]:
        """The observations, in order."""
        return [event for event in self.all_events if isinstance(event.body, AssetObserved)]

    def asset_materializations_for_node(self, node: str) -> list[AssetMaterialized]:
        """What a node materialised, in order."""
        return [event.body for event in self.events_for_node(node) if isinstance(event.body, AssetMaterialized)]

    def asset_observations_for_node(self, node: str) -> list[AssetObserved]:
        """What a node observed, in order."""
        return [event.body for event in self.events_for_node(node) if isinstance(event.body, AssetObserved)]

    def get_asset_check_evaluations(self) -> list[AssetCheckEvaluated]:
        """The answers of checks, in order."""
        return [event.body for event in self.all_events if isinstance(event.body, AssetCheckEvaluated)]

    def __repr__(self) -> str:
        return f"ExecuteInProcessResult(run_id={self.run_id!r}, status={self.run.status.value})"


def _belongs(step_key: str, node: str) -> bool:
    return step_key == node or step_key.startswith((f"{node}.", f"{node}["))
