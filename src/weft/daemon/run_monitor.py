"""The services that watch runs: one settles what the launcher reports, the other looks at every run that has a worker."""

from __future__ import annotations

import threading
from collections.abc import Callable

from weft.runs.cancel import CANCEL_TOPIC
from weft.runs.environment import RunEnvironment
from weft.runs.monitor import RunMonitor

RETRY_SECONDS = 0.2
"""How soon a notice is tried again that could not be settled, because somebody is at the journal of the run."""


class NoticeService:
    """Settles notices as they come."""

    name = "worker notices"

    def __init__(self, environment: RunEnvironment, monitor: RunMonitor, lock: threading.Lock) -> None:
        self._environment = environment
        self._monitor = monitor
        self._lock = lock
        self._bell = threading.Event()
        self._is_closing = False

    def ring(self) -> None:
        """There is a notice."""
        self._bell.set()

    def round(self) -> None:
        """See `Service.round`."""
        self._bell.clear()
        with self._lock:
            self._monitor.settle()

    def wait(self) -> None:
        """See `Service.wait`."""
        if not self._is_closing:
            self._environment.clock.wait(self._bell, RETRY_SECONDS if self._monitor.has_unsettled else 60.0)

    def close(self) -> None:
        """See `Service.close`."""
        self._is_closing = True
        self._bell.set()


class WatchService:
    """Looks at every run that has a worker, every few seconds and when one is cancelled."""

    name = "monitor"

    def __init__(
        self, environment: RunEnvironment, monitor: RunMonitor, lock: threading.Lock, was_deaf: Callable[[], bool]
    ) -> None:
        self._environment = environment
        self._was_deaf = was_deaf
        self._monitor = monitor
        self._lock = lock
        self._listener = environment.wakeups.listen(CANCEL_TOPIC)

    def round(self) -> None:
        """See `Service.round`."""
        with self._lock:
            if self._was_deaf():
                self._monitor.forgive_silence()
            self._monitor.look_after_all()

    def wait(self) -> None:
        """See `Service.wait`."""
        self._listener.wait(self._environment.settings.monitoring.poll_seconds)

    def close(self) -> None:
        """See `Service.close`."""
        self._listener.close()
