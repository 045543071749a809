"""The resources of a run in one process: set up once, in the order of their dependencies, torn down in the reverse order whatever happens."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from weft.clock import Clock
from weft.definitions.resources import InitResourceContext, ResourceDefinition
from weft.definitions.scoped_resources import ScopedResources
from weft.errors import InternalError
from weft.execution.log_manager import LogManager
from weft.model.events import (
    EngineEvent,
    EventBody,
    ResourceInitFailed,
    ResourceInitStarted,
    ResourceInitSucceeded,
)
from weft.model.failure import ErrorInfo
from weft.model.run import Run

Resources = ScopedResources


class ResourceSession:
    """Holds the resources of a run between `open` and `close`.

    `resource_defs` are bound, and `order` names those to set up, each after those it needs (`weft.definitions.resource_set`).

    `open` raises what the set-up of a resource raised, after tearing down those that were up. `close` raises nothing but KeyboardInterrupt, and
    that last: what a teardown raises is recorded, and the others are torn down all the same.
    """

    def __init__(
        self,
        resource_defs: Mapping[str, ResourceDefinition],
        order: Sequence[str],
        *,
        config: Mapping[str, Any],
        record: Callable[[EventBody], object],
        clock: Clock,
        run: Run | None = None,
        instance: Any = None,
        log: LogManager | None = None,
    ) -> None:
        self._definitions = resource_defs
        self._order = tuple(order)
        self._config = config
        self._record = record
        self._clock = clock
        self._run = run
        self._instance = instance
        self._log = log
        self._values: dict[str, Any] = {}
        self._stack: list[tuple[str, ExitStack]] = []
        self._views: dict[frozenset[str], ScopedResources] = {}

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that are set up, in order."""
        return self._order

    def open(self) -> None:
        """Set all of them up."""
        if not self._order:
            return
        self._record(ResourceInitStarted(resource_keys=self._order))
        seconds: dict[str, float] = {}
        for key in self._order:
            started = self._clock.monotonic()
            try:
                self._open_one(key)
            except BaseException as error:
                self._record(ResourceInitFailed(resource_key=key, error=ErrorInfo.from_exception(error)))
                self.close()
                raise
            seconds[key] = self._clock.monotonic() - started
        self._record(ResourceInitSucceeded(seconds=seconds))

    def _open_one(self, key: str) -> None:
        definition = self._definitions[key]
        context = InitResourceContext(
            resource_config=self._config.get(key),
            resources={inner: self._values[inner] for inner in sorted(definition.required_resource_keys)},
            resource_key=key,
            resource_def=definition,
            run=self._run,
            instance=self._instance,
            log=self._log,  # type: ignore[arg-type]  # it has the methods of a logger
        )
        stack = ExitStack()
        # Before the set-up, so that a signal right behind it finds what is to be torn down.
        self._stack.append((key, stack))
        self._values[key] = stack.enter_context(definition.open(context))

    def close(self) -> None:
        """Tear all of them down that are up, in the reverse order."""
        interrupted: KeyboardInterrupt | None = None
        while self._stack:
            key, stack = self._stack.pop()
            try:
                stack.close()
            except BaseException as error:  # noqa: BLE001  # a teardown may raise anything; the others must still happen
                if isinstance(error, KeyboardInterrupt):
                    interrupted = error
                self._record(
                    EngineEvent(
                        message=f'the teardown of resource "{key}" failed', error=ErrorInfo.from_exception(error)
                    )
                )
        self._values.clear()
        self._views.clear()
        if interrupted is not None:
            raise interrupted

    def get(self, key: str) -> Any:
        """One resource by its key."""
        try:
            return self._values[key]
        except KeyError:
            raise InternalError(f'resource "{key}" was not set up', facts={"set up": ", ".join(self._values)}) from None

    def view(self, keys: frozenset[str]) -> ScopedResources:
        """These resources, by attribute."""
        found = self._views.get(keys)
        if found is None:
            found = self._views[keys] = ScopedResources({key: self.get(key) for key in sorted(keys)}, owner="the step")
        return found

    def all(self) -> ScopedResources:
        """Every resource, by attribute, for I/O managers."""
        return self.view(frozenset(self._order))
