"""Storage in memory: for `materialize()` without an instance, for tests, and as the model that the other storages are compared with.

Everything is dicts under one lock that is held for microseconds. Events are kept in the order of arrival, with an index by run, by
type and by asset; the projections are the plain values that `weft.storage.projections` reduces to. Nothing survives the process.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set

from msgspec.structs import replace

from weft.model.asset_state import AssetCheckState, AssetPartitionState, AssetState
from weft.model.events import AssetEventBody, Event, EventBody, StoredEvent
from weft.model.keys import AssetCheckKey, AssetKey
from weft.model.plan import RunPlan
from weft.model.run import Run, RunFilter, RunStatus
from weft.model.snapshot import content_id
from weft.model.step import Step
from weft.storage.cursors import ASSET_CURSOR, PARTITION_CURSOR, RUN_CURSOR, bad_cursor
from weft.storage.failures import both_have_history, run_exists, run_not_found
from weft.storage.memory_history import MemoryHistory
from weft.storage.memory_live import MemoryLeaseStore, MemoryPoolStore, MemoryRunQueue
from weft.storage.memory_state import CLOSED, RunRecord, State
from weft.storage.notifications import LocalWakeups
from weft.storage.ports import Appended, Page
from weft.storage.projections import CheckId, may_announce, reduce, reported, transition


class MemoryStorage:
    """All ports over one process's memory. Safe to use from several threads; gone with the object."""

    def __init__(self) -> None:
        state = State()
        self._state = state
        self.runs = MemoryRunStore(state)
        self.events = MemoryEventLog(state)
        self.assets = MemoryAssetStore(state)
        self.checks = MemoryCheckStore(state)
        self.dynamic_partitions = MemoryDynamicPartitionStore(state)
        self.snapshots = MemorySnapshotStore(state)
        self.keyvalue = MemoryKeyValue(state)
        self.wakeups = LocalWakeups()
        self.queue = MemoryRunQueue(state)
        self.leases = MemoryLeaseStore(state)
        self.pools = MemoryPoolStore(state)
        self.history = MemoryHistory(state)

    def close(self) -> None:
        """See `weft.storage.ports.Storage.close`. What was stored is forgotten."""
        if self._state.lock is CLOSED:
            return
        with self._state.lock:
            self._state.forget()
            self._state.lock = CLOSED

    def describe(self) -> Mapping[str, str]:
        """See `weft.storage.ports.Storage.describe`."""
        with self._state.lock:
            return {"kind": "memory", "place": "this process", "runs": str(len(self._state.runs))}


class MemoryRunStore:
    """`weft.storage.ports.RunStore` in memory."""

    def __init__(self, state: State) -> None:
        self._state = state

    def create(self, run: Run, plan: RunPlan) -> None:
        """See `weft.storage.ports.RunStore.create`."""
        state = self._state
        with state.lock:
            if run.id in state.runs:
                raise run_exists(run.id)
            state.add_run(run, plan)

    def get(self, run_id: str) -> Run | None:
        """See `weft.storage.ports.RunStore.get`."""
        with self._state.lock:
            record = self._state.runs.get(run_id)
            return None if record is None else record.run

    def plan(self, run_id: str) -> RunPlan | None:
        """See `weft.storage.ports.RunStore.plan`."""
        with self._state.lock:
            record = self._state.runs.get(run_id)
            return None if record is None else record.plan

    def steps(self, run_id: str) -> tuple[Step, ...]:
        """See `weft.storage.ports.RunStore.steps`."""
        state = self._state
        with state.lock:
            record = state.runs.get(run_id)
            if record is None:
                return ()
            found = (state.steps.get((run_id, key)) for key in record.step_keys)
            return tuple(step for step in found if step is not None)

    def list(
        self, filter: RunFilter | None = None, *, limit: int = 50, cursor: str | None = None, ascending: bool = False
    ) -> Page[Run]:
        """See `weft.storage.ports.RunStore.list`."""
        after = None if cursor is None else RUN_CURSOR.read(cursor)
        with self._state.lock:
            found = _matching(self._state, filter)
        if after is not None:
            found = [record for record in found if (record.place > after if ascending else record.place < after)]
        found.sort(key=_place, reverse=not ascending)
        taken = found[: max(limit, 0)]
        more = taken and len(found) > len(taken)
        return Page(
            items=tuple(record.run for record in taken), cursor=RUN_CURSOR.write(taken[-1].place) if more else None
        )

    def count(self, filter: RunFilter | None = None) -> int:
        """See `weft.storage.ports.RunStore.count`."""
        with self._state.lock:
            return len(_matching(self._state, filter))

    def transition(self, run_id: str, to: RunStatus, *, expected: RunStatus, at: float) -> bool:
        """See `weft.storage.ports.RunStore.transition`."""
        state = self._state
        with state.lock:
            if state.statuses.get(run_id) is not expected:
                return False
            change = transition(expected, to, at)
            if change is None:
                return False
            state.change_run(run_id, change)
            return True

    def add_tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        """See `weft.storage.ports.RunStore.add_tags`."""
        with self._state.lock:
            record = self._state.runs.get(run_id)
            if record is None:
                raise run_not_found(run_id)
            record.run = replace(record.run, tags={**record.run.tags, **tags})

    def delete(self, run_id: str) -> bool:
        """See `weft.storage.ports.RunStore.delete`."""
        state = self._state
        with state.lock:
            record = state.runs.pop(run_id, None)
            if record is None:
                return False
            del state.statuses[run_id]
            state.live.end(run_id)
            for key in record.step_keys:
                state.steps.pop((run_id, key), None)
            state.forget_events({stored.id for stored in record.events})
            return True


