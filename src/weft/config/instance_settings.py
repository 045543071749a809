"""The settings of an instance as typed values, with their defaults. Where they are read from is `weft.config.instance_file`.

Every part that takes settings takes its own section, never the whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct


class TagLimitSettings(Struct, frozen=True, kw_only=True):
    """At most `limit` runs at a time among those with the tag `key`: of any value together, of one, or of each apart (`per_value`)."""

    key: str
    limit: int
    value: str | None = None
    per_value: bool = False


class QueueSettings(Struct, frozen=True, kw_only=True):
    """Which waiting runs go."""

    # None: as many as there are; 0: none.
    max_concurrent_runs: int | None = 10
    tag_limits: tuple[TagLimitSettings, ...] = ()
    # The tag whose values share the queue fairly.
    fair_share: str | None = None
    # How often a run whose worker could not be started is put back.
    max_launch_retries: int = 3
    # How often the queue is looked at where nothing wakes it.
    poll_seconds: float = 5.0


class PoolSettings(Struct, frozen=True, kw_only=True):
    """Pools that nobody set a limit for, and what their slots count."""

    default_limit: int | None = None
    granularity: Literal["op", "run"] = "op"
    buffer: int = 0


class MonitoringSettings(Struct, frozen=True, kw_only=True):
    """How runs are watched."""

    start_timeout_seconds: float = 180.0
    # From the request to end to the kill.
    cancel_grace_seconds: float = 20.0
    heartbeat_seconds: float = 2.0
    # Without a heartbeat for so long, the launcher is asked whether the worker lives.
    lease_seconds: float = 10.0
    # For runs whose tags and jobs say nothing.
    max_runtime_seconds: float | None = None
    # How often a run goes on with another worker after one was lost.
    max_resume_attempts: int = 0
    poll_seconds: float = 2.0


class RunRetrySettings(Struct, frozen=True, kw_only=True):
    """What follows a failed run whose tags say nothing."""

    max_retries: int = 0
    strategy: Literal["FROM_FAILURE", "ALL_STEPS"] = "FROM_FAILURE"
    # Whether a run is repeated in which a step failed, and not only one whose worker did.
    on_step_failure: bool = True


class LauncherSettings(Struct, frozen=True, kw_only=True):
    """How workers of runs are started."""

    kind: Literal["local", "subprocess", "in_process", "custom"] = "local"
    # How long code that no run needs stays loaded.
    idle_seconds: float = 600.0
    # For "custom": a class with the methods of `weft.runs.launchers.port.RunLauncher`, as ``module:Class``, and its arguments.
    target: str | None = None
    config: Mapping[str, Any] = {}


class StorageSettings(Struct, frozen=True, kw_only=True):
    """Where runs, events and assets are recorded. None: SQLite in the home of the instance."""

    url: str | None = None
    # A class with the ports of `weft.storage.ports.Storage`, as ``module:Class``, and its arguments.
    custom: str | None = None
    config: Mapping[str, Any] = {}


class RetentionSettings(Struct, frozen=True, kw_only=True):
    """After how many days what is deleted of runs that are over; None: never. The state of assets always stays."""

    events_days: float | None = 90.0
    logs_days: float | None = 90.0
    runs_days: float | None = None


class LogSettings(Struct, frozen=True, kw_only=True):
    """Where captured output is kept, and which loggers of Python become events. None: ``logs`` in the home."""

    folder: str | None = None
    managed_loggers: tuple[str, ...] = ()
    level: str | None = None


class InstanceSettings(Struct, frozen=True, kw_only=True):
    """All settings of an instance."""

    storage: StorageSettings = StorageSettings()
    queue: QueueSettings = QueueSettings()
    pools: PoolSettings = PoolSettings()
    launcher: LauncherSettings = LauncherSettings()
    monitoring: MonitoringSettings = MonitoringSettings()
    retries: RunRetrySettings = RunRetrySettings()
    retention: RetentionSettings = RetentionSettings()
    logs: LogSettings = LogSettings()
