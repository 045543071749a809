from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from weft.clock import SYSTEM_CLOCK
from weft.errors import RunNotFoundError, StorageError
from weft.execution.journal import FileJournal, read_journal
from weft.execution.orphans import find_orphans
from weft.execution.shipping import DirectJournal, ShippedJournal, Shipper
from weft.model.events import (
    EngineEvent,
    Event,
    RunCanceled,
    RunStarted,
    RunSucceeded,
    StepOutput,
    StepStarted,
    StepSucceeded,
)
from weft.model.plan import RunPlan
from weft.model.run import Run, RunStatus
from weft.storage.memory import MemoryStorage
from weft.storage.ports import Appended


class Instance:
    """Storage in memory behind a door that can be closed, and that counts."""

    def __init__(self, *run_ids: str) -> None:
        self.storage = MemoryStorage()
        for run_id in run_ids or ("r1",):
            run = Run(id=run_id, job_name="j", status=RunStatus.STARTING, created_at=1.0)
            self.storage.runs.create(run, RunPlan(job_name="j", steps=()))
        self.failures_left = 0
        self.error: Exception = StorageError("database is locked.", fix="wait")
        self.batches: list[int] = []
        self.tries = 0
        self.stored_some = threading.Event()

    def append(self, events: Sequence[Event]) -> Appended:
        self.tries += 1
        if self.failures_left:
            self.failures_left -= 1
            raise self.error
        done = self.storage.events.append(events)
        self.batches.append(len(events))
        self.stored_some.set()
        return done

    def stored(self, run_id: str = "r1") -> list[Event]:
        return [each.event for each in self.storage.events.read(run_id, limit=1_000_000)]