def _matching(state: State, filter: RunFilter | None) -> list[RunRecord]:
    records = state.runs.values()
    if filter is None:
        return list(records)
    return [record for record in records if _matches(filter, record.run, record.assets)]


def _place(record: RunRecord) -> tuple[float, int]:
    return record.place


def _matches(filter: RunFilter, run: Run, assets: Set[AssetKey]) -> bool:
    return (
        (filter.run_ids is None or run.id in filter.run_ids)
        and (filter.job_name is None or run.job_name == filter.job_name)
        and (filter.statuses is None or run.status in filter.statuses)
        and all(run.tags.get(key) == value for key, value in filter.tags.items())
        and (filter.asset_key is None or filter.asset_key in assets)
        and (filter.created_after is None or run.created_at > filter.created_after)
        and (filter.created_before is None or run.created_at < filter.created_before)
        and (filter.updated_after is None or (run.updated_at is not None and run.updated_at > filter.updated_after))
        and (filter.updated_before is None or (run.updated_at is not None and run.updated_at < filter.updated_before))
    )


class MemoryEventLog:
    """`weft.storage.ports.EventLog` in memory."""

    def __init__(self, state: State) -> None:
        self._state = state

    def append(self, events: Sequence[Event]) -> Appended:
        """See `weft.storage.ports.EventLog.append`."""
        state = self._state
        with state.lock:
            for event in events:
                if event.run_id not in state.runs:
                    raise run_not_found(event.run_id)
            return state.append(events)

    def report(self, bodies: Sequence[AssetEventBody], *, at: float) -> tuple[StoredEvent, ...]:
        """See `weft.storage.ports.EventLog.report`."""
        state = self._state
        with state.lock:
            first = state.last_event_id + 1
            stored = reported(bodies, first, at)
            for new in stored:
                state.index(new)
            changes = reduce(stored, state.current)
            state.last_event_id += len(stored)
            state.apply(changes)
        return stored

    def announce(
        self,
        run_id: str,
        bodies: Sequence[EventBody],
        *,
        at: float,
        worker: int | None = None,
        expected: Collection[RunStatus] | None = None,
    ) -> bool:
        """See `weft.storage.ports.EventLog.announce`."""
        state = self._state
        with state.lock:
            record = state.runs.get(run_id)
            if record is None or not may_announce(record.run.status, record.run.worker, worker, expected):
                return False
            state.note(run_id, bodies, at)
        return True

    def read(
        self,
        run_id: str,
        *,
        after_id: int = 0,
        types: Sequence[str] | None = None,
        step_key: str | None = None,
        limit: int = 1000,
    ) -> tuple[StoredEvent, ...]:
        """See `weft.storage.ports.EventLog.read`."""
        with self._state.lock:
            record = self._state.runs.get(run_id)
            if record is None:
                return ()
            found = record.events[bisect_right(record.events, after_id, key=_id) :]
        return _first(
            found,
            lambda event: (types is None or event.type in types) and (step_key is None or event.step_key == step_key),
            limit,
        )

    def get(self, event_id: int) -> StoredEvent | None:
        """See `weft.storage.ports.EventLog.get`."""
        with self._state.lock:
            return self._state.events.get(event_id)

    def last_seq(self, run_id: str, source: int) -> int:
        """See `weft.storage.ports.EventLog.last_seq`."""
        with self._state.lock:
            record = self._state.runs.get(run_id)
            return 0 if record is None else max(record.seqs.get(source, ()), default=0)

    def of_asset(
        self,
        key: AssetKey,
        *,
        types: Sequence[str] | None = None,
        partition: str | None = None,
        limit: int = 50,
        before_id: int | None = None,
        after_id: int | None = None,
        ascending: bool = False,
    ) -> tuple[StoredEvent, ...]:
        """See `weft.storage.ports.EventLog.of_asset`."""
        with self._state.lock:
            index = self._state.by_asset.get(key, [])
            low = 0 if after_id is None else bisect_right(index, after_id, key=_id)
            high = len(index) if before_id is None else bisect_left(index, before_id, key=_id)
            found = index[low:high]
        return _first(
            found if ascending else reversed(found),
            lambda event: (
                (types is None or event.type in types) and (partition is None or event.partition == partition)
            ),
            limit,
        )

    def of_types(
        self,
        types: Sequence[str],
        *,
        after_id: int = 0,
        before_id: int | None = None,
        limit: int = 1000,
        ascending: bool = True,
    ) -> tuple[StoredEvent, ...]:
        """See `weft.storage.ports.EventLog.of_types`."""
        most = max(limit, 0)
        with self._state.lock:
            found = []
            for type in dict.fromkeys(types):
                index = self._state.by_type.get(type, [])
                start = bisect_right(index, after_id, key=_id)
                stop = len(index) if before_id is None else bisect_left(index, before_id, key=_id)
                found.append(index[start:stop][:most] if ascending else index[start:stop][::-1][:most])
        return tuple(heapq.merge(*found, key=_id, reverse=not ascending))[:most]

    def latest_id(self) -> int:
        """See `weft.storage.ports.EventLog.latest_id`."""
        with self._state.lock:
            return next(reversed(self._state.events), 0)


