from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from weft import FilesystemIOManager, In, InMemoryIOManager, Instance, Out, asset, job, materialize, op
from weft.errors import IOManagerError
from weft.execution.io_managers.defaults import custom_path_fs_io_manager, fs_io_manager, mem_io_manager


@asset
def number() -> int:
    return 5


@pytest.mark.parametrize("manager", [fs_io_manager, FilesystemIOManager(), fs_io_manager.configured({})])
def test_files_go_to_the_folder_of_the_instance_by_default(tmp_path: Path, manager: Any) -> None:
    with Instance.at(tmp_path) as instance:
        materialize([number], instance=instance, resources={"io_manager": manager})
    assert (tmp_path / "storage" / "number.json").read_text() == "5"


def test_files_of_an_instance_in_memory_are_gone_with_it() -> None:
    with Instance.ephemeral() as instance:
        result = materialize([number], instance=instance, resources={"io_manager": fs_io_manager})
        (stored,) = result.get_asset_materialization_events()
        path = Path(stored.body.metadata["path"].value)
        assert path.exists()
    del instance, result
    import gc

    gc.collect()
    assert not path.exists()


def test_the_folder_can_be_configured(tmp_path: Path) -> None:
    materialize([number], resources={"io_manager": fs_io_manager.configured({"base_dir": str(tmp_path)})})
    assert (tmp_path / "number.json").exists()


def test_values_can_be_kept_in_memory() -> None:
    assert materialize([number], resources={"io_manager": mem_io_manager}).success


def test_values_are_stored_at_the_path_in_their_metadata(tmp_path: Path) -> None:
    @op(out=Out(metadata={"path": "deep/one.pickle"}))
    def one() -> int:
        return 1

    @op(ins={"value": In()}, out=Out(metadata={"path": "two.pickle"}))
    def two(value: int) -> int:
        return value + 1

    @job(resource_defs={"io_manager": custom_path_fs_io_manager.configured({"base_dir": str(tmp_path)})})
    def both() -> None:
        two(one())

    assert both.execute_in_process().output_for_node("two") == 2
    assert sorted(path.name for path in tmp_path.rglob("*.pickle")) == ["one.pickle", "two.pickle"]


@pytest.mark.parametrize("path", [None, "", "../outside", "/etc/passwd", "a/../..", "."])
def test_a_path_that_leaves_the_folder_is_refused(tmp_path: Path, path: Any) -> None:
    @op(out=Out(metadata={"path": path}))
    def one() -> int:
        return 1

    @job(resource_defs={"io_manager": custom_path_fs_io_manager.configured({"base_dir": str(tmp_path)})})
    def alone() -> None:
        one()

    with pytest.raises(IOManagerError) as caught:
        alone.execute_in_process()
    assert caught.value.code == "WEFT-X163"


@pytest.mark.parametrize("prefix", ["WEFT", "DAGSTER"])
def test_the_environment_names_another_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefix: str) -> None:
    module = f"default_io_{prefix.lower()}"
    (tmp_path / f"{module}.py").write_text(
        "from weft import InMemoryIOManager, io_manager\nkept = InMemoryIOManager()\n"
        "@io_manager\ndef mine(context):\n    return kept\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv(f"{prefix}_DEFAULT_IO_MANAGER_MODULE", module)
    monkeypatch.setenv(f"{prefix}_DEFAULT_IO_MANAGER_ATTRIBUTE", "mine")
    with Instance.at(tmp_path / "home") as instance:
        assert module not in sys.modules
        materialize([number], instance=instance)
    kept: InMemoryIOManager = sys.modules[module].kept
    assert list(kept.values.values()) == [5]
    del sys.modules[module]


def test_a_default_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEFT_DEFAULT_IO_MANAGER_MODULE", "no_such_module")
    monkeypatch.setenv("WEFT_DEFAULT_IO_MANAGER_ATTRIBUTE", "mine")
    with Instance.at(tmp_path) as instance, pytest.raises(IOManagerError, match="cannot be found") as caught:
        materialize([number], instance=instance)
    assert caught.value.code == "WEFT-X162"
