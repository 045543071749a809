"""What an external process is told of its step: the context, as JSON.

Programs read the ten keys without asking whether they are there, so all of them always are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from weft.execution.contexts import ExecutionContext
from weft.execution.data_versions import DataProvenance
from weft.model.keys import AssetKey
from weft.model.partitions.definitions import TimeWindowPartitionsDefinition


class PipesContextData(TypedDict):
    """The context. Keys of assets are user strings: parts joined by ``/``."""

    asset_keys: list[str] | None
    code_version_by_asset_key: dict[str, str | None] | None
    provenance_by_asset_key: dict[str, dict[str, Any] | None] | None
    partition_key: str | None
    partition_key_range: dict[str, str] | None
    partition_time_window: dict[str, str] | None
    run_id: str
    job_name: str | None
    retry_number: int
    extras: dict[str, Any]


def context_data_of(context: ExecutionContext, extras: Mapping[str, Any] | None) -> PipesContextData:
    """What the program of this step is told.

    Partitions are those of the run: of a range in a single run, the range and its window without a single key.
    """
    keys = _asset_keys(context)
    names = [key.to_user_string() for key in keys]
    partitions = _partitions(context)
    return PipesContextData(
        asset_keys=names or None,
        code_version_by_asset_key=_code_versions(context, keys) if keys else None,
        provenance_by_asset_key={key.to_user_string(): _provenance(context, key) for key in keys} if keys else None,
        partition_key=partitions[0],
        partition_key_range=partitions[1],
        partition_time_window=partitions[2],
        run_id=context.run_id,
        job_name=context.job_name,
        retry_number=context.retry_number,
        extras=dict(extras or {}),
    )


def _asset_keys(context: ExecutionContext) -> list[AssetKey]:
    """The assets that the step makes; of a step that only checks, those that it checks, since its answers name them."""
    found = context.selected_asset_keys or {check.asset_key for check in context.selected_asset_check_keys}
    return sorted(found)


def _code_versions(context: ExecutionContext, keys: list[AssetKey]) -> dict[str, str | None]:
    specs = context.assets_def.specs if context.has_assets_def else ()
    known = {spec.key: spec.code_version for spec in specs}
    return {key.to_user_string(): known.get(key) for key in keys}


def _provenance(context: ExecutionContext, key: AssetKey) -> dict[str, Any] | None:
    if context.instance is None:  # a context made for a direct call
        return None
    found: DataProvenance | None = context.get_asset_provenance(key)
    if found is None:
        return None
    return {
        "code_version": found.code_version,
        "input_data_versions": {
            upstream.to_user_string(): version.value for upstream, version in found.input_data_versions.items()
        },
        "is_user_provided": found.is_user_provided,
    }


def _partitions(context: ExecutionContext) -> tuple[str | None, dict[str, str] | None, dict[str, str] | None]:
    """The key, the range and the window of time."""
    if not context.has_partition_key_range:
        return None, None, None
    key = context.partition_key if context.has_partition_key else None
    ends = context.partition_key_range
    return key and str(key), {"start": str(ends.start), "end": str(ends.end)}, _window(context)


def _window(context: ExecutionContext) -> dict[str, str] | None:
    """Only partitions of one dimension are a window."""
    definition = context._partitions_def()  # nothing public says how the run is divided
    if not isinstance(definition, TimeWindowPartitionsDefinition):
        return None
    window = context.partition_time_window
    return {"start": window.start.isoformat(), "end": window.end.isoformat()}
