"""The service that repeats runs that failed."""

from __future__ import annotations

from weft.runs.environment import RunEnvironment
from weft.runs.run_retries import retry_failed_runs
from weft.runs.worker import QUEUE_TOPIC

POLL_SECONDS = 5.0


class RetryService:
    """Looks whenever a run has ended, and every few seconds in any case."""

    name = "run retries"

    def __init__(self, environment: RunEnvironment) -> None:
        self._environment = environment
        self._listener = environment.wakeups.listen(QUEUE_TOPIC)

    def round(self) -> None:
        """See `Service.round`."""
        retry_failed_runs(self._environment)

    def wait(self) -> None:
        """See `Service.wait`."""
        self._listener.wait(POLL_SECONDS)

    def close(self) -> None:
        """See `Service.close`."""
        self._listener.close()
