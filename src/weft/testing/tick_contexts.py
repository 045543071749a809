"""Contexts for calling schedules and sensors directly, in tests and scripts, and for their ``evaluate_tick``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from weft.definitions.definitions import Definitions
from weft.execution.ticks.contexts import ScheduleEvaluationContext

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


def _repository(repository_def: Repository | None, definitions: Definitions | None) -> Repository | None:
    return definitions.resolve() if definitions is not None else repository_def
