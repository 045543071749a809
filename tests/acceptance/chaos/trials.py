"""One trial: a run, a fault at a random moment, and what must hold whatever happened."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping

from tests.acceptance.chaos.world import World, is_alive, patiently, signalled

from weft.model.events import CONTROL_SOURCE, StoredEvent
from weft.model.run import FailureReason, Run, RunStatus
from weft.processes.tree import ProcessId, identify
from weft.runs.cancel import cancel_run

STEPS = ("first", "second", "third")
MOST_SECONDS_BEFORE = 0.5
"""A run takes about 0.3 seconds when it is warm: the fault comes before, during or after it."""
GONE_WITHIN_SECONDS = 5.0

SUCCESS, FAILURE, CANCELED = RunStatus.SUCCESS, RunStatus.FAILURE, RunStatus.CANCELED
Outcome = tuple[RunStatus, FailureReason | None]
WELL: Outcome = (SUCCESS, None)


class Fault:
    """Something that happens to a run.

    Args:
        do: does it; whether it hit anything.
        allowed: how the run may end where it did.
    """

    def __init__(self, do: Callable[[World, str, random.Random], bool], *allowed: Outcome) -> None:
        self.do = do
        self.allowed = frozenset({WELL, *allowed})


def kill_worker(world: World, run_id: str, dice: random.Random) -> bool:
    """kill -9."""
    return signalled(world.worker(run_id), signal.SIGKILL)


def kill_step(world: World, run_id: str, dice: random.Random) -> bool:
    """kill -9 of the process that began a step last, if it is still there."""
    return signalled(world.step(run_id), signal.SIGKILL)


def freeze_worker(world: World, run_id: str, dice: random.Random) -> bool:
    """SIGSTOP."""
    return signalled(world.worker(run_id), signal.SIGSTOP)


def terminate_worker(world: World, run_id: str, dice: random.Random) -> bool:
    """SIGTERM, as from the machine that shuts down."""
    return signalled(world.worker(run_id), signal.SIGTERM)


def kill_daemon(world: World, run_id: str, dice: random.Random) -> bool:
    """kill -9 of one daemon."""
    dice.choice(world.daemons).kill()
    return True


def kill_daemons(world: World, run_id: str, dice: random.Random) -> bool:
    """kill -9 of all daemons; others come."""
    for daemon in world.daemons:
        daemon.kill()
    for daemon in world.daemons:
        daemon.wait()
    world.repair()
    return True


def freeze_daemon(world: World, run_id: str, dice: random.Random) -> bool:
    """A daemon that is stopped for longer than its lease, and then goes on as if nothing had been."""
    daemon = dice.choice(world.daemons)
    daemon.send_signal(signal.SIGSTOP)
    time.sleep(2.5)
    daemon.send_signal(signal.SIGCONT)
    return True


def kill_zygotes(world: World, run_id: str, dice: random.Random) -> bool:
    """kill -9 of what workers are forked from."""
    hits = [signalled(zygote, signal.SIGKILL) for zygote in world.zygotes()]
    return any(hits)


def kill_zygotes_and_worker(world: World, run_id: str, dice: random.Random) -> bool:
    """Nobody is left who sees how the worker ended."""
    worker = world.worker(run_id)
    kill_zygotes(world, run_id, dice)
    return signalled(worker, signal.SIGKILL)


def kill_daemons_and_worker(world: World, run_id: str, dice: random.Random) -> bool:
    """The machine loses all of weft at once."""
    worker = world.worker(run_id)
    for daemon in world.daemons:
        daemon.kill()
    hit = signalled(worker, signal.SIGKILL)
    for daemon in world.daemons:
        daemon.wait()
    world.repair()
    return hit


def cancel(world: World, run_id: str, dice: random.Random) -> bool:
    """A user cancels."""
    patiently(lambda: cancel_run(run_id, world.instance))
    return True


def cancel_by_force(world: World, run_id: str, dice: random.Random) -> bool:
    """A user cancels, and does not want to wait."""
    patiently(lambda: cancel_run(run_id, world.instance, is_forced=True))
    return True


def cancel_and_kill(world: World, run_id: str, dice: random.Random) -> bool:
    """A user cancels a run whose worker dies in that moment."""
    worker = world.worker(run_id)
    patiently(lambda: cancel_run(run_id, world.instance))
    signalled(worker, signal.SIGKILL)
    return True


def take_database_away(world: World, run_id: str, dice: random.Random) -> bool:
    """The database is stopped, in order or not, and comes back."""
    with world.database_away(dice):
        time.sleep(dice.uniform(0.1, 2.5))
    return True


def take_database_away_and_kill(world: World, run_id: str, dice: random.Random) -> bool:
    """The worker dies while the database is away: what it had done is in its journal only."""
    worker = world.worker(run_id)
    with world.database_away(dice):
        hit = signalled(worker, signal.SIGKILL)
        time.sleep(dice.uniform(0.1, 1.5))
    return hit


def nothing(world: World, run_id: str, dice: random.Random) -> bool:
    """All is well."""
    return True


SIGNALED, LOST = (FAILURE, FailureReason.SIGNALED), (FAILURE, FailureReason.LOST)

FAULTS: Mapping[str, Fault] = {
    "nothing": Fault(nothing),
    "kill_worker": Fault(kill_worker, SIGNALED),
    "kill_step": Fault(kill_step, SIGNALED, (FAILURE, FailureReason.STEP_FAILED)),
    "freeze_worker": Fault(freeze_worker, LOST),
    "terminate_worker": Fault(terminate_worker, (CANCELED, None), SIGNALED),
    "kill_daemon": Fault(kill_daemon),
    "kill_daemons": Fault(kill_daemons),
    "freeze_daemon": Fault(freeze_daemon),
    "kill_zygotes": Fault(kill_zygotes),
    "kill_zygotes_and_worker": Fault(kill_zygotes_and_worker, LOST, SIGNALED),
    "kill_daemons_and_worker": Fault(kill_daemons_and_worker, LOST, SIGNALED),
    "cancel": Fault(cancel, (CANCELED, None)),
    "cancel_by_force": Fault(cancel_by_force, (CANCELED, None)),
    "cancel_and_kill": Fault(cancel_and_kill, (CANCELED, None)),
    "take_database_away": Fault(take_database_away),
    "take_database_away_and_kill": Fault(take_database_away_and_kill, SIGNALED, LOST),
}


def trial(world: World, name: str, dice: random.Random) -> str:
    """Carry one trial out; how the run ended, in a word or two."""
    fault = FAULTS[name]
    run_id = world.submit(in_processes=dice.random() < 0.5)
    time.sleep(dice.uniform(0.0, MOST_SECONDS_BEFORE))
    hit = fault.do(world, run_id, dice)
    run = world.finished(run_id)
    world.repair()
    ended = (run.status, run.failure_reason)
    allowed = fault.allowed if hit else {WELL}
    assert ended in allowed, f"it ended as {ended}, not as one of {sorted(map(str, allowed))}"
    check_run(world, run)
    return run.status.value if run.failure_reason is None else f"{run.status.value} {run.failure_reason.value}"


def check_run(world: World, run: Run) -> None:
    """What must hold of every run that is over: nothing lost, nothing twice, nothing left."""
    events = _events(world, run.id)
    _nothing_is_lost(run, events)
    _nothing_is_doubled(run, events, _effects(world, run.id))
    _nothing_is_left(world, run.id)


def _events(world: World, run_id: str) -> list[StoredEvent]:
    found: list[StoredEvent] = []
    while page := patiently(lambda: world.instance.events.read(run_id, after_id=found[-1].id if found else 0)):
        found += page
    return found


def _effects(world: World, run_id: str) -> list[tuple[str, str, int]]:
    path = world.effects / run_id
    if not path.exists():
        return []
    lines = [line.split() for line in path.read_text().splitlines()]
    return [(step, what, int(pid)) for step, what, pid in lines]


def _nothing_is_lost(run: Run, events: list[StoredEvent]) -> None:
    by_source: dict[int, list[int]] = {}
    for one in events:
        by_source.setdefault(one.event.source, []).append(one.event.seq)
    for source, numbers in by_source.items():
        assert numbers == list(range(1, len(numbers) + 1)), f"the events of source {source} are {numbers}"
    succeeded = {one.event.step_key for one in events if one.event.type == "STEP_SUCCESS"}
    if run.status is SUCCESS:
        assert succeeded == set(STEPS), f"it succeeded with {succeeded}"
    last = [one.event.type for one in events if one.event.source in (CONTROL_SOURCE, run.worker)]
    assert any(kind in last for kind in ("RUN_SUCCESS", "RUN_FAILURE", "RUN_CANCELED"))


def _nothing_is_doubled(run: Run, events: list[StoredEvent], effects: list[tuple[str, str, int]]) -> None:
    successes = Counter(one.event.step_key for one in events if one.event.type == "STEP_SUCCESS")
    assert all(count == 1 for count in successes.values()), f"steps succeeded more than once: {successes}"
    # What has succeeded is never begun again, by whoever it may be.
    done: set[str | None] = set()
    for one in sorted(events, key=lambda one: (one.event.source, one.event.seq)):
        if one.event.type == "STEP_START":
            assert one.event.step_key not in done, f"{one.event.step_key} was begun again after its success"
        elif one.event.type == "STEP_SUCCESS":
            done.add(one.event.step_key)
    begun = Counter(step for step, what, _ in effects if what == "begins")
    assert all(count <= max(1, run.worker) for count in begun.values()), f"steps were begun {begun}"
    # No two processes at the same step at the same time, but for one that was killed or frozen.
    for step in STEPS:
        pids = [pid for name, what, pid in effects if name == step and what == "begins"]
        assert len(set(pids)) == len(pids), f"{step} was begun twice by one process"


def _nothing_is_left(world: World, run_id: str) -> None:
    deadline = time.monotonic() + GONE_WITHIN_SECONDS
    pids = {pid for _, _, pid in _effects(world, run_id)}
    while left := [pid for pid in pids if is_alive(ProcessId(pid, 0)) and is_alive(identify(pid))]:
        assert time.monotonic() < deadline, f"processes are left over: {left}"
        time.sleep(0.02)
    assert patiently(lambda: world.instance.queue.get(run_id)) is None
    pool = patiently(lambda: world.instance.pools.get("narrow"))
    assert pool is None or not [slot for slot in (*pool.holders, *pool.waiters) if slot.run_id == run_id]
