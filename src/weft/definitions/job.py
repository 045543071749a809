"""Jobs: a graph, or a selection of assets, with what it needs to run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

from weft.definitions.asset_selection import AssetSelection
from weft.definitions.asset_spec import check_automation_condition, check_partitions_def
from weft.definitions.composition import called_as_function
from weft.definitions.decorated import check_decorated
from weft.definitions.executors import ExecutorDefinition, check_executor
from weft.definitions.flatten import FlatGraph, flatten_graph, graph_input_sources
from weft.definitions.graph import GraphDefinition
from weft.definitions.hooks import HookDefinition
from weft.definitions.loggers import LoggerDefinition, check_loggers
from weft.definitions.names import check_each, check_mapping, check_name, check_optional, check_owners, tag_texts
from weft.definitions.source import called_at
from weft.errors import DefinitionError, InvocationError, did_you_mean
from weft.model.metadata import metadata_values
from weft.model.retry import RetryPolicy
from weft.model.run import IMPLICIT_ASSET_JOB, RunTag
from weft.model.snapshot import JobSnapshot

if TYPE_CHECKING:
    from weft.config.mapping import ConfigMapping
    from weft.definitions.automation_condition import AutomationCondition
    from weft.definitions.repository import Repository
    from weft.definitions.run_requests import RunRequest
    from weft.execution.results import ExecuteInProcessResult
    from weft.instance import Instance
    from weft.model.keys import CoercibleToAssetKey
    from weft.model.partitions.definitions import PartitionsDefinition


class _Settings:
    """What every kind of job has besides what it runs."""

    tags: dict[str, str]
    run_tags: dict[str, str]
    metadata: dict[str, Any]
    hooks: frozenset[HookDefinition]
    op_retry_policy: RetryPolicy | None
    partitions_def: PartitionsDefinition | None
    owners: tuple[str, ...]
    # How its runs are carried out; None: as the definitions say.
    executor_def: ExecutorDefinition | None
    logger_defs: Mapping[str, LoggerDefinition]
    name: str
    # Run configuration, or a `PartitionedConfig`.
    config: Any
    # What computes the whole run configuration from what is written instead.
    config_mapping: ConfigMapping | None = None

    def run_request_for_partition(
        self,
        partition_key: str,
        run_key: str | None = None,
        tags: Mapping[str, Any] | None = None,
        asset_selection: Sequence[Any] | None = None,
        run_config: Any = None,
        current_time: Any = None,
        dynamic_partitions_store: Any = None,
    ) -> RunRequest:
        """The request for the run of one partition, for schedules and sensors.

        Args:
            partition_key: the partition.
            run_key: see `RunRequest`.
            tags: tags of the run, besides those that the configuration gives for the partition.
            asset_selection: see `RunRequest`.
            run_config: in place of what the job's configuration gives for the partition.
            current_time, dynamic_partitions_store: see `PartitionsDefinition.validate_partition_key`.

        Raises:
            DefinitionError: (WEFT-D480) the job has no partitions. PartitionError: there is no such partition.
        """
        from weft.definitions.run_requests import RunRequest

        if self.partitions_def is None:
            raise DefinitionError(
                f'job "{self.name}" has no partitions of its own.',
                code="WEFT-D480",
                fix="give it partitions_def=..., or RunRequest(partition_key=...) where its assets have them",
            )
        store = dynamic_partitions_store
        self.partitions_def.validate_partition_key(
            partition_key, current_time=current_time, dynamic_partitions_store=store
        )
        config, more = config_for_partition(self.config, partition_key)
        return RunRequest(
            run_key=run_key,
            run_config=(config or {}) if run_config is None else run_config,
            tags={**more, **(tags or {})},
            job_name=self.name,
            asset_selection=asset_selection,
            partition_key=partition_key,
        )

    def _settle(
        self,
        where: str,
        *,
        tags: Mapping[str, Any] | None,
        run_tags: Mapping[str, Any] | None,
        metadata: Mapping[str, Any] | None,
        hooks: Collection[HookDefinition],
        op_retry_policy: RetryPolicy | None,
        partitions_def: PartitionsDefinition | None,
        owners: Sequence[str],
        executor_def: ExecutorDefinition | None,
        logger_defs: Mapping[str, LoggerDefinition] | None,
    ) -> None:
        self.tags = tag_texts(tags, where)
        self.run_tags = {**self.tags, **tag_texts(run_tags, where)}
        self.metadata = check_mapping(metadata, "metadata", where)
        metadata_values(self.metadata)
        self.hooks = frozenset(check_each(hooks, HookDefinition, "hooks", where))
        self.op_retry_policy = check_optional(op_retry_policy, RetryPolicy, "op_retry_policy", where)
        self.partitions_def = check_partitions_def(partitions_def, where) if partitions_def is not None else None
        if getattr(self.config, "is_config_mapping", False):
            self.config_mapping, self.config = self.config, None
        own = getattr(self.config, "partitions_def", None)
        if own is not None:  # a PartitionedConfig
            if self.partitions_def is not None and self.partitions_def != own:
                raise DefinitionError(
                    f"{where} and its configuration have different partitions.",
                    code="WEFT-D479",
                    facts={"job": self.partitions_def.describe(), "configuration": own.describe()},
                    fix="leave out partitions_def of the job",
                )
            self.partitions_def = own
        self.owners = check_owners(owners, where)
        self.executor_def = check_executor(executor_def, where)
        self.logger_defs = check_loggers(logger_defs, where)


def _with_cache(run_tags: Mapping[str, Any] | None, cache: bool | None) -> Mapping[str, Any] | None:
    return run_tags if cache is None else {RunTag.CACHE: str(cache).lower(), **(run_tags or {})}


def config_for_partition(config: Any, partition_key: str | None) -> tuple[Any, dict[str, str]]:
    """What a job's `config` says of the run of a partition: configuration, and tags. None where it needs a partition and there is none."""
    if not hasattr(config, "get_run_config_for_partition_key"):
        return config, {}
    if partition_key is None:
        return None, {}
    return (
        config.get_run_config_for_partition_key(partition_key),
        config.get_tags_for_partition_key(partition_key),
    )


