"""The zygote: a single-threaded process that has the code in memory and starts workers on request.

Its loop waits for three things and for nothing else: a request of its owner, the death of a child, room to send. It runs no user code.

- A worker gets a session of its own and inherits nothing but the code in memory, its descriptors, and its output.
- The zygote takes the orphans of its descendants in (`weft.processes.subreaper`), and so does each worker, for its own. So whatever is a child of
  the zygote without being a worker was left behind by a worker that has died, however it detached itself; it is ended.
- The death of a worker is told once what it left behind is gone as well, or after `_MOST_SECONDS_FOR_REMAINS`.
- When its owner goes, it takes no more work. Workers that outlive their owner are waited for; others are ended. Then it exits.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn

from weft.errors import InternalError
from weft.model.codec import encode
from weft.processes.limits import kills_for_memory
from weft.processes.sources import SourceFiles
from weft.processes.specs import (
    REQUEST_DECODER,
    Exited,
    KillTree,
    Notice,
    NotStarted,
    Ready,
    Signal,
    Stale,
    Start,
    Started,
    StartMethod,
    WorkerSpec,
)
from weft.processes.subreaper import become_subreaper
from weft.processes.tree import (
    ProcessId,
    children_of_self,
    descendants,
    identify,
    kill_tree,
    signal_process,
    signal_tree,
)
from weft.processes.wire import Channel
from weft.processes.worker import Role, after_fork, become_worker, flush_streams, run_role

_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024
_MOST_SECONDS_FOR_REMAINS = 2.0
"""How long the death of a worker is kept back for what it left behind: more only where the kernel cannot end a process, as on a dead network disk."""

StartWorker = Callable[[WorkerSpec, Sequence[int]], int]
"""Starts a process and gives its pid. The descriptors stay open here."""


class _Worker:
    __slots__ = ("id", "kills_before", "process", "was_killed")

    def __init__(self, id: str, process: ProcessId, kills_before: int) -> None:
        self.id = id
        self.process = process
        self.kills_before = kills_before
        # Whether the owner asked for the end.
        self.was_killed = False


class ZygoteServer:
    """The loop.

    Args:
        control: the connection to the owner.
        roles: what workers can do, where they are forked from here.
        sources: where the code came from; None: it is not watched.
        outlives_owner: whether workers live on when the owner has gone.
        start: starts a worker; None: by forking.
        start_method, why: what is said first of how workers are started.
        collects: whether garbage is collected first. Not in a fork: it would copy every page that it looks at.
    """

    def __init__(
        self,
        control: socket.socket,
        roles: Mapping[str, Role],
        *,
        sources: SourceFiles | None = None,
        outlives_owner: bool = True,
        start: StartWorker | None = None,
        start_method: StartMethod = "fork",
        why: str = "",
        collects: bool = True,
    ) -> None:
        self._channel = Channel(control)
        self._roles = roles
        self._sources = sources
        self._outlives_owner = outlives_owner
        self._start_worker = start or self._fork
        self._start_method: StartMethod = start_method
        self._why = why
        self._collects = collects
        self._workers: dict[int, _Worker] = {}
        self._by_id: dict[str, _Worker] = {}
        # Deaths that are kept back until the remains are gone, and until when.
        self._held: list[tuple[float, Exited]] = []
        self._woken, self._wake = -1, -1
        self._is_orphaned = False

    def serve(self) -> None:
        """Until the owner has gone and no worker is left."""
        become_subreaper()
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(self._wake, False)
        signal.signal(signal.SIGCHLD, _do_nothing)  # without a handler nothing is written to the pipe
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal: the owner decides what becomes of it
        signal.signal(signal.SIGTERM, self._on_terminate)
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        version = self._sources.version if self._sources is not None else ""
        # What is in memory now is shared with all workers for as long as nobody writes to it; the collector would, by looking.
        if self._collects:
            gc.collect()
        gc.freeze()
        self._send(Ready(pid=os.getpid(), version=version, start_method=self._start_method, why=self._why))
        while not (self._is_orphaned and not self._workers and not self._held):
            self._wait()
            self._reap()
            self._release_held()
        self._channel.flush()

    def _wait(self) -> None:
        poll = select.poll()
        poll.register(self._woken, select.POLLIN)
        if not self._is_orphaned:
            events = select.POLLIN | (select.POLLOUT if self._channel.has_unsent else 0)
            poll.register(self._channel.fileno(), events)
        timeout = None
        if self._held:
            timeout = max(0, int((self._held[0][0] - time.monotonic()) * 1000) + 1)
        ready = dict(poll.poll(timeout))
        if self._woken in ready:
            _drain(self._woken)
        if self._is_orphaned:
            return
        events = ready.get(self._channel.fileno(), 0)
        if events & select.POLLOUT:
            self._channel.flush()
        if events & ~select.POLLOUT:
            for frame in self._channel.receive_ready():
                self._handle(frame.payload, frame.fds)
            if self._channel.is_at_end:
                self._lose_owner()

    def _lose_owner(self) -> None:
        self._is_orphaned = True
        self._channel.close()
        if not self._outlives_owner:
            for worker in self._workers.values():
                worker.was_killed = True
                kill_tree(worker.process)

    def _on_terminate(self, _number: int, _frame: object) -> None:
        if not self._is_orphaned:
            self._lose_owner()

    # --- requests ----------------------------------------------------------------------------------------------------

    def _handle(self, payload: bytes, fds: list[int]) -> None:
        request = REQUEST_DECODER.decode(payload)
        if isinstance(request, Start):
            try:
                self._send(self._started(request.spec, fds))
            finally:
                for fd in fds:
                    os.close(fd)
            return
        worker = self._by_id.get(request.id)
        if worker is None:
            return  # it has ended, and that was said
        if isinstance(request, KillTree):
            worker.was_killed = True
            kill_tree(worker.process)
        elif isinstance(request, Signal):
            send = signal_tree if request.to_tree else signal_process
            send(worker.process, request.number)

    def _started(self, spec: WorkerSpec, fds: Sequence[int]) -> Notice:
        if self._sources is not None and (changed := self._sources.changed()) is not None:
            return Stale(spec.id, changed)
        if spec.id in self._by_id:
            return NotStarted(spec.id, "a worker of that id is running")
        kills = kills_for_memory()
        try:
            pid = self._start_worker(spec, fds)
        except OSError as error:
            return NotStarted(spec.id, f"{error.strerror or type(error).__name__}")
        except InternalError as error:
            return NotStarted(spec.id, error.what)
        worker = _Worker(spec.id, identify(pid), kills)
        self._workers[pid] = self._by_id[spec.id] = worker
        return Started(spec.id, pid, worker.process.started_at_ticks)

    def _fork(self, spec: WorkerSpec, fds: Sequence[int]) -> int:
        role = self._roles.get(spec.role)
        if role is None:
            raise InternalError("a zygote was asked for a role that it does not have", facts={"role": spec.role})
        flush_streams()
        pid = os.fork()
        if pid == 0:
            self._be_worker(role, spec, fds)
        return pid

    def _be_worker(self, role: Role, spec: WorkerSpec, fds: Sequence[int]) -> NoReturn:
        code = 70
        try:
            signal.set_wakeup_fd(-1)
            self._channel.close()
            os.close(self._woken)
            os.close(self._wake)
            self._workers.clear()
            become_worker(spec)
            after_fork()
            code = run_role(role, spec, fds)
        finally:
            os._exit(code & 0xFF)

    # --- deaths ------------------------------------------------------------------------------------------------------

    def _reap(self) -> None:
        has_reaped = False
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            has_reaped = True
            worker = self._workers.pop(pid, None)
            if worker is None:
                continue
            del self._by_id[worker.id]
            number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
            oom = number == signal.SIGKILL and not worker.was_killed and kills_for_memory() > worker.kills_before
            exited = Exited(
                id=worker.id,
                pid=pid,
                exit_code=None if number is not None else os.WEXITSTATUS(status),
                signal=number,
                cpu_seconds=usage.ru_utime + usage.ru_stime,
                peak_memory_bytes=usage.ru_maxrss * _MAXRSS_UNIT,
                oom=oom,
            )
            self._held.append((time.monotonic() + _MOST_SECONDS_FOR_REMAINS, exited))
            # Where orphans do not come to the zygote, those that stayed in the group can still be found.
            _kill_group(pid)
        if has_reaped:
            self._kill_remains()

    def _remains(self) -> list[int]:
        return [pid for pid in children_of_self() if pid not in self._workers]

    def _kill_remains(self) -> None:
        for pid in self._remains():
            for state in descendants(pid):
                signal_process(state.id, signal.SIGKILL)
            signal_process(identify(pid), signal.SIGKILL)

    def _release_held(self) -> None:
        if not self._held:
            return
        now = time.monotonic()
        if self._remains():
            while self._held and self._held[0][0] <= now:
                self._send(self._held.pop(0)[1])
            return
        for _, exited in self._held:
            self._send(exited)
        self._held.clear()

    def _send(self, notice: Notice) -> None:
        if not self._is_orphaned:
            self._channel.send_soon(encode(notice))


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def spawner(program: Sequence[str]) -> StartWorker:
    """Starts workers as programs of their own: ``program SPEC_FD FD...``, where the first descriptor is a file with the encoded `WorkerSpec`."""

    def start(spec: WorkerSpec, fds: Sequence[int]) -> int:
        with tempfile.TemporaryFile() as file:
            file.write(encode(spec))
            file.seek(0)
            numbers = [file.fileno(), *fds]
            process = subprocess.Popen(  # noqa: S603  # the program is weft's own
                [*program, *map(str, numbers)], pass_fds=numbers, stdin=subprocess.DEVNULL, start_new_session=True
            )
        process.returncode = 0  # the zygote itself waits for it; this object must not
        return process.pid

    return start


def _do_nothing(_number: int, _frame: object) -> None:
    """A handler of signals."""


def _drain(fd: int) -> None:
    try:
        while os.read(fd, 4096):
            pass
    except BlockingIOError:
        return
