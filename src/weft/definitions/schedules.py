"""Schedules: runs at times that cron expressions name."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any

from weft.definitions.decorated import check_called, check_decorated, decorated_description, decorated_name
from weft.definitions.names import check_each, check_kind, tag_texts
from weft.definitions.run_requests import RunRequest, SkipReason
from weft.definitions.source import called_at, declared_at
from weft.definitions.tick_source import TickFunction, TickSource, TickTargets
from weft.errors import DefinitionError, PartitionError
from weft.model.cron_schedule import CronSchedule
from weft.model.metadata import metadata_values
from weft.model.snapshot import ScheduleSnapshot

if TYPE_CHECKING:
    from weft.definitions.repository import Repository
    from weft.execution.ticks.contexts import ScheduleEvaluationContext
    from weft.execution.ticks.outcome import TickEvaluation


class DefaultScheduleStatus(Enum):
    """Whether a schedule runs before anybody has started or stopped it."""

    RUNNING = "RUNNING"
    STOPPED = "STOPPED"


class ScheduleDefinition(TickSource):
    """Asks for a run at each time that its cron expressions name.

    Args:
        name: the name; ``<job>_schedule`` by default.
        cron_schedule: five fields or an alias such as ``@daily``; several expressions tick whenever one of them does.
        job: the job to run.
        job_name: its name, where it is declared elsewhere.
        target: a job, or assets: an `AssetSelection`, a selection string, definitions. Assets become a job of their own.
        run_config: the configuration of the runs.
        run_config_fn: gives it for a tick; called with a `ScheduleEvaluationContext`.
        tags: tags of the runs.
        tags_fn: gives more of them for a tick.
        should_execute: whether a tick makes a run at all.
        execution_timezone: the time zone of the expressions; UTC by default.
        execution_fn: decides everything for a tick, in place of the functions above: returns or yields `RunRequest`, `SkipReason`,
            configuration, or nothing.
        default_status: whether it runs before anybody has started it.
        required_resource_keys: the resources that its functions read from the context.
        description, metadata, owners: for the reader.
        environment_vars: no longer used; the environment is that of the code location.

    Raises:
        DefinitionError: (WEFT-D450) an expression that never comes true; (WEFT-D451) an unknown time zone; (WEFT-D452) several targets;
            (WEFT-D455) arguments that exclude each other; (WEFT-D456) no name, and nothing to take it from.

    >>> ScheduleDefinition(job=nightly, cron_schedule="0 1 * * *", execution_timezone="Europe/Berlin")
    """

    what = "schedule"

    def __init__(
        self,
        name: str | None = None,
        *,
        cron_schedule: str | Sequence[str] | None = None,
        job: Any = None,
        job_name: str | None = None,
        target: Any = None,
        run_config: Any = None,
        run_config_fn: Callable[..., Any] | None = None,
        tags: Mapping[str, Any] | None = None,
        tags_fn: Callable[..., Mapping[str, Any] | None] | None = None,
        should_execute: Callable[..., bool] | None = None,
        execution_timezone: str | None = None,
        execution_fn: Callable[..., Any] | None = None,
        description: str | None = None,
        default_status: DefaultScheduleStatus = DefaultScheduleStatus.STOPPED,
        required_resource_keys: Collection[str] | None = None,
        metadata: Mapping[str, Any] | None = None,
        owners: Sequence[str] = (),
        environment_vars: Mapping[str, str] | None = None,
    ) -> None:
        if environment_vars is not None:
            warnings.warn(
                "environment_vars of a schedule has no effect: set them where the code location runs",
                DeprecationWarning,
                stacklevel=2,
            )
        shown = f'schedule "{name}"' if name is not None else "a schedule"
        _check_exclusive(
            shown,
            {"execution_fn": execution_fn, "run_config_fn": run_config_fn, "run_config": run_config},
        )
        targets = TickTargets.of(shown, name or "schedule", job=job, job_name=job_name, target=target)
        name = name if name is not None else _name_from(targets)
        where = f'schedule "{name}"'
        self._run_config = run_config
        self._run_config_fn = TickFunction(run_config_fn, f"run_config_fn of {where}") if run_config_fn else None
        self._tags_fn = TickFunction(tags_fn, f"tags_fn of {where}") if tags_fn else None
        self._should_execute = TickFunction(should_execute, f"should_execute of {where}") if should_execute else None
        super().__init__(
            name,
            targets,
            fn=TickFunction(execution_fn, where) if execution_fn is not None else None,
            description=description,
            tags=tags,
            metadata=metadata,
            owners=owners,
            required_resource_keys=required_resource_keys,
            place=declared_at(execution_fn) if execution_fn is not None else called_at(),
        )
        for one in (self._run_config_fn, self._tags_fn, self._should_execute):
            if one is not None:
                self.required_resource_keys |= one.resource_keys
        self.default_status: DefaultScheduleStatus = check_kind(
            default_status, DefaultScheduleStatus, "default_status", where
        )
        self.execution_timezone = execution_timezone
        self.cron_schedule = cron_schedule
        if cron_schedule is not None:
            self._cron = cron_of(cron_schedule, execution_timezone, where)
        elif type(self) is ScheduleDefinition:
            raise cron_of_nothing(where)

    @property
    def cron(self) -> CronSchedule:
        """When it ticks."""
        return self._cron

    def bound_to(self, repository: Repository) -> ScheduleDefinition:
        """The schedule with what only the definitions around it know; most need nothing."""
        return self

    def requests(self, context: ScheduleEvaluationContext) -> Any:
        """What a tick asks for: what the function returns, else one run as the arguments say."""
        if self._should_execute is not None and not self._call(self._should_execute, context):
            return SkipReason(f'should_execute of schedule "{self.name}" said no')
        if self.function is not None:
            return self._call(self.function, context)
        config = self._run_config if self._run_config_fn is None else self._call(self._run_config_fn, context)
        return RunRequest(run_config={} if config is None else config)

    def run_tags(self, context: ScheduleEvaluationContext) -> dict[str, str]:
        """The tags of every run of a tick."""
        if self._tags_fn is None:
            return self.tags
        more = self._call(self._tags_fn, context)
        return {**self.tags, **tag_texts(more, f'tags_fn of schedule "{self.name}"')}

    @staticmethod
    def _call(function: TickFunction, context: ScheduleEvaluationContext) -> Any:
        return function.call(context, resources=context.resources)

    def evaluate_tick(self, context: ScheduleEvaluationContext) -> TickEvaluation:
        """What the schedule asks for at one tick, as a plain value; nothing is started.

        Raises:
            TickError: what the function gave cannot be used. What the function itself raises passes through.
        """
        from weft.execution.ticks.evaluate import evaluate_schedule

        return evaluate_schedule(self, context)

    def describe(self) -> ScheduleSnapshot:
        """The schedule as a value."""
        return ScheduleSnapshot(
            name=self.name,
            crons=self.cron.crons,
            timezone=self.cron.timezone,
            job_names=self.job_names,
            description=self.description,
            is_running_by_default=self.default_status is DefaultScheduleStatus.RUNNING,
            tags=self.tags,
            metadata=metadata_values(self.metadata),
            owners=self.owners,
            resource_keys=tuple(sorted(self.required_resource_keys)),
        )


def cron_of(cron_schedule: str | Sequence[str], timezone: str | None, where: str) -> CronSchedule:
    """The ticks of a schedule.

    Raises:
        DefinitionError: (WEFT-D450) an expression that never comes true; (WEFT-D451) an unknown time zone.
    """
    one = isinstance(cron_schedule, str)
    crons = (str(cron_schedule),) if one else check_each(cron_schedule, str, "cron_schedule", where)
    if not crons:
        raise cron_of_nothing(where)
    zone = timezone if timezone is not None else "UTC"
    schedule = CronSchedule(crons, check_kind(zone, str, "execution_timezone", where))
    try:
        schedule.check()
    except PartitionError as error:
        if error.code == "WEFT-P006":
            raise DefinitionError(
                f'{where} has the time zone "{zone}", which is unknown.', code="WEFT-D451", fix=error.fix
            ) from error
        raise DefinitionError(
            f"{where} has a cron expression that never comes true.",
            code="WEFT-D450",
            facts=error.facts,
            fix=error.fix,
        ) from error
    return schedule


def cron_of_nothing(where: str) -> DefinitionError:
    """The error of a schedule without a time."""
    return DefinitionError(
        f"{where} does not say when.",
        code="WEFT-D457",
        fix='give it cron_schedule="0 6 * * *"',
    )


def _check_exclusive(where: str, arguments: Mapping[str, object]) -> None:
    given = [name for name, value in arguments.items() if value is not None]
    if len(given) > 1:
        raise DefinitionError(
            f"{where} has arguments that exclude each other.",
            code="WEFT-D455",
            facts={"given": ", ".join(given)},
            fix=f"keep {given[0]} and decide everything there",
        )


def _name_from(targets: TickTargets) -> str:
    if len(targets.job_names) == 1 and not targets.job_names[0].startswith("__"):
        return f"{targets.job_names[0]}_schedule"
    raise DefinitionError(
        "a schedule has no name, and no job to take it from.",
        code="WEFT-D456",
        fix='give it one: name="..."',
    )


def schedule(
    cron_schedule: str | Sequence[str],
    *,
    job: Any = None,
    job_name: str | None = None,
    target: Any = None,
    name: str | None = None,
    description: str | None = None,
    tags: Mapping[str, Any] | None = None,
    tags_fn: Callable[..., Mapping[str, Any] | None] | None = None,
    should_execute: Callable[..., bool] | None = None,
    execution_timezone: str | None = None,
    default_status: DefaultScheduleStatus = DefaultScheduleStatus.STOPPED,
    required_resource_keys: Collection[str] | None = None,
    metadata: Mapping[str, Any] | None = None,
    owners: Sequence[str] = (),
    environment_vars: Mapping[str, str] | None = None,
) -> Callable[[Callable[..., Any]], ScheduleDefinition]:
    """A schedule whose runs a function decides: it returns or yields `RunRequest`, `SkipReason`, a run configuration, or nothing.

    The arguments are those of `ScheduleDefinition`. The function may take a `ScheduleEvaluationContext`, and resources by annotation.

    >>> @schedule(cron_schedule="0 6 * * 1-5", job=nightly)
    ... def on_working_days(context):
    ...     return RunRequest(tags={"day": context.scheduled_execution_time.strftime("%Y-%m-%d")})
    """

    if not isinstance(cron_schedule, str) and callable(cron_schedule):
        check_called(cron_schedule, "schedule")

    def make(fn: Callable[..., Any]) -> ScheduleDefinition:
        check_decorated(fn, "schedule")
        return ScheduleDefinition(
            decorated_name(fn, name, "a schedule"),
            cron_schedule=cron_schedule,
            job=job,
            job_name=job_name,
            target=target,
            tags=tags,
            tags_fn=tags_fn,
            should_execute=should_execute,
            execution_timezone=execution_timezone,
            execution_fn=fn,
            description=decorated_description(fn, description),
            default_status=default_status,
            required_resource_keys=required_resource_keys,
            metadata=metadata,
            owners=owners,
            environment_vars=environment_vars,
        )

    return make
