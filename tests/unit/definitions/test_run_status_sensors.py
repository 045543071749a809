"""Sensors of runs react once to each run that reaches a status, from their start on."""

from __future__ import annotations

import pytest

from weft import (
    CodeLocationSelector,
    DefinitionError,
    Definitions,
    Instance,
    InvocationError,
    JobSelector,
    RepositorySelector,
    RunFailureSensorContext,
    RunRequest,
    RunStatus,
    RunStatusSensorContext,
    SkipReason,
    build_run_status_sensor_context,
    build_sensor_context,
    job,
    op,
    run_failure_sensor,
    run_status_sensor,
)
from weft.model.run import Run


@op
def fine() -> None: ...


@op
def broken() -> None:
    raise ValueError("the till is closed")


@job
def good() -> None:
    fine()


@job
def bad() -> None:
    broken()


@job
def report() -> None:
    fine()


def started(sensor: object, instance: Instance) -> str:
    cursor = sensor.evaluate_tick(build_sensor_context(instance)).cursor  # type: ignore[attr-defined]
    assert isinstance(cursor, str)
    return cursor


def test_runs_from_the_start_on_are_reacted_to_once() -> None:
    seen: list[str] = []

    @run_status_sensor(run_status=RunStatus.SUCCESS, request_job=report)
    def after_success(context: RunStatusSensorContext) -> RunRequest:
        seen.append(context.run.id)
        assert context.event.type == "RUN_SUCCESS"
        return RunRequest(run_key=context.run.id)

    with Instance.ephemeral() as instance:
        good.execute_in_process(instance=instance)
        cursor = started(after_success, instance)
        assert seen == []

        first = good.execute_in_process(instance=instance).run_id
        second = good.execute_in_process(instance=instance).run_id
        bad.execute_in_process(instance=instance, raise_on_error=False)
        evaluation = after_success.evaluate_tick(build_sensor_context(instance, cursor=cursor))
        assert evaluation.reacted_to_run_ids == (first, second)
        assert [request.run_key for request in evaluation.run_requests] == seen == [first, second]
        assert evaluation.skip_message is None

        again = after_success.evaluate_tick(build_sensor_context(instance, cursor=evaluation.cursor))
        assert again.reacted_to_run_ids == ()
        assert again.skip_message == "no new run has become SUCCESS"


def test_a_failed_run_tells_why() -> None:
    told: list[str] = []

    @run_failure_sensor
    def tell(context: RunFailureSensorContext) -> None:
        [event] = context.get_step_failure_events()
        told.append(f"{context.run.job_name}: {context.failure_event.message}: {event.step_key}")

    with Instance.ephemeral() as instance:
        cursor = started(tell, instance)
        bad.execute_in_process(instance=instance, raise_on_error=False)
        tell.evaluate_tick(build_sensor_context(instance, cursor=cursor))
    assert len(told) == 1
    assert told[0].startswith("bad: ")
    assert told[0].endswith(": broken")


def test_a_reaction_that_fails_is_repeated_and_those_before_it_count() -> None:
    fails = [False, True, False]

    @run_status_sensor(run_status=RunStatus.SUCCESS)
    def after_success(context: RunStatusSensorContext) -> SkipReason:
        if fails.pop(0):
            raise OSError("no network")
        return SkipReason(context.run.id)

    with Instance.ephemeral() as instance:
        cursor = started(after_success, instance)
        first, second = (good.execute_in_process(instance=instance).run_id for _ in range(2))
        one = after_success.evaluate_tick(build_sensor_context(instance, cursor=cursor))
        assert one.reacted_to_run_ids == (first,)
        assert "no network" in one.log_lines[0].message
        two = after_success.evaluate_tick(build_sensor_context(instance, cursor=one.cursor))
        assert two.reacted_to_run_ids == (second,)


def test_the_first_reaction_that_fails_fails_the_tick() -> None:
    @run_status_sensor(run_status=RunStatus.SUCCESS)
    def after_success(context: RunStatusSensorContext) -> None:
        raise OSError("no network")

    with Instance.ephemeral() as instance:
        cursor = started(after_success, instance)
        good.execute_in_process(instance=instance)
        with pytest.raises(OSError, match="no network"):
            after_success.evaluate_tick(build_sensor_context(instance, cursor=cursor))


def run_of(name: str, location: str | None = None) -> Run:
    tags = {"weft/code_location": location} if location is not None else {}
    return Run(id="1", job_name=name, status=RunStatus.SUCCESS, created_at=0, tags=tags)


def test_monitored_jobs_are_named_in_several_ways() -> None:
    def follows(run: Run, *monitored: object) -> bool:
        @run_status_sensor(run_status=RunStatus.SUCCESS, monitored_jobs=list(monitored))
        def some(context: RunStatusSensorContext) -> None: ...

        return some.follows(run, ["good"])

    assert follows(run_of("good"), good)
    assert not follows(run_of("bad"), good)
    assert follows(run_of("bad"), good, JobSelector("bad"))
    assert follows(run_of("bad", "north"), JobSelector("bad", "north"))
    assert not follows(run_of("bad", "south"), JobSelector("bad", "north"))
    assert follows(run_of("any", "north"), CodeLocationSelector("north"))
    assert follows(run_of("any", "north"), RepositorySelector("north"))
    assert not follows(run_of("any"), CodeLocationSelector("north"))


def test_without_more_the_jobs_of_its_own_code_location_are_monitored() -> None:
    @run_status_sensor(run_status=RunStatus.SUCCESS)
    def own(context: RunStatusSensorContext) -> None: ...

    @run_status_sensor(run_status=RunStatus.SUCCESS, monitor_all_code_locations=True)
    def every(context: RunStatusSensorContext) -> None: ...

    assert own.follows(run_of("good"), ["good"])
    assert own.follows(run_of("__ASSET_JOB"), ["good"])
    assert not own.follows(run_of("elsewhere"), ["good"])
    assert every.follows(run_of("elsewhere"), ["good"])


def test_a_context_is_built_from_a_run_that_was_made() -> None:
    @run_failure_sensor(name="tell", monitored_jobs=[bad])
    def tell_somebody(context: RunFailureSensorContext) -> str | None:
        return context.failure_event.message

    with Instance.ephemeral() as instance:
        result = bad.execute_in_process(instance=instance, raise_on_error=False)
        run = instance.runs.get(result.run_id)
        context = build_run_status_sensor_context(instance=instance, run=run, definitions=Definitions(jobs=[bad]))
        assert isinstance(context, RunFailureSensorContext)
        assert tell_somebody(context)
        assert (context.run.run_id, context.partition_key) == (result.run_id, None)
        assert context.for_run_failure() is context


def test_a_context_needs_a_run_and_its_event() -> None:
    with pytest.raises(InvocationError) as no_run:
        build_run_status_sensor_context()
    assert no_run.value.code == "WEFT-I459"
    with Instance.ephemeral() as instance, pytest.raises(InvocationError) as no_event:
        build_run_status_sensor_context(instance=instance, run=run_of("good"))
    assert no_event.value.code == "WEFT-I460"


def test_a_status_that_nothing_announces_is_refused() -> None:
    with pytest.raises(DefinitionError) as refused:
        run_status_sensor(run_status=RunStatus.NOT_STARTED)(lambda_like)
    assert refused.value.code == "WEFT-D472"
    with pytest.raises(DefinitionError) as foreign:
        run_failure_sensor(monitored_jobs=["good"])(lambda_like)
    assert foreign.value.code == "WEFT-D473"


def lambda_like(context: object) -> None: ...
