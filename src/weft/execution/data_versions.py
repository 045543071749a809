"""Data versions: which content an asset has, as a short text. Equal versions mean equal content.

A version that the user gives wins. Otherwise it is the hash of the code version and the versions of the inputs that were read; an asset
without a code version counts as changed by every run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from weft.model.keys import AssetKey
from weft.storage.ports import AssetStore


class DataVersions:
    """The versions known during a run: those that it made itself, and those that were there."""

    __slots__ = ("_assets", "_known")

    def __init__(self, assets: AssetStore) -> None:
        self._assets = assets
        self._known: dict[tuple[AssetKey, str | None], str | None] = {}

    def made(self, key: AssetKey, partition: str | None, version: str) -> None:
        """Remember what this run made."""
        self._known[key, partition] = version

    def current(self, keys: Sequence[AssetKey]) -> dict[str, str]:
        """The versions of upstream assets by user string; those that have none are left out."""
        unknown = [key for key in keys if (key, None) not in self._known]
        if unknown:
            states = self._assets.get_many(unknown)
            for key in unknown:
                state = states.get(key)
                latest = (state.latest_materialization or state.latest_observation) if state is not None else None
                self._known[key, None] = latest.data_version if latest is not None else None
        return {key.to_user_string(): version for key in keys if (version := self._known.get((key, None))) is not None}


def computed_version(code_version: str | None, run_id: str, inputs: Mapping[str, str]) -> str:
    """The version of content made by code of `code_version` from inputs of these versions."""
    digest = hashlib.sha256((code_version or run_id).encode())
    for key in sorted(inputs):
        digest.update(b"\0" + key.encode() + b"\0" + inputs[key].encode())
    return digest.hexdigest()[:32]
