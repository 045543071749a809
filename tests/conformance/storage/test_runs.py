"""The laws of `RunStore`."""

from __future__ import annotations

import pytest
from tests.conformance.storage.building import ORDERS, Journal, new_run, plan_of

from weft.errors import RunNotFoundError, StorageError
from weft.model.events import (
    AssetMaterialized,
    LogMessage,
    RunCanceled,
    RunEnqueued,
    RunFailed,
    RunStarted,
    RunStarting,
    RunSucceeded,
    StepFailed,
    StepOutput,
    StepRestarted,
    StepSkipped,
    StepStarted,
    StepSucceeded,
    StepUpForRetry,
)
from weft.model.failure import ErrorInfo, Frame
from weft.model.keys import AssetCheckKey, AssetKey
from weft.model.plan import FromOutput, OutputRef, RunPlan, StepInput, StepOutputPlan, StepPlan
from weft.model.retry import Backoff, RetryPolicy
from weft.model.run import FailureReason, Run, RunFilter, RunStatus
from weft.model.step import LogRange, Step, StepStatus
from weft.planning.run_states import TRANSITIONS
from weft.storage.ports import Storage

ERROR = ErrorInfo(message="no", class_name="ValueError", frames=(Frame("f.py", 3, "g", "x = 1"),))


def ids(storage: Storage, filter: RunFilter | None = None, **options: object) -> list[str]:
    return [run.id for run in storage.runs.list(filter, **options).items]  # type: ignore[arg-type]


def all_pages(storage: Storage, filter: RunFilter | None = None, *, limit: int, ascending: bool = False) -> list[str]:
    found: list[str] = []
    cursor = None
    while True:
        page = storage.runs.list(filter, limit=limit, cursor=cursor, ascending=ascending)
        found += [run.id for run in page.items]
        cursor = page.cursor
        if cursor is None:
            return found
        assert len(page.items) == limit


# --- creating and reading ---------------------------------------------------------------------------------------------


def test_a_run_is_read_back_as_it_was_created(storage: Storage) -> None:
    run = Run(
        id="r1",
        job_name="job",
        status=RunStatus.QUEUED,
        created_at=12.5,
        run_config={"ops": {"a": {"config": {"n": 1, "list": [1.5, None, True, "x"]}}}},
        tags={"team": "data", "weft/partition": "2024-01-01"},
        asset_selection=(AssetKey(["shop", "orders"]), AssetKey("a/b")),
        check_selection=(AssetCheckKey("orders", "fresh"),),
        op_selection=("a", "b.c"),
        parent_run_id="p",
        root_run_id="q",
        snapshot_id="s",
        started_at=13.0,
        ended_at=14.0,
        updated_at=15.0,
        failure_reason=FailureReason.LOST,
        error=ERROR,
    )
    storage.runs.create(run, plan_of("a"))
    assert storage.runs.get("r1") == run
    assert storage.runs.list().items == (run,)


def test_an_empty_selection_is_not_the_same_as_none(storage: Storage) -> None:
    new_run(storage, "none")
    new_run(storage, "empty", asset_selection=(), check_selection=(), op_selection=())
    found = {run.id: (run.asset_selection, run.check_selection, run.op_selection) for run in storage.runs.list().items}
    assert found == {"none": (None, None, None), "empty": ((), (), ())}


def test_an_unknown_run_is_none(storage: Storage) -> None:
    assert storage.runs.get("nobody") is None
    assert storage.runs.plan("nobody") is None
    assert storage.runs.steps("nobody") == ()


def test_a_run_cannot_be_created_twice(storage: Storage) -> None:
    first = new_run(storage, job_name="first")
    with pytest.raises(StorageError) as caught:
        new_run(storage, job_name="second")
    assert caught.value.code == "WEFT-T011"
    assert storage.runs.get("r1") == first
    assert storage.runs.count() == 1


def test_a_plan_is_read_back_as_it_was_created(storage: Storage) -> None:
    plan = RunPlan(
        job_name="job",
        steps=(
            StepPlan(
                key="a",
                op_name="a",
                outputs=(StepOutputPlan(name="result", asset_key=ORDERS, is_dynamic=True),),
                retry_policy=RetryPolicy(max_retries=3, delay=0.5, backoff=Backoff.EXPONENTIAL),
                tags={"k": "v"},
            ),
            StepPlan(
                key="b",
                op_name="b",
                inputs=(StepInput(name="x", source=FromOutput(OutputRef("a", "result"))),),
                fan_out=(OutputRef("a", "result"),),
            ),
        ),
        selected=("b",),
    )
    storage.runs.create(Run(id="r1", job_name="job", status=RunStatus.NOT_STARTED, created_at=1.0), plan)
    assert storage.runs.plan("r1") == plan


