"""Data versions: which content an asset, or one partition of it, has, as a short text. Equal versions mean equal content.

A version that the user gives wins. Otherwise it is the hash of the code version, of what was configured, and of the versions of the inputs that were read;
an asset without a code version counts as changed by every run.

What a step read of a partitioned upstream has one version as well: that of the one partition that it needs; of several, a hash of theirs; of
very many (`weft.planning.versions`), one that changes whenever anything of the asset is made. So what is recorded with a materialisation stays small, and
what it costs to find out is bounded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from weft.definitions.results import DataVersion
from weft.model.asset_state import EventPointer, PartitionStatus
from weft.model.keys import AssetKey
from weft.planning.versions import (
    MOST_PARTITIONS,
    combined,
    version_of_asset,
    version_of_partition,
    version_of_partitions,
)
from weft.storage.ports import AssetStore

SETTINGS_TAG = "weft/settings_version"
"""The tag of a materialisation that says what was configured for it (`weft.execution.settings_version`); absent where nothing could be."""


class DataVersions:
    """The versions known during a run: those that it made itself, and those that were there."""

    __slots__ = ("_assets", "_known")

    def __init__(self, assets: AssetStore) -> None:
        self._assets = assets
        # For None of a partitioned asset: what changes with anything that is made of it.
        self._known: dict[tuple[AssetKey, str | None], str | None] = {}

    def made(self, key: AssetKey, partition: str | None, version: str) -> None:
        """Remember what this run made."""
        self._known[key, partition] = version
        if partition is not None:
            self._known[key, None] = combined(self._whole(key) or "", partition, version)

    def of(self, key: AssetKey, partitions: Sequence[str]) -> str | None:
        """The version of what a step reads of an asset: of these partitions of it, or of an asset without partitions.

        None where it was never made and never observed.
        """
        if not partitions or len(partitions) > MOST_PARTITIONS:
            return self._whole(key)
        return version_of_partitions(partitions, lambda partition: self._partition(key, partition))

    def latest(self, key: AssetKey, partition: str | None) -> EventPointer | None:
        """The materialisation that stands in storage, of the asset or of one partition of it; None where the latest try failed."""
        if partition is None:
            state = self._assets.get(key)
            return state.latest_materialization if state is not None else None
        found = self._assets.partition(key, partition)
        return found.latest if found is not None and found.status is PartitionStatus.MATERIALIZED else None

    def _whole(self, key: AssetKey) -> str | None:
        if (key, None) not in self._known:
            self._known[key, None] = version_of_asset(self._assets.get(key))
        return self._known[key, None]

    def _partition(self, key: AssetKey, partition: str) -> str | None:
        if (key, partition) not in self._known:
            self._known[key, partition] = version_of_partition(self._assets.partition(key, partition))
        return self._known[key, partition]


class DataProvenance(NamedTuple):
    """From what a materialisation was made: the version of the code, the version of each input by its asset, and whether the user's code gave
    its data version (otherwise it follows from the former two).
    """

    code_version: str | None
    input_data_versions: Mapping[AssetKey, DataVersion]
    is_user_provided: bool


def provenance(made: EventPointer | None) -> DataProvenance | None:
    """The provenance of a materialisation; None where there is none, or where it has no data version."""
    if made is None or made.data_version is None:
        return None
    own = computed_version(made.code_version, made.run_id, made.input_data_versions, made.tags.get(SETTINGS_TAG))
    return DataProvenance(
        code_version=made.code_version,
        input_data_versions={
            AssetKey.from_user_string(key): DataVersion(version) for key, version in made.input_data_versions.items()
        },
        is_user_provided=made.data_version != own,
    )


def computed_version(
    code_version: str | None, run_id: str, inputs: Mapping[str, str], settings: str | None = None
) -> str:
    """The version of content made by code of `code_version` from inputs of these versions, with these settings (`weft.execution.settings_version`)."""
    digest = hashlib.sha256((code_version or run_id).encode())
    if settings is not None:
        digest.update(b"\0\0" + settings.encode())
    for key in sorted(inputs):
        digest.update(b"\0" + key.encode() + b"\0" + inputs[key].encode())
    return digest.hexdigest()[:32]
