"""Storage on real servers: what files do not have. Processes that meet, servers that go away, connections, poolers, passwords."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests import servers
from tests.conformance.storage.databases import emptied

from weft.errors import StorageError
from weft.model.events import Event, LogMessage
from weft.model.plan import RunPlan
from weft.model.run import Run, RunFilter, RunStatus, RunTags
from weft.planning.queueing import QueueLimits, TagLimit, queue_entry
from weft.storage import postgres_wakeups
from weft.storage.opening import open_storage
from weft.storage.server import IDLE_SECONDS, ServerDatabase

KINDS = ["postgres", "mariadb"]


@pytest.fixture(params=KINDS)
def address(request: pytest.FixtureRequest) -> str:
    """The address of a database with the newest schema and no rows."""
    address: str = request.getfixturevalue(f"{request.param}_database")
    storage = open_storage(address)
    emptied(storage)
    storage.close()
    return address


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest) -> Iterator[servers.Server]:
    """A server of this test's own."""
    reason = servers.missing(request.param)
    if reason is not None:
        pytest.skip(reason)
    with servers.SERVERS[request.param]() as made:
        yield made


def opened(address: str, **options: Any) -> Any:
    return open_storage(address, **options)


def new_run(storage: Any, run_id: str = "r1") -> None:
    run = Run(id=run_id, job_name="j", status=RunStatus.NOT_STARTED, created_at=1.0)
    storage.runs.create(run, RunPlan(job_name="j", steps=()))


def message(seq: int, run_id: str = "r1", source: int = 1) -> Event:
    return Event(run_id=run_id, source=source, seq=seq, time=1.0, body=LogMessage(level=20, message="x"))


# --- opening ----------------------------------------------------------------------------------------------------------

OPENING = """
import sys
from weft.storage import postgres_wakeups
from weft.storage.opening import open_storage
sys.stdin.readline()
storage = open_storage(sys.argv[1])
print(storage.events.latest_id())
storage.close()
"""


def test_processes_that_open_a_new_database_at_once_all_succeed(server: servers.Server) -> None:
    for _ in range(2):
        address = server.new_database()
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", OPENING, address],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(4)
        ]
        assert [process.communicate("go\n") for process in processes] == [("0\n", "")] * 4


def test_a_database_of_a_newer_program_and_one_of_another_program_are_refused(server: servers.Server) -> None:
    newer, foreign = server.new_database(), server.new_database()
    storage = opened(newer)
    with storage.database.write() as transaction:
        transaction._cursor.execute("UPDATE alembic_version SET version_num = '9999'")
    storage.close()
    with pytest.raises(StorageError, match="newer version") as caught:
        opened(newer)
    assert caught.value.code == "WEFT-T004"

    driver = storage.database.driver
    storage = opened(foreign)
    with storage.database.write() as transaction:
        transaction._cursor.execute("DROP TABLE alembic_version")
    storage.close()
    assert driver.place in str(caught.value)
    with pytest.raises(StorageError, match="another program") as caught:
        opened(foreign)
    assert caught.value.code == "WEFT-T009"


def test_what_a_killed_creation_left_is_completed(mariadb_database: str) -> None:
    """PostgreSQL creates in one transaction, so there is nothing to leave."""
    storage = opened(mariadb_database)
    emptied(storage)
    with storage.database.write() as transaction:
        transaction._cursor.execute("DELETE FROM alembic_version")
        transaction._cursor.execute("DROP TABLE run_plans")
    storage.close()
    storage = opened(mariadb_database)
    new_run(storage)
    assert storage.runs.plan("r1") is not None
    storage.close()


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://ann:s3cret@127.0.0.1:1/db",
        "mysql://ann:s3cret@127.0.0.1:1/db",
        "mysql://ann:s3cret@127.0.0.1:1/db?unknown=1",
        "postgresql://ann:s3cret@127.0.0.1:1/db?most_readers=many",
        "postgresql://ann:s3cret@127.0.0.1:port/db",
        "oracle://ann:s3cret@127.0.0.1:1/db",
    ],
)
def test_no_error_shows_a_password(address: str) -> None:
    with pytest.raises(StorageError) as caught:
        opened(address)
    assert caught.value.code in ("WEFT-T060", "WEFT-T062")
    chain: BaseException | None = caught.value
    while chain is not None:
        assert "s3cret" not in f"{chain!r} {chain}"
        chain = chain.__cause__


