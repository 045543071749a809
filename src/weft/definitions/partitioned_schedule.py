"""A schedule of a partitioned job: each time a window of time has ended, a run of its partition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

from weft.definitions.job import AssetJobDefinition, JobDefinition
from weft.definitions.names import check_kind
from weft.definitions.run_requests import RunRequest, SkipReason
from weft.definitions.schedules import DefaultScheduleStatus, ScheduleDefinition, cron_of
from weft.definitions.source import called_at
from weft.errors import DefinitionError
from weft.model.cron_schedule import CronSchedule
from weft.model.partitions.definitions import (
    MultiPartitionsDefinition,
    PartitionsDefinition,
    TimeWindowPartitionsDefinition,
)
from weft.model.partitions.keys import MultiPartitionKey

if TYPE_CHECKING:
    from weft.definitions.repository import Repository
    from weft.execution.ticks.contexts import ScheduleEvaluationContext


class PartitionedJobSchedule(ScheduleDefinition):
    """Asks at each tick for the partition whose window ended last; see `build_schedule_from_partitioned_job`.

    An asset job may learn its partitions from the definitions around it; until then the schedule does not know when it ticks.
    """

    def __init__(
        self,
        job: JobDefinition | AssetJobDefinition,
        *,
        offsets: Mapping[str, int | None],
        partitions_def: PartitionsDefinition | None,
        cron_schedule: str | Sequence[str] | None,
        execution_timezone: str | None,
        **settings: Any,
    ) -> None:
        self._offsets = offsets
        self._partitions_def = partitions_def
        super().__init__(job=job, cron_schedule=cron_schedule, execution_timezone=execution_timezone, **settings)
        self.declared_at = called_at()
        if cron_schedule is None and partitions_def is not None:
            self._cron = self._cron_of(partitions_def)
            self.cron_schedule = self._cron.crons[0]
            self.execution_timezone = self._cron.timezone

    @property
    def cron(self) -> CronSchedule:
        """When it ticks.

        Raises:
            DefinitionError: (WEFT-D460) its job does not know its partitions yet.
        """
        if not hasattr(self, "_cron"):
            raise self._unpartitioned()
        return self._cron

    def bound_to(self, repository: Repository) -> ScheduleDefinition:
        """The schedule with the partitions of the assets that its job makes."""
        if self._partitions_def is not None:
            return self
        job = repository.jobs.get(self.job.name)
        found = repository.partitions_def_of(job) if job is not None else None
        if found is None:
            raise self._unpartitioned()
        copy = object.__new__(PartitionedJobSchedule)
        copy.__dict__.update(self.__dict__, _partitions_def=found)
        if copy.cron_schedule is None:
            copy._cron = self._cron_of(found)
            copy.cron_schedule = copy._cron.crons[0]
            copy.execution_timezone = copy._cron.timezone
        return copy

    def requests(self, context: ScheduleEvaluationContext) -> Any:
        """The partition that has ended; of several dimensions, all its combinations with the other dimensions' keys."""
        if self._should_execute is not None and not self._call(self._should_execute, context):
            return SkipReason(f'should_execute of schedule "{self.name}" said no')
        definition = self._partitions_def
        if definition is None:
            raise self._unpartitioned()
        now = context.scheduled_execution_time
        if isinstance(definition, TimeWindowPartitionsDefinition):
            key = definition.get_last_partition_key(now)
            keys: list[str] = [] if key is None else [key]
        elif isinstance(definition, MultiPartitionsDefinition) and definition.has_time_window_dimension:
            keys = list(_latest_of(definition, now))
        else:
            keys = list(definition.get_partition_keys(now))
        if not keys:
            return SkipReason(f"no partition of {definition.describe()} has ended yet")
        return [RunRequest(run_key=key, partition_key=key) for key in keys]

    def _cron_of(self, definition: PartitionsDefinition) -> CronSchedule:
        where = f'schedule "{self.name}"'
        window = _time_dimension(definition)
        if window is None:
            raise DefinitionError(
                f"{where} cannot tell from the partitions of its job when it is due.",
                code="WEFT-D461",
                facts={"partitions": definition.describe(), "job": self.job.name},
                fix='say when: cron_schedule="0 6 * * *"',
            )
        return cron_of(window.get_cron_schedule(**self._offsets), window.timezone, where)

    def _unpartitioned(self) -> DefinitionError:
        return DefinitionError(
            f'schedule "{self.name}" is for the partitions of job "{self.job.name}", which has none.',
            code="WEFT-D460",
            facts={"declared in": self.declared_at or "?"},
            fix="give the job, or each of its assets, the same partitions_def",
        )


