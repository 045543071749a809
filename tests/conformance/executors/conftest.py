"""The executor under test: every case runs with each of those that it is about."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conformance.executors.world import EXECUTORS, World

from weft.processes.client import Zygote

ROOT = Path(__file__).parents[3]

if sys.platform != "linux":
    collect_ignore_glob = ["test_*"]


@pytest.fixture(scope="session")
def coordinators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    """Starts the processes of runs."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with Zygote.spawn(
        b"", cwd=str(ROOT), environment=environment, program="tests.conformance.executors.program"
    ) as zygote:
        yield zygote
    zygote.kill()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "isolated: for executors whose steps have processes of their own")
    config.addinivalue_line("markers", "everywhere: for executors whose steps take long to start, too")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A case is for the quick executors; ``spawned`` and ``isolated`` in its marks say otherwise."""
    if "world" not in metafunc.fixturenames:
        return
    names = {mark.name for mark in metafunc.definition.iter_markers()}
    chosen = [
        one.name
        for one in EXECUTORS.values()
        if (one.is_isolated or "isolated" not in names) and (one.is_quick or "everywhere" in names)
    ]
    metafunc.parametrize("world", chosen, indirect=True)


@pytest.fixture
def world(request: pytest.FixtureRequest, coordinators: Zygote, tmp_path: Path) -> Iterator[World]:
    """An instance and the executor."""
    made = World(coordinators, EXECUTORS[request.param], tmp_path)
    yield made
    made.instance.close()