class JobDefinition(_Settings):
    """A graph of ops with resources, configuration and settings. Made by `job` or `GraphDefinition.to_job`."""

    variants: Sequence[JobDefinition] = ()
    """Jobs that come with it wherever it is declared: the same graph for other environments."""

    def __init__(
        self,
        graph: GraphDefinition,
        *,
        name: str | None = None,
        description: str | None = None,
        resource_defs: Mapping[str, Any] | None = None,
        config: Any = None,
        tags: Mapping[str, Any] | None = None,
        run_tags: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        hooks: Collection[HookDefinition] = (),
        op_retry_policy: RetryPolicy | None = None,
        partitions_def: PartitionsDefinition | None = None,
        input_values: Mapping[str, Any] | None = None,
        owners: Sequence[str] = (),
        executor_def: ExecutorDefinition | None = None,
        logger_defs: Mapping[str, LoggerDefinition] | None = None,
        cache: bool | None = None,
    ) -> None:
        self.graph = graph
        self.name = check_name(name, "a job") if name is not None else graph.name
        where = f'job "{self.name}"'
        self.description = description if description is not None else graph.description
        self.resource_defs = check_mapping(resource_defs, "resource_defs", where)
        self.config = config if config is not None else graph.config
        self.declared_at = graph.declared_at
        self._settle(
            where,
            tags={**graph.tags, **check_mapping(tags, "tags", where)},
            run_tags=_with_cache(run_tags, cache),
            metadata=metadata,
            hooks=hooks,
            op_retry_policy=op_retry_policy,
            partitions_def=partitions_def,
            owners=owners,
            executor_def=executor_def,
            logger_defs=logger_defs,
        )
        given = check_mapping(input_values, "input_values", where)
        for unknown in given.keys() - graph.ins.keys():
            raise DefinitionError(
                f'{where} has a value for the input "{unknown}", which its graph does not take.',
                code="WEFT-D093",
                facts={"inputs": ", ".join(graph.ins) or "(none)", "declared in": self.declared_at or "?"},
                fix=did_you_mean(unknown, graph.ins, f'add a parameter "{unknown}" to the graph'),
            )
        self.input_values = {
            **{name: declared.default_value for name, declared in graph.ins.items() if declared.has_default},
            **given,
        }
        # Texts that no run of it may record.
        self.secrets: frozenset[str] = frozenset()
        self._flat: FlatGraph | None = None

    @property
    def flat(self) -> FlatGraph:
        """The steps of the job. Made once."""
        if self._flat is None:
            self._flat = self.flat_with(())
        return self._flat

    def flat_with(self, given_inputs: Collection[str]) -> FlatGraph:
        """The steps of the job when the caller hands over these inputs of the graph, besides those the job has."""
        values = dict.fromkeys([*self.input_values, *given_inputs])
        return flatten_graph(
            self.graph,
            graph_input_sources(self.graph, values),
            hooks=self.hooks,
            retry_policy=self.op_retry_policy,
        )

    def needed_resource_keys(self) -> set[str]:
        """The keys of every resource that its steps and hooks name, the default I/O manager included."""
        needed: set[str] = set()
        for body in self.flat.bodies.values():
            needed |= body.op.needed_resource_keys()
            needed.update(key for hook in body.hooks for key in hook.required_resource_keys)
        return needed

    def describe(self) -> JobSnapshot:
        """The job as a value. Its plan carries every step."""
        from weft.model.plan import RunPlan

        return JobSnapshot(
            name=self.name,
            description=self.description,
            tags=self.run_tags,
            metadata=metadata_values(self.metadata),
            plan=RunPlan(job_name=self.name, steps=self.flat.steps),
            partitions=self.partitions_def.to_spec() if self.partitions_def is not None else None,
        )

    def execute_in_process(
        self,
        run_config: Any = None,
        *,
        instance: Instance | None = None,
        partition_key: str | None = None,
        raise_on_error: bool = True,
        op_selection: Sequence[str] | None = None,
        run_id: str | None = None,
        input_values: Mapping[str, Any] | None = None,
        tags: Mapping[str, Any] | None = None,
        resources: Mapping[str, Any] | None = None,
    ) -> ExecuteInProcessResult:
        """Run the job in this process and wait for its end.

        Args:
            run_config: configuration, as a dict or `RunConfig`; the job's own where it is None.
            instance: where the run is recorded; without one, in memory, and nothing is left on disk.
            partition_key: the partition to make.
            raise_on_error: raise the error of the first step that failed, instead of returning a result without success.
            op_selection: which ops, such as ``["*clean"]``; the default is all.
            run_id: the id of the run, for tests.
            input_values: values of the inputs of the graph.
            tags: tags of the run.
            resources: resources that replace the job's.

        Raises:
            ConfigError: the configuration does not fit; nothing ran.
            StepFailedError: a step failed and `raise_on_error` is set; the user's exception is its cause.
        """
        from weft.runs.in_process import execute_job

        return execute_job(
            self,
            run_config=run_config,
            instance=instance,
            partition_key=partition_key,
            raise_on_error=raise_on_error,
            op_selection=op_selection,
            run_id=run_id,
            input_values=input_values,
            tags=tags,
            resources=resources,
        )

    def with_hooks(self, hook_defs: Collection[HookDefinition]) -> JobDefinition:
        """The job with more hooks."""
        more = check_each(hook_defs, HookDefinition, "hooks", f'job "{self.name}"')
        return self._copy(hooks=self.hooks.union(more))

    def with_top_level_resources(self, resource_defs: Mapping[str, Any]) -> JobDefinition:
        """The job with resources for the keys that it has none for."""
        return self._copy(resource_defs={**resource_defs, **self.resource_defs})

    def with_defaults(self, executor_def: ExecutorDefinition | None, logger_defs: Mapping[str, Any]) -> JobDefinition:
        """The job with an executor and loggers where it says nothing of its own."""
        if executor_def is None and not logger_defs:
            return self
        return self._copy(
            executor_def=self.executor_def or executor_def, logger_defs={**logger_defs, **self.logger_defs}
        )

    def with_secrets(self, secrets: frozenset[str]) -> JobDefinition:
        """The job whose runs also hide these texts in what they record."""
        return self._copy(secrets=self.secrets | secrets) if secrets else self

    def _copy(self, **changes: Any) -> JobDefinition:
        copy = object.__new__(JobDefinition)
        copy.__dict__.update(self.__dict__, _flat=None, **changes)
        return copy

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """A job is no function: it is run.

        Raises:
            InvocationError: (WEFT-I003) always.
        """
        raise called_as_function("job", self.name)

    def __repr__(self) -> str:
        return f"JobDefinition({self.name!r})"


