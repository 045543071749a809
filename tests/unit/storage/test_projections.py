"""The reduction, apart from any storage."""

from __future__ import annotations

import pytest

from weft.model.asset_state import AssetState, PartitionStatus
from weft.model.events import (
    AssetCheckEvaluated,
    AssetFailedToMaterialize,
    AssetMaterialized,
    AssetObserved,
    Event,
    EventBody,
    LogMessage,
    RunDequeued,
    RunEnqueued,
    RunStarted,
    RunSucceeded,
    StepStarted,
    StepSucceeded,
    StoredEvent,
)
from weft.model.keys import AssetCheckKey, AssetKey
from weft.model.run import RunStatus
from weft.model.step import StepStatus
from weft.planning.run_states import TRANSITIONS
from weft.storage.projections import Current, RunChange, Touched, reduce, touched_by, transition

A, B = AssetKey("a"), AssetKey("b")


def stored(*bodies: EventBody, step_key: str | None = "s", run_id: str = "r") -> list[StoredEvent]:
    return [
        StoredEvent(id=number, event=Event(run_id=run_id, seq=number, time=float(number), body=body, step_key=step_key))
        for number, body in enumerate(bodies, 1)
    ]


def nothing_known(status: RunStatus = RunStatus.NOT_STARTED) -> Current:
    states = {key: AssetState(id=number, key=key) for number, key in enumerate((A, B), 1)}
    return Current(runs={"r": status}, steps={}, assets=states, partitions={})


def test_a_batch_names_what_it_touches_in_the_order_of_first_mention() -> None:
    events = [
        Event(run_id="r2", seq=1, time=0.0, body=LogMessage(message="m", level=20), step_key="z"),
        Event(run_id="r1", seq=1, time=0.0, body=AssetMaterialized(asset_key=B, partition="p"), step_key="y"),
        Event(run_id="r2", seq=2, time=0.0, body=AssetObserved(asset_key=A, partition="q")),
        Event(run_id="r2", seq=3, time=0.0, body=AssetFailedToMaterialize(asset_key=B, partition="p"), step_key="z"),
        Event(run_id="r2", seq=4, time=0.0, body=AssetCheckEvaluated(check_key=AssetCheckKey(A, "c"), passed=True)),
    ]
    assert touched_by(events) == Touched(
        run_ids=("r2", "r1"), steps=(("r2", "z"), ("r1", "y")), asset_keys=(B, A), partitions=((B, "p"),)
    )


@pytest.mark.parametrize("start", list(RunStatus))
@pytest.mark.parametrize("to", list(RunStatus))
def test_a_transition_follows_the_table_and_notes_the_times(start: RunStatus, to: RunStatus) -> None:
    change = transition(start, to, 5.0)
    if to not in TRANSITIONS[start]:
        assert change is None
        return
    assert change == RunChange(
        status=to,
        updated_at=5.0,
        started_at=5.0 if to is RunStatus.STARTED else None,
        ended_at=5.0 if to.is_finished else None,
    )


def test_several_transitions_in_a_batch_become_one_change() -> None:
    changes = reduce(
        stored(RunEnqueued(), RunDequeued(), RunStarted(), RunSucceeded(), RunStarted(), step_key=None), nothing_known()
    )
    assert changes.runs == {
        "r": RunChange(status=RunStatus.SUCCESS, updated_at=4.0, started_at=3.0, ended_at=4.0),
    }
    assert [event.seq for event in changes.refused] == [5]


def test_history_changes_nothing() -> None:
    changes = reduce(stored(LogMessage(message="m", level=20)), nothing_known())
    assert not (changes.runs or changes.steps or changes.assets or changes.partitions or changes.checks)


def test_a_step_event_without_a_step_is_history() -> None:
    assert reduce(stored(StepStarted(), step_key=None), nothing_known()).steps == {}


def test_an_end_without_a_start_still_counts() -> None:
    step = reduce(stored(StepSucceeded(cpu_seconds=2.0)), nothing_known()).steps["r", "s"]
    assert (step.status, step.started_at, step.cpu_seconds) == (StepStatus.SUCCEEDED, None, 2.0)


def test_counts_of_partitions_change_only_where_the_status_does() -> None:
    made, missed = AssetMaterialized(asset_key=A, partition="p"), AssetFailedToMaterialize(asset_key=A, partition="p")
    current = Current(
        runs={"r": RunStatus.STARTED},
        steps={},
        assets={A: AssetState(id=1, key=A)},
        partitions={(A, "p"): PartitionStatus.FAILED},
    )
    assert reduce(stored(missed, missed), current).partition_counts == {}
    assert reduce(stored(made), current).partition_counts == {
        A: {PartitionStatus.MATERIALIZED: 1, PartitionStatus.FAILED: -1}
    }
    changes = reduce(stored(made, missed), current).partition_counts[A]
    assert {status: count for status, count in changes.items() if count} == {}


def test_the_state_before_is_left_alone() -> None:
    current = nothing_known()
    before = dict(current.assets)
    reduce(stored(AssetMaterialized(asset_key=A, partition="p")), current)
    assert current.assets == before
    assert current.partitions == {}
