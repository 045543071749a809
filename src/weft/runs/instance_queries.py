"""What user code may ask and tell an instance: runs, events, assets, dynamic partitions.

Sensors, schedules, scripts and notebooks use these through `weft.Instance`; weft itself uses the ports. Every answer reads tables or indexes,
never the whole log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set as AbstractSet
from itertools import islice
from typing import Any

from weft.definitions.results import AssetMaterialization, AssetObservation
from weft.errors import InvocationError
from weft.execution.contexts import event_body
from weft.model.asset_state import PartitionStatus
from weft.model.events import (
    AssetCheckEvaluated,
    AssetEventBody,
    AssetMaterialized,
    AssetObserved,
    Event,
    StoredEvent,
)
from weft.model.keys import AssetCheckKey, AssetKey, CoercibleToAssetKey
from weft.model.partitions.definitions import PartitionsDefinition
from weft.model.run import Run, RunFilter
from weft.runs.delete import delete_run
from weft.runs.environment import RunEnvironment
from weft.runs.instance_records import (
    AssetCheckRecord,
    AssetEntry,
    AssetRecord,
    AssetRecordsFilter,
    EventRecordsFilter,
    EventRecordsResult,
    PaginatedResults,
    RunRecord,
    RunStatusChangeRecordsFilter,
)

_PAGE = 1000
_MATERIALIZATION = "ASSET_MATERIALIZATION"
_OBSERVATION = "ASSET_OBSERVATION"


class InstanceQueries(RunEnvironment):
    """The verbs of `weft.Instance`."""

    # --- runs --------------------------------------------------------------------------------------------------------

    def get_run_by_id(self, run_id: str) -> Run | None:
        """The run, or None."""
        return self.runs.get(run_id)

    def has_run(self, run_id: str) -> bool:
        """Whether there is such a run."""
        return self.runs.get(run_id) is not None

    def get_runs(
        self,
        filters: RunFilter | None = None,
        cursor: str | None = None,
        limit: int | None = None,
        ascending: bool = False,
    ) -> Sequence[Run]:
        """Runs by time of creation, newest first unless `ascending`; all of them without a limit. `cursor` is the id of the run before."""
        return [record.run for record in self.get_run_records(filters, limit, ascending=ascending, cursor=cursor)]

    def get_run_ids(
        self, filters: RunFilter | None = None, cursor: str | None = None, limit: int | None = None
    ) -> Sequence[str]:
        """The ids of what `get_runs` gives."""
        return [run.id for run in self.get_runs(filters, cursor, limit)]

    def get_runs_count(self, filters: RunFilter | None = None) -> int:
        """How many runs the filter matches."""
        return self.runs.count(filters)

    def get_run_records(
        self,
        filters: RunFilter | None = None,
        limit: int | None = None,
        order_by: str | None = None,
        ascending: bool = False,
        cursor: str | None = None,
        bucket_by: Any = None,
    ) -> Sequence[RunRecord]:
        """Runs with their times, newest first unless `ascending`.

        Args:
            filters: which ones.
            limit: at most so many.
            order_by: ``create_timestamp`` (the default), ``update_timestamp``, ``start_time`` or ``end_time``.
            ascending: the oldest first.
            cursor: the id of a run: only those that follow it.
            bucket_by: not offered: ask once for each job or tag.

        Raises:
            InvocationError: (WEFT-I060) an argument that is not offered, or an unknown order.
        """
        if bucket_by is not None or order_by not in _ORDERS:
            raise InvocationError(
                "runs cannot be listed in this way.",
                code="WEFT-I060",
                facts={"order_by": order_by, "orders": ", ".join(filter(None, _ORDERS)), "bucket_by": bucket_by},
                fix="use one of the orders, and ask once for each job or tag instead of bucket_by",
            )
        by_creation = order_by in (None, "create_timestamp", "id")
        found: list[RunRecord] = []
        page_cursor = None
        skipping = cursor is not None
        while True:
            page = self.runs.list(filters, limit=_PAGE, cursor=page_cursor, ascending=ascending)
            for run in page.items:
                if skipping:
                    skipping = run.id != cursor
                    continue
                found.append(RunRecord(run))
                if by_creation and limit is not None and len(found) >= limit:
                    return found
            page_cursor = page.cursor
            if page_cursor is None:
                break
        if not by_creation:
            found.sort(key=lambda record: getattr(record, str(order_by)) or _BEGINNING, reverse=not ascending)
        return found[:limit] if limit is not None else found

    def get_run_record_by_id(self, run_id: str) -> RunRecord | None:
        """The run with its times, or None."""
        run = self.runs.get(run_id)
        return RunRecord(run) if run is not None else None

    def add_run_tags(self, run_id: str, new_tags: Mapping[str, str]) -> None:
        """Add or replace tags of a run.

        Raises:
            RunNotFoundError: there is no such run.
        """
        self.runs.add_tags(run_id, new_tags)

    def delete_run(self, run_id: str) -> None:
        """Remove a run with its events and captured output. What it made stays known.

        Raises:
            RunNotFoundError: there is no such run.
            UsageError: (WEFT-U019) it has not ended.
        """
        delete_run(run_id, self)

    # --- events ------------------------------------------------------------------------------------------------------

    def all_logs(
        self, run_id: str, of_type: str | AbstractSet[str] | None = None, limit: int | None = None
    ) -> Sequence[Event]:
        """The events of a run in the order of arrival, of one type or some types where given."""
        types = [of_type] if isinstance(of_type, str) else sorted(of_type) if of_type is not None else None
        found: list[Event] = []
        after = 0
        while limit is None or len(found) < limit:
            page = self.events.read(run_id, after_id=after, types=types, limit=_PAGE)
            found += [stored.event for stored in page]
            if len(page) < _PAGE:
                break
            after = page[-1].id
        return found[:limit] if limit is not None else found

    def get_event_records(
        self, event_records_filter: EventRecordsFilter, limit: int | None = None, ascending: bool = False
    ) -> Sequence[StoredEvent]:
        """Events of one type, newest first unless `ascending`."""
        wanted = event_records_filter
        if wanted.asset_key is not None:
            return self._of_asset(
                wanted.asset_key,
                [str(getattr(wanted.event_type, "value", wanted.event_type))],
                wanted.matches,
                limit=limit,
                ascending=ascending,
                after_id=wanted.after_cursor,
                before_id=wanted.before_cursor,
                partitions=wanted.asset_partitions,
            )
        found = self._of_type(wanted.event_type, wanted.after_cursor or 0, wanted.before_cursor, ascending)
        return _first(found, wanted.matches, limit)

    def fetch_materializations(
        self,
        records_filter: AssetRecordsFilter | CoercibleToAssetKey,
        limit: int = 100,
        cursor: str | None = None,
        ascending: bool = False,
    ) -> EventRecordsResult:
        """Materialisations of one asset, newest first unless `ascending`."""
        return self._fetch(AssetRecordsFilter.of(records_filter), _MATERIALIZATION, limit, cursor, ascending)

    def fetch_observations(
        self,
        records_filter: AssetRecordsFilter | CoercibleToAssetKey,
        limit: int = 100,
        cursor: str | None = None,
        ascending: bool = False,
    ) -> EventRecordsResult:
        """Observations of one asset, newest first unless `ascending`."""
        return self._fetch(AssetRecordsFilter.of(records_filter), _OBSERVATION, limit, cursor, ascending)

    def fetch_run_status_changes(
        self,
        records_filter: RunStatusChangeRecordsFilter | str,
        limit: int = 100,
        cursor: str | None = None,
        ascending: bool = False,
    ) -> EventRecordsResult:
        """Changes of state of runs, newest first unless `ascending`."""
        wanted = (
            records_filter
            if isinstance(records_filter, RunStatusChangeRecordsFilter)
            else RunStatusChangeRecordsFilter(event_type=records_filter)
        )
        after, before = wanted.after_storage_id or 0, wanted.before_storage_id
        if cursor is not None:
            after, before = (max(after, int(cursor)), before) if ascending else (after, int(cursor))
        found = self._of_type(wanted.event_type, after, before, ascending)
        return _page(_first(found, lambda stored: self._is_wanted_change(wanted, stored), limit + 1), limit, cursor)

    def get_latest_materialization_event(self, asset_key: CoercibleToAssetKey) -> Event | None:
        """The latest materialisation of an asset, or None. It is the last that the log still holds."""
        found = self.events.of_asset(AssetKey.of(asset_key), types=[_MATERIALIZATION], limit=1)
        return found[0].event if found else None

    def get_latest_materialization_events(
        self, asset_keys: Iterable[CoercibleToAssetKey]
    ) -> Mapping[AssetKey, Event | None]:
        """The latest materialisation of each asset."""
        return {AssetKey.of(key): self.get_latest_materialization_event(key) for key in asset_keys}

    def get_latest_materialization_code_versions(
        self, asset_keys: Iterable[CoercibleToAssetKey]
    ) -> Mapping[AssetKey, str | None]:
        """The code version with which each asset was made last."""
        keys = [AssetKey.of(key) for key in asset_keys]
        states = self.assets.get_many(keys)
        made = {key: state.latest_materialization for key, state in states.items()}
        return {key: pointer.code_version if (pointer := made.get(key)) is not None else None for key in keys}

    def get_latest_asset_check_evaluation_record(self, asset_check_key: AssetCheckKey) -> AssetCheckRecord | None:
        """The latest answer of a check, or None."""
        state = self.checks.get(asset_check_key)
        return AssetCheckRecord(state, self.events.get(state.latest.event_id)) if state is not None else None

    def report_runless_asset_event(self, asset_event: Any) -> None:
        """Record a materialisation, an observation or the answer of a check that no run of weft gave.

        Args:
            asset_event: an `AssetMaterialization`, `AssetObservation` or `AssetCheckEvaluation`.

        Raises:
            InvocationError: (WEFT-I061) it is none of these.
        """
        self.report_runless_asset_events([asset_event])

    def report_runless_asset_events(self, asset_events: Iterable[Any]) -> None:
        """As `report_runless_asset_event`, all of them or none."""
        bodies = [_reported_body(event) for event in asset_events]
        self.events.report(bodies, at=self.clock.wall())

    # --- assets ------------------------------------------------------------------------------------------------------

    def get_asset_keys(
        self, prefix: Sequence[str] | None = None, limit: int | None = None, cursor: str | None = None
    ) -> Sequence[AssetKey]:
        """The assets of which anything was recorded, in the order of their keys."""
        found: list[AssetKey] = []
        while True:
            page = self.assets.list(prefix=tuple(prefix or ()), limit=_PAGE, cursor=cursor)
            found += [state.key for state in page.items]
            cursor = page.cursor
            if cursor is None or (limit is not None and len(found) >= limit):
                return found[:limit] if limit is not None else found

    def has_asset_key(self, asset_key: CoercibleToAssetKey) -> bool:
        """Whether anything was recorded of the asset."""
        return self.assets.get(AssetKey.of(asset_key)) is not None

    def get_asset_records(self, asset_keys: Iterable[CoercibleToAssetKey] | None = None) -> Sequence[AssetRecord]:
        """What is known of these assets, of all without any."""
        keys = self.get_asset_keys() if asset_keys is None else [AssetKey.of(key) for key in asset_keys]
        states = self.assets.get_many(keys)
        records = []
        for key in keys:
            state = states.get(key)
            if state is None:
                continue
            made = state.latest_materialization
            event = self.events.get(made.event_id) if made is not None else None
            records.append(AssetRecord(state.id, AssetEntry(key, event), state))
        return records

    def wipe_assets(self, asset_keys: Iterable[CoercibleToAssetKey]) -> None:
        """Forget the state of assets: they count as never made. Events stay in the log."""
        for key in asset_keys:
            self.assets.wipe(AssetKey.of(key))

    def wipe_asset_partitions(self, asset_key: CoercibleToAssetKey, partition_keys: Sequence[str]) -> None:
        """Forget the state of some partitions of an asset."""
        self.assets.wipe(AssetKey.of(asset_key), partitions=list(partition_keys))

    def get_materialized_partitions(self, asset_key: CoercibleToAssetKey) -> set[str]:
        """The partitions of an asset whose latest attempt succeeded."""
        return {key for key, status in self._statuses(AssetKey.of(asset_key)) if status is PartitionStatus.MATERIALIZED}

    def get_status_by_partition(
        self, asset_key: CoercibleToAssetKey, partition_keys: Sequence[str], partitions_def: PartitionsDefinition
    ) -> Mapping[str, PartitionStatus | None]:
        """How each of these partitions stands; None for one that was never attempted."""
        known = dict(self._statuses(AssetKey.of(asset_key)))
        return {key: known.get(key) for key in partition_keys}

    # --- dynamic partitions ------------------------------------------------------------------------------------------

    def add_dynamic_partitions(self, partitions_def_name: str, partition_keys: Sequence[str]) -> None:
        """Add keys; those that are there already stay."""
        self.dynamic_partitions.add(
            partitions_def_name, [partition_keys] if isinstance(partition_keys, str) else partition_keys
        )

    def get_dynamic_partitions(self, partitions_def_name: str) -> Sequence[str]:
        """The keys in the order of their addition."""
        return self.dynamic_partitions.list(partitions_def_name)

    def has_dynamic_partition(self, partitions_def_name: str, partition_key: str) -> bool:
        """Whether the key is there."""
        return self.dynamic_partitions.has(partitions_def_name, partition_key)

    def delete_dynamic_partition(self, partitions_def_name: str, partition_key: str) -> None:
        """Remove a key; an unknown one is ignored."""
        self.dynamic_partitions.remove(partitions_def_name, [partition_key])

    def get_paginated_dynamic_partitions(
        self, partitions_def_name: str, limit: int, ascending: bool = True, cursor: str | None = None
    ) -> PaginatedResults[str]:
        """Some keys in the order of their addition (or its reverse), after the key `cursor`."""
        if ascending:
            found = self.dynamic_partitions.list(partitions_def_name, limit=limit + 1, after=cursor)
        else:
            every = self.dynamic_partitions.list(partitions_def_name)[::-1]
            start = every.index(cursor) + 1 if cursor is not None else 0
            found = every[start : start + limit + 1]
        results = found[:limit]
        return PaginatedResults(results, results[-1] if results else cursor, len(found) > limit)

    # --- reading -----------------------------------------------------------------------------------------------------

    def _statuses(self, key: AssetKey) -> Iterable[tuple[str, PartitionStatus]]:
        cursor = None
        while True:
            page = self.assets.partitions(key, limit=_PAGE, cursor=cursor)
            for row in page.items:
                yield row.partition, row.status
            cursor = page.cursor
            if cursor is None:
                return

    def _fetch(
        self, wanted: AssetRecordsFilter, type: str, limit: int, cursor: str | None, ascending: bool
    ) -> EventRecordsResult:
        after, before = wanted.after_storage_id, wanted.before_storage_id
        if cursor is not None:
            after, before = (int(cursor), before) if ascending else (after, int(cursor))
        found = self._of_asset(
            wanted.asset_key,
            [type],
            wanted.matches,
            limit=limit + 1,
            ascending=ascending,
            after_id=after,
            before_id=before,
            partitions=wanted.asset_partitions,
        )
        return _page(found, limit, cursor)

    def _of_asset(
        self,
        key: AssetKey,
        types: Sequence[str],
        matches: Any,
        *,
        limit: int | None,
        ascending: bool,
        after_id: int | None,
        before_id: int | None,
        partitions: Sequence[str] | None,
    ) -> list[StoredEvent]:
        """Events about an asset that `matches` lets pass, read page by page until there are enough."""
        found: list[StoredEvent] = []
        partition = partitions[0] if partitions is not None and len(partitions) == 1 else None
        while True:
            page = self.events.of_asset(
                key,
                types=types,
                partition=partition,
                limit=_PAGE if limit is None else min(_PAGE, max(limit, 1)),
                before_id=before_id,
                after_id=after_id,
                ascending=ascending,
            )
            found += [stored for stored in page if matches(stored)]
            if not page or (limit is not None and len(found) >= limit):
                return found[:limit] if limit is not None else found
            after_id, before_id = (page[-1].id, before_id) if ascending else (after_id, page[-1].id)

    def _of_type(self, type: str, after_id: int, before_id: int | None, ascending: bool) -> Iterable[StoredEvent]:
        """Events of a type, read page by page as they are asked for."""
        wanted = [str(getattr(type, "value", type))]
        while True:
            page = self.events.of_types(
                wanted, after_id=after_id, before_id=before_id, limit=_PAGE, ascending=ascending
            )
            yield from page
            if len(page) < _PAGE:
                return
            after_id, before_id = (page[-1].id, before_id) if ascending else (after_id, page[-1].id)

    def _is_wanted_change(self, wanted: RunStatusChangeRecordsFilter, stored: StoredEvent) -> bool:
        if wanted.storage_ids is not None and stored.id not in wanted.storage_ids:
            return False
        if wanted.after_timestamp is not None and stored.timestamp <= wanted.after_timestamp:
            return False
        if wanted.before_timestamp is not None and stored.timestamp >= wanted.before_timestamp:
            return False
        if wanted.job_names is None:
            return True
        run = self.runs.get(stored.run_id)
        return run is not None and run.job_name in wanted.job_names


_ORDERS = (None, "id", "create_timestamp", "update_timestamp", "start_time", "end_time")
_BEGINNING = 0.0


def _first(
    found: Iterable[StoredEvent], matches: Callable[[StoredEvent], bool], limit: int | None
) -> list[StoredEvent]:
    return list(islice((stored for stored in found if matches(stored)), limit))


def _page(found: Sequence[StoredEvent], limit: int, cursor: str | None) -> EventRecordsResult:
    records = found[:limit]
    return EventRecordsResult(records, str(records[-1].id) if records else cursor or "", len(found) > limit)


def _reported_body(event: Any) -> AssetEventBody:
    if isinstance(event, (AssetMaterialization, AssetObservation)):
        return event_body(event)
    if isinstance(event, (AssetMaterialized, AssetObserved, AssetCheckEvaluated)):
        return event
    to_body = getattr(event, "to_body", None)  # an evaluation of a check
    if to_body is not None:
        body = to_body()
        assert isinstance(body, AssetCheckEvaluated)
        return body
    raise InvocationError(
        f"{type(event).__name__} is no event about an asset.",
        code="WEFT-I061",
        facts={"found": f"{event!r:.80}"},
        fix="report an AssetMaterialization, AssetObservation or AssetCheckEvaluation",
    )
