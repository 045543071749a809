"""Executing a run in this process: `execute_run` records it, carries it out and waits until storage has its last event."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from weft.execution.interruption import Interruption
from weft.execution.screening import ScreenedRecorder
from weft.execution.step import AttemptResult
from weft.model.events import Event
from weft.model.run import Run
from weft.runs.carry_out import CarriedRun, capture_output
from weft.runs.environment import RunEnvironment
from weft.runs.executors import ready_executor
from weft.runs.journals import open_journal
from weft.runs.memoize import memoization_of
from weft.runs.prepare import PreparedRun
from weft.runs.rename import apply_renames

EventListener = Callable[[Event], None]
"""Called with every event after it is safe in the journal; whatever it shows will be found again."""


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
    run = prepared.run
    if prepared.target.repository is not None:
        apply_renames(prepared.target.repository.renamed, environment.assets)
    memoization = memoization_of(prepared, environment)
    if memoization is not None:
        memoization.take_out(prepared)
        listeners = (*listeners, memoization.remember)
    interruption = Interruption()
    executor = ready_executor(prepared, environment)
    carried = CarriedRun(
        prepared, environment, interruption, executor, instance=instance, keep_outputs=keep_outputs, jitter=jitter
    )
    try:
        # The journal comes first: from the moment the run exists, the lock on its journal says whether its worker lives.
        with interruption.on_signals(), open_journal(environment, run.id, listeners) as journal:
            environment.runs.create(run, prepared.plan)
            with capture_output(environment, run.id) as capture:
                results = memoization.results if memoization is not None else {}
                carried.run(ScreenedRecorder(journal, prepared.secrets), capture, results)
    finally:
        executor.close()
    stored = environment.runs.get(run.id)
    return RunOutcome(stored or run, carried.failures, carried.outputs, carried.exception)
