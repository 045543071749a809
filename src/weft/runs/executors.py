"""Which executor carries out the steps of a run.

In two steps, because of one law: nothing that has threads is ever forked. `ready_executor` is called while the process has none yet (the journal of the
run is not open), and may fork what steps will be started from; `ReadyExecutor.open` binds it to the run that goes on.
"""

from __future__ import annotations

from typing import Protocol

from weft.execution.executor import Executor
from weft.execution.executors.in_process import InProcessExecutor
from weft.execution.run_context import RunContext
from weft.runs.environment import RunEnvironment
from weft.runs.prepare import PreparedRun


class ReadyExecutor(Protocol):
    """An executor that waits for its run."""

    def open(self, context: RunContext) -> Executor:
        """The executor, for this run."""
        ...

    def close(self) -> None:
        """Let go of what was made ready. The executor is closed, or was never opened."""
        ...


class ReadyInProcess:
    """Steps run in the process of the run: there is nothing to make ready."""

    def open(self, context: RunContext) -> Executor:
        """See `ReadyExecutor.open`."""
        return InProcessExecutor(context)

    def close(self) -> None:
        """See `ReadyExecutor.close`."""


def ready_executor(prepared: PreparedRun, environment: RunEnvironment) -> ReadyExecutor:
    """What the job and the configuration of a run choose, made ready. Called before the process has threads."""
    return ReadyInProcess()