def _id(stored: StoredEvent) -> int:
    return stored.id


def _first(found: Iterable[StoredEvent], wanted: Callable[[Event], bool], limit: int) -> tuple[StoredEvent, ...]:
    taken: list[StoredEvent] = []
    for stored in found:
        if len(taken) >= limit:
            break
        if wanted(stored.event):
            taken.append(stored)
    return tuple(taken)


class MemoryAssetStore:
    """`weft.storage.ports.AssetStore` in memory."""

    def __init__(self, state: State) -> None:
        self._state = state

    def get(self, key: AssetKey) -> AssetState | None:
        """See `weft.storage.ports.AssetStore.get`."""
        with self._state.lock:
            return self._state.assets.get(key)

    def get_many(self, keys: Sequence[AssetKey]) -> Mapping[AssetKey, AssetState]:
        """See `weft.storage.ports.AssetStore.get_many`."""
        with self._state.lock:
            assets = self._state.assets
            return {key: assets[key] for key in keys if key in assets}

    def list(self, *, prefix: Sequence[str] = (), limit: int = 100, cursor: str | None = None) -> Page[AssetState]:
        """See `weft.storage.ports.AssetStore.list`."""
        after = () if cursor is None else ASSET_CURSOR.read(cursor)
        with self._state.lock:
            found = [state for key, state in self._state.assets.items() if key.has_prefix(prefix) and key.parts > after]
        found.sort(key=_asset_key)
        taken = tuple(found[: max(limit, 0)])
        more = taken and len(found) > len(taken)
        return Page(items=taken, cursor=ASSET_CURSOR.write(taken[-1].key.parts) if more else None)

    def partition(self, key: AssetKey, partition: str) -> AssetPartitionState | None:
        """See `weft.storage.ports.AssetStore.partition`."""
        with self._state.lock:
            return self._state.partitions.get(key, {}).get(partition)

    def partitions(self, key: AssetKey, *, limit: int = 1000, cursor: str | None = None) -> Page[AssetPartitionState]:
        """See `weft.storage.ports.AssetStore.partitions`."""
        after = None if cursor is None else PARTITION_CURSOR.read(cursor)
        with self._state.lock:
            found = list(self._state.partitions.get(key, {}).values())
        if after is not None:
            found = [state for state in found if state.partition > after]
        found.sort(key=_partition_key)
        taken = tuple(found[: max(limit, 0)])
        more = taken and len(found) > len(taken)
        return Page(items=taken, cursor=PARTITION_CURSOR.write(taken[-1].partition) if more else None)

    def partition_counts(self, key: AssetKey) -> Mapping[str, int]:
        """See `weft.storage.ports.AssetStore.partition_counts`."""
        counts: dict[str, int] = {}
        with self._state.lock:
            for state in self._state.partitions.get(key, {}).values():
                counts[state.status.value] = counts.get(state.status.value, 0) + 1
        return counts

    def wipe(self, key: AssetKey, *, partitions: Sequence[str] | None = None) -> None:
        """See `weft.storage.ports.AssetStore.wipe`."""
        state = self._state
        with state.lock:
            known = state.partitions.get(key, {})
            wiped = list(known) if partitions is None else partitions
            for partition in wiped:
                known.pop(partition, None)
                state.partition_statuses.pop((key, partition), None)
            for check, partition_of_check in list(state.checks):
                if check.asset_key == key and (partitions is None or partition_of_check in partitions):
                    del state.checks[check, partition_of_check]
            if partitions is None:
                state.assets.pop(key, None)

    def rename(self, old: AssetKey, new: AssetKey) -> bool:
        """See `weft.storage.ports.AssetStore.rename`."""
        state = self._state
        with state.lock:
            if old == new or not state.has_history(old):
                return False
            if state.has_history(new):
                raise both_have_history(old.to_user_string(), new.to_user_string())
            if old in state.assets:
                state.assets[new] = replace(state.assets.pop(old), key=new)
            state.assets.rename(old, new)
            if old in state.by_asset:
                state.by_asset[new] = state.by_asset.pop(old)
            for partition, one in state.partitions.pop(old, {}).items():
                state.partitions.setdefault(new, {})[partition] = replace(one, asset_key=new)
                state.partition_statuses[new, partition] = state.partition_statuses.pop((old, partition))
            for check, partition_of_check in [id for id in state.checks if id[0].asset_key == old]:
                key = AssetCheckKey(new, check.name)
                answer = state.checks.pop((check, partition_of_check))
                state.checks[key, partition_of_check] = replace(answer, key=key)
            for record in state.runs.values():
                if old in record.assets:
                    record.assets.remove(old)
                    record.assets.add(new)
            return True


