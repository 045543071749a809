from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from weft.logs.capture import OutputCapture, Stream
from weft.logs.live import LiveTail


class Reader:
    """Collects what a tail hands on, and can be waited for."""

    def __init__(self) -> None:
        self.texts: dict[Stream, str] = {"stdout": "", "stderr": ""}
        self._changed = threading.Condition()

    def __call__(self, stream: Stream, text: str) -> None:
        with self._changed:
            self.texts[stream] += text
            self._changed.notify_all()

    def wait_for(self, stream: Stream, text: str) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: text in self.texts[stream], 30)


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def test_what_is_printed_is_seen_while_the_step_runs(tmp_path: Path) -> None:
    reader = Reader()
    with OutputCapture(tmp_path, "run") as capture, LiveTail.of(capture, reader):
        print("first")
        assert reader.wait_for("stdout", "first\n")
        print("second", file=sys.stderr)
        assert reader.wait_for("stderr", "second\n")


def test_a_poke_is_enough_to_look(tmp_path: Path) -> None:
    reader = Reader()
    path = tmp_path / "f"
    path.touch()
    tail = LiveTail(reader, poll_seconds=3600)
    tail.follow("stdout", path)
    with tail:
        append(path, b"text")
        tail.poke()
        assert reader.wait_for("stdout", "text")


def test_catching_up_hands_on_what_was_written_before_it_returns(tmp_path: Path) -> None:
    reader = Reader()
    path = tmp_path / "f"
    path.touch()
    tail = LiveTail(reader, poll_seconds=3600)
    tail.follow("stdout", path)
    with tail:
        for number in range(100):
            append(path, b"%d\n" % number)
            tail.catch_up()
            assert reader.texts["stdout"].endswith(f"{number}\n")
    assert reader.texts["stdout"] == "".join(f"{number}\n" for number in range(100))


def test_stopping_hands_on_everything_that_was_written(tmp_path: Path) -> None:
    reader = Reader()
    with OutputCapture(tmp_path, "run") as capture:
        with LiveTail.of(capture, reader, poll_seconds=3600):
            for number in range(50_000):
                print(number)
            capture.mark()
    assert reader.texts["stdout"] == "".join(f"{number}\n" for number in range(50_000))


def test_a_tail_begins_where_its_capture_began(tmp_path: Path) -> None:
    append(tmp_path / "run.out", b"of an earlier attempt\n")
    reader = Reader()
    with OutputCapture(tmp_path, "run") as capture:
        print("before the tail")
        with LiveTail.of(capture, reader):
            print("now")
    assert reader.texts["stdout"] == "before the tail\nnow\n"


def test_files_may_come_later_and_be_many(tmp_path: Path) -> None:
    reader = Reader()
    with LiveTail(reader) as tail:
        tail.follow("stdout", tmp_path / "a")
        tail.follow("stdout", tmp_path / "b", start=3)
        append(tmp_path / "a", b"from a")
        assert reader.wait_for("stdout", "from a")
        append(tmp_path / "b", b"no,from b")
        assert reader.wait_for("stdout", "from b")
    assert "no," not in reader.texts["stdout"]


@given(
    data=st.binary(max_size=200) | st.text(max_size=80).map(str.encode), cuts=st.lists(st.integers(0, 200), max_size=8)
)
@settings(deadline=None, max_examples=50)
def test_characters_are_whole_however_their_bytes_arrive(
    data: bytes, cuts: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("tail") / "f"
    path.touch()
    texts: list[str] = []
    tail = LiveTail(lambda _, text: texts.append(text))
    tail.follow("stdout", path)
    bounds = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    for start, end in zip(bounds, bounds[1:], strict=False):
        append(path, data[start:end])
        tail._hand_on()
    with tail:
        pass
    assert "".join(texts) == data.decode("utf-8", "replace")


def test_an_error_of_the_reader_is_raised_by_stop(tmp_path: Path) -> None:
    append(tmp_path / "f", b"text")
    tail = LiveTail(lambda *_: 1 // 0)  # type: ignore[arg-type, return-value]  # never returns
    tail.follow("stdout", tmp_path / "f")
    tail.start()
    with pytest.raises(ZeroDivisionError):
        tail.stop()
    tail.stop()


def test_without_a_reader_it_shows_where_the_process_wrote_before(tmp_path: Path) -> None:
    script = """
import subprocess, sys
from pathlib import Path
from weft.logs.capture import OutputCapture
from weft.logs.live import LiveTail
with OutputCapture(Path(sys.argv[1]), "run") as capture, LiveTail.of(capture):
    print("grüße"); print("err", file=sys.stderr)
    subprocess.run(["sh", "-c", "printf 'child\\\\377'"], check=True)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, encoding="utf-8", check=False
    )
    assert (done.stdout, done.stderr) == ("grüße\nchild\N{REPLACEMENT CHARACTER}", "err\n")
    assert (tmp_path / "run.out").read_bytes() == "grüße\nchild".encode() + b"\xff"


def test_a_file_can_have_a_reader_of_its_own_and_be_left(tmp_path: Path) -> None:
    common, own = Reader(), Reader()
    path = tmp_path / "step.out"
    append(path, b"first\n")
    with LiveTail(common, poll_seconds=3600) as tail:
        tail.follow("stdout", path, on_text=own)
        append(path, b"second \xc3")
        assert tail.leave(path) == len(b"first\nsecond ") + 1
        append(path, b"\xa4 after\n")
        tail.catch_up()
    assert own.texts["stdout"] == "first\nsecond \N{REPLACEMENT CHARACTER}"
    assert common.texts["stdout"] == ""


def test_a_file_that_was_left_is_followed_on_from_there(tmp_path: Path) -> None:
    reader = Reader()
    path = tmp_path / "step.out"
    append(path, b"one\n")
    with LiveTail(reader, poll_seconds=3600) as tail:
        tail.follow("stdout", path)
        position = tail.leave(path)
        append(path, b"two\n")
        tail.follow("stdout", path, start=position)
    assert reader.texts["stdout"] == "one\ntwo\n"
