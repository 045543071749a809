"""What runs are carried out against: a bag of ports, wired by the composition root."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from weft.clock import SYSTEM_CLOCK, Clock
from weft.config.instance_settings import InstanceSettings
from weft.execution.io_managers.memory import InMemoryIOManager
from weft.logs.store import ComputeLogStore, NullComputeLogStore
from weft.storage.memory import MemoryStorage
from weft.storage.notifications import Wakeups
from weft.storage.ports import (
    AssetStore,
    CheckStore,
    DynamicPartitionStore,
    EventLog,
    KeyValue,
    LeaseStore,
    PoolStore,
    RunQueue,
    RunStore,
    SnapshotStore,
    Storage,
)

_DEFAULTS = InstanceSettings()


class RunEnvironment:
    """Storage, logs, journals, defaults and time. `weft.Instance` is the public form of it.

    Attributes:
        storage: all storage ports.
        logs: where captured output is kept.
        journal_folder: where workers keep their journals; None: events go straight to storage (which is memory).
        default_resources: resources for keys that nobody defines, such as ``io_manager``.
        clock: where time comes from.
        settings: how runs are queued, launched and watched.
    """

    def __init__(
        self,
        *,
        storage: Storage,
        logs: ComputeLogStore,
        journal_folder: Path | None,
        default_resources: Mapping[str, Any],
        clock: Clock = SYSTEM_CLOCK,
        settings: InstanceSettings = _DEFAULTS,
    ) -> None:
        self.storage = storage
        self.logs = logs
        self.journal_folder = journal_folder
        self.default_resources = dict(default_resources)
        self.clock = clock
        self.settings = settings

    @classmethod
    def in_memory(cls) -> RunEnvironment:
        """Everything in memory: nothing is left on disk, and no SQL library is loaded."""
        return cls(
            storage=MemoryStorage(),
            logs=NullComputeLogStore(),
            journal_folder=None,
            default_resources={"io_manager": InMemoryIOManager()},
        )

    @property
    def is_ephemeral(self) -> bool:
        """Whether everything is gone with this process."""
        return self.journal_folder is None

    @property
    def runs(self) -> RunStore:
        """Runs, their plans, the state of their steps."""
        return self.storage.runs

    @property
    def events(self) -> EventLog:
        """The log of events."""
        return self.storage.events

    @property
    def assets(self) -> AssetStore:
        """The state of assets and partitions."""
        return self.storage.assets

    @property
    def checks(self) -> CheckStore:
        """The latest answers of checks."""
        return self.storage.checks

    @property
    def dynamic_partitions(self) -> DynamicPartitionStore:
        """The keys of dynamic partitions."""
        return self.storage.dynamic_partitions

    @property
    def snapshots(self) -> SnapshotStore:
        """Content-addressed blobs."""
        return self.storage.snapshots

    @property
    def queue(self) -> RunQueue:
        """Runs that wait, and those that have a worker."""
        return self.storage.queue

    @property
    def leases(self) -> LeaseStore:
        """Who does what only one may do."""
        return self.storage.leases

    @property
    def pools(self) -> PoolStore:
        """Slots of what only so many steps may use at a time."""
        return self.storage.pools

    @property
    def wakeups(self) -> Wakeups:
        """How processes that use this instance wake each other."""
        return self.storage.wakeups

    @property
    def keyvalue(self) -> KeyValue:
        """Small named values."""
        return self.storage.keyvalue

    def close(self) -> None:
        """Let go of files and connections."""
        self.storage.close()
