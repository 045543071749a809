"""Contexts for calling schedules and sensors directly, in tests and scripts, and for their ``evaluate_tick``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from weft.definitions.definitions import Definitions
from weft.definitions.run_status_sensors import EVENT_OF_STATUS
from weft.errors import InvocationError
from weft.execution.ticks.contexts import ScheduleEvaluationContext
from weft.execution.ticks.multi_asset_context import MultiAssetSensorEvaluationContext
from weft.execution.ticks.sensor_contexts import (
    RunFailureSensorContext,
    RunStatusSensorContext,
    SensorEvaluationContext,
)
from weft.instance import Instance
from weft.model.events import Event
from weft.model.keys import CoercibleToAssetKey
from weft.model.run import Run, RunStatus

if TYPE_CHECKING:
    from weft.definitions.repository import Repository


def build_schedule_context(
    instance: Any = None,
    scheduled_execution_time: datetime | float | None = None,
    resources: Mapping[str, Any] | None = None,
    repository_def: Repository | None = None,
    definitions: Definitions | None = None,
    schedule_name: str | None = None,
) -> ScheduleEvaluationContext:
    """A context for the function of a schedule.

    Args:
        instance: what ``context.instance`` gives, for example ``Instance.ephemeral()``.
        scheduled_execution_time: when the tick is due; without a time zone, in UTC; a number counts seconds since the epoch.
        resources: key to resource; plain objects are resources too. Without it, those of the definitions.
        repository_def, definitions: what ``context.repository_def`` gives.
        schedule_name: the name of the schedule; that of the one it is passed to by default.

    >>> with build_schedule_context(scheduled_execution_time=datetime(2024, 1, 1, 6)) as context:
    ...     on_working_days(context)
    """
    return ScheduleEvaluationContext(
        scheduled_execution_time=scheduled_execution_time,
        instance=instance,
        resources=resources,
        repository_def=_repository(repository_def, definitions),
        source_name=schedule_name,
        shows_log=True,
    )


def build_sensor_context(
    instance: Any = None,
    cursor: str | None = None,
    repository_name: str | None = None,
    repository_def: Repository | None = None,
    sensor_name: str | None = None,
    resources: Mapping[str, Any] | None = None,
    definitions: Definitions | None = None,
    last_sensor_start_time: float | None = None,
    last_run_key: str | None = None,
    last_tick_completion_time: float | None = None,
) -> SensorEvaluationContext:
    """A context for the function of a sensor.

    Args:
        instance: what ``context.instance`` gives; an empty one in memory by default.
        cursor: what the sensor has left for itself.
        repository_name: accepted for existing code; there is one repository for each set of definitions.
        repository_def, definitions: what ``context.repository_def`` gives.
        sensor_name: the name of the sensor; that of the one it is passed to by default.
        resources: key to resource; plain objects are resources too. Without it, those of the definitions.
        last_sensor_start_time, last_run_key, last_tick_completion_time: what the context says of earlier evaluations.
    """
    return SensorEvaluationContext(
        cursor=cursor,
        last_run_key=last_run_key,
        last_tick_completion_time=last_tick_completion_time,
        last_sensor_start_time=last_sensor_start_time,
        instance=instance if instance is not None else Instance.ephemeral(),
        resources=resources,
        repository_def=_repository(repository_def, definitions),
        source_name=sensor_name,
        shows_log=True,
    )


def build_multi_asset_sensor_context(
    monitored_assets: Sequence[CoercibleToAssetKey] | None = None,
    *,
    repository_def: Repository | None = None,
    instance: Any = None,
    cursor: str | None = None,
    cursor_from_latest_materializations: bool = False,
    resources: Mapping[str, Any] | None = None,
    definitions: Definitions | None = None,
    sensor_name: str | None = None,
    last_sensor_start_time: float | None = None,
) -> MultiAssetSensorEvaluationContext:
    """A context for the function of a sensor of several assets.

    Args:
        monitored_assets: their keys; those of the sensor that it is passed to by default.
        cursor_from_latest_materializations: take note of everything that has happened so far.
        repository_def, instance, cursor, resources, definitions, sensor_name, last_sensor_start_time: as for `build_sensor_context`.
    """
    repository = _repository(repository_def, definitions)
    context = MultiAssetSensorEvaluationContext(
        monitored_assets=monitored_assets,
        cursor=cursor,
        last_sensor_start_time=last_sensor_start_time,
        instance=instance if instance is not None else Instance.ephemeral(),
        resources=resources,
        repository_def=repository,
        source_name=sensor_name,
        shows_log=True,
    )
    if cursor_from_latest_materializations:
        context.advance_all_cursors()
    return context


def build_run_status_sensor_context(
    sensor_name: str | None = None,
    event: Event | None = None,
    instance: Any = None,
    run: Run | None = None,
    *,
    resources: Mapping[str, Any] | None = None,
    repository_def: Repository | None = None,
    definitions: Definitions | None = None,
) -> RunStatusSensorContext:
    """A context for a reaction to a run. Of a run that failed it is a `RunFailureSensorContext`.

    Args:
        sensor_name: the name of the sensor.
        event: the event with which the run reached the status; by default the last one of that kind in the instance.
        instance: where the run is recorded.
        run: the run, for example ``instance.runs.get(result.run_id)``.
        resources, repository_def, definitions: as for `build_sensor_context`.

    Raises:
        InvocationError: (WEFT-I459) there is no run, or no event of its status.
    """
    if run is None:
        raise InvocationError(
            "a reaction to a run needs the run.",
            code="WEFT-I459",
            fix="build_run_status_sensor_context(run=instance.runs.get(result.run_id), instance=instance)",
        )
    if event is None:
        event = _event_of(run, instance)
    kind = RunFailureSensorContext if event.type == EVENT_OF_STATUS[RunStatus.FAILURE] else RunStatusSensorContext
    return kind(
        run=run,
        event=event,
        instance=instance,
        resources=resources,
        repository_def=_repository(repository_def, definitions),
        source_name=sensor_name,
        shows_log=True,
    )


def _event_of(run: Run, instance: Any) -> Event:
    wanted = EVENT_OF_STATUS.get(run.status)
    stored = instance.events.read(run.id, types=[wanted]) if instance is not None and wanted is not None else ()
    if not stored:
        raise InvocationError(
            f"there is no event with which run {run.id} became {run.status.value}.",
            code="WEFT-I460",
            fix="pass instance=... where the run is recorded, or event=...",
        )
    event: Event = stored[-1].event
    return event


def _repository(repository_def: Repository | None, definitions: Definitions | None) -> Repository | None:
    return definitions.resolve() if definitions is not None else repository_def
