"""``execute_job``: a run of a job from Python, on an instance, as scripts start it; also of what an earlier run left.

A job that other processes are to run as well must be found there: `reconstructable` says where it is. Runs are carried out in the calling process.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from weft.definitions.asset_selection import AssetSelection
from weft.definitions.definitions import Definitions
from weft.definitions.job import AssetJobDefinition, JobDefinition
from weft.definitions.repository import Repository
from weft.definitions.resource_set import bind_resources, initialisation_order
from weft.definitions.run_target import asset_target, job_target
from weft.errors import InvocationError
from weft.execution.results import ExecuteInProcessResult
from weft.model.plan import RunPlan
from weft.planning.reexecution import ReexecutionStrategy
from weft.planning.run_plan import plan_assets
from weft.planning.selection import select
from weft.runs.environment import RunEnvironment
from weft.runs.in_process import finish
from weft.runs.prepare import PreparedRun, RunSettings, prepare_assets, prepare_job, required_resources
from weft.runs.retry import RetryRequest, prepare_retry
from weft.runs.run_config import check_run_config


class ReconstructableJob:
    """Where a job is found by any process: a module and a function or job in it. Made by `reconstructable`.

    Args:
        module: the module, or the path of a Python file.
        name: the job in it, or the function that gives it.
        args, kwargs: what the function is called with.
        working_directory: put in front of ``sys.path``.
    """

    __slots__ = ("args", "kwargs", "module", "name", "working_directory")

    def __init__(
        self,
        module: str,
        name: str,
        args: Iterable[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        working_directory: str | None = None,
    ) -> None:
        self.module = module
        self.name = name
        self.args = tuple(args)
        self.kwargs = dict(kwargs or {})
        self.working_directory = working_directory

    def get_definition(self) -> JobDefinition | AssetJobDefinition:
        """The job.

        Raises:
            InvocationError: (WEFT-I070) it is not there.
        """
        if self.working_directory is not None and self.working_directory not in sys.path:
            sys.path.insert(0, self.working_directory)
        try:
            found: Any = getattr(_module(self.module), self.name)
        except (ImportError, AttributeError, OSError) as error:
            raise _not_found(f"{self.module}.{self.name}", str(error)) from error
        if not isinstance(found, (JobDefinition, AssetJobDefinition)) and callable(found):
            found = found(*self.args, **self.kwargs)
        if isinstance(found, (JobDefinition, AssetJobDefinition)):
            return found
        raise _not_found(f"{self.module}.{self.name}", f"it is a {type(found).__name__}, not a job")

    def __repr__(self) -> str:
        return f"ReconstructableJob({self.module!r}, {self.name!r})"


def reconstructable(target: JobDefinition | Callable[..., Any]) -> ReconstructableJob:
    """Where a job, or a function that gives one, is found by other processes.

    Raises:
        InvocationError: (WEFT-I070) it is not at the top level of a module that can be imported.
    """
    if isinstance(target, JobDefinition):
        for name, module in list(sys.modules.items()):
            for attribute in (target.name, *(key for key, value in list(vars(module).items()) if value is target)):
                if vars(module).get(attribute) is target:
                    return _place(name, attribute)
        raise _not_found(f'job "{target.name}"', "no module that is loaded has it at its top level")
    given: Any = target
    name = getattr(given, "__qualname__", "")
    if not inspect.isfunction(given) or not name.isidentifier() or name == "<lambda>":
        raise _not_found(
            name or repr(given)[:80], "only functions and jobs at the top level of a module are found again"
        )
    return _place(given.__module__, name)


def build_reconstructable_job(
    reconstructor_module_name: str,
    reconstructor_function_name: str,
    reconstructable_args: Sequence[Any] | None = None,
    reconstructable_kwargs: Mapping[str, Any] | None = None,
    reconstructor_working_directory: str | None = None,
) -> ReconstructableJob:
    """Where a job is found that a function of a module makes from arguments.

    Args:
        reconstructor_module_name: the module.
        reconstructor_function_name: the function in it, which gives the job.
        reconstructable_args, reconstructable_kwargs: what it is called with.
        reconstructor_working_directory: put in front of ``sys.path``.
    """
    return ReconstructableJob(
        reconstructor_module_name,
        reconstructor_function_name,
        reconstructable_args or (),
        reconstructable_kwargs,
        reconstructor_working_directory,
    )


class ReexecutionOptions:
    """Which run to repeat, and which of its steps.

    Args:
        parent_run_id: the run; it must have ended.
        step_selection: names of steps as op selections write them, such as ``["clean*"]``; all steps by default.
    """

    __slots__ = ("parent_run_id", "step_selection", "strategy")

    def __init__(self, parent_run_id: str, step_selection: Iterable[str] = ()) -> None:
        self.parent_run_id = parent_run_id
        self.step_selection = tuple(step_selection)
        self.strategy = ReexecutionStrategy.SELECTED if self.step_selection else ReexecutionStrategy.ALL

    @staticmethod
    def from_failure(run_id: str, instance: RunEnvironment | None = None) -> ReexecutionOptions:
        """What failed in a run, never ran, or was skipped because of that. `instance` is accepted for code that gives it."""
        options = ReexecutionOptions(run_id)
        options.strategy = ReexecutionStrategy.FROM_FAILURE
        return options

    def __repr__(self) -> str:
        return f"ReexecutionOptions({self.parent_run_id!r}, {self.strategy.value})"


class JobExecutionResult(ExecuteInProcessResult):
    """The result of `execute_job`. As a context manager it gives itself; values stay readable after it."""

    def __enter__(self) -> JobExecutionResult:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Nothing is held that would have to be let go."""


