"""Waking up who waits for something: "there is a new run in the queue", said from one process to others.

A notification carries a topic and nothing else. It means "look again", so it may be heard twice, or without anybody having said it, and it may be lost
(a machine in between dies): whoever waits looks when it wakes up, and looks now and then by itself. What is looked at is in the storage.

Two laws, for every implementation:

- `Wakeups.notify` never raises, and never waits for another process or the network.
- What was said after `Wakeups.listen` returned is heard by the next `Listener.wait`, also when it was said before the wait began, as long as nothing
  breaks. So the order is: listen, look, wait, look, wait...
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from typing import Protocol


class Listener(Protocol):
    """Hears some topics. Belongs to one thread; `close` may be called from any."""

    def wait(self, timeout_seconds: float) -> frozenset[str]:
        """The topics heard since the last call, at once where there are some; none after the timeout, or when it was closed."""
        ...

    def close(self) -> None:
        """Hear no more; ends a `wait` that is going on."""
        ...


class Wakeups(Protocol):
    """Says and hears topics, between all processes that use the same storage, as far as the storage can reach them."""

    def notify(self, topic: str) -> None:
        """Say `topic` to everybody who listens to it. Best effort: see the laws."""
        ...

    def listen(self, *topics: str) -> Listener:
        """Hear `topics` from now on."""
        ...


class LocalListener:
    """A `Listener` of a `LocalWakeups`."""

    def __init__(self, home: LocalWakeups, topics: frozenset[str]) -> None:
        self._home = home
        self._topics = topics
        self._changed = threading.Condition()
        self._heard: set[str] = set()
        self._is_closed = False

    def hear(self, topics: frozenset[str]) -> None:
        """Note what was said."""
        if self._topics & topics:
            with self._changed:
                self._heard |= self._topics & topics
                self._changed.notify_all()

    def hear_all(self) -> None:
        """Note that anything may have been said."""
        self.hear(self._topics)

    def wait(self, timeout_seconds: float) -> frozenset[str]:
        """See `Listener.wait`."""
        poll_seconds = self._home.poll_seconds
        polls = poll_seconds is not None and poll_seconds <= timeout_seconds
        with self._changed:
            self._changed.wait_for(
                lambda: self._heard or self._is_closed, poll_seconds if polls else max(timeout_seconds, 0)
            )
            if self._is_closed:
                return frozenset()
            heard = self._topics if polls and not self._heard else frozenset(self._heard)
            self._heard.clear()
            return heard

    def close(self) -> None:
        """See `Listener.close`."""
        self._home.forget(self)
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()


class LocalWakeups:
    """`Wakeups` within this process; the port in memory, and the part inside a process of others.

    Args:
        poll_seconds: how often a listener is told to look without having heard anything, for what other processes say; None: never.
    """

    def __init__(self, *, poll_seconds: float | None = None) -> None:
        self.poll_seconds = poll_seconds
        self._listeners: set[LocalListener] = set()
        self._lock = threading.Lock()
        _MADE.add(self)

    def notify(self, topic: str) -> None:
        """See `Wakeups.notify`."""
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            listener.hear(frozenset((topic,)))

    def notify_all(self) -> None:
        """Tell every listener that anything may have been said."""
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            listener.hear_all()

    @property
    def is_heard(self) -> bool:
        """Whether anybody listens."""
        with self._lock:
            return bool(self._listeners)

    def listen(self, *topics: str) -> LocalListener:
        """See `Wakeups.listen`."""
        listener = LocalListener(self, frozenset(topics))
        with self._lock:
            self._listeners.add(listener)
        return listener

    def forget(self, listener: LocalListener) -> None:
        """`listener` hears no more."""
        with self._lock:
            self._listeners.discard(listener)

    def _start_afresh(self) -> None:
        # The threads that wait are the parent's, and one of them may have had the lock.
        self._lock = threading.Lock()
        self._listeners = set()


class Deadline:
    """What is left of a time to wait."""

    __slots__ = ("_at",)

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    @property
    def left_seconds(self) -> float:
        """Seconds that are left, never below 0."""
        return max(self._at - time.monotonic(), 0.0)


_MADE: weakref.WeakSet[LocalWakeups] = weakref.WeakSet()


def _start_afresh_in_child() -> None:
    for wakeups in list(_MADE):
        wakeups._start_afresh()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_afresh_in_child)
