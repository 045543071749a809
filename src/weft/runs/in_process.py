"""The façades: ``materialize`` and ``execute_in_process``. A run in the calling process, its result as an object."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, NoReturn

from weft.definitions.asset_selection import AssetSelection
from weft.definitions.definitions import Definitions
from weft.definitions.job import AssetJobDefinition, JobDefinition
from weft.definitions.repository import Repository
from weft.errors import ExecutionError, InvocationError, StepFailedError, some_of
from weft.execution.console import print_log
from weft.execution.io_managers.memory import InMemoryIOManager
from weft.execution.results import ExecuteInProcessResult
from weft.model.events import Event, LogMessage
from weft.model.keys import CoercibleToAssetKey
from weft.model.plan import FromCollected, FromOutput
from weft.planning.selection import Selector, select
from weft.runs.carry_out import EventListener
from weft.runs.environment import RunEnvironment
from weft.runs.execute import RunOutcome, execute_run
from weft.runs.prepare import PreparedRun, RunSettings, prepare_assets, prepare_job, reuse_tags


def materialize(
    assets: Sequence[Any],
    run_config: Any = None,
    *,
    instance: RunEnvironment | None = None,
    resources: Mapping[str, Any] | None = None,
    partition_key: str | None = None,
    raise_on_error: bool = True,
    tags: Mapping[str, str] | None = None,
    selection: Any = None,
    run_id: str | None = None,
    cache: bool | None = None,
    stale_assets_only: bool = False,
) -> ExecuteInProcessResult:
    """Make assets in this process and wait for the end.

    Args:
        assets: decorated functions, specs and checks; everything that they load must be among them.
        run_config: configuration, as a dict or `RunConfig`.
        instance: where the run is recorded; without one, in memory, and nothing is left on disk.
        resources: key to resource.
        partition_key: the partition to make.
        raise_on_error: raise the exception of the first step that failed, instead of returning a result without success.
        tags: tags of the run.
        selection: which of the assets to make; the others are only loaded. All by default.
        run_id: the id of the run, for tests.
        cache: leave alone what was made by the same version of the code from the same versions of the inputs; for assets that do not say
            it themselves.
        stale_assets_only: leave alone what is not stale.

    Raises:
        DefinitionError, ConfigError, PartitionError, SelectionError: what was asked for cannot be; nothing ran.

    >>> result = materialize([orders, total])
    >>> result.asset_value("total")
    6
    """
    repository = Definitions(assets, resources=resources).resolve()
    environment = instance if instance is not None else RunEnvironment.in_memory()
    chosen = AssetSelection.of(selection) if selection is not None else AssetSelection.all()
    keys, checks = select(chosen.expression, repository.graph)
    prepared = prepare_assets(
        repository,
        keys,
        checks,
        RunSettings(
            run_config=run_config,
            partition_key=partition_key,
            tags={**(tags or {}), **reuse_tags(cache, stale_assets_only)},
            run_id=run_id,
        ),
        clock=environment.clock,
        default_resources=environment.default_resources,
        dynamic_partitions=environment.dynamic_partitions,
    )
    return finish(prepared, environment, raise_on_error)


def materialize_to_memory(assets: Sequence[Any], run_config: Any = None, **arguments: Any) -> ExecuteInProcessResult:
    """As `materialize`, with values kept in memory whatever I/O managers the instance has by default."""
    resources = {"io_manager": InMemoryIOManager(), **(arguments.pop("resources", None) or {})}
    return materialize(assets, run_config, resources=resources, **arguments)


def observe(
    assets: Sequence[Any],
    run_config: Any = None,
    *,
    instance: RunEnvironment | None = None,
    resources: Mapping[str, Any] | None = None,
    partition_key: str | None = None,
    raise_on_error: bool = True,
    tags: Mapping[str, str] | None = None,
    selection: Any = None,
    run_id: str | None = None,
) -> ExecuteInProcessResult:
    """Look at assets that something else makes, in this process, and wait for the end. Nothing is made: each is recorded as observed, with
    the version of its content.

    Args:
        assets: what `observable_source_asset` and its like give; others may be among them and are left alone.
        run_config, instance, resources, partition_key, raise_on_error, tags, selection, run_id: see `materialize`.

    Raises:
        InvocationError: (WEFT-I040) none of them can be observed.

    >>> observe([price_list])
    """
    repository = Definitions(assets, resources=resources).resolve()
    environment = instance if instance is not None else RunEnvironment.in_memory()
    chosen = AssetSelection.of(selection) if selection is not None else AssetSelection.all(include_sources=True)
    selector = Selector(repository.graph)
    keys = frozenset(key for key in selector.assets(chosen.expression) if repository.graph[key].is_observable)
    if not keys:
        raise InvocationError(
            "none of these assets can be observed.",
            code="WEFT-I040",
            facts={"assets": some_of(key.to_user_string() for key in repository.graph.keys)},
            fix="decorate a function that returns a DataVersion with @observable_source_asset",
        )
    checks = frozenset(
        check for definition in repository.definitions if keys & {*definition.keys} for check in definition.check_keys
    )
    prepared = prepare_assets(
        repository,
        keys,
        checks,
        RunSettings(run_config=run_config, partition_key=partition_key, tags=tags, run_id=run_id),
        clock=environment.clock,
        default_resources=environment.default_resources,
        dynamic_partitions=environment.dynamic_partitions,
    )
    return finish(prepared, environment, raise_on_error)


def execute_job(
    job: JobDefinition,
    *,
    run_config: Any = None,
    instance: RunEnvironment | None = None,
    partition_key: str | None = None,
    raise_on_error: bool = True,
    op_selection: Sequence[str] | None = None,
    run_id: str | None = None,
    input_values: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    resources: Mapping[str, Any] | None = None,
) -> ExecuteInProcessResult:
    """See `JobDefinition.execute_in_process`."""
    environment = instance if instance is not None else RunEnvironment.in_memory()
    prepared = prepare_job(
        job,
        RunSettings(run_config=run_config, partition_key=partition_key, run_id=run_id, tags=tags, resources=resources),
        clock=environment.clock,
        default_resources=environment.default_resources,
        dynamic_partitions=environment.dynamic_partitions,
        op_selection=op_selection,
        input_values=input_values,
    )
    return finish(prepared, environment, raise_on_error, job.flat.outputs)


def execute_asset_job(
    job: AssetJobDefinition,
    repository: Repository,
    *,
    run_config: Any = None,
    instance: RunEnvironment | None = None,
    partition_key: str | None = None,
    raise_on_error: bool = True,
    asset_selection: Sequence[CoercibleToAssetKey] | None = None,
    run_id: str | None = None,
    tags: Mapping[str, str] | None = None,
    resources: Mapping[str, Any] | None = None,
) -> ExecuteInProcessResult:
    """See `AssetJobDefinition.execute_in_process`."""
    environment = instance if instance is not None else RunEnvironment.in_memory()
    selection = job.selection
    if asset_selection is not None:
        selection = selection & AssetSelection.assets(*asset_selection)
    keys, checks = select(selection.expression, repository.graph)
    prepared = prepare_assets(
        repository,
        keys,
        checks,
        RunSettings(run_config=run_config, partition_key=partition_key, run_id=run_id, tags=tags, resources=resources),
        clock=environment.clock,
        default_resources=environment.default_resources,
        dynamic_partitions=environment.dynamic_partitions,
        job=job,
    )
    return finish(prepared, environment, raise_on_error)


def finish(
    prepared: PreparedRun,
    environment: RunEnvironment,
    raise_on_error: bool,
    graph_outputs: Mapping[str, FromOutput | FromCollected] | None = None,
) -> ExecuteInProcessResult:
    """Run what was prepared, to its end, and keep the values that it makes. `graph_outputs` says where those of a job's graph come from."""
    events: list[Event] = []
    listeners: list[EventListener] = [events.append, _show_log_lines]
    outcome = execute_run(prepared, environment, listeners=listeners, keep_outputs=True)
    if raise_on_error:
        _raise_failure(outcome)
    return ExecuteInProcessResult(outcome.run, prepared.plan, events, outcome.outputs, graph_outputs, prepared.target)


