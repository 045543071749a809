"""Workers on this machine, started by zygotes: one for each place that code comes from, which has loaded it once.

One thread owns the zygotes and listens to all of them. Whoever wants something from it leaves an order and rings; nothing else is shared. A zygote whose
code has changed takes no new workers: it ends when its last one has, while a new zygote with the new code is at work. A zygote that dies takes no worker
with it; those whose start it had not answered are given to the next one.
"""

from __future__ import annotations

import logging
import os
import select
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Protocol

from weft.clock import SYSTEM_CLOCK, Clock
from weft.errors import WeftError
from weft.model.failure import ErrorInfo
from weft.model.live import WorkerPlace
from weft.model.origin import CodeOrigin
from weft.model.run import Run
from weft.processes.client import Zygote
from weft.processes.specs import (
    Exited,
    LoadFailed,
    Notice,
    NotStarted,
    Ready,
    Stale,
    Started,
    StartMethod,
    WorkerSpec,
)
from weft.processes.tree import kill_tree
from weft.runs.launchers import processes
from weft.runs.launchers.port import Report, WorkerEnded, WorkerNotStarted, WorkerPlaced, WorkerState
from weft.runs.worker import RUN_ROLE, WorkerAssignment, encode_assignment

_LOG = logging.getLogger("weft.launcher")

MOST_ZYGOTES_TRIED = 3
"""So many zygotes may die on a worker that was to be started, before it is said that it cannot be."""

REHEARSAL = "weft.runs.rehearsal:rehearse"


class StartZygote(Protocol):
    """Starts a zygote for the code at an origin."""

    def __call__(self, origin: CodeOrigin, start_method: StartMethod) -> Zygote:
        """See above.

        Raises:
            OSError, WeftError: it cannot be started.
        """
        ...


class _Waiting:
    """A worker that is to be started."""

    __slots__ = ("origin", "run_id", "spec", "token", "tries")

    def __init__(self, run_id: str, token: int, origin: CodeOrigin, spec: WorkerSpec) -> None:
        self.run_id = run_id
        self.token = token
        self.origin = origin
        self.spec = spec
        self.tries = 0


class _Owned:
    """A zygote, and what was asked of it."""

    def __init__(self, origin: CodeOrigin, zygote: Zygote, now: float) -> None:
        self.origin = origin
        self.zygote = zygote
        self.is_ready = False
        # Whether it takes no new workers.
        self.is_retired = False
        # To be started: not sent yet, and sent but not answered.
        self.unsent: list[_Waiting] = []
        self.asked: dict[str, _Waiting] = {}
        # Id of the worker to its run and token.
        self.running: dict[str, tuple[str, int]] = {}
        self.used_at = now
        self.started_at = now

    @property
    def is_idle(self) -> bool:
        return not (self.unsent or self.asked or self.running)


