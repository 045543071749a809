"""One evaluation of a schedule or sensor: call the user's function with its context, read what it says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from weft.definitions.asset_sensors import AssetSensorDefinition, MultiAssetSensorDefinition
from weft.definitions.run_status_sensors import RunStatusSensorDefinition
from weft.definitions.sensors import AutomationConditionSensorDefinition, SensorDefinition
from weft.errors import InvocationError, TickError
from weft.execution.ticks.contexts import ScheduleEvaluationContext, TickContext
from weft.execution.ticks.multi_asset_context import MultiAssetSensorEvaluationContext
from weft.execution.ticks.outcome import Answer, TickEvaluation, asset_event_body, check_run_keys, check_targets
from weft.execution.ticks.sensor_contexts import (
    RunFailureSensorContext,
    RunStatusSensorContext,
    SensorEvaluationContext,
)
from weft.model.partitions.definitions import partition_loading_context
from weft.model.run import RunStatus

if TYPE_CHECKING:
    from weft.definitions.schedules import ScheduleDefinition
    from weft.definitions.tick_source import TickFunction, TickSource

MOST_REACTIONS = 100
"""How many runs one evaluation of a sensor of runs reacts to; the others wait for the next one, so that a tick stays short."""


def evaluate_schedule(schedule: ScheduleDefinition, context: ScheduleEvaluationContext) -> TickEvaluation:
    """See `ScheduleDefinition.evaluate_tick`. Inside it, "now" for partitions definitions is the time of the tick."""
    if context.has_repository:
        schedule = schedule.bound_to(context.repository_def)
    source = f'schedule "{schedule.name}"'
    answer = Answer(source)
    scheduled_at = context.scheduled_execution_time if context.has_scheduled_execution_time else None
    with _tick_of(schedule, context), partition_loading_context(scheduled_at, _dynamic_partitions_of(context)):
        answer.take(schedule.requests(context), takes_config=True, takes_result=False)
        requests = answer.run_requests
        tags = schedule.run_tags(context) if requests else {}
    check_targets(source, requests, schedule.job_names)
    check_run_keys(source, requests)
    return TickEvaluation(
        run_requests=tuple([request.with_tags(tags) for request in requests]),
        skip_message=answer.skip_message or (None if requests else f"{source} asked for nothing"),
        log_lines=tuple(context.log_lines),
    )


def evaluate_sensor(sensor: SensorDefinition, context: SensorEvaluationContext) -> TickEvaluation:
    """See `SensorDefinition.evaluate_tick`."""
    function = sensor.function
    if function is None or isinstance(sensor, AutomationConditionSensorDefinition):
        raise InvocationError(
            f'sensor "{sensor.name}" has no function to evaluate.',
            code="WEFT-I456",
            fix="test conditions with evaluate_automation_conditions(...)"
            if function is None
            else "give it evaluation_fn=...",
        )
    if isinstance(sensor, MultiAssetSensorDefinition):
        context = MultiAssetSensorEvaluationContext.like(context)
    answer = Answer(f'sensor "{sensor.name}"')
    reacted: list[str] = []
    with _tick_of(sensor, context), partition_loading_context(None, _dynamic_partitions_of(context)):
        if isinstance(sensor, RunStatusSensorDefinition):
            nothing = _react(sensor, function, context, answer, reacted)
        elif isinstance(sensor, AssetSensorDefinition):
            nothing = _follow(sensor, function, context, answer)
        else:
            answer.take(function.call(context, resources=context.resources))
            nothing = None
    return _evaluation(sensor, context, answer, nothing, tuple(reacted))


def _evaluation(
    sensor: SensorDefinition,
    context: SensorEvaluationContext,
    answer: Answer,
    nothing: str | None,
    reacted: tuple[str, ...],
) -> TickEvaluation:
    source = f'sensor "{sensor.name}"'
    requests = answer.run_requests
    check_targets(source, requests, sensor.job_names)
    result = answer.result
    cursor = context.cursor
    is_own_cursor = context.cursor_was_updated and not isinstance(
        sensor, (AssetSensorDefinition, RunStatusSensorDefinition)
    )
    if result is not None and result.cursor is not None:
        if is_own_cursor:
            raise TickError(
                f"{source} set its cursor twice.",
                code="WEFT-K007",
                facts={"by update_cursor": cursor or "(none)", "in the SensorResult": result.cursor},
                fix="set it in one of them",
            )
        if not isinstance(sensor, (AssetSensorDefinition, RunStatusSensorDefinition)):
            cursor = result.cursor
    asked = requests or (result is not None and (result.dynamic_partitions_requests or result.asset_events))
    return TickEvaluation(
        run_requests=requests,
        skip_message=answer.skip_message or nothing or (None if asked or reacted else f"{source} asked for nothing"),
        cursor=cursor,
        dynamic_partitions_requests=result.dynamic_partitions_requests if result is not None else (),
        asset_events=tuple([asset_event_body(event) for event in result.asset_events]) if result is not None else (),
        log_lines=tuple(context.log_lines),
        reacted_to_run_ids=reacted,
    )


def _follow(
    sensor: AssetSensorDefinition, function: TickFunction, context: SensorEvaluationContext, answer: Answer
) -> str | None:
    """Call the function with the latest materialisation after the cursor, which is the id of the last one."""
    newest = context.instance.events.of_asset(
        sensor.asset_key, types=("ASSET_MATERIALIZATION",), after_id=_event_id(context.cursor), limit=1
    )
    if not newest:
        return f'asset "{sensor.asset_key.to_user_string()}" has not been materialised since'
    answer.take(function.call(context, newest[0], resources=context.resources))
    context.update_cursor(str(newest[0].id))
    return None


def _react(
    sensor: RunStatusSensorDefinition,
    function: TickFunction,
    context: SensorEvaluationContext,
    answer: Answer,
    reacted: list[str],
) -> str | None:
    """Call the function for each new event. Where one call fails after others, those count, and the next evaluation begins with it."""
    events = context.instance.events
    if context.cursor is None:
        context.update_cursor(str(events.latest_id()))
        return "from now on it reacts to runs"
    known = tuple(context.repository_def.jobs) if context.has_repository else None
    for stored in events.of_types([sensor.event_type], after_id=_event_id(context.cursor), limit=MOST_REACTIONS):
        run = context.instance.runs.get(stored.event.run_id)
        if run is not None and sensor.follows(run, known):
            kind = RunFailureSensorContext if sensor.run_status is RunStatus.FAILURE else RunStatusSensorContext
            reaction = kind(
                run=run,
                event=stored.event,
                instance=context.instance,
                repository_def=context.repository_def if context.has_repository else None,
            )
            reaction.within(sensor, context)
            try:
                said = Answer(f'sensor "{sensor.name}"')
                said.take(function.call(reaction, resources=context.resources))
            except Exception as error:
                if not reacted:
                    raise
                context.log.error('the reaction to run "%s" failed: %s', run.id, error)
                break
            answer.join(said)
            reacted.append(run.id)
        context.update_cursor(str(stored.id))
    return None if reacted else f"no new run has become {sensor.run_status.value}"


def _event_id(cursor: str | None) -> int:
    return int(cursor) if cursor is not None and cursor.isdecimal() else 0


@contextmanager
def _tick_of(source: TickSource, context: TickContext) -> Iterator[None]:
    """What is set up for the function of `source` is torn down when it has ended."""
    context.bind(source)
    try:
        yield
    finally:
        context.close()


def _dynamic_partitions_of(context: TickContext) -> Any:
    """The store of dynamic partition keys, where the context has an instance."""
    return getattr(context.instance, "dynamic_partitions", None) if context.has_instance else None