def _show_log_lines(event: Event) -> None:
    if isinstance(event.body, LogMessage) and event.body.level >= logging.INFO:
        print_log(event.body, event.step_key, event.time)


def _raise_failure(outcome: RunOutcome) -> None:
    if outcome.exception is not None:
        raise outcome.exception
    if outcome.failures:
        step_key, attempt = outcome.failures[0]
        _raise_step(step_key, attempt.exception, outcome)
    if not outcome.run.status.is_finished or outcome.run.status.value == "CANCELED":
        raise KeyboardInterrupt(f"run {outcome.run.id} was cancelled")


def _raise_step(step_key: str, exception: BaseException | None, outcome: RunOutcome) -> NoReturn:
    """Raise the user's exception itself, so that ``except ValueError`` around the call works, without our frames in front of theirs."""
    if exception is None:
        raise StepFailedError(
            f'step "{step_key}" failed.', facts={"run": outcome.run.id}, fix="read its error in the run's events"
        )
    if not isinstance(exception, ExecutionError) and hasattr(exception, "add_note"):
        exception.add_note(f'in step "{step_key}" of run {outcome.run.id}')
    raise exception.with_traceback(_without_own_frames(exception.__traceback__))


def _without_own_frames(traceback: TracebackType | None) -> TracebackType | None:
    """The traceback from the first frame of the user's code on; all of it where there is none."""
    found = traceback
    while found is not None and found.tb_frame.f_globals.get("__name__", "").startswith("weft."):
        found = found.tb_next
    return found or traceback
