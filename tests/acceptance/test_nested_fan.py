"""A nested fan-out with skips, killed in the middle, restarted from there, and one branch of it repeated: the right result each time.

WEFT_FAN gives the size of the levels; 50,50,20 is the promise, the default is small. The planning of the promised size is measured and
checked in ``benchmarks/dynamic.py``.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.acceptance.nested_fan import LEVELS, expected_total, is_skipped, the_job

from weft import Definitions, Instance
from weft.planning.reexecution import ReexecutionStrategy
from weft.runs.execute import RunOutcome, execute_run
from weft.runs.retry import RetryRequest, prepare_retry

SCRIPT = Path(__file__).with_name("nested_fan.py")
FIRST, SECOND, THIRD = LEVELS
LEAVES = FIRST * SECOND * THIRD


def repeat(instance: Instance, run_id: str, request: RetryRequest) -> tuple[RunOutcome, list[Any]]:
    events: list[Any] = []
    prepared = prepare_retry(run_id, request, Definitions(jobs=[the_job()]).resolve(), instance)
    outcome = execute_run(prepared, instance, listeners=[events.append], keep_outputs=True)
    return outcome, events


def ends(events: list[Any], kind: str, op_name: str) -> set[str]:
    return {event.step_key for event in events if event.type == kind and event.step_key.startswith(f"{op_name}[")}


def test_a_killed_nested_fan_out_goes_on_where_it_was_and_one_branch_can_be_repeated(tmp_path: Path) -> None:
    die_after = LEAVES // 2
    process = subprocess.run(
        [sys.executable, SCRIPT, tmp_path, "killed"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "WEFT_DIE_AFTER": str(die_after)},
        check=False,
    )
    assert process.returncode == -signal.SIGKILL

    with Instance.get(tmp_path) as instance:
        killed = instance.runs.get("killed")
        assert killed is not None
        assert killed.is_finished
        before = [stored.event for stored in instance.events.read("killed", limit=1_000_000)]

        outcome, events = repeat(instance, "killed", RetryRequest(run_id="restarted"))

        assert outcome.run.status.value == "SUCCESS"
        assert outcome.outputs["add_countries", "result", None] == expected_total()
        # Each leaf was decided once: in the run that was killed, or in the one that goes on.
        for kind in ("STEP_SUCCESS", "STEP_SKIPPED"):
            assert not ends(before, kind, "count") & ends(events, kind, "count")
        assert len(ends(before, "STEP_START", "count") | ends(events, "STEP_START", "count")) == LEAVES

        branch = RetryRequest(
            strategy=ReexecutionStrategy.SELECTED,
            steps=tuple(f"count[c{FIRST - 1}][t2][s{n}]*" for n in range(THIRD)),
            run_id="branch",
        )
        outcome, events = repeat(instance, "restarted", branch)

        assert outcome.run.status.value == "SUCCESS"
        assert outcome.outputs["add_countries", "result", None] == expected_total()
        assert ends(events, "STEP_START", "count") == {f"count[c{FIRST - 1}][t2][s{n}]" for n in range(THIRD)}
        assert ends(events, "STEP_SKIPPED", "count") == {
            f"count[c{FIRST - 1}][t2][s{n}]" for n in range(THIRD) if is_skipped(10_000 * (FIRST - 1) + 200 + n)
        }
        assert ends(events, "STEP_START", "add") == {f"add[c{FIRST - 1}][t2]"}
