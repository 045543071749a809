"""Whatever workers, monitors, users and queues do to a run, in whatever order: its state moves along the table only, and its end is its end.

``WEFT_THOROUGH=1`` tries a hundred times as many orders.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable

from hypothesis import HealthCheck, given, settings, strategies as st

from weft.ids import new_run_id
from weft.model.events import (
    Event,
    EventBody,
    RunCanceled,
    RunCanceling,
    RunFailed,
    RunStarted,
    RunSucceeded,
    StepStarted,
)
from weft.model.live import Lane, QueueEntry
from weft.model.plan import RunPlan
from weft.model.run import FailureReason, Run, RunStatus
from weft.planning.queueing import QueueLimits
from weft.planning.run_states import TRANSITIONS
from weft.storage.ports import Storage

EXAMPLES = 2000 if os.environ.get("WEFT_THOROUGH") else 20
PLAN = RunPlan(job_name="nightly", steps=())
LIMITS = QueueLimits(max_concurrent_runs=None)

LOST = RunFailed(reason=FailureReason.LOST)

# What a worker says of itself, with the worker that says it: 0 stands for the latest, 1 for the one before, and so on.
worker_events = st.tuples(
    st.just("worker"),
    st.sampled_from(
        [RunStarted(), StepStarted(), RunSucceeded(), RunFailed(reason=FailureReason.STEP_FAILED), RunCanceled()]
    ),
    st.integers(0, 2),
)
# What the control plane says, where the run is as it was seen; and what it says without having looked.
announcements = st.tuples(
    st.just("announce"),
    st.sampled_from([RunCanceling(), RunCanceled(), LOST]),
    st.sampled_from(["any", "latest", "older"]),
)
moves = st.tuples(st.sampled_from(["dequeue", "next_worker", "requeue", "beat", "place"]), st.none(), st.integers(0, 1))
actions = st.lists(st.one_of(worker_events, announcements, moves), max_size=14)


class World:
    """One run, and everybody who does something to it."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.id = new_run_id()
        self._seqs: dict[int, Callable[[], int]] = {}
        run = Run(id=self.id, job_name="nightly", status=RunStatus.NOT_STARTED, created_at=1.0)
        storage.queue.submit(run, PLAN, QueueEntry(lane=Lane()))

    @property
    def run(self) -> Run:
        found = self.storage.runs.get(self.id)
        assert found is not None
        return found

    def do(self, kind: str, body: EventBody | None, number: int | str) -> None:
        """Carry one action out; whether it does anything is for the storage to say."""
        queue, events, latest = self.storage.queue, self.storage.events, self.run.worker
        token = latest - number if isinstance(number, int) else latest
        if kind == "worker" and body is not None:
            if token >= 1:
                seq = self._seqs.setdefault(token, itertools.count(1).__next__)()
                step_key = "step" if isinstance(body, StepStarted) else None
                events.append([Event(run_id=self.id, source=token, seq=seq, time=2.0, body=body, step_key=step_key)])
        elif kind == "announce" and body is not None:
            worker = {"any": None, "latest": latest, "older": latest - 1}[str(number)]
            events.announce(self.id, [body], at=2.0, worker=worker)
        elif kind == "dequeue":
            queue.dequeue(LIMITS, launcher="local", at=2.0)
        elif kind == "next_worker":
            queue.next_worker(self.id, token=token, launcher="local", at=2.0)
        elif kind == "requeue":
            queue.requeue(self.id, token=token, at=2.0)
        elif kind == "beat":
            assert queue.beat(self.id, token=token, at=2.0) in (True, False)


def reachable(before: RunStatus, after: RunStatus) -> bool:
    """Whether the table leads from one state to the other; one action may take several steps."""
    seen, waiting = {before}, [before]
    while waiting:
        for state in TRANSITIONS[waiting.pop()] - seen:
            seen.add(state)
            waiting.append(state)
    return after in seen


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(actions)
def test_a_run_moves_along_the_table_and_its_end_is_its_end(
    storage: Storage, steps: list[tuple[str, EventBody | None, int | str]]
) -> None:
    world = World(storage)
    before = world.run
    for kind, body, number in steps:
        world.do(kind, body, number)
        after = world.run
        assert reachable(before.status, after.status), f"{before.status} to {after.status} by {kind} {body}"
        assert after.worker >= before.worker
        if before.is_finished:
            assert after == before, f"a run that was over was changed by {kind} {body}"
        if kind == "worker" and isinstance(number, int) and number > 0:
            assert (after.status, after.failure_reason) == (before.status, before.failure_reason), (
                "a fenced worker changed the run"
            )
        live = storage.queue.get(world.id)
        assert (live is None) is after.is_finished
        if live is not None:
            assert live.is_queued is (after.status is RunStatus.QUEUED) or after.status is RunStatus.CANCELING
            assert live.token == after.worker
        before = after
    # The others of this storage shall not meet it.
    storage.events.announce(world.id, [LOST], at=3.0)
    assert world.run.is_finished
