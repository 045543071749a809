"""Sensors: functions that are asked every so often whether there is something to run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar

from weft.definitions.asset_selection import AssetSelection
from weft.definitions.decorated import check_called, check_decorated, decorated_description, decorated_name
from weft.definitions.names import check_kind, tag_texts
from weft.definitions.source import called_at, declared_at
from weft.definitions.tick_source import TickFunction, TickSource, TickTargets
from weft.errors import DefinitionError
from weft.model.metadata import metadata_values
from weft.model.snapshot import SensorSnapshot

if TYPE_CHECKING:
    from weft.execution.ticks.outcome import TickEvaluation
    from weft.execution.ticks.sensor_contexts import SensorEvaluationContext

DEFAULT_INTERVAL_SECONDS = 30.0
"""Long enough for most systems that are asked, short enough for people who wait."""


class DefaultSensorStatus(Enum):
    """Whether a sensor runs before anybody has started or stopped it."""

    RUNNING = "RUNNING"
    STOPPED = "STOPPED"


class SensorType(Enum):
    """What a sensor looks at."""

    STANDARD = "STANDARD"
    ASSET = "ASSET"
    MULTI_ASSET = "MULTI_ASSET"
    RUN_STATUS = "RUN_STATUS"
    AUTOMATION = "AUTOMATION"


class SensorDefinition(TickSource):
    """Asks a function for runs again and again.

    Args:
        name: the name; the function's own, or ``<job>_sensor``, by default.
        evaluation_fn: takes a `SensorEvaluationContext` and resources by annotation; returns or yields `RunRequest`, `SkipReason`, one
            `SensorResult`, or nothing.
        job, jobs, job_name: what it may run.
        target: a job, jobs, or assets: an `AssetSelection`, a selection string, definitions.
        asset_selection: assets to make.
        minimum_interval_seconds: the shortest time from the end of one evaluation to the start of the next; 30 by default.
        default_status: whether it runs before anybody has started it.
        required_resource_keys: the resources that its function reads from the context.
        description, tags, metadata, owners: for the reader.

    Raises:
        DefinitionError: (WEFT-D452) several targets; (WEFT-D467) an interval that is no number of seconds.
    """

    what = "sensor"
    sensor_type: ClassVar[SensorType] = SensorType.STANDARD
    # What the function may take by position.
    takes: ClassVar[tuple[str, ...]] = ("context",)

    def __init__(
        self,
        name: str | None = None,
        *,
        evaluation_fn: Callable[..., Any] | None = None,
        job: Any = None,
        jobs: Sequence[Any] | None = None,
        job_name: str | None = None,
        target: Any = None,
        asset_selection: Any = None,
        minimum_interval_seconds: float | None = None,
        description: str | None = None,
        default_status: DefaultSensorStatus = DefaultSensorStatus.STOPPED,
        required_resource_keys: Collection[str] | None = None,
        tags: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        owners: Sequence[str] = (),
    ) -> None:
        if name is None and evaluation_fn is not None:
            name = decorated_name(evaluation_fn, None, "a sensor")
        where = f'sensor "{name}"' if name is not None else "a sensor"
        targets = TickTargets.of(
            where,
            name or "sensor",
            job=job,
            jobs=jobs,
            job_name=job_name,
            target=target,
            asset_selection=asset_selection,
        )
        if name is None:
            raise DefinitionError(f"{where} has no name.", code="WEFT-D468", fix='give it one: name="..."')
        super().__init__(
            name,
            targets,
            fn=TickFunction(evaluation_fn, where, self.takes) if evaluation_fn is not None else None,
            description=description,
            tags=tags,
            metadata=metadata,
            owners=owners,
            required_resource_keys=required_resource_keys,
            place=declared_at(evaluation_fn) if evaluation_fn is not None else called_at(),
        )
        self.minimum_interval_seconds = _interval(minimum_interval_seconds, where)
        self.default_status: DefaultSensorStatus = check_kind(
            default_status, DefaultSensorStatus, "default_status", where
        )

    def evaluate_tick(self, context: SensorEvaluationContext) -> TickEvaluation:
        """What the sensor asks for now, as a plain value; nothing is started or stored.

        Raises:
            TickError: what the function gave cannot be used. What the function itself raises passes through.
        """
        from weft.execution.ticks.evaluate import evaluate_sensor

        return evaluate_sensor(self, context)

    def describe(self) -> SensorSnapshot:
        """The sensor as a value."""
        return SensorSnapshot(**self._described())

    def _described(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "sensor_type": self.sensor_type.value,
            "job_names": self.job_names,
            "minimum_interval_seconds": self.minimum_interval_seconds,
            "description": self.description,
            "is_running_by_default": self.default_status is DefaultSensorStatus.RUNNING,
            "tags": self.tags,
            "metadata": metadata_values(self.metadata),
            "owners": self.owners,
            "resource_keys": tuple(sorted(self.required_resource_keys)),
        }


def _interval(seconds: Any, where: str) -> float:
    if seconds is None:
        return DEFAULT_INTERVAL_SECONDS
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not seconds >= 0:
        raise DefinitionError(
            f"minimum_interval_seconds of {where} is no number of seconds.",
            code="WEFT-D467",
            facts={"found": f"{seconds!r}"},
            fix="for example minimum_interval_seconds=60",
        )
    return seconds


def sensor(
    job_name: str | Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    minimum_interval_seconds: float | None = None,
    description: str | None = None,
    job: Any = None,
    jobs: Sequence[Any] | None = None,
    default_status: DefaultSensorStatus = DefaultSensorStatus.STOPPED,
    asset_selection: Any = None,
    required_resource_keys: Collection[str] | None = None,
    tags: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
    target: Any = None,
    owners: Sequence[str] = (),
) -> Callable[[Callable[..., Any]], SensorDefinition]:
    """Make a function a sensor. The arguments are those of `SensorDefinition`.

    >>> @sensor(job=load)
    ... def new_files(context):
    ...     for file in sorted(Path("inbox").iterdir()):
    ...         yield RunRequest(run_key=file.name, run_config={"ops": {"load": {"config": {"path": str(file)}}}})
    """
    if callable(job_name):
        check_called(job_name, "sensor")

    def make(fn: Callable[..., Any]) -> SensorDefinition:
        check_decorated(fn, "sensor")
        return SensorDefinition(
            decorated_name(fn, name, "a sensor"),
            evaluation_fn=fn,
            job=job,
            jobs=jobs,
            job_name=job_name,  # type: ignore[arg-type]  # no function: checked above
            target=target,
            asset_selection=asset_selection,
            minimum_interval_seconds=minimum_interval_seconds,
            description=decorated_description(fn, description),
            default_status=default_status,
            required_resource_keys=required_resource_keys,
            tags=tags,
            metadata=metadata,
            owners=owners,
        )

    return make


class AutomationConditionSensorDefinition(SensorDefinition):
    """Evaluates the automation conditions of its target, and asks for what they ask for.

    Assets that no such sensor covers belong to one called ``default_automation_condition_sensor``, which is there without being declared.

    Args:
        name: the name.
        target: which assets and checks, as for `AssetSelection`.
        tags: for the reader.
        run_tags: tags of its runs.
        default_status: whether it runs before anybody has started it.
        minimum_interval_seconds: the shortest time between two evaluations.
        description, metadata, owners: for the reader.
        emit_backfills: whether several partitions of an asset become one backfill.
        use_user_code_server: evaluate where the user's code is, which conditions of one's own need.
        default_condition: the condition of assets that have none.
    """

    sensor_type = SensorType.AUTOMATION

    def __init__(
        self,
        name: str,
        target: Any = None,
        tags: Mapping[str, Any] | None = None,
        run_tags: Mapping[str, Any] | None = None,
        default_status: DefaultSensorStatus = DefaultSensorStatus.STOPPED,
        minimum_interval_seconds: float | None = None,
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        emit_backfills: bool = True,
        use_user_code_server: bool = False,
        default_condition: Any = None,
        owners: Sequence[str] = (),
    ) -> None:
        super().__init__(
            name,
            minimum_interval_seconds=minimum_interval_seconds,
            description=description,
            default_status=default_status,
            tags=tags,
            metadata=metadata,
            owners=owners,
        )
        self.asset_selection = AssetSelection.of(target) if target is not None else AssetSelection.all()
        self.run_tags = tag_texts(run_tags, f'sensor "{name}"')
        self.emit_backfills = emit_backfills
        self.use_user_code_server = use_user_code_server or default_condition is not None
        self.default_condition = default_condition

    def describe(self) -> SensorSnapshot:
        """The sensor as a value."""
        return SensorSnapshot(
            **self._described(),
            assets=self.asset_selection.expression,
            run_tags=self.run_tags,
            emits_backfills=self.emit_backfills,
            uses_user_code=self.use_user_code_server,
        )
