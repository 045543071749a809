"""Ports may be used from several threads at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tests.conformance.storage.building import ORDERS, Journal, new_run

from weft.model.events import AssetMaterialized, LogMessage, RunStarted, StepStarted, StepSucceeded
from weft.model.run import RunStatus
from weft.storage.ports import Storage

THREADS = 8


def at_once(body: Callable[[int], object], threads: int = THREADS) -> list[object]:
    """What `body` returns for each number, all of them let go at the same moment."""
    gate = threading.Barrier(threads)

    def go(number: int) -> object:
        gate.wait()
        return body(number)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(go, range(threads)))


def test_threads_append_and_read_at_once(storage: Storage) -> None:
    new_run(storage, "shared")
    for number in range(THREADS):
        new_run(storage, f"r{number}")
    batches = 25

    def append(number: int) -> None:
        own, shared = Journal(storage, f"r{number}"), Journal(storage, "shared", source=number + 1)
        own.write(RunStarted())
        for batch in range(batches):
            own.write(StepStarted(), LogMessage(message="x", level=20), StepSucceeded(), step_key=f"s{batch}")
            shared.write(AssetMaterialized(asset_key=ORDERS, partition=f"{number}-{batch}"))
            assert len(storage.runs.steps(f"r{number}")) == batch + 1
            assert storage.events.last_seq("shared", number + 1) == batch + 1

    at_once(append)
    for number in range(THREADS):
        assert len(storage.events.read(f"r{number}")) == 1 + 3 * batches
    state = storage.assets.get(ORDERS)
    assert state is not None
    assert state.materialization_count == THREADS * batches
    assert storage.assets.partition_counts(ORDERS) == {"MATERIALIZED": THREADS * batches}
    found = storage.events.read("shared", limit=10_000)
    assert [stored.id for stored in found] == sorted({stored.id for stored in found})


def test_the_same_batch_from_every_thread_is_stored_once(storage: Storage) -> None:
    new_run(storage)
    journal = Journal(storage)
    events = [journal.event(AssetMaterialized(asset_key=ORDERS)) for _ in range(10)]
    stored = at_once(lambda _: len(storage.events.append(events).stored))
    assert sorted(stored) == [0] * (THREADS - 1) + [10]  # type: ignore[type-var]
    state = storage.assets.get(ORDERS)
    assert state is not None
    assert state.materialization_count == 10


def test_one_thread_wins_a_transition(storage: Storage) -> None:
    new_run(storage, status=RunStatus.QUEUED)
    won = at_once(
        lambda number: storage.runs.transition("r1", RunStatus.STARTING, expected=RunStatus.QUEUED, at=float(number))
    )
    assert won.count(True) == 1


def test_one_thread_wins_a_compare_and_set(storage: Storage) -> None:
    won = at_once(lambda number: storage.keyvalue.compare_and_set("k", expected=None, value=str(number)))
    assert won.count(True) == 1
    assert storage.keyvalue.get("k") == str(won.index(True))
