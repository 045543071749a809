"""Runs and their events for tests of what is shown of them."""

from __future__ import annotations

from weft.model.events import Event, EventBody
from weft.model.failure import ErrorInfo
from weft.model.plan import RunPlan, StepPlan
from weft.model.run import Run, RunStatus

RUN_ID = "run-1"


def a_run(*, tags: dict[str, str] | None = None, job_name: str = "nightly") -> Run:
    return Run(id=RUN_ID, job_name=job_name, status=RunStatus.NOT_STARTED, created_at=0.0, tags=tags or {})


def a_plan(*keys: str, selected: tuple[str, ...] | None = None) -> RunPlan:
    return RunPlan(job_name="nightly", steps=tuple(StepPlan(key=key, op_name=key) for key in keys), selected=selected)


class Happenings:
    """Makes the events of a run, one after the other; a second passes between two."""

    def __init__(self) -> None:
        self._seq = 0

    def __call__(self, body: EventBody, step_key: str | None = None) -> Event:
        self._seq += 1
        return Event(run_id=RUN_ID, seq=self._seq, time=float(self._seq), body=body, step_key=step_key)


def an_error(message: str = "no rows") -> ErrorInfo:
    try:
        raise ValueError(message)
    except ValueError as error:
        return ErrorInfo.from_exception(error)