def _asset_key(state: AssetState) -> tuple[str, ...]:
    return state.key.parts


def _partition_key(state: AssetPartitionState) -> str:
    return state.partition


class MemoryCheckStore:
    """`weft.storage.ports.CheckStore` in memory."""

    def __init__(self, state: State) -> None:
        self._state = state

    def get(self, key: AssetCheckKey, *, partition: str | None = None) -> AssetCheckState | None:
        """See `weft.storage.ports.CheckStore.get`."""
        with self._state.lock:
            return self._state.checks.get((key, partition))

    def of_assets(self, keys: Sequence[AssetKey]) -> tuple[AssetCheckState, ...]:
        """See `weft.storage.ports.CheckStore.of_assets`."""
        wanted = set(keys)
        with self._state.lock:
            found = [(id, state) for id, state in self._state.checks.items() if id[0].asset_key in wanted]
        # Per check, the answer for the whole asset first.
        found.sort(key=_check_place)
        return tuple(state for _, state in found)


def _check_place(item: tuple[CheckId, AssetCheckState]) -> tuple[tuple[str, ...], str, bool, str]:
    (key, partition), _ = item
    return (key.asset_key.parts, key.name, partition is not None, partition or "")


class MemoryDynamicPartitionStore:
    """`weft.storage.ports.DynamicPartitionStore` in memory."""

    def __init__(self, state: State) -> None:
        self._state = state

    def add(self, name: str, keys: Sequence[str]) -> tuple[str, ...]:
        """See `weft.storage.ports.DynamicPartitionStore.add`."""
        with self._state.lock:
            state = self._state
            known = state.dynamic_partitions.setdefault(name, {})
            by_number = state.dynamic_keys.setdefault(name, {})
            new = tuple(key for key in dict.fromkeys(keys) if key not in known)
            for number, key in enumerate(new, start=state.last_dynamic_number + 1):
                known[key] = number
                by_number[number] = key
            state.last_dynamic_number += len(new)
            return new

    def remove(self, name: str, keys: Sequence[str]) -> None:
        """See `weft.storage.ports.DynamicPartitionStore.remove`."""
        with self._state.lock:
            known = self._state.dynamic_partitions.get(name, {})
            for key in keys:
                number = known.pop(key, None)
                if number is not None:
                    del self._state.dynamic_keys[name][number]

    def has(self, name: str, key: str) -> bool:
        """See `weft.storage.ports.DynamicPartitionStore.has`."""
        with self._state.lock:
            return key in self._state.dynamic_partitions.get(name, {})

    def list(self, name: str, *, limit: int | None = None, after: str | None = None) -> tuple[str, ...]:
        """See `weft.storage.ports.DynamicPartitionStore.list`."""
        with self._state.lock:
            known = self._state.dynamic_partitions.get(name, {})
            if after is not None and after not in known:
                raise bad_cursor(after, f"a key of the dynamic partitions {name!r}")
            keys = tuple(known)
        start = 0 if after is None else keys.index(after) + 1
        return keys[start:] if limit is None else keys[start : start + max(limit, 0)]

    def count(self, name: str) -> int:
        """See `weft.storage.ports.DynamicPartitionStore.count`."""
        with self._state.lock:
            return len(self._state.dynamic_partitions.get(name, {}))

    def numbers_of(self, name: str, keys: Sequence[str]) -> Sequence[int | None]:
        """See `weft.storage.ports.DynamicPartitionStore.numbers_of`."""
        with self._state.lock:
            known = self._state.dynamic_partitions.get(name, {})
            return [known.get(key) for key in keys]

    def keys_of(self, name: str, numbers: Sequence[int]) -> Sequence[str | None]:
        """See `weft.storage.ports.DynamicPartitionStore.keys_of`."""
        with self._state.lock:
            known = self._state.dynamic_keys.get(name, {})
            return [known.get(number) for number in numbers]

    def numbers(self, name: str) -> Sequence[int]:
        """See `weft.storage.ports.DynamicPartitionStore.numbers`."""
        with self._state.lock:
            return list(self._state.dynamic_keys.get(name, {}))


