from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from weft.errors import StorageError
from weft.execution import file_lock
from weft.execution.file_lock import LockedFile


def test_a_held_lock_cannot_be_taken_and_a_closed_one_can(tmp_path: Path) -> None:
    path = tmp_path / "f"
    file = LockedFile.create(path)
    assert LockedFile.take(path) is None
    file.close()
    taken = LockedFile.take(path)
    assert taken is not None and taken.is_open
    assert LockedFile.take(path) is None
    taken.close()


def test_a_deleted_file_cannot_be_taken(tmp_path: Path) -> None:
    file = LockedFile.create(tmp_path / "f")
    file.delete()
    assert not file.is_open
    assert LockedFile.take(tmp_path / "f") is None


def test_an_existing_file_is_not_created_again(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("mine")
    with pytest.raises(FileExistsError):
        LockedFile.create(tmp_path / "f")
    assert (tmp_path / "f").read_text() == "mine"


def test_links_and_folders_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "target").touch()
    (tmp_path / "link").symlink_to(tmp_path / "target")
    (tmp_path / "folder").mkdir()
    assert LockedFile.take(tmp_path / "link") is None
    assert LockedFile.take(tmp_path / "folder") is None


def test_the_file_can_be_read_by_its_owner_only(tmp_path: Path) -> None:
    file = LockedFile.create(tmp_path / "f")
    assert (tmp_path / "f").stat().st_mode & 0o077 == 0
    file.close()


def in_processes(script: str, *arguments: str) -> str:
    """Run a script with one thread, so that it may fork."""
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout


def test_a_forked_child_does_not_keep_its_parents_lock(tmp_path: Path) -> None:
    script = """
import os, sys
from pathlib import Path
from weft.execution.file_lock import LockedFile
path = Path(sys.argv[1])
file = LockedFile.create(path)
go, done = os.pipe(), os.pipe()
if os.fork() == 0:
    assert not file.is_open
    assert LockedFile.take(path) is None, "closing in the child took the lock from the parent"
    os.write(done[1], b"x"); os.read(go[0], 1); os._exit(0)
os.read(done[0], 1)
file.close()
taken = LockedFile.take(path)
print("free" if taken else "held by the child")
os.write(go[1], b"x"); os.wait()
"""
    assert in_processes(script, str(tmp_path / "f")) == "free\n"


def test_a_started_program_does_not_keep_the_lock(tmp_path: Path) -> None:
    file = LockedFile.create(tmp_path / "f")
    command = ["/bin/sh", "-c", "echo started; read line"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, close_fds=False) as program:
        # Between fork and exec the child still has the file: it must be the program itself before the lock is asked for.
        assert program.stdout is not None
        assert program.stdout.readline() == b"started\n"
        file.close()
        taken = LockedFile.take(tmp_path / "f")
        program.kill()
    assert taken is not None
    taken.close()


def test_a_killed_process_lets_go_of_its_lock(tmp_path: Path) -> None:
    script = f"""
import sys
from pathlib import Path
from weft.execution.file_lock import LockedFile
file = LockedFile.create(Path({str(tmp_path / "f")!r}))
print("locked", flush=True)
sys.stdin.read()
"""
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"locked\n"
        assert LockedFile.take(tmp_path / "f") is None
        process.send_signal(signal.SIGKILL)
    taken = LockedFile.take(tmp_path / "f")
    assert taken is not None
    taken.close()


def test_a_file_that_was_deleted_before_it_was_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody who looks for left-over files may come between making and locking one."""
    path = tmp_path / "f"
    real, calls = file_lock.fcntl.flock, []

    def lock_late(fd: int, how: int) -> None:
        if not calls:
            calls.append("deleted")
            path.unlink()
        real(fd, how)

    monkeypatch.setattr(file_lock.fcntl, "flock", lock_late)
    file = LockedFile.create(path)
    assert calls == ["deleted"]
    assert path.exists() and LockedFile.take(path) is None
    assert os.fstat(file.fd).st_ino == path.stat().st_ino
    file.close()


def test_a_platform_without_file_locks_is_refused_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_lock, "fcntl", None)
    with pytest.raises(StorageError, match="no file locks") as caught:
        LockedFile.create(tmp_path / "f")
    assert caught.value.code == "WEFT-T050"
    assert list(tmp_path.iterdir()) == []