# --- states -----------------------------------------------------------------------------------------------------------


def test_a_transition_needs_the_expected_state(storage: Storage) -> None:
    new_run(storage, status=RunStatus.QUEUED)
    assert not storage.runs.transition("r1", RunStatus.STARTED, expected=RunStatus.NOT_STARTED, at=5.0)
    assert storage.runs.transition("r1", RunStatus.STARTING, expected=RunStatus.QUEUED, at=5.0)
    assert not storage.runs.transition("r1", RunStatus.STARTING, expected=RunStatus.QUEUED, at=6.0)
    run = storage.runs.get("r1")
    assert run is not None
    assert (run.status, run.updated_at, run.started_at) == (RunStatus.STARTING, 5.0, None)


@pytest.mark.parametrize("start", list(RunStatus))
@pytest.mark.parametrize("to", list(RunStatus))
def test_a_transition_follows_the_table(storage: Storage, start: RunStatus, to: RunStatus) -> None:
    new_run(storage, status=start)
    legal = to in TRANSITIONS[start]
    assert storage.runs.transition("r1", to, expected=start, at=5.0) is legal
    run = storage.runs.get("r1")
    assert run is not None
    assert run.status is (to if legal else start)
    assert run.updated_at == (5.0 if legal else None)


def test_a_transition_of_an_unknown_run_is_refused(storage: Storage) -> None:
    assert not storage.runs.transition("nobody", RunStatus.STARTED, expected=RunStatus.STARTING, at=1.0)


def test_events_of_the_run_change_its_state_and_times(storage: Storage) -> None:
    new_run(storage)
    journal = Journal(storage, at=1000.0)
    journal.write(RunEnqueued())  # 1001
    journal.write(RunStarting(), RunStarted(pid=7))  # 1002, 1003
    run = storage.runs.get("r1")
    assert run is not None
    assert (run.status, run.started_at, run.ended_at, run.updated_at) == (RunStatus.STARTED, 1003.0, None, 1003.0)
    journal.write(LogMessage(message="hello", level=20), RunSucceeded())
    run = storage.runs.get("r1")
    assert run is not None
    assert (run.status, run.started_at, run.ended_at, run.updated_at) == (RunStatus.SUCCESS, 1003.0, 1005.0, 1005.0)


def test_a_failure_keeps_its_reason_and_error(storage: Storage) -> None:
    new_run(storage)
    Journal(storage).write(
        RunStarted(), RunFailed(reason=FailureReason.STEP_FAILED, failed_steps=("a",), message="a failed", error=ERROR)
    )
    run = storage.runs.get("r1")
    assert run is not None
    assert (run.status, run.failure_reason, run.error) == (RunStatus.FAILURE, FailureReason.STEP_FAILED, ERROR)
    assert run.started_at is not None


def test_a_terminal_state_absorbs_but_the_late_event_is_kept_as_history(storage: Storage) -> None:
    new_run(storage)
    journal = Journal(storage)
    journal.write(RunStarted(), RunCanceled())
    before = storage.runs.get("r1")
    late = journal.event(RunSucceeded())
    appended = storage.events.append([late])
    assert appended.refused == (late,)
    assert [stored.event for stored in appended.stored] == [late]
    assert storage.runs.get("r1") == before
    assert [stored.event.type for stored in storage.events.read("r1")] == ["RUN_START", "RUN_CANCELED", "RUN_SUCCESS"]


def test_a_refused_event_is_reported_once(storage: Storage) -> None:
    new_run(storage, status=RunStatus.SUCCESS)
    event = Journal(storage).event(RunStarted())
    assert storage.events.append([event]).refused == (event,)
    assert storage.events.append([event]).refused == ()


# --- steps ------------------------------------------------------------------------------------------------------------


def steps(storage: Storage) -> dict[str, Step]:
    return {step.key: step for step in storage.runs.steps("r1")}


def test_steps_come_in_the_order_of_their_first_event(storage: Storage) -> None:
    new_run(storage)
    journal = Journal(storage)
    journal.write(LogMessage(message="early word", level=20), step_key="b")
    journal.write(StepStarted(), step_key="c")
    journal.write(StepStarted(), step_key="a")
    journal.write(StepStarted(), step_key="b")
    assert [step.key for step in storage.runs.steps("r1")] == ["b", "c", "a"]


