"""Repeating a stored run: a new run from the plan, configuration, tags and partition of its parent.

The plan is the one that was stored with the parent, so that steps mean the same; what the steps do is the code as it is now. A step that the code no
longer has is an error before anything starts.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from weft.definitions.repository import Repository
from weft.errors import InternalError, RunNotFoundError, UsageError
from weft.ids import check_run_id, new_run_id
from weft.model.events import AssetCheckEvaluated
from weft.model.keys import AssetCheckKey
from weft.model.plan import RunPlan
from weft.model.run import Run, RunStatus, RunTag
from weft.model.severity import AssetCheckSeverity
from weft.planning.reexecution import ReexecutionStrategy, plan_reexecution
from weft.runs.environment import RunEnvironment
from weft.runs.prepare import PreparedRun, RunSettings, run_tags
from weft.runs.restore import restore_run
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
    """The new run with the code of `repository`, ready to start. Stored outputs of steps that are not repeated are read from the parent.

    Raises:
        UsageError: (WEFT-U021) its job is not in the code any more; (WEFT-U022) some of its steps are not; and as `new_retry`.
        ConfigError: the code asks for another configuration than the parent had.
        RunNotFoundError, SelectionError: as `new_retry`.
    """
    run, plan = new_retry(parent_id, request, environment)
    return restore_run(run, plan, repository, environment)


def new_retry(parent_id: str, request: RetryRequest, environment: RunEnvironment) -> tuple[Run, RunPlan]:
    """The run that repeats another, and its plan, from what is stored alone: no code is needed.

    Args:
        parent_id: the run to repeat; it must have ended.
        request: what to repeat.
        environment: where the parent is recorded, and the new run will be.

    Raises:
        RunNotFoundError: there is no such run.
        UsageError: (WEFT-U010) that is no run id; (WEFT-U020) the run has not ended.
        SelectionError: the selection names no step, or nothing is left to repeat.
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
    now = environment.clock.wall()
    root = parent.root_run_id or parent.id
    run = Run(
        id=check_run_id(request.run_id) if request.run_id is not None else new_run_id(now=now),
        job_name=parent.job_name,
        status=RunStatus.NOT_STARTED,
        created_at=now,
        run_config=parent.run_config,
        tags=run_tags(_tags(parent, request), RunSettings(parent_run_id=parent.id, root_run_id=root)),
        asset_selection=parent.asset_selection,
        check_selection=parent.check_selection,
        op_selection=parent.op_selection,
        parent_run_id=parent.id,
        root_run_id=root,
        origin=parent.origin,
    )
    return run, plan


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


def _tags(parent: Run, request: RetryRequest) -> dict[str, str]:
    kept = {key: value for key, value in parent.tags.items() if key not in _OWN_TAGS}
    own = {RunTag.RETRY_STRATEGY: request.strategy.value}
    if request.steps:
        own[RunTag.STEP_SELECTION] = ",".join(request.steps)
    return {**kept, **own, **request.tags}
