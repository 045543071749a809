"""The settings of an instance as typed values, with their defaults. Where they are read from is `weft.config.instance_file`.

Every part that takes settings takes its own section, never the whole. The name of a duration or an age ends with its unit; in a file it may be left out
where the value says it (``start_timeout: 3m``). Each setting is described in ``docs/reference/settings.md``, which a test compares with this module.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from msgspec import Meta, Struct

HOME_VARIABLE = "WEFT_HOME"
# The home of programs that weft takes the place of; their settings are understood (`weft.config.dagster_settings`).
FORMER_HOME_VARIABLE = "DAGSTER_HOME"
SETTINGS_FILE = "weft.yaml"
DAGSTER_FILE = "dagster.yaml"
PROJECT_HOME = ".weft"
"""The home of the instance of a project, in its folder."""

Count: TypeAlias = Annotated[int, Meta(ge=0)]
Seconds: TypeAlias = Annotated[float, Meta(ge=0)]
SomeSeconds: TypeAlias = Annotated[float, Meta(gt=0)]
Days: TypeAlias = Annotated[float, Meta(gt=0)]


class TagLimitSettings(Struct, frozen=True, kw_only=True):
    """At most `limit` runs at a time among those with the tag `key`: of any value together, of one, or of each apart (`per_value`)."""

    key: str
    limit: Count
    value: str | None = None
    per_value: bool = False


class QueueSettings(Struct, frozen=True, kw_only=True):
    """Which waiting runs go."""

    # None: as many as there are; 0: none.
    max_concurrent_runs: Count | None = 10
    tag_limits: tuple[TagLimitSettings, ...] = ()
    # The tag whose values share the queue fairly.
    fair_share: str | None = None
    # How often a run whose worker could not be started is put back.
    max_launch_retries: Count = 3
    # How often the queue is looked at where nothing wakes it.
    poll_seconds: SomeSeconds = 5.0


class PoolSettings(Struct, frozen=True, kw_only=True):
    """Pools that nobody set a limit for, and what their slots count."""

    default_limit: Count | None = None
    granularity: Literal["op", "run"] = "op"
    buffer: Count = 0


class MonitoringSettings(Struct, frozen=True, kw_only=True):
    """How runs are watched."""

    start_timeout_seconds: SomeSeconds = 180.0
    # From the request to end to the kill.
    cancel_grace_seconds: Seconds = 20.0
    heartbeat_seconds: SomeSeconds = 2.0
    # Without a heartbeat for so long, the launcher is asked whether the worker lives.
    lease_seconds: SomeSeconds = 10.0
    # For runs whose tags and jobs say nothing.
    max_runtime_seconds: SomeSeconds | None = None
    # How often a run goes on with another worker after one was lost.
    max_resume_attempts: Count = 0
    poll_seconds: SomeSeconds = 2.0


class RunRetrySettings(Struct, frozen=True, kw_only=True):
    """What follows a failed run whose tags say nothing."""

    max_retries: Count = 0
    strategy: Literal["FROM_FAILURE", "ALL_STEPS"] = "FROM_FAILURE"
    # Whether a run is repeated in which a step failed, and not only one whose worker did.
    on_step_failure: bool = True


class LauncherSettings(Struct, frozen=True, kw_only=True):
    """How workers of runs are started."""

    kind: Literal["local", "subprocess", "in_process", "custom"] = "local"
    # How long code that no run needs stays loaded.
    idle_seconds: Seconds = 600.0
    # Added to the niceness of workers: higher gives way to other work of the machine.
    nice: int = 0
    # For "custom": a class with the methods of `weft.runs.launchers.port.RunLauncher`, as ``module:Class``, and its arguments.
    target: str | None = None
    config: Mapping[str, Any] = {}


class StorageSettings(Struct, frozen=True, kw_only=True):
    """Where runs, events and assets are recorded. None: SQLite in the home of the instance."""

    url: str | None = None
    # Of SQLite: NORMAL survives the death of any process, FULL also a power cut, at the price of a disk flush for each batch of events.
    synchronous: Literal["NORMAL", "FULL"] = "NORMAL"
    # How long a write waits for other writers.
    lock_timeout_seconds: SomeSeconds = 30.0
    # A class with the ports of `weft.storage.ports.Storage`, as ``module:Class``, and its arguments.
    custom: str | None = None
    config: Mapping[str, Any] = {}


class RetentionSettings(Struct, frozen=True, kw_only=True):
    """After how many days what is deleted of runs that are over; None: never. The state of assets always stays."""

    events_days: Days | None = 90.0
    logs_days: Days | None = 90.0
    runs_days: Days | None = None


class LogSettings(Struct, frozen=True, kw_only=True):
    """What is in the log of a run, and where captured output is kept."""

    # The least level of lines.
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "DEBUG"
    # Names of loggers of the standard library whose lines become lines of the log; that of `get_weft_logger` always is one.
    managed_loggers: tuple[str, ...] = ()

    # Whether what steps print is kept at all.
    capture: bool = True
    # None: ``logs`` in the home.
    folder: str | None = None
    # A class with the methods of `weft.logs.store.ComputeLogStore`, as ``module:Class``, and its arguments.
    custom: str | None = None
    config: Mapping[str, Any] = {}


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


def settings_files(home: Path) -> list[Path]:
    """The files with settings of the instance in a folder; the first one holds. Here, so that nobody loads what reads them where there are none."""
    beside = (home.parent / SETTINGS_FILE,) if home.name == PROJECT_HOME else ()
    return [path for path in (home / SETTINGS_FILE, *beside, home / DAGSTER_FILE) if path.is_file()]


def named_home() -> str | None:
    """The home that the environment names."""
    return os.environ.get(HOME_VARIABLE) or os.environ.get(FORMER_HOME_VARIABLE) or None
