"""Partitions definitions and mappings as plain tagged values, for snapshots and storage.

The behaviour (key <-> ordinal, sets, mapping) lives beside it; `from_spec` and `to_spec` convert without loss.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from msgspec import Struct


class StaticSpec(Struct, frozen=True, tag="static"):
    """A fixed list of keys."""

    keys: tuple[str, ...]


class TimeWindowSpec(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="time"):
    """Windows of a cadence from `start` on. Instants are wall-clock ISO strings in `timezone`."""

    start: str
    cron: str
    timezone: str = "UTC"
    fmt: str = "%Y-%m-%d"
    end: str | None = None
    end_offset: int = 0
    exclusions: tuple[str, ...] = ()


class DynamicSpec(Struct, frozen=True, tag="dynamic"):
    """Keys that are added and removed while the system runs, kept in storage under `name`."""

    name: str


class MultiSpec(Struct, frozen=True, tag="multi"):
    """The product of named dimensions, in the order of their names."""

    dimensions: Mapping[str, PartitionsSpec]


PartitionsSpec: TypeAlias = StaticSpec | TimeWindowSpec | DynamicSpec | MultiSpec


class MappingSpec(Struct, frozen=True, omit_defaults=True):
    """A partition mapping by kind and parameters. `kind` "custom" can only be evaluated where the user's code is."""

    kind: str
    params: Mapping[str, Any] = {}
