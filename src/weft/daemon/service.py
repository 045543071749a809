"""What is the same for all services of a daemon: a loop that nothing ends but the wish to stop."""

from __future__ import annotations

import logging
import threading
from typing import Protocol

from weft.clock import Clock
from weft.errors import StorageError, WeftError

_LOG = logging.getLogger("weft.daemon")

FIRST_RETRY_SECONDS = 0.1
LONGEST_RETRY_SECONDS = 2.0


class Service(Protocol):
    """A part of the daemon's work, done over and over."""

    @property
    def name(self) -> str:
        """How it is called in logs."""
        ...

    def round(self) -> None:
        """Do what there is to do. What it raises is logged, and it is called again a little later."""
        ...

    def wait(self) -> None:
        """Wait until there may be something to do."""
        ...

    def close(self) -> None:
        """End a `wait` that is going on. Any thread."""
        ...


class ServiceThread:
    """Runs a service in a thread of its own, until `stop`.

    An error ends a round, never the service: storage that is away comes back, and a defect in one corner must not stop the rest. `last_error` says what it was.
    """

    def __init__(self, service: Service, clock: Clock) -> None:
        self.service = service
        self.last_error: Exception | None = None
        self._clock = clock
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"weft-{service.name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Let the round that is going on be the last."""
        self._stopping.set()
        self.service.close()

    def join(self) -> None:
        """Wait for the end."""
        self._thread.join()

    @property
    def is_alive(self) -> bool:
        """Whether it goes on."""
        return self._thread.is_alive()

    def _run(self) -> None:
        delay = FIRST_RETRY_SECONDS
        while not self._stopping.is_set():
            try:
                self.service.round()
                if self.last_error is not None:
                    _LOG.info("%s: goes on.", self.service.name)
                    self.last_error = None
                delay = FIRST_RETRY_SECONDS
                if not self._stopping.is_set():
                    self.service.wait()
            except Exception as error:  # noqa: BLE001  # one corner must not stop the rest; it is logged and shown
                self._note(error)
                self._clock.wait(self._stopping, delay)
                delay = min(2 * delay, LONGEST_RETRY_SECONDS)

    def _note(self, error: Exception) -> None:
        is_news = self.last_error is None or str(self.last_error) != str(error)
        self.last_error = error
        if not is_news:
            return
        if isinstance(error, (StorageError, OSError)):
            what = error.what if isinstance(error, WeftError) else str(error)
            _LOG.warning("%s: storage is away, trying again: %s", self.service.name, what)
        else:
            _LOG.error("%s: a round failed, trying again.", self.service.name, exc_info=error)
