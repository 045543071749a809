"""Code of the years before jobs and ops runs in its own words."""

from __future__ import annotations

import warnings
from datetime import datetime, time, timezone
from pathlib import Path
from typing import Any

import pytest

import weft
from weft.compat.legacy import (
    InputDefinition,
    ModeDefinition,
    OutputDefinition,
    PartitionSetDefinition,
    PresetDefinition,
    composite_solid,
    daily_schedule,
    execute_pipeline,
    lambda_solid,
    mem_system_storage,
    pipeline,
    repository,
    schedules,
    solid,
    weekly_schedule,
)
from weft.definitions.deprecations import DeprecatedNameWarning

pytestmark = pytest.mark.filterwarnings("ignore::weft.definitions.deprecations.DeprecatedNameWarning")


@weft.resource(config_schema={"factor": int})
def scale(context: Any) -> int:
    return int(context.resource_config["factor"])


@weft.resource
def fixed(context: Any) -> int:
    return 10


with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecatedNameWarning)

    @solid(config_schema={"start": int}, output_defs=[OutputDefinition(int, "number"), OutputDefinition(str, "word")])
    def begin(context: Any) -> Any:
        yield weft.Output(context.solid_config["start"], "number")
        yield weft.Output("one", "word")

    @solid(input_defs=[InputDefinition("number", int)], required_resource_keys={"scale"}, version="1")
    def multiply(context: Any, number: int) -> int:
        return number * context.resources.scale

    @lambda_solid(input_defs=[InputDefinition("number", int)])
    def negate(number: int) -> int:
        return -number

    @composite_solid(input_defs=[InputDefinition("number", int)], output_defs=[OutputDefinition(int)])
    def both(number: int) -> Any:
        return negate(multiply(number))

    @pipeline(
        mode_defs=[ModeDefinition("prod", {"scale": scale}), ModeDefinition("test", {"scale": fixed})],
        preset_defs=[
            PresetDefinition("small", {"solids": {"begin": {"config": {"start": 2}}}}, mode="test", tags={"size": "s"})
        ],
    )
    def numbers() -> None:
        number, _ = begin()
        both(number)

    @solid
    def seven() -> int:
        return 7


CONFIG = {
    "solids": {"begin": {"config": {"start": 3}}},
    "resources": {"scale": {"config": {"factor": 4}}},
    "execution": {"multiprocess": {"max_concurrent": 4}},
    "storage": {"filesystem": {}},
}


def test_a_pipeline_runs_in_its_first_mode() -> None:
    result = execute_pipeline(numbers, run_config=CONFIG)
    assert result.success
    assert result.output_for_solid("begin", "number") == 3
    assert result.output_for_solid("both.negate") == -12
    assert result.result_for_solid("begin").success
    assert [one.name for one in result.solid_result_list] == ["begin", "both.multiply", "both.negate"]


def test_a_mode_and_a_preset_are_chosen_at_launch() -> None:
    assert execute_pipeline(numbers, preset="small").output_for_solid("both.negate") == -20
    chosen = execute_pipeline(numbers, mode="test", environment_dict={"solids": {"begin": {"config": {"start": 1}}}})
    assert chosen.output_for_solid("both.negate") == -10
    with pytest.raises(weft.InvocationError, match='no mode "tset"'):
        execute_pipeline(numbers, mode="tset")
    with pytest.raises(weft.InvocationError, match="no preset"):
        execute_pipeline(numbers, preset="large")
    with pytest.raises(weft.InvocationError, match="both a preset and"):
        execute_pipeline(numbers, preset="small", run_config=CONFIG)


def test_two_modes_are_two_jobs() -> None:
    defs = weft.Definitions(jobs=[numbers])
    assert set(defs.resolve().jobs) >= {"numbers", "numbers_test"}
    result = defs.get_job_def("numbers_test").execute_in_process(
        run_config={"ops": {"begin": {"config": {"start": 5}}}}
    )
    assert result.output_for_node("both.negate") == -50


