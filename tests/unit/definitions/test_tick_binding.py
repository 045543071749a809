"""Definitions connect schedules and sensors to jobs, assets and resources, and tell every problem at once."""

from __future__ import annotations

from datetime import datetime

import pytest

from weft import (
    DailyPartitionsDefinition,
    DefinitionError,
    Definitions,
    InvocationError,
    ResourceParam,
    RunRequest,
    ScheduleDefinition,
    SensorDefinition,
    asset,
    build_schedule_context,
    build_schedule_from_partitioned_job,
    build_sensor_context,
    define_asset_job,
    job,
    op,
    schedule,
    sensor,
)
from weft.model.snapshot import DefinitionsSnapshot

DAYS = DailyPartitionsDefinition("2024-01-01")


@op
def load() -> None: ...


@job
def nightly() -> None:
    load()


@asset(partitions_def=DAYS)
def orders() -> int:
    return 1


def test_what_schedules_and_sensors_bring_along_is_part_of_the_definitions() -> None:
    defs = Definitions(
        schedules=[ScheduleDefinition(job=nightly, cron_schedule="@daily")],
        sensors=[SensorDefinition("fresh", target=[orders])],
    )
    assert set(defs.resolve().jobs) == {"nightly", "__anonymous_asset_job_fresh"}
    assert defs.get_assets_def("orders") is orders
    assert defs.get_schedule_def("nightly_schedule").job_name == "nightly"
    assert defs.get_sensor_def("fresh").job_names == ("__anonymous_asset_job_fresh",)


def test_a_job_may_be_declared_and_scheduled() -> None:
    made = define_asset_job("made", "orders")
    defs = Definitions(
        [orders], jobs=[nightly, made], schedules=[ScheduleDefinition(job=nightly, cron_schedule="@daily")]
    )
    assert list(defs.resolve().jobs) == ["nightly", "made"]


def test_every_problem_is_told_at_once() -> None:
    @job(name="nightly")
    def another() -> None:
        load()

    @sensor(job_name="nihgtly")
    def typo(missing: ResourceParam[int]) -> None: ...

    defs = Definitions(
        jobs=[nightly],
        schedules=[
            ScheduleDefinition("twice", job=nightly, cron_schedule="@daily"),
            ScheduleDefinition("twice", job=nightly, cron_schedule="@daily"),
            ScheduleDefinition("other", job=another, cron_schedule="@daily"),
            typo,
        ],
        sensors=[typo, nightly],
    )
    with pytest.raises(DefinitionError) as refused:
        defs.resolve()
    found = {problem.code: problem for problem in refused.value.problems}
    assert set(found) == {"WEFT-D474", "WEFT-D475", "WEFT-D476", "WEFT-D458", "WEFT-D459", "WEFT-D034"}
    assert len(str(found["WEFT-D476"].facts["declared in"]).splitlines()) == 2
    assert found["WEFT-D458"].fix is not None
    assert 'did you mean "nightly"' in found["WEFT-D458"].fix


def test_the_partitions_of_an_asset_job_come_from_its_assets() -> None:
    made = build_schedule_from_partitioned_job(define_asset_job("made", "orders"), hour_of_day=2)
    with pytest.raises(DefinitionError) as unknown:
        made.cron  # noqa: B018  # asking is what is tested
    assert unknown.value.code == "WEFT-D460"
    defs = Definitions([orders], schedules=[made])
    assert defs.get_schedule_def("made_schedule").cron.crons == ("0 2 * * *",)
    context = build_schedule_context(scheduled_execution_time=datetime(2024, 1, 5, 2), definitions=defs)
    [request] = made.evaluate_tick(context).run_requests
    assert request.partition_key == "2024-01-04"


def test_resources_come_from_the_definitions() -> None:
    @sensor(job=nightly)
    def files(folder: ResourceParam[list[str]]) -> list[RunRequest]:
        return [RunRequest(name) for name in folder]

    defs = Definitions(sensors=[files], resources={"folder": ["a"]})
    assert files.evaluate_tick(build_sensor_context(definitions=defs)).run_requests == (RunRequest("a"),)


def test_the_snapshot_says_when_and_what() -> None:
    @schedule(["0 6 * * *", "@weekly"], job=nightly, execution_timezone="Europe/Berlin")
    def often() -> None: ...

    snapshot = Definitions(schedules=[often], sensors=[SensorDefinition("s", job=nightly)]).describe()
    [one] = snapshot.schedules
    assert (one.crons, one.timezone, one.job_names) == (("0 6 * * *", "@weekly"), "Europe/Berlin", ("nightly",))
    assert [sensor.name for sensor in snapshot.sensors] == ["s"]
    assert DefinitionsSnapshot.from_blob(snapshot.to_blob()) == snapshot


def test_merging_keeps_schedules_and_sensors() -> None:
    one = Definitions(schedules=[ScheduleDefinition(job=nightly, cron_schedule="@daily")])
    other = Definitions(sensors=[SensorDefinition("s", job=nightly)])
    merged = Definitions.merge(one, other)
    assert merged.get_schedule_def("nightly_schedule")
    assert merged.get_sensor_def("s")
    with pytest.raises(InvocationError) as unknown:
        merged.get_sensor_def("t")
    assert unknown.value.code == "WEFT-I461"
