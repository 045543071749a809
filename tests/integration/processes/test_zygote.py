"""Real zygotes with real workers: how these are started, watched and ended, and that nothing of them is left."""

import json
import os
import select
import signal
import sys
import time
from pathlib import Path

import pytest

from weft.errors import ExecutionError
from weft.processes.client import Zygote
from weft.processes.specs import Exited, NotStarted, ProcessLimits, Ready, Stale, Started, WorkerSpec
from weft.processes.tree import identify, is_alive
from weft.processes.wire import Channel

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

ROOT = Path(__file__).parents[3]
PATIENCE = 20.0


class World:
    """A zygote, and what it has said."""

    def __init__(self, start_method="fork", files=(), hooks=(), outlives_owner=True):
        self.zygote = Zygote.spawn(
            json.dumps([str(file) for file in files]).encode(),
            cwd=str(ROOT),
            start_method=start_method,
            hooks=hooks,
            outlives_owner=outlives_owner,
            program="tests.integration.processes.zygote_program",
        )
        self.seen = []
        self.channels = []
        self.ready = self.next(Ready)

    def next(self, kind, id=None):
        end = time.monotonic() + PATIENCE
        while True:
            for place, notice in enumerate(self.seen):
                if isinstance(notice, kind) and (id is None or notice.id == id):
                    return self.seen.pop(place)
            assert time.monotonic() < end, f"no {kind.__name__}: {self.seen}"
            self.seen += self.zygote.notices(PATIENCE)
            assert not self.zygote.is_gone or self.seen, "the zygote has gone"

    def start(self, id, role, payload=b"", **settings):
        channel, there = Channel.pair()
        self.zygote.start(WorkerSpec(id=id, role=role, payload=payload, **settings), [there.fileno()])
        there.close()
        self.channels.append(channel)
        return channel

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.zygote.kill()
        for channel in self.channels:
            channel.close()


def gone(*processes):
    """Wait until the processes are gone; those that are still there at the end of patience."""
    end = time.monotonic() + PATIENCE
    left = list(processes)
    while left and time.monotonic() < end:
        left = [process for process in left if is_alive(process)]
        select.select((), (), (), 0.01)
    return left


@pytest.fixture(params=["fork", "spawn"])
def world(request):
    with World(request.param) as made:
        yield made


def test_worker_gets_its_payload_environment_and_session_and_its_exit_is_told(world):
    channel = world.start("a", "tell", b"hello", environment={"WEFT_TEST": "x"}, nice=3)
    started = world.next(Started, "a")
    about = json.loads(channel.receive().payload)
    assert about["pid"] == about["session"] == started.pid
    assert (about["payload"], about["environment"], about["nice"], about["term"]) == ("hello", "x", 3, True)
    exited = world.next(Exited, "a")
    assert (exited.exit_code, exited.signal, exited.pid, exited.oom) == (7, None, started.pid, False)
    assert exited.peak_memory_bytes > 1 << 20


def test_forked_worker_inherits_no_descriptor_but_its_own(world):
    held = world.start("holder", "wait")
    held.receive()
    channel = world.start("a", "tell")
    about = json.loads(channel.receive().payload)
    # Its three streams, its own socket, the folder that it lists.
    assert len(about["open"]) <= 5, about["open"]


def test_random_numbers_differ_among_workers():
    with World(hooks=("numpy",)) as world:
        told = []
        for number in range(4):
            told.append(json.loads(world.start(str(number), "tell").receive().payload))
        assert len({one["random"] for one in told}) == 4
        assert len({one["numpy"] for one in told}) == 4


def test_many_workers_at_once_are_each_told_once(world):
    count = 40 if world.ready.start_method == "fork" else 6
    channels = [world.start(str(number), "tell", str(number).encode()) for number in range(count)]
    assert sorted(int(json.loads(one.receive().payload)["payload"]) for one in channels) == list(range(count))
    assert sorted(int(world.next(Exited).id) for _ in range(count)) == list(range(count))


def test_signal_ends_a_worker_and_is_named(world):
    channel = world.start("a", "wait")
    channel.receive()
    world.zygote.signal("a", signal.SIGTERM)
    assert world.next(Exited, "a").signal == signal.SIGTERM


def test_worker_that_ignores_signals_is_killed(world):
    channel = world.start("a", "stubborn")
    channel.receive()
    world.zygote.signal("a", signal.SIGTERM)
    world.zygote.kill_tree("a")
    assert world.next(Exited, "a").signal == signal.SIGKILL


