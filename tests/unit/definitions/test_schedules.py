"""Schedules are checked where they are declared, called like functions, and give a plain value for each tick."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import pytest

from weft import (
    AssetSelection,
    ConfigurableResource,
    DailyPartitionsDefinition,
    DefaultScheduleStatus,
    DefinitionError,
    EnvVar,
    Instance,
    InvocationError,
    MultiPartitionsDefinition,
    RunConfig,
    RunRequest,
    ScheduleDefinition,
    ScheduleEvaluationContext,
    SkipReason,
    StaticPartitionsDefinition,
    TickError,
    asset,
    build_schedule_context,
    build_schedule_from_partitioned_job,
    define_asset_job,
    job,
    op,
    resource,
    schedule,
)

DAYS = DailyPartitionsDefinition("2024-01-01")


@op
def tick() -> None: ...


@job
def nightly() -> None:
    tick()


@job
def hourly() -> None:
    tick()


@asset
def orders() -> int:
    return 1


class Calendar(ConfigurableResource[Any]):
    closed_on: str = "2024-01-01"

    def is_open(self, day: str) -> bool:
        return day != self.closed_on


def at(text: str) -> ScheduleEvaluationContext:
    return build_schedule_context(scheduled_execution_time=datetime.fromisoformat(text))


# --- declaring ---------------------------------------------------------------------------------------------------------


def test_the_name_comes_from_the_job() -> None:
    made = ScheduleDefinition(job=nightly, cron_schedule="0 1 * * *", execution_timezone="UTC")
    assert made.name == "nightly_schedule"
    assert made.job is nightly
    assert made.job_name == "nightly"
    assert made.default_status is DefaultScheduleStatus.STOPPED


def test_the_time_of_the_first_tick_is_that_of_the_expression_in_its_zone() -> None:
    made = ScheduleDefinition(job=nightly, cron_schedule="0 1 * * *", execution_timezone="Asia/Kolkata")
    start = datetime(2024, 1, 1, tzinfo=timezone.utc).timestamp()
    assert made.cron.next(start) == datetime(2024, 1, 1, 19, 30, tzinfo=timezone.utc).timestamp()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"cron_schedule": "0 0 30 2 *"}, "WEFT-D450"),
        ({"cron_schedule": "0 0 31 4 *"}, "WEFT-D450"),
        ({"cron_schedule": ["0 1 * * *", "nonsense"]}, "WEFT-D450"),
        ({"cron_schedule": "0 0 * * *", "execution_timezone": "Europe/Berln"}, "WEFT-D451"),
        ({"cron_schedule": "0 0 * * *", "job_name": "hourly"}, "WEFT-D452"),
        ({"cron_schedule": "0 0 * * *", "run_config": {}, "run_config_fn": lambda context: {}}, "WEFT-D455"),
        ({"cron_schedule": []}, "WEFT-D457"),
        ({}, "WEFT-D457"),
        ({"cron_schedule": 5}, "WEFT-D070"),
        ({"cron_schedule": "0 0 * * *", "default_status": "RUNNING"}, "WEFT-D071"),
        ({"cron_schedule": "0 0 * * *", "name": "a-b"}, "WEFT-D003"),
    ],
)
def test_a_mistake_is_told_where_it_is_declared(arguments: dict[str, Any], code: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        ScheduleDefinition(job=nightly, **arguments)
    assert refused.value.code == code
    assert refused.value.fix


def test_the_nearest_time_zone_is_offered() -> None:
    with pytest.raises(DefinitionError, match="Europe/Berlin"):
        ScheduleDefinition(job=nightly, cron_schedule="@daily", execution_timezone="Europe/Berln")


def test_what_is_no_job_is_refused() -> None:
    with pytest.raises(DefinitionError) as refused:
        ScheduleDefinition(job="nightly", cron_schedule="@daily", name="s")
    assert refused.value.code == "WEFT-D453"


def test_a_schedule_without_a_job_needs_a_name() -> None:
    with pytest.raises(DefinitionError) as refused:
        ScheduleDefinition(target=AssetSelection.all(), cron_schedule="@daily")
    assert refused.value.code == "WEFT-D456"


def test_the_decorator_needs_its_settings() -> None:
    with pytest.raises(DefinitionError) as refused:

        @schedule  # type: ignore[arg-type]
        def wrong() -> None: ...

    assert refused.value.code == "WEFT-D079"


def test_a_function_that_takes_what_a_tick_has_not_is_refused() -> None:
    with pytest.raises(DefinitionError) as refused:

        @schedule("@daily", job=nightly)
        def wrong(context: ScheduleEvaluationContext, orders: int) -> None: ...

    assert refused.value.code == "WEFT-D454"


def test_assets_as_target_become_a_job_of_their_own() -> None:
    made = ScheduleDefinition("fresh", target=[orders], cron_schedule="@hourly")
    assert made.job_names == ("__anonymous_asset_job_fresh",)
    assert made.targets.assets == (orders,)


def test_environment_variables_are_no_longer_given() -> None:
    with pytest.warns(DeprecationWarning, match="environment_vars"):
        ScheduleDefinition(job=nightly, cron_schedule="@daily", environment_vars={"A": "1"})


# --- evaluating --------------------------------------------------------------------------------------------------------


def test_without_functions_a_tick_is_a_run() -> None:
    made = ScheduleDefinition(job=nightly, cron_schedule="@daily", run_config={"ops": {}}, tags={"team": "sales"})
    evaluation = made.evaluate_tick(build_schedule_context())
    assert evaluation.run_requests == (RunRequest(run_config={"ops": {}}, tags={"team": "sales"}),)
    assert evaluation.skip_message is None


def test_functions_give_configuration_and_tags_of_a_tick() -> None:
    made = ScheduleDefinition(
        job=nightly,
        cron_schedule="@daily",
        run_config_fn=lambda context: RunConfig(
            ops={"tick": {"config": {"day": context.scheduled_execution_time.day}}}
        ),
        tags_fn=lambda context: {"day": str(context.scheduled_execution_time.day)},
        should_execute=lambda context: context.scheduled_execution_time.day != 2,
    )
    [request] = made.evaluate_tick(at("2024-01-05 00:00")).run_requests
    assert request.run_config == {"ops": {"tick": {"config": {"day": 5}}}}
    assert request.tags == {"day": "5"}
    skipped = made.evaluate_tick(at("2024-01-02 00:00"))
    assert skipped.run_requests == ()
    assert skipped.skip_message == 'should_execute of schedule "nightly_schedule" said no'


@pytest.mark.parametrize(
    ("gives", "requests", "skip"),
    [
        (RunRequest("a"), (RunRequest("a"),), None),
        ([RunRequest("a"), RunRequest("b")], (RunRequest("a"), RunRequest("b")), None),
        (iter([RunRequest("a")]), (RunRequest("a"),), None),
        ({"ops": {}}, (RunRequest(run_config={"ops": {}}),), None),
        (RunConfig(), (RunRequest(),), None),
        (SkipReason("a holiday"), (), "a holiday"),
        (None, (), 'schedule "daily" asked for nothing'),
    ],
)
def test_a_function_may_return(gives: object, requests: tuple[RunRequest, ...], skip: str | None) -> None:
    @schedule("@daily", job=nightly)
    def daily() -> object:
        return gives

    evaluation = daily.evaluate_tick(build_schedule_context())
    assert evaluation.run_requests == requests
    assert evaluation.skip_message == skip


def test_a_function_may_yield() -> None:
    @schedule("@daily", job=nightly)
    def daily(context: ScheduleEvaluationContext) -> Iterator[RunRequest]:
        for region in ("north", "south"):
            yield RunRequest(run_key=region)

    assert [one.run_key for one in daily.evaluate_tick(at("2024-01-01")).run_requests] == ["north", "south"]


@pytest.mark.parametrize(
    ("gives", "code"),
    [
        ("nightly", "WEFT-K001"),
        ([RunRequest("a"), 5], "WEFT-K001"),
        (RunRequest, "WEFT-K001"),
        ([SkipReason("a"), SkipReason("b")], "WEFT-K003"),
        ([RunRequest("a"), SkipReason("b")], "WEFT-K003"),
        (RunRequest(job_name="nihgtly"), "WEFT-K006"),
        ([RunRequest("a"), RunRequest("a")], "WEFT-K008"),
        ([RunRequest(), RunRequest()], "WEFT-K008"),
    ],
)
def test_nonsense_is_told(gives: object, code: str) -> None:
    @schedule("@daily", job=nightly)
    def daily() -> object:
        return gives

    with pytest.raises(TickError) as refused:
        daily.evaluate_tick(build_schedule_context())
    assert refused.value.code == code
    assert 'schedule "daily"' in refused.value.what


def test_a_schedule_without_target_cannot_ask_for_a_run() -> None:
    @schedule("@daily")
    def daily() -> RunRequest:
        return RunRequest()

    with pytest.raises(TickError) as refused:
        daily.evaluate_tick(build_schedule_context())
    assert refused.value.code == "WEFT-K004"


def test_what_the_function_raises_passes_through() -> None:
    @schedule("@daily", job=nightly)
    def daily() -> None:
        raise ValueError("the till is closed")

    with pytest.raises(ValueError, match="the till is closed"):
        daily.evaluate_tick(build_schedule_context())


def test_lines_of_the_log_belong_to_the_tick(capsys: pytest.CaptureFixture[str]) -> None:
    @schedule("@daily", job=nightly)
    def daily(context: ScheduleEvaluationContext) -> None:
        context.log.warning("nothing for %s", context.schedule_name)

    evaluation = daily.evaluate_tick(build_schedule_context())
    assert [line.message for line in evaluation.log_lines] == ["nothing for daily"]
    assert "nothing for daily" in capsys.readouterr().err


def test_now_of_partitions_is_the_time_of_the_tick() -> None:
    @schedule("@daily", job=nightly)
    def daily() -> RunRequest:
        return RunRequest(partition_key=DAYS.get_last_partition_key())

    [request] = daily.evaluate_tick(at("2024-02-10 00:30")).run_requests
    assert request.partition_key == "2024-02-09"


# --- resources -----------------------------------------------------------------------------------------------------------


@schedule("@daily", job=nightly)
def on_open_days(context: ScheduleEvaluationContext, calendar: Calendar) -> RunRequest | SkipReason:
    day = context.scheduled_execution_time.strftime("%Y-%m-%d")
    return RunRequest(run_key=day) if calendar.is_open(day) else SkipReason("closed")


def test_resources_come_by_annotation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOSED_ON", "2024-05-01")
    assert on_open_days.required_resource_keys == {"calendar"}
    context = build_schedule_context(
        scheduled_execution_time=datetime(2024, 5, 1), resources={"calendar": Calendar(closed_on=EnvVar("CLOSED_ON"))}
    )
    assert on_open_days.evaluate_tick(context).skip_message == "closed"


def test_a_call_takes_resources_from_the_context_or_as_arguments() -> None:
    context = build_schedule_context(scheduled_execution_time=datetime(2024, 1, 1), resources={"calendar": Calendar()})
    assert on_open_days(context) == SkipReason("closed")
    assert on_open_days(at("2024-01-02"), calendar=Calendar()) == RunRequest("2024-01-02")


def test_a_missing_resource_is_told() -> None:
    with pytest.raises(DefinitionError) as refused:
        on_open_days.evaluate_tick(at("2024-01-01"))
    assert refused.value.code == "WEFT-D211"
    with pytest.raises(InvocationError) as called:
        on_open_days(at("2024-01-01"))
    assert called.value.code == "WEFT-I451"


def test_resources_of_a_tick_are_torn_down_after_it() -> None:
    seen: list[str] = []

    @resource
    def connection() -> Iterator[str]:
        seen.append("up")
        yield "connection"
        seen.append("down")

    @schedule("@daily", job=nightly, required_resource_keys={"connection"})
    def daily(context: ScheduleEvaluationContext) -> RunRequest:
        seen.append(context.resources.connection)
        return RunRequest()

    assert daily.evaluate_tick(build_schedule_context(resources={"connection": connection, "other": 1})).run_requests
    assert seen == ["up", "connection", "down"]


# --- calling and contexts ----------------------------------------------------------------------------------------------


def test_a_call_gives_what_the_function_returns_unchanged() -> None:
    @schedule("@daily", job=nightly)
    def daily(context: ScheduleEvaluationContext) -> dict[str, Any]:
        return {"ops": {"tick": {"config": context.scheduled_execution_time.hour}}}

    assert daily(at("2024-01-01 06:00")) == {"ops": {"tick": {"config": 6}}}


def test_a_call_without_the_context_that_it_takes_is_refused() -> None:
    with pytest.raises(InvocationError) as refused:
        on_open_days()
    assert refused.value.code == "WEFT-I450"


def test_a_schedule_without_function_cannot_be_called() -> None:
    with pytest.raises(InvocationError) as refused:
        ScheduleDefinition(job=nightly, cron_schedule="@daily")()
    assert refused.value.code == "WEFT-I453"


@pytest.mark.parametrize("name", ["instance", "repository_def", "scheduled_execution_time"])
def test_what_a_context_was_built_without_is_told(name: str) -> None:
    with pytest.raises(InvocationError) as refused:
        getattr(build_schedule_context(), name)
    assert refused.value.code == "WEFT-I454"


def test_a_context_has_the_instance_and_a_time_with_its_zone() -> None:
    with Instance.ephemeral() as instance, build_schedule_context(instance, 1704067200.0) as context:
        assert context.instance is instance
        assert context.scheduled_execution_time == datetime(2024, 1, 1, tzinfo=timezone.utc)


# --- partitioned jobs -----------------------------------------------------------------------------------------------------


@job(partitions_def=DAYS)
def daily_load() -> None:
    tick()


def test_a_partitioned_job_runs_the_partition_that_has_ended() -> None:
    made = build_schedule_from_partitioned_job(daily_load, hour_of_day=3)
    assert made.name == "daily_load_schedule"
    assert made.cron.crons == ("0 3 * * *",)
    assert made.evaluate_tick(at("2024-03-01 03:00")).run_requests == (
        RunRequest(run_key="2024-02-29", partition_key="2024-02-29"),
    )
    assert made.evaluate_tick(at("2024-01-01 03:00")).skip_message is not None


def test_the_schedule_of_a_partitioned_job_is_in_the_zone_of_its_partitions() -> None:
    days = DailyPartitionsDefinition("2024-01-01", timezone="Europe/Berlin")
    made = build_schedule_from_partitioned_job(define_asset_job("made", partitions_def=days))
    assert (made.cron.crons, made.cron.timezone) == (("0 0 * * *",), "Europe/Berlin")
    tick_at = made.cron.next(datetime(2024, 6, 1, 12, tzinfo=timezone.utc).timestamp())
    assert tick_at is not None
    [request] = made.evaluate_tick(build_schedule_context(scheduled_execution_time=float(tick_at))).run_requests
    assert request.partition_key == "2024-06-01"


def test_every_combination_with_the_ended_window_is_run() -> None:
    both = MultiPartitionsDefinition({"day": DAYS, "shop": StaticPartitionsDefinition(["a", "b"])})
    made = build_schedule_from_partitioned_job(define_asset_job("made", partitions_def=both))
    keys = [one.partition_key for one in made.evaluate_tick(at("2024-01-03")).run_requests]
    assert keys == ["2024-01-02|a", "2024-01-02|b"]


def test_fixed_partitions_are_all_run_at_the_given_time() -> None:
    shops = StaticPartitionsDefinition(["a", "b"])
    made = build_schedule_from_partitioned_job(
        define_asset_job("made", partitions_def=shops), cron_schedule="0 6 * * *"
    )
    assert [one.partition_key for one in made.evaluate_tick(at("2024-01-03")).run_requests] == ["a", "b"]
    with pytest.raises(DefinitionError) as refused:
        build_schedule_from_partitioned_job(define_asset_job("made", partitions_def=shops))
    assert refused.value.code == "WEFT-D461"


def test_a_job_without_partitions_has_no_such_schedule() -> None:
    with pytest.raises(DefinitionError) as refused:
        build_schedule_from_partitioned_job(nightly)
    assert refused.value.code == "WEFT-D463"
    with pytest.raises(DefinitionError) as twice:
        build_schedule_from_partitioned_job(daily_load, hour_of_day=3, cron_schedule="@daily")
    assert twice.value.code == "WEFT-D462"
