"""An instance with two daemons as processes, and what can be done to them."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.servers import Server

from weft import Instance
from weft.codeserver.loader import load_target
from weft.codeserver.target import FileTarget, origin_of
from weft.errors import StorageError
from weft.model.run import Run
from weft.processes.tree import ProcessId, all_processes, identify, is_alive, state_of
from weft.runs.prepare import RunSettings, prepare_job
from weft.runs.submit import submit_run

CODE = Path(__file__).with_name("code.py")
LONGEST_SECONDS = 30.0
DAEMONS = 2

SETTINGS: dict[str, Any] = {
    "queue": {"poll_seconds": 0.2},
    "pools": {"default_limit": 1},
    "monitoring": {
        "heartbeat_seconds": 0.2,
        "lease_seconds": 2.0,
        "poll_seconds": 0.2,
        "cancel_grace_seconds": 1.0,
        "start_timeout_seconds": 10.0,
    },
}


class World:
    """Everything that a series of trials shares.

    Args:
        folder: a private folder.
        url: the address of an empty database; None: SQLite in the home.
        server: the server of that database, where there is one.
        max_resume_attempts: how often a lost run goes on with another worker.
        default_limit: how many slots the pool has.
    """

    def __init__(
        self, folder: Path, url: str | None, server: Server | None, max_resume_attempts: int, *, default_limit: int = 1
    ) -> None:
        self.home = folder / "home"
        self.home.mkdir()
        self.effects = folder / "effects"
        self.effects.mkdir()
        self.server = server
        monitoring = {**SETTINGS["monitoring"], "max_resume_attempts": max_resume_attempts}
        settings = {**SETTINGS, "monitoring": monitoring, "pools": {"default_limit": default_limit}}
        if url is not None:
            settings["storage"] = {"url": url}
        (self.home / "weft.yaml").write_text(json.dumps(settings))
        os.environ["WEFT_CHAOS_EFFECTS"] = str(self.effects)
        self.log = (folder / "daemons.log").open("ab")
        self.log_path = folder / "daemons.log"
        self.target = FileTarget(file=CODE)
        self.job = load_target(self.target).definitions.get_job_def("chain")
        self.instance = Instance.at(self.home)
        self.daemons: list[subprocess.Popen[bytes]] = [self.start_daemon() for _ in range(DAEMONS)]

    def start_daemon(self) -> subprocess.Popen[bytes]:
        """Another daemon, which serves when this returns."""
        program = "from weft.cli.main import main; main()"
        process = subprocess.Popen(
            [sys.executable, "-c", program, "daemon", "run", "--home", str(self.home)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self.log,
        )
        assert process.stdout is not None
        if not process.stdout.readline():
            process.wait()
            process.stdout.close()
            raise RuntimeError(self.log_path.read_text()[-2000:])
        return process

    def submit(self, *, in_processes: bool = False) -> str:
        """Put a run into the queue; its steps in processes of their own, or all in one."""
        executor = "multiprocess" if in_processes else "in_process"
        prepared = prepare_job(
            self.job,
            RunSettings(run_config={"execution": {"config": {executor: {}}}}),
            clock=self.instance.clock,
            default_resources=self.instance.default_resources,
        )
        return submit_run(prepared.run, prepared.plan, self.instance, origin=origin_of(self.target)).run_id

    def run(self, run_id: str) -> Run:
        """The run, as soon as the database answers."""
        found = patiently(lambda: self.instance.runs.get(run_id))
        assert found is not None
        return found

    def finished(self, run_id: str, seconds: float = LONGEST_SECONDS) -> Run:
        """The run once it is over; fails where that takes too long."""
        deadline = time.monotonic() + seconds
        while not (run := self.run(run_id)).is_finished:
            assert time.monotonic() < deadline, f"the run is {run.status.value} after {seconds} seconds"
            time.sleep(0.02)
        return run

    def begun(self, run_id: str) -> None:
        """Wait until user code of the run has begun."""
        deadline = time.monotonic() + LONGEST_SECONDS
        while not (self.effects / run_id).exists():
            assert time.monotonic() < deadline, "the run has not begun"
            time.sleep(0.005)

    def repair(self) -> None:
        """Bring back what a trial has taken away."""
        for number, daemon in enumerate(self.daemons):
            if daemon.poll() is None:
                daemon.send_signal(signal.SIGCONT)
            else:
                assert daemon.stdout is not None
                daemon.stdout.close()
                self.daemons[number] = self.start_daemon()

    def close(self) -> None:
        """End everything that was started."""
        for daemon in self.daemons:
            with contextlib.suppress(ProcessLookupError):
                daemon.send_signal(signal.SIGCONT)
                daemon.terminate()
        for daemon in self.daemons:
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
            assert daemon.stdout is not None
            daemon.stdout.close()
        self.instance.close()
        self.log.close()

    # --- what can be done to it --------------------------------------------------------------------------------------

    def worker(self, run_id: str) -> ProcessId | None:
        """The worker of a run, where there is one now."""
        live = patiently(lambda: self.instance.queue.get(run_id))
        if live is None or live.worker is None or live.worker.pid is None:
            return None
        return ProcessId(live.worker.pid, live.worker.pid_started or 0)

    def step(self, run_id: str) -> ProcessId | None:
        """The process that began a step last."""
        path = self.effects / run_id
        if not path.exists():
            return None
        begun = [line.split() for line in path.read_text().splitlines() if " begins " in line]
        return identify(int(begun[-1][2])) if begun else None

    def zygotes(self) -> list[ProcessId]:
        """The processes that have the code and start workers from it."""
        pids = {daemon.pid for daemon in self.daemons if daemon.poll() is None}
        return [state.id for state in all_processes().values() if state.parent in pids and not state.is_zombie]

    @contextlib.contextmanager
    def database_away(self, dice: random.Random) -> Iterator[None]:
        """While open, the database does not answer, or takes nothing."""
        if self.server is not None:
            self.server.stop(kill=dice.random() < 0.5)
            try:
                yield
            finally:
                self.server.start()
            return
        connection = sqlite3.connect(self.home / "weft.db", isolation_level=None, timeout=10)
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield
        finally:
            connection.close()


def patiently(read: Callable[[], Any]) -> Any:
    """What `read` gives, as soon as the database answers."""
    deadline = time.monotonic() + LONGEST_SECONDS
    while True:
        try:
            return read()
        except StorageError:
            assert time.monotonic() < deadline, "the database did not come back"
            time.sleep(0.05)


def signalled(process: ProcessId | None, number: int) -> bool:
    """Send a signal to exactly this process; whether it was there."""
    if process is None:
        return False
    state = state_of(process.pid)
    if state is None or state.id != process or state.is_zombie:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, number)
        return True
    return False


def later(seconds: float, do: Callable[[], Any]) -> threading.Timer:
    """Do something in the background, after a while."""
    timer = threading.Timer(seconds, do)
    timer.start()
    return timer


__all__ = ["World", "identify", "is_alive", "later", "patiently", "signalled"]
