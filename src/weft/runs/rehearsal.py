"""A run that comes to nothing, carried out in a process from which workers will be forked.

Most of what a worker does for the first time it does slowly: modules are imported, statements are compiled, decoders are built. What the process that it is a copy
of has done before, it finds done. So a zygote plays one small run through, from the queue to its last event, in a folder that is gone afterwards.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from weft.config.instance_settings import SETTINGS_FILE
from weft.definitions.definitions import Definitions
from weft.definitions.job import job
from weft.definitions.op import op
from weft.model.origin import CodeOrigin
from weft.model.run import RunStatus
from weft.planning.queueing import QueueLimits
from weft.runs.prepare import RunSettings, prepare_job
from weft.runs.submit import submit_run
from weft.runs.worker import WorkerAssignment, carry_out_assigned, environment_of


@op
def _makes() -> int:
    return 1


@op
def _takes(value: int) -> int:
    return value


@job(name="rehearsal")
def _rehearsal() -> None:
    _takes(_makes())


def rehearse() -> bool:
    """Play a run through; whether it went well. Leaves no thread, no open file and nothing on disk."""
    with tempfile.TemporaryDirectory(prefix="weft-rehearsal-") as folder:
        home = Path(folder)
        # So that workers find what reads settings done, too.
        (home / SETTINGS_FILE).write_text("queue: {}\n", "utf-8")
        with environment_of(str(home)) as environment:
            prepared = prepare_job(
                _rehearsal,
                RunSettings(),
                clock=environment.clock,
                default_resources=environment.default_resources,
            )
            submitted = submit_run(prepared.run, prepared.plan, environment, origin=CodeOrigin(module=__name__))
            [live] = environment.queue.dequeue(QueueLimits(), launcher="", at=environment.clock.wall())
            assignment = WorkerAssignment(run_id=submitted.run_id, token=live.token, home=str(home), launcher="")
            carry_out_assigned(assignment, Definitions(jobs=[_rehearsal]).resolve(), environment)
            run = environment.runs.get(submitted.run_id)
    return run is not None and run.status is RunStatus.SUCCESS