class LocalLauncher:
    """See the module. An implementation of `weft.runs.launchers.port.RunLauncher`.

    Args:
        home: the folder of the instance, for the workers.
        report: takes the notices.
        name: marks the workers of this launcher.
        start_zygote: starts a zygote.
        start_method: how workers are started; ``spawn`` where forks are not wanted.
        idle_seconds: after how long a zygote ends that nobody needs.
        nice: added to the niceness of the workers.
        load_seconds: how long the code may take to load.
        clock: for idle times.
    """

    def __init__(
        self,
        home: str,
        report: Report,
        start_zygote: StartZygote,
        *,
        name: str = "local",
        start_method: StartMethod = "fork",
        idle_seconds: float = 600.0,
        nice: int = 0,
        load_seconds: float = 180.0,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.name = name
        self._home = home
        self._report = report
        self._start_zygote = start_zygote
        self._start_method: StartMethod = start_method
        self._idle_seconds = idle_seconds
        self._nice = nice
        self._load_seconds = load_seconds
        self._clock = clock
        self._orders: deque[Callable[[], None]] = deque()
        self._heard, self._bell = os.pipe()
        os.set_blocking(self._heard, False)
        os.set_blocking(self._bell, False)
        self._is_closing = False
        self._current: dict[CodeOrigin, _Owned] = {}
        self._all: dict[int, _Owned] = {}
        self._thread = threading.Thread(target=self._serve, name="weft-launcher", daemon=True)
        self._thread.start()

    # --- the port ----------------------------------------------------------------------------------------------------

    def launch(self, run: Run, token: int) -> None:
        """See `RunLauncher.launch`."""
        if run.origin is None:
            why = "nothing says where its code is"
            self._order(lambda: self._report(_not_started(run.id, token, why, is_final=True)))
            return
        payload = encode_assignment(WorkerAssignment(run_id=run.id, token=token, home=self._home, launcher=self.name))
        mark = processes.mark_of(run.id, token)
        spec = WorkerSpec(
            id=mark, role=RUN_ROLE, payload=payload, environment={processes.MARK_VARIABLE: mark}, nice=self._nice
        )
        waiting = _Waiting(run.id, token, run.origin, spec)
        self._order(lambda: self._place(waiting))

    def look(self, place: WorkerPlace) -> WorkerState:
        """See `RunLauncher.look`."""
        return processes.look_at(place)

    def terminate(self, place: WorkerPlace) -> bool:
        """See `RunLauncher.terminate`."""
        return processes.terminate(place)

    def kill(self, place: WorkerPlace) -> bool:
        """See `RunLauncher.kill`."""
        return processes.kill(place)

    def close(self) -> None:
        """See `RunLauncher.close`. Notices end here."""

        def close() -> None:
            self._is_closing = True

        self._order(close)
        self._thread.join()
        os.close(self._heard)
        os.close(self._bell)

    # --- the thread --------------------------------------------------------------------------------------------------

    def _order(self, order: Callable[[], None]) -> None:
        self._orders.append(order)
        try:
            os.write(self._bell, b"\0")
        except BlockingIOError:
            return  # it rings already

    def _serve(self) -> None:
        try:
            while not self._is_closing:
                for fd in self._wait():
                    if fd == self._heard:
                        _drain(fd)
                    elif (owned := self._all.get(fd)) is not None:
                        self._hear(fd, owned)
                while self._orders:
                    self._obey(self._orders.popleft())
                self._obey(self._see_to_time)
        finally:
            for owned in self._all.values():
                _let_go(owned.zygote)

    def _wait(self) -> list[int]:
        poll = select.poll()
        poll.register(self._heard, select.POLLIN)
        for fd in self._all:
            poll.register(fd, select.POLLIN)
        patience = min(self._idle_seconds, self._load_seconds, 60.0)
        return [fd for fd, _ in poll.poll(1000 * patience if self._all else None)]

    def _see_to_time(self) -> None:
        """End zygotes that nobody needs, and those whose code does not come to an end of loading."""
        now = self._clock.monotonic()
        for owned in list(self._current.values()):
            if not owned.is_ready and now - owned.started_at >= self._load_seconds:
                self._give_up(owned)
            elif owned.is_idle and owned.is_ready and now - owned.used_at >= self._idle_seconds:
                self._retire(owned)

    def _give_up(self, owned: _Owned) -> None:
        why = f"its code did not load within {self._load_seconds:g} seconds"
        unsent, owned.unsent = owned.unsent, []
        self._retire(owned)
        kill_tree(owned.zygote.process)
        for waiting in unsent:
            self._report(_not_started(waiting.run_id, waiting.token, why))

    def _place(self, waiting: _Waiting) -> None:
        """Give a worker to the zygote of its code, which is started where there is none."""
        owned = self._current.get(waiting.origin)
        if owned is None:
            try:
                zygote = self._start_zygote(waiting.origin, self._start_method)
            except (OSError, WeftError) as error:
                self._report(_not_started(waiting.run_id, waiting.token, f"no process could be started: {error}"))
                return
            owned = _Owned(waiting.origin, zygote, self._clock.monotonic())
            self._current[waiting.origin] = self._all[zygote.fileno()] = owned
        owned.used_at = self._clock.monotonic()
        if owned.is_ready:
            owned.asked[waiting.spec.id] = waiting
            owned.zygote.start(waiting.spec)
        else:
            owned.unsent.append(waiting)

    def _retire(self, owned: _Owned) -> None:
        """Let a zygote take no new workers. It is listened to for as long as it has some."""
        owned.is_retired = True
        if self._current.get(owned.origin) is owned:
            del self._current[owned.origin]
        self._let_go_if_done(owned)

    def _let_go_if_done(self, owned: _Owned) -> None:
        if owned.is_retired and owned.is_idle and self._all.pop(owned.zygote.fileno(), None) is not None:
            _let_go(owned.zygote)

    def _obey(self, order: Callable[[], None]) -> None:
        """A defect in one order must not end the thread that all others depend on."""
        try:
            order()
        except Exception:  # noqa: BLE001  # see above; it is logged with its traceback
            _LOG.exception("An order to the launcher failed.")

    def _hear(self, fd: int, owned: _Owned) -> None:
        try:
            for notice in owned.zygote.notices(0):
                self._take(owned, notice)
        except Exception:  # noqa: BLE001  # see above; it is logged with its traceback
            _LOG.exception("What a zygote says is not understood; another one takes its place.")
            self._obey(lambda: self._bury(fd, owned))
            return
        if owned.zygote.is_gone and fd in self._all:
            self._obey(lambda: self._bury(fd, owned))

    def _take(self, owned: _Owned, notice: Notice) -> None:
        owned.used_at = self._clock.monotonic()
        if isinstance(notice, Ready):
            owned.is_ready = True
            unsent, owned.unsent = owned.unsent, []
            for waiting in unsent:
                owned.asked[waiting.spec.id] = waiting
                owned.zygote.start(waiting.spec)
        elif isinstance(notice, LoadFailed):
            unsent, owned.unsent = owned.unsent, []
            for waiting in unsent:
                self._report(
                    _not_started(
                        waiting.run_id, waiting.token, "its code does not load", is_final=True, error=notice.error
                    )
                )
            self._retire(owned)
        elif isinstance(notice, Started):
            waiting = owned.asked.pop(notice.id)
            owned.running[notice.id] = (waiting.run_id, waiting.token)
            place = processes.place_of(self.name, notice.pid, notice.started_at_ticks, notice.id)
            self._report(WorkerPlaced(run_id=waiting.run_id, token=waiting.token, place=place))
        elif isinstance(notice, NotStarted):
            waiting = owned.asked.pop(notice.id)
            self._report(_not_started(waiting.run_id, waiting.token, notice.why))
        elif isinstance(notice, Stale):
            waiting = owned.asked.pop(notice.id)
            if not owned.is_retired:
                self._retire(owned)
            self._place(waiting)
            self._let_go_if_done(owned)
        elif isinstance(notice, Exited):
            run_id, token = owned.running.pop(notice.id)
            self._report(
                WorkerEnded(
                    run_id=run_id,
                    token=token,
                    exit_code=notice.exit_code,
                    signal=notice.signal,
                    is_out_of_memory=notice.oom,
                    peak_memory_bytes=notice.peak_memory_bytes,
                    cpu_seconds=notice.cpu_seconds,
                )
            )
            self._let_go_if_done(owned)

    def _bury(self, fd: int, owned: _Owned) -> None:
        """A zygote has gone. Its workers may live; what becomes of them, whoever watches will find out by looking."""
        self._all.pop(fd, None)
        if self._current.get(owned.origin) is owned:
            del self._current[owned.origin]
        _let_go(owned.zygote)
        for waiting in [*owned.asked.values(), *owned.unsent]:
            waiting.tries += 1
            if waiting.tries < MOST_ZYGOTES_TRIED:
                self._place(waiting)
            else:
                python = owned.origin.python or sys.executable
                why = (
                    f"the process for its code ({python}) ended before it could start a worker; "
                    "what it said is in the output of the daemon"
                )
                self._report(_not_started(waiting.run_id, waiting.token, why))


def zygote_starter(
    encode_origin: Callable[[CodeOrigin], bytes],
    *,
    environment: Mapping[str, str] | None = None,
    hooks: tuple[str, ...] = (),
) -> StartZygote:
    """Starts zygotes with the interpreter and the working directory of the origin.

    Args:
        encode_origin: the target for the program of the zygote (`weft.codeserver.target`).
        environment: of the zygotes; that of this process by default.
        hooks: functions that they call before they load the code.
    """

    def start(origin: CodeOrigin, start_method: StartMethod) -> Zygote:
        return Zygote.spawn(
            encode_origin(origin),
            python=origin.python or sys.executable,
            cwd=origin.working_directory,
            environment=environment,
            start_method=start_method,
            hooks=hooks,
            rehearsal=REHEARSAL,
        )

    return start


def _not_started(
    run_id: str, token: int, why: str, *, is_final: bool = False, error: ErrorInfo | None = None
) -> WorkerNotStarted:
    return WorkerNotStarted(run_id=run_id, token=token, why=why, is_final=is_final, error=error)


def _let_go(zygote: Zygote) -> None:
    """Let a zygote end when its workers have. Somebody has to wait for it, or it stays as a zombie."""
    zygote.close()
    threading.Thread(target=zygote.join, name="weft-zygote-end", daemon=True).start()


def _drain(fd: int) -> None:
    try:
        while os.read(fd, 4096):
            pass
    except BlockingIOError:
        return
