"""Slots of pools around the attempts of a run."""

from __future__ import annotations

from typing import Any

import pytest

from weft.errors import RunNotFoundError
from weft.execution.slots import LOOK_SECONDS, StepSlots
from weft.model.plan import RunPlan, StepPlan
from weft.model.run import Run, RunStatus
from weft.storage.memory import MemoryStorage
from weft.testing.clock import VirtualClock


def step(key: str, pool: str | None = "narrow", priority: int = 0) -> StepPlan:
    return StepPlan(key=key, op_name=key, pool=pool, tags={"weft/priority": str(priority)})


class Flaky:
    """Pools that can be away."""

    def __init__(self, pools: Any) -> None:
        self._pools = pools
        self.error: Exception | None = None

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            if self.error is not None:
                raise self.error
            return getattr(self._pools, name)(*arguments, **named)

        return call


class World:
    """Two runs and a pool with one slot."""

    def __init__(self) -> None:
        self.storage = MemoryStorage()
        self.clock = VirtualClock()
        self.pools = Flaky(self.storage.pools)
        for run_id in ("run-a", "run-b"):
            run = Run(id=run_id, job_name="job", status=RunStatus.NOT_STARTED, created_at=0.0)
            self.storage.runs.create(run, RunPlan(job_name="job", steps=()))
        self.a, self.b = self.slots("run-a"), self.slots("run-b")

    def slots(self, run_id: str) -> StepSlots:
        return StepSlots(self.pools, self.storage.wakeups, run_id, self.clock, default_limit=1)

    @property
    def holders(self) -> list[tuple[str, str]]:
        pool = self.storage.pools.get("narrow")
        return [] if pool is None else [(slot.run_id, slot.step_key) for slot in pool.holders]

    @property
    def waiters(self) -> list[tuple[str, str]]:
        pool = self.storage.pools.get("narrow")
        return [] if pool is None else [(slot.run_id, slot.step_key) for slot in pool.waiters]


@pytest.fixture
def world() -> World:
    return World()


def test_a_step_without_a_pool_needs_no_slot(world: World) -> None:
    assert world.a.claim(step("x", pool=None))
    assert world.holders == []


def test_one_step_has_the_slot_and_the_other_waits(world: World) -> None:
    assert world.a.claim(step("x"))
    assert not world.b.claim(step("y"))
    assert (world.holders, world.waiters) == ([("run-a", "x")], [("run-b", "y")])
    assert world.b.full == {"narrow"}


def test_a_slot_that_is_given_back_goes_to_the_next(world: World) -> None:
    world.a.claim(step("x"))
    world.b.claim(step("y"))
    world.a.release("x")
    assert world.b.claim(step("y"))
    assert world.holders == [("run-b", "y")]


def test_claiming_again_gives_the_same_slot(world: World) -> None:
    assert world.a.claim(step("x"))
    assert world.a.claim(step("x"))
    assert world.slots("run-a").claim(step("x")), "another worker of the same run"
    assert world.holders == [("run-a", "x")]


def test_a_full_pool_is_asked_again_after_a_while(world: World) -> None:
    world.a.claim(step("x"))
    world.b.claim(step("y"))
    world.b.look()
    assert world.b.full == {"narrow"}
    assert world.b.seconds_to_look() == LOOK_SECONDS
    world.clock.advance(LOOK_SECONDS)
    world.b.look()
    assert world.b.full == set()
    assert world.b.seconds_to_look() is None


def test_who_waits_hears_of_a_free_slot(world: World) -> None:
    world.a.claim(step("x"))
    world.b.claim(step("y"))
    world.a.release("x")
    world.b.wait(10)
    assert world.b.full == set()


def test_closing_gives_back_what_is_held_and_waited_for(world: World) -> None:
    world.a.claim(step("x"))
    world.b.claim(step("y"))
    world.b.close()
    assert world.waiters == []
    world.a.close()
    assert world.holders == []


def test_a_step_that_cannot_begin_now_does_not_keep_others_waiting(world: World) -> None:
    third = world.slots("run-a")
    world.a.claim(step("x"))
    world.b.claim(step("y"))
    world.b.wait_only_for(lambda _: False)
    world.a.release("x")
    assert third.claim(step("z"))


def test_storage_that_is_away_counts_as_full(world: World) -> None:
    world.pools.error = OSError("away")
    assert not world.a.claim(step("x"))
    assert world.a.full == {"narrow"}
    world.pools.error = None
    assert world.a.claim(step("x"))


def test_a_slot_is_given_back_when_storage_is_there_again(world: World) -> None:
    world.a.claim(step("x"))
    world.pools.error = OSError("away")
    world.a.release("x")
    assert world.holders == [("run-a", "x")]
    world.pools.error = None
    world.a.close()
    assert world.holders == []


def test_a_slot_that_is_owed_and_claimed_again_stays(world: World) -> None:
    world.a.claim(step("x"))
    world.pools.error = OSError("away")
    world.a.release("x")
    world.pools.error = None
    assert world.a.claim(step("x"))
    world.a.release("other")
    assert world.holders == [("run-a", "x")]


def test_what_cannot_pass_is_raised(world: World) -> None:
    world.pools.error = RunNotFoundError("gone")
    with pytest.raises(RunNotFoundError):
        world.a.claim(step("x"))