def test_a_step_that_is_only_mentioned_has_no_state(storage: Storage) -> None:
    new_run(storage)
    Journal(storage).write(LogMessage(message="hello", level=20), step_key="a")
    assert storage.runs.steps("r1") == ()


def test_a_step_runs_and_succeeds(storage: Storage) -> None:
    new_run(storage)
    journal = Journal(storage, at=0.0)
    journal.write(StepStarted(), step_key="a")
    assert steps(storage)["a"] == Step(run_id="r1", key="a", status=StepStatus.RUNNING, started_at=1.0)
    logs = LogRange("f", 0, 10, 0, 5)
    journal.write(
        StepOutput(output_name="result"),
        StepOutput(output_name="many", mapping_key="x"),
        StepOutput(output_name="many", mapping_key="y"),
        StepSucceeded(cpu_seconds=0.5, peak_memory_bytes=1000, logs=logs),
        step_key="a",
    )
    assert steps(storage)["a"] == Step(
        run_id="r1",
        key="a",
        status=StepStatus.SUCCEEDED,
        started_at=1.0,
        ended_at=5.0,
        cpu_seconds=0.5,
        peak_memory_bytes=1000,
        logs=(logs,),
        outputs={"result": (), "many": ("x", "y")},
    )


def test_costs_add_up_over_attempts_and_outputs_of_a_failed_one_are_forgotten(storage: Storage) -> None:
    new_run(storage)
    journal = Journal(storage, at=0.0)
    first, second = LogRange("f", 0, 1, 0, 0), LogRange("f", 1, 2, 0, 0)
    journal.write(
        StepStarted(),
        StepOutput(output_name="many", mapping_key="x"),
        StepUpForRetry(error=ERROR, cpu_seconds=1.0, peak_memory_bytes=3000, logs=first),
        step_key="a",
    )
    waiting = steps(storage)["a"]
    assert (waiting.status, waiting.error, waiting.ended_at) == (StepStatus.UP_FOR_RETRY, ERROR, 3.0)
    journal.write(
        StepRestarted(attempt=2),
        StepOutput(output_name="many", mapping_key="y"),
        StepSucceeded(cpu_seconds=2.0, peak_memory_bytes=2000, logs=second),
        step_key="a",
    )
    assert steps(storage)["a"] == Step(
        run_id="r1",
        key="a",
        status=StepStatus.SUCCEEDED,
        attempt=2,
        started_at=4.0,
        ended_at=6.0,
        cpu_seconds=3.0,
        peak_memory_bytes=3000,
        logs=(first, second),
        outputs={"many": ("y",)},
    )


def test_a_failed_step_keeps_its_error_and_a_skipped_one_its_reason(storage: Storage) -> None:
    new_run(storage)
    journal = Journal(storage, at=0.0)
    journal.write(StepStarted(), StepFailed(error=ERROR), step_key="a")
    journal.write(StepSkipped(reason="a failed", causes=("a",)), step_key="b")
    found = steps(storage)
    assert (found["a"].status, found["a"].error, found["a"].ended_at) == (StepStatus.FAILED, ERROR, 2.0)
    assert found["b"] == Step(run_id="r1", key="b", status=StepStatus.SKIPPED, ended_at=3.0, skip_reason="a failed")


def test_steps_of_the_same_key_in_two_runs_are_apart(storage: Storage) -> None:
    new_run(storage, "r1")
    new_run(storage, "r2")
    Journal(storage, "r1").write(StepStarted(), step_key="a")
    Journal(storage, "r2").write(StepStarted(), StepSucceeded(), step_key="a")
    assert storage.runs.steps("r1")[0].status is StepStatus.RUNNING
    assert storage.runs.steps("r2")[0].status is StepStatus.SUCCEEDED


# --- lists ------------------------------------------------------------------------------------------------------------


def test_runs_are_listed_newest_first_and_ties_by_the_order_of_storing(storage: Storage) -> None:
    for run_id, created_at in (("b", 2.0), ("a", 1.0), ("tie1", 3.0), ("tie2", 3.0)):
        new_run(storage, run_id, created_at=created_at)
    assert ids(storage) == ["tie2", "tie1", "b", "a"]
    assert ids(storage, ascending=True) == ["a", "b", "tie1", "tie2"]


