"""What the stores of `weft.storage.memory` share: dicts under one lock, and the reduction of events to state."""

from __future__ import annotations

import threading
from collections.abc import Sequence, Set
from types import TracebackType
from typing import NoReturn

from msgspec.structs import replace

from weft.model.asset_state import AssetCheckState, AssetPartitionState, AssetState, PartitionStatus
from weft.model.events import CONTROL_SOURCE, Event, EventBody, StoredEvent
from weft.model.keys import AssetKey
from weft.model.live import DuplicateRequest, Lane, Lease, LiveRun, PoolSlot
from weft.model.plan import RunPlan
from weft.model.run import Run, RunStatus
from weft.model.step import Step
from weft.storage.failures import storage_closed
from weft.storage.ports import Appended
from weft.storage.projections import Changes, CheckId, Current, RunChange, is_fenced, reduce

_TYPE_OF: dict[type, str] = {kind: kind.__struct_config__.tag for kind in EventBody.__args__}


class LiveState:
    """What is kept of live runs, leases and pools."""

    def __init__(self) -> None:
        self.runs: dict[str, LiveRun] = {}
        self.lane_ids: dict[Lane, int] = {}
        self.fingerprint: str | None = None
        self.requests: dict[tuple[str, str], tuple[str, float | None]] = {}
        self.duplicates: list[DuplicateRequest] = []
        self.leases: dict[str, Lease] = {}
        self.limits: dict[str, int] = {}
        # (pool, run id, step key): whether it holds a slot, and since when.
        self.slots: dict[tuple[str, str, str], tuple[bool, PoolSlot]] = {}

    def end(self, run_id: str) -> None:
        """Forget a run that is over."""
        self.runs.pop(run_id, None)
        self.drop_slots(run_id)

    def drop_slots(self, run_id: str) -> None:
        """Take the slots of a run, and its places in lines for one."""
        for place in [place for place in self.slots if place[1] == run_id]:
            del self.slots[place]


class RunRecord:
    """One run with what belongs to it."""

    __slots__ = ("assets", "events", "number", "plan", "run", "seqs", "step_keys")

    def __init__(self, number: int, run: Run, plan: RunPlan) -> None:
        self.number = number  # order of storing
        self.run = run
        self.plan = plan
        # The assets that it was asked for, by the names that they have now.
        self.assets = set(run.asset_selection or ())
        self.events: list[StoredEvent] = []
        # Source to the numbers seen.
        self.seqs: dict[int, set[int]] = {}
        # Steps in the order of their first event.
        self.step_keys: dict[str, None] = {}

    @property
    def place(self) -> tuple[float, int]:
        return (self.run.created_at, self.number)


class AssetStates(dict[AssetKey, AssetState]):
    """The states of assets; one that has none yet reads as blank, with the id that it will keep for ever."""

    def __init__(self) -> None:
        super().__init__()
        self._ids: dict[AssetKey, int] = {}
        self._last_id = 0

    def __missing__(self, key: AssetKey) -> AssetState:
        if key not in self._ids:
            self._last_id += 1
            self._ids[key] = self._last_id
        return AssetState(id=self._ids[key], key=key)

    def rename(self, old: AssetKey, new: AssetKey) -> None:
        """Give the id of `old` to `new`."""
        if old in self._ids:
            self._ids[new] = self._ids.pop(old)


