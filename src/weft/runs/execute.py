"""Executing a run in this process: `execute_run` records it, carries it out and waits until storage has its last event."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from weft.execution.shipping import DeliveringJournal
from weft.execution.step import AttemptResult
from weft.model.run import Run
from weft.runs.carry_out import CarriedRun, EventListener, carry_out
from weft.runs.environment import RunEnvironment
from weft.runs.prepare import PreparedRun
from weft.runs.runtime_limit import RuntimeLimit, longest_runtime


class RunOutcome:
    """How a run in this process ended."""

    __slots__ = ("exception", "failures", "outputs", "run")

    def __init__(
        self,
        run: Run,
        failures: Sequence[tuple[str, AttemptResult]],
        outputs: dict[tuple[str, str, str | None], Any],
        exception: BaseException | None,
    ) -> None:
        # As storage has it after the last event.
        self.run = run
        self.failures = failures
        self.outputs = outputs
        # What ended the run besides a failed step: a resource, or weft itself.
        self.exception = exception


def execute_run(
    prepared: PreparedRun,
    environment: RunEnvironment,
    *,
    listeners: Sequence[EventListener] = (),
    keep_outputs: bool = False,
    jitter: Callable[[], float] | None = None,
    instance: Any = None,
) -> RunOutcome:
    """Run `prepared` in this process. SIGINT and SIGTERM end it as CANCELED, with teardown done.

    Args:
        prepared: the run, which must not exist yet.
        environment: what it runs against.
        listeners: called with every event.
        keep_outputs: keep the values of outputs in memory for the result.
        jitter: random numbers in [0, 1) for retry policies; the default is the system's.
        instance: what ``context.instance`` gives to user code; the environment by default.

    Raises:
        StorageError: the run could not be recorded. Nothing ran.
    """
    carried = carry_out(
        prepared,
        environment,
        _Recorded(prepared, environment),
        listeners=listeners,
        instance=instance,
        keep_outputs=keep_outputs,
        jitter=jitter,
    )
    stored = environment.runs.get(prepared.run.id)
    return RunOutcome(stored or prepared.run, carried.failures, carried.outputs, carried.exception)


class _Recorded:
    """A run that is recorded by the process that carries it out."""

    def __init__(self, prepared: PreparedRun, environment: RunEnvironment) -> None:
        self._prepared = prepared
        self._environment = environment
        longest = longest_runtime(prepared.run, environment.settings.monitoring.max_runtime_seconds)
        self._limit = RuntimeLimit(longest, environment.clock)

    def begin(self, carried: CarriedRun, journal: DeliveringJournal) -> None:
        """See `Hooks.begin`."""
        self._environment.runs.create(self._prepared.run, self._prepared.plan)
        self._limit.begin(carried)

    def admit(self, carried: CarriedRun, journal: DeliveringJournal) -> None:
        """See `Hooks.admit`: nobody else can have it."""

    def end(self) -> None:
        """See `Hooks.end`."""
        self._limit.end()
