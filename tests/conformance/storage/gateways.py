"""What the suite does with a storage behind a gateway."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from weft.storage.gateway.client import GatewayStorage
from weft.storage.gateway.server import GatewayServer, gateway_folder
from weft.storage.ports import RunQueue, Storage


class _ForDaemonsToo:
    """The queue of a worker, with what only daemons do done on the storage itself."""

    def __init__(self, through: RunQueue, direct: RunQueue) -> None:
        self._through = through
        self.dequeue = direct.dequeue
        self.relane = direct.relane

    def __getattr__(self, name: str) -> Any:
        return getattr(self._through, name)


def _refuse() -> NoReturn:
    raise AssertionError("a gateway was there, and the storage was opened all the same")


@contextmanager
def offered(storage: Storage, home: Path) -> Iterator[Storage]:
    """`storage` through a gateway. Topics are heard within the process of the test."""
    server = GatewayServer(storage, gateway_folder(home))
    server.start()
    made: Any = GatewayStorage(gateway_folder(home), _refuse)
    made.queue = _ForDaemonsToo(made.queue, storage.queue)
    made.wakeups = storage.wakeups
    made.describe = storage.describe
    try:
        yield made
    finally:
        made.close()
        server.close()
        storage.close()
