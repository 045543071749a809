"""The service that lets waiting runs go, and gives them to a launcher."""

from __future__ import annotations

from weft.model.live import Lane
from weft.model.run import Run
from weft.runs.environment import RunEnvironment
from weft.runs.launchers.port import RunLauncher
from weft.runs.submit import queue_limits
from weft.runs.worker import QUEUE_TOPIC


class QueueService:
    """Decides at once when a run comes or one ends, and every few seconds in any case.

    Args:
        environment: where the queue is.
        launcher: gets the runs that go.
    """

    name = "queue"

    def __init__(self, environment: RunEnvironment, launcher: RunLauncher) -> None:
        self._environment = environment
        self._launcher = launcher
        self._limits = queue_limits(environment.settings)
        self._listener = environment.wakeups.listen(QUEUE_TOPIC)
        self._has_lanes = False

    def round(self) -> None:
        """See `Service.round`."""
        environment, limits = self._environment, self._limits
        if not self._has_lanes:
            environment.queue.relane(self._lane_of, fingerprint=limits.fingerprint())
            self._has_lanes = True
        while gone := environment.queue.dequeue(limits, launcher=self._launcher.name, at=environment.clock.wall()):
            for live in gone:
                run = environment.runs.get(live.run_id)
                if run is not None:
                    self._launcher.launch(run, live.token)

    def _lane_of(self, run: Run, before: Lane) -> Lane:
        return self._limits.lane_of_tags(run.tags, before)

    def wait(self) -> None:
        """See `Service.wait`."""
        self._listener.wait(self._environment.settings.queue.poll_seconds)

    def close(self) -> None:
        """See `Service.close`."""
        self._listener.close()