def test_values_stay_where_the_configuration_says(tmp_path: Path) -> None:
    @pipeline
    def one() -> None:
        seven()

    execute_pipeline(one, run_config={"storage": {"filesystem": {"config": {"base_dir": str(tmp_path)}}}})
    assert list(tmp_path.rglob("*result*")) or list(tmp_path.iterdir())
    assert execute_pipeline(one, run_config={"intermediate_storage": {"in_memory": {}}}).success


def test_system_storage_is_an_io_manager() -> None:
    mode = ModeDefinition(system_storage_defs=[mem_system_storage])
    assert isinstance(mode.resource_defs["io_manager"], weft.InMemoryIOManager)


def test_a_partition_set_gives_its_pipeline_partitions() -> None:
    made: list[str] = []

    @solid(config_schema={"letter": str})
    def note(context: Any) -> None:
        made.append(context.solid_config["letter"])

    @pipeline
    def letters() -> None:
        note()

    by_letter = PartitionSetDefinition(
        "by_letter",
        pipeline_name="letters",
        partition_fn=lambda: ["a", "b"],
        run_config_fn_for_partition=lambda partition: {"solids": {"note": {"config": {"letter": partition}}}},
        tags_fn_for_partition=lambda partition: {"letter": partition},
    )

    @schedules
    def two() -> Any:
        return [by_letter.create_schedule_definition("last_letter", "0 0 * * *")]

    @repository
    def all_of_it() -> Any:
        return [letters, by_letter, numbers, two]

    resolved = all_of_it.resolve()
    assert set(resolved.jobs) >= {"letters", "numbers", "numbers_test"}
    result = all_of_it.get_job_def("letters").execute_in_process(partition_key="b")
    assert result.success
    assert made == ["b"]
    assert result.run.tags["letter"] == "b"
    tick = all_of_it.get_schedule_def("last_letter").evaluate_tick(
        weft.build_schedule_context(scheduled_execution_time=datetime(2024, 1, 2, tzinfo=timezone.utc))
    )
    assert [request.partition_key for request in tick.run_requests] == ["b"]


def test_schedules_by_date_pass_the_window_that_has_ended() -> None:
    @daily_schedule(pipeline_name="numbers", start_date=datetime(2024, 1, 1), execution_time=time(6, 30))
    def each_day(date: datetime) -> Any:
        return {"solids": {"begin": {"config": {"start": date.day}}}}

    assert each_day.cron_schedule == "30 6 * * *"
    tick = each_day.evaluate_tick(
        weft.build_schedule_context(scheduled_execution_time=datetime(2024, 1, 5, 6, 30, tzinfo=timezone.utc))
    )
    [request] = tick.run_requests
    assert request.run_config["ops"]["begin"]["config"] == {"start": 4}
    assert request.job_name == "numbers"

    @weekly_schedule(pipeline_name="numbers", start_date=datetime(2024, 1, 1), execution_day_of_week=1)
    def each_week(date: datetime) -> Any:
        return {"solids": {"begin": {"config": {"start": date.day}}}}

    tick = each_week.evaluate_tick(
        weft.build_schedule_context(scheduled_execution_time=datetime(2024, 1, 15, tzinfo=timezone.utc))
    )
    assert tick.run_requests[0].run_config["ops"]["begin"]["config"] == {"start": 8}


def test_every_word_says_what_to_use() -> None:
    with pytest.warns(DeprecatedNameWarning, match="@op"):

        @solid
        def one() -> None: ...

    with pytest.warns(DeprecatedNameWarning, match="@job"):

        @pipeline
        def line() -> None:
            one()


def test_a_repository_says_what_it_holds() -> None:
    @repository
    def shop() -> Any:
        return [numbers]

    assert shop.job_names == ["numbers", "numbers_test"]
    assert {job.name for job in shop.get_all_jobs()} == {"numbers", "numbers_test"}
    assert shop.get_job("numbers").name == "numbers"
    assert (shop.schedule_defs, shop.sensor_defs) == ([], [])


def test_what_a_repository_holds_may_be_found_when_it_is_asked_for() -> None:
    class Found(weft.RepositoryData):
        def get_all_jobs(self) -> Any:
            return [numbers]

    @repository
    def shop() -> Any:
        return Found()

    assert shop.job_names == ["numbers", "numbers_test"]