def test_a_description_shows_no_password(address: str) -> None:
    storage = opened(address)
    described = storage.describe()
    assert set(described) == {"kind", "place", "schema version", "server"}
    assert "secret" not in f"{described} {storage.database.driver!r}"
    assert "127.0.0.1" in described["place"]
    storage.close()


# --- servers that go away ---------------------------------------------------------------------------------------------


def test_a_restarted_server_is_found_again_and_an_absent_one_may_come_back(server: servers.Server) -> None:
    storage = opened(server.new_database())
    new_run(storage)
    storage.events.append([message(1)])
    server.stop()
    for question in (lambda: storage.events.append([message(2)]), lambda: storage.runs.get("r1")):
        with pytest.raises(StorageError) as caught:
            question()
        assert caught.value.code == "WEFT-T060"
        assert caught.value.may_pass
    server.start()
    storage.events.append([message(1), message(2)])
    assert [stored.event.seq for stored in storage.events.read("r1")] == [1, 2]
    server.stop(kill=True)
    server.start()
    storage.events.append([message(3)])
    assert storage.events.last_seq("r1", 1) == 3
    storage.close()


def test_a_session_that_is_ended_in_the_middle_of_a_transaction_leaves_nothing(server: servers.Server) -> None:
    storage = opened(server.new_database())
    new_run(storage)
    with pytest.raises(StorageError) as caught, storage.database.write() as transaction:
        transaction._cursor.execute("UPDATE runs SET job_name = 'changed'")
        server.stop(kill=True)
        # The process of a session notices a moment later that its server is gone.
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            transaction._cursor.execute("UPDATE runs SET job_name = 'changed again'")
    assert caught.value.code == "WEFT-T060"
    server.start()
    assert storage.runs.get("r1").job_name == "j"
    storage.close()


HANGING = """
import sys
from weft.storage import postgres_wakeups
from weft.storage.opening import open_storage
storage = open_storage(sys.argv[1], lock_timeout_seconds=float(sys.argv[2]))
with storage.database.write():
    print("in", flush=True)
    sys.stdin.readline()
"""


