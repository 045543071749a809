"""A snapshot: everything that a set of definitions says of itself, as one content-addressed value.

Pages, planning and the control plane work from snapshots, never from the user's code. Equal definitions give equal bytes and so
the same id, so an unchanged reload stores nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from weft.model.assets import AssetCheckNode, AssetNode
from weft.model.automation import Condition
from weft.model.codec import Decoder, encode
from weft.model.metadata import AnyMetadataValue
from weft.model.partitions.spec import PartitionsSpec
from weft.model.plan import ComputeUnit, RunPlan
from weft.model.selection import Selection


class ResourceSnapshot(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One resource: its key, its class, its configuration schema as JSON data, the resources it needs."""

    key: str
    type_name: str
    description: str | None = None
    config_schema: Mapping[str, Any] = {}
    requires: tuple[str, ...] = ()


class OpSnapshot(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One op."""

    name: str
    description: str | None = None
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    config_schema: Mapping[str, Any] = {}
    resource_keys: tuple[str, ...] = ()


class JobSnapshot(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One job. A job of ops carries its full plan; a job of assets carries its resolved selection."""

    name: str
    description: str | None = None
    tags: Mapping[str, str] = {}
    metadata: Mapping[str, AnyMetadataValue] = {}
    plan: RunPlan | None = None
    # What a job of assets makes; planning resolves it against the graph.
    selection: Selection | None = None
    partitions: PartitionsSpec | None = None
    automation_condition: Condition | None = None


class ScheduleSnapshot(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One schedule: when it ticks and which jobs it may ask for."""

    name: str
    crons: tuple[str, ...]
    timezone: str = "UTC"
    job_names: tuple[str, ...] = ()
    description: str | None = None
    # Whether it runs before anybody has started or stopped it.
    is_running_by_default: bool = False
    tags: Mapping[str, str] = {}
    metadata: Mapping[str, AnyMetadataValue] = {}
    owners: tuple[str, ...] = ()
    resource_keys: tuple[str, ...] = ()


class SensorSnapshot(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One sensor: what kind it is, what it looks at and which jobs it may ask for."""

    name: str
    # STANDARD, ASSET, MULTI_ASSET, RUN_STATUS, AUTOMATION
    sensor_type: str
    job_names: tuple[str, ...] = ()
    minimum_interval_seconds: float = 30
    description: str | None = None
    # Whether it runs before anybody has started or stopped it.
    is_running_by_default: bool = False
    tags: Mapping[str, str] = {}
    metadata: Mapping[str, AnyMetadataValue] = {}
    owners: tuple[str, ...] = ()
    resource_keys: tuple[str, ...] = ()
    # The assets whose events an asset sensor follows, or the assets whose conditions an automation sensor evaluates.
    assets: Selection | None = None
    # Of a sensor of runs: the status that it follows, and the jobs; None: all of this code location.
    run_status: str | None = None
    monitored_jobs: tuple[str, ...] | None = None
    monitors_all_code_locations: bool = False
    # Of an automation sensor.
    run_tags: Mapping[str, str] = {}
    emits_backfills: bool = False
    uses_user_code: bool = False


class DefinitionsSnapshot(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one set of definitions contains."""

    assets: tuple[AssetNode, ...] = ()
    checks: tuple[AssetCheckNode, ...] = ()
    units: tuple[ComputeUnit, ...] = ()
    jobs: tuple[JobSnapshot, ...] = ()
    schedules: tuple[ScheduleSnapshot, ...] = ()
    sensors: tuple[SensorSnapshot, ...] = ()
    ops: tuple[OpSnapshot, ...] = ()
    resources: tuple[ResourceSnapshot, ...] = ()
    metadata: Mapping[str, AnyMetadataValue] = {}

    def to_blob(self) -> bytes:
        """The snapshot as compressed bytes; equal snapshots give equal bytes."""
        import zlib

        return zlib.compress(encode(self), level=1)

    @staticmethod
    def from_blob(blob: bytes) -> DefinitionsSnapshot:
        """The snapshot that `to_blob` wrote."""
        import zlib

        return SNAPSHOT_DECODER.decode(zlib.decompress(blob))


SNAPSHOT_DECODER: Decoder[DefinitionsSnapshot] = Decoder(DefinitionsSnapshot)


def content_id(blob: bytes) -> str:
    """The id of stored content: the SHA-256 of its bytes, in hexadecimal."""
    import hashlib  # loading it costs more than the rest of this module

    return hashlib.sha256(blob).hexdigest()
