"""What becomes of steps that fail, by an exception or with their process, and who is tried again."""

from __future__ import annotations

import pytest
from tests.conformance.executors.world import World

from weft.model.events import LogMessage, StepFailed, StepUpForRetry
from weft.model.run import FailureReason
from weft.model.step import StepStatus


@pytest.mark.everywhere
def test_an_exception_is_recorded_with_the_line_of_the_user(world: World) -> None:
    result = world.run("failing")
    assert result.status == "FAILURE"
    assert result.run.failure_reason is FailureReason.STEP_FAILED
    error = result.one(StepFailed, "raises").error
    assert error.message == "no rows"
    assert error.class_name.endswith("Unpicklable")
    assert error.user_frame is not None
    assert error.user_frame.function == "raises"


def test_a_failure_skips_what_needs_it_and_nothing_else(world: World) -> None:
    result = world.run("failing")
    assert result.step("note") is StepStatus.SKIPPED
    assert result.step("free") is StepStatus.SUCCEEDED


def test_what_the_user_says_of_a_failure_is_kept(world: World) -> None:
    error = world.run("failing_with_metadata").one(StepFailed).error
    assert error.metadata["rows"].value == 3


def test_sys_exit_fails_the_step_alone(world: World) -> None:
    result = world.run("exiting")
    assert result.status == "FAILURE"
    assert result.one(StepFailed).error.class_name == "SystemExit"


@pytest.mark.everywhere
def test_a_step_is_tried_again_by_its_policy(world: World) -> None:
    result = world.run("retried")
    assert result.status == "SUCCESS"
    assert world.lines("attempts") == ["0", "1", "2"]
    assert world.lines("note") == ["5"]
    assert result.types("flaky").count("STEP_RESTARTED") == 2


def test_a_step_fails_when_its_attempts_are_used_up(world: World) -> None:
    result = world.run("retried_in_vain")
    assert result.status == "FAILURE"
    assert len(world.lines("attempts")) == 3
    assert len(result.bodies(StepUpForRetry)) == 2


def test_a_step_can_ask_for_a_retry(world: World) -> None:
    result = world.run("retry_requested")
    assert result.status == "SUCCESS"
    assert result.one(StepUpForRetry).delay_seconds == 0.1


@pytest.mark.parametrize("job", ["no_retry_allowed", "giving_up"])
def test_a_failure_that_is_not_for_retries_is_final(world: World, job: str) -> None:
    assert world.run(job).status == "FAILURE"
    assert len(world.lines("attempts")) == 1


def test_policies_tell_failures_apart_by_class(world: World) -> None:
    assert world.run("retry_by_class").status == "FAILURE"
    assert len(world.lines("attempts")) == 2


@pytest.mark.parametrize("mode", ["disabled", "deferred"])
def test_retries_can_be_switched_off(world: World, mode: str) -> None:
    assert world.run("retried_in_vain", retries={mode: {}}).status == "FAILURE"
    assert len(world.lines("attempts")) == 1


def test_the_outputs_of_a_failed_attempt_do_not_count(world: World) -> None:
    result = world.run("outputs_of_a_failed_attempt")
    assert result.status == "SUCCESS"
    assert (result.step("on_yes"), result.step("on_no")) == (StepStatus.SKIPPED, StepStatus.SUCCEEDED)


# --- the end of a process --------------------------------------------------------------------------------------------


@pytest.mark.isolated
@pytest.mark.everywhere
def test_a_killed_process_fails_its_step_alone(world: World) -> None:
    result = world.run("crashing")
    assert result.status == "FAILURE"
    error = result.one(StepFailed, "killed").error
    assert error.code == "WEFT-X305"
    assert "SIGKILL" in error.message
    assert result.step("free") is StepStatus.SUCCEEDED
    assert result.step("note") is StepStatus.SKIPPED


@pytest.mark.isolated
def test_what_a_killed_process_has_said_stays(world: World) -> None:
    result = world.run("crashing")
    assert result.one(LogMessage, "killed").message == "last words"
    assert result.output("killed") == "printed before\n"


@pytest.mark.isolated
def test_a_process_that_leaves_is_named_with_its_exit_code(world: World) -> None:
    error = world.run("leaving").one(StepFailed).error
    assert error.code == "WEFT-X306"
    assert "exit code 3" in error.message


@pytest.mark.isolated
def test_a_crash_of_native_code_leaves_its_traceback(world: World) -> None:
    result = world.run("segfault")
    assert "SIGSEGV" in result.one(StepFailed).error.message
    assert "reads_address_zero" in result.output("reads_address_zero", "stderr")


