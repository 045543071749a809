"""The storages that must pass this suite. A new one is added here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from weft.storage.memory import MemoryStorage
from weft.storage.ports import Storage
from weft.storage.sqlite import SQLiteStorage


@pytest.fixture(params=["memory", "sqlite"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    """An empty storage of each kind."""
    made: Storage = MemoryStorage() if request.param == "memory" else SQLiteStorage(tmp_path)
    yield made
    made.close()
