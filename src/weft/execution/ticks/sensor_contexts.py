"""The contexts of sensors: what they remember (the cursor), when they last ran, and for reactions to runs the run and its event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from weft.errors import InvocationError
from weft.execution.ticks.contexts import TickContext
from weft.model.events import Event
from weft.model.run import Run

if TYPE_CHECKING:
    from weft.definitions.tick_source import TickSource

_STEP_FAILURE = "STEP_FAILURE"


class SensorEvaluationContext(TickContext):
    """What the function of a sensor knows.

    Args:
        cursor: what the sensor left for itself; None at first.
        last_run_key: the key of the last run it asked for.
        last_tick_completion_time: when it was last evaluated with success, in seconds since the epoch; None for never.
        last_sensor_start_time: when it was last started.
        surroundings: see `TickContext`.
    """

    def __init__(
        self,
        *,
        cursor: str | None = None,
        last_run_key: str | None = None,
        last_tick_completion_time: float | None = None,
        last_sensor_start_time: float | None = None,
        **surroundings: Any,
    ) -> None:
        super().__init__(**surroundings)
        self._cursor = cursor
        self.cursor_was_updated = False
        self.last_run_key = last_run_key
        self.last_tick_completion_time = last_tick_completion_time
        self.last_sensor_start_time = last_sensor_start_time

    @property
    def cursor(self) -> str | None:
        """What the sensor left for itself the last time; what `update_cursor` has set since."""
        return self._cursor

    def update_cursor(self, cursor: str | None) -> None:
        """Leave `cursor` for the next evaluation. It is kept only if this one succeeds.

        Raises:
            InvocationError: (WEFT-I455) it is no text.
        """
        if cursor is not None and not isinstance(cursor, str):
            raise InvocationError(
                "a cursor is text.",
                code="WEFT-I455",
                facts={"found": f"{type(cursor).__name__} {cursor!r:.60}"},
                fix=f'context.update_cursor("{cursor}")' if isinstance(cursor, (int, float)) else "json.dumps(...) it",
            )
        self._cursor = cursor
        self.cursor_was_updated = True

    @property
    def is_first_tick_since_sensor_start(self) -> bool:
        """Whether it has not been evaluated with success since it was last started."""
        if self.last_tick_completion_time is None or self.last_sensor_start_time is None:
            return True
        return self.last_tick_completion_time < self.last_sensor_start_time

    @property
    def sensor_name(self) -> str | None:
        """The name of the sensor."""
        return self._source_name


class RunStatusSensorContext(TickContext):
    """What a reaction to a run knows."""

    def __init__(self, *, run: Run, event: Event, **surroundings: Any) -> None:
        super().__init__(**surroundings)
        # The run, as it is now.
        self.run = run
        # The event with which it reached the status.
        self.event = event

    @property
    def dagster_run(self) -> Run:
        """The run."""
        return self.run

    pipeline_run = dagster_run

    @property
    def dagster_event(self) -> Event:
        """The event with which the run reached the status."""
        return self.event

    @property
    def sensor_name(self) -> str | None:
        """The name of the sensor."""
        return self._source_name

    @property
    def partition_key(self) -> str | None:
        """The partition of the run, where it makes exactly one."""
        return self.run.partition_key

    def for_run_failure(self) -> RunFailureSensorContext:
        """The same, for a run that failed."""
        if isinstance(self, RunFailureSensorContext):
            return self
        failed = RunFailureSensorContext.__new__(RunFailureSensorContext)
        failed.__dict__.update(self.__dict__)
        return failed

    def within(self, source: TickSource, outer: TickContext) -> None:
        """Share resources and log with the evaluation around it."""
        self._source_name = source.name
        self._shared = outer
        self.log = outer.log
        self.log_lines = outer.log_lines

    _shared: TickContext | None = None

    @property
    def resources(self) -> Any:
        """The resources that the sensor requires, by attribute."""
        return super().resources if self._shared is None else self._shared.resources


class RunFailureSensorContext(RunStatusSensorContext):
    """What a reaction to a failed run knows."""

    @property
    def failure_event(self) -> Event:
        """The event with which the run failed; ``failure_event.message`` says why."""
        return self.event

    def get_step_failure_events(self) -> Sequence[Event]:
        """The events of the steps that failed for good, in order: ``event.body.error`` is the error of each."""
        found: list[Event] = []
        after = 0
        while stored := self.instance.events.read(self.run.id, after_id=after, types=[_STEP_FAILURE]):
            found.extend(one.event for one in stored)
            after = stored[-1].id
        return found
