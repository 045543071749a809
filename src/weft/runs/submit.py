"""Submitting a run: it is stored with its plan and waits in the queue, in one transaction. Nothing is carried out here."""

from __future__ import annotations

from msgspec.structs import replace

from weft.config.instance_settings import InstanceSettings
from weft.errors import UsageError
from weft.model.live import RequestKey, Submitted
from weft.model.origin import CodeOrigin
from weft.model.plan import RunPlan
from weft.model.run import Run, RunStatus
from weft.planning.queueing import QueueLimits, TagLimit, queue_entry
from weft.runs.environment import RunEnvironment
from weft.runs.worker import QUEUE_TOPIC


def submit_run(
    run: Run,
    plan: RunPlan,
    environment: RunEnvironment,
    *,
    origin: CodeOrigin | None = None,
    request_key: RequestKey | None = None,
) -> Submitted:
    """Put a run into the queue.

    Args:
        run: what is to be done, checked (`weft.runs.prepare`); not stored yet.
        plan: its plan.
        environment: where it is recorded.
        origin: where its worker finds the code; that of the run by default.
        request_key: makes one run of a request that is made twice. The second leaves a record (`RunQueue.duplicates`).

    Returns:
        The run that stands for the request, and whether it is new.

    Raises:
        UsageError: (WEFT-U030) nothing says where the code is; (WEFT-U031) nobody else could find the run.
    """
    where = origin or run.origin
    if where is None:
        raise UsageError(
            "this run can be carried out only by the process that made it.",
            code="WEFT-U030",
            facts={"job": run.job_name},
            fix="name the code by a file or a module (-f, -m), so that a worker can load it",
        )
    if environment.is_ephemeral:
        raise UsageError(
            "an instance in memory has no queue that somebody else works on.",
            code="WEFT-U031",
            fix="use an instance in a folder: Instance.get(), or Instance.local_temp() in a test",
        )
    waiting = replace(run, status=RunStatus.NOT_STARTED, origin=where)
    entry = queue_entry(waiting.tags, plan, queue_limits(environment.settings))
    submitted = environment.queue.submit(waiting, plan, entry, request_key=request_key)
    environment.wakeups.notify(QUEUE_TOPIC)
    return submitted


def queue_limits(settings: InstanceSettings) -> QueueLimits:
    """The rules of the queue that the settings of an instance make."""
    queue, pools = settings.queue, settings.pools
    return QueueLimits(
        max_concurrent_runs=queue.max_concurrent_runs,
        tag_limits=tuple(
            TagLimit(key=one.key, limit=one.limit, value=one.value, per_value=one.per_value) for one in queue.tag_limits
        ),
        pool_granularity=pools.granularity,
        default_pool_limit=pools.default_limit,
        pool_buffer=pools.buffer,
        fair_share=queue.fair_share,
    )