class Impatient:
    """A clock on which every wait is over at once; it remembers them."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.now = 0.0

    wall = staticmethod(SYSTEM_CLOCK.wall)

    def monotonic(self) -> float:
        return self.now

    def wait(self, event: threading.Event, timeout_seconds: float) -> bool:
        self.waits.append(timeout_seconds)
        self.now += timeout_seconds
        return event.is_set()


class Never:
    """A clock on which no time passes: a wait ends only when its event is set."""

    wall = staticmethod(SYSTEM_CLOCK.wall)
    monotonic = staticmethod(SYSTEM_CLOCK.monotonic)

    def wait(self, event: threading.Event, timeout_seconds: float) -> bool:
        return event.wait()


# --- shipping --------------------------------------------------------------------------------------------------------


def test_after_flush_everything_is_stored_in_order(tmp_path: Path) -> None:
    instance = Instance()
    with ShippedJournal(tmp_path, "r1", instance) as journal:
        events = [journal.append(RunStarted()), *(journal.append(StepStarted(), "a") for _ in range(1200))]
        assert journal.flush()
        assert instance.stored() == events


def test_events_reach_storage_without_being_asked_for(tmp_path: Path) -> None:
    instance = Instance()
    with ShippedJournal(tmp_path, "r1", instance) as journal:
        for _ in range(3):  # the thread also wakes from its sleep
            instance.stored_some.clear()
            journal.append(StepStarted(), "a")
            assert instance.stored_some.wait(30)


def test_events_that_come_together_share_a_transaction(tmp_path: Path) -> None:
    instance = Instance()
    journal = FileJournal(tmp_path, "r1")
    shipper = Shipper(journal, instance, clock=Never(), batch_events=100)
    for _ in range(250):
        journal.append(StepStarted(), "a")
    assert shipper.flush()
    shipper.close()
    assert sum(instance.batches) == 250 and max(instance.batches) == 100 and len(instance.batches) <= 4
    journal.discard()


def test_a_full_batch_does_not_wait_for_more(tmp_path: Path) -> None:
    instance = Instance()
    journal = FileJournal(tmp_path, "r1")
    shipper = Shipper(journal, instance, clock=Never(), batch_events=5)
    for _ in range(5):
        journal.append(StepStarted(), "a")
    assert instance.stored_some.wait(30)  # although on this clock the time to gather is never over
    shipper.close()
    journal.discard()


def test_storage_that_fails_for_a_while_gets_everything_once_and_in_order(tmp_path: Path) -> None:
    instance, clock = Instance(), Impatient()
    instance.failures_left = 10
    journal = FileJournal(tmp_path, "r1")
    shipper = Shipper(journal, instance, clock=clock)
    events = [journal.append(StepStarted(), "a") for _ in range(1500)]
    assert shipper.flush()
    assert shipper.last_error is None
    shipper.close()
    assert instance.stored() == events
    journal.discard()


@pytest.mark.parametrize("error", [StorageError("database is locked.", fix="wait"), ConnectionResetError("gone")])
def test_a_failure_that_may_pass_is_tried_again_after_longer_and_longer(tmp_path: Path, error: Exception) -> None:
    instance, clock = Instance(), Impatient()
    instance.failures_left, instance.error = 9, error
    journal = FileJournal(tmp_path, "r1")
    shipper = Shipper(journal, instance, clock=clock)
    shipper._start = lambda: None  # type: ignore[method-assign]  # only flush ships here
    journal.append(StepStarted(), "a")
    assert shipper.flush()
    assert clock.waits == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0, 2.0]
    journal.discard()


def test_flush_gives_up_when_its_time_is_over_and_loses_nothing(tmp_path: Path) -> None:
    instance, clock = Instance(), Impatient()
    instance.failures_left = 1_000_000
    journal = FileJournal(tmp_path, "r1")
    shipper = Shipper(journal, instance, clock=clock)
    shipper._start = lambda: None  # type: ignore[method-assign]  # only flush ships here
    events = [journal.append(StepStarted(), "a") for _ in range(3)]
    assert not shipper.flush(timeout_seconds=1.0)
    assert clock.now == pytest.approx(1.0)
    assert isinstance(shipper.last_error, StorageError)
    instance.failures_left = 0
    assert shipper.flush(timeout_seconds=1.0)
    assert instance.stored() == events
    journal.discard()


def test_a_hanging_storage_does_not_block_the_worker(tmp_path: Path) -> None:
    instance = Instance()
    entered, leave = threading.Event(), threading.Event()

    class Hanging:
        def append(self, events: Sequence[Event]) -> Appended:
            entered.set()
            leave.wait()
            return instance.append(events)

    journal = ShippedJournal(tmp_path, "r1", Hanging())  # type: ignore[arg-type]  # the one method that is used
    events = [journal.append(StepStarted(), "a")]
    assert entered.wait(30)
    events += [journal.append(StepStarted(), "a") for _ in range(2000)]
    assert journal.flush(timeout_seconds=0.01) is False
    assert read_journal(journal.file.path)[1] == events
    leave.set()
    assert journal.flush()
    assert instance.stored() == events
    journal.close()


def test_events_beyond_the_memory_limit_wait_in_the_file(tmp_path: Path) -> None:
    instance = Instance()
    journal = FileJournal(tmp_path, "r1")
    shipper = Shipper(journal, instance, batch_events=7, most_in_memory=20)
    instance.failures_left = 1_000_000
    events = [journal.append(EngineEvent(message=str(number))) for number in range(500)]
    with journal.batch():
        events += [journal.append(EngineEvent(message=str(number))) for number in range(50)]
    assert len(shipper._waiting) <= 20
    instance.failures_left = 0
    assert shipper.flush()
    assert instance.stored() == events
    # Back to normal: what comes now is handed over in memory again.
    events += [journal.append(EngineEvent(message="later")) for _ in range(5)]
    assert shipper._left_in_file is None
    assert shipper.flush()
    assert instance.stored() == events
    shipper.close()
    journal.discard()


@given(
    acts=st.lists(
        st.one_of(
            st.tuples(st.sampled_from(["append", "batch"]), st.integers(1, 40)),
            st.tuples(st.just("fail"), st.integers(0, 5)),
            st.tuples(st.just("flush"), st.just(0)),
        ),
        max_size=25,
    )
)
@settings(deadline=None, max_examples=60)
def test_whatever_fails_when_storage_ends_with_the_journal(
    acts: list[tuple[str, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    instance = Instance()
    journal = FileJournal(tmp_path_factory.mktemp("j"), "r1")
    shipper = Shipper(journal, instance, clock=Impatient(), batch_events=8, most_in_memory=24)
    events = []
    for act, count in acts:
        if act == "append":
            events += [journal.append(StepStarted(), "a") for _ in range(count)]
        elif act == "batch":
            with journal.batch():
                events += [journal.append(StepStarted(), "a") for _ in range(count)]
        elif act == "fail":
            instance.failures_left = count
        else:
            assert shipper.flush()
            assert instance.stored() == events
    assert shipper.flush()
    assert shipper.has_stored_all
    assert instance.stored() == events == read_journal(journal.path)[1]
    shipper.close()
    journal.discard()


def test_threads_may_append_and_flush_at_once(tmp_path: Path) -> None:
    instance = Instance()
    journal = ShippedJournal(tmp_path, "r1", instance)
    problems: list[str] = []

    def work() -> None:
        for number in range(300):
            event = journal.append(StepStarted(), "a")
            if number % 50 == 0:
                journal.flush()
                if instance.storage.events.last_seq("r1", 1) < event.seq:
                    problems.append(f"{event.seq} was not stored after flush")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.close()
    assert problems == []
    assert sorted(event.seq for event in instance.stored()) == list(range(1, 1201))


def test_a_run_that_was_deleted_is_not_waited_for(tmp_path: Path) -> None:
    instance = Instance("another")
    journal = ShippedJournal(tmp_path, "r1", instance)
    journal.append(RunSucceeded())
    with pytest.raises(RunNotFoundError):
        journal.flush()
    with pytest.raises(RunNotFoundError):
        journal.close()
    assert journal.file.path.exists()


def test_an_error_that_is_no_failure_of_storage_is_raised_by_flush(tmp_path: Path) -> None:
    instance = Instance()
    instance.failures_left, instance.error = 1_000_000, TypeError("a bug")
    journal = ShippedJournal(tmp_path, "r1", instance)
    events = [journal.append(RunStarted())]
    with pytest.raises(TypeError, match="a bug"):
        journal.flush()
    events.append(journal.append(RunSucceeded()))  # the worker goes on
    with pytest.raises(TypeError, match="a bug"):
        journal.close()
    assert read_journal(journal.file.path)[1] == events


def test_a_closed_storage_is_not_waited_for(tmp_path: Path) -> None:
    instance = Instance()
    journal = ShippedJournal(tmp_path, "r1", instance)
    instance.storage.close()
    journal.append(RunSucceeded())
    with pytest.raises(StorageError, match="after it was closed"):
        journal.close()
    assert journal.file.path.exists()


def test_an_absence_of_storage_is_logged_once_and_its_return_too(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    instance = Instance()
    instance.failures_left = 5
    journal = FileJournal(tmp_path, "r1")
    shipper = Shipper(journal, instance, clock=Impatient())
    with caplog.at_level(logging.INFO, "weft.shipping"):
        journal.append(StepStarted(), "a")
        shipper.flush()
    shipper.close()
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "database is locked. The run goes on; they are kept in" in caplog.messages[0]
    journal.discard()


def test_a_shipper_without_work_has_no_thread(tmp_path: Path) -> None:
    before = threading.active_count()
    with ShippedJournal(tmp_path / "made" / "here", "r1", Instance()) as journal:
        assert threading.active_count() == before
        assert journal.flush()
    assert threading.active_count() == before


# --- closing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [RunSucceeded(), RunCanceled()])
def test_the_file_goes_when_the_end_of_the_run_is_stored(tmp_path: Path, end: RunSucceeded | RunCanceled) -> None:
    instance = Instance()
    journal = ShippedJournal(tmp_path, "r1", instance)
    journal.append(RunStarted())
    journal.append(end)
    assert journal.close()
    assert list(tmp_path.iterdir()) == []
    assert len(instance.stored()) == 2


def test_the_file_stays_as_a_sign_when_the_worker_leaves_before_the_end_of_its_run(tmp_path: Path) -> None:
    instance = Instance()
    journal = ShippedJournal(tmp_path, "r1", instance)
    event = journal.append(RunStarted())
    assert journal.close()
    (orphan,) = find_orphans(tmp_path)
    with orphan:
        assert orphan.recover(instance.storage.events) == [event]
    assert instance.stored() == [event]


def test_the_file_of_a_step_worker_goes_with_it(tmp_path: Path) -> None:
    instance = Instance()
    journal = ShippedJournal(tmp_path, "r1", instance, source=2)
    journal.append(StepSucceeded(), "a")
    assert journal.close()
    assert list(tmp_path.iterdir()) == []


def test_what_storage_did_not_take_in_time_is_left_for_recovery(tmp_path: Path) -> None:
    instance = Instance()
    journal = ShippedJournal(tmp_path, "r1", instance)
    events = [journal.append(StepStarted(), "a")]
    assert journal.flush()
    instance.failures_left = 1_000_000
    events += [journal.append(StepSucceeded(), "a"), journal.append(RunSucceeded())]
    assert journal.close(timeout_seconds=0.01) is False
    assert instance.stored() == events[:1]
    (orphan,) = find_orphans(tmp_path)
    with orphan:
        orphan.recover(instance.storage.events)
        orphan.discard()
    assert instance.stored() == events


def test_dying_between_storing_and_deleting_doubles_nothing(tmp_path: Path) -> None:
    instance = Instance()
    journal = ShippedJournal(tmp_path, "r1", instance)
    events = [journal.append(RunStarted()), journal.append(RunSucceeded())]
    assert journal.flush()
    journal.shipper.close()
    journal.file.close()  # as the kernel does for a dead process
    (orphan,) = find_orphans(tmp_path)
    with orphan:
        assert orphan.recover(instance.storage.events) == events
        orphan.discard()
    assert instance.stored() == events


def test_a_forked_child_neither_writes_nor_ships_nor_keeps_the_lock(tmp_path: Path) -> None:
    script = """
