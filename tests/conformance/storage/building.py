"""Small makers of runs and events for the tests of storages."""

from __future__ import annotations

from weft.model.asset_state import AssetState
from weft.model.events import AssetMaterialized, Event, EventBody, StoredEvent
from weft.model.keys import AssetKey
from weft.model.plan import RunPlan, StepPlan
from weft.model.run import Run, RunStatus
from weft.storage.ports import Storage

ORDERS = AssetKey("orders")


def plan_of(*step_keys: str) -> RunPlan:
    return RunPlan(job_name="job", steps=tuple(StepPlan(key=key, op_name=key) for key in step_keys))


def new_run(
    storage: Storage, run_id: str = "r1", *, status: RunStatus = RunStatus.NOT_STARTED, **fields: object
) -> Run:
    """Store a run; fields that are not given have plain values."""
    values = {"job_name": "job", "created_at": 100.0, **fields}
    run = Run(id=run_id, status=status, **values)  # type: ignore[arg-type]
    storage.runs.create(run, plan_of("a", "b"))
    return run


class Journal:
    """Writes the events of one source of one run, counting up. Time passes by one second per event."""

    def __init__(self, storage: Storage, run_id: str = "r1", *, source: int = 1, at: float = 1000.0) -> None:
        self.storage = storage
        self.run_id = run_id
        self.source = source
        self.seq = 0
        self.time = at

    def event(self, body: EventBody, step_key: str | None = None) -> Event:
        self.seq += 1
        self.time += 1.0
        return Event(run_id=self.run_id, source=self.source, seq=self.seq, time=self.time, body=body, step_key=step_key)

    def write(self, *bodies: EventBody, step_key: str | None = None) -> tuple[StoredEvent, ...]:
        """Append the bodies as one batch; returns what was stored."""
        return self.storage.events.append([self.event(body, step_key) for body in bodies]).stored

    def materialize(self, key: AssetKey = ORDERS, partition: str | None = None, **fields: object) -> StoredEvent:
        [stored] = self.write(AssetMaterialized(asset_key=key, partition=partition, **fields))  # type: ignore[arg-type]
        return stored


def without_id(state: AssetState | None) -> AssetState | None:
    """An asset's state for comparing storages, which give ids as they like."""
    return None if state is None else AssetState(**{**{f: getattr(state, f) for f in state.__struct_fields__}, "id": 0})
