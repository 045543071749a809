"""Checking definitions without running anything: every job is planned, its resources are put in order, its own configuration is validated.

What resolving finds wrong is raised by `Definitions.resolve` before this. Environment variables are not read: they belong to the process that
runs, which is often another machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from weft.config.run_config import run_config_document, validate_run_config_value
from weft.definitions.job import AssetJobDefinition, JobDefinition, config_for_partition
from weft.definitions.repository import Repository
from weft.definitions.resource_set import bind_resources, initialisation_order
from weft.definitions.run_target import RunTarget, asset_target, job_target
from weft.errors import Problem, WeftError
from weft.model.plan import RunPlan
from weft.model.run import IMPLICIT_ASSET_JOB
from weft.planning.run_plan import plan_assets
from weft.planning.selection import select
from weft.runs.prepare import required_resources
from weft.runs.run_config import run_config_schema


def check_definitions(repository: Repository, default_resources: Mapping[str, Any]) -> list[Problem]:
    """Everything that would keep a run of these definitions from starting, whatever it is given. Empty: nothing was found.

    Args:
        repository: the definitions.
        default_resources: what an instance brings for keys that nobody defines.
    """
    problems: dict[str, Problem] = {}

    def note(error: WeftError, subject: str) -> None:
        for problem in error.problems:
            key = str(problem)
            problem.facts.setdefault("found in", subject)
            problems.setdefault(key, problem)  # two jobs with one fault are one problem

    for job in repository.jobs.values():
        try:
            _check_job(job, repository, default_resources)
        except WeftError as error:
            note(error, f'job "{job.name}"')
    keys = frozenset(repository.graph.materializable_keys)
    if keys:
        try:
            plan = plan_assets(
                repository.units(),
                repository.graph,
                assets=keys,
                checks=frozenset(repository.graph.checks),
                job_name=IMPLICIT_ASSET_JOB,
            )
            _check(asset_target(repository, [step.key for step in plan.steps]), plan, default_resources)
        except WeftError as error:
            note(error, "a run of all assets")
    return list(problems.values())


def _check_job(
    job: JobDefinition | AssetJobDefinition, repository: Repository, default_resources: Mapping[str, Any]
) -> None:
    plan = plan_job(job, repository)
    if isinstance(job, JobDefinition):
        target = job_target(job)
    else:
        target = asset_target(repository, [step.key for step in plan.steps], job=job)
    _check(target, plan, default_resources)


def plan_job(job: JobDefinition | AssetJobDefinition, repository: Repository) -> RunPlan:
    """The plan of a run of the whole job.

    Raises:
        SelectionError, DefinitionError: there is none.
    """
    if isinstance(job, JobDefinition):
        return RunPlan(job_name=job.name, steps=job.flat.steps)
    keys, checks = select(job.selection.expression, repository.graph)
    return plan_assets(
        repository.units_for(keys, checks), repository.graph, assets=keys, checks=checks, job_name=job.name
    )


def _check(target: RunTarget, plan: RunPlan, default_resources: Mapping[str, Any]) -> None:
    for key, resource in default_resources.items():
        target.resource_defs.setdefault(key, resource)
    resource_defs = bind_resources(target.resource_defs)
    order = initialisation_order(resource_defs, required_resources(plan, target))
    config, _ = config_for_partition(target.config, None)
    if config is not None:
        schema = run_config_schema(target, plan, resource_defs, order)
        validate_run_config_value(schema, run_config_document(config))