class State:
    """What the stores share. Every field is read and written under `lock` only."""

    def __init__(self) -> None:
        self.lock: threading.Lock | ClosedLock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        self.runs: dict[str, RunRecord] = {}
        self.created = 0
        self.events: dict[int, StoredEvent] = {}
        self.last_event_id = 0
        self.by_type: dict[str, list[StoredEvent]] = {}
        self.by_asset: dict[AssetKey, list[StoredEvent]] = {}
        # The projections, in the shape in which they are reduced.
        self.statuses: dict[str, RunStatus] = {}
        self.steps: dict[tuple[str, str], Step] = {}
        self.assets = AssetStates()
        self.partitions: dict[AssetKey, dict[str, AssetPartitionState]] = {}
        self.partition_statuses: dict[tuple[AssetKey, str], PartitionStatus] = {}
        self.checks: dict[CheckId, AssetCheckState] = {}
        self.current = Current(
            runs=self.statuses,
            steps=self.steps,
            assets=self.assets,
            partitions=self.partition_statuses,
        )
        # Keys to numbers, in the order of addition, and back.
        self.dynamic_partitions: dict[str, dict[str, int]] = {}
        self.dynamic_keys: dict[str, dict[int, str]] = {}
        self.last_dynamic_number = 0
        self.snapshots: dict[str, bytes] = {}
        self.values: dict[str, str] = {}
        self.live = LiveState()

    def apply(self, changes: Changes) -> None:
        for run_id, change in changes.runs.items():
            self.change_run(run_id, change)
        self.steps.update(changes.steps)
        self.assets.update(changes.assets)
        for (key, partition), state in changes.partitions.items():
            self.partition_statuses[key, partition] = state.status
            self.partitions.setdefault(key, {})[partition] = state
        self.checks.update(changes.checks)

    def forget_events(self, ids: Set[int]) -> None:
        """Remove events from where they are looked for by id, type and asset."""
        for id in ids:
            del self.events[id]
        indexes: list[list[StoredEvent]] = [*self.by_type.values(), *self.by_asset.values()]
        for index in indexes:
            index[:] = [stored for stored in index if stored.id not in ids]

    def has_history(self, key: AssetKey) -> bool:
        """Whether anything happened to an asset."""
        return key in self.assets or bool(self.by_asset.get(key))

    def change_run(self, run_id: str, change: RunChange) -> None:
        record = self.runs[run_id]
        run = record.run
        record.run = replace(
            run,
            status=change.status,
            updated_at=change.updated_at,
            started_at=run.started_at if change.started_at is None else change.started_at,
            ended_at=run.ended_at if change.ended_at is None else change.ended_at,
            failure_reason=run.failure_reason if change.failure_reason is None else change.failure_reason,
            error=run.error if change.error is None else change.error,
        )
        self.statuses[run_id] = change.status
        if change.status.is_finished:
            self.live.end(run_id)

    def add_run(self, run: Run, plan: RunPlan) -> None:
        """Keep a new run."""
        self.created += 1
        self.runs[run.id] = RunRecord(self.created, run, plan)
        self.statuses[run.id] = run.status

    def append(self, events: Sequence[Event]) -> Appended:
        """Keep the events that are new, and what they change. Their runs are there."""
        stored: list[StoredEvent] = []
        next_id = self.last_event_id + 1
        for event in events:
            record = self.runs[event.run_id]
            seqs = record.seqs.get(event.source)
            if seqs is None:
                seqs = record.seqs[event.source] = set()
            if event.seq in seqs:
                continue
            seqs.add(event.seq)
            new = StoredEvent(id=next_id, event=event)
            next_id += 1
            stored.append(new)
            record.events.append(new)
            if event.step_key is not None:
                record.step_keys[event.step_key] = None
            self.index(new)
        fenced = [one for one in stored if is_fenced(one.event.source, self.runs[one.event.run_id].run.worker)]
        heard = [one for one in stored if one not in fenced] if fenced else stored
        changes = reduce(heard, self.current)
        self.last_event_id = next_id - 1
        self.apply(changes)
        return Appended(stored=tuple(stored), refused=(*changes.refused, *(one.event for one in fenced)))

    def note(self, run_id: str, bodies: Sequence[EventBody], at: float) -> None:
        """Append events of the control plane to a run that is there."""
        last = max(self.runs[run_id].seqs.get(CONTROL_SOURCE, ()), default=0)
        self.append(
            [
                Event(run_id=run_id, source=CONTROL_SOURCE, seq=seq, time=at, body=body)
                for seq, body in enumerate(bodies, start=last + 1)
            ]
        )

    def index(self, stored: StoredEvent) -> None:
        """Note an event where it is looked for by type and asset."""
        self.events[stored.id] = stored
        type = _TYPE_OF[stored.event.body.__class__]
        index = self.by_type.get(type)
        if index is None:
            index = self.by_type[type] = []
        index.append(stored)
        if type.startswith("ASSET_"):
            key = stored.event.asset_key
            assert key is not None
            self.by_asset.setdefault(key, []).append(stored)


class ClosedLock:
    """Stands in for the lock of a closed storage: whoever comes is told so."""

    def __enter__(self) -> NoReturn:
        raise storage_closed("memory")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        raise AssertionError("a closed storage is never entered")


CLOSED = ClosedLock()
