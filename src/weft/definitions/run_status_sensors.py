"""Sensors that react to runs which reach a status."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from weft.definitions.decorated import check_called, check_decorated, decorated_description, decorated_name
from weft.definitions.job import AssetJobDefinition, JobDefinition
from weft.definitions.names import check_each, check_kind
from weft.definitions.sensors import SensorDefinition, SensorType
from weft.errors import DefinitionError
from weft.model.run import IMPLICIT_ASSET_JOB, Run, RunStatus, RunTag
from weft.model.snapshot import SensorSnapshot

EVENT_OF_STATUS = {
    RunStatus.QUEUED: "RUN_ENQUEUED",
    RunStatus.STARTING: "RUN_STARTING",
    RunStatus.STARTED: "RUN_START",
    RunStatus.SUCCESS: "RUN_SUCCESS",
    RunStatus.FAILURE: "RUN_FAILURE",
    RunStatus.CANCELING: "RUN_CANCELING",
    RunStatus.CANCELED: "RUN_CANCELED",
}
"""The type of the event with which a run reaches a status. No event says that a run is not started."""


class CodeLocationSelector(Struct, frozen=True):
    """Every run of a code location."""

    location_name: str

    def matches(self, run: Run) -> bool:
        """Whether the run is meant."""
        return run.tags.get(RunTag.CODE_LOCATION) == self.location_name


class RepositorySelector(Struct, frozen=True):
    """Every run of the definitions of a code location; a location has one set of them."""

    location_name: str
    repository_name: str = "__repository__"

    def matches(self, run: Run) -> bool:
        """Whether the run is meant."""
        return run.tags.get(RunTag.CODE_LOCATION) == self.location_name


class JobSelector(Struct, frozen=True):
    """The runs of a job; of that name in any code location where none is named."""

    job_name: str
    location_name: str | None = None
    repository_name: str | None = None

    def matches(self, run: Run) -> bool:
        """Whether the run is meant."""
        if run.job_name != self.job_name:
            return False
        return self.location_name is None or run.tags.get(RunTag.CODE_LOCATION) == self.location_name


RunSelector = JobSelector | RepositorySelector | CodeLocationSelector


class RunStatusSensorDefinition(SensorDefinition):
    """Called once for each run that reaches a status, with a `RunStatusSensorContext`.

    It sees what happens from its start on. What it returns is taken over as of any sensor; a failed call is repeated with the next evaluation, so
    each run is reacted to at least once.

    Args:
        name: the name; the function's own by default.
        run_status: the status.
        run_status_sensor_fn: the function.
        monitored_jobs: jobs, or `JobSelector`, `RepositorySelector`, `CodeLocationSelector`; all jobs of this code location by default.
        monitor_all_code_locations: react to runs of all of them.
        request_job, request_jobs: what it may run.
        settings: further arguments of `SensorDefinition`.

    Raises:
        DefinitionError: (WEFT-D472) no event says that a run has the status; (WEFT-D473) something monitored is not a job.
    """

    sensor_type = SensorType.RUN_STATUS

    def __init__(
        self,
        name: str | None = None,
        run_status: RunStatus | None = None,
        *,
        run_status_sensor_fn: Callable[..., Any],
        monitored_jobs: Sequence[Any] | None = None,
        monitor_all_code_locations: bool = False,
        request_job: Any = None,
        request_jobs: Sequence[Any] | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(name, evaluation_fn=run_status_sensor_fn, job=request_job, jobs=request_jobs, **settings)
        where = f'sensor "{self.name}"'
        self.run_status: RunStatus = check_kind(run_status, RunStatus, "run_status", where)
        if self.run_status not in EVENT_OF_STATUS:
            raise DefinitionError(
                f"{where} waits for runs to become {self.run_status.value}, which nothing announces.",
                code="WEFT-D472",
                facts={"possible": ", ".join(status.value for status in EVENT_OF_STATUS)},
                fix="use RunStatus.STARTED, SUCCESS, FAILURE or CANCELED",
            )
        self.monitor_all_code_locations = monitor_all_code_locations
        self.monitored: tuple[RunSelector, ...] | None = None
        if monitored_jobs is not None:
            self.monitored = tuple(
                [_selector(item, where) for item in check_each(monitored_jobs, object, "monitored_jobs", where)]
            )

    @property
    def event_type(self) -> str:
        """The type of the events that it follows."""
        return EVENT_OF_STATUS[self.run_status]

    def follows(self, run: Run, known_jobs: Sequence[str] | None = None) -> bool:
        """Whether a run is one to react to.

        Args:
            run: the run.
            known_jobs: the jobs of its own code location, where they are known.
        """
        if self.monitored is not None:
            return any(selector.matches(run) for selector in self.monitored)
        if self.monitor_all_code_locations or known_jobs is None:
            return True
        return run.job_name == IMPLICIT_ASSET_JOB or run.job_name in known_jobs

    def describe(self) -> SensorSnapshot:
        """The sensor as a value."""
        names = None
        if self.monitored is not None:
            names = tuple([one.job_name for one in self.monitored if isinstance(one, JobSelector)])
        return SensorSnapshot(
            **self._described(),
            run_status=self.run_status.value,
            monitored_jobs=names,
            monitors_all_code_locations=self.monitor_all_code_locations,
        )


def _selector(value: Any, where: str) -> RunSelector:
    if isinstance(value, (JobSelector, RepositorySelector, CodeLocationSelector)):
        return value
    if isinstance(value, (JobDefinition, AssetJobDefinition)):
        return JobSelector(value.name)
    raise DefinitionError(
        f"{where} monitors {value!r:.80}, which is not a job.",
        code="WEFT-D473",
        facts={"found": type(value).__name__},
        fix=f"JobSelector({value!r})" if isinstance(value, str) else "give a job, or a JobSelector",
    )


def run_status_sensor(
    run_status: RunStatus,
    *,
    name: str | None = None,
    description: str | None = None,
    **settings: Any,
) -> Callable[[Callable[..., Any]], RunStatusSensorDefinition]:
    """Make a function a reaction to runs that reach a status. See `RunStatusSensorDefinition`.

    >>> @run_status_sensor(run_status=RunStatus.SUCCESS, request_job=report)
    ... def after_success(context):
    ...     return RunRequest(run_key=context.run.id)
    """

    def make(fn: Callable[..., Any]) -> RunStatusSensorDefinition:
        check_decorated(fn, "run_status_sensor")
        return RunStatusSensorDefinition(
            decorated_name(fn, name, "a sensor"),
            run_status,
            run_status_sensor_fn=fn,
            description=decorated_description(fn, description),
            **settings,
        )

    if callable(run_status):
        check_called(run_status, "run_status_sensor")
    return make


def run_failure_sensor(
    name: str | Callable[..., Any] | None = None,
    *,
    description: str | None = None,
    **settings: Any,
) -> Any:
    """Make a function a reaction to runs that fail; it takes a `RunFailureSensorContext`. May be used bare.

    >>> @run_failure_sensor
    ... def tell_somebody(context):
    ...     send(f"{context.run.job_name} failed: {context.failure_event.message}")
    """

    def make(fn: Callable[..., Any]) -> RunStatusSensorDefinition:
        check_decorated(fn, "run_failure_sensor")
        return RunStatusSensorDefinition(
            decorated_name(fn, None if callable(name) else name, "a sensor"),
            RunStatus.FAILURE,
            run_status_sensor_fn=fn,
            description=decorated_description(fn, description),
            **settings,
        )

    return make(name) if callable(name) else make