def _time_dimension(definition: PartitionsDefinition) -> TimeWindowPartitionsDefinition | None:
    if isinstance(definition, MultiPartitionsDefinition):
        if not definition.has_time_window_dimension:
            return None
        definition = definition.time_window_dimension.partitions_def
    return definition if isinstance(definition, TimeWindowPartitionsDefinition) else None


def _latest_of(definition: MultiPartitionsDefinition, now: Any) -> Iterator[str]:
    columns: list[list[str]] = []
    for dimension in definition.partitions_defs:
        if dimension == definition.time_window_dimension:
            latest = dimension.partitions_def.get_last_partition_key(now)
            columns.append([] if latest is None else [latest])
        else:
            columns.append(list(dimension.partitions_def.get_partition_keys(now)))
    names = [dimension.name for dimension in definition.partitions_defs]
    for keys in product(*columns):
        yield MultiPartitionKey(dict(zip(names, keys, strict=True)))


def build_schedule_from_partitioned_job(
    job: JobDefinition | AssetJobDefinition,
    description: str | None = None,
    name: str | None = None,
    minute_of_hour: int | None = None,
    hour_of_day: int | None = None,
    day_of_week: int | None = None,
    day_of_month: int | None = None,
    default_status: DefaultScheduleStatus = DefaultScheduleStatus.STOPPED,
    tags: Mapping[str, Any] | None = None,
    cron_schedule: str | Sequence[str] | None = None,
    execution_timezone: str | None = None,
    **settings: Any,
) -> ScheduleDefinition:
    """A schedule that makes each partition of `job` once its window of time has ended.

    It ticks when windows end, in their time zone. A job without time partitions needs a `cron_schedule`, and then runs all its partitions.

    Args:
        job: a job with partitions of its own, or an asset job whose assets have the same partitions.
        description: what it is for.
        name: the name; ``<job>_schedule`` by default.
        minute_of_hour, hour_of_day, day_of_week, day_of_month: later than the end of the window; the ends of windows by default.
        default_status: whether it runs before anybody has started it.
        tags: tags of the runs.
        cron_schedule: when, in place of all this.
        execution_timezone: the time zone of `cron_schedule`.
        settings: further arguments of `ScheduleDefinition`.

    Raises:
        DefinitionError: (WEFT-D460) the job has no partitions; (WEFT-D461) they do not say when; (WEFT-D462) both a time and a cron expression.
    """
    offsets = {
        "minute_of_hour": minute_of_hour,
        "hour_of_day": hour_of_day,
        "day_of_week": day_of_week,
        "day_of_month": day_of_month,
    }
    where = "build_schedule_from_partitioned_job"
    if not isinstance(job, AssetJobDefinition):
        check_kind(job, JobDefinition, "job", where)
    if cron_schedule is not None and any(value is not None for value in offsets.values()):
        raise DefinitionError(
            f'the schedule of job "{job.name}" is given a time and a cron expression.',
            code="WEFT-D462",
            facts={
                "given": ", ".join(["cron_schedule", *(key for key, value in offsets.items() if value is not None)])
            },
            fix="keep one of them",
        )
    if isinstance(job, JobDefinition) and job.partitions_def is None:
        raise DefinitionError(
            f'job "{job.name}" has no partitions to make a schedule from.',
            code="WEFT-D463",
            facts={"declared in": job.declared_at or "?"},
            fix="give it partitions_def=..., or use ScheduleDefinition(job=..., cron_schedule=...)",
        )
    return PartitionedJobSchedule(
        job,
        name=name,
        description=description,
        offsets=offsets,
        partitions_def=job.partitions_def,
        default_status=default_status,
        tags=tags,
        cron_schedule=cron_schedule,
        execution_timezone=execution_timezone,
        **settings,
    )
