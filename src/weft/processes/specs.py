"""What is said between a zygote and its owner: values, with nothing behind them.

The owner sends requests (`Start`, `Signal`, `KillTree`), the zygote answers with notices. First of all comes `Ready` or `LoadFailed`; each `Start` is
answered by exactly one of `Started`, `NotStarted` and `Stale`, and each `Started` is followed by exactly one `Exited`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from msgspec import Struct

from weft.model.codec import Decoder
from weft.model.failure import ErrorInfo

StartMethod = Literal["fork", "spawn"]
"""How workers come into being: as forks of a process that has loaded the code, or as interpreters that load it themselves."""


class ProcessLimits(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a process may have; None: as much as there is. They hold for each of its children too, each counted alone."""

    # What it may allocate, in bytes (RLIMIT_DATA): a bound on memory that is there even when nobody watches.
    data_bytes: int | None = None
    # Seconds of a processor, after which it is ended (RLIMIT_CPU).
    cpu_seconds: int | None = None
    # How many processors it may use at once.
    cpus: int | None = None
    open_files: int | None = None


class WorkerSpec(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A process to be started."""

    # Names it in notices; no two that live at once may have the same.
    id: str
    # Which of the functions of the zygote it carries out, and with what.
    role: str
    payload: bytes = b""
    # Changes to the environment; None removes a variable.
    environment: Mapping[str, str | None] = {}
    # Added to the niceness of the zygote.
    nice: int = 0
    limits: ProcessLimits = ProcessLimits()
    # Files that its output is appended to; None: where that of the zygote goes.
    stdout: str | None = None
    stderr: str | None = None
    working_directory: str | None = None


# --- requests --------------------------------------------------------------------------------------------------------


class Hello(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The first message to a zygote that is a program of its own: what to load, and how workers shall be started."""

    # Encoded; whoever loads it knows its form.
    target: bytes
    start_method: StartMethod = "fork"
    # Functions to call before anything is loaded, each as ``module:function``.
    hooks: tuple[str, ...] = ()
    # Whether workers live on when the owner has gone.
    outlives_owner: bool = True
    # Whether workers are refused once a file that the code came from has changed.
    watches_sources: bool = True
    # A function (``module:function``) to call once the code is loaded, so that workers find done what is slow the first time.
    rehearsal: str | None = None


class Start(Struct, frozen=True, tag="start"):
    """Start a worker. The descriptors beside it are its own."""

    spec: WorkerSpec


class Signal(Struct, frozen=True, tag="signal"):
    """Send a signal to a worker, or to it and everything that it started."""

    id: str
    number: int
    to_tree: bool = False


class KillTree(Struct, frozen=True, tag="kill_tree"):
    """End a worker and everything that it started, at once."""

    id: str


Request: TypeAlias = Start | Signal | KillTree

# --- notices ---------------------------------------------------------------------------------------------------------


class Ready(Struct, frozen=True, tag="ready", kw_only=True):
    """The code is loaded; workers can be started."""

    pid: int
    # A hash of the files that the code was loaded from.
    version: str
    # How workers are really started, and where that is not as asked for: why.
    start_method: StartMethod = "fork"
    why: str = ""


class LoadFailed(Struct, frozen=True, tag="load_failed", kw_only=True):
    """The code cannot be loaded; the zygote ends."""

    error: ErrorInfo
    # For people: the error in weft's form with the user's traceback.
    text: str = ""


class Started(Struct, frozen=True, tag="started"):
    """A worker runs. A pid is used again; together with the time of its start it names one process for ever."""

    id: str
    pid: int
    started_at_ticks: int


class NotStarted(Struct, frozen=True, tag="not_started"):
    """A worker could not be started."""

    id: str
    why: str


class Stale(Struct, frozen=True, tag="stale"):
    """A worker was not started because a file that the code came from has changed: start a new zygote, and let this one end."""

    id: str
    file: str


class Exited(Struct, frozen=True, tag="exited", kw_only=True):
    """A worker has ended, and what it left behind was ended."""

    id: str
    pid: int
    # One of the two.
    exit_code: int | None = None
    signal: int | None = None
    # Of it and the children that it waited for.
    cpu_seconds: float = 0.0
    # The highest resident set of it, or of one of those children.
    peak_memory_bytes: int = 0
    # Whether the operating system ended it for lack of memory.
    oom: bool = False


Notice: TypeAlias = Ready | LoadFailed | Started | NotStarted | Stale | Exited

HELLO_DECODER: Decoder[Hello] = Decoder(Hello)
REQUEST_DECODER: Decoder[Request] = Decoder(Request)
NOTICE_DECODER: Decoder[Notice] = Decoder(Notice)
WORKER_SPEC_DECODER: Decoder[WorkerSpec] = Decoder(WorkerSpec)
