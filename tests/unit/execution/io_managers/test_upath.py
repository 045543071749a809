from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.conformance.io_managers.building import asset_input, asset_output

from weft.errors import IOManagerError
from weft.execution.io_contexts import InputContext, OutputContext
from weft.execution.io_managers.upath import UPathIOManager
from weft.model.metadata import MetadataValue


class JsonIOManager(UPathIOManager):
    extension = ".json"

    def dump_to_path(self, context: OutputContext, obj: Any, path: Any) -> None:
        path.write_text(json.dumps(obj))

    def load_from_path(self, context: InputContext, path: Any) -> Any:
        return json.loads(path.read_text())

    def get_metadata(self, context: OutputContext, obj: Any) -> Mapping[str, Any]:
        return {"items": len(obj)}


def test_a_subclass_only_says_how_to_write_and_read(tmp_path: Path) -> None:
    manager = JsonIOManager(tmp_path)
    output = asset_output("a", partitions=["eu"])
    manager.handle_output(output, [1, 2])
    assert json.loads((tmp_path / "a" / "@eu.json").read_text()) == [1, 2]
    assert manager.load_input(asset_input("a", partitions=["eu"])) == [1, 2]
    assert output.output_metadata == {
        "path": MetadataValue.path(str(tmp_path / "a" / "@eu.json")),
        "items": MetadataValue.int(2),
    }


def test_any_file_system_of_fsspec_will_do() -> None:
    base = f"memory://{uuid.uuid4().hex}/folder"
    JsonIOManager(base).handle_output(asset_output("a", "b"), [1])
    manager = JsonIOManager(base)
    assert manager.load_input(asset_input("a", "b")) == [1]
    assert str(manager.get_path(asset_output("a", "b"))) == f"{base}/a/b.json"


def test_a_path_of_the_caller_is_taken_as_it_is() -> None:
    from upath import UPath

    base = UPath("memory://") / uuid.uuid4().hex
    assert JsonIOManager(base).base_path is base


def test_without_a_folder_the_working_directory_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    JsonIOManager().handle_output(asset_output("a"), [])
    assert (tmp_path / "a.json").exists()


def test_an_error_of_the_format_is_told_with_the_path(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(IOManagerError) as caught:
        JsonIOManager(tmp_path).load_input(asset_input("a"))
    assert caught.value.code == "WEFT-X033"
    assert "JSONDecodeError" in str(caught.value.facts["reason"])
    assert isinstance(caught.value.__cause__, json.JSONDecodeError)


def test_a_file_is_missing_whatever_the_format_says_about_it(tmp_path: Path) -> None:
    class Odd(JsonIOManager):
        def load_from_path(self, context: InputContext, path: Any) -> Any:
            raise RuntimeError("IO Error: no files found that match the pattern")

    with pytest.raises(IOManagerError, match="is not stored") as caught:
        Odd(tmp_path).load_input(asset_input("a"))
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_another_file_that_is_missing_does_not_make_the_value_missing(tmp_path: Path) -> None:
    class TwoFiles(JsonIOManager):
        def load_from_path(self, context: InputContext, path: Any) -> Any:
            return path.with_suffix(".schema").read_text()

    manager = TwoFiles(tmp_path)
    manager.handle_output(asset_output("a"), [])
    with pytest.raises(IOManagerError, match="cannot be read") as caught:
        manager.load_input(asset_input("a"))
    assert "a.schema" in str(caught.value.facts["reason"])


def test_an_error_of_weft_passes_unchanged(tmp_path: Path) -> None:
    class Own(JsonIOManager):
        def load_from_path(self, context: InputContext, path: Any) -> Any:
            raise IOManagerError("mine", code="WEFT-X030")

    with pytest.raises(IOManagerError, match="mine"):
        Own(tmp_path).load_input(asset_input("a"))


class Concurrent(JsonIOManager):
    """Each load waits until all others have begun."""

    def __init__(self, base_path: Path, expected: int) -> None:
        super().__init__(base_path)
        self.expected = expected
        self.begun = 0

    async def load_from_path(self, context: InputContext, path: Any) -> Any:
        self.begun += 1
        while self.begun < self.expected:
            await asyncio.sleep(0)
        return json.loads(path.read_text())


def test_partitions_are_loaded_at_the_same_time_where_loading_is_asynchronous(tmp_path: Path) -> None:
    JsonIOManager(tmp_path).handle_output(asset_output("x", partitions=["a", "b"]), {"a": [1], "b": [2]})
    keys = ["a", "b", "c"]
    manager = Concurrent(tmp_path, expected=3)
    with pytest.raises(IOManagerError, match='partition "c" of asset "x" is not stored'):
        manager.load_input(asset_input("x", partitions=keys))
    manager = Concurrent(tmp_path, expected=3)
    allowed = {"allow_missing_partitions": True}
    assert manager.load_input(asset_input("x", partitions=keys, metadata=allowed)) == {"a": [1], "b": [2]}
    (tmp_path / "x" / "@b.json").write_text("{")
    with pytest.raises(IOManagerError, match="cannot be read"):
        Concurrent(tmp_path, expected=2).load_input(asset_input("x", partitions=["a", "b"]))


def test_asynchronous_loading_works_inside_a_running_loop(tmp_path: Path) -> None:
    """As in a notebook."""
    JsonIOManager(tmp_path).handle_output(asset_output("x"), [1])

    async def main() -> Any:
        return Concurrent(tmp_path, expected=1).load_input(asset_input("x"))

    assert asyncio.run(main()) == [1]


def test_values_that_are_folders_need_no_extension(tmp_path: Path) -> None:
    class Folders(UPathIOManager):
        def dump_to_path(self, context: OutputContext, obj: Any, path: Any) -> None:
            path.mkdir(exist_ok=True)
            for name, text in obj.items():
                (path / name).write_text(text)

        def load_from_path(self, context: InputContext, path: Any) -> Any:
            return {file.name: file.read_text() for file in path.iterdir()}

    manager = Folders(tmp_path)
    manager.handle_output(asset_output("a"), {"x": "1", "y": "2"})
    assert manager.load_input(asset_input("a")) == {"x": "1", "y": "2"}
    with pytest.raises(IOManagerError, match="is not stored"):
        manager.load_input(asset_input("b"))
