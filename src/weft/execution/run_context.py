"""What the steps of one run share in one process: the run, the user's code, resources, the journal."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from weft.clock import Clock
from weft.config.run_config import ResolvedRunConfig
from weft.definitions.run_target import RunTarget
from weft.execution.data_versions import DataVersions
from weft.execution.interruption import Interruption
from weft.execution.log_manager import LogManager
from weft.execution.partitions import RunPartitions
from weft.model.events import Event, EventBody
from weft.model.keys import AssetKey
from weft.model.plan import RunPlan, StepPlan
from weft.model.run import Run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from weft.definitions.assets import AssetsDefinition
    from weft.execution.resources import Resources, ResourceSession


class EventRecorder(Protocol):
    """Where the events of a run are written; a journal."""

    def append(self, body: EventBody, step_key: str | None = None) -> Event:
        """Record one event. When it returns, the event survives the death of this process (unless the instance is ephemeral)."""
        ...


class LogMarks(Protocol):
    """Where the captured output of the process stands (`weft.logs`)."""

    file_key: str

    def mark(self) -> tuple[int, int]:
        """The sizes of stdout and stderr so far, in bytes."""
        ...


class RunContext:
    """The state of a run in a worker. Made by `weft.runs.execute`; every step gets it."""

    __slots__ = (
        "_definitions",
        "capture",
        "captured_outputs",
        "clock",
        "config",
        "data_versions",
        "input_values",
        "instance",
        "interruption",
        "journal",
        "log_level",
        "may_reuse",
        "partitions",
        "plan",
        "record",
        "resources",
        "run",
        "target",
    )

    def __init__(
        self,
        *,
        run: Run,
        plan: RunPlan,
        target: RunTarget,
        journal: EventRecorder,
        resources: ResourceSession,
        data_versions: DataVersions,
        clock: Clock,
        interruption: Interruption,
        config: ResolvedRunConfig,
        instance: Any = None,
        dynamic_partitions_store: Any = None,
        capture: LogMarks | None = None,
        keep_outputs: bool = False,
        may_reuse: bool = False,
        log_level: int = logging.DEBUG,
    ) -> None:
        self.run = run
        self.plan = plan
        self.target = target
        self.journal = journal
        self.record = journal.append
        self.resources = resources
        self.data_versions = data_versions
        self.clock = clock
        # The run configuration with defaults and environment variables filled in. Never stored: it may hold secrets.
        self.config = config
        self.interruption = interruption
        # The public handle, for user code only.
        self.instance = instance
        self.capture = capture
        self.partitions = RunPartitions(run, dynamic_partitions_store)
        self.input_values: Mapping[str, Any] = target.input_values
        # Whether any step may be skipped because its result exists.
        self.may_reuse = may_reuse
        # Lines of the log below it are dropped.
        self.log_level = log_level
        # (step key, output, mapping key) to value; kept only for results in the calling process.
        self.captured_outputs: dict[tuple[str, str, str | None], Any] | None = {} if keep_outputs else None
        self._definitions: dict[str, AssetsDefinition[Any, Any] | None] = {}

    def log_of(self, step_key: str) -> LogManager:
        """The logger of a step."""
        record = self.record
        return LogManager(lambda line: record(line, step_key), level=self.log_level)

    def resources_for(self, keys: frozenset[str]) -> Resources:
        """The resources with these keys, by attribute."""
        return self.resources.view(keys)

    def definition_of_step(self, step_key: str) -> AssetsDefinition[Any, Any] | None:
        """The asset definition that a step belongs to; None for a step of a job of ops."""
        if step_key in self._definitions:
            return self._definitions[step_key]
        if self.target.repository is None:
            return None
        found = self._definitions[step_key] = self.target.repository.definition_of_step(step_key)
        return found

    def bind_definition(self, step_key: str, definition: AssetsDefinition[Any, Any] | None) -> None:
        """Say what a step belongs to, for a direct call."""
        self._definitions[step_key] = definition

    def config_of(self, step_key: str) -> Mapping[str, Any]:
        """The ``{"config": ..., "inputs": ...}`` of a step in the run configuration."""
        if not self.config.nodes:
            return {}
        return self.config.nodes.get(".".join(self.target.body(step_key).node_path), {})

    def upstream_partition_keys(
        self, step: StepPlan, upstream: AssetKey, input_name: str | None, partition: str | None = None
    ) -> Sequence[str]:
        """The partitions of an upstream asset that a step needs, to make `partition` or all that the run makes; empty where the asset has none."""
        spec = self.target.spec(upstream)
        if spec is None or spec.partitions_def is None:
            return ()
        definition = self.definition_of_step(step.key)
        mapping = None
        if definition is not None:
            given = definition.inputs.get(input_name) if input_name is not None else None
            if given is not None:
                mapping = given.asset_in.partition_mapping
            else:
                deps = [dep for one in definition.specs for dep in one.deps if dep.asset_key == upstream]
                mapping = deps[0].partition_mapping if deps else None
        downstream = definition.partitions_def if definition is not None else None
        return self.partitions.upstream_keys(
            downstream, spec.partitions_def, mapping, self.clock.wall(), None if partition is None else (partition,)
        )

    def load_asset_value(self, key: AssetKey, partition_key: str | None, step: StepPlan) -> Any:
        """The stored value of an asset, outside the inputs that the step declares."""
        from weft.execution.inputs import load_asset

        keys = (partition_key,) if partition_key is not None else self.upstream_partition_keys(step, key, None)
        value, _ = load_asset(self, step, key, name=key.parts[-1], partition_keys=keys)
        return value
