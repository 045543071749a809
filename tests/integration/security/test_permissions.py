"""What an instance keeps is for its owner alone, whatever the umask."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from weft import Instance, asset, materialize


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.usefixtures("umask")
def test_a_new_home_is_closed_to_others(tmp_path: Path) -> None:
    modes = {}

    @asset
    def table() -> int:
        print("hello")  # noqa: T201  # something to capture
        for path in (tmp_path / "home").rglob("*"):
            modes[path.relative_to(tmp_path / "home").parts[0]] = mode(path)
        return 1

    with Instance.at(tmp_path / "home") as instance:
        materialize([table], instance=instance)
        assert mode(tmp_path / "home") == 0o700
        for name in ("weft.db", "weft.db-wal", "weft.db-shm"):
            assert mode(tmp_path / "home" / name) == 0o600
        for path in (tmp_path / "home" / "logs").rglob("*"):
            assert mode(path) == (0o700 if path.is_dir() else 0o600)
    assert mode(tmp_path / "home" / "journals") == 0o700
    assert (tmp_path / "home" / "storage" / "table.json").is_file()
    assert mode(tmp_path / "home" / "storage") == 0o700
    assert modes["journals"] == 0o600  # of the journal, which is gone at the end


@pytest.mark.usefixtures("umask")
def test_in_a_home_that_is_open_to_others_the_database_is_not(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(0o755)
    Instance.at(home).close()
    assert mode(home) == 0o755
    assert mode(home / "weft.db") == 0o600
    assert mode(home / "storage") == 0o700


@pytest.mark.usefixtures("umask")
def test_a_folder_of_values_that_was_opened_to_others_stays_so(tmp_path: Path) -> None:
    Instance.at(tmp_path).close()
    (tmp_path / "storage").chmod(0o755)
    Instance.at(tmp_path).close()
    assert mode(tmp_path / "storage") == 0o755


def test_a_database_that_was_opened_to_a_group_stays_so(tmp_path: Path) -> None:
    Instance.at(tmp_path).close()
    (tmp_path / "weft.db").chmod(0o660)
    with Instance.at(tmp_path) as instance:
        instance.keyvalue.set("a", "b")
        assert mode(tmp_path / "weft.db") == 0o660
        assert mode(tmp_path / "weft.db-wal") == 0o660
