"""Watching the runs that have a worker: what a launcher reports, and what a look at each of them shows, becomes the state of the run.

`RunMonitor` decides nothing itself (`weft.planning.monitoring`) and changes a run only where it is as it was seen (`EventLog.announce`), so that several
monitors at once are as correct as one. Before anything is said about a worker that has gone, what it left in its journal is delivered: a run that had ended is
not lost.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable

from msgspec.structs import replace

from weft.errors import StorageError
from weft.model.events import RunCanceling, RunFailed
from weft.model.live import LiveRun
from weft.model.run import FailureReason, Run, RunStatus
from weft.planning.monitoring import (
    Decision,
    Finish,
    GoOn,
    Kill,
    Lost,
    MonitoringRules,
    Seen,
    Sight,
    StartAgain,
    Terminate,
    Wait,
    Watched,
    WorkerEnd,
    after_loss,
    decide,
    tried,
    watch,
)
from weft.runs.environment import RunEnvironment
from weft.runs.launchers.port import RunLauncher, WorkerNotice, WorkerNotStarted, WorkerPlaced, WorkerState
from weft.runs.recover import deliver_journal
from weft.runs.runtime_limit import longest_runtime
from weft.runs.worker import QUEUE_TOPIC

_LOG = logging.getLogger("weft.monitor")

_SIGHTS = {
    WorkerState.ALIVE: Sight.ALIVE,
    WorkerState.FROZEN: Sight.FROZEN,
    WorkerState.GONE: Sight.GONE,
    WorkerState.UNKNOWN: Sight.UNKNOWN,
}


class RunMonitor:
    """Looks after all runs that have a worker. Belongs to one thread, apart from `report`.

    Args:
        environment: where runs are recorded.
        launcher_lives: whether the launcher of that name is alive; for runs that were let go and have no worker yet.
        on_report: called when there is a notice, in the launcher's thread.
    """

    def __init__(
        self,
        environment: RunEnvironment,
        launcher_lives: Callable[[str], bool],
        on_report: Callable[[], None] = lambda: None,
    ) -> None:
        self._environment = environment
        self._launcher_lives = launcher_lives
        self._on_report = on_report
        self._launcher: RunLauncher | None = None
        # What was reported and is not settled yet.
        self._notices: deque[WorkerNotice] = deque()
        self._watched: dict[str, Watched] = {}
        settings = environment.settings
        self._rules = MonitoringRules(
            start_timeout_seconds=settings.monitoring.start_timeout_seconds,
            lease_seconds=settings.monitoring.lease_seconds,
            cancel_grace_seconds=settings.monitoring.cancel_grace_seconds,
            max_launch_retries=settings.queue.max_launch_retries,
            max_resume_attempts=settings.monitoring.max_resume_attempts,
        )

    def attach(self, launcher: RunLauncher) -> None:
        """Watch with this launcher; its notices come to `report`."""
        self._launcher = launcher

    def report(self, notice: WorkerNotice) -> None:
        """Take a notice of the launcher. Any thread."""
        self._notices.append(notice)
        self._on_report()

    def settle(self) -> None:
        """Carry out what was reported. A notice that cannot be settled now stays, and holds up no other.

        Raises:
            Exception: the first of what went wrong, when all were tried.
        """
        failure: Exception | None = None
        for _ in range(len(self._notices)):
            notice = self._notices.popleft()
            try:
                is_settled = self._settle(notice)
            except Exception as error:  # noqa: BLE001  # raised below; the others come first
                is_settled, failure = False, failure or error
            if not is_settled:
                self._notices.append(notice)
        if failure is not None:
            raise failure

    @property
    def has_unsettled(self) -> bool:
        """Whether notices are left to settle."""
        return bool(self._notices)

    def look_after_all(self) -> None:
        """Look at each run that has a worker, once, and do what is to be done. One that cannot be looked after holds up no other.

        Raises:
            Exception: the first of what went wrong, when all were tried. Where storage was away, silence meanwhile is not held against anybody.
        """
        try:
            live = self._environment.queue.active()
        except (StorageError, OSError):
            self.forgive_silence()
            raise
        self._watched = {one.run_id: self._watched[one.run_id] for one in live if one.run_id in self._watched}
        failure: Exception | None = None
        for one in live:
            try:
                self._look_after(one)
            except Exception as error:  # noqa: BLE001  # raised below; the others come first
                failure = failure or error
        if failure is not None:
            self.forgive_silence()
            raise failure

    def forgive_silence(self) -> None:
        """Nobody could be heard for a while: what was remembered of silence counts no more."""
        now = self._environment.clock.monotonic()
        self._watched = {run_id: replace(one, heard_at=now) for run_id, one in self._watched.items()}

    # --- what the launcher says --------------------------------------------------------------------------------------

    def _settle(self, notice: WorkerNotice) -> bool:
        """Whether there is nothing left to do about a notice."""
        environment = self._environment
        if isinstance(notice, WorkerPlaced):
            if notice.place.pid is None:  # a process says itself where it is (`weft.runs.worker`)
                environment.queue.place(notice.run_id, notice.place, token=notice.token)
            return True
        run = environment.runs.get(notice.run_id)
        if run is None or run.is_finished or run.worker != notice.token:
            return True
        if isinstance(notice, WorkerNotStarted):
            self._not_started(run, notice)
            return True
        end = WorkerEnd(
            exit_code=notice.exit_code,
            signal=notice.signal,
            is_out_of_memory=notice.is_out_of_memory,
            peak_memory_bytes=notice.peak_memory_bytes,
        )
        return self._bury(notice.run_id, notice.token, end)

    def _not_started(self, run: Run, notice: WorkerNotStarted) -> None:
        if not notice.is_final:
            self._carry_out_loss(run, WorkerEnd(why=f"no worker was started: {notice.why}"))
            return
        failed = RunFailed(reason=FailureReason.START_FAILED, message=notice.why, error=notice.error)
        self._announce(run, Finish(failed))

    # --- what a look shows -------------------------------------------------------------------------------------------

    def _look_after(self, live: LiveRun) -> None:
        run = self._environment.runs.get(live.run_id)
        if run is None or run.is_finished or run.worker != live.token:
            return  # between the two looks it has moved on
        seen = self._see(live, run)
        watched = watch(seen, self._watched.get(live.run_id))
        decision, watched = decide(seen, watched, self._rules)
        self._watched[live.run_id] = watched
        self._do(decision, live)

    def _see(self, live: LiveRun, run: Run) -> Seen:
        clock = self._environment.clock
        # Counted by its heartbeats, so that no clock of another machine matters; it may have run a little longer.
        ran = live.beats * self._environment.settings.monitoring.heartbeat_seconds
        known = self._watched.get(live.run_id)
        is_forced = False
        if run.status is RunStatus.CANCELING:
            is_forced = any(
                isinstance(one.event.body, RunCanceling) and one.event.body.is_forced
                for one in self._environment.events.read(run.id, types=("RUN_CANCELING",))
            )
        return Seen(
            token=live.token,
            status=run.status,
            beats=live.beats,
            sight=self._sight(live),
            now=clock.monotonic(),
            max_runtime_seconds=longest_runtime(run, self._environment.settings.monitoring.max_runtime_seconds),
            ran_seconds=0.0 if known is not None else ran,
            is_forced=is_forced,
        )

    def _sight(self, live: LiveRun) -> Sight:
        place = live.worker
        if place is None:
            return Sight.AWAITED
        if place.pid is None and not place.handle:
            return Sight.AWAITED if self._launcher_lives(place.launcher) else Sight.ABANDONED
        return _SIGHTS[self._launcher.look(place)] if self._launcher is not None else Sight.UNKNOWN

    def _do(self, decision: Decision, live: LiveRun) -> None:
        if isinstance(decision, Wait):
            return
        if isinstance(decision, Terminate):
            if live.worker is not None and self._launcher is not None:
                self._launcher.terminate(live.worker)
            return
        if isinstance(decision, Kill):
            self._watched[live.run_id] = replace(self._watched[live.run_id], killed=decision.why)
            end = WorkerEnd(why=decision.why, was_killed=True)
        else:
            assert isinstance(decision, Lost)
            if self._knows_better(live):
                return
            end = WorkerEnd(why=decision.why)
        if live.worker is not None and self._launcher is not None:
            # Also what a worker that has gone left behind.
            is_reached = self._launcher.kill(live.worker)
            if not is_reached and self._launcher.look(live.worker) is WorkerState.ALIVE:
                return  # a run of the daemon itself, which cannot be killed
        self._bury(live.run_id, live.token, end)

    def _knows_better(self, live: LiveRun) -> bool:
        """Whether the launcher of the worker lives: it will say how the worker ended, a moment later, unless it is silent for too long."""
        if live.worker is None or live.worker.pid is None or not self._launcher_lives(live.worker.launcher):
            return False
        watched = self._watched[live.run_id]
        return self._environment.clock.monotonic() - watched.heard_at < self._rules.lease_seconds

    # --- after a loss ------------------------------------------------------------------------------------------------

    def _bury(self, run_id: str, token: int, end: WorkerEnd) -> bool:
        """Settle what becomes of a run whose worker has gone. False where somebody is still at its journal: to be tried again."""
        environment = self._environment
        if not deliver_journal(environment, run_id, token):
            return False
        run = environment.runs.get(run_id)
        if run is not None and not run.is_finished and run.worker == token:
            self._carry_out_loss(run, end)
        return True

    def _carry_out_loss(self, run: Run, end: WorkerEnd) -> None:
        environment = self._environment
        known = self._watched.get(run.id)
        if known is not None and known.token == run.worker and known.killed is not None:
            end = replace(end, why=known.killed, was_killed=True)  # so its launcher has seen how it ended, but not why
        overdue = known.overdue if known is not None and known.token == run.worker else None
        types = ("RUN_ENQUEUED", "RUN_DEQUEUED", "RUN_STARTING")
        before = tried(one.event.type for one in environment.events.read(run.id, types=types))
        step = after_loss(run.status, before, overdue, end, self._rules)
        at = environment.clock.wall()
        if isinstance(step, Finish):
            self._announce(run, step)
        elif isinstance(step, StartAgain):
            environment.queue.requeue(run.id, token=run.worker, at=at, message=step.message)
            environment.wakeups.notify(QUEUE_TOPIC)
        else:
            assert isinstance(step, GoOn)
            self._give_to_another(run, step)

    def _give_to_another(self, run: Run, step: GoOn) -> None:
        environment, launcher = self._environment, self._launcher
        if launcher is None:
            return
        live = environment.queue.next_worker(
            run.id, token=run.worker, launcher=launcher.name, at=environment.clock.wall(), message=step.message
        )
        if live is not None:
            launcher.launch(run, live.token)

    def _announce(self, run: Run, step: Finish) -> None:
        environment = self._environment
        if environment.events.announce(run.id, [step.body], at=environment.clock.wall(), worker=run.worker):
            _LOG.info("Run %s: %s", run.id, getattr(step.body, "message", ""))
        environment.wakeups.notify(QUEUE_TOPIC)
