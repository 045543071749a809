"""The resources of a run in one process: set up once, in the order of their dependencies, torn down in the reverse order whatever happens.

Those with values that depend on the step, and those that require such, are set up for each step that needs them (`open_for_step`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from weft.clock import Clock
from weft.definitions.resources import InitResourceContext, ResourceDefinition
from weft.definitions.scoped_resources import ScopedResources
from weft.errors import DefinitionError, InternalError
from weft.execution.log_manager import LogManager
from weft.model.events import (
    EngineEvent,
    ResourceInitFailed,
    ResourceInitStarted,
    ResourceInitSucceeded,
)
from weft.model.failure import ErrorInfo
from weft.model.metadata import AnyMetadataValue, TextMetadataValue, metadata_values
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
        record: Callable[..., object],
        clock: Clock,
        run: Run | None = None,
        instance: Any = None,
        log: LogManager | None = None,
    ) -> None:
        self._definitions = resource_defs
        for_step: set[str] = set()
        for key in order:  # each comes after those it requires
            definition = resource_defs[key]
            if definition.is_for_step or not for_step.isdisjoint(definition.required_resource_keys):
                for_step.add(key)
        self._order = tuple([key for key in order if key not in for_step])
        self._keys = frozenset(self._order)
        self._step_order = tuple([key for key in order if key in for_step])
        self._step_stack: list[tuple[str, ExitStack]] = []
        # What was found for the step that runs: resource and field to the value.
        self.step_metadata: Mapping[str, AnyMetadataValue] = {}
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
    def definitions(self) -> Mapping[str, ResourceDefinition]:
        """The bound definitions by key."""
        return self._definitions

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that are set up for the whole run, in order."""
        return self._order

    @property
    def step_keys(self) -> tuple[str, ...]:
        """The keys that are set up for each step that needs them, in order."""
        return self._step_order

    def open(self) -> None:
        """Set all of them up."""
        if not self._order:
            return
        self._record(ResourceInitStarted(resource_keys=self._order))
        seconds: dict[str, float] = {}
        for key in self._order:
            started = self._clock.monotonic()
            try:
                self._open_one(key, self._definitions[key], self._stack)
            except BaseException as error:
                self._record(ResourceInitFailed(resource_key=key, error=ErrorInfo.from_exception(error)))
                self.close()
                raise
            seconds[key] = self._clock.monotonic() - started
        self._record(ResourceInitSucceeded(seconds=seconds))

    def open_for_step(self, keys: Collection[str], context: Any) -> None:
        """Set up those of `keys` that depend on the step, and what they require; `close_step` must follow.

        Raises:
            ExecutionError: (WEFT-X102) a function that gives a value raised.
            ConfigError: a value does not fit its field.
            ResourceError: the set-up raised.
        """
        needed = set(keys)
        for key in reversed(self._step_order):
            if key in needed:
                needed |= self._definitions[key].required_resource_keys
        values: dict[str, Any] = {}
        for key in self._step_order:
            if key in needed:
                definition, found = self._definitions[key].for_step(context, key, self._config.get(key))
                values.update(found)
                self._open_one(key, definition, self._step_stack)
        self._views.clear()
        self.step_metadata = {label: _as_metadata(label, value) for label, value in values.items()}
        if values:
            self._record_for(context.step.key)

    def _record_for(self, step_key: str) -> None:
        message = "values of resources for this step"
        self._record(EngineEvent(message=message, metadata=self.step_metadata), step_key)

    def close_step(self) -> None:
        """Tear down what `open_for_step` set up."""
        if self._step_stack or self.step_metadata:
            keys = [key for key, _ in self._step_stack]
            interrupted = self._tear_down(self._step_stack)
            for key in keys:
                self._values.pop(key, None)
            self._views.clear()
            self.step_metadata = {}
            if interrupted is not None:
                raise interrupted

    def _open_one(self, key: str, definition: ResourceDefinition, opened: list[tuple[str, ExitStack]]) -> None:
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
        opened.append((key, stack))
        self._values[key] = stack.enter_context(definition.open(context))

    def close(self) -> None:
        """Tear all of them down that are up, in the reverse order."""
        interrupted = self._tear_down(self._stack)
        self._values.clear()
        self._views.clear()
        if interrupted is not None:
            raise interrupted

    def _tear_down(self, opened: list[tuple[str, ExitStack]]) -> KeyboardInterrupt | None:
        interrupted: KeyboardInterrupt | None = None
        while opened:
            key, stack = opened.pop()
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
        return interrupted

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
        """Every resource that is up, by attribute, for I/O managers."""
        if self._step_stack:
            return self.view(frozenset(self._values))
        return self.view(self._keys)


def _as_metadata(label: str, value: Any) -> AnyMetadataValue:
    """A value of a field as metadata; as text where it is of no kind that metadata knows."""
    try:
        return metadata_values({label: value})[label]
    except DefinitionError:
        return TextMetadataValue(f"{value!r:.200}")
