from __future__ import annotations

import contextlib
import io
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from weft.logs.capture import OutputCapture


def texts(folder: Path, key: str = "run") -> tuple[str, str]:
    return (folder / f"{key}.out").read_text("utf-8"), (folder / f"{key}.err").read_text("utf-8")


def run(script: str, folder: Path, *arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    """Run a script whose stdout and stderr are really descriptors 1 and 2. `folder` is its first argument."""
    script = (
        "import os, sys\nfrom pathlib import Path\nfrom weft.logs.capture import OutputCapture\nfolder = Path(sys.argv[1])\n"
        + script
    )
    return subprocess.run(
        [sys.executable, "-c", script, str(folder), *arguments],
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=60,
        **options,  # type: ignore[call-overload]
    )


# --- descriptors ------------------------------------------------------------------------------------------------------


def test_everything_written_to_the_descriptors_is_captured_and_nothing_else(tmp_path: Path) -> None:
    script = """
import ctypes, subprocess
print("before"); print("before err", file=sys.stderr)
with OutputCapture(folder, "run"):
    print("python")
    os.write(1, b"descriptor\\n"); os.write(2, b"descriptor err\\n")
    ctypes.CDLL(None).puts(b"c library")
    subprocess.run(["sh", "-c", "echo child; echo child err >&2"], check=True)
    print("python err", file=sys.stderr)
    sys.__stdout__.write("original object\\n")
print("after"); print("after err", file=sys.stderr)
"""
    done = run(script, tmp_path)
    assert done.stdout == "before\nafter\n"
    assert done.stderr == "before err\nafter err\n"
    out, err = texts(tmp_path)
    assert sorted(out.splitlines()) == ["c library", "child", "descriptor", "original object", "python"]
    assert err == "descriptor err\nchild err\npython err\n"


def test_marks_tell_the_output_of_steps_apart(tmp_path: Path) -> None:
    script = """
import ctypes, json
libc = ctypes.CDLL(None)
marks = []
with OutputCapture(folder, "run") as capture:
    for step in ("first", "zweite ü", "third"):
        begin = capture.mark()
        sys.stdout.write(step)  # without the end of a line
        libc.printf(b" c"); sys.stderr.write(step.upper())
        marks.append((begin, capture.mark()))
json.dump(marks, sys.stdout)
"""
    done = run(script, tmp_path)
    assert done.stderr == ""
    out, err = (tmp_path / "run.out").read_bytes(), (tmp_path / "run.err").read_bytes()
    marks = __import__("json").loads(done.stdout)
    assert [out[a[0] : b[0]].decode() for a, b in marks] == ["first c", "zweite ü c", "third c"]
    assert [err[a[1] : b[1]].decode() for a, b in marks] == ["FIRST", "ZWEITE Ü", "THIRD"]


def test_a_line_is_in_the_file_when_print_returns(tmp_path: Path) -> None:
    script = """
with OutputCapture(folder, "run"):
    print("a line")
    os.kill(os.getpid(), 9)
"""
    assert run(script, tmp_path).returncode == -9
    assert texts(tmp_path)[0] == "a line\n"


def test_output_is_utf8_whatever_the_locale(tmp_path: Path) -> None:
    script = """
with OutputCapture(folder, "run"):
    print("grüße 🌍 \\udcff")
print(sys.stdout.encoding, sys.stdout.errors, sys.stdout.line_buffering)
"""
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1:replace"}
    done = run(script, tmp_path, env=environment)
    assert texts(tmp_path)[0] == "grüße 🌍 \\udcff\n"
    assert done.stdout == "iso8859-1 replace False\n"


def test_a_second_capture_appends_to_the_same_files(tmp_path: Path) -> None:
    script = """
for text in ("one", "two"):
    with OutputCapture(folder, "run") as capture:
        begin = capture.starts
        print(text)
print(begin)
"""
    assert run(script, tmp_path).stdout == "(4, 0)\n"
    assert texts(tmp_path)[0] == "one\ntwo\n"


def test_captures_nest(tmp_path: Path) -> None:
    script = """
with OutputCapture(folder, "outer"):
    print("outer before")
    with OutputCapture(folder, "inner"):
        print("inner")
    print("outer after")
print("after")
"""
    done = run(script, tmp_path)
    assert done.stdout == "after\n"
    assert texts(tmp_path, "outer")[0] == "outer before\nouter after\n"
    assert texts(tmp_path, "inner")[0] == "inner\n"


@pytest.mark.parametrize("replaced", [False, True])
def test_captures_of_threads_may_end_in_any_order(tmp_path: Path, replaced: bool) -> None:
    script = """
import io
if len(sys.argv) > 2:
    sys.stdout = io.StringIO()
stdout, settings = sys.stdout, (sys.stdout.encoding, sys.stdout.errors, sys.stdout.line_buffering)
before = os.fstat(1).st_ino, os.fstat(2).st_ino, sorted(os.listdir("/proc/self/fd"))
captures = [OutputCapture(folder, key) for key in "abc"]
for capture in captures:
    capture.__enter__()
for place in (1, 0, 2):
    captures[place].__exit__(None, None, None)
    os.write(1, f"raw {place}\\n".encode())
assert sys.stdout is stdout
assert settings == (sys.stdout.encoding, sys.stdout.errors, sys.stdout.line_buffering)
assert before == (os.fstat(1).st_ino, os.fstat(2).st_ino, sorted(os.listdir("/proc/self/fd")))
"""
    done = run(script, tmp_path, *(["replaced"] if replaced else []))
    assert done.stderr == ""
    assert done.stdout == "raw 2\n"
    assert texts(tmp_path, "c")[0] == "raw 1\nraw 0\n"


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    script = """
def descriptors(): return {fd: os.readlink(f"/proc/self/fd/{fd}") for fd in range(100) if os.path.exists(f"/proc/self/fd/{fd}")}
before = descriptors()
for _ in range(3):
    with OutputCapture(folder, "run"): pass
assert descriptors() == before, (before, descriptors())
try:
    with OutputCapture(folder / "absent", "run"): pass
except FileNotFoundError:
    pass
(folder / "half.err").mkdir()
try:
    with OutputCapture(folder, "half"): pass
except IsADirectoryError:
    pass
assert descriptors() == before
print("still here")
"""
    done = run(script, tmp_path)
    assert (done.stdout, done.stderr) == ("still here\n", "")


@pytest.mark.parametrize(
    "ending",
    ["raise SystemExit(0)", "raise KeyboardInterrupt", "sys.stdout.close()", "sys.stdout = None", "os.close(1)"],
)
def test_output_is_led_back_whatever_happens(tmp_path: Path, ending: str) -> None:
    script = f"""
try:
    with OutputCapture(folder, "run") as capture:
        print("inside")
        {ending}
        capture.mark()
except BaseException as error:
    os.write(2, type(error).__name__.encode())
os.write(1, b"after")
"""
    done = run(script, tmp_path)
    assert done.stdout.endswith("after")
    assert texts(tmp_path)[0] == "inside\n"
    assert done.stderr in ("", "SystemExit", "KeyboardInterrupt")


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("mine")
    (tmp_path / "run.out").symlink_to(tmp_path / "victim")
    with pytest.raises(OSError, match="symbolic links"), OutputCapture(tmp_path, "run"):
        pass
    assert (tmp_path / "victim").read_text() == "mine"


@pytest.mark.parametrize("closed", [(1,), (2,), (0, 1, 2)])
def test_closed_descriptors_are_captured_and_closed_again(tmp_path: Path, closed: tuple[int, ...]) -> None:
    script = f"""
report = os.dup(1)
os.set_inheritable(report, False)
for fd in {closed}: os.close(fd)
with OutputCapture(folder, "run") as capture:
    os.write(1, b"out"); os.write(2, b"err")
    assert capture.mark() == (3, 3), capture.mark()
    assert (capture.original_stdout_fd is None) == (1 in {closed})
for fd in {closed}:
    try: os.fstat(fd)
    except OSError: continue
    os.write(report, b"open")
os.write(report, b"done"); os._exit(0)
"""
    done = run(script, tmp_path)
    assert (done.stdout, done.stderr) == ("done", "")
    assert texts(tmp_path) == ("out", "err")


def test_a_process_without_streams_is_captured(tmp_path: Path) -> None:
    """As under ``pythonw``: no objects and no descriptors."""
    script = """
report = os.dup(1)
for fd in (0, 1, 2): os.close(fd)
sys.stdout = sys.stderr = None
print("lost")
with OutputCapture(folder, "run") as capture:
    print("found"); print("found err", file=sys.stderr)
    capture.write_original("stdout", "nowhere")
assert sys.stdout is None and sys.stderr is None
os.write(report, b"done"); os._exit(0)
"""
    assert run(script, tmp_path).stdout == "done"
    assert texts(tmp_path) == ("found\n", "found err\n")


def test_a_forked_child_can_capture_into_files_of_its_own(tmp_path: Path) -> None:
    script = """
with OutputCapture(folder, "parent"):
    print("parent")
    if os.fork() == 0:
        with OutputCapture(folder, "child"):
            print("child")
        sys.stdout.flush(); os._exit(0)
    os.wait()
    print("parent again")
"""
    assert run(script, tmp_path).stderr == ""
    assert texts(tmp_path, "parent")[0] == "parent\nparent again\n"
    assert texts(tmp_path, "child")[0] == "child\n"


def test_the_files_can_be_read_by_their_owner_only(tmp_path: Path) -> None:
    with OutputCapture(tmp_path, "run"):
        pass
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


# --- streams that are not descriptors 1 and 2 -------------------------------------------------------------------------


def test_text_written_through_a_replaced_object_is_captured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print("before")
    with OutputCapture(tmp_path, "run") as capture:
        print("inside")
        print("inside err", file=sys.stderr)
        assert capture.mark() == (7, 11)
        capture.write_original("stdout", "shown\n")
    print("after")
    assert texts(tmp_path) == ("inside\n", "inside err\n")
    assert capsys.readouterr() == ("before\nshown\nafter\n", "")


def test_streams_of_notebooks_are_captured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Cell(io.TextIOBase):
        """Like the stream of a notebook: no file, no ``reconfigure``."""

        def __init__(self) -> None:
            self.texts: list[str] = []

        def write(self, text: str) -> int:
            self.texts.append(text)
            return len(text)

    cell = Cell()
    monkeypatch.setattr(sys, "stdout", cell)
    with OutputCapture(tmp_path, "run") as capture:
        print("inside")
        capture.write_original("stdout", "live")
    assert sys.stdout is cell
    assert cell.texts == ["live"]
    assert texts(tmp_path)[0] == "inside\n"


def test_user_code_may_redirect_inside(tmp_path: Path) -> None:
    buffer = io.StringIO()
    with OutputCapture(tmp_path, "run") as capture:
        with contextlib.redirect_stdout(buffer):
            print("mine")
            assert capture.mark() == (0, 0)
        print("captured")
    assert buffer.getvalue() == "mine\n"
    assert texts(tmp_path)[0] == "captured\n"


def test_a_stream_that_user_code_put_in_place_and_left_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = io.StringIO()
    monkeypatch.setattr(sys, "stdout", sys.stdout)  # put back after the test
    with OutputCapture(tmp_path, "run"):
        sys.stdout = buffer
    assert sys.stdout is buffer


def test_a_handler_made_inside_works_outside(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with OutputCapture(tmp_path, "run"):
        handler = logging.StreamHandler()
        handler.emit(logging.makeLogRecord({"msg": "inside"}))
    handler.emit(logging.makeLogRecord({"msg": "outside"}))
    assert texts(tmp_path)[1] == "inside\n"
    assert capfd.readouterr().err == "outside\n"


def test_output_of_threads_is_captured(tmp_path: Path) -> None:
    with OutputCapture(tmp_path, "run"):
        threads = [threading.Thread(target=print, args=(f"thread {number}",)) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(texts(tmp_path)[0].split()) == sorted([*map(str, range(20)), *["thread"] * 20])


def test_writing_to_an_original_whose_reader_has_gone_does_not_fail(tmp_path: Path) -> None:
    script = """
with OutputCapture(folder, "run") as capture:
    for _ in range(100):
        print("x" * 10_000)
        capture.write_original("stdout", "x" * 10_000)
    assert capture.original_stdout_fd is None
sys.stderr.write("done")
os._exit(0)
"""
    reader, writer = os.pipe()
    os.close(reader)
    script = (
        "import os, sys\nfrom pathlib import Path\nfrom weft.logs.capture import OutputCapture\nfolder = Path(sys.argv[1])\n"
        + script
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=writer, stderr=subprocess.PIPE
    ) as process:
        os.close(writer)
        assert process.communicate()[1] == b"done"
    assert len(texts(tmp_path)[0]) == 100 * 10_001
