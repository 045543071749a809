"""A clock that moves when it is told to, or when somebody waits."""

from __future__ import annotations

import threading


class VirtualClock:
    """Time for tests: `advance` moves it, and a wait moves it to its end at once.

    It satisfies `weft.clock.Clock`, so whatever takes a clock runs under it without ever sleeping.
    """

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._wall = start
        self._monotonic = 0.0
        self._lock = threading.Lock()
        # The seconds of each wait, in order.
        self.waits: list[float] = []

    def wall(self) -> float:
        """See `Clock.wall`."""
        return self._wall

    def monotonic(self) -> float:
        """See `Clock.monotonic`."""
        return self._monotonic

    def wait(self, event: threading.Event, timeout_seconds: float) -> bool:
        """See `Clock.wait`: the time passes at once, unless the event is set already."""
        if event.is_set():
            return True
        self.waits.append(timeout_seconds)
        self.advance(timeout_seconds)
        return event.is_set()

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        with self._lock:
            self._wall += seconds
            self._monotonic += seconds

    def set_wall(self, seconds: float) -> None:
        """Set the wall clock, as an administrator would; durations are not affected."""
        with self._lock:
            self._wall = seconds
