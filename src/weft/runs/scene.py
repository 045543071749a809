"""What a step finds around it, in whichever process it runs: the resources, the run and its code as one context, the captured output."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from weft.execution.data_versions import DataVersions
from weft.execution.interruption import Interruption
from weft.execution.log_manager import LogManager
from weft.execution.managed_loggers import managed_loggers
from weft.execution.resources import ResourceSession
from weft.execution.run_context import EventRecorder, LogMarks, RunContext
from weft.logs.capture import OutputCapture
from weft.model.run import RunTag
from weft.runs.environment import RunEnvironment
from weft.runs.prepare import PreparedRun


class Scene:
    """A run in one process: what it needs of the run, of the instance and of the process.

    Args:
        prepared: the run.
        environment: the instance.
        interruption: of this process.
        instance: what ``context.instance`` gives to user code; the environment by default.
    """

    def __init__(
        self, prepared: PreparedRun, environment: RunEnvironment, interruption: Interruption, instance: Any = None
    ) -> None:
        self.prepared = prepared
        self.environment = environment
        self.interruption = interruption
        self._instance = instance if instance is not None else environment

    def resources(self, order: Sequence[str], record: Callable[..., object]) -> ResourceSession:
        """The resources `order`, not set up yet."""
        prepared = self.prepared
        return ResourceSession(
            prepared.resource_defs,
            order,
            config=prepared.config.resolved.resources,
            record=record,
            clock=self.environment.clock,
            run=prepared.run,
            instance=self._instance,
            log=LogManager(record, level=log_level(self.environment)),
        )

    def context(
        self,
        recorder: EventRecorder,
        resources: ResourceSession,
        capture: LogMarks | None,
        *,
        keep_outputs: bool = False,
    ) -> RunContext:
        """The context that every step gets."""
        prepared, environment = self.prepared, self.environment
        return RunContext(
            run=prepared.run,
            plan=prepared.plan,
            target=prepared.target,
            journal=recorder,
            resources=resources,
            data_versions=DataVersions(environment.assets),
            clock=environment.clock,
            interruption=self.interruption,
            config=prepared.config.resolved,
            instance=self._instance,
            dynamic_partitions_store=environment.dynamic_partitions,
            capture=capture,
            keep_outputs=keep_outputs,
            may_reuse=_may_reuse(prepared),
            log_level=log_level(environment),
        )


def log_level(environment: RunEnvironment) -> int:
    """The level below which lines of the log are dropped."""
    level: int = getattr(logging, environment.settings.logs.level)
    return level


def run_loggers_of(environment: RunEnvironment) -> AbstractContextManager[None]:
    """While open, lines of the loggers that the settings name go to the runs of this process."""
    return managed_loggers(environment.settings.logs.managed_loggers, log_level(environment))


def capture_output(
    environment: RunEnvironment, run_id: str, file_key: str = "run"
) -> AbstractContextManager[OutputCapture | None]:
    """Captures stdout and stderr of this process, unless nothing is to be left of the run."""
    return nullcontext() if environment.is_ephemeral else environment.logs.open_capture(run_id, file_key)


def _may_reuse(prepared: PreparedRun) -> bool:
    """Whether anything in the run asks for caching; most do not, and look nothing up."""
    tags = prepared.run.tags
    if prepared.target.repository is None:
        return False
    return (
        RunTag.CACHE in tags
        or RunTag.STALE_ASSETS_ONLY in tags
        or any(
            spec.cache for key in prepared.run.asset_selection or () if (spec := prepared.target.spec(key)) is not None
        )
    )
