"""The state that automation asks for, read from storage: each answer once, and only what a condition asks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from weft.model.asset_state import AssetState, PartitionStatus
from weft.model.assets import AssetGraph
from weft.model.events import AssetCheckEvaluated, AssetMaterialized, AssetObserved, StoredEvent
from weft.model.keys import AssetCheckKey, AssetJobKey, AssetKey
from weft.model.partitions.keys import PartitionKeyRange
from weft.model.partitions.subset import PartitionSet
from weft.model.run import Run, RunFilter, RunStatus
from weft.planning.automation.state import MakingRun, Target, Update
from weft.planning.automation.subset import Scope, Subset
from weft.planning.freshness import freshness_state
from weft.runs.environment import RunEnvironment

_PAGE = 1000
_MADE = ("ASSET_MATERIALIZATION", "ASSET_OBSERVATION")
_OBSERVED = ("ASSET_OBSERVATION",)
_MATERIALIZED = ("ASSET_MATERIALIZATION",)
_EVALUATED = ("ASSET_CHECK_EVALUATION",)
_IN_PROGRESS = tuple(status for status in RunStatus if not status.is_finished)


class StoredAutomationState:
    """See `weft.planning.automation.state.AutomationState`. Made for one evaluation."""

    def __init__(self, environment: RunEnvironment, graph: AssetGraph, now: float) -> None:
        self._environment = environment
        self._graph = graph
        self._now = now
        self._latest_event_id = environment.events.latest_id()
        self._states: dict[AssetKey, AssetState | None] = {}
        self._runs: dict[str, MakingRun | None] = {}
        self._active: list[Run] | None = None
        self._statuses: dict[AssetKey, dict[PartitionStatus, list[str]]] = {}

    @property
    def latest_event_id(self) -> int:
        """The last event when the evaluation began."""
        return self._latest_event_id

    def made(self, target: Target, scope: Scope) -> Subset:
        """See the port."""
        if isinstance(target, AssetJobKey):
            return scope.everything
        if isinstance(target, AssetCheckKey):
            if scope.definition is None:
                return scope.of(self._environment.checks.get(target) is not None)
            return self._subset(scope, self._about(target, 0))
        state = self._state(target)
        if state is None:
            return scope.nothing
        observed = state.latest_observation is not None
        if scope.definition is None:
            return scope.of(state.latest_materialization is not None or observed)
        statuses = self._partitions(target)
        keys = list(statuses.get(PartitionStatus.MATERIALIZED, ()))
        # A partition whose latest attempt failed may have been made before.
        keys += [
            key
            for status in (PartitionStatus.FAILED, PartitionStatus.IN_PROGRESS)
            for key in statuses.get(status, ())
            if self._environment.events.of_asset(target, types=_MATERIALIZED, partition=key, limit=1)
        ]
        if observed:
            keys += [key for event in self._events(target, _OBSERVED, 0) if (key := _partition(event)) is not None]
        return scope.of_keys(keys)

    def has_records(self, target: Target) -> bool:
        """See the port."""
        return isinstance(target, AssetKey) and self._state(target) is not None

    def failed(self, target: Target, scope: Scope) -> Subset:
        """See the port."""
        if not isinstance(target, AssetKey):
            return scope.nothing
        state = self._state(target)
        if state is None or state.latest_failure is None:
            return scope.nothing
        if scope.definition is None:
            made = state.latest_materialization
            return scope.of(made is None or made.event_id < state.latest_failure.event_id)
        return scope.of_keys(self._partitions(target).get(PartitionStatus.FAILED, ()))

    def run_in_progress(self, target: Target, scope: Scope) -> Subset:
        """See the port."""
        found = scope.nothing
        for run in self._active_runs():
            if _is_to_make(run, target) and not self._made_by(run, target):
                found = found | self._partitions_of(run, scope)
        return found

    def backfill_in_progress(self, target: Target, scope: Scope) -> Subset:
        """See the port."""
        return scope.nothing

    def updates(self, target: Target, scope: Scope, after_event_id: int) -> Sequence[Update]:
        """See the port."""
        if isinstance(target, AssetJobKey):
            return ()
        by_run: dict[str, list[StoredEvent]] = {}
        for stored in self._about(target, after_event_id):
            by_run.setdefault(stored.event.run_id, []).append(stored)
        found = []
        for run_id, events in by_run.items():
            changed = [event for event in events if self._is_changed(event)]
            found.append(Update(self._subset(scope, events), self._making_run(run_id), self._subset(scope, changed)))
        return found

    def latest_run(self, target: Target, partition: str | None) -> MakingRun | None:
        """See the port."""
        if isinstance(target, AssetCheckKey):
            answer = self._environment.checks.get(target)
            return self._making_run(answer.latest.run_id) if answer is not None else None
        if isinstance(target, AssetJobKey):
            return None
        if partition is None:
            state = self._state(target)
            made = (state.latest_materialization or state.latest_observation) if state is not None else None
            return self._making_run(made.run_id) if made is not None else None
        events = self._environment.events.of_asset(target, types=_MADE, partition=partition, limit=1)
        return self._making_run(events[0].event.run_id) if events else None

    def check_passed(self, check: AssetCheckKey, partition: str | None) -> bool | None:
        """See the port."""
        answer = self._environment.checks.get(check, partition=partition)
        if answer is None:
            return None
        if partition is None:
            state = self._state(check.asset_key)
            made = state.latest_materialization if state is not None else None
        else:
            row = self._environment.assets.partition(check.asset_key, partition)
            made = row.latest if row is not None and row.status is PartitionStatus.MATERIALIZED else None
        if made is not None and answer.latest.event_id < made.event_id and answer.latest.run_id != made.run_id:
            return None  # about what was there before
        return answer.passed

    def freshness(self, key: AssetKey) -> str:
        """See the port."""
        node = self._graph.get(key)
        policy = node.freshness_policy if node is not None else None
        state = self._state(key)
        made = (state.latest_materialization or state.latest_observation) if state is not None else None
        return freshness_state(policy, made.time if made is not None else None, self._now).value

    # --- reading -----------------------------------------------------------------------------------------------------

    def _state(self, key: AssetKey) -> AssetState | None:
        if key not in self._states:
            self._states[key] = self._environment.assets.get(key)
        return self._states[key]

    def _partitions(self, key: AssetKey) -> dict[PartitionStatus, list[str]]:
        found = self._statuses.get(key)
        if found is None:
            found = self._statuses[key] = {}
            cursor = None
            while True:
                page = self._environment.assets.partitions(key, limit=_PAGE, cursor=cursor)
                for row in page.items:
                    found.setdefault(row.status, []).append(row.partition)
                cursor = page.cursor
                if cursor is None:
                    break
        return found

    def _about(self, target: AssetKey | AssetCheckKey, after_event_id: int) -> Iterator[StoredEvent]:
        if isinstance(target, AssetKey):
            yield from self._events(target, _MADE, after_event_id)
            return
        for stored in self._events(target.asset_key, _EVALUATED, after_event_id):
            body = stored.event.body
            if isinstance(body, AssetCheckEvaluated) and body.check_key == target:
                yield stored

    def _events(self, key: AssetKey, types: Sequence[str], after_event_id: int) -> Iterator[StoredEvent]:
        """The latest first; those after the moment of the evaluation are left for the next one."""
        before: int | None = self._latest_event_id + 1
        while True:
            page = self._environment.events.of_asset(
                key, types=types, limit=_PAGE, before_id=before, after_id=after_event_id
            )
            yield from page
            if len(page) < _PAGE:
                return
            before = page[-1].id

    def _is_changed(self, stored: StoredEvent) -> bool:
        body = stored.event.body
        if not isinstance(body, (AssetMaterialized, AssetObserved)):
            return False
        earlier = self._environment.events.of_asset(
            body.asset_key, types=_MADE, partition=body.partition, limit=1, before_id=stored.id
        )
        if not earlier:
            return True
        before = earlier[0].event.body
        assert isinstance(before, (AssetMaterialized, AssetObserved))
        return before.data_version != body.data_version

    def _subset(self, scope: Scope, events: Iterable[StoredEvent]) -> Subset:
        keys = [_partition(event) for event in events]
        if scope.definition is None:
            return scope.of(bool(keys))
        return scope.of_keys([key for key in keys if key is not None])

    def _making_run(self, run_id: str) -> MakingRun | None:
        if run_id not in self._runs:
            run = self._environment.runs.get(run_id)
            self._runs[run_id] = (
                MakingRun(run.id, frozenset(run.asset_selection or ()), frozenset(run.check_selection or ()), run.tags)
                if run is not None
                else None
            )
        return self._runs[run_id]

    def _active_runs(self) -> list[Run]:
        if self._active is None:
            self._active = []
            cursor = None
            while True:
                page = self._environment.runs.list(RunFilter(statuses=_IN_PROGRESS), limit=_PAGE, cursor=cursor)
                self._active += page.items
                cursor = page.cursor
                if cursor is None:
                    break
        return self._active

    def _made_by(self, run: Run, target: Target) -> bool:
        if isinstance(target, AssetCheckKey):
            answer = self._environment.checks.get(target)
            return answer is not None and answer.latest.run_id == run.id
        if isinstance(target, AssetJobKey):
            return False
        if run.partition_key is not None:
            row = self._environment.assets.partition(target, run.partition_key)
            return row is not None and row.status is PartitionStatus.MATERIALIZED and row.latest.run_id == run.id
        state = self._state(target)
        made = state.latest_materialization if state is not None else None
        return made is not None and made.run_id == run.id and run.partition_range is None

    def _partitions_of(self, run: Run, scope: Scope) -> Subset:
        if scope.definition is None:
            return scope.everything
        if run.partition_key is not None:
            return scope.of_keys([run.partition_key])
        if run.partition_range is not None:
            whole = PartitionKeyRange(*run.partition_range)
            return scope.of(PartitionSet.from_range(scope.definition, whole, scope.dynamic)) & scope.everything
        return scope.nothing


def _is_to_make(run: Run, target: Target) -> bool:
    if isinstance(target, AssetJobKey):
        return run.job_name == target.job_name
    if isinstance(target, AssetCheckKey):
        return target in (run.check_selection or ())
    return target in (run.asset_selection or ())


def _partition(stored: StoredEvent) -> str | None:
    body = stored.event.body
    return body.partition if isinstance(body, (AssetMaterialized, AssetObserved, AssetCheckEvaluated)) else None
