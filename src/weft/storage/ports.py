"""The storage ports, one per noun. A service takes the ports it uses; an implementation passes ``tests/conformance``.

Laws that hold for every implementation:

- Current state is a table, history is a log: `EventLog.append` stores events and updates the projections that `RunStore`, `AssetStore` and
  `CheckStore` answer from, in one transaction. Nothing reads the log to learn the state, so the log may be dropped by age.
- Delivery is idempotent: an event whose ``(run_id, source, seq)`` is there already changes nothing.
- A run changes state by compare-and-set along `weft.planning.run_states`; terminal states absorb. An event that asks for an illegal transition
  is kept in the log as history and changes no state.
- Lists are paged by key (keyset), newest first unless said otherwise. A cursor is opaque; a damaged one, or one of another list, is a
  `StorageError` (WEFT-T012).
- Bounds (``after``, ``before``) are exclusive. A limit below one gives nothing.
- Ports may be used from several threads.
- A run that is over has no place in the queue, no worker and no slot: the transaction that ends it takes them.
- What a fenced worker delivers (`Run.worker`) is kept in the log as history and changes no state.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

from msgspec import Struct

from weft.model.asset_state import AssetCheckState, AssetPartitionState, AssetState
from weft.model.events import AssetEventBody, Event, EventBody, StoredEvent
from weft.model.keys import AssetCheckKey, AssetKey
from weft.model.live import (
    DuplicateRequest,
    Lane,
    Lease,
    LiveRun,
    Pool,
    QueuedHead,
    QueueEntry,
    QueueView,
    RequestKey,
    Submitted,
    WorkerPlace,
)
from weft.model.plan import RunPlan
from weft.model.run import Run, RunFilter, RunStatus
from weft.model.step import Step
from weft.storage.notifications import Wakeups

T = TypeVar("T")


class Page(Struct, Generic[T], frozen=True):
    """Some items and the cursor of the next page (None: there is none)."""

    items: tuple[T, ...]
    cursor: str | None = None


class Appended(Struct, frozen=True, kw_only=True):
    """What an append did."""

    # New events stored, in the order given; those that were there already are not among them.
    stored: tuple[StoredEvent, ...]
    # Events that asked for an illegal transition of their run.
    refused: tuple[Event, ...] = ()


class RunStore(Protocol):
    """Runs, their plans and the current state of their steps."""

    def create(self, run: Run, plan: RunPlan) -> None:
        """Store a new run with its plan in one transaction; every selected step of the plan counts as PENDING.

        Raises:
            StorageError: (WEFT-T011) a run with that id exists.
        """
        ...

    def get(self, run_id: str) -> Run | None:
        """The run, or None."""
        ...

    def plan(self, run_id: str) -> RunPlan | None:
        """The plan of a run, or None where the run is unknown."""
        ...

    def steps(self, run_id: str) -> tuple[Step, ...]:
        """The state of every step that has one (started, skipped, failed...), in the order of their first event."""
        ...

    def list(
        self, filter: RunFilter | None = None, *, limit: int = 50, cursor: str | None = None, ascending: bool = False
    ) -> Page[Run]:
        """Runs by time of creation, newest first unless `ascending`."""
        ...

    def count(self, filter: RunFilter | None = None) -> int:
        """How many runs the filter matches."""
        ...

    def transition(self, run_id: str, to: RunStatus, *, expected: RunStatus, at: float) -> bool:
        """Compare-and-set of the state: True where the run was in `expected` and the step to `to` is legal."""
        ...

    def add_tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        """Add or replace tags of a run.

        Raises:
            RunNotFoundError: there is no such run.
        """
        ...

    def delete(self, run_id: str) -> bool:
        """Remove a run with its steps, plan and events. State of assets stays. False where there was none."""
        ...


class EventLog(Protocol):
    """The log of events."""

    def append(self, events: Sequence[Event]) -> Appended:
        """Store `events` and update the projections, in one transaction, idempotently.

        Raises:
            RunNotFoundError: an event belongs to an unknown run. Nothing is stored.
        """
        ...

    def report(self, bodies: Sequence[AssetEventBody], *, at: float) -> tuple[StoredEvent, ...]:
        """Store events about assets that no run gave, with their projections, in one transaction.

        Their run id is empty and their `seq` is that of the log. Nothing makes a repeated report idempotent: it is another event.
        """
        ...

    def announce(
        self,
        run_id: str,
        bodies: Sequence[EventBody],
        *,
        at: float,
        worker: int | None = None,
        expected: Collection[RunStatus] | None = None,
    ) -> bool:
        """Store what the control plane says of a run, numbered here, where the run is as the caller saw it; all or nothing.

        Args:
            run_id: the run.
            bodies: the events, in order.
            at: when they happened.
            worker: the token of the latest worker; None: any.
            expected: the states that the run may be in; None: any that is not terminal.

        Returns:
            Whether they were stored. False where the run is over, unknown, or not as expected; then nothing has changed.
        """
        ...

    def read(
        self,
        run_id: str,
        *,
        after_id: int = 0,
        types: Sequence[str] | None = None,
        step_key: str | None = None,
        limit: int = 1000,
    ) -> tuple[StoredEvent, ...]:
        """Events of one run with an id above `after_id`, in the order of arrival."""
        ...

    def get(self, event_id: int) -> StoredEvent | None:
        """One event by its id."""
        ...

    def last_seq(self, run_id: str, source: int) -> int:
        """The highest `seq` stored of that source, 0 where there is none."""
        ...

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
        """Events about one asset (materialisations, observations, checks, failures), newest first unless `ascending`."""
        ...

    def of_types(
        self,
        types: Sequence[str],
        *,
        after_id: int = 0,
        before_id: int | None = None,
        limit: int = 1000,
        ascending: bool = True,
    ) -> tuple[StoredEvent, ...]:
        """Events of these types over all runs with ids between the bounds, in the order of arrival (the newest first unless `ascending`).

        Made for following: the cost is that of the answer, but a routine type (one that every step writes) is found by walking the log
        from one of the bounds.
        """
        ...

    def latest_id(self) -> int:
        """The highest id in the log, 0 where it is empty."""
        ...


class AssetStore(Protocol):
    """The current state of assets and their partitions."""

    def get(self, key: AssetKey) -> AssetState | None:
        """The state of an asset, or None where nothing ever happened to it."""
        ...

    def get_many(self, keys: Sequence[AssetKey]) -> Mapping[AssetKey, AssetState]:
        """The states of those keys that have one, in a bounded number of statements."""
        ...

    def list(self, *, prefix: Sequence[str] = (), limit: int = 100, cursor: str | None = None) -> Page[AssetState]:
        """Assets in the order of their keys."""
        ...

    def partition(self, key: AssetKey, partition: str) -> AssetPartitionState | None:
        """The state of one partition, or None where it is missing."""
        ...

    def partitions(self, key: AssetKey, *, limit: int = 1000, cursor: str | None = None) -> Page[AssetPartitionState]:
        """The states of the partitions that have one, in the order of their keys."""
        ...

    def partition_counts(self, key: AssetKey) -> Mapping[str, int]:
        """How many partitions are in each status (`PartitionStatus.value` to count)."""
        ...

    def wipe(self, key: AssetKey, *, partitions: Sequence[str] | None = None) -> None:
        """Forget the state of an asset or of some of its partitions, answers of checks included; the log and the id stay."""
        ...

    def rename(self, old: AssetKey, new: AssetKey) -> bool:
        """Give what is stored of `old` (id, state, partitions, checks, events, runs) to `new`; whether there was anything to give.

        Nothing is copied, so it takes the same time for any amount of history. Asked for again it does nothing, and the same with the keys
        swapped takes it back. Bodies of events, and selections of runs, keep the names that they were written with.

        Raises:
            StorageError: (WEFT-T041) both have a history.
        """
        ...


class CheckStore(Protocol):
    """The latest answers of checks."""

    def get(self, key: AssetCheckKey, *, partition: str | None = None) -> AssetCheckState | None:
        """The latest answer, or None."""
        ...

    def of_assets(self, keys: Sequence[AssetKey]) -> tuple[AssetCheckState, ...]:
        """The latest unpartitioned-or-any answers of every check of these assets."""
        ...


class DynamicPartitionStore(Protocol):
    """The keys of dynamic partitions definitions, in the order in which they were added."""

    def add(self, name: str, keys: Sequence[str]) -> tuple[str, ...]:
        """Add keys; returns those that were new."""
        ...

    def remove(self, name: str, keys: Sequence[str]) -> None:
        """Remove keys; unknown ones are ignored."""
        ...

    def has(self, name: str, key: str) -> bool:
        """Whether the key is there."""
        ...

    def list(self, name: str, *, limit: int | None = None, after: str | None = None) -> tuple[str, ...]:
        """Keys in the order of their addition, after the key `after`.

        Raises:
            StorageError: (WEFT-T012) `after` is not one of the keys.
        """
        ...

    def count(self, name: str) -> int:
        """How many keys there are."""
        ...

    def numbers_of(self, name: str, keys: Sequence[str]) -> Sequence[int | None]:
        """The number of each key; None for unknown ones. Numbers grow in the order of addition, and none is ever given again: sets of
        partitions are stored as sets of these numbers."""
        ...

    def keys_of(self, name: str, numbers: Sequence[int]) -> Sequence[str | None]:
        """The key of each number; None for those that were removed."""
        ...

    def numbers(self, name: str) -> Sequence[int]:
        """The numbers of all keys, ascending."""
        ...


class SnapshotStore(Protocol):
    """Content-addressed blobs."""

    def put(self, blob: bytes) -> str:
        """Store `blob` unless it is there; returns its id (`weft.model.snapshot.content_id`)."""
        ...

    def get(self, id: str) -> bytes | None:
        """The blob, or None."""
        ...


class KeyValue(Protocol):
    """Small named values."""

    def get(self, key: str) -> str | None:
        """The value, or None."""
        ...

    def set(self, key: str, value: str) -> None:
        """Store a value."""
        ...

    def compare_and_set(self, key: str, *, expected: str | None, value: str) -> bool:
        """Store `value` where the current one is `expected` (None: absent)."""
        ...

    def delete(self, key: str) -> None:
        """Remove a value; unknown keys are ignored."""
        ...


class QueuePolicy(Protocol):
    """Which waiting runs go: pure, see `weft.planning.queueing`."""

    def open_lanes(self, view: QueueView) -> Mapping[int, int]:
        """The lanes that may let runs go now, each with how many at most."""
        ...

    def choose(self, view: QueueView, heads: Sequence[QueuedHead]) -> Sequence[QueuedHead]:
        """Which of the heads go, in the order of going."""
        ...


class RunQueue(Protocol):
    """Runs that wait for a worker, and those that have one. Several daemons may work on one queue."""

    def submit(self, run: Run, plan: RunPlan, entry: QueueEntry, *, request_key: RequestKey | None = None) -> Submitted:
        """Store a new run with its plan and put it into the queue, in one transaction.

        Where a run that is still there was submitted under the same request key before, nothing is stored but a `DuplicateRequest`, and the answer names that run.

        Raises:
            StorageError: (WEFT-T011) a run with that id exists.
        """
        ...

    def dequeue(self, policy: QueuePolicy, *, launcher: str, at: float) -> tuple[LiveRun, ...]:
        """Let go what the policy chooses: each run steps to STARTING, with the next fencing token, in one transaction with its events.

        Until it is known where the worker is (`place`), its place names nothing but the launcher.
        """
        ...

    def view(self) -> QueueView:
        """What `dequeue` would decide over."""
        ...

    def get(self, run_id: str) -> LiveRun | None:
        """A run that waits or has a worker; None where there is none, or it is over."""
        ...

    def queued(self, *, limit: int = 100) -> tuple[LiveRun, ...]:
        """The runs that wait, in the order of priority and age."""
        ...

    def active(self) -> tuple[LiveRun, ...]:
        """The runs that have a worker, or had one asked for, and are not over."""
        ...

    def next_worker(self, run_id: str, *, token: int, launcher: str, at: float, message: str = "") -> LiveRun | None:
        """Give a run another worker in the place of that with `token`, which is fenced off and loses its slots; it steps to STARTING.

        None where the run is over, is being cancelled, or has another worker already.
        """
        ...

    def requeue(self, run_id: str, *, token: int, at: float, message: str = "") -> bool:
        """Put a run that is STARTING back into its place of the queue. False where it is not, or not with that worker.

        The worker with `token` is fenced off, should it still come.
        """
        ...

    def place(self, run_id: str, worker: WorkerPlace, *, token: int) -> bool:
        """Note where the worker is. False where the token is not the latest."""
        ...

    def beat(self, run_id: str, *, token: int, at: float) -> bool:
        """Note that the worker lives. False where it was fenced off, or the run is over: the worker must end."""
        ...

    def relane(self, lane_of: Callable[[Run, Lane], Lane], *, fingerprint: str) -> int:
        """Put live runs into the lanes of other limits, unless that was done for this fingerprint. Returns how many moved."""
        ...

    def duplicates(self, *, limit: int = 100, run_id: str | None = None) -> tuple[DuplicateRequest, ...]:
        """Requests that were swallowed, the newest first."""
        ...


class LeaseStore(Protocol):
    """Who may do what only one may do. Nobody's clock is compared with another's: see `weft.planning.leases`."""

    def acquire(self, name: str, holder: str, *, seen: Lease | None, at: float) -> Lease | None:
        """Take a lease that is free, or that is still as it was `seen` by one who found it expired. None where it is not."""
        ...

    def beat(self, lease: Lease, *, at: float) -> Lease | None:
        """Note that the holder lives. None where another has it now."""
        ...

    def release(self, lease: Lease) -> bool:
        """Let go of it. False where another has it now."""
        ...

    def get(self, name: str) -> Lease | None:
        """The lease as it is; `holder` is None where it is free."""
        ...

    def list(self, prefix: str = "") -> tuple[Lease, ...]:
        """Leases by name."""
        ...


class PoolStore(Protocol):
    """Pools of slots. A slot belongs to a step attempt of a live run and is gone with the run at the latest."""

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
        """Take a slot, or note that the step waits for one. One that it has already is given again.

        The higher priority goes first, then who waits longer. False, too, where the run is over, or the `worker` that asks is not its latest.
        """
        ...

    def release(self, pool: str, run_id: str, step_key: str, *, worker: int | None = None) -> None:
        """Give a slot back, or stop waiting for one. Nothing happens where the `worker` that says so is not the latest: the slot is another's."""
        ...

    def set_limit(self, pool: str, limit: int | None) -> None:
        """How many slots it has; None: the default of the instance."""
        ...

    def get(self, pool: str) -> Pool | None:
        """A pool with who holds and who waits; None where it has no limit, holder or waiter."""
        ...

    def list(self) -> tuple[Pool, ...]:
        """Every pool, by name."""
        ...


