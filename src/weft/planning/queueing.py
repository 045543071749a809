"""Which waiting runs go, and why the others wait. Pure: values in, values out.

The limits see a run as its *lane* (`weft.model.live.Lane`): all runs of a lane are let go or held back by the same rules. So a decision weighs lanes,
whatever the number of runs that wait, and a lane that is blocked never stands in the way of another.

- ``max_concurrent_runs``: at most so many runs have a worker at a time. None: no such limit; 0: nothing goes.
- A tag limit: at most so many at a time of the runs with that tag (of any value, of one value, or of each value for itself).
- A pool, where it counts runs (granularity ``run``): at most as many runs as it has slots. Where it counts steps (granularity ``op``), a run waits
  only while each of the steps that it could begin with needs a pool that is full.
- Among what may go: the higher priority first; of one priority, with fair shares, whoever has the fewest runs; then the oldest.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from weft.model.live import Lane, LaneState, LiveRun, PoolUse, QueuedHead, QueueEntry, QueueView
from weft.model.plan import RunPlan, StepPlan, upstream_refs
from weft.model.run import RunTag, native_tag

MOST_AT_ONCE = 100
"""Runs that one decision lets go: more wait for the next, a moment later."""


HIGHEST_PRIORITY = 1_000_000_000
"""Any higher one counts as this: databases store it in 32 bits."""


class TagLimit(Struct, frozen=True, kw_only=True):
    """At most `limit` runs at a time among those with the tag `key`.

    `value` None: of any value, together; or, with `per_value`, for each value apart.
    """

    key: str
    limit: int
    value: str | None = None
    per_value: bool = False


class QueueLimits(Struct, frozen=True, kw_only=True):
    """The rules of the queue, from the settings of the instance."""

    max_concurrent_runs: int | None = 10
    tag_limits: tuple[TagLimit, ...] = ()
    pool_granularity: Literal["op", "run"] = "op"
    # Slots of a pool that nobody set a limit for; None: no limit.
    default_pool_limit: int | None = None
    # With granularity "op": this many more runs may go than a full pool could serve at once.
    pool_buffer: int = 0
    # The tag whose values share the queue fairly; None: first come, first served.
    fair_share: str | None = None

    def fingerprint(self) -> str:
        """What lanes depend on, as text: where it changes, live runs must be put into lanes anew."""
        return "|".join([*sorted({limit.key for limit in self.tag_limits}), f"share={self.fair_share or ''}"])

    def lane_of_tags(self, tags: Mapping[str, str], before: Lane) -> Lane:
        """The lane of a run with these tags and the pools of `before`."""
        keys = {native_tag(limit.key) for limit in self.tag_limits}
        return Lane(
            tags=tuple(sorted((key, tags[key]) for key in keys if key in tags)),
            pools=before.pools,
            first_pools=before.first_pools,
            share=tags.get(self.fair_share, "") if self.fair_share is not None else "",
        )

    # --- the policy of the queue (`weft.storage.ports.QueuePolicy`) -----------------------------------------------------

    def open_lanes(self, view: QueueView) -> Mapping[int, int]:
        """See `weft.storage.ports.QueuePolicy.open_lanes`."""
        tally = _Tally(self, view)
        found: dict[int, int] = {}
        for state in view.lanes:
            if state.has_queued and (most := tally.room(state.lane)) > 0:
                found[state.id] = most
        return found

    def choose(self, view: QueueView, heads: Sequence[QueuedHead]) -> Sequence[QueuedHead]:
        """See `weft.storage.ports.QueuePolicy.choose`."""
        tally = _Tally(self, view)
        lanes = {state.id: state.lane for state in view.lanes}
        waiting: dict[int, list[QueuedHead]] = {}
        for head in heads:
            waiting.setdefault(head.lane_id, []).append(head)
        for line in waiting.values():
            line.reverse()
        # (priority turned, runs of the share, age, tie) of the first of each lane.
        order = [self._place(lanes[id], line[-1], tally) for id, line in waiting.items()]
        heapq.heapify(order)
        chosen: list[QueuedHead] = []
        while order and len(chosen) < MOST_AT_ONCE:
            place = heapq.heappop(order)
            lane_id = place[-1]
            lane, line = lanes[lane_id], waiting[lane_id]
            now = self._place(lane, line[-1], tally)
            if order and now > order[0]:  # its share has grown since
                heapq.heappush(order, now)
                continue
            if tally.room(lane) <= 0:
                continue  # no other of this lane can go in this decision
            chosen.append(line.pop())
            tally.add(lane)
            if line:
                heapq.heappush(order, self._place(lane, line[-1], tally))
        return chosen

    def _place(self, lane: Lane, head: QueuedHead, tally: _Tally) -> tuple[int, int, float, str, int]:
        share = tally.shares.get(lane.share, 0) if self.fair_share is not None else 0
        return (-head.priority, share, head.enqueued_at, head.run_id, head.lane_id)

    # --- explanations ------------------------------------------------------------------------------------------------

    def reasons(self, view: QueueView, lane: Lane) -> tuple[str, ...]:
        """Why a run of this lane does not go; empty where nothing holds it back but those in front of it."""
        return tuple(_Tally(self, view).blocks(lane))

    def applies(self, limit: TagLimit, lane: Lane) -> str | None:
        """What a tag limit counts a lane under; None where it does not count it."""
        value = dict(lane.tags).get(native_tag(limit.key))
        if value is None or (limit.value is not None and limit.value != value):
            return None
        return value if limit.value is not None or limit.per_value else "*"


class _Tally:
    """What has a worker, as the limits count it."""

    def __init__(self, limits: QueueLimits, view: QueueView) -> None:
        self._limits = limits
        self._pools = view.pools
        self.active = 0
        self._by_tag: dict[tuple[int, str], int] = {}
        self._by_pool: dict[str, int] = {}
        self._fresh: dict[str, int] = {}
        self.shares: dict[str, int] = {}
        for state in view.lanes:
            self._count(state)

    def _count(self, state: LaneState) -> None:
        if state.active:
            self._add(state.lane, state.active)

    def _add(self, lane: Lane, count: int) -> None:
        self.active += count
        for number, limit in enumerate(self._limits.tag_limits):
            under = self._limits.applies(limit, lane)
            if under is not None:
                self._by_tag[number, under] = self._by_tag.get((number, under), 0) + count
        for pool in lane.pools:
            self._by_pool[pool] = self._by_pool.get(pool, 0) + count
        self.shares[lane.share] = self.shares.get(lane.share, 0) + count

    def add(self, lane: Lane) -> None:
        """Count a run that goes now."""
        self._add(lane, 1)
        for pool in lane.first_pools:
            self._fresh[pool] = self._fresh.get(pool, 0) + 1

    def room(self, lane: Lane) -> int:
        """How many runs of this lane may go now."""
        room = MOST_AT_ONCE
        most = self._limits.max_concurrent_runs
        if most is not None:
            room = min(room, most - self.active)
        for number, limit in enumerate(self._limits.tag_limits):
            under = self._limits.applies(limit, lane)
            if under is not None:
                room = min(room, limit.limit - self._by_tag.get((number, under), 0))
        if self._limits.pool_granularity == "run":
            for pool in lane.pools:
                slots = self._slots(pool)
                if slots is not None:
                    room = min(room, slots - self._by_pool.get(pool, 0))
        elif lane.first_pools:
            free = [self._free(pool) for pool in lane.first_pools]
            if None not in free:
                room = min(room, max(one for one in free if one is not None))
        return room

    def blocks(self, lane: Lane) -> Iterable[str]:
        """The limits that hold this lane back, in words."""
        most = self._limits.max_concurrent_runs
        if most is not None and self.active >= most:
            yield f"{self.active} of {most} runs at a time are going on (queue.max_concurrent_runs)"
        for number, limit in enumerate(self._limits.tag_limits):
            under = self._limits.applies(limit, lane)
            if under is None:
                continue
            count = self._by_tag.get((number, under), 0)
            if count >= limit.limit:
                what = limit.key if under == "*" else f"{limit.key}={under}"
                yield f"{count} of {limit.limit} runs with the tag {what} are going on (queue.tag_limits)"
        if self._limits.pool_granularity == "run":
            for pool in lane.pools:
                slots = self._slots(pool)
                if slots is not None and self._by_pool.get(pool, 0) >= slots:
                    yield f"the pool {pool} has {self._by_pool.get(pool, 0)} of {slots} runs"
        elif lane.first_pools and all(
            (free := self._free(pool)) is not None and free <= 0 for pool in lane.first_pools
        ):
            full = ", ".join(self._pool_text(pool) for pool in lane.first_pools)
            yield f"each step that it could begin with needs a full pool: {full}"

    def _slots(self, pool: str) -> int | None:
        use = self._pools.get(pool)
        return use.limit if use is not None and use.limit is not None else self._limits.default_pool_limit

    def _free(self, pool: str) -> int | None:
        """Steps that the pool could still take, those of runs that go in this decision counted; None: it has no limit."""
        slots = self._slots(pool)
        if slots is None:
            return None
        use = self._pools.get(pool) or PoolUse(limit=None)
        return slots + self._limits.pool_buffer - use.used - use.waiting - self._fresh.get(pool, 0)

    def _pool_text(self, pool: str) -> str:
        use = self._pools.get(pool) or PoolUse(limit=None)
        return f"{pool} ({use.used} of {self._slots(pool)} in use, {use.waiting} waiting)"


def queue_entry(tags: Mapping[str, str], plan: RunPlan, limits: QueueLimits) -> QueueEntry:
    """How a run with these tags and this plan waits. A priority that is no whole number counts as 0."""
    selected = None if plan.selected is None else set(plan.selected)
    steps = [step for step in plan.steps if selected is None or step.key in selected]
    pools = tuple(sorted({step.pool for step in steps if step.pool is not None}))
    lane = limits.lane_of_tags(tags, Lane(pools=pools, first_pools=_first_pools(steps) if pools else ()))
    return QueueEntry(lane=lane, priority=priority_of(tags))


def priority_of(tags: Mapping[str, str]) -> int:
    """The priority of a run, between -`HIGHEST_PRIORITY` and it; 0 where its tag is none or no whole number."""
    try:
        return max(-HIGHEST_PRIORITY, min(int(tags.get(RunTag.PRIORITY, "0")), HIGHEST_PRIORITY))
    except ValueError:
        return 0


def _first_pools(steps: Sequence[StepPlan]) -> tuple[str, ...]:
    """The pools of the steps that can run first, if each of them needs one."""
    keys = {step.key for step in steps}
    first = [
        step
        for step in steps
        if not any(
            ref.run_id is None and ref.step_key in keys for item in step.inputs for ref in upstream_refs(item.source)
        )
    ]
    pools = {step.pool for step in first}
    return () if None in pools else tuple(sorted(pool for pool in pools if pool is not None))


class Waiting(Struct, frozen=True, kw_only=True):
    """Why a run waits: limits that hold it back, how many go before it, and whether anybody is there to let it go."""

    run_id: str
    reasons: tuple[str, ...]
    position: int | None = None


def explain(run: LiveRun, view: QueueView, limits: QueueLimits, *, ahead: int | None, has_daemon: bool) -> Waiting:
    """Why a run in the queue waits; there is always at least one reason.

    Args:
        run: the run.
        view: the queue as it is.
        limits: its rules.
        ahead: how many runs are in front of it by priority and age; None: more than anybody counted.
        has_daemon: whether a daemon that serves the queue is alive.
    """
    reasons = list(limits.reasons(view, run.lane))
    if not has_daemon:
        reasons.insert(0, "no daemon is alive that serves the queue (start one: weft daemon run)")
    if not reasons and ahead:
        reasons.append(f"{ahead} {'run is' if ahead == 1 else 'runs are'} in front of it")
    if not reasons:
        reasons.append("it is its turn: the next decision of the queue lets it go")
    return Waiting(run_id=run.run_id, reasons=tuple(reasons), position=None if ahead is None else ahead + 1)
