"""What holds for all tests."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest
from hypothesis import settings
from tests import servers

# Tests start many interpreters; each would compile everything again where the environment forbids to keep bytecode.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# A test chooses its own home; none may touch that of the person who runs it.
for _home in ("WEFT_HOME", "DAGSTER_HOME"):
    os.environ.pop(_home, None)

# No deadline: machines differ and tests run side by side. In CI the examples are the same in every run, so that a red build is about the change.
settings.register_profile("weft", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("weft")


def _database(kind: str, factory: pytest.TempPathFactory) -> Iterator[str]:
    reason = servers.missing(kind)
    if reason is not None:
        pytest.skip(reason)
    own = factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "servers"
    with servers.shared_database(kind, folder) as address:
        yield address


@pytest.fixture(scope="session")
def postgres_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an empty PostgreSQL database of this worker. Tests that use it leave nothing behind, or empty it first."""
    yield from _database("postgres", tmp_path_factory)


@pytest.fixture
def new_postgres_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an empty PostgreSQL database of this test."""
    yield from _database("postgres", tmp_path_factory)


@pytest.fixture(scope="session")
def mariadb_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an empty MariaDB database of this worker; see `postgres_database`."""
    yield from _database("mariadb", tmp_path_factory)
