"""Sensors are checked where they are declared, called like functions, and give a plain value when they are evaluated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from weft import (
    AssetMaterialization,
    AssetSelection,
    AutomationConditionSensorDefinition,
    DefaultSensorStatus,
    DefinitionError,
    DynamicPartitionsDefinition,
    Instance,
    InvocationError,
    ResourceParam,
    RunRequest,
    SensorDefinition,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    TickError,
    build_sensor_context,
    job,
    op,
    sensor,
)


@op
def load() -> None: ...


@job
def one_job() -> None:
    load()


@job
def other_job() -> None:
    load()


# --- declaring ---------------------------------------------------------------------------------------------------------


def test_a_sensor_waits_half_a_minute_and_stands_still_by_default() -> None:
    @sensor(job=one_job)
    def files() -> None:
        """Looks for files."""

    assert (files.name, files.minimum_interval_seconds, files.default_status) == (
        "files",
        30,
        DefaultSensorStatus.STOPPED,
    )
    assert files.description == "Looks for files."
    assert files.describe().sensor_type == "STANDARD"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"job": one_job, "jobs": [other_job]}, "WEFT-D452"),
        ({"job": "one_job"}, "WEFT-D453"),
        ({"minimum_interval_seconds": -1}, "WEFT-D467"),
        ({"minimum_interval_seconds": "30"}, "WEFT-D467"),
        ({"default_status": "RUNNING"}, "WEFT-D071"),
        ({"name": "a b"}, "WEFT-D003"),
    ],
)
def test_a_mistake_is_told_where_it_is_declared(arguments: dict[str, Any], code: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        sensor(**arguments)(lambda_like)
    assert refused.value.code == code


def lambda_like() -> None: ...


def test_a_sensor_needs_a_name() -> None:
    with pytest.raises(DefinitionError) as refused:
        SensorDefinition()
    assert refused.value.code == "WEFT-D468"


def test_the_decorator_is_called() -> None:
    with pytest.raises(DefinitionError) as refused:

        @sensor
        def files() -> None: ...

    assert refused.value.code == "WEFT-D079"


def test_selected_assets_become_a_job_of_their_own() -> None:
    @sensor(target=AssetSelection.groups("raw"))
    def by_target() -> None: ...

    @sensor(asset_selection="orders+")
    def by_selection() -> None: ...

    assert by_target.job_names == ("__anonymous_asset_job_by_target",)
    assert by_selection.job_names == ("__anonymous_asset_job_by_selection",)


# --- evaluating --------------------------------------------------------------------------------------------------------


def evaluate(gives: Any, *, jobs: Any = (one_job,), cursor: str | None = None) -> Any:
    @sensor(jobs=list(jobs))
    def files(context: SensorEvaluationContext) -> Any:
        return gives(context) if callable(gives) and not isinstance(gives, type) else gives

    return files.evaluate_tick(build_sensor_context(cursor=cursor))


@pytest.mark.parametrize(
    ("gives", "requests", "skip"),
    [
        (RunRequest("a"), (RunRequest("a"),), None),
        ([RunRequest("a"), RunRequest("b")], (RunRequest("a"), RunRequest("b")), None),
        (SensorResult([RunRequest("a")]), (RunRequest("a"),), None),
        (SensorResult(skip_reason="nothing new"), (), "nothing new"),
        (SkipReason("nothing new"), (), "nothing new"),
        (None, (), 'sensor "files" asked for nothing'),
        ([], (), 'sensor "files" asked for nothing'),
        ([None, RunRequest("a")], (RunRequest("a"),), None),
    ],
)
def test_a_function_may_return(gives: Any, requests: tuple[RunRequest, ...], skip: str | None) -> None:
    evaluation = evaluate(gives)
    assert evaluation.run_requests == requests
    assert evaluation.skip_message == skip


def test_a_function_may_yield_on_a_condition() -> None:
    @sensor(job=one_job)
    def files(context: SensorEvaluationContext) -> Iterator[RunRequest]:
        if context.cursor is None:
            yield RunRequest()

    assert files.evaluate_tick(build_sensor_context()).run_requests == (RunRequest(),)
    assert files.evaluate_tick(build_sensor_context(cursor="seen")).run_requests == ()


@pytest.mark.parametrize(
    ("gives", "code"),
    [
        (5, "WEFT-K001"),
        ({"ops": {}}, "WEFT-K001"),
        (RunRequest, "WEFT-K001"),
        ([SensorResult(), RunRequest()], "WEFT-K002"),
        ([SensorResult(), SensorResult()], "WEFT-K002"),
        ([SkipReason("a"), RunRequest()], "WEFT-K003"),
        (RunRequest(job_name="one_jbo"), "WEFT-K006"),
    ],
)
def test_nonsense_is_told(gives: Any, code: str) -> None:
    with pytest.raises(TickError) as refused:
        evaluate(gives)
    assert refused.value.code == code
    assert refused.value.fix


def test_a_run_needs_a_job_and_one_of_several() -> None:
    with pytest.raises(TickError) as nothing:
        evaluate(RunRequest(), jobs=())
    assert nothing.value.code == "WEFT-K004"
    with pytest.raises(TickError) as several:
        evaluate(RunRequest(), jobs=(one_job, other_job))
    assert several.value.code == "WEFT-K005"
    named = RunRequest(job_name="other_job")
    assert evaluate(named, jobs=(one_job, other_job)).run_requests == (named,)


def test_the_cursor_stays_until_it_is_set() -> None:
    assert evaluate(None, cursor="5").cursor == "5"
    assert evaluate(SensorResult(cursor="6"), cursor="5").cursor == "6"
    assert evaluate(lambda context: context.update_cursor("7"), cursor="5").cursor == "7"


def test_the_cursor_is_set_once_and_is_text() -> None:
    def twice(context: SensorEvaluationContext) -> SensorResult:
        context.update_cursor("6")
        return SensorResult(cursor="7")

    with pytest.raises(TickError) as refused:
        evaluate(twice)
    assert refused.value.code == "WEFT-K007"
    with pytest.raises(InvocationError) as number:
        evaluate(lambda context: context.update_cursor(7))
    assert number.value.code == "WEFT-I455"
    assert number.value.fix == 'context.update_cursor("7")'


def test_a_result_carries_partitions_and_events_as_values() -> None:
    colours = DynamicPartitionsDefinition("colours")
    evaluation = evaluate(
        SensorResult(
            [RunRequest(partition_key="red")],
            dynamic_partitions_requests=[colours.build_add_request(["red"])],
            asset_events=[AssetMaterialization("orders", metadata={"rows": 3})],
        )
    )
    [request] = evaluation.dynamic_partitions_requests
    assert (request.partitions_def_name, request.partition_keys) == ("colours", ("red",))
    [event] = evaluation.asset_events
    assert event.asset_key.to_user_string() == "orders"
    assert event.metadata["rows"].value == 3


def test_events_alone_are_no_skip() -> None:
    assert evaluate(SensorResult(asset_events=[AssetMaterialization("orders")])).skip_message is None


# --- contexts ----------------------------------------------------------------------------------------------------------


def test_the_instance_of_a_context_can_be_asked() -> None:
    @sensor(job=one_job)
    def after_runs(context: SensorEvaluationContext) -> RunRequest | SkipReason:
        return RunRequest() if context.instance.runs.count() else SkipReason("no run yet")

    with Instance.ephemeral() as instance:
        assert after_runs(build_sensor_context(instance)) == SkipReason("no run yet")
        one_job.execute_in_process(instance=instance)
        assert after_runs(build_sensor_context(instance)) == RunRequest()


def test_resources_come_by_annotation_and_by_key() -> None:
    @sensor(job=one_job, required_resource_keys={"limit"})
    def files(context: SensorEvaluationContext, folder: ResourceParam[list[str]]) -> list[RunRequest]:
        return [RunRequest(name) for name in folder[: context.resources.limit]]

    context = build_sensor_context(resources={"folder": ["a", "b", "c"], "limit": 2, "unused": object()})
    assert files.required_resource_keys == {"limit", "folder"}
    assert [request.run_key for request in files.evaluate_tick(context).run_requests] == ["a", "b"]
    assert files(build_sensor_context(resources={"limit": 1}), folder=["x", "y"]) == [RunRequest("x")]


@pytest.mark.parametrize(
    ("completed", "started", "first"), [(None, None, True), (None, 5.0, True), (4.0, 5.0, True), (6.0, 5.0, False)]
)
def test_the_first_tick_since_the_start_is_known(completed: float | None, started: float | None, first: bool) -> None:
    context = build_sensor_context(last_tick_completion_time=completed, last_sensor_start_time=started)
    assert context.is_first_tick_since_sensor_start is first


# --- automation ----------------------------------------------------------------------------------------------------------


def test_an_automation_sensor_describes_what_it_evaluates() -> None:
    made = AutomationConditionSensorDefinition(
        "raw_automation", AssetSelection.groups("raw"), run_tags={"team": "sales"}, minimum_interval_seconds=10
    )
    snapshot = made.describe()
    assert snapshot.sensor_type == "AUTOMATION"
    assert snapshot.assets == AssetSelection.groups("raw").expression
    assert snapshot.run_tags == {"team": "sales"}
    assert snapshot.emits_backfills
    with pytest.raises(InvocationError) as refused:
        made.evaluate_tick(build_sensor_context())
    assert refused.value.code == "WEFT-I456"
