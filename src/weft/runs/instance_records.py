"""What `weft.Instance` answers user code with: filters, records and pages under the names that users of this programming model know.

Events and runs are the model's own values; what is here wraps them where a question needs more than they hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Generic, TypeVar

from msgspec import Struct

from weft.model.asset_state import AssetCheckState, AssetState
from weft.model.events import Event, StoredEvent
from weft.model.keys import AssetCheckKey, AssetKey, CoercibleToAssetKey
from weft.model.run import Run

T = TypeVar("T")


class PaginatedResults(Struct, Generic[T], frozen=True):
    """Some results, the cursor of those that follow, and whether there are any."""

    results: Sequence[T]
    cursor: str | None
    has_more: bool


class EventRecordsResult(Struct, frozen=True):
    """Some events, the cursor of those that follow, and whether there are any."""

    records: Sequence[StoredEvent]
    cursor: str
    has_more: bool


class EventRecordsFilter(Struct, frozen=True):
    """Which events of one type to find. Bounds are exclusive.

    Args:
        event_type: the type, as a member of `EventType` or its text.
        asset_key: only those about this asset.
        asset_partitions: only those about these partitions.
        after_cursor, before_cursor: places in the log (`StoredEvent.id`).
        after_timestamp, before_timestamp: seconds since the epoch.
    """

    event_type: str
    asset_key: AssetKey | None = None
    asset_partitions: Sequence[str] | None = None
    after_cursor: int | None = None
    before_cursor: int | None = None
    after_timestamp: float | None = None
    before_timestamp: float | None = None

    def matches(self, stored: StoredEvent) -> bool:
        """Whether an event passes, its place in the log apart."""
        return _matches(stored, self.asset_partitions, self.after_timestamp, self.before_timestamp)


class AssetRecordsFilter(Struct, frozen=True, kw_only=True):
    """Which events about one asset to find. Bounds are exclusive; `storage_ids` are places in the log."""

    asset_key: AssetKey
    asset_partitions: Sequence[str] | None = None
    after_timestamp: float | None = None
    before_timestamp: float | None = None
    after_storage_id: int | None = None
    before_storage_id: int | None = None
    storage_ids: Sequence[int] | None = None

    @staticmethod
    def of(value: AssetRecordsFilter | CoercibleToAssetKey) -> AssetRecordsFilter:
        """`value`, where an asset key stands for all events about the asset."""
        return value if isinstance(value, AssetRecordsFilter) else AssetRecordsFilter(asset_key=AssetKey.of(value))

    def matches(self, stored: StoredEvent) -> bool:
        """Whether an event passes, its place in the log apart."""
        if self.storage_ids is not None and stored.id not in self.storage_ids:
            return False
        return _matches(stored, self.asset_partitions, self.after_timestamp, self.before_timestamp)


class RunStatusChangeRecordsFilter(Struct, frozen=True, kw_only=True):
    """Which changes of state of runs to find: of one type such as ``RUN_SUCCESS``, over all runs or those of some jobs."""

    event_type: str
    after_timestamp: float | None = None
    before_timestamp: float | None = None
    after_storage_id: int | None = None
    before_storage_id: int | None = None
    storage_ids: Sequence[int] | None = None
    job_names: Sequence[str] | None = None


class RunRecord(Struct, frozen=True):
    """A run with its times as datetimes."""

    run: Run

    @property
    def dagster_run(self) -> Run:
        """The run; the name that existing code reads."""
        return self.run

    @property
    def create_timestamp(self) -> datetime:
        """When it was created, in UTC."""
        return _utc(self.run.created_at)

    @property
    def update_timestamp(self) -> datetime:
        """When its state changed last, in UTC."""
        return _utc(self.run.updated_at if self.run.updated_at is not None else self.run.created_at)

    @property
    def start_time(self) -> float | None:
        """When it started, in seconds since the epoch."""
        return self.run.started_at

    @property
    def end_time(self) -> float | None:
        """When it ended, in seconds since the epoch."""
        return self.run.ended_at


class AssetEntry(Struct, frozen=True):
    """An asset with its latest materialisation."""

    asset_key: AssetKey
    last_materialization_record: StoredEvent | None

    @property
    def last_materialization(self) -> Event | None:
        """The latest materialisation, or None."""
        return self.last_materialization_record.event if self.last_materialization_record is not None else None

    @property
    def last_run_id(self) -> str | None:
        """The run that made it last."""
        return self.last_materialization_record.run_id if self.last_materialization_record is not None else None


class AssetRecord(Struct, frozen=True):
    """An asset as the instance knows it. `storage_id` is stable over renames."""

    storage_id: int
    asset_entry: AssetEntry
    state: AssetState


class AssetCheckRecord(Struct, frozen=True):
    """The latest answer of a check, and the event that gave it where the log still holds it."""

    state: AssetCheckState
    event: StoredEvent | None

    @property
    def key(self) -> AssetCheckKey:
        """The check."""
        return self.state.key

    @property
    def run_id(self) -> str:
        """The run that evaluated it."""
        return self.state.latest.run_id


def _matches(stored: StoredEvent, partitions: Sequence[str] | None, after: float | None, before: float | None) -> bool:
    return (
        (partitions is None or stored.partition_key in partitions)
        and (after is None or stored.timestamp > after)
        and (before is None or stored.timestamp < before)
    )


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)
