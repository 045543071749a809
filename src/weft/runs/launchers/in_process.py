"""Runs carried out by the daemon itself, one after another, in a thread: for development and for tests of what is not about processes.

It loads the user's code into the daemon, which no other launcher does. A step that hangs or crashes takes the daemon with it, a cancelled run ends between two steps,
and a run of this launcher cannot be killed.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from weft.definitions.repository import Repository
from weft.errors import WeftError
from weft.model.failure import ErrorInfo
from weft.model.live import WorkerPlace
from weft.model.origin import CodeOrigin
from weft.model.run import Run
from weft.processes.machine import host
from weft.runs.environment import RunEnvironment
from weft.runs.launchers.port import Report, WorkerEnded, WorkerNotStarted, WorkerPlaced, WorkerState
from weft.runs.worker import WorkerAssignment, carry_out_assigned

HANDLE = "in the daemon"


class InProcessLauncher:
    """See the module. An implementation of `weft.runs.launchers.port.RunLauncher`.

    Args:
        environment: what the runs are carried out against.
        report: takes the notices.
        load: loads the code at an origin.
        name: marks the workers of this launcher.
    """

    def __init__(
        self,
        environment: RunEnvironment,
        report: Report,
        load: Callable[[CodeOrigin], Repository],
        *,
        name: str = "in_process",
    ) -> None:
        self.name = name
        self._environment = environment
        self._report = report
        self._load = load
        self._place = WorkerPlace(launcher=name, host=host(), handle=HANDLE)
        self._orders: queue.SimpleQueue[tuple[Run, int] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="weft-in-process", daemon=True)
        self._thread.start()

    def launch(self, run: Run, token: int) -> None:
        """See `RunLauncher.launch`. The run begins when those before it are over."""
        self._report(WorkerPlaced(run_id=run.id, token=token, place=self._place))
        self._orders.put((run, token))

    def look(self, place: WorkerPlace) -> WorkerState:
        """See `RunLauncher.look`. A run of this launcher lives as long as its daemon."""
        return WorkerState.ALIVE if place.launcher == self.name else WorkerState.UNKNOWN

    def terminate(self, place: WorkerPlace) -> bool:
        """See `RunLauncher.terminate`: the heartbeat of the run learns that it is to end."""
        return place.launcher == self.name

    def kill(self, place: WorkerPlace) -> bool:
        """See `RunLauncher.kill`. Not possible."""
        return False

    def close(self) -> None:
        """See `RunLauncher.close`. Waits for the run that goes on."""
        self._orders.put(None)
        self._thread.join()

    def _serve(self) -> None:
        while (order := self._orders.get()) is not None:
            self._carry_out(*order)

    def _carry_out(self, run: Run, token: int) -> None:
        try:
            if run.origin is None:
                raise LookupError("nothing says where its code is")
            repository = self._load(run.origin)
        except BaseException as error:  # noqa: BLE001  # whatever the user's modules raise, SystemExit too
            why = error.what if isinstance(error, WeftError) else f"{type(error).__name__}: {error}"
            self._report(
                WorkerNotStarted(
                    run_id=run.id, token=token, why=why, is_final=True, error=ErrorInfo.from_exception(error)
                )
            )
            return
        assignment = WorkerAssignment(run_id=run.id, token=token, home="", launcher=self.name)
        exit_code = 0
        try:
            carry_out_assigned(assignment, repository, self._environment, place=self._place)
        except BaseException as error:  # noqa: BLE001  # the daemon goes on
            exit_code = 1
            threading.excepthook(
                threading.ExceptHookArgs((type(error), error, error.__traceback__, threading.current_thread()))
            )
        self._report(WorkerEnded(run_id=run.id, token=token, exit_code=exit_code))
