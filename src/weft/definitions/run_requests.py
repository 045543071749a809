"""What a schedule or sensor asks for: runs, keys of dynamic partitions, events about assets; or why it asks for nothing.

All of it is plain once made: configuration is a document, assets are keys, tags are text. So the answer of user code can leave the process that
evaluated it and be committed in one transaction by another that never loads that code.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from msgspec import Struct
from msgspec.structs import force_setattr, replace

from weft.config.run_config import RunConfig, run_config_document
from weft.definitions.inputs_outputs import asset_key_of
from weft.definitions.names import check_each, check_kind, check_optional, tag_texts
from weft.definitions.results import AssetCheckResult, AssetMaterialization, AssetObservation
from weft.errors import DefinitionError
from weft.model.keys import AssetCheckKey, AssetKey
from weft.model.partitions.definitions import (
    AddDynamicPartitionsRequest,
    DeleteDynamicPartitionsRequest,
)


class RunRequest(Struct, frozen=True, omit_defaults=True):
    """One run that a schedule or sensor asks for.

    Args:
        run_key: one run at most is ever made for each key of a schedule or sensor; None: a run every time.
        run_config: the configuration of the run, as a dict or `RunConfig`; the job's own where it is empty.
        tags: tags of the run; values that are not text become JSON text.
        job_name: which of the jobs that the schedule or sensor targets; needed only where there are several.
        asset_selection: the assets to make, of those that the job makes; None: all of them.
        stale_assets_only: make only those assets of the selection that are missing or out of date.
        partition_key: the partition to make.
        asset_check_keys: the checks to evaluate; None: those of the assets.

    Raises:
        DefinitionError: (WEFT-D071 and others) an argument is of a type that cannot be meant.

    >>> RunRequest(run_key="orders.csv", run_config={"ops": {"load": {"config": {"path": "orders.csv"}}}})
    """

    run_key: str | None = None
    run_config: RunConfig | Mapping[str, Any] = {}
    tags: Mapping[str, Any] = {}
    job_name: str | None = None
    asset_selection: Sequence[Any] | None = None
    stale_assets_only: bool = False
    partition_key: str | None = None
    asset_check_keys: Sequence[AssetCheckKey] | None = None

    def __post_init__(self) -> None:
        where = "a RunRequest"
        check_optional(self.run_key, str, "run_key", where)
        check_optional(self.job_name, str, "job_name", where)
        check_optional(self.partition_key, str, "partition_key", where)
        check_kind(self.stale_assets_only, bool, "stale_assets_only", where)
        force_setattr(self, "run_config", run_config_document(self.run_config))
        force_setattr(self, "tags", tag_texts(self.tags, where))
        if self.asset_selection is not None:
            chosen = check_each(self.asset_selection, object, "asset_selection", where)
            force_setattr(self, "asset_selection", tuple([key for item in chosen for key in _keys_of(item)]))
        if self.asset_check_keys is not None:
            checks = check_each(self.asset_check_keys, AssetCheckKey, "asset_check_keys", where)
            force_setattr(self, "asset_check_keys", checks)

    def with_tags(self, tags: Mapping[str, str]) -> RunRequest:
        """The request with more tags; its own stay as they are."""
        return replace(self, tags={**tags, **self.tags}) if tags else self

    def with_replaced_attrs(self, **changes: Any) -> RunRequest:
        """The request with other values for some of its fields."""
        return replace(self, **changes)


def _keys_of(item: Any) -> Sequence[AssetKey]:
    keys = getattr(item, "keys", None)
    if isinstance(keys, (list, tuple)) and all(isinstance(key, AssetKey) for key in keys):
        return keys
    return (asset_key_of(item),)


class SkipReason(Struct, frozen=True):
    """Why a schedule or sensor asks for nothing this time, in one sentence for people."""

    skip_message: str | None = None

    def __post_init__(self) -> None:
        check_optional(self.skip_message, str, "skip_message", "a SkipReason")


class SensorResult:
    """Everything that one evaluation of a sensor says, taken over as a whole or not at all.

    Args:
        run_requests: the runs to make.
        skip_reason: why there are none.
        cursor: what the next evaluation gets as ``context.cursor``; None: it stays as it is.
        dynamic_partitions_requests: keys to add or remove before the runs are made.
        asset_events: materialisations, observations and answers of checks to report without a run.

    Raises:
        DefinitionError: (WEFT-D465) there are both runs and a reason to skip.
    """

    __slots__ = ("asset_events", "cursor", "dynamic_partitions_requests", "run_requests", "skip_reason")

    def __init__(
        self,
        run_requests: Sequence[RunRequest] | None = None,
        skip_reason: SkipReason | str | None = None,
        cursor: str | None = None,
        dynamic_partitions_requests: Sequence[AddDynamicPartitionsRequest | DeleteDynamicPartitionsRequest]
        | None = None,
        asset_events: Sequence[AssetMaterialization | AssetObservation | AssetCheckResult] | None = None,
    ) -> None:
        where = "a SensorResult"
        self.run_requests = check_each(run_requests, RunRequest, "run_requests", where)
        reason = SkipReason(skip_reason) if isinstance(skip_reason, str) else skip_reason
        self.skip_reason: SkipReason | None = check_optional(reason, SkipReason, "skip_reason", where)
        if self.run_requests and self.skip_reason is not None:
            raise DefinitionError(
                "a SensorResult has both run requests and a reason to skip.",
                code="WEFT-D465",
                facts={"run requests": len(self.run_requests), "skip reason": self.skip_reason.skip_message},
                fix="give the reason only where nothing is asked for",
            )
        self.cursor: str | None = check_optional(cursor, str, "cursor", where)
        requests: tuple[Any, ...] = check_each(
            dynamic_partitions_requests, object, "dynamic_partitions_requests", where
        )
        self.dynamic_partitions_requests: tuple[AddDynamicPartitionsRequest | DeleteDynamicPartitionsRequest, ...] = (
            requests
        )
        for request in requests:
            if not isinstance(request, DeleteDynamicPartitionsRequest):
                check_kind(request, AddDynamicPartitionsRequest, "dynamic_partitions_requests", where)
        events: tuple[Any, ...] = check_each(asset_events, object, "asset_events", where)
        self.asset_events: tuple[AssetMaterialization | AssetObservation | AssetCheckResult, ...] = events
        for event in events:
            if not isinstance(event, (AssetObservation, AssetCheckResult)):
                check_kind(event, AssetMaterialization, "asset_events", where)

    def __repr__(self) -> str:
        if self.skip_reason is not None:
            return f"SensorResult(skip_reason={self.skip_reason.skip_message!r}, cursor={self.cursor!r})"
        return f"SensorResult({len(self.run_requests)} run requests, cursor={self.cursor!r})"


SensorReturnTypesUnion: TypeAlias = (
    RunRequest
    | SkipReason
    | SensorResult
    | Sequence[RunRequest]
    | Iterator[RunRequest | SkipReason | SensorResult]
    | None
)
"""What the function of a sensor may return."""