def hanging(address: str, timeout_seconds: float) -> subprocess.Popen[str]:
    """A process that stays in a write transaction."""
    process = subprocess.Popen(
        [sys.executable, "-c", HANGING, address, str(timeout_seconds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "in\n"
    return process


def ended(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_waiting_for_another_writer_has_an_end(address: str) -> None:
    storage = opened(address, lock_timeout_seconds=1.0)
    process = hanging(address, 60.0)
    try:
        with pytest.raises(StorageError, match="locked for too long") as caught:
            new_run(storage)
        assert (caught.value.code, caught.value.may_pass) == ("WEFT-T006", True)
    finally:
        ended(process)
    new_run(storage)
    storage.close()


def test_a_stopped_writer_does_not_hold_up_the_others_for_ever(address: str) -> None:
    storage = opened(address, lock_timeout_seconds=30.0)
    process = hanging(address, 1.5)
    try:
        os.kill(process.pid, signal.SIGSTOP)
        new_run(storage)
    finally:
        ended(process)
    storage.close()


# --- connections ------------------------------------------------------------------------------------------------------


def test_connections_are_few_and_those_that_nobody_uses_are_closed(address: str) -> None:
    storage = opened(f"{address}?most_readers=3")
    database: ServerDatabase = storage.database
    assert database.connections() == 0, "opening keeps none"
    new_run(storage)
    with ThreadPoolExecutor(12) as pool:
        assert all(pool.map(lambda _: storage.runs.get("r1") is not None, range(200)))
        list(pool.map(lambda seq: storage.events.append([message(seq)]), range(1, 50)))
    assert 1 <= database.connections() <= 4
    now = time.monotonic()
    assert database.close_idle(now) >= 1, "they were used just now"
    assert database.close_idle(now + IDLE_SECONDS + 1) == 0
    assert storage.events.last_seq("r1", 1) == 49
    assert database.connections() == 1
    storage.close()
    assert database.connections() == 0


def test_readers_wait_for_each_other_and_not_for_ever(address: str) -> None:
    storage = opened(f"{address}?most_readers=1", lock_timeout_seconds=0.05)
    with storage.database.read(), pytest.raises(StorageError) as caught:
        storage.runs.get("r1")
    assert caught.value.code == "WEFT-T066"
    assert storage.runs.get("r1") is None
    storage.close()


def test_a_child_has_connections_of_its_own(address: str) -> None:
    storage = opened(address)
    new_run(storage)
    storage.events.append([message(1)])
    assert storage.runs.get("r1") is not None
    child = os.fork()
    if child == 0:
        try:
            storage.events.append([message(1, source=2)])
            good = storage.events.last_seq("r1", 1) == 1 and storage.database.connections() == 2
        except BaseException:  # noqa: BLE001  # whatever it is, the parent is told
            good = False
        os._exit(0 if good else 1)
    assert os.waitpid(child, 0)[1] == 0
    storage.events.append([message(2)])
    assert (storage.events.last_seq("r1", 1), storage.events.last_seq("r1", 2)) == (2, 1)
    storage.close()


WRITING = """
import sys
from weft.model.events import Event, LogMessage
from weft.storage import postgres_wakeups
from weft.storage.opening import open_storage
storage = open_storage(sys.argv[1])
source = int(sys.argv[2])
sys.stdin.readline()
for start in range(1, 1001, 50):
    storage.events.append([
        Event(run_id="r1", source=source, seq=seq, time=1.0, body=LogMessage(level=20, message="x")) for seq in range(start, start + 50)
    ])
storage.close()
"""


def test_processes_that_write_at_once_lose_nothing_and_fail_never(address: str) -> None:
    storage = opened(address)
    new_run(storage)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WRITING, address, str(source)],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for source in (1, 2, 3)
    ]
    assert [process.communicate("go\n")[1] for process in processes] == [""] * 3
    assert [storage.events.last_seq("r1", source) for source in (1, 2, 3)] == [1000] * 3
    ids = [stored.id for stored in storage.events.read("r1", limit=5000)]
    assert ids == list(range(ids[0], ids[0] + 3000)), "ids are committed in their order, without gaps"
    storage.close()


DEQUEUING = """
import sys
from weft.model.events import Event, RunStarted, RunSucceeded
from weft.planning.queueing import QueueLimits, TagLimit
from weft.storage import postgres_wakeups
from weft.storage.opening import open_storage
storage = open_storage(sys.argv[1])
limits = QueueLimits(max_concurrent_runs=6, tag_limits=(TagLimit(key="team", limit=2, value="a"),))
sys.stdin.readline()
while storage.queue.queued(limit=1):
    for live in storage.queue.dequeue(limits, launcher="local", at=2.0):
        active = storage.queue.active()
        teams = [dict(one.lane.tags).get("team") for one in active]
        assert len(active) <= 6, active
        assert teams.count("a") <= 2, active
        bodies = (RunStarted(), RunSucceeded())
        storage.events.append([
            Event(run_id=live.run_id, source=live.token, seq=seq, time=3.0, body=body) for seq, body in enumerate(bodies, 1)
        ])
        print(live.run_id, live.token, flush=True)
storage.close()
"""


def test_daemons_that_let_runs_go_at_once_keep_the_limits_and_take_each_run_once(address: str) -> None:
    storage = opened(address)
    limits = QueueLimits(tag_limits=(TagLimit(key="team", limit=2, value="a"),))
    plan = RunPlan(job_name="j", steps=())
    for number in range(40):
        tags = {"team": "a" if number % 4 == 0 else "b"}
        run = Run(
            id=f"r{number}", job_name="j", status=RunStatus.NOT_STARTED, created_at=float(number), tags=RunTags(tags)
        )
        storage.queue.submit(run, plan, queue_entry(tags, plan, limits))
    daemons = [
        subprocess.Popen(
            [sys.executable, "-c", DEQUEUING, address],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    said = [daemon.communicate("go\n") for daemon in daemons]
    assert [errors for _, errors in said] == [""] * 3
    gone = sorted(line for output, _ in said for line in output.splitlines())
    assert gone == sorted(f"r{number} 1" for number in range(40))
    assert storage.runs.count(RunFilter(statuses=(RunStatus.SUCCESS,))) == 40
    storage.close()


# --- wake-ups ---------------------------------------------------------------------------------------------------------


def test_what_one_process_says_another_hears_at_once(postgres_database: str) -> None:
    hearing, saying = opened(postgres_database), opened(postgres_database)
    listener = hearing.wakeups.listen("queue")
    saying.wakeups.notify("other")
    saying.wakeups.notify("queue")
    assert listener.wait(30.0) == {"queue"}
    assert listener.wait(0) == frozenset()
    hearing.close()
    saying.close()


def test_a_process_that_only_says_something_lets_go_of_its_connection(
    postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_wakeups, "_IDLE_SECONDS", 0.02)
    saying, hearing = opened(postgres_database), opened(postgres_database)
    listener = hearing.wakeups.listen("queue")
    for _ in range(3):
        saying.wakeups.notify("queue")
        thread = saying.wakeups._thread
        assert listener.wait(30.0) == {"queue"}
        if thread is not None:
            thread.join(30.0)
        assert saying.wakeups._thread is None
    other = saying.wakeups.listen("queue")
    hearing.wakeups.notify("queue")
    assert other.wait(30.0) == {"queue"}
    other.close()
    saying.close()
    hearing.close()


def test_listeners_look_for_themselves_after_the_server_was_away(server: servers.Server) -> None:
    storage = opened(server.new_database())
    listener = storage.wakeups.listen("queue")
    server.stop()
    assert listener.wait(30.0) == {"queue"}
    server.start()
    storage.wakeups.notify("queue")
    assert listener.wait(30.0) == {"queue"}
    storage.close()


# --- poolers ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def pooled_address(postgres_database: str) -> Iterator[str]:
    reason = servers.pooler_missing()
    if reason is not None:
        pytest.skip(reason)
    storage = opened(postgres_database)
    emptied(storage)
    storage.close()
    with servers.pooler(postgres_database) as address:
        yield address


def test_storage_works_behind_a_pooler_in_transaction_mode(pooled_address: str) -> None:
    storages = [opened(pooled_address) for _ in range(6)]  # three times the pooler's connections
    new_run(storages[0])
    barrier = threading.Barrier(len(storages))

    def work(number: int) -> int:
        barrier.wait()
        for seq in range(1, 40):  # statements that a driver would prepare, after the fifth time
            storages[number].events.append([message(seq, source=number + 1)])
            assert storages[number].runs.get("r1") is not None
        return int(storages[number].events.last_seq("r1", number + 1))

    with ThreadPoolExecutor(len(storages)) as pool:
        assert list(pool.map(work, range(len(storages)))) == [39] * len(storages)
    listener = storages[0].wakeups.listen("queue")
    storages[1].wakeups.notify("queue")
    assert listener.wait(30.0) == {"queue"}, "it is told to look, as nothing can be heard"
    for storage in storages:
        storage.close()