class AssetJobDefinition(_Settings):
    """A job that makes a selection of assets and checks; resolved against the definitions it is declared with. Made by `define_asset_job`."""

    def __init__(
        self,
        name: str,
        selection: Any = None,
        *,
        config: Any = None,
        description: str | None = None,
        tags: Mapping[str, Any] | None = None,
        run_tags: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        partitions_def: PartitionsDefinition | None = None,
        hooks: Collection[HookDefinition] = (),
        op_retry_policy: RetryPolicy | None = None,
        owners: Sequence[str] = (),
        executor_def: ExecutorDefinition | None = None,
        logger_defs: Mapping[str, LoggerDefinition] | None = None,
        cache: bool | None = None,
        automation_condition: AutomationCondition | None = None,
    ) -> None:
        self.name = check_name(name, "a job")
        self.selection = AssetSelection.of(selection) if selection is not None else AssetSelection.all()
        self.config = config
        self.description = description
        self._settle(
            f'job "{self.name}"',
            tags=tags,
            run_tags=_with_cache(run_tags, cache),
            metadata=metadata,
            hooks=hooks,
            op_retry_policy=op_retry_policy,
            partitions_def=partitions_def,
            owners=owners,
            executor_def=executor_def,
            logger_defs=logger_defs,
        )
        self.automation_condition = check_automation_condition(automation_condition, f'job "{self.name}"')
        self.declared_at = called_at()
        self._repository: Repository | None = None

    @staticmethod
    def of_all_assets(repository: Repository) -> AssetJobDefinition:
        """The job that every repository has without declaring it: it makes all assets."""
        job = AssetJobDefinition("all_assets").bound_to(repository)
        job.name = IMPLICIT_ASSET_JOB  # which no declared job may have
        return job

    def bound_to(self, repository: Repository) -> AssetJobDefinition:
        """This job with the definitions that its selection means."""
        copy = object.__new__(AssetJobDefinition)
        copy.__dict__.update(
            self.__dict__,
            _repository=repository,
            executor_def=self.executor_def or repository.executor_def,
            logger_defs={**repository.logger_defs, **self.logger_defs},
        )
        return copy

    @property
    def repository(self) -> Repository:
        """The definitions that its selection means.

        Raises:
            InvocationError: (WEFT-I004) the job was not taken from definitions.
        """
        if self._repository is None:
            raise InvocationError(
                f'the asset job "{self.name}" does not know its assets yet.',
                code="WEFT-I004",
                fix=f'take it from the definitions: defs.get_job_def("{self.name}").execute_in_process()',
            )
        return self._repository

    def describe(self) -> JobSnapshot:
        """The job as a value. Its selection is resolved by planning."""
        return JobSnapshot(
            name=self.name,
            description=self.description,
            tags=self.run_tags,
            metadata=metadata_values(self.metadata),
            selection=self.selection.expression,
            partitions=self.partitions_def.to_spec() if self.partitions_def is not None else None,
            automation_condition=self.automation_condition.expression
            if self.automation_condition is not None
            else None,
        )

    def execute_in_process(
        self,
        run_config: Any = None,
        *,
        instance: Instance | None = None,
        partition_key: str | None = None,
        raise_on_error: bool = True,
        asset_selection: Sequence[CoercibleToAssetKey] | None = None,
        run_id: str | None = None,
        tags: Mapping[str, Any] | None = None,
        resources: Mapping[str, Any] | None = None,
    ) -> ExecuteInProcessResult:
        """Run the job in this process and wait for its end. See `JobDefinition.execute_in_process`.

        Raises:
            InvocationError: (WEFT-I004) the job was not taken from definitions.
        """
        from weft.runs.in_process import execute_asset_job

        return execute_asset_job(
            self,
            self.repository,
            run_config=run_config,
            instance=instance,
            partition_key=partition_key,
            raise_on_error=raise_on_error,
            asset_selection=asset_selection,
            run_id=run_id,
            tags=tags,
            resources=resources,
        )

    def __repr__(self) -> str:
        return f"AssetJobDefinition({self.name!r})"


