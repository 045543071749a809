"""The port of run launchers: they start a worker for a run, tell when it has ended, and find or end one that they know only by its place.

A launcher decides nothing about a run. What a notice means for it is for `weft.runs.monitor` to say.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Protocol, TypeAlias

from msgspec import Struct

from weft.model.failure import ErrorInfo
from weft.model.live import WorkerPlace
from weft.model.run import Run


class WorkerPlaced(Struct, frozen=True, kw_only=True):
    """A worker runs, at this place."""

    run_id: str
    token: int
    place: WorkerPlace


class WorkerNotStarted(Struct, frozen=True, kw_only=True):
    """No worker could be started. `is_final` where trying again cannot help: the user's code does not load."""

    run_id: str
    token: int
    why: str
    is_final: bool = False
    error: ErrorInfo | None = None


class WorkerEnded(Struct, frozen=True, kw_only=True):
    """A worker has ended, with everything that it had started."""

    run_id: str
    token: int
    exit_code: int | None = None
    signal: int | None = None
    # Whether the operating system ended it for lack of memory.
    is_out_of_memory: bool = False
    peak_memory_bytes: int | None = None
    cpu_seconds: float = 0.0


WorkerNotice: TypeAlias = WorkerPlaced | WorkerNotStarted | WorkerEnded


class WorkerState(Enum):
    """What can be found out about a worker."""

    ALIVE = "alive"
    # It is there, but stopped: it does nothing, and does not know.
    FROZEN = "frozen"
    GONE = "gone"
    # It is where this process cannot look.
    UNKNOWN = "unknown"


class RunLauncher(Protocol):
    """Starts workers of runs. Any thread may call it.

    Laws: each `launch` is answered by `WorkerPlaced` or `WorkerNotStarted`; each `WorkerPlaced` is followed by `WorkerEnded` for as long as this object
    lives. Both answers may be lost with the process: whoever needs certainty asks `look`.
    """

    @property
    def name(self) -> str:
        """How its workers are marked (`WorkerPlace.launcher`)."""
        ...

    def launch(self, run: Run, token: int) -> None:
        """Start a worker. Returns at once; what came of it is reported."""
        ...

    def look(self, place: WorkerPlace) -> WorkerState:
        """How a worker is, also one that another launcher of this kind has started."""
        ...

    def terminate(self, place: WorkerPlace) -> bool:
        """Ask a worker to end, with teardown. False where it cannot be reached from here."""
        ...

    def kill(self, place: WorkerPlace) -> bool:
        """End a worker and everything that it started, at once. False where it cannot be reached from here."""
        ...

    def close(self) -> None:
        """Start no more. Workers that run go on."""
        ...


Report = Callable[[WorkerNotice], None]
"""Takes notices, in the launcher's thread: quick, and without raising."""
