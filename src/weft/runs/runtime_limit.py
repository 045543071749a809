"""How long a run may take, watched from inside: its process ends it itself when the time is over, with teardown, as TIMED_OUT."""

from __future__ import annotations

import threading

import msgspec

from weft.clock import Clock
from weft.model.run import Run, RunTag
from weft.runs.carry_out import CarriedRun


class RuntimeLimit:
    """Watches one run from `begin` to `end`, in a thread of its own where there is a limit.

    Args:
        seconds: how long it may take; None: as long as it likes.
        clock: counts them.
    """

    def __init__(self, seconds: float | None, clock: Clock) -> None:
        self._seconds = seconds
        self._clock = clock
        self._is_over = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, carried: CarriedRun) -> None:
        """The time runs from here."""
        if self._seconds is not None:
            self._thread = threading.Thread(
                target=self._watch, args=[carried, self._seconds], name="weft-runtime-limit", daemon=True
            )
            self._thread.start()

    def end(self) -> None:
        """The run is over."""
        self._is_over.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self, carried: CarriedRun, seconds: float) -> None:
        # A run that ends already, because somebody wants it to, is not late as well.
        if not self._clock.wait(self._is_over, seconds) and not carried.interruption.requested:
            carried.overdue = f"the run took longer than the {seconds:g} seconds that it may"
            carried.interruption.interrupt(carried.overdue)


def longest_runtime(run: Run, default: float | None) -> float | None:
    """How many seconds a run may take: what its tag says, else `default`; None: as long as it likes."""
    tag = run.tags.get(RunTag.MAX_RUNTIME)
    try:
        seconds = msgspec.convert(tag, float, strict=False) if tag is not None else default
    except msgspec.ValidationError:
        seconds = default
    return seconds if seconds is not None and seconds > 0 else None
