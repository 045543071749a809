"""Killing runs at random moments: what was reported is found, nothing is doubled, and a retry gives the right result.

The seed is printed; WEFT_KILL_SEED repeats a run of the test, WEFT_KILLS changes how many kills there are.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.doomed_run import EXPECTED_TOTAL, FAN, STEPS, doomed

from weft import Definitions, Event, Instance, RunStatus
from weft.model.run import FailureReason
from weft.runs.execute import execute_run
from weft.runs.retry import RetryRequest, prepare_retry

SCRIPT = Path(__file__).with_name("doomed_run.py")
REPORTS = 2 + STEPS + FAN + 2 + 1  # start, each step, success
PARTS = 4
KILLS = int(os.environ.get("WEFT_KILLS", "100"))


def kill_after(home: Path, run_id: str, reports: int, spin: int) -> list[str]:
    """Start the run, kill -9 it after so many reports and `spin` turns of a loop; the reports that came out."""
    process = subprocess.Popen(
        [sys.executable, SCRIPT, home, run_id],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None
    seen = []
    with process.stdout:
        while len(seen) < reports and (line := process.stdout.readline()):
            seen.append(line.decode().strip())
        for _ in range(spin):
            pass
        process.send_signal(signal.SIGKILL)
        seen += [line.decode().strip() for line in process.stdout.read().splitlines()]
    process.wait()
    return seen


# Four parts, so that they may run side by side.
@pytest.mark.parametrize("part", range(PARTS))
def test_a_hundred_kills_lose_nothing_and_double_nothing(part: int, tmp_path: Path) -> None:
    seed = int(os.environ.get("WEFT_KILL_SEED") or random.randrange(1 << 32))
    print(f"WEFT_KILL_SEED={seed}")
    dice = random.Random(f"{seed}/{part}")
    endings: Counter[str] = Counter()
    kills = KILLS // PARTS
    for number in range(kills):
        run_id = f"run-{number}"
        reports = kill_after(tmp_path, run_id, dice.randrange(1, REPORTS), dice.randrange(20_000))
        endings[check_and_retry(tmp_path, run_id, reports)] += 1
    print(dict(endings))
    assert endings["lost"] > kills // 2


def check_and_retry(home: Path, run_id: str, reports: list[str]) -> str:
    """Open the instance as anybody would after the kill; returns how the run ended."""
    instance = Instance.get(home)
    try:
        run = instance.runs.get(run_id)
        assert run is not None
        assert run.is_finished
        assert list((home / "journals").iterdir()) == []
        stored = instance.events.read(run_id, limit=10_000)
        numbers = [(item.event.source, item.event.seq) for item in stored]
        assert len(set(numbers)) == len(numbers)
        worker = [seq for source, seq in numbers if source == 1]
        assert worker == list(range(1, len(worker) + 1))
        succeeded = {step.key for step in instance.runs.steps(run_id) if step.status.value == "SUCCEEDED"}
        reported = {line.split()[1] for line in reports if line.startswith("STEP_SUCCESS")}
        assert reported <= succeeded
        if "RUN_SUCCESS" in reports:
            assert run.status is RunStatus.SUCCESS
        if run.status is RunStatus.SUCCESS:
            return "finished"
        assert run.failure_reason is FailureReason.LOST
        retry_from_failure(instance, run_id, succeeded)
        return "lost"
    finally:
        instance.close()


def retry_from_failure(instance: Instance, run_id: str, succeeded: set[str]) -> None:
    """Retry the run; it runs exactly what had not succeeded, and its values are right."""
    prepared = prepare_retry(run_id, RetryRequest(), Definitions(jobs=[doomed]).resolve(), instance)
    events: list[Event] = []
    outcome = execute_run(prepared, instance, listeners=[events.append], keep_outputs=True)
    assert outcome.run.status is RunStatus.SUCCESS
    ran = {event.step_key for event in events if event.type == "STEP_SUCCESS"}
    assert ran == {step.key for step in doomed.flat.steps} - succeeded
    if "total" in ran:
        assert outcome.outputs["total", "result", None] == EXPECTED_TOTAL


def test_the_command_line_shows_and_repeats_a_killed_run(tmp_path: Path) -> None:
    reports = kill_after(tmp_path, "killed", 6, 0)
    environment = {**os.environ, "WEFT_HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}

    def weft(*arguments: str) -> dict[str, Any]:
        command = [Path(sys.executable).with_name("weft"), *arguments, "--json"]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        assert done.returncode == 0, done.stderr
        shown: dict[str, Any] = json.loads(done.stdout)
        return shown

    killed = weft("run", "show", "killed")
    assert killed["status"] == "FAILURE"
    assert killed["failure_reason"] == "lost"
    succeeded = {step["key"] for step in killed["steps"] if step["status"] == "SUCCEEDED"}
    assert {line.split()[1] for line in reports if line.startswith("STEP_SUCCESS")} <= succeeded
    assert weft("run", "retry", "killed", "-f", str(SCRIPT))["status"] == "SUCCESS"
