"""What a run computes: the same whoever carries out its steps."""

from __future__ import annotations

import pytest
from tests.conformance.executors.cases import BIG
from tests.conformance.executors.world import World

from weft.model.events import AssetCheckEvaluated, AssetMaterialized, HookErrored, InputLoaded, StepOutput, StepSkipped
from weft.model.step import StepStatus


@pytest.mark.everywhere
def test_a_value_passes_from_step_to_step(world: World) -> None:
    result = world.run("values")
    assert result.status == "SUCCESS"
    assert world.lines("note") == ["2"]
    (loaded,) = result.bodies(InputLoaded, "add_one")
    assert (loaded.upstream_step_key, loaded.upstream_output) == ("one", "result")


@pytest.mark.isolated
def test_each_step_has_a_process_of_its_own(world: World) -> None:
    world.run("values", reuse_workers=False)
    pids = {line.split()[1] for line in world.lines("pids")}
    assert len(pids) == 2


@pytest.mark.isolated
def test_steps_share_a_process_where_the_run_says_so(world: World) -> None:
    world.run("values", at_once=1, reuse_workers=True)
    pids = {line.split()[1] for line in world.lines("pids")}
    assert len(pids) == 1


def test_a_program_that_has_threads_gets_its_steps_carried_out(world: World) -> None:
    assert world.run("values", has_thread=True).status == "SUCCESS"
    assert world.lines("note") == ["2"]


def test_outputs_are_told_apart(world: World) -> None:
    assert world.run("several_outputs").status == "SUCCESS"
    assert world.lines("note") == ["1 r"]


def test_a_branch_that_is_not_taken_is_skipped(world: World) -> None:
    result = world.run("branching")
    assert result.status == "SUCCESS"
    assert (result.step("on_yes"), result.step("on_no")) == (StepStatus.SUCCEEDED, StepStatus.SKIPPED)


def test_a_list_has_the_values_of_all_its_sources(world: World) -> None:
    assert world.run("fan_in").status == "SUCCESS"
    assert world.lines("note") == ["5"]


def test_a_step_that_only_waits_runs_after_what_it_waits_for(world: World) -> None:
    assert world.run("only_order").status == "SUCCESS"
    assert world.lines("order") == ["first", "second"]


def test_a_big_output_arrives_whole(world: World) -> None:
    assert world.run("big_output").status == "SUCCESS"
    assert world.lines("note") == [str(BIG)]


def test_asynchronous_functions_run(world: World) -> None:
    assert world.run("async_values").status == "SUCCESS"
    assert world.lines("note") == ["7"]


@pytest.mark.everywhere
def test_a_step_sees_its_configuration_and_defaults(world: World) -> None:
    assert world.run("configured", ops={"scaled": {"config": {"factor": 5}}}).status == "SUCCESS"
    assert world.lines("note") == ["15"]


def test_metadata_of_outputs_is_recorded(world: World) -> None:
    result = world.run("metadata")
    assert result.one(StepOutput, "with_metadata").metadata["rows"].value == 12


def test_graphs_inside_graphs_run(world: World) -> None:
    assert world.run("nested_graph").status == "SUCCESS"
    assert world.lines("note") == ["3"]
    assert len(world.lines("pids")) == 3


def test_a_step_that_finds_nothing_to_do_is_skipped_with_what_needs_it(world: World) -> None:
    result = world.run("skipping")
    assert result.status == "SUCCESS"
    assert result.one(StepSkipped, "skips").reason == "nothing to do"
    assert result.step("note") is StepStatus.SKIPPED


# --- dynamic ---------------------------------------------------------------------------------------------------------


def test_a_step_runs_for_each_dynamic_value(world: World) -> None:
    result = world.run("dynamic", ops={"numbers": {"config": {"count": 5}}})
    assert result.status == "SUCCESS"
    assert world.lines("note") == ["15"]
    assert result.step("add_one[n3]") is StepStatus.SUCCEEDED


def test_many_copies_come_together_in_one_list(world: World) -> None:
    result = world.run("dynamic", ops={"numbers": {"config": {"count": 100}}})
    assert result.status == "SUCCESS"
    assert world.lines("note") == [str(sum(range(1, 101)))]
    assert len([event for event in result.events if event.type == "STEP_SUCCESS"]) == 102


def test_fan_outs_nest(world: World) -> None:
    result = world.run("nested_dynamic", ops={"numbers": {"config": {"count": 3}}})
    assert result.status == "SUCCESS"
    assert sorted(world.lines("note"), key=int) == [str(sum(x * 10 + y + 1 for y in range(2))) for x in range(3)]


def test_no_dynamic_value_makes_an_empty_list(world: World) -> None:
    result = world.run("dynamic", ops={"numbers": {"config": {"count": 0}}})
    assert result.status == "SUCCESS"
    assert world.lines("note") == ["0"]