class MemorySnapshotStore:
    """`weft.storage.ports.SnapshotStore` in memory."""

    def __init__(self, state: State) -> None:
        self._state = state

    def put(self, blob: bytes) -> str:
        """See `weft.storage.ports.SnapshotStore.put`."""
        id = content_id(blob)
        with self._state.lock:
            self._state.snapshots.setdefault(id, blob)
        return id

    def get(self, id: str) -> bytes | None:
        """See `weft.storage.ports.SnapshotStore.get`."""
        with self._state.lock:
            return self._state.snapshots.get(id)


class MemoryKeyValue:
    """`weft.storage.ports.KeyValue` in memory."""

    def __init__(self, state: State) -> None:
        self._state = state

    def get(self, key: str) -> str | None:
        """See `weft.storage.ports.KeyValue.get`."""
        with self._state.lock:
            return self._state.values.get(key)

    def set(self, key: str, value: str) -> None:
        """See `weft.storage.ports.KeyValue.set`."""
        with self._state.lock:
            self._state.values[key] = value

    def compare_and_set(self, key: str, *, expected: str | None, value: str) -> bool:
        """See `weft.storage.ports.KeyValue.compare_and_set`."""
        with self._state.lock:
            if self._state.values.get(key) != expected:
                return False
            self._state.values[key] = value
            return True

    def delete(self, key: str) -> None:
        """See `weft.storage.ports.KeyValue.delete`."""
        with self._state.lock:
            self._state.values.pop(key, None)
