from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import example, given, settings, strategies as st

from weft.errors import StorageError
from weft.logs.confined import delete_folder, make_folder, open_file, open_folder

PARTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["..", ".", "", "/", "a", "f", "link", "loop", "up", "../..", "a/..", "\0", "\\", "..\\..", "~", "//", "%2e%2e"]
        + ["/etc/passwd", "\N{FULLWIDTH FULL STOP}" * 2, "\udcff", "C:\\", "\\\\?\\", "secret", "f/", "x" * 300]
    ),
    st.text(alphabet="./\\\0a~%", max_size=8),
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ways out of it."""
    top = tmp_path_factory.mktemp("world")
    (top / "secret").write_text("secret")
    root = top / "root"
    (root / "a" / "b").mkdir(parents=True)
    for place in (root, root / "a", root / "a" / "b"):
        (place / "f").write_text("inside")
        (place / "link").symlink_to(top / "secret")
        (place / "up").symlink_to("..")
        (place / "loop").symlink_to("loop")
    return root


@given(names=st.lists(PARTS, min_size=1, max_size=5))
@example(names=["up", "secret"])
@example(names=["a", "..", "..", "secret"])
@settings(max_examples=1500, deadline=None)
def test_no_names_lead_out(world: Path, names: list[str]) -> None:
    """Promise c7. Whatever is opened is a file made above, inside."""
    try:
        fd = open_file(world, *names)
    except (FileNotFoundError, StorageError):
        return
    try:
        assert os.read(fd, 100) == b"inside"
    finally:
        os.close(fd)


@given(names=st.lists(PARTS, max_size=4))
@settings(max_examples=500, deadline=None)
def test_no_names_of_folders_lead_out(world: Path, names: list[str]) -> None:
    try:
        fd = open_folder(world, *names)
    except (FileNotFoundError, StorageError):
        return
    try:
        inside = {path.stat().st_ino for path in (world, world / "a", world / "a" / "b")}
        assert os.fstat(fd).st_ino in inside
    finally:
        os.close(fd)


def test_files_and_folders_are_opened(world: Path) -> None:
    fd = open_file(world, "a", "b", "f")
    assert os.read(fd, 10) == b"inside"
    os.close(fd)
    os.close(open_folder(world))


def test_a_root_that_is_a_link_is_the_users_choice(world: Path, tmp_path: Path) -> None:
    (tmp_path / "here").symlink_to(world)
    os.close(open_file(tmp_path / "here", "f"))


@pytest.mark.parametrize("name", ["", "..", "a/b", "\0", "x\\y", "\udcff"])
def test_names_that_are_none_make_and_delete_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "f").touch()
    for act in (make_folder, delete_folder):
        with pytest.raises(StorageError) as caught:
            act(tmp_path / "root", name)
        assert caught.value.code == "WEFT-T056"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["f", "root"]


def test_deleting_takes_links_away_and_leaves_what_they_lead_to(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "root", "x")
    (tmp_path / "kept").touch()
    (folder / "link").symlink_to(tmp_path / "kept")
    delete_folder(tmp_path / "root", "x")
    assert (tmp_path / "kept").exists() and not folder.exists()
    delete_folder(tmp_path / "root", "x")
