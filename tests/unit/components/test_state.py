from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.components.sandbox import project

from weft import UPathDefsStateStorage
from weft.components.state import StateBackedComponent, state_storage
from weft.errors import LoadError

WAREHOUSE = """
from weft import AssetSpec, Definitions, DefsStateConfigArgs, Model, Resolvable, StateBackedComponent

class Warehouse(StateBackedComponent, Model, Resolvable):
    tables: list[str]
    defs_state: DefsStateConfigArgs | None = None

    async def write_state_to_path(self, state_path):
        if self.tables:
            state_path.write_text("\\n".join(self.tables))

    def build_defs_from_state(self, context, state_path):
        return Definitions(assets=[AssetSpec(name) for name in state_path.read_text().split()] if state_path else [])
"""


def test_definitions_follow_from_the_state_that_was_kept_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEFT_HOME", str(tmp_path / "home"))
    files = {"w__w_py": WAREHOUSE, "w__defs_yaml": "type: .w.Warehouse\nattributes: {tables: [a, b]}\n"}
    tree = project(tmp_path, **files)
    assert list(tree.build_defs().assets) == []
    [declared] = tree.all_declared()
    component = tree.made(declared)
    assert isinstance(component, StateBackedComponent)
    first = component.refresh_state(declared.context, state_storage(tree.project.root))
    assert [spec.key.to_user_string() for spec in tree.build_defs().assets] == ["a", "b"]
    second = component.refresh_state(declared.context, state_storage(tree.project.root))
    assert first < second
    assert len(list((tmp_path / "home" / "defs_state").glob("*/*"))) == 3


def test_state_can_be_made_when_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEFT_DEFS_STATE", str(tmp_path / "kept"))
    tree = project(
        tmp_path,
        w__w_py=WAREHOUSE,
        w__defs_yaml="type: .w.Warehouse\nattributes: {tables: [a], defs_state: {key: mine, refresh_if_missing: true}}\n",
    )
    assert len(tree.build_defs().assets) == 1
    assert (tmp_path / "kept" / "mine" / "latest").is_file()


@pytest.mark.parametrize("base", ["memory://state", "local"])
def test_a_version_comes_back_as_it_was_kept(base: str, tmp_path: Path) -> None:
    storage = UPathDefsStateStorage(tmp_path if base == "local" else base)
    key = "Odd[../key]#1"
    assert storage.get_latest_version(key) is None
    (tmp_path / "in").write_bytes(b"\x00state")
    storage.upload_state_from_path(key, "1", tmp_path / "in")
    storage.download_state_to_path(key, "1", tmp_path / "out")
    assert storage.get_latest_version(key) == "1"
    assert (tmp_path / "out").read_bytes() == b"\x00state"


@pytest.mark.parametrize("key", ["..", ".", "../elsewhere", "/elsewhere", "..."])
def test_no_key_leaves_the_folder_of_states(key: str, tmp_path: Path) -> None:
    storage = UPathDefsStateStorage(tmp_path / "states")
    (tmp_path / "in").write_bytes(b"state")
    storage.upload_state_from_path(key, "1", tmp_path / "in")
    assert storage.get_latest_version(key) == "1"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "states"]
    assert all(path.is_dir() for path in (tmp_path / "states").iterdir())


@pytest.mark.parametrize("version", ["../secret", "/etc/passwd", "..", "a b", "latest", "1" * 101, "a\0", "memory://x"])
def test_a_version_that_is_a_path_is_refused(tmp_path: Path, version: str) -> None:
    storage = UPathDefsStateStorage(tmp_path / "states")
    fresh = tmp_path / "fresh"
    fresh.write_text("state")
    storage.upload_state_from_path("key", "1", fresh)
    (tmp_path / "states" / "secret").write_text("not a state")
    (tmp_path / "states" / "key" / "latest").write_text(version)
    for act in (
        lambda: storage.get_latest_version("key"),
        lambda: storage.download_state_to_path("key", version, tmp_path / "got"),
        lambda: storage.upload_state_from_path("key", version, fresh),
    ):
        with pytest.raises(LoadError, match="cannot be one") as raised:
            act()
        assert raised.value.code == "WEFT-L178"
    assert not (tmp_path / "got").exists()