def test_one_failed_copy_fails_the_run_and_lets_the_others_end(world: World) -> None:
    result = world.run("dynamic_failure", ops={"numbers": {"config": {"count": 3}}})
    assert result.status == "FAILURE"
    assert result.step("fails_on_one[n2]") is StepStatus.SUCCEEDED
    assert result.step("total") is StepStatus.SKIPPED


# --- assets ----------------------------------------------------------------------------------------------------------


@pytest.mark.everywhere
def test_assets_are_made_with_metadata_and_versions(world: World) -> None:
    result = world.run("tables")
    assert result.status == "SUCCESS"
    made = {body.asset_key.to_user_string(): body for body in result.bodies(AssetMaterialized)}
    assert made["source_table"].metadata["rows"].value == 3
    assert made["source_table"].data_version == "v-source"


def test_a_step_knows_the_version_of_what_the_same_run_has_just_made(world: World) -> None:
    result = world.run("tables")
    made = {body.asset_key.to_user_string(): body for body in result.bodies(AssetMaterialized)}
    assert dict(made["derived_table"].input_data_versions) == {"source_table": "v-source"}


def test_one_step_makes_several_assets(world: World) -> None:
    result = world.run("several_assets")
    assert result.status == "SUCCESS", [event.body for event in result.events][-4:]
    assert [body.asset_key.to_user_string() for body in result.bodies(AssetMaterialized)] == ["m1", "m2"]


def test_checks_are_evaluated(world: World) -> None:
    result = world.run("own_check")
    assert result.status == "SUCCESS"
    assert result.one(AssetCheckEvaluated).passed


def test_a_blocking_check_that_fails_keeps_what_is_below_from_running(world: World) -> None:
    result = world.run("blocked")
    assert result.status == "FAILURE"
    assert result.step("below_bad") is StepStatus.SKIPPED
    assert world.lines("note") == []


def test_partitions_are_made_and_loaded_by_key(world: World) -> None:
    result = world.run("by_day", partition="2024-01-05")
    assert result.status == "SUCCESS"
    assert world.lines("note") == ["2024-01-05 2024-01-05"]
    assert {body.partition for body in result.bodies(AssetMaterialized)} == {"2024-01-05"}


# --- hooks -----------------------------------------------------------------------------------------------------------


def test_hooks_are_called_once_for_the_end_of_a_step(world: World) -> None:
    result = world.run("hooked")
    assert result.status == "FAILURE"
    assert sorted(world.lines("hooks")) == ["failure hopeless ValueError", "success one"]
    assert result.types("hopeless").count("HOOK_COMPLETED") == 1


def test_a_hook_that_fails_leaves_its_step_alone(world: World) -> None:
    result = world.run("hook_that_fails")
    assert result.status == "SUCCESS"
    assert result.one(HookErrored, "one").error.message == "hook"


def test_a_hook_has_its_resources(world: World) -> None:
    assert world.run("hook_with_resource").status == "FAILURE"
    assert world.lines("hooks") == ["counter 7"]


@pytest.mark.isolated
def test_the_hooks_of_a_step_whose_process_is_gone_are_called(world: World) -> None:
    assert world.run("hooked_crash").status == "FAILURE"
    assert world.lines("hooks") == ["failure killed NoneType"]


def test_the_hooks_of_a_step_that_took_too_long_are_called(world: World) -> None:
    assert world.run("hooked_timeout").status == "FAILURE"
    assert len(world.lines("hooks")) == 1


# --- resources and the instance --------------------------------------------------------------------------------------


@pytest.mark.everywhere
def test_resources_are_set_up_and_torn_down_in_the_process_of_the_step(world: World) -> None:
    assert world.run("with_resource").status == "SUCCESS"
    assert world.lines("note") == ["7"]
    up, down = world.lines("resources")
    assert (up.split()[0], down.split()[0]) == ("up", "down")
    assert up.split()[1] == down.split()[1]


def test_resources_are_torn_down_after_a_failure(world: World) -> None:
    assert world.run("failing_with_resource").status == "FAILURE"
    assert [line.split()[0] for line in world.lines("resources")] == ["up", "down"]


def test_a_resource_that_cannot_be_set_up_fails_the_run(world: World) -> None:
    result = world.run("with_broken_resource")
    assert result.status == "FAILURE"
    assert "RESOURCE_INIT_FAILURE" in result.types()


def test_a_teardown_that_fails_is_recorded_and_fails_nothing(world: World) -> None:
    result = world.run("with_bad_teardown")
    assert result.status == "SUCCESS"
    assert any("teardown" in getattr(event.body, "message", "") for event in result.events)


def test_configured_resources_arrive(world: World) -> None:
    assert world.run("with_configured_resource").status == "SUCCESS"
    assert world.lines("note") == ["Hello, world"]


def test_steps_can_use_the_instance(world: World) -> None:
    assert world.run("with_instance").status == "SUCCESS"
    assert world.lines("note") == ["a,b"]


@pytest.mark.everywhere
def test_a_step_knows_its_run(world: World) -> None:
    result = world.run("with_run")
    assert result.status == "SUCCESS", result.events[-3:]
    assert world.lines("note") == ["with_run data 0"]
