"""Schedules by partition of time: a function from the start of the last window to run configuration. Now a schedule of a partitioned job."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, time, timedelta
from typing import Any

from weft.definitions.deprecations import warn_deprecated
from weft.definitions.run_requests import RunRequest
from weft.definitions.schedules import ScheduleDefinition
from weft.model.partitions.definitions import (
    DailyPartitionsDefinition,
    HourlyPartitionsDefinition,
    MonthlyPartitionsDefinition,
    TimeWindowPartitionsDefinition,
    WeeklyPartitionsDefinition,
)

_MIDNIGHT = time(0, 0)
_BEGINNING = datetime(2015, 1, 1)  # the wall clock of the schedule's zone


def _schedule(
    decorator: str,
    cron: str,
    partitions: TimeWindowPartitionsDefinition,
    pipeline_name: str | None,
    settings: Mapping[str, Any],
) -> Callable[[Callable[[datetime], Any]], ScheduleDefinition]:
    warn_deprecated(f"@{decorator}", "build_schedule_from_partitioned_job")
    tags_fn = settings.get("tags_fn_for_date")

    def make(fn: Callable[[datetime], Any]) -> ScheduleDefinition:
        def requests(context: Any) -> Any:
            window = partitions.get_last_partition_window(current_time=context.scheduled_execution_time)
            if window is None:
                return []
            return [
                RunRequest(
                    run_key=window.start.isoformat(),
                    run_config=fn(window.start),
                    tags=tags_fn(window.start) if tags_fn is not None else {},
                    job_name=settings.get("job_name") or pipeline_name,
                )
            ]

        return ScheduleDefinition(
            settings.get("name") or fn.__name__,
            cron_schedule=cron,
            job_name=settings.get("job_name") or pipeline_name,
            execution_fn=requests,
            execution_timezone=settings.get("execution_timezone"),
            should_execute=settings.get("should_execute"),
            description=settings.get("description") or fn.__doc__,
        )

    return make


def hourly_schedule(
    pipeline_name: str | None = None,
    start_date: datetime = _BEGINNING,
    execution_time: time = _MIDNIGHT,
    **settings: Any,
) -> Any:
    """Each hour, for the hour that has ended."""
    partitions = HourlyPartitionsDefinition(start_date=start_date, timezone=_zone(settings))
    return _schedule("hourly_schedule", f"{execution_time.minute} * * * *", partitions, pipeline_name, settings)


def daily_schedule(
    pipeline_name: str | None = None,
    start_date: datetime = _BEGINNING,
    execution_time: time = _MIDNIGHT,
    **settings: Any,
) -> Any:
    """Each day at `execution_time`, for the day that has ended."""
    partitions = DailyPartitionsDefinition(start_date=start_date, timezone=_zone(settings))
    cron = f"{execution_time.minute} {execution_time.hour} * * *"
    return _schedule("daily_schedule", cron, partitions, pipeline_name, settings)


def weekly_schedule(
    pipeline_name: str | None = None,
    start_date: datetime = _BEGINNING,
    execution_day_of_week: int = 0,
    execution_time: time = _MIDNIGHT,
    **settings: Any,
) -> Any:
    """Each week on a day (0 is Sunday), for the week that has ended."""
    partitions = WeeklyPartitionsDefinition(
        start_date=start_date - timedelta(days=(start_date.isoweekday() - execution_day_of_week) % 7),
        day_offset=execution_day_of_week,
        timezone=_zone(settings),
    )
    cron = f"{execution_time.minute} {execution_time.hour} * * {execution_day_of_week}"
    return _schedule("weekly_schedule", cron, partitions, pipeline_name, settings)


def monthly_schedule(
    pipeline_name: str | None = None,
    start_date: datetime = _BEGINNING,
    execution_day_of_month: int = 1,
    execution_time: time = _MIDNIGHT,
    **settings: Any,
) -> Any:
    """Each month on a day, for the month that has ended."""
    partitions = MonthlyPartitionsDefinition(
        start_date=start_date, day_offset=execution_day_of_month, timezone=_zone(settings)
    )
    cron = f"{execution_time.minute} {execution_time.hour} {execution_day_of_month} * *"
    return _schedule("monthly_schedule", cron, partitions, pipeline_name, settings)


def _zone(settings: Mapping[str, Any]) -> str:
    return settings.get("execution_timezone") or "UTC"
