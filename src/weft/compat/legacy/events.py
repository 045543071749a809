"""Materialisations and what is said of them, in the words of before 1.0."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from weft.definitions.deprecations import warn_deprecated
from weft.definitions.results import AssetMaterialization
from weft.model.keys import CoercibleToAssetKey
from weft.model.metadata import AnyMetadataValue, MetadataValue


class EventMetadataEntry(NamedTuple):
    """One fact with its label; now ``metadata={label: value}``."""

    label: str
    value: AnyMetadataValue
    description: str | None = None

    @staticmethod
    def text(text: str, label: str, description: str | None = None) -> EventMetadataEntry:
        """A text."""
        return EventMetadataEntry(label, MetadataValue.text(text), description)

    @staticmethod
    def url(url: str, label: str, description: str | None = None) -> EventMetadataEntry:
        """A link."""
        return EventMetadataEntry(label, MetadataValue.url(url), description)

    @staticmethod
    def path(path: str, label: str, description: str | None = None) -> EventMetadataEntry:
        """A path of a file or folder."""
        return EventMetadataEntry(label, MetadataValue.path(path), description)

    @staticmethod
    def json(data: Mapping[str, Any], label: str, description: str | None = None) -> EventMetadataEntry:
        """Any JSON."""
        return EventMetadataEntry(label, MetadataValue.json(data), description)

    @staticmethod
    def md(md_str: str, label: str, description: str | None = None) -> EventMetadataEntry:
        """Markdown."""
        return EventMetadataEntry(label, MetadataValue.md(md_str), description)

    @staticmethod
    def int(value: int, label: str, description: str | None = None) -> EventMetadataEntry:
        """A whole number."""
        return EventMetadataEntry(label, MetadataValue.int(value), description)

    @staticmethod
    def float(value: float, label: str, description: str | None = None) -> EventMetadataEntry:
        """A number."""
        return EventMetadataEntry(label, MetadataValue.float(value), description)


def metadata_of(entries: Iterable[EventMetadataEntry] | None) -> dict[str, AnyMetadataValue]:
    """Label to value."""
    return {entry.label: entry.value for entry in entries or ()}


class Materialization(AssetMaterialization):
    """Something was made; now `AssetMaterialization`. Without an asset key, the label names what was made."""

    __slots__ = ()

    def __init__(
        self,
        label: str | None = None,
        description: str | None = None,
        metadata_entries: Sequence[EventMetadataEntry] | None = None,
        asset_key: CoercibleToAssetKey | None = None,
        partition: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        warn_deprecated("Materialization", "AssetMaterialization")
        key = asset_key if asset_key is not None else label or ""
        super().__init__(key, description, metadata_of(metadata_entries), partition, tags)
