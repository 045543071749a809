"""The storages that must pass this suite. A new one is added here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conformance.storage.databases import emptied
from tests.conformance.storage.gateways import offered

from weft.storage.memory import MemoryStorage
from weft.storage.opening import open_storage
from weft.storage.ports import Storage
from weft.storage.sqlite import SQLiteStorage


@pytest.fixture(params=["memory", "sqlite", "gateway", "postgres", "mariadb"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    """An empty storage of each kind."""
    made: Storage
    if request.param == "memory":
        made = MemoryStorage()
    elif request.param == "sqlite":
        made = SQLiteStorage(tmp_path)
    elif request.param == "gateway":
        with offered(SQLiteStorage(tmp_path), tmp_path) as made:
            yield made
        return
    else:
        address = request.getfixturevalue(f"{request.param}_database")
        made = open_storage(address)
        emptied(made)
    yield made
    made.close()
