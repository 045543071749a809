"""What the settings of an instance make of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from weft import ConfigError, Instance, StorageError, asset, materialize
from weft.instance import find_home
from weft.logs.store import LocalComputeLogStore, NullComputeLogStore
from weft.storage.memory import MemoryStorage


@asset
def table() -> int:
    print("printed")
    return 7


def settings(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "weft.yaml").write_text(text, "utf-8")
    return folder


def test_settings_of_the_home_are_those_of_the_instance(tmp_path: Path) -> None:
    with Instance.at(settings(tmp_path / "home", "queue: {max_concurrent_runs: 3}\n")) as instance:
        assert instance.settings.queue.max_concurrent_runs == 3


def test_the_database_may_be_in_another_folder(tmp_path: Path) -> None:
    home = settings(tmp_path / "home", f"storage: {{url: {tmp_path / 'data'}}}\n")
    (tmp_path / "data").mkdir()

    with Instance.at(home) as instance:
        run_id = materialize([table], instance=instance).run_id
    with Instance.at(home) as instance:
        assert instance.runs.get(run_id) is not None
    assert (tmp_path / "data" / "weft.db").is_file()
    assert not (home / "weft.db").exists()


def test_captured_output_goes_where_the_settings_say(tmp_path: Path) -> None:
    with Instance.at(settings(tmp_path / "one", "logs: {folder: ../printed}\n")) as instance:
        run_id = materialize([table], instance=instance).run_id
        assert isinstance(instance.logs, LocalComputeLogStore)
        assert (tmp_path / "printed" / run_id).is_dir()
    with Instance.at(settings(tmp_path / "two", "logs: {capture: false}\n")) as instance:
        assert isinstance(instance.logs, NullComputeLogStore)
        assert materialize([table], instance=instance).success


class Tape(NullComputeLogStore):
    def __init__(self, length: int) -> None:
        self.length = length


class Own(MemoryStorage):
    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


def test_classes_of_ones_own_are_made_with_their_arguments(tmp_path: Path) -> None:
    text = f"""
        logs: {{custom: "{__name__}:Tape", config: {{length: 3}}}}
        storage: {{custom: "{__name__}:Own", config: {{name: x}}}}
    """
    with Instance.at(settings(tmp_path, text)) as instance:
        assert isinstance(instance.logs, Tape)
        assert isinstance(instance.storage, Own)
        assert (instance.logs.length, instance.storage.name) == (3, "x")
        assert materialize([table], instance=instance).success


@pytest.mark.parametrize("target", ["no_such_module:A", f"{__name__}:NoSuchClass", f"{__name__}:Tape", "nothing"])
def test_a_class_that_cannot_be_used_is_named(target: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match='class of the setting "logs.custom"') as caught:
        Instance.at(settings(tmp_path, f'logs: {{custom: "{target}"}}\n'))
    assert caught.value.code == "WEFT-C158"
    assert caught.value.facts["class"] == target


def test_a_class_that_is_no_storage_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError) as caught:
        Instance.at(settings(tmp_path, 'storage: {custom: "pathlib:Path"}\n'))
    assert caught.value.code == "WEFT-T068"


def test_wrong_settings_keep_the_instance_from_being_opened(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        Instance.get(settings(tmp_path / "home", "queue: {max_concurent_runs: 3}\n"))
    assert caught.value.facts["at"] == "weft.yaml:1"
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["weft.yaml"]


def test_the_environment_says_more_than_the_settings_how_safe_is_safe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def synchronous() -> Any:
        with Instance.at(settings(tmp_path, "storage: {synchronous: full}\n")) as instance:
            return instance.describe()["synchronous"]

    assert synchronous() == "FULL"
    monkeypatch.setenv("WEFT_SQLITE_SYNCHRONOUS", "NORMAL")
    assert synchronous() == "NORMAL"


# --- three rules -----------------------------------------------------------------------------------------------------


def test_a_former_home_is_a_home_and_its_settings_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dagster.yaml").write_text("run_queue: {max_concurrent_runs: 4}\n")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))

    assert find_home() == tmp_path
    with Instance.get() as instance:
        assert instance.settings.queue.max_concurrent_runs == 4

    monkeypatch.setenv("WEFT_HOME", str(tmp_path / "ours"))
    assert find_home() == tmp_path / "ours"


def test_a_home_without_settings_has_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEFT_HOME", str(tmp_path / "home"))
    with Instance.get() as instance:
        assert instance.settings.queue.max_concurrent_runs == 10


def test_a_call_without_an_instance_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEFT_HOME", str(settings(tmp_path / "home", "queue: {max_concurrent_runs: 3}\n")))

    assert materialize([table]).success
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["weft.yaml"]
