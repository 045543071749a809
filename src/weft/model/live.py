"""Runs that are not over: those that wait in the queue, and those that have a worker. Values that the queue and the monitor decide over.

A *lane* is what the limits of the queue can tell apart: runs of one lane are blocked and let go by the same limits, so the queue looks at the
first few runs of each lane and never at all that wait.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class Lane(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the limits see of a run."""

    # The tags that some limit names, sorted.
    tags: tuple[tuple[str, str], ...] = ()
    # The pools of its steps, sorted.
    pools: tuple[str, ...] = ()
    # Where every step that could run first needs a pool: these pools, sorted.
    first_pools: tuple[str, ...] = ()
    # Whose share of the queue it counts towards; empty where shares are not asked for.
    share: str = ""


class QueueEntry(Struct, frozen=True, kw_only=True):
    """How a run waits. The higher priority first, then the older."""

    lane: Lane
    priority: int = 0


class RequestKey(Struct, frozen=True, kw_only=True):
    """A name for a request, so that the same one made twice makes one run. `key` counts within `scope`, until `expires_at` (None: for ever)."""

    scope: str
    key: str
    expires_at: float | None = None


class Submitted(Struct, frozen=True, kw_only=True):
    """What came of a submission: the run that now stands for the request, and whether this call made it."""

    run_id: str
    is_new: bool


class DuplicateRequest(Struct, frozen=True, kw_only=True):
    """A request that was swallowed because its key was taken, and the run that it matched."""

    id: int
    scope: str
    key: str
    run_id: str
    at: float


class WorkerPlace(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where the worker of a run is, for whoever has to find or end it."""

    launcher: str
    host: str = ""
    pid: int | None = None
    # When the process began, in ticks of the kernel since boot: with the pid, the identity of a process.
    pid_started: int | None = None
    # The boot that ticks count from.
    boot_id: str = ""
    # What other launchers know a worker by.
    handle: str = ""


class LiveRun(Struct, frozen=True, kw_only=True):
    """A run that is not over. `token` counts its workers: 0 before the first; whoever has a lower one is fenced off."""

    run_id: str
    is_queued: bool
    lane: Lane
    priority: int
    enqueued_at: float
    token: int = 0
    launched_at: float | None = None
    worker: WorkerPlace | None = None
    # Heartbeats of the worker so far; who watches compares two looks at it by a clock of its own.
    beats: int = 0
    beat_at: float | None = None


class Lease(Struct, frozen=True, kw_only=True):
    """Who may do something that only one may do. `token` grows with each holder; `beats` with each heartbeat."""

    name: str
    holder: str | None
    token: int
    beats: int
    acquired_at: float
    beat_at: float


class PoolSlot(Struct, frozen=True, kw_only=True):
    """A step attempt that holds a slot of a pool, or waits for one."""

    pool: str
    run_id: str
    step_key: str
    since: float
    priority: int = 0


class Pool(Struct, frozen=True, kw_only=True):
    """A pool. `limit` is None where nobody set one and the default of the instance holds."""

    name: str
    limit: int | None
    holders: tuple[PoolSlot, ...] = ()
    waiters: tuple[PoolSlot, ...] = ()


class LaneState(Struct, frozen=True, kw_only=True):
    """A lane with the runs that are in it: how many have a worker, and the first of those that wait."""

    id: int
    lane: Lane
    active: int = 0
    has_queued: bool = False


class PoolUse(Struct, frozen=True, kw_only=True):
    """How full a pool is. `limit` is None where nobody set one."""

    limit: int | None
    used: int = 0
    waiting: int = 0


class QueueView(Struct, frozen=True, kw_only=True):
    """What the queue decides over: one consistent look."""

    lanes: tuple[LaneState, ...]
    pools: Mapping[str, PoolUse]


class QueuedHead(Struct, frozen=True, kw_only=True):
    """One of the first runs of a lane."""

    run_id: str
    lane_id: int
    priority: int
    enqueued_at: float
