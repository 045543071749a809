"""From a stored run back to one that can be carried out: the plan and the configuration are those that were stored, the code is as it is now.

So a run that waited in the queue, one whose first worker was lost, and one that repeats another all come to their worker in the same way.
"""

from __future__ import annotations

from weft.definitions.job import AssetJobDefinition, JobDefinition
from weft.definitions.repository import Repository
from weft.errors import UsageError, did_you_mean, some_of
from weft.model.plan import RunPlan
from weft.model.run import IMPLICIT_ASSET_JOB, Run
from weft.runs.environment import RunEnvironment
from weft.runs.prepare import PreparedRun, RunSettings, prepare_assets, prepare_job


def restore_run(run: Run, plan: RunPlan, repository: Repository, environment: RunEnvironment) -> PreparedRun:
    """`run` with the code of `repository`, ready to be carried out.

    Raises:
        UsageError: (WEFT-U021) its job is not in the code any more; (WEFT-U022) some of its steps are not.
        ConfigError: the code asks for another configuration than the run has.
    """
    job = job_of(run, repository)
    check_steps(run, plan, job, repository)
    settings = RunSettings(
        run_config=run.run_config,
        partition_key=run.partition_key,
        partition_range=run.partition_range,
        run_id=run.id,
        tags=run.tags,
        parent_run_id=run.parent_run_id,
        root_run_id=run.root_run_id,
    )
    if isinstance(job, JobDefinition):
        prepared = prepare_job(
            job,
            settings,
            clock=environment.clock,
            default_resources=environment.default_resources,
            dynamic_partitions=environment.dynamic_partitions,
            op_selection=run.op_selection,
            plan=plan,
        )
    else:
        prepared = prepare_assets(
            repository,
            frozenset(run.asset_selection or ()),
            frozenset(run.check_selection or ()),
            settings,
            clock=environment.clock,
            default_resources=environment.default_resources,
            dynamic_partitions=environment.dynamic_partitions,
            job=job,
            plan=plan,
        )
    prepared.run = run
    return prepared


def job_of(run: Run, repository: Repository) -> JobDefinition | AssetJobDefinition | None:
    """The job of a run in the code as it is now; None for a run of selected assets.

    Raises:
        UsageError: (WEFT-U021) it is not there any more.
    """
    if run.job_name == IMPLICIT_ASSET_JOB:
        return None
    job = repository.jobs.get(run.job_name)
    if job is None:
        raise UsageError(
            f'the job "{run.job_name}" of the run is not in the code any more.',
            code="WEFT-U021",
            facts={"run": run.id, "jobs": some_of(repository.jobs)},
            fix=did_you_mean(run.job_name, repository.jobs, "load the code that the run was made with"),
        )
    return job


def check_steps(
    run: Run, plan: RunPlan, job: JobDefinition | AssetJobDefinition | None, repository: Repository
) -> None:
    """See that the code has every step that the plan runs.

    Raises:
        UsageError: (WEFT-U022) it has not.
    """
    keys = plan.selected if plan.selected is not None else tuple(step.key for step in plan.steps)
    templates = dict.fromkeys(key.partition("[")[0] for key in keys)
    if isinstance(job, JobDefinition):
        known = list(job.flat.bodies)
        missing = [key for key in templates if key not in job.flat.bodies]
    else:
        known = sorted(repository.node_names())
        missing = [key for key in templates if not _has_body(repository, key)]
    if missing:
        raise UsageError(
            f"the code does not have {'this step' if len(missing) == 1 else 'these steps'} of the run any more: {some_of(missing)}.",
            code="WEFT-U022",
            facts={"run": run.id, "steps in the code": some_of(known)},
            fix=did_you_mean(missing[0], known, "load the code that the run was made with, or start a new run"),
        )


def _has_body(repository: Repository, step_key: str) -> bool:
    try:
        repository.body(step_key)
    except KeyError:
        return False
    return True
