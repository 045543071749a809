"""Where an instance is found, and what it consists of."""

from __future__ import annotations

from pathlib import Path

import pytest

from weft import AssetKey, Instance, StorageError, asset, materialize
from weft.instance import find_home


@asset
def table() -> int:
    return 7


def test_the_home_is_the_variable_where_it_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEFT_HOME", str(tmp_path / "here"))

    assert find_home() == tmp_path / "here"


def test_the_home_is_the_folder_of_the_nearest_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").touch()
    inner = tmp_path / "src" / "deep"
    inner.mkdir(parents=True)
    monkeypatch.delenv("WEFT_HOME", raising=False)
    monkeypatch.chdir(inner)

    assert find_home() == tmp_path / ".weft"


def test_get_gives_one_handle_for_one_home(tmp_path: Path) -> None:
    first = Instance.get(tmp_path)
    try:
        assert Instance.get(tmp_path) is first
    finally:
        first.close()
    second = Instance.get(tmp_path)
    try:
        assert second is not first
    finally:
        second.close()


def test_what_was_made_is_found_by_the_next_process(tmp_path: Path) -> None:
    with Instance.at(tmp_path) as instance:
        run_id = materialize([table], instance=instance).run_id
    with Instance.at(tmp_path) as instance:
        run = instance.runs.get(run_id)
        state = instance.assets.get(AssetKey("table"))
        assert run is not None
        assert run.status.value == "SUCCESS"
        assert state is not None
        assert state.materialization_count == 1
        assert any(path.is_file() for path in (tmp_path / "storage").rglob("*"))
        assert list((tmp_path / "journals").iterdir()) == []


def test_an_unknown_setting_of_durability_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEFT_SQLITE_SYNCHRONOUS", "SOMETIMES")

    with pytest.raises(StorageError, match="SOMETIMES"):
        Instance.get(tmp_path / "home")


def test_full_durability_is_a_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEFT_SQLITE_SYNCHRONOUS", "full")

    with Instance.get(tmp_path / "home") as instance:
        assert materialize([table], instance=instance).success


def test_an_ephemeral_instance_is_empty_and_separate() -> None:
    with Instance.ephemeral() as one, Instance.ephemeral() as other:
        materialize([table], instance=one)

        assert one.assets.get(AssetKey("table")) is not None
        assert other.assets.get(AssetKey("table")) is None
