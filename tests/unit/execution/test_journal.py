from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from weft.errors import StorageError
from weft.execution.journal import FileJournal, Journal, MemoryJournal, journal_path, read_journal
from weft.model.events import EngineEvent, Event, EventBody, LogMessage, RunStarted, StepStarted, StepSucceeded

BODIES: list[EventBody] = [
    RunStarted(pid=1),
    StepStarted(),
    LogMessage(message="züri 🌍", level=20, fields={"rows": 3}),
    StepSucceeded(cpu_seconds=0.25),
    EngineEvent(message="x" * 300),
]


class TickingClock:
    """Goes on by one second with each look."""

    def __init__(self) -> None:
        self.now = 1000.0

    def wall(self) -> float:
        self.now += 1
        return self.now

    monotonic = wall

    def wait(self, event: threading.Event, timeout_seconds: float) -> bool:
        self.now += timeout_seconds
        return event.is_set()


def written(folder: Path, bodies: list[EventBody], run_id: str = "r1") -> tuple[Path, list[Event]]:
    journal = FileJournal(folder, run_id, 1, TickingClock())
    events = [journal.append(body, "step") for body in bodies]
    journal.close()
    return journal.path, events


@pytest.fixture(params=["file", "memory"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Journal]:
    if request.param == "file":
        return lambda: FileJournal(tmp_path, "r1", 1, TickingClock())
    return lambda: MemoryJournal("r1", 1, TickingClock())


# --- every journal ---------------------------------------------------------------------------------------------------


def test_events_are_numbered_from_one_and_dated_by_the_clock(make: Callable[[], Journal]) -> None:
    journal = make()
    events = [journal.append(body, "a") for body in BODIES]
    assert [event.seq for event in events] == [1, 2, 3, 4, 5]
    assert [event.body for event in events] == BODIES
    assert {(event.run_id, event.source, event.step_key) for event in events} == {("r1", 1, "a")}
    times = [event.time for event in events]
    assert times == sorted(times) and times[0] > 1000


def test_listeners_see_every_event_in_order(make: Callable[[], Journal]) -> None:
    journal = make()
    seen: list[Event] = []
    journal.subscribe(seen.append)
    first = journal.append(BODIES[0])
    with journal.batch():
        rest = [journal.append(body) for body in BODIES[1:]]
    assert seen == [first, *rest]


def test_a_listener_may_append(make: Callable[[], Journal]) -> None:
    journal = make()
    seen: list[str] = []

    def answer(event: Event) -> None:
        seen.append(event.type)
        if event.type == "RUN_START":
            journal.append(EngineEvent(message="heard"))

    journal.subscribe(answer)
    journal.append(RunStarted())
    assert seen == ["RUN_START", "ENGINE_EVENT"]


def test_threads_share_a_journal_without_losing_or_doubling_numbers(make: Callable[[], Journal]) -> None:
    journal = make()
    seen: list[Event] = []
    journal.subscribe(seen.append)

    def work(name: str) -> None:
        for number in range(200):
            if number % 10:
                journal.append(EngineEvent(message=f"{name} {number}"))
            else:
                with journal.batch():
                    journal.append(EngineEvent(message=f"{name} {number}"))

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(event.seq for event in seen) == list(range(1, 801))
    assert len({event.body.message for event in seen}) == 800  # type: ignore[union-attr]


# --- the file --------------------------------------------------------------------------------------------------------


def test_what_was_appended_is_read_back(tmp_path: Path) -> None:
    path, events = written(tmp_path, BODIES)
    header, found = read_journal(path)
    assert found == events
    assert header is not None
    assert (header.run_id, header.source, header.pid) == ("r1", 1, os.getpid())
    assert path == tmp_path / "r1.1.journal" == journal_path(tmp_path, "r1", 1)


def test_an_event_is_in_the_file_when_append_returns(tmp_path: Path) -> None:
    journal = FileJournal(tmp_path, "r1")
    event = journal.append(StepStarted())
    assert read_journal(journal.path)[1] == [event]
    journal.close()


def test_a_batch_is_written_when_it_closes_even_by_an_error(tmp_path: Path) -> None:
    journal = FileJournal(tmp_path, "r1")
    with pytest.raises(ZeroDivisionError), journal.batch():
        event = journal.append(StepStarted())
        assert read_journal(journal.path)[1] == []
        raise ZeroDivisionError
    assert read_journal(journal.path)[1] == [event]
    journal.close()


def test_an_event_of_another_thread_is_safe_on_return_although_a_batch_is_open(tmp_path: Path) -> None:
    journal = FileJournal(tmp_path, "r1")
    seen: list[Event] = []
    journal.subscribe(seen.append)
    with journal.batch():
        first = journal.append(StepStarted())
        thread = threading.Thread(target=lambda: journal.append(RunStarted()))
        thread.start()
        thread.join()
        found = read_journal(journal.path)[1]
        assert [event.seq for event in found] == [1, 2] and found[0] == first
        last = journal.append(StepStarted())
    assert [event.seq for event in read_journal(journal.path)[1]] == [1, 2, 3]
    assert [event.seq for event in seen] == [1, 2, 3] and seen[-1] == last
    journal.close()


def test_a_batch_inside_a_batch_ends_with_the_outer_one(tmp_path: Path) -> None:
    journal = FileJournal(tmp_path, "r1")
    with journal.batch():
        with journal.batch():
            journal.append(StepStarted())
        assert read_journal(journal.path)[1] == []
    assert len(read_journal(journal.path)[1]) == 1
    journal.close()


def test_two_writers_cannot_have_the_same_source(tmp_path: Path) -> None:
    journal = FileJournal(tmp_path, "r1")
    with pytest.raises(StorageError, match="there already") as caught:
        FileJournal(tmp_path, "r1")
    assert caught.value.code == "WEFT-T051"
    journal.append(StepStarted())
    assert len(read_journal(journal.path)[1]) == 1
    journal.close()


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="No such file") as caught:
        FileJournal(tmp_path / "absent", "r1")
    assert caught.value.facts["file"] == str(tmp_path / "absent" / "r1.1.journal")


