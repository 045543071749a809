"""The contexts that user functions receive.

One context serves ops, assets and checks; the three public classes differ in what they are for, not in what they can do. A context is cheap to
make: everything that costs is looked up when it is asked for.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from weft.definitions.results import AssetMaterialization, AssetObservation, DataVersion
from weft.errors import InvocationError, did_you_mean, some_of
from weft.execution.data_versions import DataProvenance, provenance
from weft.execution.log_manager import LogManager
from weft.execution.partitions import time_window_of
from weft.model.events import AssetMaterialized, AssetObserved
from weft.model.keys import AssetCheckKey, AssetKey, CoercibleToAssetKey
from weft.model.metadata import AnyMetadataValue, RawMetadata, metadata_values
from weft.model.partitions.keys import MultiPartitionKey, PartitionKeyRange
from weft.model.plan import StepPlan
from weft.model.run import Run

if TYPE_CHECKING:
    from pdb import Pdb

    from weft.definitions.assets import AssetsDefinition
    from weft.definitions.job import AssetJobDefinition, JobDefinition
    from weft.definitions.op import OpDefinition
    from weft.definitions.repository import Repository
    from weft.execution.partitions import RunPartitions
    from weft.execution.resources import Resources
    from weft.execution.run_context import RunContext
    from weft.model.partitions.definitions import PartitionsDefinition
    from weft.model.partitions.keys import TimeWindow


class ExecutionContext:
    """What a user function knows of its step, and what it can say about it."""

    __weft_context__ = True

    __slots__ = (
        "_asset_metadata",
        "_data_versions",
        "_expected_results",
        "_op_config",
        "_output_metadata",
        "_resources",
        "_run_context",
        "attempt",
        "log",
        "op_def",
        "step",
    )

    def __init__(
        self,
        run_context: RunContext,
        step: StepPlan,
        op_def: OpDefinition[Any, Any],
        *,
        resources: Resources,
        op_config: Any = None,
        attempt: int = 1,
        log: LogManager | None = None,
    ) -> None:
        self._run_context = run_context
        self.step = step
        self.op_def = op_def
        self.attempt = attempt
        # Writes lines that become events of the run.
        self.log = log if log is not None else run_context.log_of(step.key)
        self._resources = resources
        self._op_config = op_config
        self._output_metadata: dict[tuple[str, str | None], dict[str, AnyMetadataValue]] = {}
        self._asset_metadata: dict[tuple[AssetKey, str | None], dict[str, AnyMetadataValue]] = {}
        self._data_versions: dict[AssetKey, DataVersion] = {}
        self._expected_results: Exception | None = None

    def bind(self, op: OpDefinition[Any, Any], assets: AssetsDefinition[Any, Any] | None) -> None:
        """Say for which function the context is; a context made for a direct call learns it when it is passed."""
        if self.op_def is op:
            return
        self.op_def = op
        self.step = assets.describe_unit().steps[0] if assets is not None else StepPlan(key=op.name, op_name=op.name)
        self._run_context.bind_definition(self.step.key, assets)

    # --- the run and the step ----------------------------------------------------------------------------------------

    @property
    def run(self) -> Run:
        """The run."""
        return self._run_context.run

    dagster_run = run

    @property
    def run_id(self) -> str:
        """The id of the run."""
        return self.run.id

    @property
    def job_name(self) -> str:
        """The name of the job."""
        return self.run.job_name

    @property
    def run_config(self) -> Mapping[str, Any]:
        """The configuration of the run."""
        return self.run.run_config

    @property
    def run_tags(self) -> Mapping[str, str]:
        """The tags of the run."""
        return self.run.tags

    def has_tag(self, key: str) -> bool:
        """Whether the run has the tag."""
        return key in self.run.tags

    def get_tag(self, key: str) -> str | None:
        """The value of a tag of the run, or None."""
        return self.run.tags.get(key)

    @property
    def retry_number(self) -> int:
        """0 in the first attempt, 1 in the first retry, and so on."""
        return self.attempt - 1

    @property
    def op_config(self) -> Any:
        """The configuration of the op."""
        return self._op_config

    # The names that older code reads.
    solid_config = op_config
    pipeline_run = run
    pipeline_name = job_name

    @property
    def resources(self) -> Resources:
        """The resources that the op requires, by attribute."""
        return self._resources

    @property
    def instance(self) -> Any:
        """The instance on which the run is recorded."""
        return self._run_context.instance

    def take_resources(self, resources: Resources) -> None:
        """Have these resources from now on; for those that are set up with this context."""
        self._resources = resources

    def get_step_execution_context(self) -> ExecutionContext:
        """This context."""
        return self

    @property
    def op_execution_context(self) -> ExecutionContext:
        """This context."""
        return self

    def get_op_execution_context(self) -> ExecutionContext:
        """This context."""
        return self

    @property
    def op(self) -> OpDefinition[Any, Any]:
        """The op of the step."""
        return self.op_def

    @property
    def job_def(self) -> JobDefinition | AssetJobDefinition:
        """The job; for a run of assets without one, the job of all assets.

        Raises:
            InvocationError: (WEFT-I018) there is no job: the function was called directly.
        """
        found = self._run_context.target.job_def
        if found is None:
            raise _called_directly("job")
        return found

    @property
    def repository_def(self) -> Repository:
        """The definitions from which the run makes assets.

        Raises:
            InvocationError: (WEFT-I018) the function was called directly, or is part of a job of ops, which needs no definitions.
        """
        found = self._run_context.target.repository
        if found is None:
            raise _called_directly("repository")
        return found

    @property
    def pdb(self) -> Pdb:
        """A debugger on the terminal of this process, also where its output is captured: ``context.pdb.set_trace()``.

        Raises:
            InvocationError: (WEFT-I019) the process has no terminal.
        """
        return terminal_debugger()

    def get_mapping_key(self) -> str | None:
        """The innermost mapping key of a copy made by a dynamic output, or None."""
        if not self.step.key.endswith("]"):
            return None
        return self.step.key[self.step.key.rindex("[") + 1 : -1]

    # --- assets ------------------------------------------------------------------------------------------------------

    @property
    def assets_def(self) -> AssetsDefinition[Any, Any]:
        """The definition that the step belongs to."""
        found = self._run_context.definition_of_step(self.step.key)
        if found is None:
            raise self._not_an_asset("definition")
        return found

    @property
    def has_assets_def(self) -> bool:
        """Whether the step belongs to an asset or check."""
        return self._run_context.definition_of_step(self.step.key) is not None

    @property
    def asset_key(self) -> AssetKey:
        """The asset that the step makes, or the one that its only check is about."""
        keys = self._asset_keys()
        if len(keys) == 1:
            return keys[0]
        if not keys:
            checked = {check.asset_key for check in self.selected_asset_check_keys}
            if len(checked) == 1:
                return next(iter(checked))
            raise self._not_an_asset("asset key")
        raise InvocationError(
            f'step "{self.step.key}" makes {len(keys)} assets, so there is no single asset key.',
            code="WEFT-I011",
            facts={"assets": some_of(key.to_user_string() for key in keys)},
            fix="use context.selected_asset_keys, or asset_key_for_output(name)",
        )

    @property
    def has_asset_key(self) -> bool:
        """Whether the step makes exactly one asset."""
        return len(self._asset_keys()) == 1

    @property
    def selected_asset_keys(self) -> set[AssetKey]:
        """The assets of this step that the run makes."""
        return set(self._asset_keys())

    @property
    def selected_asset_check_keys(self) -> set[AssetCheckKey]:
        """The checks of this step that the run evaluates."""
        return {output.check_key for output in self.step.outputs if output.check_key is not None}

    @property
    def selected_output_names(self) -> set[str]:
        """The outputs of this step that the run asks for."""
        return {output.name for output in self.step.outputs}

    @property
    def check_specs(self) -> Sequence[Any]:
        """The specs of the checks of the step."""
        selected = self.selected_asset_check_keys
        return [spec for spec in self.assets_def.check_specs if spec.key in selected]

    def asset_key_for_output(self, output_name: str = "result") -> AssetKey:
        """The asset behind an output."""
        for output in self.step.outputs:
            if output.name == output_name and output.asset_key is not None:
                return output.asset_key
        raise self._unknown("output", output_name, [output.name for output in self.step.outputs])

    def output_for_asset_key(self, asset_key: CoercibleToAssetKey) -> str:
        """The output that carries an asset."""
        wanted = AssetKey.of(asset_key)
        for output in self.step.outputs:
            if output.asset_key == wanted:
                return output.name
        known = [key.to_user_string() for key in self._asset_keys()]
        raise self._unknown("asset", wanted.to_user_string(), known)

    def asset_key_for_input(self, input_name: str) -> AssetKey:
        """The upstream asset behind an argument."""
        for step_input in self.step.inputs:
            if step_input.name == input_name and step_input.asset_key is not None:
                return step_input.asset_key
        raise self._unknown("input", input_name, [step_input.name for step_input in self.step.inputs])

    def _asset_keys(self) -> list[AssetKey]:
        return [output.asset_key for output in self.step.outputs if output.asset_key is not None]

    # --- partitions --------------------------------------------------------------------------------------------------

    @property
    def _partitions(self) -> RunPartitions:
        return self._run_context.partitions

    @property
    def has_partition_key(self) -> bool:
        """Whether the run is about exactly one partition."""
        return self._partitions.key is not None

    @property
    def partition_key(self) -> str:
        """The partition of the run. For a multi-partition it has ``keys_by_dimension`` as well."""
        return self._partitions.the_key(self._partitions_def())

    @property
    def multi_partition_key(self) -> MultiPartitionKey:
        """The partition of the run, of a product of dimensions.

        Raises:
            InvocationError: (WEFT-I062) the partitions have one dimension.
        """
        key = self.partition_key
        if isinstance(key, MultiPartitionKey):
            return key
        raise InvocationError(
            "the partition of the run has one dimension.",
            code="WEFT-I062",
            facts={"partition": key},
            fix="use context.partition_key",
        )

    @property
    def has_partition_key_range(self) -> bool:
        """Whether the run is about a partition or a range of them."""
        return self._partitions.is_partitioned

    @property
    def partition_keys(self) -> Sequence[str]:
        """The partitions of the run, in order: one, or the range of a single run."""
        return self._partitions.keys(self._partitions_def())

    @property
    def partition_key_range(self) -> PartitionKeyRange:
        """The first and last partition of the run."""
        return self._partitions.key_range()

    @property
    def partition_time_window(self) -> TimeWindow:
        """From the start of the first to the end of the last partition of the run."""
        return self._partitions.time_window(self._partitions_def())

    def _partitions_def(self) -> PartitionsDefinition | None:
        definition = self._run_context.definition_of_step(self.step.key)
        own = definition.partitions_def if definition is not None else None
        return own if own is not None else self._run_context.target.partitions_def

    @property
    def asset_partition_key(self) -> str:
        """The partition of the run; the older name of `partition_key`."""
        return self.partition_key

    def asset_partition_key_for_output(self, output_name: str = "result") -> str:
        """The partition of the run; the older name of `partition_key`."""
        return self.partition_key

    def asset_partition_keys_for_output(self, output_name: str = "result") -> Sequence[str]:
        """The partitions of the run; the older name of `partition_keys`."""
        return self.partition_keys

    def asset_partition_key_range_for_output(self, output_name: str = "result") -> PartitionKeyRange:
        """The older name of `partition_key_range`."""
        return self.partition_key_range

    def asset_partitions_time_window_for_output(self, output_name: str = "result") -> TimeWindow:
        """The older name of `partition_time_window`."""
        return self.partition_time_window

    @property
    def asset_partition_key_range(self) -> PartitionKeyRange:
        """The older name of `partition_key_range`."""
        return self.partition_key_range

    def asset_partitions_def_for_output(self, output_name: str = "result") -> PartitionsDefinition:
        """How the asset behind an output is divided.

        Raises:
            InvocationError: (WEFT-I021) it is not.
        """
        return self._partitions_def_of(self.asset_key_for_output(output_name))

    def asset_partitions_def_for_input(self, input_name: str) -> PartitionsDefinition:
        """How the upstream asset behind an argument is divided.

        Raises:
            InvocationError: (WEFT-I021) it is not.
        """
        return self._partitions_def_of(self.asset_key_for_input(input_name))

    def _partitions_def_of(self, key: AssetKey) -> PartitionsDefinition:
        definition = self._run_context.definition_of_step(self.step.key)
        own = definition.specs if definition is not None else ()
        spec = self._run_context.target.spec(key) or next((one for one in own if one.key == key), None)
        if spec is None or spec.partitions_def is None:
            raise _no_partitions(f'asset "{key.to_user_string()}" has no partitions.')
        return spec.partitions_def

    def asset_partition_keys_for_input(self, input_name: str) -> Sequence[str]:
        """The partitions of an upstream asset that this step depends on."""
        return self._run_context.upstream_partition_keys(self.step, self.asset_key_for_input(input_name), input_name)

    def asset_partition_key_for_input(self, input_name: str) -> str:
        """The one partition of an upstream asset that this step depends on."""
        keys = self.asset_partition_keys_for_input(input_name)
        if len(keys) != 1:
            raise InvocationError(
                f'input "{input_name}" of step "{self.step.key}" depends on {len(keys)} partitions.',
                code="WEFT-I012",
                facts={"partitions": some_of(keys)},
                fix="use context.asset_partition_keys_for_input(name)",
            )
        return keys[0]

    def asset_partition_key_range_for_input(self, input_name: str) -> PartitionKeyRange:
        """The first and last partition of an upstream asset that this step depends on."""
        keys = self._some_partition_keys_for_input(input_name)
        return PartitionKeyRange(keys[0], keys[-1])

    def asset_partitions_time_window_for_input(self, input_name: str) -> TimeWindow:
        """From the start of the first to the end of the last partition of an upstream asset that this step depends on.

        Raises:
            InvocationError: (WEFT-I017) its partitions are not windows of time.
        """
        keys = self._some_partition_keys_for_input(input_name)
        return time_window_of(self.asset_partitions_def_for_input(input_name), keys)

    def _some_partition_keys_for_input(self, input_name: str) -> Sequence[str]:
        keys = self.asset_partition_keys_for_input(input_name)
        if not keys:
            raise _no_partitions(f'input "{input_name}" of step "{self.step.key}" depends on no partitions.')
        return keys

    # --- saying something --------------------------------------------------------------------------------------------

    def add_output_metadata(
        self, metadata: RawMetadata, output_name: str | None = None, mapping_key: str | None = None
    ) -> None:
        """Attach facts to an output, and to the materialisation of the asset behind it."""
        name = output_name or self._only_output()
        self._output_metadata.setdefault((name, mapping_key), {}).update(metadata_values(metadata))

    def add_asset_metadata(
        self, metadata: RawMetadata, asset_key: CoercibleToAssetKey | None = None, partition_key: str | None = None
    ) -> None:
        """Attach facts to the materialisation of an asset of this step (of one partition, where it is given)."""
        key = AssetKey.of(asset_key) if asset_key is not None else self.asset_key
        self._asset_metadata.setdefault((key, partition_key), {}).update(metadata_values(metadata))

    def get_asset_provenance(self, asset_key: CoercibleToAssetKey) -> DataProvenance | None:
        """From what the latest materialisation of an asset was made; None where there is none."""
        state = self.instance.assets.get(AssetKey.of(asset_key))
        return provenance(state.latest_materialization if state is not None else None)

    def set_data_version(self, asset_key: CoercibleToAssetKey, data_version: DataVersion) -> None:
        """Say which version the content of an asset of this step has."""
        self._data_versions[AssetKey.of(asset_key)] = data_version

    def log_event(self, event: AssetMaterialization | AssetObservation) -> None:
        """Record that something was made or seen outside the assets that the step declares."""
        self._run_context.record(event_body(event), self.step.key)

    def expect_results(self, otherwise: Exception) -> None:
        """Have the step fail with `otherwise` where it ends without having given its assets: they do not come by themselves any more."""
        self._expected_results = otherwise

    @property
    def expected_results(self) -> Exception | None:
        """What `expect_results` was told last."""
        return self._expected_results

    def output_metadata(self, name: str, mapping_key: str | None = None) -> Mapping[str, AnyMetadataValue]:
        """What was attached to an output so far."""
        return self._output_metadata.get((name, mapping_key), {})

    def asset_metadata(self, key: AssetKey, partition: str | None) -> dict[str, AnyMetadataValue]:
        """What was attached to an asset so far: for all its partitions, then for the given one."""
        merged = dict(self._asset_metadata.get((key, None), {}))
        if partition is not None:
            merged.update(self._asset_metadata.get((key, partition), {}))
        return merged

    def data_version(self, key: AssetKey) -> DataVersion | None:
        """What `set_data_version` was told."""
        return self._data_versions.get(key)

    def load_asset_value(self, asset_key: CoercibleToAssetKey, *, partition_key: str | None = None) -> Any:
        """The stored value of any asset, through its I/O manager."""
        return self._run_context.load_asset_value(AssetKey.of(asset_key), partition_key, self.step)

    def _only_output(self) -> str:
        names = [output.name for output in self.step.outputs if output.check_key is None]
        if len(names) == 1:
            return names[0]
        raise InvocationError(
            f'step "{self.step.key}" has {len(names)} outputs, so the output must be named.',
            code="WEFT-I013",
            facts={"outputs": some_of(names)},
            fix="pass output_name=...",
        )

    def _not_an_asset(self, what: str) -> InvocationError:
        return InvocationError(
            f'step "{self.step.key}" is an op and has no {what}.',
            code="WEFT-I014",
            fix="use members of assets only in functions decorated with @asset, @multi_asset or @asset_check",
        )

    def _unknown(self, what: str, name: str, known: Sequence[str]) -> InvocationError:
        return InvocationError(
            f'step "{self.step.key}" has no {what} "{name}" with an asset.',
            code="WEFT-I015",
            facts={f"known {what}s": some_of(known)},
            fix=did_you_mean(name, known, "check the name"),
        )


class OpExecutionContext(ExecutionContext):
    """The context of an op."""

    __slots__ = ()


class AssetExecutionContext(ExecutionContext):
    """The context of an asset."""

    __slots__ = ()


class AssetCheckExecutionContext(ExecutionContext):
    """The context of a check."""

    __slots__ = ()


class HookContext:
    """The context of a hook: which step ended, and how."""

    __weft_context__ = True

    __slots__ = ("_context", "hook_def", "op_exception", "op_output_values")

    def __init__(
        self,
        context: ExecutionContext,
        hook_def: Any,
        *,
        op_exception: BaseException | None = None,
        op_output_values: Mapping[str, Any] | None = None,
    ) -> None:
        self._context = context
        self.hook_def = hook_def
        # The exception of a step that failed.
        self.op_exception = op_exception
        # Output name to value, of a step that succeeded.
        self.op_output_values: Mapping[str, Any] = op_output_values or {}

    @property
    def op_output_metadata(self) -> dict[str, Any]:
        """What the step attached to its outputs, by output name; of a dynamic output by its mapping keys."""
        found: dict[str, Any] = {}
        for (name, mapping_key), metadata in self._context._output_metadata.items():
            if mapping_key is None:
                found[name] = {**found.get(name, {}), **metadata}
            else:
                found.setdefault(name, {})[mapping_key] = dict(metadata)
        return found

    @property
    def step_exception(self) -> BaseException | None:
        """The exception of a step that failed."""
        return self.op_exception

    @property
    def hook_name(self) -> str:
        """The name of the hook."""
        return str(self.hook_def.name)

    @property
    def op(self) -> OpDefinition[Any, Any]:
        """The op of the step."""
        return self._context.op_def

    @property
    def step_key(self) -> str:
        """The key of the step."""
        return self._context.step.key

    @property
    def run_id(self) -> str:
        """The id of the run."""
        return self._context.run_id

    @property
    def job_name(self) -> str:
        """The name of the job."""
        return self._context.job_name

    @property
    def run(self) -> Run:
        """The run."""
        return self._context.run

    @property
    def op_config(self) -> Any:
        """The configuration of the op."""
        return self._context.op_config

    @property
    def resources(self) -> Resources:
        """The resources of the hook, by attribute."""
        return self._context._run_context.resources_for(  # a hook sees the run of its step
            self.hook_def.required_resource_keys | self._context.op_def.required_resource_keys
        )

    @property
    def instance(self) -> Any:
        """The instance on which the run is recorded."""
        return self._context.instance

    @property
    def log(self) -> LogManager:
        """The logger of the step."""
        return self._context.log


def terminal_debugger() -> Pdb:
    """A debugger that reads from and writes to the terminal of this process, wherever its standard streams go.

    Raises:
        InvocationError: (WEFT-I019) it has none.
    """
    from pdb import Pdb  # slow to load, and hardly ever asked for

    terminal = "CON" if sys.platform == "win32" else "/dev/tty"
    try:
        # They stay open as long as the debugger is used, which only its user knows.
        return Pdb(stdin=open(terminal), stdout=open(terminal, "w"))  # noqa: PTH123
    except OSError as error:
        raise InvocationError(
            "there is no terminal on which the debugger could be used.",
            code="WEFT-I019",
            fix="run it from a terminal, in the process itself: materialize([...]) or job.execute_in_process()",
        ) from error


def _no_partitions(what: str) -> InvocationError:
    return InvocationError(
        what,
        code="WEFT-I021",
        fix="give the asset a partitions_def, or use context.asset_partition_keys_for_input(name), which may be empty",
    )


def _called_directly(what: str) -> InvocationError:
    return InvocationError(
        f"there is no {what}: the function was called directly, or its job needs none.",
        code="WEFT-I018",
        fix="run it: materialize([...]), or a job taken from Definitions",
    )


def event_body(event: AssetMaterialization | AssetObservation) -> AssetMaterialized | AssetObserved:
    """The event of something a user reports."""
    kind = AssetObserved if isinstance(event, AssetObservation) else AssetMaterialized
    return kind(
        asset_key=event.asset_key,
        partition=event.partition,
        description=event.description,
        metadata=event.metadata,
        tags=event.tags,
        data_version=next((event.tags[tag] for tag in _DATA_VERSION_TAGS if tag in event.tags), None),
    )


_DATA_VERSION_TAGS = ("weft/data_version", "dagster/data_version")
"""Under which a version may be given with an event that has no place of its own for it."""