@pytest.mark.parametrize("ascending", [False, True])
@pytest.mark.parametrize("limit", [1, 2, 3, 10, 11])
def test_pages_cover_every_run_once(storage: Storage, limit: int, ascending: bool) -> None:
    for number in range(10):
        new_run(storage, f"r{number}", created_at=float(number // 3), tags={"k": "v"}, asset_selection=(ORDERS,))
    expected = sorted(ids(storage, limit=100), reverse=not ascending)
    for filter in (None, RunFilter(tags={"k": "v"}), RunFilter(asset_key=ORDERS), RunFilter(job_name="job")):
        assert all_pages(storage, filter, limit=limit, ascending=ascending) == expected


@pytest.mark.parametrize("limit", [1, 2, 7])
def test_pages_over_several_states_are_in_the_order_of_time(storage: Storage, limit: int) -> None:
    states = [RunStatus.SUCCESS, RunStatus.FAILURE, RunStatus.QUEUED]
    for number in range(9):
        new_run(storage, f"r{number}", created_at=float(number // 2), status=states[number % 3])
    filter = RunFilter(statuses=(RunStatus.SUCCESS, RunStatus.QUEUED))
    assert all_pages(storage, filter, limit=limit) == ["r8", "r6", "r5", "r3", "r2", "r0"]


def test_a_page_stays_in_place_while_newer_runs_arrive(storage: Storage) -> None:
    for number in range(6):
        new_run(storage, f"r{number}", created_at=float(number))
    first = storage.runs.list(limit=3)
    assert [run.id for run in first.items] == ["r5", "r4", "r3"]
    new_run(storage, "r6", created_at=6.0)
    new_run(storage, "r6-again", created_at=6.0)
    second = storage.runs.list(limit=3, cursor=first.cursor)
    assert [run.id for run in second.items] == ["r2", "r1", "r0"]
    assert second.cursor is None


def test_a_page_stays_in_place_when_its_last_run_is_deleted(storage: Storage) -> None:
    for number in range(4):
        new_run(storage, f"r{number}", created_at=float(number))
    first = storage.runs.list(limit=2)
    storage.runs.delete("r2")
    assert [run.id for run in storage.runs.list(limit=2, cursor=first.cursor).items] == ["r1", "r0"]


def test_a_limit_below_one_gives_nothing(storage: Storage) -> None:
    new_run(storage)
    for limit in (0, -1):
        page = storage.runs.list(limit=limit)
        assert (page.items, page.cursor) == ((), None)


def test_filters_hold_together(storage: Storage) -> None:
    new_run(storage, "a", job_name="x", created_at=1.0, tags={"k": "1"}, asset_selection=(ORDERS,))
    new_run(storage, "b", job_name="x", created_at=2.0, tags={"k": "2", "l": "1"}, status=RunStatus.QUEUED)
    new_run(storage, "c", job_name="y", created_at=3.0, tags={"k": "1", "l": "1"}, asset_selection=(ORDERS,))
    for filter, expected in (
        (RunFilter(), "cba"),
        (RunFilter(run_ids=("a", "c", "nobody", "a")), "ca"),
        (RunFilter(run_ids=()), ""),
        (RunFilter(job_name="x"), "ba"),
        (RunFilter(job_name="z"), ""),
        (RunFilter(statuses=(RunStatus.QUEUED,)), "b"),
        (RunFilter(statuses=(RunStatus.QUEUED, RunStatus.NOT_STARTED)), "cba"),
        (RunFilter(statuses=()), ""),
        (RunFilter(tags={"k": "1"}), "ca"),
        (RunFilter(tags={"k": "1", "l": "1"}), "c"),
        (RunFilter(tags={"k": "3"}), ""),
        (RunFilter(tags={"l": "1"}, job_name="x"), "b"),
        (RunFilter(tags={"l": "1"}, statuses=(RunStatus.QUEUED, RunStatus.SUCCESS)), "b"),
        (RunFilter(asset_key=ORDERS), "ca"),
        (RunFilter(asset_key=ORDERS, tags={"l": "1"}), "c"),
        (RunFilter(asset_key=AssetKey("nothing")), ""),
        (RunFilter(created_after=1.0), "cb"),
        (RunFilter(created_before=3.0), "ba"),
        (RunFilter(created_after=1.0, created_before=3.0), "b"),
        (RunFilter(created_after=1.0, tags={"k": "1"}), "c"),
        (RunFilter(created_before=3.0, asset_key=ORDERS), "a"),
        (RunFilter(run_ids=("a", "b"), statuses=(RunStatus.QUEUED, RunStatus.SUCCESS)), "b"),
    ):
        assert "".join(ids(storage, filter)) == expected, filter
        assert storage.runs.count(filter) == len(expected), filter


def test_runs_are_found_by_the_time_of_their_last_change(storage: Storage) -> None:
    for number in range(3):
        new_run(storage, f"r{number}", created_at=float(number))
    storage.runs.transition("r0", RunStatus.STARTED, expected=RunStatus.NOT_STARTED, at=50.0)
    storage.runs.transition("r1", RunStatus.STARTED, expected=RunStatus.NOT_STARTED, at=60.0)
    assert ids(storage, RunFilter(updated_after=50.0)) == ["r1"]
    assert ids(storage, RunFilter(updated_before=60.0)) == ["r0"]
    assert ids(storage, RunFilter(updated_after=49.0, updated_before=61.0)) == ["r1", "r0"]


def test_a_filter_may_name_thousands_of_runs(storage: Storage) -> None:
    wanted = [f"r{number}" for number in range(1200)]
    for number in range(0, 1200, 2):
        new_run(storage, f"r{number}", created_at=float(number))
    filter = RunFilter(run_ids=tuple(wanted))
    assert storage.runs.count(filter) == 600
    assert all_pages(storage, filter, limit=250) == [f"r{number}" for number in range(1198, -1, -2)]


# --- tags -------------------------------------------------------------------------------------------------------------


def test_tags_are_added_and_replaced(storage: Storage) -> None:
    new_run(storage, "r1", tags={"k": "1", "l": "1"})
    new_run(storage, "r2", tags={"k": "1"})
    storage.runs.add_tags("r1", {"k": "2", "m": "1"})
    run = storage.runs.get("r1")
    assert run is not None
    assert run.tags == {"k": "2", "l": "1", "m": "1"}
    assert ids(storage, RunFilter(tags={"k": "1"})) == ["r2"]
    assert ids(storage, RunFilter(tags={"k": "2", "l": "1", "m": "1"})) == ["r1"]
    storage.runs.add_tags("r1", {"k": "2"})
    storage.runs.add_tags("r1", {})
    assert ids(storage, RunFilter(tags={"k": "2"})) == ["r1"]


def test_tags_cannot_be_added_to_an_unknown_run(storage: Storage) -> None:
    with pytest.raises(RunNotFoundError) as caught:
        storage.runs.add_tags("nobody", {"k": "v"})
    assert caught.value.code == "WEFT-T010"


# --- deleting ---------------------------------------------------------------------------------------------------------


def test_deleting_a_run_removes_its_events_and_steps_and_keeps_the_state_of_assets(storage: Storage) -> None:
    new_run(storage, "r1", tags={"k": "v"}, asset_selection=(ORDERS,))
    new_run(storage, "r2", tags={"k": "v"})
    journal = Journal(storage)
    journal.write(RunStarted(), StepStarted(), AssetMaterialized(asset_key=ORDERS, partition="p"), step_key="a")
    Journal(storage, "r2").write(RunStarted())
    state, partition = storage.assets.get(ORDERS), storage.assets.partition(ORDERS, "p")

    assert storage.runs.delete("r1")

    assert storage.runs.get("r1") is None
    assert storage.runs.plan("r1") is None
    assert storage.runs.steps("r1") == ()
    assert storage.events.read("r1") == ()
    assert storage.events.last_seq("r1", 1) == 0
    assert storage.events.of_asset(ORDERS) == ()
    assert [stored.event.run_id for stored in storage.events.of_types(["RUN_START"])] == ["r2"]
    assert ids(storage) == ids(storage, RunFilter(tags={"k": "v"})) == ["r2"]
    assert ids(storage, RunFilter(asset_key=ORDERS)) == []
    assert state is not None
    assert storage.assets.get(ORDERS) == state
    assert storage.assets.partition(ORDERS, "p") == partition is not None
    assert not storage.runs.delete("r1")


def test_a_deleted_run_can_be_created_again_and_starts_empty(storage: Storage) -> None:
    new_run(storage)
    Journal(storage).write(RunStarted(), StepStarted(), step_key="a")
    storage.runs.delete("r1")
    with pytest.raises(RunNotFoundError):
        Journal(storage).write(RunStarted())
    new_run(storage)
    assert storage.runs.steps("r1") == ()
    assert len(Journal(storage).write(RunStarted())) == 1
    run = storage.runs.get("r1")
    assert run is not None
    assert run.status is RunStatus.STARTED
