"""Pipelines, which are jobs: one for each mode."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from weft.compat.legacy.modes import ModeDefinition, PresetDefinition
from weft.compat.legacy.solids import InputDefinition, OutputDefinition
from weft.definitions.composition import NodeDefinition
from weft.definitions.deprecations import warn_deprecated
from weft.definitions.graph import GraphDefinition
from weft.definitions.graph_wiring import InputMapping
from weft.definitions.hooks import HookDefinition
from weft.definitions.inputs_outputs import GraphIn, GraphOut
from weft.definitions.job import JobDefinition
from weft.definitions.results import DEFAULT_OUTPUT
from weft.definitions.run_status_sensors import run_failure_sensor
from weft.errors import InvocationError, did_you_mean, some_of
from weft.execution.results import ExecuteInProcessResult
from weft.model.events import AssetMaterialized, Event, StepFailed
from weft.model.retry import RetryPolicy
from weft.runs.environment import RunEnvironment


class PipelineDefinition(JobDefinition):
    """A job with modes and presets. It is itself the job of its first mode; `variants` are those of the others, named ``<pipeline>_<mode>``."""

    def __init__(
        self,
        graph: GraphDefinition,
        *,
        mode_defs: Sequence[ModeDefinition] = (),
        preset_defs: Sequence[PresetDefinition] = (),
        name: str | None = None,
        tags: Mapping[str, Any] | None = None,
        hooks: Sequence[HookDefinition] = (),
        retry_policy: RetryPolicy | None = None,
    ) -> None:
        self.modes = {mode.name: mode for mode in mode_defs or (ModeDefinition(),)}
        self.presets = {preset.name: preset for preset in preset_defs}
        first, *others = self.modes.values()
        settings: dict[str, Any] = {"tags": tags, "hooks": hooks, "op_retry_policy": retry_policy}
        super().__init__(graph, name=name, **_of_mode(first), **settings)
        self.jobs_by_mode: dict[str, JobDefinition] = {first.name: self}
        for mode in others:
            self.jobs_by_mode[mode.name] = JobDefinition(
                graph, name=f"{self.name}_{mode.name}", **_of_mode(mode), **settings
            )
        self.variants = tuple(self.jobs_by_mode.values())[1:]

    def job_of(self, mode: str | None) -> JobDefinition:
        """The job of a mode; of the first one without a name.

        Raises:
            InvocationError: (WEFT-I080) there is no such mode.
        """
        if mode is None:
            return self
        if mode not in self.jobs_by_mode:
            raise InvocationError(
                f'pipeline "{self.name}" has no mode "{mode}".',
                code="WEFT-I080",
                facts={"modes": some_of(self.jobs_by_mode)},
                fix=did_you_mean(mode, self.jobs_by_mode, "add it to mode_defs"),
            )
        return self.jobs_by_mode[mode]

    def preset(self, name: str) -> PresetDefinition:
        """A preset by its name.

        Raises:
            InvocationError: (WEFT-I081) there is no such preset.
        """
        if name not in self.presets:
            raise InvocationError(
                f'pipeline "{self.name}" has no preset "{name}".',
                code="WEFT-I081",
                facts={"presets": some_of(self.presets)},
                fix=did_you_mean(name, self.presets, "add it to preset_defs"),
            )
        return self.presets[name]


def _of_mode(mode: ModeDefinition) -> dict[str, Any]:
    return {
        "resource_defs": mode.resource_defs,
        "logger_defs": mode.logger_defs or None,
        "executor_def": mode.executor_def,
        "description": mode.description,
    }


def pipeline(
    name: Any = None,
    description: str | None = None,
    mode_defs: Sequence[ModeDefinition] | None = None,
    preset_defs: Sequence[PresetDefinition] | None = None,
    tags: Mapping[str, Any] | None = None,
    hook_defs: Sequence[HookDefinition] | None = None,
    input_defs: Sequence[InputDefinition] | None = None,
    output_defs: Sequence[OutputDefinition] | None = None,
    solid_retry_policy: RetryPolicy | None = None,
) -> Any:
    """Make a function that wires solids a job for each mode; now `job`."""
    warn_deprecated("@pipeline", "@job")

    def make(fn: Callable[..., Any]) -> PipelineDefinition:
        graph = GraphDefinition(
            fn,
            name=name if isinstance(name, str) else None,
            description=description,
            ins={one.name: GraphIn(one.to_in.description) for one in input_defs or ()},
            out={one.name: GraphOut(one.to_out.description) for one in output_defs} if output_defs else None,
            what="pipeline",
        )
        return PipelineDefinition(
            graph,
            mode_defs=mode_defs or (),
            preset_defs=preset_defs or (),
            tags=tags,
            hooks=tuple(hook_defs or ()),
            retry_policy=solid_retry_policy,
        )

    return make(name) if callable(name) else make


class SolidExecutionResult:
    """What one solid did in a run."""

    def __init__(self, result: ExecuteInProcessResult, name: str) -> None:
        self._result = result
        self.name = name

    @property
    def success(self) -> bool:
        """Whether it succeeded."""
        return self._result.is_node_success(self.name)

    @property
    def skipped(self) -> bool:
        """Whether it was skipped."""
        return self._result.is_node_skipped(self.name)

    @property
    def failure_data(self) -> StepFailed | None:
        """Why it failed, or None."""
        return self._result.failure_data_for_node(self.name)

    @property
    def step_events(self) -> list[Event]:
        """Its events."""
        return self._result.events_for_node(self.name)

    @property
    def materializations_during_compute(self) -> list[AssetMaterialized]:
        """What it materialised."""
        return self._result.asset_materializations_for_node(self.name)

    def output_value(self, output_name: str = DEFAULT_OUTPUT) -> Any:
        """The value of an output."""
        return self._result.output_for_node(self.name, output_name)


class PipelineExecutionResult:
    """What a run of a pipeline did."""

    def __init__(self, result: ExecuteInProcessResult) -> None:
        self._result = result

    @property
    def success(self) -> bool:
        """Whether the run succeeded."""
        return self._result.success

    @property
    def run_id(self) -> str:
        """The id of the run."""
        return self._result.run_id

    @property
    def event_list(self) -> Sequence[Event]:
        """Every event."""
        return self._result.all_events

    @property
    def step_event_list(self) -> list[Event]:
        """The events of steps."""
        return [event for event in self._result.all_events if event.step_key is not None]

    @property
    def solid_result_list(self) -> list[SolidExecutionResult]:
        """What each solid did, in the order of the plan."""
        return [self.result_for_solid(step.key) for step in self._result.plan.steps]

    def result_for_solid(self, name: str) -> SolidExecutionResult:
        """What one solid did."""
        return SolidExecutionResult(self._result, name)

    def output_for_solid(self, handle_str: str, output_name: str = DEFAULT_OUTPUT) -> Any:
        """The value of an output of a solid."""
        return self._result.output_for_node(handle_str, output_name)


def execute_pipeline(
    pipeline: JobDefinition,
    run_config: Mapping[str, Any] | None = None,
    mode: str | None = None,
    preset: str | None = None,
    tags: Mapping[str, str] | None = None,
    solid_selection: Sequence[str] | None = None,
    instance: RunEnvironment | None = None,
    raise_on_error: bool = True,
    environment_dict: Mapping[str, Any] | None = None,
) -> PipelineExecutionResult:
    """Run a pipeline in this process; now ``job.execute_in_process``. Without an `instance` nothing is left on disk.

    Raises:
        InvocationError: (WEFT-I080, WEFT-I081) it has no such mode or preset; (WEFT-I082) configuration is given by a preset and besides.
    """
    warn_deprecated("execute_pipeline", "job.execute_in_process")
    given = run_config if run_config is not None else environment_dict
    job = pipeline
    if isinstance(pipeline, PipelineDefinition):
        chosen = pipeline.preset(preset) if preset is not None else None
        if chosen is not None:
            if given is not None and given != chosen.run_config:
                raise InvocationError(
                    f'pipeline "{pipeline.name}" is given both a preset and run configuration.',
                    code="WEFT-I082",
                    facts={"preset": chosen.name},
                    fix="give one of them",
                )
            given, tags = chosen.run_config, {**chosen.tags, **(tags or {})}
            solid_selection = solid_selection if solid_selection is not None else chosen.solid_selection
        job = pipeline.job_of(mode or (chosen.mode if chosen is not None and chosen.mode in pipeline.modes else None))
    result = job.execute_in_process(
        run_config=given,
        instance=instance,  # type: ignore[arg-type]  # any environment will do
        tags=tags,
        op_selection=solid_selection,
        raise_on_error=raise_on_error,
    )
    return PipelineExecutionResult(result)


def execute_solid(
    solid_def: NodeDefinition,
    mode_def: ModeDefinition | None = None,
    input_values: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    run_config: Mapping[str, Any] | None = None,
    raise_on_error: bool = True,
) -> SolidExecutionResult:
    """Run one solid, or composite solid, alone in this process; now call the op as the function it is. Nothing is left on disk."""
    warn_deprecated("execute_solid", "a direct call of the op, or graph.execute_in_process")
    name = solid_def.name
    around = GraphDefinition(
        name=f"ephemeral_{name}",
        node_defs=[solid_def],
        input_mappings=[InputMapping(given, name, given) for given in input_values or ()],
    )
    job = JobDefinition(around, **_of_mode(mode_def or ModeDefinition()))
    result = job.execute_in_process(
        run_config=run_config, input_values=input_values, tags=tags, raise_on_error=raise_on_error
    )
    return SolidExecutionResult(result, name)


def pipeline_failure_sensor(
    name: Any = None, minimum_interval_seconds: int | None = None, description: str | None = None
) -> Any:
    """Make a function a reaction to pipelines that fail; now `run_failure_sensor`. May be used bare."""
    warn_deprecated("@pipeline_failure_sensor", "@run_failure_sensor")
    settings: dict[str, Any] = {"description": description}
    if minimum_interval_seconds is not None:
        settings["minimum_interval_seconds"] = minimum_interval_seconds
    return run_failure_sensor(name, **settings)
