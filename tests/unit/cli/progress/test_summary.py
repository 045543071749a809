"""What is said at the end of a run."""

from __future__ import annotations

import io

from tests.unit.cli.progress.events_of_runs import Happenings, a_plan, a_run, an_error

from weft.cli.progress.run_view import RunView
from weft.cli.progress.summary import Hints, Places, summary_lines
from weft.cli.terminal import Terminal
from weft.model.events import (
    AssetCheckEvaluated,
    AssetMaterialized,
    EventBody,
    RunFailed,
    RunStarted,
    RunSucceeded,
    StepFailed,
    StepStarted,
    StepSucceeded,
)
from weft.model.keys import AssetCheckKey, AssetKey
from weft.model.metadata import IntMetadataValue
from weft.model.run import FailureReason
from weft.model.severity import AssetCheckSeverity
from weft.model.step import LogRange

PLACES = Places(outputs="/home/storage", logs="/home/logs/run-1")
HINTS = Hints(instance=" --home /home", target=" -f defs.py")


def summary(*bodies: tuple[EventBody, str | None], below_tree: bool = False, keys: tuple[str, ...] = ("a", "b")) -> str:
    view, happens = RunView(a_run(), a_plan(*keys)), Happenings()
    for body, step_key in bodies:
        view.handle(happens(body, step_key))
    with io.TextIOWrapper(io.BytesIO(), encoding="utf-8") as stream:
        return "\n".join(summary_lines(view, PLACES, HINTS, Terminal(stream, {}), below_tree=below_tree))


def made(key: str, rows: int | None = None, partition: str | None = None) -> AssetMaterialized:
    metadata = {"weft/row_count": IntMetadataValue(rows)} if rows is not None else {}
    return AssetMaterialized(asset_key=AssetKey(key), partition=partition, metadata=metadata)


def test_success_says_what_was_made_and_what_to_do_next() -> None:
    text = summary(
        (RunStarted(), None),
        (StepStarted(), "a"),
        (made("a", 1200), "a"),
        (StepSucceeded(), "a"),
        (StepStarted(), "b"),
        (made("b", 3, "2024-01-01"), "b"),
        (made("b", 4, "2024-01-02"), "b"),
        (StepSucceeded(), "b"),
        (RunSucceeded(), None),
    )
    assert text == (
        "✓ run run-1 succeeded in 8 s: 2 succeeded\n"
        "\n"
        "steps\n"
        "  a  succeeded  2 s\n"
        "  b  succeeded  3 s\n"
        "\n"
        "made 2 assets\n"
        "  a  1,200 rows\n"
        "  b      7 rows  2 partitions\n"
        "\n"
        "outputs  /home/storage\n"
        "logs     /home/logs/run-1\n"
        "next     weft run show run-1 --home /home\n"
        "         weft asset show b -f defs.py --home /home"
    )


def test_failure_says_where_to_look_and_how_to_go_on() -> None:
    text = summary(
        (RunStarted(), None),
        (StepStarted(), "a"),
        (StepFailed(error=an_error(), logs=LogRange("run", 0, 3, 0, 0)), "a"),
        (RunFailed(reason=FailureReason.STEP_FAILED, message='step "a" failed', failed_steps=("a",)), None),
    )
    assert 'failed in 3 s: 1 failed, 1 waiting\n  step "a" failed' in text
    assert "weft run logs run-1 --step a --home /home" in text
    assert text.endswith("weft run retry run-1 -f defs.py --home /home")


def test_below_a_tree_the_steps_are_not_said_again() -> None:
    text = summary((RunStarted(), None), (made("a"), "a"), (RunSucceeded(), None), below_tree=True)
    assert "run run-1 succeeded" not in text
    assert "steps" not in text
    assert "made 1 asset\n  a" in text


def test_checks_are_counted_and_those_that_did_not_pass_are_listed() -> None:
    text = summary(
        (AssetCheckEvaluated(check_key=AssetCheckKey("a", "is_full"), passed=True), "a"),
        (
            AssetCheckEvaluated(
                check_key=AssetCheckKey("a", "is_sorted"),
                passed=False,
                severity=AssetCheckSeverity.WARN,
                description="row 7",
            ),
            "a",
        ),
        (
            AssetCheckEvaluated(
                check_key=AssetCheckKey("a", "is_unique"), passed=False, blocking=True, partition="2024"
            ),
            "a",
        ),
    )
    assert "checks: 1 passed, 2 did not pass\n" in text
    assert "  a:is_sorted        WARN             row 7\n" in text
    assert "  a:is_unique  2024  ERROR, blocking" in text


def test_of_many_steps_the_slowest_are_listed() -> None:
    keys = tuple(f"step_{number}" for number in range(100))
    text = summary(*[(body, key) for key in keys for body in (StepStarted(), StepSucceeded())], keys=keys)
    assert "and 40 quicker ones: 40 succeeded" in text
