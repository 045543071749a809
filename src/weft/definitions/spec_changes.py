"""Changing many definitions at once: their specs, their resources."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from weft.definitions.asset_spec import AssetSpec
from weft.definitions.assets import AssetsDefinition
from weft.definitions.deprecations import warn_deprecated


def map_asset_specs(func: Callable[[AssetSpec], AssetSpec], iterable: Iterable[Any]) -> list[Any]:
    """What is in `iterable` with every spec of an asset changed by `func`. Lists inside are walked; anything else stays as it is.

    >>> assets = map_asset_specs(lambda spec: spec.merge_attributes(tags={"tier": "gold"}), [orders, AssetSpec("feed")])
    """
    changed: list[Any] = []
    for item in iterable:
        if isinstance(item, AssetsDefinition):
            changed.append(item.map_asset_specs(func))
        elif isinstance(item, AssetSpec):
            changed.append(func(item))
        elif isinstance(item, (list, tuple)):
            changed.append(map_asset_specs(func, item))
        else:
            changed.append(item)
    return changed


def with_resources(definitions: Iterable[Any], resource_defs: Mapping[str, Any]) -> list[Any]:
    """`definitions` with resources of their own (deprecated: give them to `Definitions`). Specs, which need none, stay as they are."""
    warn_deprecated("with_resources", "Definitions(resources=...)")
    return [item.with_resources(resource_defs) if isinstance(item, AssetsDefinition) else item for item in definitions]
