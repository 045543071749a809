"""What is said between the coordinator of a run and the workers that carry out its steps: values over a `weft.processes.wire.Channel`.

::

    coordinator                      worker
    StepTask ----------------------->            an attempt to carry out, or the hooks of a step that failed
             <----------------------- Reported   an event, as soon as it happened
             <----------------------- AttemptEnded
    Verdict  ----------------------->            only where the worker waits for it: is that the end of the step?
             <----------------------- Reported   of hooks, of teardown
             <----------------------- Idle       ready for another task; a worker for one task ends instead
    (close)  ----------------------->            there is none

The coordinator alone writes the journal of the run. Nothing is acknowledged: what a worker has sent arrives, even if it dies the next moment.
"""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from weft.execution.step import StepUsage
from weft.model.codec import Decoder
from weft.model.events import EventBody
from weft.model.failure import ErrorInfo
from weft.model.keys import AssetKey
from weft.model.plan import StepPlan
from weft.planning.run_machine import Stimulus


class StepWorkerSetup(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a worker is told when it starts."""

    run_id: str
    # Names the files of its captured output.
    file_key: str
    # Whether it ends after one task, without being told.
    is_single: bool = False
    # Where the instance is, for a worker that has nothing in memory.
    home: str | None = None


class KnownVersion(Struct, frozen=True, array_like=True):
    """The data version of what the run has made of an asset: storage may not have it yet."""

    asset_key: AssetKey
    partition: str | None
    version: str


class StepTask(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="task"):
    """Carry out an attempt; with `failure`, only call the hooks for the failure of a step whose own worker cannot any more."""

    step: StepPlan
    attempt: int
    versions: tuple[KnownVersion, ...] = ()
    failure: ErrorInfo | None = None


class Verdict(Struct, frozen=True, tag="verdict"):
    """What follows from the failure of an attempt: the step has failed for good, or it is tried again."""

    is_final: bool


class Reported(Struct, frozen=True, omit_defaults=True, tag="event"):
    """Something happened."""

    body: EventBody
    step_key: str | None = None


class AttemptEnded(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="ended"):
    """How the attempt ended: see `weft.execution.step.AttemptResult`. With `waits` the worker goes on after the `Verdict`."""

    stimuli: list[Stimulus]
    usage: StepUsage
    error: ErrorInfo | None = None
    waits: bool = False


class Idle(Struct, frozen=True, tag="idle"):
    """The task is done, and what was set up for it alone is torn down."""


ToWorker: TypeAlias = StepTask | Verdict
FromWorker: TypeAlias = Reported | AttemptEnded | Idle

SETUP_DECODER: Decoder[StepWorkerSetup] = Decoder(StepWorkerSetup)
TO_WORKER_DECODER: Decoder[ToWorker] = Decoder(ToWorker)
FROM_WORKER_DECODER: Decoder[FromWorker] = Decoder(FromWorker)
