"""Bringing the events of a worker to storage.

Two ways, alike to those who append:

- `ShippedJournal`: a file and a `Shipper`. An event is safe when `append` returns and reaches storage a moment later, from a thread of its
  own. Storage may be away for as long as it likes: the work goes on, nothing is lost, nothing doubled.
- `DirectJournal`: no file, no thread, for an instance in memory. Events gather in a list and go to storage at the end of each step.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Protocol

from weft.clock import SYSTEM_CLOCK, Clock
from weft.errors import StorageError
from weft.execution.file_lock import close_in_children
from weft.execution.journal import FileJournal, Journal, Listener
from weft.model.events import (
    WORKER_SOURCE,
    Event,
    EventBody,
    RunCanceled,
    RunFailed,
    RunSucceeded,
    StepCanceled,
    StepFailed,
    StepSkipped,
    StepSucceeded,
    StepUpForRetry,
)
from weft.storage.ports import EventLog

GATHER_SECONDS = 0.025
"""How long the first event waits for others to share its transaction. Long beside a transaction, short beside a look at a page."""

BATCH_EVENTS = 500
"""How many events one transaction takes: beyond some hundreds it does not get cheaper by the event, only longer."""

MOST_IN_MEMORY = 10_000
"""How many events wait in memory; those behind them are read from the journal again when their turn comes."""

FIRST_RETRY_SECONDS = 0.05
LONGEST_RETRY_SECONDS = 2.0

_RUN_ENDS = frozenset({RunSucceeded, RunFailed, RunCanceled})
_STEP_ENDS = frozenset({StepSucceeded, StepFailed, StepUpForRetry, StepSkipped, StepCanceled})
_FLUSHED_AFTER = _RUN_ENDS | _STEP_ENDS

_LOG = logging.getLogger("weft.shipping")


class DeliveringJournal(Journal, Protocol):
    """A journal that brings its events to storage as well."""

    def flush(self, timeout_seconds: float | None = None) -> bool:
        """Wait until every event appended so far is stored. False where the time was over before; None waits for ever.

        Raises:
            StorageError: storage refuses them for good, because the run is gone.
        """
        ...

    def close(self, timeout_seconds: float | None = None) -> bool:
        """`flush`, then let go of everything, whatever came of it. Appending afterwards is an error."""
        ...


class Shipper:
    """Ships what a `FileJournal` writes, in order, from its own thread.

    When storage fails in a way that may pass (`StorageError.may_pass`, or an `OSError`), the events stay and are offered again,
    after 50 ms, 100 ms and so on up to 2 s, for ever. Other failures end the shipping; `flush` raises them, and the journal keeps the events.

    Any thread may call `flush`; it ships itself rather than waiting for the thread. In a forked child the shipper does nothing.

    Args:
        journal: connected to this shipper for good.
        event_log: where the events go.
        clock: for waiting.
        gather_seconds: how long to gather events for one batch.
        batch_events: how many events make a batch full.
        most_in_memory: how many events wait in memory before the rest is left in the file.
    """

    def __init__(
        self,
        journal: FileJournal,
        event_log: EventLog,
        *,
        clock: Clock = SYSTEM_CLOCK,
        gather_seconds: float = GATHER_SECONDS,
        batch_events: int = BATCH_EVENTS,
        most_in_memory: int = MOST_IN_MEMORY,
    ) -> None:
        self._journal = journal
        self._event_log = event_log
        self._clock = clock
        self._gather_seconds = gather_seconds
        self._batch_events = batch_events
        self._most_in_memory = most_in_memory
        # What was written and not taken yet. Only appended to under the journal's lock, only taken from under `_shipping`.
        self._waiting: deque[Event] = deque()
        # Where in the file those begin that do not wait in memory; None: all of them do. Changed under the journal's lock.
        self._left_in_file: int | None = None
        # The batch that is being shipped; kept until storage has it.
        self._in_hand: list[Event] = []
        self._shipping = threading.Lock()
        # Whether the thread sleeps for lack of work, so that `_take_over` must wake it. Asked for every event, hence not an Event.
        self._is_idle = False
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_failing = False
        self.failure: Exception | None = None
        """What ended the shipping for good."""
        self.last_error: Exception | None = None
        """Why storage did not take the latest batch; None once it took one again."""
        self.has_stored_run_end = False
        """Whether an event that ends the run is stored."""
        close_in_children(self)
        journal.connect(self._take_over)

    @property
    def has_stored_all(self) -> bool:
        """Whether every event handed over so far is stored."""
        return self._is_done()

    def _is_done(self) -> bool:
        # In the order in which events move on, else one that moves meanwhile would be overlooked.
        return self._left_in_file is None and not self._waiting and not self._in_hand

    def flush(self, timeout_seconds: float | None = None) -> bool:
        """See `DeliveringJournal.flush`."""
        clock = self._clock
        deadline = None if timeout_seconds is None else clock.monotonic() + timeout_seconds
        delay = FIRST_RETRY_SECONDS
        while not self.has_stored_all:
            if not self._shipping.acquire(timeout=-1 if timeout_seconds is None else timeout_seconds):
                return False
            try:
                is_stored = self._ship_batch()
            finally:
                self._shipping.release()
            if is_stored:
                delay = FIRST_RETRY_SECONDS
                continue
            if self.failure is not None:
                raise self.failure
            if deadline is not None:
                delay = min(delay, deadline - clock.monotonic())
                if delay <= 0:
                    return False
            clock.wait(self._closing, delay)
            delay = min(2 * delay, LONGEST_RETRY_SECONDS)
        return True

    def close(self) -> None:
        """End the thread, after the transaction that it may be in. What is not stored stays in the journal."""
        self._closing.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def abandon(self) -> None:
        """See `weft.execution.file_lock.LeftInChild`."""
        self._thread = None
        self._shipping = threading.Lock()
        self._waiting.clear()
        self._in_hand = []
        self._left_in_file = None
        self._closing = threading.Event()
        self._closing.set()

    def _take_over(self, events: Sequence[Event]) -> None:
        """The sink of the journal; runs in the worker's threads for every event."""
        if self._left_in_file is None:
            waiting = self._waiting
            waiting.extend(events)
            if len(waiting) >= self._most_in_memory:
                # Exactly those behind this point are left: all events of the file have been handed over here.
                self._left_in_file = self._journal.end
            if len(waiting) >= self._batch_events:
                self._wake.set()
        if self._is_idle:
            self._wake.set()
        elif self._thread is None:
            self._start()

    def _start(self) -> None:
        # A daemon: at the end of the interpreter, events that storage does not take must not hold the process; they are in the journal.
        self._thread = threading.Thread(target=self._run, name=f"weft-shipper-{self._journal.run_id}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        delay = FIRST_RETRY_SECONDS
        while not self._closing.is_set() and self.failure is None:
            self._wake.clear()
            if self._is_done():
                # First say that this thread sleeps, then look again: an event in between either is seen here or wakes it.
                self._is_idle = True
                if self._is_done() and not self._closing.is_set():
                    self._wake.wait()
                self._is_idle = False
                continue
            if len(self._waiting) < self._batch_events and self._left_in_file is None:
                self._clock.wait(self._wake, self._gather_seconds)
            with self._shipping:
                is_stored = self._ship_batch()
            if is_stored:
                delay = FIRST_RETRY_SECONDS
            else:
                self._clock.wait(self._closing, delay)
                delay = min(2 * delay, LONGEST_RETRY_SECONDS)

    def _ship_batch(self) -> bool:
        """Offer the next batch to storage; True where it was taken, or there is none. Called with `_shipping` held."""
        if not self._in_hand:
            self._take_in_hand()
        batch = self._in_hand
        if not batch:
            return True
        try:
            self._event_log.append(batch)
        except Exception as error:  # noqa: BLE001  # kept, and raised by flush in a thread of the worker
            if isinstance(error, OSError) or (isinstance(error, StorageError) and error.may_pass):
                self._note_away(error)
            else:
                self.failure = error
            self.last_error = error
            return False
        self._in_hand = []
        if not self.has_stored_run_end:
            self.has_stored_run_end = any(type(event.body) in _RUN_ENDS for event in batch)
        self.last_error = None
        if self._is_failing:
            self._is_failing = False
            _LOG.info("Storage takes events again.")
        return True

    def _take_in_hand(self) -> None:
        """Move the next events into `_in_hand`. Each is there before it is taken from where it waited; see `has_stored_all`."""
        hand, waiting = self._in_hand, self._waiting
        while waiting and len(hand) < self._batch_events:
            hand.append(waiting[0])
            waiting.popleft()
        if hand or self._left_in_file is None:
            return
        events, position = self._journal.replay(self._left_in_file, self._batch_events)
        hand += events
        if len(events) == self._batch_events:
            self._left_in_file = position
            return
        # Near the end. While the journal stands still, read the few that came meanwhile and go back to handing over in memory.
        with self._journal.paused():
            hand += self._journal.replay(position, sys.maxsize)[0]
            self._left_in_file = None

    def _note_away(self, error: Exception) -> None:
        if not self._is_failing:
            self._is_failing = True
            why = error.what if isinstance(error, StorageError) else str(error)
            _LOG.warning(
                "Storage does not take events: %s The run goes on; they are kept in %s.", why, self._journal.path
            )


class ShippedJournal:
    """A `FileJournal` with its `Shipper`: what the worker of a run, or of a step, writes to.

    Args:
        folder: where journals are kept; made where it does not exist, for its owner alone.
        run_id: the run.
        source: which writer of the run this is.
        event_log: where the events go.
        clock: dates the events.

    Raises:
        StorageError: (WEFT-T050, WEFT-T051) the journal cannot be made.
    """

    def __init__(
        self,
        folder: Path,
        run_id: str,
        event_log: EventLog,
        *,
        source: int = WORKER_SOURCE,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.run_id = run_id
        self.source = source
        self.file = FileJournal(folder, run_id, source, clock)
        self.shipper = Shipper(self.file, event_log)
        # The journal's own, so that the most frequent call has no detour.
        self.append = self.file.append

    def batch(self) -> AbstractContextManager[None]:
        """See `Journal.batch`."""
        return self.file.batch()

    def subscribe(self, listener: Listener) -> None:
        """See `Journal.subscribe`."""
        self.file.subscribe(listener)

    def flush(self, timeout_seconds: float | None = None) -> bool:
        """See `DeliveringJournal.flush`."""
        return self.shipper.flush(timeout_seconds)

    def close(self, timeout_seconds: float | None = None) -> bool:
        """See `DeliveringJournal.close`.

        The file is deleted where all events are stored and nobody needs it as a sign of this worker's death: the end of the run is among them, or
        this is not the worker of the run but a later source.
        """
        try:
            return self.shipper.flush(timeout_seconds)
        finally:
            self.shipper.close()
            if self.shipper.has_stored_all and (self.shipper.has_stored_run_end or self.source != WORKER_SOURCE):
                self.file.discard()
            else:
                self.file.close()

    def __enter__(self) -> ShippedJournal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class DirectJournal:
    """A journal without a file: what it holds is lost with the process, as the instance in memory that it writes to.

    Events go to storage at the end of each step and of the run, when `batch_events` are waiting, and on `flush`. So code that asks the instance
    sees all of the steps before it.
    """

    def __init__(
        self,
        event_log: EventLog,
        run_id: str,
        *,
        source: int = WORKER_SOURCE,
        clock: Clock = SYSTEM_CLOCK,
        batch_events: int = BATCH_EVENTS,
    ) -> None:
        self.run_id = run_id
        self.source = source
        self._event_log = event_log
        self._wall = clock.wall
        self._batch_events = batch_events
        self._waiting: list[Event] = []
        self._seq = 0
        self._depth = 0
        self._lock = threading.RLock()
        self._listeners: tuple[Listener, ...] = ()

    def append(self, body: EventBody, step_key: str | None = None) -> Event:
        """See `Journal.append`."""
        with self._lock:
            self._seq = seq = self._seq + 1
            event = Event(
                run_id=self.run_id, seq=seq, time=self._wall(), body=body, source=self.source, step_key=step_key
            )
            self._waiting.append(event)
            if (type(body) in _FLUSHED_AFTER and not self._depth) or len(self._waiting) >= self._batch_events:
                try:
                    self._deliver()
                except BaseException:
                    # To the caller this event did not happen. Those before it wait for the next delivery.
                    del self._waiting[-1]
                    self._seq = seq - 1
                    raise
        for listener in self._listeners:
            listener(event)
        return event

    @contextmanager
    def batch(self) -> Iterator[None]:
        """See `Journal.batch`. The ends of steps do not deliver inside it."""
        with self._lock:
            self._depth += 1
        try:
            yield
        finally:
            with self._lock:
                self._depth -= 1

    def subscribe(self, listener: Listener) -> None:
        """See `Journal.subscribe`."""
        self._listeners = (*self._listeners, listener)

    def flush(self, timeout_seconds: float | None = None) -> bool:
        """See `DeliveringJournal.flush`. Never waits.

        Raises:
            StorageError: storage did not take the events; they wait for the next time.
        """
        with self._lock:
            self._deliver()
        return True

    def close(self, timeout_seconds: float | None = None) -> bool:
        """See `DeliveringJournal.close`."""
        return self.flush()

    def _deliver(self) -> None:
        if self._waiting:
            self._event_log.append(self._waiting)
            self._waiting = []

    def __enter__(self) -> DirectJournal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
