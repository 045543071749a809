"""Renamed assets: what is stored under an earlier key goes to the present one when definitions that say so are first used in a run.

It happens before the run is stored, so that the run is about the asset with its history. Only what the instance stores moves; values that I/O
managers have written stay where they are.
"""

from __future__ import annotations

from collections.abc import Sequence

from weft.model.keys import AssetKey
from weft.storage.ports import AssetStore


def apply_renames(renamed: Sequence[tuple[AssetKey, AssetKey]], assets: AssetStore) -> list[tuple[AssetKey, AssetKey]]:
    """Give what is stored of each earlier key to its present one; returns the pairs for which there was something to give.

    A look at the earlier keys is all it costs once that has happened.

    Raises:
        StorageError: (WEFT-T041) both keys have a history.
    """
    if not renamed:
        return []
    known = assets.get_many([earlier for earlier, _ in renamed])
    return [(earlier, key) for earlier, key in renamed if earlier in known and assets.rename(earlier, key)]
