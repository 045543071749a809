"""``weft instance copy``."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.integration.cli.conftest import Weft

from weft.model.plan import RunPlan
from weft.model.run import Run, RunStatus
from weft.storage.opening import open_storage


@pytest.fixture
def home(tmp_path: Path) -> str:
    storage = open_storage(tmp_path / "home")
    storage.runs.create(
        Run(id="r1", job_name="j", status=RunStatus.SUCCESS, created_at=1.0), RunPlan(job_name="j", steps=())
    )
    storage.close()
    return str(tmp_path / "home")


def test_it_copies_to_an_empty_database_and_says_how_to_use_it(weft: Weft, home: str, tmp_path: Path) -> None:
    target = tmp_path / "copy"
    done = weft("instance", "copy", "--home", home, "--to", f"sqlite:///{target}")
    assert str(target) in done.stdout
    assert "storage: {url: ...}" in done.stdout
    assert done.stderr == ""
    storage = open_storage(target)
    assert storage.runs.get("r1") is not None
    storage.close()


def test_the_address_may_stand_in_the_environment(weft: Weft, home: str, tmp_path: Path) -> None:
    environment = {"WEFT_COPY_TO": str(tmp_path / "copy")}
    document = weft("instance", "copy", "--home", home, "--json", environment=environment).json
    assert (document["rows"]["runs"], document["resumed"]) == (1, False)


def test_a_database_with_rows_is_refused(weft: Weft, home: str) -> None:
    assert "WEFT-T071" in weft("instance", "copy", "--home", home, "--to", home, code=None).stderr
