"""A run: one execution of a job or of a selection of assets, from its creation to its terminal state."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from msgspec import Struct
from msgspec.structs import force_setattr

from weft.model.failure import ErrorInfo
from weft.model.keys import AssetCheckKey, AssetKey
from weft.model.origin import CodeOrigin

IMPLICIT_ASSET_JOB = "__ASSET_JOB"
"""The job that materialises any selection of assets without being declared."""


class RunStatus(Enum):
    """The states of a run. The legal transitions are the table in `weft.planning.run_states`."""

    QUEUED = "QUEUED"
    NOT_STARTED = "NOT_STARTED"
    STARTING = "STARTING"
    STARTED = "STARTED"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    CANCELING = "CANCELING"
    CANCELED = "CANCELED"

    @property
    def is_finished(self) -> bool:
        """Whether the state is terminal: nothing leaves it."""
        return self in _FINISHED


_FINISHED = frozenset({RunStatus.SUCCESS, RunStatus.FAILURE, RunStatus.CANCELED})


class FailureReason(Enum):
    """Why a run failed, for people and for retry policies."""

    STEP_FAILED = "step_failed"
    CHECK_FAILED = "check_failed"  # no step failed, but a blocking check kept steps from running
    RESOURCE_FAILED = "resource_failed"
    LOST = "lost"  # its process is gone without a word
    TIMED_OUT = "timed_out"  # it took longer than it may (`RunTag.MAX_RUNTIME`)
    OUT_OF_MEMORY = "out_of_memory"  # its process was ended because it had more memory than it may
    EXITED = "exited"  # its process ended by itself, without saying how the run ended
    SIGNALED = "signaled"  # its process was ended by a signal that was not weft's
    START_FAILED = "start_failed"  # no process could be started for it, or the user's code could not be loaded there
    CONFIG = "config"
    INTERNAL = "internal"


MAX_RUNTIME_SECONDS_TAG = "weft/max_runtime"
"""The tag with the longest time that a run may take, in seconds."""


class RunTag:
    """The system tags. ``dagster/...`` spellings of the same names are understood on input."""

    PREFIX = "weft/"
    PARTITION = "weft/partition"
    PARTITION_RANGE_START = "weft/asset_partition_range_start"
    PARTITION_RANGE_END = "weft/asset_partition_range_end"
    PARENT_RUN = "weft/parent_run_id"
    ROOT_RUN = "weft/root_run_id"
    STEP_SELECTION = "weft/step_selection"
    RETRY_STRATEGY = "weft/retry_strategy"
    PRIORITY = "weft/priority"
    MAX_RUNTIME = MAX_RUNTIME_SECONDS_TAG
    USER = "weft/user"
    CODE_LOCATION = "weft/code_location"
    # "true": steps whose result exists are not run (`weft.execution.reuse`).
    CACHE = "weft/cache"
    IS_MEMOIZED = "weft/is_memoized_run"
    STALE_ASSETS_ONLY = "weft/stale_assets_only"


_FOREIGN_PREFIX = "dagster/"


def native_tag(key: str) -> str:
    """A tag by its own name: ``dagster/x`` is ``weft/x``."""
    return f"{RunTag.PREFIX}{key[len(_FOREIGN_PREFIX) :]}" if key.startswith(_FOREIGN_PREFIX) else key


class RunTags(dict[str, str]):
    """The tags of a run, in which system tags are found under their foreign spellings too. Only their own names are listed, compared and stored."""

    __slots__ = ()

    def __missing__(self, key: str) -> str:
        found: str | None = dict.get(self, native_tag(key))
        if found is None:
            raise KeyError(key)
        return found

    def __contains__(self, key: object) -> bool:
        return dict.__contains__(self, native_tag(key) if isinstance(key, str) else key)

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a tag, or `default`."""
        return dict.get(self, native_tag(key), default)


class Run(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One run as a value: what was asked for and where it stands. Times are seconds since the epoch, UTC."""

    id: str
    job_name: str
    status: RunStatus
    created_at: float
    # What was asked for.
    run_config: Mapping[str, Any] = {}
    tags: Mapping[str, str] = {}
    # Assets and checks to make; None for a job of ops.
    asset_selection: tuple[AssetKey, ...] | None = None
    check_selection: tuple[AssetCheckKey, ...] | None = None
    # Ops of the job that were selected; None for all.
    op_selection: tuple[str, ...] | None = None
    # The run that this one repeats, and the first of that chain.
    parent_run_id: str | None = None
    root_run_id: str | None = None
    # The content hash of the definitions it was planned from; None where they were not stored.
    snapshot_id: str | None = None
    # Where its code is; None where it can run only in the process that made it.
    origin: CodeOrigin | None = None
    # How many workers it has been given by the queue: the fencing token of the latest, and the source of its events. 0: none.
    worker: int = 0
    # Where it stands.
    started_at: float | None = None
    ended_at: float | None = None
    updated_at: float | None = None
    failure_reason: FailureReason | None = None
    error: ErrorInfo | None = None

    def __post_init__(self) -> None:
        if self.tags and type(self.tags) is not RunTags:
            force_setattr(self, "tags", RunTags(self.tags))

    @property
    def run_id(self) -> str:
        """The id, under the name that contexts and events use."""
        return self.id

    @property
    def is_finished(self) -> bool:
        """Whether the run has reached a terminal state."""
        return self.status.is_finished

    @property
    def is_success(self) -> bool:
        """Whether it succeeded."""
        return self.status is RunStatus.SUCCESS

    @property
    def is_failure(self) -> bool:
        """Whether it failed."""
        return self.status is RunStatus.FAILURE

    @property
    def is_canceled(self) -> bool:
        """Whether it was cancelled."""
        return self.status is RunStatus.CANCELED

    @property
    def partition_key(self) -> str | None:
        """The partition that the run makes, where it makes exactly one."""
        return self.tags.get(RunTag.PARTITION)

    @property
    def partition_range(self) -> tuple[str, str] | None:
        """The first and last key of the range that the run makes in one go, where it does."""
        start, end = self.tags.get(RunTag.PARTITION_RANGE_START), self.tags.get(RunTag.PARTITION_RANGE_END)
        return (start, end) if start is not None and end is not None else None


class RunFilter(Struct, frozen=True, kw_only=True):
    """Which runs to list; every given field must hold. Empty: all runs."""

    run_ids: tuple[str, ...] | None = None
    job_name: str | None = None
    statuses: tuple[RunStatus, ...] | None = None
    # Tag to value; a run must carry them all.
    tags: Mapping[str, str] = {}
    asset_key: AssetKey | None = None
    created_after: float | None = None
    created_before: float | None = None
    updated_after: float | None = None
    updated_before: float | None = None

    def __post_init__(self) -> None:
        if any(key.startswith(_FOREIGN_PREFIX) for key in self.tags):
            force_setattr(self, "tags", {native_tag(key): value for key, value in self.tags.items()})
