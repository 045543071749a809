"""How many steps go on at once, in which order, and who waits for whom."""

from __future__ import annotations

import time

import pytest
from tests.conformance.executors.world import World, until

from weft.execution.slots import POOLS_TOPIC

NARROW = "narrow"


def most_at_once(world: World) -> int:
    return max(int(line) for line in world.lines("concurrent"))


@pytest.mark.isolated
@pytest.mark.everywhere
def test_steps_run_at_the_same_time(world: World) -> None:
    assert world.run("together", at_once=2).status == "SUCCESS"


@pytest.mark.isolated
@pytest.mark.parametrize("limit", [1, 2])
def test_no_more_steps_run_at_once_than_configured(world: World, limit: int) -> None:
    assert world.run("four_busy", at_once=limit).status == "SUCCESS"
    assert most_at_once(world) == limit


@pytest.mark.isolated
def test_a_tag_limits_the_steps_that_have_it(world: World) -> None:
    limits = [{"key": "database", "limit": 1}]
    assert world.run("tagged_by_value", tag_concurrency_limits=limits).status == "SUCCESS"
    assert most_at_once(world) == 1


@pytest.mark.isolated
def test_a_tag_with_a_value_limits_only_that(world: World) -> None:
    limits = [{"key": "database", "value": "x", "limit": 1}]
    assert world.run("tagged", tag_concurrency_limits=limits).status == "SUCCESS"
    assert most_at_once(world) == 1


@pytest.mark.isolated
def test_a_limit_for_another_value_limits_nothing(world: World) -> None:
    limits = [{"key": "database", "value": "other", "limit": 1}]
    assert world.run("tagged", tag_concurrency_limits=limits).status == "SUCCESS"
    assert most_at_once(world) >= 2


@pytest.mark.isolated
def test_each_value_of_a_tag_can_have_a_limit_of_its_own(world: World) -> None:
    limits = [{"key": "database", "value": {"applyLimitPerUniqueValue": True}, "limit": 1}]
    assert world.run("tagged_by_value", tag_concurrency_limits=limits).status == "SUCCESS"
    assert most_at_once(world) == 2


def test_steps_with_a_higher_priority_go_first(world: World) -> None:
    assert world.run("with_priorities", at_once=1).status == "SUCCESS"
    assert world.lines("began") == ["highest", "high", "middle", "low"]


# --- pools -----------------------------------------------------------------------------------------------------------


def test_steps_of_a_pool_take_turns(world: World) -> None:
    assert world.run("pooled_steps").status == "SUCCESS"
    assert most_at_once(world) == 1
    assert len(world.lines("began")) == 3


def test_a_run_that_is_over_holds_no_slot_and_waits_for_none(world: World) -> None:
    world.run("pooled_steps")
    pool = world.instance.pools.get(NARROW)
    assert pool is None or (pool.holders, pool.waiters) == ((), ())


def test_a_failed_step_gives_its_slot_back(world: World) -> None:
    world.run("pooled_after_failure")
    assert world.lines("began") == ["b"]


@pytest.mark.isolated
def test_a_killed_step_gives_its_slot_back(world: World) -> None:
    world.run("pooled_after_crash")
    assert world.lines("began") == ["b"]


def test_a_step_that_waits_for_a_retry_holds_no_slot(world: World) -> None:
    result = world.run("pooled_retry")
    assert result.status == "SUCCESS"
    kinds = [(event.step_key, event.type) for event in result.events]
    assert kinds.index(("b", "STEP_START")) < kinds.index(("a", "STEP_RESTARTED"))


def _hold(world: World, run_id: str) -> None:
    """Another run has the only slot."""
    granted = world.instance.pools.claim(NARROW, run_id, "other", priority=0, default_limit=1, at=time.time())
    assert granted


def test_a_step_waits_for_the_slot_of_another_run_while_others_go_on(world: World) -> None:
    holder = world.start("cancelled")
    world.wait_for("here")
    _hold(world, holder.run_id)
    waiting = world.start("pooled_and_free")
    world.wait_for("free")
    until(lambda: True if _waiters(world) == ["pooled"] else None)
    assert world.lines("began") == []
    world.instance.pools.release(NARROW, holder.run_id, "other")
    world.instance.wakeups.notify(POOLS_TOPIC)
    assert waiting.result().status == "SUCCESS"
    assert world.lines("began") == ["pooled"]
    holder.interrupt()
    holder.result()


def test_a_run_that_waits_for_a_slot_can_be_cancelled(world: World) -> None:
    holder = world.start("cancelled")
    world.wait_for("here")
    _hold(world, holder.run_id)
    waiting = world.start("pooled_steps")
    until(lambda: True if _waiters(world) else None)
    waiting.interrupt()
    assert waiting.result().status == "CANCELED"
    assert _waiters(world) == []
    holder.interrupt()
    holder.result()


def test_a_cancelled_run_gives_its_slots_back(world: World) -> None:
    running = world.start("pooled_endless")
    world.wait_for("here")
    running.interrupt()
    assert running.result().status == "CANCELED"
    assert world.run("pooled_steps").status == "SUCCESS"


def _waiters(world: World) -> list[str]:
    pool = world.instance.pools.get(NARROW)
    return [] if pool is None else [slot.step_key for slot in pool.waiters]
