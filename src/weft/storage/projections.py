"""From events to current state: the one reduction that every storage applies.

A storage stores a batch of events and, in the same transaction, changes what it knows of runs, steps, assets, partitions and checks.
*What* changes is decided here, purely: `touched_by` says which state a batch needs, the storage loads it as `Current`, `reduce` gives
the new values as `Changes`, the storage writes them. So two storages cannot disagree, and the rules can be tested without one.

Rules worth knowing:

- The order is the order of arrival (`StoredEvent.id`), not of `Event.time`: clocks of workers differ, the log has one order.
- A run changes state only along `weft.planning.run_states`. An event that asks for an illegal transition is listed in
  `Changes.refused` and changes nothing.
- Events of a step are facts about an attempt, they are never refused. A new attempt forgets the outputs, the error and the end of
  the one before; CPU seconds add up over attempts, peak memory is the highest, logs append.
- Reducing a batch at once or event by event gives the same state.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from weft.model.asset_state import (
    AssetCheckState,
    AssetPartitionState,
    AssetState,
    EventPointer,
    PartitionStatus,
)
from weft.model.events import (
    CONTROL_SOURCE,
    NO_RUN,
    AssetCheckEvaluated,
    AssetEventBody,
    AssetFailedToMaterialize,
    AssetMaterialized,
    AssetObserved,
    Event,
    RunCanceled,
    RunCanceling,
    RunDequeued,
    RunEnqueued,
    RunFailed,
    RunStarted,
    RunStarting,
    RunSucceeded,
    StepCanceled,
    StepFailed,
    StepOutput,
    StepRestarted,
    StepSkipped,
    StepStarted,
    StepSucceeded,
    StepUpForRetry,
    StoredEvent,
)
from weft.model.failure import ErrorInfo
from weft.model.keys import AssetCheckKey, AssetKey
from weft.model.run import FailureReason, RunStatus
from weft.model.step import Step, StepStatus
from weft.planning.run_states import TRANSITIONS, status_asked_by

CheckId: TypeAlias = tuple[AssetCheckKey, str | None]
"""A check and the partition it speaks of (None: the whole asset)."""


class RunChange(Struct, frozen=True, kw_only=True):
    """New values for a run. None leaves a field as it is."""

    status: RunStatus
    updated_at: float
    started_at: float | None = None
    ended_at: float | None = None
    failure_reason: FailureReason | None = None
    error: ErrorInfo | None = None


class Touched(Struct, frozen=True, kw_only=True):
    """The state that a batch of events may read or change, each in the order of first mention."""

    run_ids: tuple[str, ...]
    # Every step that is mentioned, with state or not: (run id, step key).
    steps: tuple[tuple[str, str], ...]
    asset_keys: tuple[AssetKey, ...]
    # Partitions that may get another state.
    partitions: tuple[tuple[AssetKey, str], ...]


class Current(Struct, frozen=True, kw_only=True):
    """The state before a batch, as far as the batch touches it.

    Every touched run has a status and every touched asset a state (a blank one where nothing happened to it yet: its id is the
    storage's to give). The others are missing where there is no state.
    """

    runs: Mapping[str, RunStatus]
    steps: Mapping[tuple[str, str], Step]
    assets: Mapping[AssetKey, AssetState]
    partitions: Mapping[tuple[AssetKey, str], PartitionStatus]


class Changes(Struct, kw_only=True):
    """The state after a batch: only what differs from `Current`."""

    runs: dict[str, RunChange]
    steps: dict[tuple[str, str], Step]
    assets: dict[AssetKey, AssetState]
    partitions: dict[tuple[AssetKey, str], AssetPartitionState]
    checks: dict[CheckId, AssetCheckState]
    # How the number of partitions in each status changes.
    partition_counts: dict[AssetKey, dict[PartitionStatus, int]]
    # Events that asked for an illegal transition.
    refused: list[Event]


def transition(current: RunStatus, to: RunStatus, at: float) -> RunChange | None:
    """What stepping from `current` to `to` at the time `at` changes; None where the step is illegal."""
    if to not in TRANSITIONS[current]:
        return None
    return RunChange(
        status=to,
        updated_at=at,
        started_at=at if to is RunStatus.STARTED else None,
        ended_at=at if to.is_finished else None,
    )


def is_fenced(source: int, worker: int) -> bool:
    """Whether what `source` writes is history only, because the run has been given to a later `worker`."""
    return CONTROL_SOURCE < source < worker


def may_announce(
    status: RunStatus, worker: int, expected_worker: int | None, expected: Collection[RunStatus] | None
) -> bool:
    """Whether a run in this state, with this worker, is as `EventLog.announce` expects it."""
    if expected_worker is not None and worker != expected_worker:
        return False
    return not status.is_finished if expected is None else status in expected


def reported(bodies: Sequence[AssetEventBody], first_id: int, at: float) -> tuple[StoredEvent, ...]:
    """What `EventLog.report` stores: events of no run, numbered by the log from `first_id` on."""
    return tuple(
        StoredEvent(id=id, event=Event(run_id=NO_RUN, seq=id, time=at, body=body))
        for id, body in enumerate(bodies, start=first_id)
    )


def touched_by(events: Iterable[Event]) -> Touched:
    """What a batch touches."""
    # Dicts are ordered sets here.
    runs: dict[str, None] = {}
    steps: dict[tuple[str, str], None] = {}
    assets: dict[AssetKey, None] = {}
    partitions: dict[tuple[AssetKey, str], None] = {}
    for event in events:
        runs[event.run_id] = None
        if event.step_key is not None:
            steps[event.run_id, event.step_key] = None
        if type(event.body) in _ABOUT_AN_ASSET:
            key, partition = event.asset_key, event.partition
            assert key is not None
            assets[key] = None
            if partition is not None and type(event.body) in _MAKES_A_PARTITION:
                partitions[key, partition] = None
    return Touched(
        run_ids=tuple(runs),
        steps=tuple(steps),
        asset_keys=tuple(assets),
        partitions=tuple(partitions),
    )


_MAKES_A_PARTITION = frozenset({AssetMaterialized, AssetFailedToMaterialize})
_ABOUT_AN_ASSET = frozenset({*_MAKES_A_PARTITION, AssetObserved, AssetCheckEvaluated})


def reduce(events: Sequence[StoredEvent], current: Current) -> Changes:
    """What `events`, in this order, change of `current`."""
    changes = Changes(runs={}, steps={}, assets={}, partitions={}, checks={}, partition_counts={}, refused=[])
    fan_out: _FanOut | None = None
    for stored in events:
        body = stored.event.body
        effect = _EFFECTS.get(type(body))
        if effect is None:
            continue
        if isinstance(body, StepOutput) and body.mapping_key is not None and stored.event.step_key is not None:
            if fan_out is None or not fan_out.is_of(stored.event, body):
                if fan_out is not None:
                    fan_out.apply(current, changes)
                fan_out = _FanOut(stored, body)
            fan_out.mapping_keys.append(body.mapping_key)
            continue
        if fan_out is not None:
            fan_out.apply(current, changes)
            fan_out = None
        effect(stored, current, changes)
    if fan_out is not None:
        fan_out.apply(current, changes)
    return changes


class _FanOut:
    """Values of one dynamic output that follow each other: taken together, since a step may give ten thousand and each would copy the others."""

    __slots__ = ("_output_name", "_place", "_stored", "mapping_keys")

    def __init__(self, stored: StoredEvent, body: StepOutput) -> None:
        self._stored = stored
        self._place = (stored.event.run_id, stored.event.step_key)
        self._output_name = body.output_name
        self.mapping_keys: list[str] = []

    def is_of(self, event: Event, body: StepOutput) -> bool:
        """Whether another value is of the same output."""
        return self._output_name == body.output_name and self._place == (event.run_id, event.step_key)

    def apply(self, current: Current, changes: Changes) -> None:
        """Add the keys to the step."""
        keys = tuple(self.mapping_keys)
        _on_step(lambda step, event, body: _with_keys(step, self._output_name, keys))(self._stored, current, changes)


# --- runs ------------------------------------------------------------------------------------------------------------


def _change_run(stored: StoredEvent, current: Current, changes: Changes) -> None:
    event = stored.event
    asked = status_asked_by(event.body)
    assert asked is not None
    earlier = changes.runs.get(event.run_id)
    change = transition(current.runs[event.run_id] if earlier is None else earlier.status, asked, event.time)
    if change is None:
        changes.refused.append(event)
        return
    if isinstance(event.body, RunFailed):
        change = replace(change, failure_reason=event.body.reason, error=event.body.error)
    if earlier is not None and change.started_at is None:
        change = replace(change, started_at=earlier.started_at)
    changes.runs[event.run_id] = change


# --- steps -----------------------------------------------------------------------------------------------------------


def _on_step(
    fold: Callable[[Step, Event, Any], Step],
) -> Callable[[StoredEvent, Current, Changes], None]:
    """The effect of events that change their step by `fold`, a function of the step, the event and its body."""

    def effect(stored: StoredEvent, current: Current, changes: Changes) -> None:
        event = stored.event
        if event.step_key is None:  # says nothing about any step: history only
            return
        place = (event.run_id, event.step_key)
        step = changes.steps.get(place) or current.steps.get(place)
        if step is None:
            step = Step(run_id=event.run_id, key=event.step_key, status=StepStatus.RUNNING)
        changes.steps[place] = fold(step, event, event.body)

    return effect


def _began(step: Step, event: Event, body: StepStarted | StepRestarted) -> Step:
    return Step(
        run_id=step.run_id,
        key=step.key,
        status=StepStatus.RUNNING,
        attempt=body.attempt,
        started_at=event.time,
        cpu_seconds=step.cpu_seconds,
        peak_memory_bytes=step.peak_memory_bytes,
        logs=step.logs,
    )


def _gave_output(step: Step, event: Event, body: StepOutput) -> Step:
    return _with_keys(step, body.output_name, () if body.mapping_key is None else (body.mapping_key,))


def _with_keys(step: Step, output_name: str, mapping_keys: tuple[str, ...]) -> Step:
    # An attempt gives each key once (it is refused a second time), so there is nothing to look for among the others.
    seen = (*step.outputs.get(output_name, ()), *mapping_keys)
    return replace(step, outputs={**step.outputs, output_name: seen})


def _skipped(step: Step, event: Event, body: StepSkipped) -> Step:
    return replace(
        step,
        status=StepStatus.SKIPPED,
        ended_at=event.time,
        cpu_seconds=step.cpu_seconds + body.cpu_seconds,
        peak_memory_bytes=max(step.peak_memory_bytes, body.peak_memory_bytes),
        logs=step.logs if body.logs is None else (*step.logs, body.logs),
        error=None,
        skip_reason=body.reason,
    )


def _ended(step: Step, event: Event, body: StepSucceeded | StepFailed | StepUpForRetry | StepCanceled) -> Step:
    return Step(
        run_id=step.run_id,
        key=step.key,
        status=_ENDS[type(body)],
        attempt=step.attempt,
        started_at=step.started_at,
        ended_at=event.time,
        cpu_seconds=step.cpu_seconds + body.cpu_seconds,
        peak_memory_bytes=max(step.peak_memory_bytes, body.peak_memory_bytes),
        logs=step.logs if body.logs is None else (*step.logs, body.logs),
        error=body.error if isinstance(body, (StepFailed, StepUpForRetry)) else None,
        outputs=step.outputs,
    )


_ENDS: dict[type, StepStatus] = {
    StepSucceeded: StepStatus.SUCCEEDED,
    StepFailed: StepStatus.FAILED,
    StepUpForRetry: StepStatus.UP_FOR_RETRY,
    StepCanceled: StepStatus.CANCELED,
}


# --- assets ----------------------------------------------------------------------------------------------------------


def _asset(key: AssetKey, current: Current, changes: Changes) -> AssetState:
    changed = changes.assets.get(key)
    return current.assets[key] if changed is None else changed


def _pointer(stored: StoredEvent, partition: str | None) -> EventPointer:
    event = stored.event
    return EventPointer(
        event_id=stored.id, run_id=event.run_id, time=event.time, step_key=event.step_key, partition=partition
    )


def _materialized(stored: StoredEvent, current: Current, changes: Changes) -> None:
    event, body = stored.event, stored.event.body
    assert isinstance(body, AssetMaterialized)
    pointer = EventPointer(
        event_id=stored.id,
        run_id=event.run_id,
        time=event.time,
        step_key=event.step_key,
        partition=body.partition,
        data_version=body.data_version,
        code_version=body.code_version,
        input_data_versions=body.input_data_versions,
        tags=body.tags,
        has_value=body.has_value,
    )
    state = _asset(body.asset_key, current, changes)
    changes.assets[body.asset_key] = replace(
        state, latest_materialization=pointer, materialization_count=state.materialization_count + 1
    )
    if body.partition is not None:
        _change_partition(body.asset_key, body.partition, PartitionStatus.MATERIALIZED, pointer, current, changes)


def _observed(stored: StoredEvent, current: Current, changes: Changes) -> None:
    event, body = stored.event, stored.event.body
    assert isinstance(body, AssetObserved)
    pointer = EventPointer(
        event_id=stored.id,
        run_id=event.run_id,
        time=event.time,
        step_key=event.step_key,
        partition=body.partition,
        data_version=body.data_version,
        tags=body.tags,
    )
    state = _asset(body.asset_key, current, changes)
    changes.assets[body.asset_key] = replace(state, latest_observation=pointer)


def _not_materialized(stored: StoredEvent, current: Current, changes: Changes) -> None:
    body = stored.event.body
    assert isinstance(body, AssetFailedToMaterialize)
    pointer = _pointer(stored, body.partition)
    state = _asset(body.asset_key, current, changes)
    changes.assets[body.asset_key] = replace(state, latest_failure=pointer)
    if body.partition is not None:
        _change_partition(body.asset_key, body.partition, PartitionStatus.FAILED, pointer, current, changes)


def _change_partition(
    key: AssetKey,
    partition: str,
    status: PartitionStatus,
    pointer: EventPointer,
    current: Current,
    changes: Changes,
) -> None:
    place = (key, partition)
    changed = changes.partitions.get(place)
    before = current.partitions.get(place) if changed is None else changed.status
    changes.partitions[place] = AssetPartitionState(asset_key=key, partition=partition, status=status, latest=pointer)
    if before is not status:
        counts = changes.partition_counts.setdefault(key, {})
        counts[status] = counts.get(status, 0) + 1
        if before is not None:
            counts[before] = counts.get(before, 0) - 1


def _checked(stored: StoredEvent, current: Current, changes: Changes) -> None:
    body = stored.event.body
    assert isinstance(body, AssetCheckEvaluated)
    key = body.check_key.asset_key
    changes.assets[key] = _asset(key, current, changes)  # something happened to the asset
    changes.checks[body.check_key, body.partition] = AssetCheckState(
        key=body.check_key,
        passed=body.passed,
        severity=body.severity,
        latest=_pointer(stored, body.partition),
        blocking=body.blocking,
    )


_EFFECTS: dict[type, Callable[[StoredEvent, Current, Changes], None]] = {
    **dict.fromkeys(
        (
            RunEnqueued,
            RunDequeued,
            RunStarting,
            RunStarted,
            RunSucceeded,
            RunFailed,
            RunCanceling,
            RunCanceled,
        ),
        _change_run,
    ),
    **dict.fromkeys((StepStarted, StepRestarted), _on_step(_began)),
    StepOutput: _on_step(_gave_output),
    StepSkipped: _on_step(_skipped),
    **dict.fromkeys(_ENDS, _on_step(_ended)),
    AssetMaterialized: _materialized,
    AssetObserved: _observed,
    AssetFailedToMaterialize: _not_materialized,
    AssetCheckEvaluated: _checked,
}
"""What each kind of event does to the state; kinds that are not listed are history only."""
