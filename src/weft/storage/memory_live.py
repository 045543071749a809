"""Live runs, leases and pools of `weft.storage.memory`: the same laws as in a database, over dicts and under the one lock."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from weft.model.events import EngineEvent, EventBody, RunDequeued, RunEnqueued, RunStarting
from weft.model.live import (
    DuplicateRequest,
    Lane,
    LaneState,
    Lease,
    LiveRun,
    Pool,
    PoolSlot,
    PoolUse,
    QueuedHead,
    QueueEntry,
    QueueView,
    RequestKey,
    Submitted,
    WorkerPlace,
)
from weft.model.plan import RunPlan
from weft.model.run import Run, RunStatus
from weft.storage.failures import run_exists
from weft.storage.memory_state import State
from weft.storage.ports import QueuePolicy


class MemoryRunQueue:
    """`weft.storage.ports.RunQueue` in memory."""

    def __init__(self, state: State) -> None:
        self._state = state

    def submit(self, run: Run, plan: RunPlan, entry: QueueEntry, *, request_key: RequestKey | None = None) -> Submitted:
        """See `weft.storage.ports.RunQueue.submit`."""
        state = self._state
        with state.lock:
            live = state.live
            if request_key is not None:
                place = (request_key.scope, request_key.key)
                found = live.requests.get(place)
                if found is not None and (found[1] is None or found[1] > run.created_at) and found[0] in state.runs:
                    live.duplicates.append(
                        DuplicateRequest(
                            id=len(live.duplicates) + 1,
                            scope=request_key.scope,
                            key=request_key.key,
                            run_id=found[0],
                            at=run.created_at,
                        )
                    )
                    return Submitted(run_id=found[0], is_new=False)
            if run.id in state.runs:
                raise run_exists(run.id)
            if request_key is not None:
                live.requests[request_key.scope, request_key.key] = (run.id, request_key.expires_at)
            state.add_run(run, plan)
            live.runs[run.id] = LiveRun(
                run_id=run.id,
                is_queued=True,
                lane=entry.lane,
                priority=entry.priority,
                enqueued_at=run.created_at,
                token=run.worker,
            )
            self._state.note(run.id, [RunEnqueued()], run.created_at)
        return Submitted(run_id=run.id, is_new=True)

    def dequeue(self, policy: QueuePolicy, *, launcher: str, at: float) -> tuple[LiveRun, ...]:
        """See `weft.storage.ports.RunQueue.dequeue`."""
        state = self._state
        with state.lock:
            view = self._view()
            waiting = self._in_order()
            heads: list[QueuedHead] = []
            for lane_id, most in policy.open_lanes(view).items():
                mine = [one for one in waiting if state.live.lane_ids[one.lane] == lane_id]
                heads += [
                    QueuedHead(run_id=one.run_id, lane_id=lane_id, priority=one.priority, enqueued_at=one.enqueued_at)
                    for one in mine[:most]
                ]
            return tuple(
                self._activate(head.run_id, [RunDequeued()], launcher, at) for head in policy.choose(view, heads)
            )

    def view(self) -> QueueView:
        """See `weft.storage.ports.RunQueue.view`."""
        with self._state.lock:
            return self._view()

    def get(self, run_id: str) -> LiveRun | None:
        """See `weft.storage.ports.RunQueue.get`."""
        with self._state.lock:
            return self._state.live.runs.get(run_id)

    def queued(self, *, limit: int = 100) -> tuple[LiveRun, ...]:
        """See `weft.storage.ports.RunQueue.queued`."""
        with self._state.lock:
            return tuple(self._in_order()[: max(limit, 0)])

    def active(self) -> tuple[LiveRun, ...]:
        """See `weft.storage.ports.RunQueue.active`."""
        with self._state.lock:
            return tuple(self._in_order(is_queued=False))

    def next_worker(self, run_id: str, *, token: int, launcher: str, at: float, message: str = "") -> LiveRun | None:
        """See `weft.storage.ports.RunQueue.next_worker`."""
        state = self._state
        with state.lock:
            live = state.live.runs.get(run_id)
            if live is None or live.is_queued or live.token != token or state.statuses[run_id] not in _MAY_RESUME:
                return None
            state.live.drop_slots(run_id)  # they were those of the worker that is fenced off
            return self._activate(run_id, [EngineEvent(message=message)] if message else [], launcher, at)

    def requeue(self, run_id: str, *, token: int, at: float, message: str = "") -> bool:
        """See `weft.storage.ports.RunQueue.requeue`."""
        state = self._state
        with state.lock:
            live = state.live.runs.get(run_id)
            if live is None or live.token != token or state.statuses[run_id] is not RunStatus.STARTING:
                return False
            # The number is taken by nobody: it fences off the worker that may still come.
            state.live.runs[run_id] = replace(
                live, is_queued=True, token=token + 1, launched_at=None, worker=None, beats=0, beat_at=None
            )
            record = state.runs[run_id]
            record.run = replace(record.run, worker=token + 1)
            state.live.drop_slots(run_id)
            notes: list[EventBody] = [EngineEvent(message=message)] if message else []
            self._state.note(run_id, [*notes, RunEnqueued()], at)
            return True

    def place(self, run_id: str, worker: WorkerPlace, *, token: int) -> bool:
        """See `weft.storage.ports.RunQueue.place`."""
        with self._state.lock:
            live = self._state.live.runs.get(run_id)
            if live is None or live.is_queued or live.token != token:
                return False
            self._state.live.runs[run_id] = replace(live, worker=worker)
            return True

    def beat(self, run_id: str, *, token: int, at: float) -> bool:
        """See `weft.storage.ports.RunQueue.beat`."""
        with self._state.lock:
            live = self._state.live.runs.get(run_id)
            if live is None or live.is_queued or live.token != token:
                return False
            self._state.live.runs[run_id] = replace(live, beats=live.beats + 1, beat_at=at)
            return True

    def relane(self, lane_of: Callable[[Run, Lane], Lane], *, fingerprint: str) -> int:
        """See `weft.storage.ports.RunQueue.relane`."""
        state = self._state
        moved = 0
        with state.lock:
            if state.live.fingerprint == fingerprint:
                return 0
            for run_id, live in state.live.runs.items():
                lane = lane_of(state.runs[run_id].run, live.lane)
                if lane != live.lane:
                    state.live.runs[run_id] = replace(live, lane=lane)
                    moved += 1
            state.live.fingerprint = fingerprint
        return moved

    def duplicates(self, *, limit: int = 100, run_id: str | None = None) -> tuple[DuplicateRequest, ...]:
        """See `weft.storage.ports.RunQueue.duplicates`."""
        with self._state.lock:
            found = [one for one in reversed(self._state.live.duplicates) if run_id in (None, one.run_id)]
        return tuple(found[: max(limit, 0)])

    def _activate(self, run_id: str, before: Sequence[EventBody], launcher: str, at: float) -> LiveRun:
        state = self._state
        token = state.live.runs[run_id].token + 1
        live = state.live.runs[run_id] = replace(
            state.live.runs[run_id],
            is_queued=False,
            token=token,
            launched_at=at,
            worker=WorkerPlace(launcher=launcher),
            beats=0,
            beat_at=None,
        )
        record = state.runs[run_id]
        record.run = replace(record.run, worker=token)
        self._state.note(run_id, [*before, RunStarting(worker=token, launcher=launcher)], at)
        return live

    def _in_order(self, *, is_queued: bool = True) -> list[LiveRun]:
        number = self._state.runs
        found = [one for one in self._state.live.runs.values() if one.is_queued is is_queued]
        return sorted(found, key=lambda one: (-one.priority, one.enqueued_at, number[one.run_id].number))

    def _view(self) -> QueueView:
        live = self._state.live
        lanes: dict[int, LaneState] = {}
        for one in live.runs.values():
            id = live.lane_ids.setdefault(one.lane, len(live.lane_ids) + 1)
            state = lanes.get(id) or LaneState(id=id, lane=one.lane)
            lanes[id] = LaneState(
                id=id,
                lane=one.lane,
                active=state.active + (not one.is_queued),
                has_queued=state.has_queued or one.is_queued,
            )
        pools: dict[str, PoolUse] = {name: PoolUse(limit=limit) for name, limit in live.limits.items()}
        for (pool, _, _), (is_holder, _) in live.slots.items():
            use = pools.get(pool) or PoolUse(limit=None)
            pools[pool] = PoolUse(limit=use.limit, used=use.used + is_holder, waiting=use.waiting + (not is_holder))
        return QueueView(lanes=tuple(lanes.values()), pools=pools)


_MAY_RESUME = frozenset({RunStatus.STARTING, RunStatus.STARTED})


class MemoryLeaseStore:
    """`weft.storage.ports.LeaseStore` in memory."""

    def __init__(self, state: State) -> None:
        self._state = state

    def acquire(self, name: str, holder: str, *, seen: Lease | None, at: float) -> Lease | None:
        """See `weft.storage.ports.LeaseStore.acquire`."""
        with self._state.lock:
            now = self._state.live.leases.get(name)
            if (
                now is not None
                and now.holder is not None
                and (seen is None or (seen.token, seen.beats) != (now.token, now.beats))
            ):
                return None
            token = 1 if now is None else now.token + 1
            taken = Lease(name=name, holder=holder, token=token, beats=0, acquired_at=at, beat_at=at)
            self._state.live.leases[name] = taken
            return taken

    def beat(self, lease: Lease, *, at: float) -> Lease | None:
        """See `weft.storage.ports.LeaseStore.beat`."""
        with self._state.lock:
            now = self._state.live.leases.get(lease.name)
            if now is None or now.holder is None or now.token != lease.token:
                return None
            renewed = self._state.live.leases[lease.name] = replace(now, beats=now.beats + 1, beat_at=at)
            return renewed

    def release(self, lease: Lease) -> bool:
        """See `weft.storage.ports.LeaseStore.release`."""
        with self._state.lock:
            now = self._state.live.leases.get(lease.name)
            if now is None or now.holder is None or now.token != lease.token:
                return False
            self._state.live.leases[lease.name] = replace(now, holder=None)
            return True

    def get(self, name: str) -> Lease | None:
        """See `weft.storage.ports.LeaseStore.get`."""
        with self._state.lock:
            return self._state.live.leases.get(name)

    def list(self, prefix: str = "") -> tuple[Lease, ...]:
        """See `weft.storage.ports.LeaseStore.list`."""
        with self._state.lock:
            found = self._state.live.leases
            return tuple(found[name] for name in sorted(found) if name.startswith(prefix))


class MemoryPoolStore:
    """`weft.storage.ports.PoolStore` in memory."""

    def __init__(self, state: State) -> None:
        self._state = state

    def claim(
        self,
        pool: str,
        run_id: str,
        step_key: str,
        *,
        priority: int,
        default_limit: int | None,
        at: float,
        worker: int | None = None,
    ) -> bool:
        """See `weft.storage.ports.PoolStore.claim`."""
        state = self._state
        with state.lock:
            if run_id not in state.runs or state.statuses[run_id].is_finished:
                return False
            if worker not in (None, state.runs[run_id].run.worker):
                return False
            slots = state.live.slots
            own = slots.get((pool, run_id, step_key))
            if own is not None and own[0]:
                return True
            slot = (
                PoolSlot(pool=pool, run_id=run_id, step_key=step_key, since=at, priority=priority)
                if own is None
                else own[1]
            )
            others = [(is_holder, one) for place, (is_holder, one) in slots.items() if place[0] == pool]
            used = sum(is_holder for is_holder, _ in others)
            place = (-slot.priority, slot.since)
            ahead = sum(not is_holder and (-one.priority, one.since) < place for is_holder, one in others)
            limit = state.live.limits.get(pool, default_limit)
            is_granted = limit is None or used + ahead < limit
            slots[pool, run_id, step_key] = (is_granted, replace(slot, since=at) if is_granted else slot)
            return is_granted

    def release(self, pool: str, run_id: str, step_key: str, *, worker: int | None = None) -> None:
        """See `weft.storage.ports.PoolStore.release`."""
        with self._state.lock:
            record = self._state.runs.get(run_id)
            if record is not None and worker not in (None, record.run.worker):
                return
            self._state.live.slots.pop((pool, run_id, step_key), None)

    def set_limit(self, pool: str, limit: int | None) -> None:
        """See `weft.storage.ports.PoolStore.set_limit`."""
        with self._state.lock:
            if limit is None:
                self._state.live.limits.pop(pool, None)
            else:
                self._state.live.limits[pool] = limit

    def get(self, pool: str) -> Pool | None:
        """See `weft.storage.ports.PoolStore.get`."""
        return next((one for one in self.list() if one.name == pool), None)

    def list(self) -> tuple[Pool, ...]:
        """See `weft.storage.ports.PoolStore.list`."""
        with self._state.lock:
            live = self._state.live
            names = {*live.limits, *(place[0] for place in live.slots)}
            ordered = sorted(
                live.slots.values(), key=lambda one: (-one[1].priority, one[1].since, one[1].run_id, one[1].step_key)
            )
            return tuple(
                Pool(
                    name=name,
                    limit=live.limits.get(name),
                    holders=tuple(slot for is_holder, slot in ordered if is_holder and slot.pool == name),
                    waiters=tuple(slot for is_holder, slot in ordered if not is_holder and slot.pool == name),
                )
                for name in sorted(names)
            )
