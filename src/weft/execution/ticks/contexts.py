"""The contexts that functions of schedules and sensors receive.

A context is made for one tick. Resources are set up when they are first asked for and torn down by `close`; lines of ``log`` are kept, for they belong to
the tick. What a context was not made with is an error only where it is read, so tests give what their function uses.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime, timezone
from types import TracebackType
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from weft.clock import SYSTEM_CLOCK
from weft.config.validation import validate
from weft.definitions.resource_set import bind_resources, initialisation_order
from weft.definitions.scoped_resources import ScopedResources
from weft.errors import InvocationError
from weft.execution.console import print_log
from weft.execution.log_manager import LogManager
from weft.execution.resources import ResourceSession
from weft.model.events import EventBody, LogMessage

if TYPE_CHECKING:
    from typing_extensions import Self

    from weft.definitions.repository import Repository
    from weft.definitions.tick_source import TickSource


class TickContext:
    """What every function that a tick calls may know.

    Args:
        instance: the instance; what ``context.instance`` gives.
        resources: key to resource; plain objects are resources too. None: those of the repository.
        repository_def: the definitions around the schedule or sensor.
        source_name: the name of the schedule or sensor.
        shows_log: also write lines of the log to stderr.
    """

    __weft_context__ = True

    def __init__(
        self,
        *,
        instance: Any = None,
        resources: Mapping[str, Any] | None = None,
        repository_def: Repository | None = None,
        source_name: str | None = None,
        shows_log: bool = False,
    ) -> None:
        self._instance = instance
        self._given_resources = resources
        self._repository = repository_def
        self._source_name = source_name
        self._shows_log = shows_log
        self._session: ResourceSession | None = None
        self._needed: frozenset[str] | None = None
        self.log_lines: list[LogMessage] = []
        # Writes lines that are kept with the tick.
        self.log = LogManager(self._write_line)

    @property
    def instance(self) -> Any:
        """The instance.

        Raises:
            InvocationError: (WEFT-I454) the context was built without one.
        """
        if self._instance is None:
            raise _missing("instance", "instance=Instance.ephemeral()")
        return self._instance

    @property
    def has_instance(self) -> bool:
        """Whether there is an instance to ask."""
        return self._instance is not None

    @property
    def repository_def(self) -> Repository:
        """The definitions around the schedule or sensor.

        Raises:
            InvocationError: (WEFT-I454) the context was built without them.
        """
        if self._repository is None:
            raise _missing("repository_def", "definitions=defs")
        return self._repository

    @property
    def has_repository(self) -> bool:
        """Whether the definitions around it are known."""
        return self._repository is not None

    @property
    def repository_name(self) -> str | None:
        """The name of the code location's definitions; there is one set of them for each location."""
        return None if self._repository is None else "__repository__"

    @property
    def resources(self) -> ScopedResources:
        """The resources that the schedule or sensor requires, by attribute; set up now where they are not yet.

        Raises:
            DefinitionError: (WEFT-D211) one is not defined. ResourceError: one cannot be set up.
        """
        if self._session is None:
            self._session = self._open()
        return self._session.all()

    def bind(self, source: TickSource) -> None:
        """Say for which schedule or sensor the context is; a context made for a direct call learns it when it is passed."""
        if self._source_name is None:
            self._source_name = source.name
        if self._session is None:
            self._needed = source.required_resource_keys

    def _open(self) -> ResourceSession:
        values = self._given_resources
        if values is None:
            values = self._repository.resource_defs if self._repository is not None else {}
        definitions = bind_resources(values)
        needed: Any = (
            tuple(definitions) if self._needed is None else {key: [self._who()] for key in sorted(self._needed)}
        )
        order = initialisation_order(definitions, needed)
        config: dict[str, Any] = {}
        for key in order:
            path = ("resources", key, "config")
            value = validate(definitions[key].config_schema, path=path).resolve(os.environ, path=path).value
            config[key] = None if value is UNSET else value
        session = ResourceSession(
            definitions,
            order,
            config=config,
            record=_not_recorded,
            clock=SYSTEM_CLOCK,
            instance=self._instance,
            log=self.log,
        )
        session.open()
        return session

    def _who(self) -> str:
        return f'"{self._source_name}"' if self._source_name is not None else "the function"

    def _write_line(self, line: LogMessage) -> None:
        self.log_lines.append(line)
        if self._shows_log:
            print_log(line, self._source_name)

    def close(self) -> None:
        """Tear down the resources that were set up."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class ScheduleEvaluationContext(TickContext):
    """What the function of a schedule knows of its tick."""

    def __init__(self, *, scheduled_execution_time: datetime | float | None = None, **surroundings: Any) -> None:
        super().__init__(**surroundings)
        self._scheduled_at = _moment(scheduled_execution_time)

    @property
    def scheduled_execution_time(self) -> datetime:
        """The time for which the tick was due, with its time zone; it may be evaluated later.

        Raises:
            InvocationError: (WEFT-I454) the context was built without one.
        """
        if self._scheduled_at is None:
            raise _missing("scheduled_execution_time", "scheduled_execution_time=datetime(2024, 1, 1, 6)")
        return self._scheduled_at

    @property
    def has_scheduled_execution_time(self) -> bool:
        """Whether it was built with a time."""
        return self._scheduled_at is not None

    @property
    def schedule_name(self) -> str | None:
        """The name of the schedule."""
        return self._source_name


def _moment(given: datetime | float | None) -> datetime | None:
    if given is None:
        return None
    if isinstance(given, datetime):
        return given if given.tzinfo is not None else given.replace(tzinfo=timezone.utc)
    return datetime.fromtimestamp(given, timezone.utc)


def _missing(what: str, argument: str) -> InvocationError:
    return InvocationError(
        f"this context was built without {what}.",
        code="WEFT-I454",
        fix=f"pass it where the context is built: {argument}",
    )


def _not_recorded(body: EventBody) -> None:
    """A tick has no event log of its own: what goes wrong with its resources is the error of the tick."""
