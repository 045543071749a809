"""Runs that wait and runs that have workers, leases, pools: the same on every storage."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import pytest

from weft.errors import StorageError
from weft.model.events import (
    CONTROL_SOURCE,
    EngineEvent,
    Event,
    RunCanceled,
    RunFailed,
    RunStarted,
    RunSucceeded,
    StepStarted,
)
from weft.model.live import Lane, QueueEntry, RequestKey, WorkerPlace
from weft.model.plan import RunPlan
from weft.model.run import FailureReason, Run, RunStatus
from weft.planning.queueing import QueueLimits, TagLimit, queue_entry
from weft.storage.ports import Storage

PLAN = RunPlan(job_name="nightly", steps=())


def run_of(run_id: str, *, created_at: float = 1.0, tags: Mapping[str, str] | None = None, status: RunStatus) -> Run:
    return Run(id=run_id, job_name="nightly", status=status, created_at=created_at, tags=tags or {})


FREE = QueueLimits(max_concurrent_runs=None)


def submit(storage: Storage, run_id: str, *, at: float = 1.0, limits: QueueLimits = FREE, **tags: str) -> None:
    run = run_of(run_id, created_at=at, tags=tags, status=RunStatus.NOT_STARTED)
    storage.queue.submit(run, PLAN, queue_entry(tags, PLAN, limits))


def end(storage: Storage, run_id: str, source: int = 1, seq: int = 1) -> None:
    storage.events.append([Event(run_id=run_id, source=source, seq=seq, time=9.0, body=RunSucceeded())])


def start(storage: Storage, run_id: str, source: int = 1, seq: int = 1) -> None:
    storage.events.append([Event(run_id=run_id, source=source, seq=seq, time=5.0, body=RunStarted())])


def test_a_submitted_run_waits(storage: Storage) -> None:
    submit(storage, "a")
    run = storage.runs.get("a")
    assert run is not None
    assert run.status is RunStatus.QUEUED
    assert [one.event.type for one in storage.events.read("a")] == ["RUN_ENQUEUED"]
    [live] = storage.queue.queued()
    assert (live.run_id, live.is_queued, live.token) == ("a", True, 0)
    assert storage.queue.active() == ()
    assert storage.runs.plan("a") == PLAN


def test_a_run_is_let_go_with_its_first_token(storage: Storage) -> None:
    submit(storage, "a")
    [live] = storage.queue.dequeue(FREE, launcher="local", at=2.0)
    assert (live.run_id, live.is_queued, live.token, live.launched_at) == ("a", False, 1, 2.0)
    run = storage.runs.get("a")
    assert run is not None
    assert (run.status, run.worker) == (RunStatus.STARTING, 1)
    assert [one.event.type for one in storage.events.read("a")] == ["RUN_ENQUEUED", "RUN_DEQUEUED", "RUN_STARTING"]
    assert [one.event.source for one in storage.events.read("a")] == [CONTROL_SOURCE] * 3
    assert storage.queue.dequeue(FREE, launcher="local", at=3.0) == ()
    assert storage.queue.queued() == ()


def test_priority_goes_before_age(storage: Storage) -> None:
    submit(storage, "old", at=1.0)
    submit(storage, "new", at=2.0)
    submit(storage, "urgent", at=3.0, **{"weft/priority": "5"})
    submit(storage, "later", at=0.5, **{"weft/priority": "-1"})
    assert [one.run_id for one in storage.queue.queued()] == ["urgent", "old", "new", "later"]
    gone = storage.queue.dequeue(QueueLimits(max_concurrent_runs=2), launcher="local", at=4.0)
    assert [one.run_id for one in gone] == ["urgent", "old"]


def test_a_run_that_is_over_leaves(storage: Storage) -> None:
    submit(storage, "a")
    storage.queue.dequeue(FREE, launcher="local", at=2.0)
    start(storage, "a")
    end(storage, "a", seq=2)
    assert storage.queue.get("a") is None
    assert storage.queue.active() == ()


def test_a_run_cancelled_in_the_queue_leaves(storage: Storage) -> None:
    submit(storage, "a")
    assert storage.runs.transition("a", RunStatus.CANCELED, expected=RunStatus.QUEUED, at=2.0)
    assert storage.queue.queued() == ()
    assert storage.queue.dequeue(FREE, launcher="local", at=3.0) == ()


def test_a_deleted_run_leaves(storage: Storage) -> None:
    submit(storage, "a")
    assert storage.runs.delete("a")
    assert storage.queue.queued() == ()


def test_a_blocked_run_blocks_nobody_behind_it(storage: Storage) -> None:
    limits = QueueLimits(tag_limits=(TagLimit(key="db", limit=1),))
    for number in range(5):
        submit(storage, f"db-{number}", at=float(number), limits=limits, db="x")
    submit(storage, "free", at=9.0, limits=limits)
    gone = storage.queue.dequeue(limits, launcher="local", at=10.0)
    assert {one.run_id for one in gone} == {"db-0", "free"}


def test_another_worker_fences_the_first_one_off(storage: Storage) -> None:
    submit(storage, "a")
    storage.queue.dequeue(FREE, launcher="local", at=2.0)
    start(storage, "a")
    live = storage.queue.next_worker("a", token=1, launcher="local", at=6.0, message="worker 1 was lost")
    assert live is not None
    assert live.token == 2
    assert storage.queue.next_worker("a", token=1, launcher="local", at=6.0) is None
    late = Event(run_id="a", source=1, seq=2, time=7.0, body=StepStarted(), step_key="x")
    refused = storage.events.append([late])
    assert list(refused.refused) == [late]
    assert storage.runs.steps("a") == ()
    end(storage, "a", source=1, seq=3)
    run = storage.runs.get("a")
    assert run is not None
    assert run.status is RunStatus.STARTING
    assert [one.event.type for one in storage.events.read("a")][-2:] == ["STEP_START", "RUN_SUCCESS"]
    start(storage, "a", source=2)
    end(storage, "a", source=2, seq=2)
    run = storage.runs.get("a")
    assert run is not None
    assert run.status is RunStatus.SUCCESS


def test_a_run_that_is_over_gets_no_other_worker(storage: Storage) -> None:
    submit(storage, "a")
    storage.queue.dequeue(FREE, launcher="local", at=2.0)
    start(storage, "a")
    end(storage, "a", seq=2)
    assert storage.queue.next_worker("a", token=1, launcher="local", at=6.0) is None
    assert not storage.queue.beat("a", token=1, at=6.0)


def test_a_run_that_could_not_be_launched_goes_back_to_its_place(storage: Storage) -> None:
    submit(storage, "first", at=1.0)
    submit(storage, "second", at=2.0)
    storage.queue.dequeue(QueueLimits(max_concurrent_runs=1), launcher="local", at=3.0)
    assert storage.queue.requeue("first", token=1, at=4.0, message="no machine")
    assert not storage.queue.requeue("first", token=1, at=4.0)
    run = storage.runs.get("first")
    assert run is not None
    assert run.status is RunStatus.QUEUED
    [again] = storage.queue.dequeue(QueueLimits(max_concurrent_runs=1), launcher="local", at=5.0)
    assert (again.run_id, again.token) == ("first", 3)


def test_a_worker_that_comes_when_its_run_was_put_back_changes_nothing(storage: Storage) -> None:
    submit(storage, "a")
    storage.queue.dequeue(FREE, launcher="local", at=2.0)
    assert storage.queue.requeue("a", token=1, at=3.0)
    for seq, body in enumerate((RunStarted(), RunCanceled()), start=1):
        storage.events.append([Event(run_id="a", source=1, seq=seq, time=4.0, body=body)])
    run = storage.runs.get("a")
    assert run is not None
    assert run.status is RunStatus.QUEUED
    assert not storage.events.announce("a", [RunFailed(reason=FailureReason.LOST)], at=5.0, worker=1)


def test_a_worker_that_was_fenced_off_has_no_slots_and_gives_back_none(storage: Storage) -> None:
    submit(storage, "a")
    storage.pools.set_limit("db", 1)
    storage.queue.dequeue(FREE, launcher="local", at=2.0)
    assert storage.pools.claim("db", "a", "step", priority=0, default_limit=None, at=2.0, worker=1)
    storage.queue.next_worker("a", token=1, launcher="local", at=3.0)
    assert storage.pools.get("db").holders == ()  # type: ignore[union-attr]
    assert not storage.pools.claim("db", "a", "step", priority=0, default_limit=None, at=4.0, worker=1)
    assert storage.pools.claim("db", "a", "other", priority=0, default_limit=None, at=4.0, worker=2)
    storage.pools.release("db", "a", "other", worker=1)
    assert [slot.step_key for slot in storage.pools.get("db").holders] == ["other"]  # type: ignore[union-attr]
    storage.pools.release("db", "a", "other", worker=2)
    assert storage.pools.get("db").holders == ()  # type: ignore[union-attr]


def test_the_key_of_a_run_that_was_deleted_is_free_again(storage: Storage) -> None:
    key = RequestKey(scope="cli", key="today")
    for run_id in ("a", "b"):
        run = run_of(run_id, status=RunStatus.NOT_STARTED)
        submitted = storage.queue.submit(run, PLAN, QueueEntry(lane=Lane()), request_key=key)
        assert (submitted.run_id, submitted.is_new) == (run_id, True)
        storage.runs.delete(run_id)


def test_heartbeats_and_places_need_the_latest_token(storage: Storage) -> None:
    submit(storage, "a")
    assert not storage.queue.beat("a", token=0, at=2.0)
    storage.queue.dequeue(FREE, launcher="local", at=2.0)
    assert storage.queue.beat("a", token=1, at=3.0)
    assert storage.queue.beat("a", token=1, at=4.0)
    place = WorkerPlace(launcher="local", host="here", pid=7, pid_started=8)
    assert storage.queue.place("a", place, token=1)
    [live] = storage.queue.active()
    assert (live.beats, live.beat_at, live.worker) == (2, 4.0, place)
    storage.queue.next_worker("a", token=1, launcher="local", at=5.0)
    assert not storage.queue.beat("a", token=1, at=6.0)
    assert not storage.queue.place("a", place, token=1)
    [live] = storage.queue.active()
    assert (live.beats, live.worker) == (0, WorkerPlace(launcher="local"))


def test_one_key_makes_one_run_and_a_record_of_the_other_request(storage: Storage) -> None:
    key = RequestKey(scope="sensor/s3", key="file-1")
    entry = QueueEntry(lane=Lane())
    assert storage.queue.submit(
        run_of("a", created_at=1.0, status=RunStatus.NOT_STARTED), PLAN, entry, request_key=key
    ).is_new
    again = storage.queue.submit(
        run_of("b", created_at=2.0, status=RunStatus.NOT_STARTED), PLAN, entry, request_key=key
    )
    assert (again.run_id, again.is_new) == ("a", False)
    assert storage.runs.get("b") is None
    [duplicate] = storage.queue.duplicates()
    assert (duplicate.scope, duplicate.key, duplicate.run_id, duplicate.at) == ("sensor/s3", "file-1", "a", 2.0)
    assert storage.queue.duplicates(run_id="a") == (duplicate,)
    assert storage.queue.duplicates(run_id="b") == ()
    other = RequestKey(scope="sensor/other", key="file-1")
    assert storage.queue.submit(
        run_of("c", created_at=3.0, status=RunStatus.NOT_STARTED), PLAN, entry, request_key=other
    ).is_new


def test_a_key_counts_until_it_expires(storage: Storage) -> None:
    entry = QueueEntry(lane=Lane())
    for run_id, at, is_new in (("a", 1.0, True), ("b", 5.0, False), ("c", 11.0, True), ("d", 12.0, False)):
        key = RequestKey(scope="s", key="k", expires_at=at + 10.0)
        run = run_of(run_id, created_at=at, status=RunStatus.NOT_STARTED)
        assert storage.queue.submit(run, PLAN, entry, request_key=key).is_new is is_new


def test_a_taken_id_is_an_error_and_takes_no_key(storage: Storage) -> None:
    submit(storage, "a")
    key = RequestKey(scope="s", key="k")
    with pytest.raises(StorageError) as caught:
        storage.queue.submit(run_of("a", status=RunStatus.NOT_STARTED), PLAN, QueueEntry(lane=Lane()), request_key=key)
    assert caught.value.code == "WEFT-T011"
    run = run_of("b", status=RunStatus.NOT_STARTED)
    assert storage.queue.submit(run, PLAN, QueueEntry(lane=Lane()), request_key=key).is_new


def test_many_threads_and_few_keys(storage: Storage) -> None:
    made: list[str] = []

    def work(number: int) -> None:
        for index in range(25):
            run = run_of(f"t{number}-{index}", created_at=1.0, status=RunStatus.NOT_STARTED)
            key = RequestKey(scope="s", key=str(index))
            if storage.queue.submit(run, PLAN, QueueEntry(lane=Lane()), request_key=key).is_new:
                made.append(key.key)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == sorted(str(index) for index in range(25))
    assert len(storage.queue.duplicates(limit=1000)) == 75
    assert storage.runs.count() == 25


def test_two_who_let_go_at_once_keep_the_limit(storage: Storage) -> None:
    for number in range(30):
        submit(storage, f"r{number}", at=float(number))
    limits = QueueLimits(max_concurrent_runs=7)
    gone: list[str] = []

    def work() -> None:
        for _ in range(5):
            gone.extend(one.run_id for one in storage.queue.dequeue(limits, launcher="local", at=50.0))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(gone) == sorted(f"r{number}" for number in range(7))


def test_live_runs_move_to_the_lanes_of_other_limits(storage: Storage) -> None:
    submit(storage, "a", db="x")
    limits = QueueLimits(tag_limits=(TagLimit(key="db", limit=0),))
    assert storage.queue.relane(lambda run, lane: limits.lane_of_tags(run.tags, lane), fingerprint="1") == 1
    assert storage.queue.relane(lambda run, lane: Lane(), fingerprint="1") == 0
    assert storage.queue.dequeue(limits, launcher="local", at=2.0) == ()
    [state] = storage.queue.view().lanes
    assert state.lane.tags == (("db", "x"),)


# --- leases ----------------------------------------------------------------------------------------------------------


def test_a_lease_has_one_holder(storage: Storage) -> None:
    first = storage.leases.acquire("service/retention", "one", seen=None, at=1.0)
    assert first is not None
    assert (first.holder, first.token, first.beats) == ("one", 1, 0)
    assert storage.leases.acquire("service/retention", "two", seen=None, at=2.0) is None
    renewed = storage.leases.beat(first, at=3.0)
    assert renewed is not None
    assert (renewed.beats, renewed.beat_at) == (1, 3.0)
    # Who saw it before the heartbeat comes too late.
    assert storage.leases.acquire("service/retention", "two", seen=first, at=4.0) is None
    taken = storage.leases.acquire("service/retention", "two", seen=renewed, at=5.0)
    assert taken is not None
    assert (taken.holder, taken.token) == ("two", 2)
    assert storage.leases.beat(renewed, at=6.0) is None
    assert not storage.leases.release(renewed)
    assert storage.leases.release(taken)
    free = storage.leases.get("service/retention")
    assert free is not None
    assert free.holder is None
    assert storage.leases.beat(taken, at=7.0) is None
    again = storage.leases.acquire("service/retention", "one", seen=None, at=8.0)
    assert again is not None
    assert again.token == 3


def test_leases_are_listed_by_prefix(storage: Storage) -> None:
    for name in ("b/2", "a/1", "b/1"):
        storage.leases.acquire(name, "me", seen=None, at=1.0)
    assert [lease.name for lease in storage.leases.list("b/")] == ["b/1", "b/2"]
    assert storage.leases.get("c") is None


def test_of_many_who_want_a_lease_one_gets_it(storage: Storage) -> None:
    got: list[str] = []

    def work(name: str) -> None:
        if storage.leases.acquire("one", name, seen=None, at=1.0) is not None:
            got.append(name)

    threads = [threading.Thread(target=work, args=(str(number),)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 1


# --- pools -----------------------------------------------------------------------------------------------------------


def claim(storage: Storage, run_id: str, step: str = "s", *, priority: int = 0, at: float = 1.0) -> bool:
    return storage.pools.claim("db", run_id, step, priority=priority, default_limit=None, at=at)


def test_a_pool_has_as_many_slots_as_its_limit(storage: Storage) -> None:
    submit(storage, "a")
    submit(storage, "b")
    storage.pools.set_limit("db", 1)
    assert claim(storage, "a", at=1.0)
    assert not claim(storage, "b", at=2.0)
    assert claim(storage, "a", at=3.0)  # it has it already
    pool = storage.pools.get("db")
    assert pool is not None
    assert [slot.run_id for slot in pool.holders] == ["a"]
    assert [slot.run_id for slot in pool.waiters] == ["b"]
    storage.pools.release("db", "a", "s")
    assert claim(storage, "b", at=4.0)


def test_who_waits_longer_goes_first_and_priority_before_that(storage: Storage) -> None:
    for run_id in ("a", "b", "c", "d"):
        submit(storage, run_id)
    storage.pools.set_limit("db", 1)
    assert claim(storage, "a", at=1.0)
    assert not claim(storage, "b", at=2.0)
    assert not claim(storage, "c", at=3.0)
    assert not claim(storage, "d", at=4.0, priority=1)
    storage.pools.release("db", "a", "s")
    assert not claim(storage, "b", at=5.0)
    assert not claim(storage, "c", at=5.0)
    assert claim(storage, "d", at=5.0, priority=1)
    storage.pools.release("db", "d", "s")
    assert claim(storage, "b", at=6.0)


def test_a_pool_without_limit_has_the_default(storage: Storage) -> None:
    submit(storage, "a")
    assert storage.pools.claim("free", "a", "s", priority=0, default_limit=None, at=1.0)
    assert storage.pools.claim("few", "a", "s", priority=0, default_limit=1, at=1.0)
    assert not storage.pools.claim("few", "a", "t", priority=0, default_limit=1, at=1.0)
    storage.pools.set_limit("few", 2)
    assert storage.pools.claim("few", "a", "t", priority=0, default_limit=1, at=1.0)
    storage.pools.set_limit("few", None)
    pool = storage.pools.get("few")
    assert pool is not None
    assert pool.limit is None
    assert [pool.name for pool in storage.pools.list()] == ["few", "free"]
    assert storage.pools.get("none") is None


def test_slots_go_with_their_run(storage: Storage) -> None:
    submit(storage, "a")
    submit(storage, "b")
    storage.pools.set_limit("db", 1)
    storage.queue.dequeue(FREE, launcher="local", at=2.0)
    assert claim(storage, "a")
    assert not claim(storage, "b")
    storage.events.append([Event(run_id="a", source=CONTROL_SOURCE, seq=9, time=3.0, body=RunCanceled())])
    assert claim(storage, "b")
    assert not claim(storage, "a")  # it is over


def test_a_limit_of_zero_stops_a_pool(storage: Storage) -> None:
    submit(storage, "a")
    storage.pools.set_limit("db", 0)
    assert not claim(storage, "a")


def test_what_the_control_plane_says_is_numbered_by_the_storage(storage: Storage) -> None:
    submit(storage, "a")
    assert storage.events.announce("a", [EngineEvent(message="one"), EngineEvent(message="two")], at=3.0)
    said = storage.events.read("a")
    assert [(one.event.source, one.event.seq) for one in said] == [
        (CONTROL_SOURCE, 1),
        (CONTROL_SOURCE, 2),
        (CONTROL_SOURCE, 3),
    ]


def test_the_control_plane_speaks_only_of_a_run_that_is_as_it_saw_it(storage: Storage) -> None:
    lost = RunFailed(reason=FailureReason.LOST)
    assert not storage.events.announce("nobody", [lost], at=3.0)
    submit(storage, "a")
    assert not storage.events.announce("a", [lost], at=3.0, expected=(RunStatus.STARTED,))
    storage.queue.dequeue(FREE, launcher="local", at=2.0)
    storage.queue.next_worker("a", token=1, launcher="local", at=3.0)
    assert not storage.events.announce("a", [lost], at=3.0, worker=1)
    assert storage.runs.get("a").status is RunStatus.STARTING  # type: ignore[union-attr]
    assert storage.events.announce("a", [lost], at=4.0, worker=2)
    assert storage.runs.get("a").status is RunStatus.FAILURE  # type: ignore[union-attr]
    assert storage.queue.get("a") is None
    count = len(storage.events.read("a"))
    assert not storage.events.announce("a", [RunCanceled()], at=5.0)
    assert len(storage.events.read("a")) == count