class History(Protocol):
    """What is deleted of runs that are over. The state of assets, partitions and checks is not touched by any of this.

    Once the events of a run are deleted, nothing tells that they were there: what is delivered again is new.
    """

    def over(self, *, before: float, cursor: str | None = None, limit: int = 500) -> Page[str]:
        """The ids of runs that came to an end and whose last change was before `before`, in the order of that change."""
        ...

    def forget_events(self, run_ids: Sequence[str]) -> int:
        """Delete the events of runs, in one transaction. Returns how many there were."""
        ...

    def forget_reports(self, *, before: float, limit: int = 1000) -> int:
        """Delete the oldest events that no run gave, up to `limit` of those before `before`, in one transaction. Returns how many."""
        ...

    def drop_segments(self, *, before: float) -> int:
        """Drop those stretches of the log whole of which every event is of a run that `over` gives, or is a report before `before`.

        Returns how many. Takes no longer for long stretches. Where the log is not kept in stretches, there are none.
        """
        ...


class Storage(Protocol):
    """All ports of one store, as the composition root hands them out."""

    @property
    def runs(self) -> RunStore: ...
    @property
    def events(self) -> EventLog: ...
    @property
    def assets(self) -> AssetStore: ...
    @property
    def checks(self) -> CheckStore: ...
    @property
    def dynamic_partitions(self) -> DynamicPartitionStore: ...
    @property
    def snapshots(self) -> SnapshotStore: ...
    @property
    def keyvalue(self) -> KeyValue: ...
    @property
    def wakeups(self) -> Wakeups: ...
    @property
    def queue(self) -> RunQueue: ...
    @property
    def leases(self) -> LeaseStore: ...
    @property
    def pools(self) -> PoolStore: ...
    @property
    def history(self) -> History: ...

    def close(self) -> None:
        """Let go of files and connections. Using the ports afterwards is an error."""
        ...

    def describe(self) -> Mapping[str, str]:
        """Facts for ``weft instance info``: kind, place, schema version. No secrets."""
        ...
