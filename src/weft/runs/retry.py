"""Repeating a stored run: a new run from the plan, configuration, tags and partition of its parent.

The plan is the one that was stored with the parent, so that steps mean the same; what the steps do is the code as it is now. A step that the code no
longer has is an error before anything starts.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from weft.definitions.job import AssetJobDefinition, JobDefinition
from weft.definitions.repository import Repository
from weft.errors import InternalError, RunNotFoundError, UsageError, did_you_mean, some_of
from weft.ids import check_run_id
from weft.model.events import AssetCheckEvaluated
from weft.model.keys import AssetCheckKey
from weft.model.plan import RunPlan
from weft.model.run import IMPLICIT_ASSET_JOB, Run, RunStatus, RunTag
from weft.model.severity import AssetCheckSeverity
from weft.planning.reexecution import ReexecutionStrategy, plan_reexecution
from weft.runs.environment import RunEnvironment
from weft.runs.prepare import PreparedRun, RunSettings, prepare_assets, prepare_job
from weft.storage.ports import EventLog

# These say what the parent itself was, not what was asked for.
_OWN_TAGS = frozenset({RunTag.PARENT_RUN, RunTag.ROOT_RUN, RunTag.RETRY_STRATEGY, RunTag.STEP_SELECTION})


class RetryRequest(Struct, frozen=True, kw_only=True):
    """How to repeat a run."""

    strategy: ReexecutionStrategy = ReexecutionStrategy.FROM_FAILURE
    # For SELECTED: names of steps as op selections write them, such as ``clean*``.
    steps: tuple[str, ...] = ()
    # The id of the new run; a fresh one where it is None.
    run_id: str | None = None
    # Added to the tags of the parent.
    tags: Mapping[str, str] = {}


def prepare_retry(
    parent_id: str, request: RetryRequest, repository: Repository, environment: RunEnvironment
) -> PreparedRun:
    """The new run, ready to start. Stored outputs of steps that are not repeated are read from the parent.

    Args:
        parent_id: the run to repeat; it must have ended.
        request: what to repeat.
        repository: the code as it is now.
        environment: where the parent is recorded, and the new run will be.

    Raises:
        RunNotFoundError: there is no such run.
        UsageError: (WEFT-U010) that is no run id; (WEFT-U020) the run has not ended; (WEFT-U021) its job is not in the code any more; (WEFT-U022) some of its steps are not.
        SelectionError: the selection names no step, or nothing is left to repeat.
        ConfigError: the code asks for another configuration than the parent had.
    """
    parent = environment.runs.get(check_run_id(parent_id))
    if parent is None:
        raise RunNotFoundError(f'there is no run "{parent_id}".', fix="list the runs with: weft run list")
    if not parent.is_finished:
        raise UsageError(
            f"the run {parent_id} has not ended.",
            code="WEFT-U020",
            facts={"status": parent.status.value},
            fix="wait for its end",
        )
    stored_plan = environment.runs.plan(parent_id)
    if stored_plan is None:
        raise InternalError("a stored run has no plan", facts={"run": parent_id})
    plan = plan_reexecution(
        stored_plan,
        environment.runs.steps(parent_id),
        parent_id,
        strategy=request.strategy,
        selection=request.steps or None,
        failed_checks=_failed_checks(parent_id, environment.events),
        may_be_empty=parent.status is not RunStatus.SUCCESS,
    )
    job = _job(parent, repository)
    _check_steps(parent, plan, job, repository)
    run_request = RunSettings(
        run_config=parent.run_config,
        partition_key=parent.partition_key,
        partition_range=parent.partition_range,
        run_id=request.run_id,
        tags=_tags(parent, request),
        parent_run_id=parent.id,
        root_run_id=parent.root_run_id or parent.id,
    )
    if isinstance(job, JobDefinition):
        return prepare_job(
            job,
            run_request,
            clock=environment.clock,
            default_resources=environment.default_resources,
            dynamic_partitions=environment.dynamic_partitions,
            op_selection=parent.op_selection,
            plan=plan,
        )
    return prepare_assets(
        repository,
        frozenset(parent.asset_selection or ()),
        frozenset(parent.check_selection or ()),
        run_request,
        clock=environment.clock,
        default_resources=environment.default_resources,
        dynamic_partitions=environment.dynamic_partitions,
        job=job,
        plan=plan,
    )


def _failed_checks(run_id: str, events: EventLog) -> frozenset[AssetCheckKey] | None:
    """The checks that did not pass with severity ERROR; None where the log does not reach back to the run."""
    if not events.read(run_id, limit=1):
        return None
    failed: set[AssetCheckKey] = set()
    after = 0
    while page := events.read(run_id, after_id=after, types=("ASSET_CHECK_EVALUATION",)):
        after = page[-1].id
        for stored in page:
            body = stored.event.body
            if isinstance(body, AssetCheckEvaluated) and not body.passed and body.severity is AssetCheckSeverity.ERROR:
                failed.add(body.check_key)
    return frozenset(failed)


def _job(parent: Run, repository: Repository) -> JobDefinition | AssetJobDefinition | None:
    """The job of the parent; None for a run of selected assets."""
    if parent.job_name == IMPLICIT_ASSET_JOB:
        return None
    job = repository.jobs.get(parent.job_name)
    if job is None:
        raise UsageError(
            f'the job "{parent.job_name}" of the run is not in the code any more.',
            code="WEFT-U021",
            facts={"run": parent.id, "jobs": some_of(repository.jobs)},
            fix=did_you_mean(parent.job_name, repository.jobs, "load the code that the run was made with"),
        )
    return job


def _check_steps(
    parent: Run, plan: RunPlan, job: JobDefinition | AssetJobDefinition | None, repository: Repository
) -> None:
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
            facts={"run": parent.id, "steps in the code": some_of(known)},
            fix=did_you_mean(missing[0], known, "load the code that the run was made with, or start a new run"),
        )


def _has_body(repository: Repository, step_key: str) -> bool:
    try:
        repository.body(step_key)
    except KeyError:
        return False
    return True


def _tags(parent: Run, request: RetryRequest) -> dict[str, str]:
    kept = {key: value for key, value in parent.tags.items() if key not in _OWN_TAGS}
    own = {RunTag.RETRY_STRATEGY: request.strategy.value}
    if request.steps:
        own[RunTag.STEP_SELECTION] = ",".join(request.steps)
    return {**kept, **own, **request.tags}