import os, sys, warnings
from pathlib import Path
from weft.errors import StorageError
from weft.execution.orphans import find_orphans
from weft.execution.shipping import ShippedJournal
from weft.model.events import RunStarted, StepStarted
warnings.simplefilter("ignore", DeprecationWarning)  # newer Pythons warn of forking beside the shipper's thread

class Log:
    stored = []
    def append(self, events):
        self.stored += events

folder = Path(sys.argv[1])
journal = ShippedJournal(folder, "r1", Log())
with journal.file.paused():  # the child inherits a lock that is held
    journal.append(RunStarted())
    child = os.fork()
if child == 0:
    try:
        journal.append(StepStarted())
    except StorageError as error:
        assert error.code == "WEFT-T052" and "parent" in str(error), error
    else:
        print("the child could write")
    journal.close(); os._exit(0)
assert os.waitpid(child, 0)[1] == 0
assert find_orphans(folder) == []
journal.append(StepStarted())
journal.flush()
print([event.seq for event in Log.stored], journal.file.path.exists())
journal.close()
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stderr == ""
    assert done.stdout == "[1, 2] True\n"


# --- without a file --------------------------------------------------------------------------------------------------


def test_a_direct_journal_delivers_at_the_end_of_each_step() -> None:
    instance = Instance()
    with DirectJournal(instance, "r1") as journal:
        events = [journal.append(RunStarted()), journal.append(StepStarted(), "a")]
        assert instance.stored() == []
        events.append(journal.append(StepSucceeded(), "a"))
        assert instance.stored() == events
        events.append(journal.append(StepStarted(), "b"))
        assert journal.flush()
        assert instance.stored() == events
        events.append(journal.append(RunSucceeded()))
        assert instance.stored() == events
        events.append(journal.append(EngineEvent(message="after")))
    assert instance.stored() == events
    assert [event.seq for event in events] == [1, 2, 3, 4, 5, 6]
    assert instance.batches == [3, 1, 1, 1]


