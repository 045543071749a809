"""What is known of a run from its events."""

from __future__ import annotations

from tests.unit.cli.progress.events_of_runs import Happenings, a_plan, a_run, an_error

from weft.cli.progress.run_view import RunView
from weft.model.events import (
    AssetCheckEvaluated,
    AssetMaterialized,
    LogMessage,
    RunFailed,
    RunStarted,
    RunSucceeded,
    StepCanceled,
    StepFailed,
    StepRestarted,
    StepSkipped,
    StepStarted,
    StepSucceeded,
    StepUpForRetry,
)
from weft.model.keys import AssetCheckKey, AssetKey
from weft.model.metadata import IntMetadataValue
from weft.model.run import FailureReason, RunStatus
from weft.model.step import LogRange, StepStatus


def test_a_run_goes_through_its_states() -> None:
    view, happens = RunView(a_run(), a_plan("a")), Happenings()
    assert view.seconds(5.0) is None
    assert view.handle(happens(RunStarted(pid=1))) is None
    assert (view.status, view.seconds(4.0)) == (RunStatus.STARTED, 3.0)
    view.handle(happens(RunSucceeded()))
    assert (view.status, view.seconds(100.0)) == (RunStatus.SUCCESS, 1.0)


def test_a_failed_run_says_why() -> None:
    view, happens = RunView(a_run(), a_plan()), Happenings()
    view.handle(happens(RunFailed(reason=FailureReason.RESOURCE_FAILED, message="no database", error=an_error())))
    assert (view.status, view.message) == (RunStatus.FAILURE, "no database")
    assert view.error is not None


def test_a_step_that_is_retried_counts_its_attempts_and_forgets_its_error() -> None:
    view, happens = RunView(a_run(), a_plan("a")), Happenings()
    step = view.steps["a"]
    assert view.handle(happens(StepStarted(), "a")) is step
    assert (step.status, step.seconds(3.0)) == (StepStatus.RUNNING, 2.0)
    assert view.running() == [step]
    view.handle(happens(StepUpForRetry(error=an_error(), delay_seconds=1.0), "a"))
    assert (step.status, step.error is not None) == (StepStatus.UP_FOR_RETRY, True)
    view.handle(happens(StepRestarted(attempt=2), "a"))
    assert (step.status, step.attempt, step.seconds(4.0)) == (StepStatus.RUNNING, 2, 1.0)
    view.handle(happens(StepSucceeded(logs=LogRange("run", 0, 5, 0, 0)), "a"))
    assert (step.status, step.error, step.has_output, step.seconds(99.0)) == (StepStatus.SUCCEEDED, None, True, 1.0)


def test_steps_that_never_ran_have_no_duration() -> None:
    view, happens = RunView(a_run(), a_plan("a", "b", "c")), Happenings()
    view.handle(happens(StepStarted(), "a"))
    view.handle(happens(StepFailed(error=an_error()), "a"))
    view.handle(happens(StepSkipped(reason='step "a" failed', causes=("a",)), "b"))
    view.handle(happens(StepCanceled(), "c"))
    assert [(step.key, step.status, step.seconds(9.0)) for step in view.in_order()] == [
        ("a", StepStatus.FAILED, 1.0),
        ("b", StepStatus.SKIPPED, None),
        ("c", StepStatus.CANCELED, None),
    ]
    assert view.steps["b"].reason == 'step "a" failed'
    assert view.counts() == {StepStatus.FAILED: 1, StepStatus.SKIPPED: 1, StepStatus.CANCELED: 1}


def test_copies_stand_in_the_place_of_the_step_that_was_copied() -> None:
    view, happens = RunView(a_run(), a_plan("split", "double", "total")), Happenings()
    for copy in ("double[one]", "double[two]"):
        view.handle(happens(StepStarted(), copy))
    assert [step.key for step in view.in_order()] == ["split", "double[one]", "double[two]", "total"]
    assert sum(view.counts().values()) == 4


def test_only_selected_steps_are_shown_until_another_speaks() -> None:
    view, happens = RunView(a_run(), a_plan("a", "b", selected=("b",))), Happenings()
    assert list(view.steps) == ["b"]
    view.handle(happens(StepStarted(), "late"))
    assert [step.key for step in view.in_order()] == ["b", "late"]


def test_what_was_made_is_counted_by_step_and_by_asset() -> None:
    view, happens = RunView(a_run(), a_plan("daily")), Happenings()
    for number, label in ((3, "weft/row_count"), (4, "dagster/row_count")):
        made = AssetMaterialized(
            asset_key=AssetKey("daily"), partition=f"2024-01-0{number}", metadata={label: IntMetadataValue(number)}
        )
        assert view.handle(happens(made, "daily")) is None
    step = view.steps["daily"]
    assert (step.rows, step.partition_text) == (7, "2 partitions")
    assert [len(made) for made in view.assets_made().values()] == [2]


def test_checks_and_lines_are_noted_without_a_change_of_state() -> None:
    view, happens = RunView(a_run(), a_plan("a")), Happenings()
    check = AssetCheckEvaluated(check_key=AssetCheckKey("a", "is_full"), passed=False)
    assert view.handle(happens(check, "a")) is None
    assert view.checks == [check]
    assert view.handle(happens(LogMessage(message="reading", level=20), "a")) is None
    assert view.steps["a"].last_line == "reading"
    view.note_output("a", ["printed", "  "])
    assert view.steps["a"].last_line == "printed"
    view.note_output("nobody", ["printed"])
