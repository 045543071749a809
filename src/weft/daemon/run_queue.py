"""The service that lets waiting runs go, and gives them to a launcher."""

from __future__ import annotations

from collections import deque

from weft.model.live import Lane, LiveRun
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
        # Let go, and not given to the launcher yet: storage may go away in between.
        self._gone: deque[LiveRun] = deque()

    def round(self) -> None:
        """See `Service.round`."""
        environment, limits = self._environment, self._limits
        if not self._has_lanes:
            environment.queue.relane(self._lane_of, fingerprint=limits.fingerprint())
            self._has_lanes = True
        self._launch()
        while gone := environment.queue.dequeue(limits, launcher=self._launcher.name, at=environment.clock.wall()):
            self._gone += gone
            self._launch()

    def _launch(self) -> None:
        while self._gone:
            live = self._gone[0]
            run = self._environment.runs.get(live.run_id)
            self._gone.popleft()
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