def test_a_direct_journal_delivers_when_many_events_wait() -> None:
    instance = Instance()
    journal = DirectJournal(instance, "r1", batch_events=10)
    for _ in range(25):
        journal.append(StepOutput(output_name="result"), "a")
    assert instance.batches == [10, 10]
    journal.close()


def test_a_batch_of_a_direct_journal_goes_over_several_steps() -> None:
    instance = Instance()
    journal = DirectJournal(instance, "r1")
    with journal.batch():
        journal.append(StepSucceeded(), "a")
        journal.append(StepSucceeded(), "b")
        assert instance.stored() == []
    journal.close()
    assert instance.batches == [2]


def test_a_direct_journal_tells_its_listeners() -> None:
    journal = DirectJournal(Instance(), "r1")
    seen: list[Event] = []
    journal.subscribe(seen.append)
    assert seen == [] and [journal.append(RunStarted()), journal.append(RunSucceeded())] == seen


def test_an_event_that_storage_refuses_did_not_happen_in_a_direct_journal() -> None:
    instance = Instance()
    journal = DirectJournal(instance, "r1")
    events = [journal.append(StepStarted(), "a")]
    instance.failures_left = 1
    with pytest.raises(StorageError, match="locked"):
        journal.append(StepSucceeded(), "a")
    events.append(journal.append(StepSucceeded(), "a"))
    assert instance.stored() == events
    assert [event.seq for event in events] == [1, 2]
