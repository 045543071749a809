"""The I/O managers that must pass this suite. A new one is added here and nowhere else."""

from __future__ import annotations

import pickle
import uuid
from pathlib import Path
from typing import Any

import pytest

from weft.definitions.io_manager import IOManager
from weft.execution.io_contexts import InputContext, OutputContext
from weft.execution.io_managers.filesystem import FilesystemIOManager
from weft.execution.io_managers.memory import InMemoryIOManager
from weft.execution.io_managers.upath import UPathIOManager


class PickleIOManager(UPathIOManager):
    """As a user would write it."""

    extension = ".bin"

    def dump_to_path(self, context: OutputContext, obj: Any, path: Any) -> None:
        with path.open("wb") as file:
            pickle.dump(obj, file)

    def load_from_path(self, context: InputContext, path: Any) -> Any:
        with path.open("rb") as file:
            return pickle.load(file)


class AsyncIOManager(PickleIOManager):
    """Loads without blocking."""

    async def load_from_path(self, context: InputContext, path: Any) -> Any:
        return super().load_from_path(context, path)


@pytest.fixture(params=["filesystem", "filesystem, fsspec", "memory", "local files", "local files, async", "fsspec"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> IOManager:
    """An empty I/O manager of each kind."""
    if request.param == "filesystem":
        return FilesystemIOManager(tmp_path / "storage")
    if request.param == "filesystem, fsspec":
        return FilesystemIOManager(f"memory://{uuid.uuid4().hex}/storage")
    if request.param == "memory":
        return InMemoryIOManager()
    if request.param == "local files":
        return PickleIOManager(str(tmp_path / "storage"))
    if request.param == "local files, async":
        return AsyncIOManager(tmp_path / "storage")
    return PickleIOManager(f"memory://{uuid.uuid4().hex}/storage")