@pytest.mark.parametrize("run_id", ["..", "../x", "a/b", "", "a\0b", "x" * 65])
def test_a_run_id_cannot_lead_out_of_the_folder(tmp_path: Path, run_id: str) -> None:
    with pytest.raises(Exception, match="is not a run id"):
        FileJournal(tmp_path, run_id)
    assert list(tmp_path.iterdir()) == []


def test_appending_to_a_closed_journal_says_so(tmp_path: Path) -> None:
    journal = FileJournal(tmp_path, "r1")
    journal.close()
    with pytest.raises(StorageError, match="journal is closed") as caught:
        journal.append(StepStarted())
    assert caught.value.code == "WEFT-T052"


def test_a_full_disk_fails_the_append_and_leaves_what_was_written(tmp_path: Path) -> None:
    """The limit on the size of files makes the kernel write a part of a frame and then refuse, as a full disk does."""
    script = """
import resource, sys
from pathlib import Path
from weft.errors import StorageError
from weft.execution.journal import FileJournal, read_journal
from weft.model.events import EngineEvent
journal = FileJournal(Path(sys.argv[1]), "r1")
journal.append(EngineEvent(message="before"))
size = journal.path.stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 500, resource.RLIM_INFINITY))
for append in (lambda: journal.append(EngineEvent(message="x" * 1000)), None):
    try:
        if append: append()
        else:
            with journal.batch():
                journal.append(EngineEvent(message="y" * 400)); journal.append(EngineEvent(message="y" * 400))
    except StorageError as error:
        assert error.code == "WEFT-T052", error
    else:
        raise AssertionError("nothing was raised")
    assert journal.path.stat().st_size == size
assert journal.append(EngineEvent(message="small")).seq == 2
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
journal.append(EngineEvent(message="after"))
print(*[event.seq for event in read_journal(journal.path)[1]])
"""
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.split() == ["1", "2", "3"]


def test_a_signal_handler_may_append_in_the_middle_of_an_append(tmp_path: Path) -> None:
    """It must neither dead-lock nor get the number of the event that it interrupts."""
    journal = FileJournal(tmp_path, "r1")
    count = 0

    def on_signal(*_: object) -> None:
        nonlocal count
        count += 1
        journal.append(EngineEvent(message="signal"))

    before = signal.signal(signal.SIGUSR1, on_signal)
    try:
        stop = threading.Event()

        def disturb() -> None:
            while not stop.is_set():
                os.kill(os.getpid(), signal.SIGUSR1)

        thread = threading.Thread(target=disturb)
        thread.start()
        for _ in range(2000):
            journal.append(StepStarted())
        stop.set()
        thread.join()
    finally:
        signal.signal(signal.SIGUSR1, before)
    events = read_journal(journal.path)[1]
    assert sorted(event.seq for event in events) == list(range(1, 2001 + count))
    journal.close()


# --- torn ends and damage --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("last", BODIES, ids=[type(body).__name__ for body in BODIES])
def test_a_last_record_torn_at_any_byte_is_left_out(tmp_path: Path, last: EventBody) -> None:
    path, events = written(tmp_path, BODIES)
    whole = path.stat().st_size
    torn, _ = written(tmp_path, [*BODIES, last], "r2")
    content = torn.read_bytes()
    # Run ids are of one length, so both files have the same frames up to `whole`.
    for size in range(whole, len(content)):
        torn.write_bytes(content[:size])
        assert [event.body for event in read_journal(torn)[1]] == BODIES
    torn.write_bytes(content)
    assert len(read_journal(torn)[1]) == len(events) + 1


