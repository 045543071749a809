"""Instances with code, for the tests of the daemon."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.integration.daemon.served import Served


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Makes a `Served`; everything is closed at the end."""
    made: list[Served] = []

    def make(code: str, settings: object = None) -> Served:
        served = Served(tmp_path, code, settings)  # type: ignore[arg-type]
        made.append(served)
        return served

    yield make
    for served in made:
        served.instance.close()
