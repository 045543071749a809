"""The current state of assets, partitions and checks, as kept in the projections that pages and decisions read."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from msgspec import Struct

from weft.model.keys import AssetCheckKey, AssetKey
from weft.model.severity import AssetCheckSeverity


class PartitionStatus(Enum):
    """How a partition of an asset stands. A key without a row is missing."""

    MATERIALIZED = "MATERIALIZED"
    FAILED = "FAILED"
    IN_PROGRESS = "IN_PROGRESS"


class EventPointer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where an event stands, and what a page shows without reading it."""

    event_id: int
    run_id: str
    time: float
    step_key: str | None = None
    partition: str | None = None
    data_version: str | None = None
    code_version: str | None = None
    # Upstream key (user string) to the data version that was read.
    input_data_versions: Mapping[str, str] = {}
    tags: Mapping[str, str] = {}
    # Whether an I/O manager stored a value with it.
    has_value: bool = False


class AssetState(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of one asset now. `id` is stable over renames."""

    id: int
    key: AssetKey
    latest_materialization: EventPointer | None = None
    latest_observation: EventPointer | None = None
    # The latest time it should have been made but was not.
    latest_failure: EventPointer | None = None
    materialization_count: int = 0


class AssetPartitionState(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of one partition of one asset now."""

    asset_key: AssetKey
    partition: str
    status: PartitionStatus
    # The materialisation, or the failure.
    latest: EventPointer


class AssetCheckState(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The latest answer of one check (of one partition, where it is partitioned)."""

    key: AssetCheckKey
    passed: bool
    severity: AssetCheckSeverity
    latest: EventPointer
    blocking: bool = False