def define_asset_job(
    name: str,
    selection: Any = None,
    config: Any = None,
    description: str | None = None,
    tags: Mapping[str, Any] | None = None,
    run_tags: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
    partitions_def: PartitionsDefinition | None = None,
    hooks: Collection[HookDefinition] = (),
    op_retry_policy: RetryPolicy | None = None,
    owners: Sequence[str] = (),
    executor_def: ExecutorDefinition | None = None,
    logger_defs: Mapping[str, LoggerDefinition] | None = None,
    cache: bool | None = None,
    automation_condition: AutomationCondition | None = None,
) -> AssetJobDefinition:
    """A job that makes the selected assets and checks, in the order of their dependencies.

    Args:
        name: the name of the job.
        selection: an `AssetSelection`, a selection string, or assets; all assets by default. It is resolved when the definitions are.
        config: run configuration.
        description: what it is for.
        tags: tags of the job and its runs.
        run_tags: tags of its runs only.
        metadata: facts for the reader.
        partitions_def: taken from the assets where it is not given.
        hooks: called after each of its steps.
        op_retry_policy: the policy of steps that have none of their own.
        owners: e-mail addresses or ``team:<name>``.
        cache: whether its runs leave alone what was made by the same version of the code from the same versions of the inputs, for assets that
            do not say it themselves.
        automation_condition: when a run of it is requested; see `AutomationCondition.any_job_root_assets_match`.
    """
    return AssetJobDefinition(
        name,
        selection,
        config=config,
        description=description,
        tags=tags,
        run_tags=run_tags,
        metadata=metadata,
        partitions_def=partitions_def,
        hooks=hooks,
        op_retry_policy=op_retry_policy,
        owners=owners,
        executor_def=executor_def,
        logger_defs=logger_defs,
        cache=cache,
        automation_condition=automation_condition,
    )