@pytest.mark.isolated
def test_a_crash_is_retried_where_the_policy_is_for_it(world: World) -> None:
    result = world.run("crash_retried")
    assert result.status == "SUCCESS"
    assert len(world.lines("attempts")) == 2
    up = result.one(StepUpForRetry).error
    assert up is not None
    assert up.code == "WEFT-X305"


@pytest.mark.isolated
def test_an_exit_is_not_retried_by_a_policy_for_signals(world: World) -> None:
    assert world.run("exit_not_retried").status == "FAILURE"
    assert len(world.lines("attempts")) == 1


@pytest.mark.isolated
def test_a_killed_asset_is_not_made(world: World) -> None:
    result = world.run("crashing_asset")
    assert result.status == "FAILURE"
    assert "ASSET_FAILED_TO_MATERIALIZE" in result.types()


@pytest.mark.isolated
def test_the_death_of_the_process_that_starts_workers_ends_the_run_and_them(world: World) -> None:
    running = world.start("zygote_killed")
    result = running.result()
    assert result.status == "FAILURE"
    assert result.one(StepFailed).error.code in ("WEFT-X304", "WEFT-X305")
    assert running.processes() == []


# --- time and memory -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("job", ["timing_out", "timing_out_by_tag"])
def test_an_attempt_that_takes_too_long_is_ended(world: World, job: str) -> None:
    result = world.run(job)
    assert result.status == "FAILURE"
    (failed,) = result.bodies(StepFailed)
    assert "took longer than the 0.5 s" in failed.error.message
    started = next(event.time for event in result.events if event.type == "STEP_START")
    ended = next(event.time for event in result.events if event.type == "STEP_FAILURE")
    assert 0.4 <= ended - started <= 1.5


def test_an_attempt_that_takes_too_long_is_torn_down(world: World) -> None:
    world.run("timing_out")
    assert world.lines("torn down") == ["x"]


def test_a_timeout_is_retried_where_the_policy_is_for_it(world: World) -> None:
    assert world.run("timeout_retried").status == "SUCCESS"
    assert len(world.lines("attempts")) == 2


@pytest.mark.isolated
def test_a_step_that_is_ended_takes_its_children_along(world: World) -> None:
    assert world.run("timing_out_with_child").status == "FAILURE"
    (pid,) = world.lines("child")
    assert not _is_there(int(pid))


@pytest.mark.isolated
def test_a_step_that_swallows_the_signal_is_killed_after_the_grace_period(world: World) -> None:
    result = world.run("timing_out_stubbornly")
    assert result.status == "FAILURE"
    assert result.one(StepFailed).error.code == "WEFT-X302"


def test_a_step_that_is_in_time_is_left_alone(world: World) -> None:
    assert world.run("in_time").status == "SUCCESS"


@pytest.mark.isolated
@pytest.mark.parametrize("job", ["out_of_memory", "out_of_memory_in_child"])
def test_a_step_with_too_much_memory_is_ended_and_told_so_with_peak_and_limit(world: World, job: str) -> None:
    result = world.run(job)
    assert result.status == "FAILURE"
    failed = result.one(StepFailed)
    assert failed.error.code == "WEFT-X303"
    assert "150 MiB" in failed.error.message
    assert failed.peak_memory_bytes > 150 * 1024 * 1024


@pytest.mark.isolated
def test_memory_that_is_refused_at_once_is_told_the_same_way(world: World) -> None:
    error = world.run("memory_refused").one(StepFailed).error
    assert error.code == "WEFT-X303"
    assert error.cause is not None
    assert error.cause.class_name == "MemoryError"


@pytest.mark.isolated
def test_a_lack_of_memory_is_retried_where_the_policy_is_for_it(world: World) -> None:
    assert world.run("out_of_memory_once").status == "SUCCESS"
    assert len(world.lines("attempts")) == 2


@pytest.mark.isolated
def test_a_step_within_its_limits_runs_on_its_processors(world: World) -> None:
    result = world.run("within_limits")
    assert result.status == "SUCCESS"
    assert world.lines("cpus") == ["1"]
    (state,) = [step for step in result.instance.runs.steps(result.run.id) if step.key == "modest"]
    assert (state.peak_memory_bytes or 0) > 100 * 1024 * 1024


def _is_there(pid: int) -> bool:
    from weft.processes.tree import identify, is_alive

    return is_alive(identify(pid))