def execute_job(
    job: ReconstructableJob | JobDefinition | AssetJobDefinition,
    instance: RunEnvironment,
    run_config: Any = None,
    tags: Mapping[str, str] | None = None,
    raise_on_error: bool = False,
    op_selection: Sequence[str] | None = None,
    reexecution_options: ReexecutionOptions | None = None,
    asset_selection: Sequence[Any] | None = None,
) -> JobExecutionResult:
    """Run a job on an instance and wait for its end.

    Args:
        job: the job, or where it is found.
        instance: where the run is recorded.
        run_config: configuration; of a repeated run that of its parent counts.
        tags: tags of the run.
        raise_on_error: raise the error of the first step that failed.
        op_selection: which ops.
        reexecution_options: repeat a run, or a part of it.
        asset_selection: which assets of an asset job.

    Raises:
        ConfigError, SelectionError, RunNotFoundError: what was asked for cannot be; nothing ran.
    """
    found = job.get_definition() if isinstance(job, ReconstructableJob) else job
    if reexecution_options is not None:
        request = RetryRequest(
            strategy=reexecution_options.strategy, steps=reexecution_options.step_selection, tags=tags or {}
        )
        prepared = prepare_retry(reexecution_options.parent_run_id, request, _repository(found), instance)
    else:
        prepared = _prepared(
            found, RunSettings(run_config=run_config, tags=tags), instance, op_selection, asset_selection
        )
    result = finish(prepared, instance, raise_on_error)
    return JobExecutionResult(result.run, result.plan, result.all_events, result.outputs)


def validate_run_config(job: JobDefinition | AssetJobDefinition, run_config: Any = None) -> Mapping[str, Any]:
    """Check the configuration of a run of a job without running it. Environment variables are read.

    Returns:
        The whole configuration, defaults applied. It may hold secrets.

    Raises:
        ConfigError: every problem at once, each with its path.
    """
    if isinstance(job, JobDefinition):
        plan = RunPlan(job_name=job.name, steps=job.flat.steps)
        target = job_target(job)
    else:
        repository = _repository(job)
        keys, checks = select(job.selection.expression, repository.graph)
        units = repository.units_for(keys, checks)
        plan = plan_assets(units, repository.graph, assets=keys, checks=checks, job_name=job.name)
        target = asset_target(repository, [step.key for step in plan.steps], job=job)
    for key, resource in RunEnvironment.in_memory().default_resources.items():
        target.resource_defs.setdefault(key, resource)
    definitions = bind_resources(target.resource_defs)
    order = initialisation_order(definitions, required_resources(plan, target))
    return check_run_config(
        target, plan, definitions, order, {} if run_config is None else run_config
    ).resolved.document


def _prepared(
    job: JobDefinition | AssetJobDefinition,
    settings: RunSettings,
    instance: RunEnvironment,
    op_selection: Sequence[str] | None,
    asset_selection: Sequence[Any] | None,
) -> PreparedRun:
    if isinstance(job, JobDefinition):
        return prepare_job(
            job,
            settings,
            clock=instance.clock,
            default_resources=instance.default_resources,
            dynamic_partitions=instance.dynamic_partitions,
            op_selection=op_selection,
        )
    repository = _repository(job)
    selection = job.selection if asset_selection is None else job.selection & AssetSelection.assets(*asset_selection)
    keys, checks = select(selection.expression, repository.graph)
    return prepare_assets(
        repository,
        keys,
        checks,
        settings,
        clock=instance.clock,
        default_resources=instance.default_resources,
        dynamic_partitions=instance.dynamic_partitions,
        job=job,
    )


def _repository(job: JobDefinition | AssetJobDefinition) -> Repository:
    return Definitions(jobs=[job]).resolve() if isinstance(job, JobDefinition) else job.repository


def _module(name: str) -> Any:
    if not name.endswith(".py"):
        return importlib.import_module(name)
    path = Path(name)
    for module in list(sys.modules.values()):
        if getattr(module, "__file__", None) and Path(str(module.__file__)).resolve() == path.resolve():
            return module
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{name} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def _place(module: str, name: str) -> ReconstructableJob:
    if module != "__main__":
        return ReconstructableJob(module, name)
    file = getattr(sys.modules["__main__"], "__file__", None)
    if file is None:
        raise _not_found(name, "it was made in an interactive session")
    return ReconstructableJob(str(Path(file).resolve()), name)


def _not_found(what: str, why: str) -> InvocationError:
    return InvocationError(
        f"{what} cannot be found by another process.",
        code="WEFT-I070",
        facts={"why": why},
        fix="give a job, or a function that returns one, at the top level of a module",
    )