def test_a_header_torn_at_any_byte_means_no_events(tmp_path: Path) -> None:
    path, _ = written(tmp_path, [])
    content = path.read_bytes()
    for size in range(len(content)):
        path.write_bytes(content[:size])
        assert read_journal(path) == (None, [])


@pytest.mark.parametrize("zeros", [1, 7, 8, 9, 4096])
def test_zeros_at_the_end_are_a_torn_end(tmp_path: Path, zeros: int) -> None:
    """A file system may have made the file longer before a power cut and not written what belongs there."""
    path, events = written(tmp_path, BODIES)
    content = path.read_bytes()
    path.write_bytes(content + b"\0" * zeros)
    assert read_journal(path)[1] == events
    path.write_bytes(content[:-20] + b"\0" * zeros)
    assert read_journal(path)[1] == events[:-1]


def test_a_page_of_zeros_instead_of_the_whole_file_means_no_events(tmp_path: Path) -> None:
    path, _ = written(tmp_path, BODIES)
    path.write_bytes(b"\0" * 4096)
    assert read_journal(path) == (None, [])


def test_any_changed_byte_before_the_last_record_is_found(tmp_path: Path) -> None:
    path, events = written(tmp_path, BODIES[:4])
    content = path.read_bytes()
    header = written(tmp_path, [], "r2")[0].stat().st_size
    *_, last = frame_starts(content)
    for position in range(header, last):
        changed = bytearray(content)
        changed[position] ^= 0x55
        path.write_bytes(changed)
        with pytest.raises(StorageError, match="damaged") as caught:
            read_journal(path)
        assert caught.value.code == "WEFT-T053"
        assert caught.value.facts["file"] == str(path)
    path.write_bytes(content)
    assert read_journal(path)[1] == events


def frame_starts(content: bytes) -> list[int]:
    starts, position = [], 12
    while position < len(content):
        starts.append(position)
        position += 8 + struct.unpack_from("<I", content, position)[0]
    return starts


def test_a_missing_piece_in_the_middle_is_found(tmp_path: Path) -> None:
    path, _ = written(tmp_path, BODIES)
    content = path.read_bytes()
    start = frame_starts(content)[2]
    path.write_bytes(content[: start + 3] + content[start + 9 :])
    with pytest.raises(StorageError, match=f"from byte +{start}"):
        read_journal(path)


def test_a_file_that_is_no_journal_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "r1.1.journal"
    path.write_text("once upon a time")
    with pytest.raises(StorageError, match="does not begin as a journal"):
        read_journal(path)


def test_a_journal_of_another_version_is_refused(tmp_path: Path) -> None:
    path, _ = written(tmp_path, BODIES)
    content = bytearray(path.read_bytes())
    content[8:12] = struct.pack("<I", 2)
    path.write_bytes(content)
    with pytest.raises(StorageError, match="another version") as caught:
        read_journal(path)
    assert caught.value.code == "WEFT-T054"


@given(
    messages=st.lists(st.text(max_size=200), max_size=30),
    cut=st.integers(min_value=0, max_value=10_000),
)
@settings(deadline=None, max_examples=100)
def test_reading_a_prefix_gives_a_prefix(
    messages: list[str], cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path, events = written(tmp_path_factory.mktemp("j"), [EngineEvent(message=text) for text in messages])
    content = path.read_bytes()
    path.write_bytes(content[: max(0, len(content) - cut)])
    found = read_journal(path)[1]
    assert found == events[: len(found)]
    if not cut:
        assert found == events


def test_records_longer_than_a_chunk_are_read(tmp_path: Path) -> None:
    bodies: list[EventBody] = [EngineEvent(message=str(size) * size) for size in (1, 700_000, 1, 900_000, 350_000)]
    path, events = written(tmp_path, bodies)
    assert read_journal(path)[1] == events


def test_a_part_of_a_living_journal_is_replayed_from_a_position(tmp_path: Path) -> None:
    journal = FileJournal(tmp_path, "r1")
    journal.append(RunStarted())
    position = journal.end
    later = [journal.append(StepStarted()) for _ in range(5)]
    events, position = journal.replay(position, 3)
    assert events == later[:3]
    events, position = journal.replay(position, 3)
    assert events == later[3:] and position == journal.end
    assert journal.replay(position, 3) == ([], position)
    journal.close()
