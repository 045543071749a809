"""A daemon as a whole: its services, started together and ended together. Workers of runs live on when it ends."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from weft.daemon.launchers import make_launcher
from weft.daemon.presence import Presence
from weft.daemon.retention import RetentionService
from weft.daemon.run_monitor import NoticeService, WatchService
from weft.daemon.run_queue import QueueService
from weft.daemon.run_retries import RetryService
from weft.daemon.service import ServiceThread
from weft.errors import StorageError
from weft.ids import new_run_id
from weft.processes.machine import host
from weft.runs.environment import RunEnvironment
from weft.runs.launchers.port import RunLauncher
from weft.runs.monitor import RunMonitor
from weft.storage.gateway.server import GatewayServer, gateway_folder
from weft.storage.opening import is_on_server


class Daemon:
    """The services of one daemon. Several may serve the same instance.

    Args:
        environment: the instance.
        home: its folder, for the workers.

    >>> with Daemon(instance, home):
    ...     wait_for_a_signal()
    """

    def __init__(self, environment: RunEnvironment, home: Path) -> None:
        self.id = f"{host()}-{os.getpid()}-{new_run_id()[-8:]}"
        self._environment = environment
        self._presence = Presence(environment, self.id)
        self._monitor = RunMonitor(environment, self._presence.launcher_lives, self._ring)
        url = environment.settings.storage.url
        self._gateway = (
            GatewayServer(environment.storage, gateway_folder(home)) if url is not None and is_on_server(url) else None
        )
        lock = threading.Lock()
        self._notices = NoticeService(environment, self._monitor, lock)
        self.launcher: RunLauncher = make_launcher(environment, home, self._monitor.report, daemon_id=self.id)
        self._monitor.attach(self.launcher)
        services = (
            self._notices,
            QueueService(environment, self.launcher),
            WatchService(environment, self._monitor, lock, self._presence.was_deaf),
            RetryService(environment),
            RetentionService(environment),
        )
        self._presence_thread = ServiceThread(self._presence, environment.clock)
        self._threads = [ServiceThread(service, environment.clock) for service in services]

    def _ring(self) -> None:
        self._notices.ring()

    def start(self) -> None:
        """Begin. The daemon is heard by others before it takes a run into its hands.

        Raises:
            StorageError: storage is away.
        """
        self._presence.round()
        if self._gateway is not None:
            self._gateway.start()
        self._presence_thread.start()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End all services, each after its round. Runs that have workers go on; those that wait, wait for another daemon."""
        for thread in self._threads:
            thread.stop()
        for thread in self._threads:
            thread.join()
        self.launcher.close()
        if self._gateway is not None:
            self._gateway.close()
        self._presence_thread.stop()
        self._presence_thread.join()
        try:
            self._presence.leave()
        except (StorageError, OSError):
            return  # the others find out by themselves

    @property
    def errors(self) -> dict[str, Exception]:
        """The services that do not get on, with the reason."""
        return {
            thread.service.name: thread.last_error
            for thread in (*self._threads, self._presence_thread)
            if thread.last_error is not None
        }

    def __enter__(self) -> Daemon:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
