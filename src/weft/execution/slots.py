"""Slots of pools for the attempts of one run: claimed before an attempt begins, given back when it ends, also while its step waits for a retry.

A slot belongs to the step of a run, not to a process: claiming it again gives the same one, and it is gone with the run at the latest, whatever becomes
of the processes. A pool that had no slot is *full* until somebody gives one back (heard as a wake-up) or until the next look; meanwhile the steps that
use it wait and all others go on.

Storage that is away counts as full: nothing is lost by waiting.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from weft.clock import Clock
from weft.errors import StorageError
from weft.model.plan import StepPlan
from weft.planning.run_machine import priority_of
from weft.storage.notifications import Listener, Wakeups
from weft.storage.ports import PoolStore

POOLS_TOPIC = "pools"
"""What is said when a slot has become free, or a limit was changed."""

LOOK_SECONDS = 0.5
"""How often a full pool is looked at where nobody says anything."""

_LOG = logging.getLogger("weft.pools")


class StepSlots:
    """The slots of one run.

    Args:
        pools: where slots are kept.
        wakeups: how others hear of a free slot.
        run_id: the run.
        worker: which of its workers this is.
        clock: when slots were claimed, and when to look again.
        default_limit: of pools that nobody set a limit for; None: as many as there are.
    """

    def __init__(
        self,
        pools: PoolStore,
        wakeups: Wakeups,
        run_id: str,
        clock: Clock,
        *,
        worker: int = 0,
        default_limit: int | None = None,
    ) -> None:
        self._pools = pools
        self._wakeups = wakeups
        self._run_id = run_id
        self._worker = worker
        self._clock = clock
        self._default_limit = default_limit
        # Step to its pool, of those that have a slot and those that wait for one.
        self._held: dict[str, str] = {}
        self._waiting: dict[str, StepPlan] = {}
        # Given back while storage was away.
        self._owed: dict[str, str] = {}
        self._listener: Listener | None = None
        self._look_at = 0.0
        self._is_away = False
        self.full: set[str] = set()
        """The pools that had no slot when they were asked last."""

    def claim(self, step: StepPlan) -> bool:
        """Take a slot for a step; True where its attempt may begin."""
        pool = step.pool
        if pool is None:
            return True
        if self._listener is None:
            self._listener = self._wakeups.listen(POOLS_TOPIC)  # before the first look, so that nothing is missed
        try:
            is_granted = self._pools.claim(
                pool,
                self._run_id,
                step.key,
                priority=priority_of(step.tags),
                default_limit=self._default_limit,
                at=self._clock.wall(),
                worker=self._worker,
            )
        except (StorageError, OSError) as error:
            self._note_away(error)
            is_granted = False
        else:
            self._is_away = False
        if is_granted:
            self._waiting.pop(step.key, None)
            self._held[step.key] = pool
            return True
        self._waiting[step.key] = step
        self.full.add(pool)
        self._look_at = self._clock.monotonic() + LOOK_SECONDS
        return False

    def release(self, step_key: str) -> None:
        """Give the slot of a step back, or stop waiting for one. Nothing happens where it has none."""
        pool = self._held.pop(step_key, None)
        if pool is None:
            waiting = self._waiting.pop(step_key, None)
            if waiting is None or waiting.pool is None:
                return
            pool = waiting.pool
        self._owed[step_key] = pool
        self._pay_back()
        self.full.discard(pool)  # others of this run may go at once

    def wait_only_for(self, can_begin: Callable[[StepPlan], bool]) -> None:
        """Stop waiting for slots that could not be used now: who waits first keeps all behind it waiting, those of other runs too."""
        for key in [key for key, step in self._waiting.items() if not can_begin(step)]:
            self.release(key)

    def seconds_to_look(self) -> float | None:
        """When full pools are to be asked again; None where none is full."""
        return max(0.0, self._look_at - self._clock.monotonic()) if self.full else None

    def look(self) -> None:
        """Ask full pools again where it is time."""
        if self.full and self._clock.monotonic() >= self._look_at:
            self.full.clear()
            self._pay_back()

    def wait(self, timeout_seconds: float) -> None:
        """Wait until a slot may be free somewhere, at most so long."""
        if self._listener is not None and self._listener.wait(timeout_seconds):
            self.full.clear()

    def close(self) -> None:
        """Give back everything, and wait for nothing."""
        for key in [*self._held, *self._waiting]:
            self.release(key)
        self._pay_back()
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _pay_back(self) -> None:
        if not self._owed:
            return
        for key, pool in list(self._owed.items()):
            if key in self._held:  # claimed again meanwhile: it is the same slot
                del self._owed[key]
                continue
            try:
                self._pools.release(pool, self._run_id, key, worker=self._worker)
            except (StorageError, OSError) as error:
                self._note_away(error)
                return
            del self._owed[key]
        self._wakeups.notify(POOLS_TOPIC)

    def _note_away(self, error: Exception) -> None:
        """What cannot pass is raised: waiting would be for ever."""
        if isinstance(error, StorageError) and not error.may_pass:
            raise error
        if not self._is_away:
            self._is_away = True
            why = error.what if isinstance(error, StorageError) else str(error)
            _LOG.warning("Slots of pools cannot be claimed now: %s Steps without a pool go on.", why)
