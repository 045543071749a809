"""That a daemon is there: its heartbeat in storage, and which others it hears."""

from __future__ import annotations

import threading

from weft.errors import StorageError
from weft.model.live import Lease
from weft.planning.leases import LeaseWatch
from weft.runs.environment import RunEnvironment

PREFIX = "daemon/"


class Presence:
    """A service: holds the lease of this daemon, and watches those of all.

    Args:
        environment: where leases are.
        daemon_id: names this daemon.
    """

    name = "presence"

    def __init__(self, environment: RunEnvironment, daemon_id: str) -> None:
        self._environment = environment
        self._daemon_id = daemon_id
        self._lease_name = PREFIX + daemon_id
        self._settings = environment.settings.monitoring
        self._lease: Lease | None = None
        self._watch = LeaseWatch(self._settings.lease_seconds)
        self._lock = threading.Lock()
        self._closing = threading.Event()
        # When the last round went well, and whether too much time has passed between two of them since somebody asked.
        self._heard_at: float | None = None
        self._was_deaf = False

    def round(self) -> None:
        """See `Service.round`."""
        environment, clock = self._environment, self._environment.clock
        at = clock.wall()
        try:
            if self._lease is not None:
                self._lease = environment.leases.beat(self._lease, at=at)
            if self._lease is None:
                seen = environment.leases.get(self._lease_name)
                self._lease = environment.leases.acquire(self._lease_name, self._lease_name, seen=seen, at=at)
            leases = environment.leases.list(PREFIX)
        except (StorageError, OSError):
            with self._lock:
                self._watch.forget()
                self._was_deaf = True
            raise
        now = clock.monotonic()
        with self._lock:
            if self._is_deaf(now):
                self._watch.forget()
                self._was_deaf = True
            self._heard_at = now
            self._watch.look(leases, now)
            dead = self._watch.expired(now)
        for lease in dead:
            self._remove(lease)

    def _is_deaf(self, now: float) -> bool:
        """Whether this daemon itself could not say that it lives for a good part of a lease: then the silence of others means nothing."""
        return self._heard_at is not None and now - self._heard_at >= self._settings.lease_seconds / 2

    def _remove(self, lease: Lease) -> None:
        """Take the lease of a dead daemon off the list, unless it has moved since."""
        leases, at = self._environment.leases, self._environment.clock.wall()
        taken = leases.acquire(lease.name, self._lease_name, seen=lease, at=at)
        if taken is not None:
            leases.release(taken)

    def was_deaf(self) -> bool:
        """Whether there was a time, since this was asked last, in which nobody could be heard."""
        with self._lock:
            was = self._was_deaf or self._is_deaf(self._environment.clock.monotonic())
            self._was_deaf = False
            return was

    def wait(self) -> None:
        """See `Service.wait`."""
        self._environment.clock.wait(self._closing, self._settings.heartbeat_seconds)

    def close(self) -> None:
        """See `Service.close`."""
        self._closing.set()

    def leave(self) -> None:
        """Say that this daemon ends.

        Raises:
            StorageError: storage is away; others will find out.
        """
        if self._lease is not None:
            self._environment.leases.release(self._lease)
            self._lease = None

    def launcher_lives(self, launcher: str) -> bool:
        """Whether the daemon with a launcher of that name (``kind@daemon``) is not known to be dead."""
        _, _, daemon_id = launcher.partition("@")
        if daemon_id == self._daemon_id:
            return True
        with self._lock:
            return self._watch.lives(PREFIX + daemon_id, self._environment.clock.monotonic())


HEARD_WITHIN_SECONDS = 30.0
"""For people: a daemon that was heard so lately counts as alive. Nothing is decided by it."""


def is_served(environment: RunEnvironment) -> bool:
    """Whether a daemon seems to serve the instance, from one look: the clocks of two machines are compared, so it is only for what is shown."""
    return any(seems_alive(lease, environment.clock.wall()) for lease in environment.leases.list(PREFIX))


def seems_alive(lease: Lease, now: float) -> bool:
    """Whether the holder was heard lately; `now` is wall time."""
    return lease.holder is not None and abs(now - lease.beat_at) < HEARD_WITHIN_SECONDS
