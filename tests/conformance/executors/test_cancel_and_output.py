"""The end of a run from outside, and what is left of it: no process, every word that was said."""

from __future__ import annotations

import os
import time

import pytest
from tests.conformance.executors.cases import LINES
from tests.conformance.executors.world import World, until

from weft.model.events import LogMessage, LogsCaptured, RunCanceled, StepCanceled
from weft.model.step import StepStatus
from weft.processes.tree import ProcessId, identify, is_alive


def gone(*processes: ProcessId) -> None:
    until(lambda: True if not any(map(is_alive, processes)) else None)


@pytest.mark.everywhere
def test_a_cancelled_run_tears_down_and_starts_nothing_more(world: World) -> None:
    running = world.start("cancelled")
    world.wait_for("here")
    running.interrupt()
    result = running.result()
    assert result.status == "CANCELED"
    assert "SIGTERM" in result.one(RunCanceled).message
    assert world.lines("torn down") == ["x"]
    assert (result.step("cooperative"), result.step("note")) == (StepStatus.CANCELED, StepStatus.CANCELED)
    assert result.types("cooperative").count("STEP_CANCELED") == 1


def test_a_cooperative_step_is_gone_within_a_second(world: World) -> None:
    running = world.start("cancelled")
    world.wait_for("here")
    children = running.processes()
    began = time.monotonic()
    running.interrupt()
    running.result()
    gone(running.process, *children)
    assert time.monotonic() - began < 1.0


@pytest.mark.isolated
def test_a_step_that_does_not_end_is_killed_after_the_grace_period_with_its_children(world: World) -> None:
    running = world.start("stubborn")
    world.wait_for("here")
    child = identify(int(world.lines("child")[0]))
    children = running.processes()
    running.interrupt()
    result = running.result()
    assert result.status == "CANCELED"
    assert result.bodies(StepCanceled, "uncooperative")
    gone(child, *children)


@pytest.mark.isolated
def test_a_child_that_has_detached_itself_is_ended_too(world: World) -> None:
    running = world.start("cancelled_with_detached_child")
    world.wait_for("here")
    children = running.processes()
    assert len(children) >= 2
    running.interrupt()
    assert running.result().status == "CANCELED"
    gone(*children)


def test_a_run_that_waits_for_a_retry_is_cancelled_at_once(world: World) -> None:
    running = world.start("long_delay")
    world.wait_for("here")
    until(lambda: True if "STEP_UP_FOR_RETRY" in types(world, running.run_id) else None)
    began = time.monotonic()
    running.interrupt()
    result = running.result()
    assert result.status == "CANCELED"
    assert result.step("waits_long_for_retry") is StepStatus.CANCELED
    assert time.monotonic() - began < 5.0


@pytest.mark.isolated
def test_a_second_run_beside_a_cancelled_one_goes_on(world: World) -> None:
    running = world.start("cancelled")
    world.wait_for("here")
    other = world.start("talking_live")
    world.wait_for("here", 2)
    running.interrupt()
    assert running.result().status == "CANCELED"
    world.go_on()
    assert other.result().status == "SUCCESS"


@pytest.mark.isolated
@pytest.mark.everywhere
def test_no_step_outlives_its_coordinator(world: World) -> None:
    running = world.start("stubborn")
    world.wait_for("here")
    child = identify(int(world.lines("child")[0]))
    children = running.processes()
    assert children
    running.kill()
    gone(child, *children)


def test_a_run_whose_coordinator_was_killed_is_resumed_from_where_it_was(world: World) -> None:
    running = world.start("resumable")
    world.wait_for("here")
    until(lambda: True if "STEP_SUCCESS" in types(world, running.run_id) else None)
    running.kill()
    running.result()
    lost = world.run("values")  # opens nothing of the lost run
    assert lost.status == "SUCCESS"
    from weft.runs.recover import recover_lost_runs

    assert recover_lost_runs(world.instance) == [running.run_id]
    world.go_on()
    again = world.run("resumable", retry_of=running.run_id)
    assert again.status == "SUCCESS"
    assert "STEP_START" not in again.types("source_table")
    assert again.step("needs_go") is StepStatus.SUCCEEDED


def types(world: World, run_id: str) -> list[str]:
    return [stored.event.type for stored in world.instance.events.read(run_id)]


# --- output ----------------------------------------------------------------------------------------------------------


@pytest.mark.everywhere
def test_what_a_step_prints_is_found_by_its_range(world: World) -> None:
    result = world.run("talking")
    assert result.output("talks") == "to stdout\nfrom a child\n"
    assert result.output("talks", "stderr") == "to stderr\n"


@pytest.mark.isolated
def test_each_step_has_files_of_its_own(world: World) -> None:
    result = world.run("talking", reuse_workers=False)
    keys = {body.file_key for body in result.bodies(LogsCaptured)}
    assert {"run", "talks-1", "free-1"} == keys


def test_lines_of_the_log_are_events_of_the_step(world: World) -> None:
    result = world.run("talking")
    assert [body.message for body in result.bodies(LogMessage, "talks")] == [
        "a line of the log",
        "one with 2 arguments",
    ]


def test_output_and_log_can_be_read_while_the_step_runs(world: World) -> None:
    running = world.start("talking_live")
    world.wait_for("here")
    until(lambda: True if "LOG_MESSAGE" in types(world, running.run_id) else None)
    text = "".join(
        world.instance.logs.read(running.run_id, file.file_key, "stdout").decode()
        for file in world.instance.logs.files(running.run_id)
    )
    assert text == "now\n"
    world.go_on()
    assert running.result().status == "SUCCESS"


def test_much_output_arrives_whole_and_in_order(world: World) -> None:
    result = world.run("talking_much")
    assert result.status == "SUCCESS"
    assert [body.message for body in result.bodies(LogMessage, "talks_much")] == [
        f"event {number}" for number in range(2000)
    ]
    (file,) = [one for one in result.instance.logs.files(result.run.id) if one.stdout_bytes]
    assert file.stdout_bytes == sum(len(f"line {number} ") + 81 for number in range(LINES))


def test_nothing_is_left_of_a_run_that_is_over(world: World) -> None:
    running = world.start("values")
    running.result()
    assert running.processes() == []
    assert not os.path.exists(f"/proc/{running.process.pid}/exe") or not is_alive(running.process)  # noqa: PTH110