@overload
def job(fn: Callable[..., Any], /) -> JobDefinition: ...
@overload
def job(
    *,
    name: str | None = None,
    description: str | None = None,
    resource_defs: Mapping[str, Any] | None = None,
    config: Any = None,
    tags: Mapping[str, Any] | None = None,
    run_tags: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
    hooks: Collection[HookDefinition] = (),
    op_retry_policy: RetryPolicy | None = None,
    partitions_def: PartitionsDefinition | None = None,
    input_values: Mapping[str, Any] | None = None,
    owners: Sequence[str] = (),
    executor_def: ExecutorDefinition | None = None,
    logger_defs: Mapping[str, LoggerDefinition] | None = None,
    cache: bool | None = None,
) -> Callable[[Callable[..., Any]], JobDefinition]: ...
def job(
    fn: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    resource_defs: Mapping[str, Any] | None = None,
    config: Any = None,
    tags: Mapping[str, Any] | None = None,
    run_tags: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
    hooks: Collection[HookDefinition] = (),
    op_retry_policy: RetryPolicy | None = None,
    partitions_def: PartitionsDefinition | None = None,
    input_values: Mapping[str, Any] | None = None,
    owners: Sequence[str] = (),
    executor_def: ExecutorDefinition | None = None,
    logger_defs: Mapping[str, LoggerDefinition] | None = None,
    cache: bool | None = None,
) -> JobDefinition | Callable[[Callable[..., Any]], JobDefinition]:
    """Make a function that calls ops a job.

    >>> @job
    ... def nightly():
    ...     load(clean(extract()))
    """

    def make(function: Callable[..., Any]) -> JobDefinition:
        check_decorated(function, "job")  # without a body, tables would be expected
        return JobDefinition(
            GraphDefinition(function, name=name, description=description, what="job"),
            resource_defs=resource_defs,
            config=config,
            tags=tags,
            run_tags=run_tags,
            metadata=metadata,
            hooks=hooks,
            op_retry_policy=op_retry_policy,
            partitions_def=partitions_def,
            input_values=input_values,
            owners=owners,
            executor_def=executor_def,
            logger_defs=logger_defs,
            cache=cache,
        )

    return make if fn is None else make(fn)
