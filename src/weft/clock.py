"""Time as a value that is passed in: wall time for records, monotonic time for durations.

Nothing below the shells reads the machine's clock; they take a `Clock`. Tests pass a virtual one
(`weft.testing.VirtualClock`), so that no test waits.
"""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """Where time comes from.

    Laws: `monotonic` never returns an earlier time than before; `wait` returns no later than the event is set
    or `monotonic` has advanced by `timeout_seconds`.
    """

    def wall(self) -> float:
        """Seconds since the epoch, UTC. May jump when the machine's clock is set."""
        ...

    def monotonic(self) -> float:
        """Seconds since an unspecified start; for durations and deadlines."""
        ...

    def wait(self, event: threading.Event, timeout_seconds: float) -> bool:
        """Wait until `event` is set (True) or the time has passed (False)."""
        ...


class SystemClock:
    """The machine's clock."""

    __slots__ = ()

    def wall(self) -> float:
        """See `Clock.wall`."""
        return time.time()

    def monotonic(self) -> float:
        """See `Clock.monotonic`."""
        return time.monotonic()

    def wait(self, event: threading.Event, timeout_seconds: float) -> bool:
        """See `Clock.wait`."""
        return event.wait(timeout_seconds)


SYSTEM_CLOCK = SystemClock()
