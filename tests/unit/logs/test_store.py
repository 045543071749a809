from __future__ import annotations

import os
from pathlib import Path

import pytest

from weft.errors import StorageError, UsageError
from weft.logs.store import MOST_BYTES, CapturedFiles, ComputeLogStore, LocalComputeLogStore, NullComputeLogStore

STORES: list[type] = [LocalComputeLogStore, NullComputeLogStore]


def local(folder: Path, out: bytes = b"0123456789", err: bytes = b"abc") -> LocalComputeLogStore:
    (folder / "logs" / "r1").mkdir(parents=True)
    (folder / "logs" / "r1" / "run.out").write_bytes(out)
    (folder / "logs" / "r1" / "run.err").write_bytes(err)
    return LocalComputeLogStore(folder / "logs")


def test_what_was_captured_is_read_back_by_run_key_and_stream(tmp_path: Path) -> None:
    store = LocalComputeLogStore(tmp_path / "deep" / "logs")
    with store.open_capture("r1", "run") as capture:
        print("hello")
        assert capture is not None and capture.mark() == (6, 0)
        # A reader in another process reads while it is written.
        assert store.read("r1", "run", "stdout") == b"hello\n"
    assert store.read("r1", "run", "stderr") == b""
    assert store.files("r1") == (CapturedFiles(file_key="run", stdout_bytes=6, stderr_bytes=0),)
    assert (tmp_path / "deep" / "logs" / "r1").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (0, None, b"0123456789"),
        (3, 5, b"34"),
        (3, None, b"3456789"),
        (8, 100, b"89"),
        (10, None, b""),
        (100, 200, b""),
        (5, 5, b""),
        (5, 2, b""),
        (-5, 2, b"01"),
        (0, -1, b""),
    ],
)
def test_a_slice_is_read(tmp_path: Path, start: int, end: int | None, expected: bytes) -> None:
    assert local(tmp_path).read("r1", "run", "stdout", start, end) == expected


def test_a_huge_log_is_never_read_whole(tmp_path: Path) -> None:
    store = local(tmp_path)
    size = 1 << 30
    os.truncate(tmp_path / "logs" / "r1" / "run.out", size)
    assert store.size("r1", "run", "stdout") == size
    assert len(store.read("r1", "run", "stdout")) == MOST_BYTES
    assert len(store.read("r1", "run", "stdout", 5, size)) == MOST_BYTES
    assert len(store.read("r1", "run", "stdout", size - 10)) == 10


def test_what_was_not_captured_is_empty(tmp_path: Path) -> None:
    for store in (local(tmp_path), LocalComputeLogStore(tmp_path / "absent")):
        assert store.read("r2", "run", "stdout") == b""
        assert store.size("r2", "run", "stdout") == 0
        assert store.files("r2") == ()
        store.delete("r2")
    assert local(tmp_path / "x").read("r1", "other", "stdout") == b""
    assert not (tmp_path / "absent").exists()


def test_files_lists_every_pair_once_and_nothing_foreign(tmp_path: Path) -> None:
    store = local(tmp_path)
    folder = tmp_path / "logs" / "r1"
    (folder / "step-2.err").write_bytes(b"12")
    (folder / "notes.txt").touch()
    (folder / ".hidden.out").touch()
    assert store.files("r1") == (
        CapturedFiles(file_key="run", stdout_bytes=10, stderr_bytes=3),
        CapturedFiles(file_key="step-2", stderr_bytes=2),
    )


def test_deleting_removes_the_files_of_one_run(tmp_path: Path) -> None:
    store = local(tmp_path)
    (tmp_path / "logs" / "r2").mkdir()
    store.delete("r1")
    assert [path.name for path in (tmp_path / "logs").iterdir()] == ["r2"]


def test_the_empty_store_captures_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    store = NullComputeLogStore()
    with store.open_capture("r1", "run") as capture:
        print("shown")
    assert capture is None
    assert capfd.readouterr().out == "shown\n"
    assert (store.read("r1", "run", "stdout"), store.size("r1", "run", "stdout"), store.files("r1")) == (b"", 0, ())
    store.delete("r1")


HOSTILE = [
    "",
    ".",
    "..",
    "../r1",
    "a/b",
    "/etc",
    "a\\b",
    "a\0b",
    "é",
    "%2e%2e",
    "r1\n",
    "-x",
    ".x",
    "x" * 200,
    "\\\\host\\share",
]


@pytest.mark.parametrize("make", STORES)
@pytest.mark.parametrize("name", HOSTILE)
def test_ids_that_do_not_fit_the_grammar_are_refused(make: type, name: str, tmp_path: Path) -> None:
    """Promise c7."""
    store: ComputeLogStore = local(tmp_path) if make is LocalComputeLogStore else make()
    for act in (
        lambda: store.read(name, "run", "stdout"),
        lambda: store.size(name, "run", "stdout"),
        lambda: store.files(name),
        lambda: store.delete(name),
        lambda: store.open_capture(name, "run"),
    ):
        with pytest.raises(UsageError):
            act()
    for act in (
        lambda: store.read("r1", name, "stdout"),
        lambda: store.size("r1", name, "stdout"),
        lambda: store.open_capture("r1", name),
    ):
        with pytest.raises(StorageError) as caught:
            act()
        assert caught.value.code == "WEFT-T055"
    assert sorted(path.name for path in tmp_path.rglob("*")) == (
        ["logs", "r1", "run.err", "run.out"] if make is LocalComputeLogStore else []
    )


def test_links_in_the_place_of_a_run_or_of_a_file_are_not_followed(tmp_path: Path) -> None:
    store = local(tmp_path)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "run.out").write_text("secret")
    (tmp_path / "logs" / "r2").symlink_to(outside)
    (tmp_path / "logs" / "r1" / "link.out").symlink_to(outside / "run.out")
    (tmp_path / "logs" / "r1" / "folder.out").mkdir()
    os.mkfifo(tmp_path / "logs" / "r1" / "pipe.out")
    for act in (
        lambda: store.read("r2", "run", "stdout"),
        lambda: store.files("r2"),
        lambda: store.open_capture("r2", "run"),
        lambda: store.delete("r2"),
        lambda: store.read("r1", "link", "stdout"),
        lambda: store.read("r1", "folder", "stdout"),
        lambda: store.read("r1", "pipe", "stdout"),
    ):
        with pytest.raises(StorageError) as caught:
            act()
        assert caught.value.code == "WEFT-T056"
    assert (outside / "run.out").read_text() == "secret"
