"""The service that deletes old history, a little at a time."""

from __future__ import annotations

import logging
import threading

from weft.runs.environment import RunEnvironment
from weft.runs.retention import apply_retention

IDLE_SECONDS = 3600.0
"""How long it rests when nothing is left to delete."""

BETWEEN_SECONDS = 0.2
"""How long it rests between two portions, so that others come to write."""

_LOG = logging.getLogger("weft.daemon")


class RetentionService:
    """Deletes what is older than the settings say. Two daemons at once do no harm."""

    name = "retention"

    def __init__(self, environment: RunEnvironment) -> None:
        self._environment = environment
        self._closing = threading.Event()
        self._is_complete = True

    def round(self) -> None:
        """See `Service.round`."""
        environment = self._environment
        done = apply_retention(environment, environment.settings.retention, now=environment.clock.wall())
        self._is_complete = done.is_complete
        if done.events or done.logs or done.runs or done.segments:
            _LOG.info(
                "Deleted by age: %s events, %s stretches of the log, output of %s runs, %s runs.",
                done.events,
                done.segments,
                done.logs,
                done.runs,
            )

    def wait(self) -> None:
        """See `Service.wait`."""
        self._environment.clock.wait(self._closing, IDLE_SECONDS if self._is_complete else BETWEEN_SECONDS)

    def close(self) -> None:
        """See `Service.close`."""
        self._closing.set()