@pytest.mark.parametrize("how", ["kill_tree", "ends", "crashes", "kill -9"])
def test_nothing_that_a_worker_started_outlives_it(world, how):
    payload = {"ends": b"end", "crashes": b"crash"}.get(how, b"")
    bystander = world.start("bystander", "family")
    spared = [identify(pid) for pid in json.loads(bystander.receive().payload)]
    channel = world.start("a", "family", payload)
    started = world.next(Started, "a")
    family = [identify(pid) for pid in json.loads(channel.receive().payload)]
    assert len(family) == 4
    if how == "kill_tree":
        world.zygote.kill_tree("a")
    elif how == "kill -9":
        os.kill(started.pid, signal.SIGKILL)
    world.next(Exited, "a")
    assert [one for one in family if is_alive(one)] == []
    assert all(map(is_alive, spared))


def test_worker_of_an_unknown_role_is_not_started():
    with World() as world:
        world.start("a", "nothing")
        assert "role" in world.next(NotStarted, "a").why


def test_two_workers_of_one_id_do_not_run_at_once(world):
    channel = world.start("a", "wait")
    channel.receive()
    world.start("a", "wait")
    assert "running" in world.next(NotStarted, "a").why


def test_output_goes_to_its_files(world, tmp_path):
    world.start("a", "fail", stdout=str(tmp_path / "out"), stderr=str(tmp_path / "err"))
    assert world.next(Exited, "a").exit_code == 70
    assert (tmp_path / "out").read_text() == "to stdout\n"
    assert "RuntimeError: to stderr" in (tmp_path / "err").read_text()


def test_memory_beyond_the_limit_cannot_be_allocated(world, tmp_path):
    limits = ProcessLimits(data_bytes=300 << 20)
    world.start("much", "allocate", str(400 << 20).encode(), limits=limits, stderr=str(tmp_path / "err"))
    assert world.next(Exited, "much").exit_code == 70
    assert "MemoryError" in (tmp_path / "err").read_text()
    world.start("little", "allocate", str(100 << 20).encode(), limits=limits)
    exited = world.next(Exited, "little")
    assert exited.exit_code == 0
    assert exited.peak_memory_bytes >= 100 << 20


def test_processor_time_beyond_the_limit_ends_the_worker(world):
    world.start("a", "spin", b"30", limits=ProcessLimits(cpu_seconds=1))
    exited = world.next(Exited, "a")
    assert exited.signal in (signal.SIGXCPU, signal.SIGKILL)
    assert exited.cpu_seconds >= 0.5  # the kernel counts for the limit otherwise than for the sum


def test_changed_file_is_told_instead_of_starting_and_old_workers_go_on(tmp_path):
    file = tmp_path / "code.py"
    file.write_text("a = 1")
    with World(files=[file]) as world:
        channel = world.start("old", "wait")
        channel.receive()
        file.write_text("a = 22")
        world.start("new", "tell")
        assert world.next(Stale, "new").file == str(file)
        with World(files=[file]) as following:
            assert following.ready.version != world.ready.version
        channel.close()
        assert world.next(Exited, "old").exit_code == 0


def test_version_follows_from_the_content_alone(tmp_path):
    file = tmp_path / "code.py"
    file.write_text("a = 1")
    with World(files=[file]) as first:
        version = first.ready.version
    file.touch()
    with World(files=[file]) as second:
        assert second.ready.version == version


def test_workers_outlive_the_owner_where_they_should_and_the_zygote_ends_after_them(world):
    channel = world.start("a", "wait")
    channel.receive()
    worker = identify(world.next(Started, "a").pid)
    zygote = world.zygote
    zygote.close()
    assert not zygote.join(0.2)
    assert is_alive(worker)
    channel.close()
    assert zygote.join(PATIENCE)
    assert gone(worker) == []


@pytest.mark.parametrize("start_method", ["fork", "spawn"])
def test_workers_that_shall_not_outlive_the_owner_end_with_it(start_method):
    with World(start_method, outlives_owner=False) as world:
        channel = world.start("a", "family")
        family = [identify(pid) for pid in json.loads(channel.receive().payload)]
        world.zygote.close()
        assert world.zygote.join(PATIENCE)
        assert gone(*family) == []


def test_zygote_with_native_threads_that_end_before_a_fork_forks(world):
    if world.ready.start_method == "spawn":
        return
    with World(hooks=("numpy",)) as made:
        assert json.loads(made.start("a", "tell").receive().payload)["numpy"] >= 0


def test_process_with_threads_is_not_forked():
    import threading

    release = threading.Event()
    thread = threading.Thread(target=release.wait, name="busy")
    thread.start()
    try:
        with pytest.raises(ExecutionError) as caught:
            Zygote.fork_here({})
    finally:
        release.set()
        thread.join()
    assert caught.value.code == "WEFT-X300"
    assert "busy" in str(caught.value)


def test_big_payload_and_many_notices_do_not_block(world):
    channel = world.start("a", "tell", b"x" * (4 << 20))
    assert len(json.loads(channel.receive().payload)["payload"]) == 4 << 20
