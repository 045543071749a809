"""On a real (pseudo) terminal: the tree moves, and what must stay stays."""

from __future__ import annotations

import os
import re
import struct
import sys

import pytest
from tests.integration.cli.conftest import WEFT, Weft

pty = pytest.importorskip("pty")
fcntl = pytest.importorskip("fcntl")
termios = pytest.importorskip("termios")

DEFS = """
from pathlib import Path
from weft import DynamicOut, DynamicOutput, graph, job, op

def wait_for(name):
    while not Path(name).exists():
        pass

@op(out=DynamicOut())
def split():
    yield DynamicOutput(1, "one")
    yield DynamicOutput(2, "two")

@op
def double(context, number):
    context.log.info("doubling %d", number)
    if number == 2:
        print("printed by two", flush=True)
        wait_for("go")
    return number * 2

@op
def total(numbers):
    return sum(numbers)

@graph
def inner():
    return total(split().map(double).collect())

@op
def show(result):
    raise ValueError(f"no more than {result}")

@job
def nightly():
    show(inner())
"""


WRONG_LINE = next(number for number, line in enumerate(DEFS.splitlines(), 1) if "raise ValueError" in line)


class Screen:
    """A command on a pseudo terminal of 100 by 30."""

    def __init__(self, weft: Weft, *arguments: str, **environment: str) -> None:
        self.text = ""
        self._pid, self._fd = pty.fork()
        if self._pid == 0:  # the child: a terminal is its controlling one
            os.chdir(weft.folder)
            os.execve(WEFT, [str(WEFT), *arguments], weft.environment(**environment))
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))

    def wait_for(self, pattern: str) -> None:
        while not re.search(pattern, self.text):
            # The tree is drawn again and again: what does not come soon never comes.
            assert len(self.text) < 5_000_000, f"{pattern!r} never came:\n{self.text[-5000:]}"
            assert self._read(), f"{pattern!r} never came:\n{self.text}"

    def finish(self) -> int:
        while self._read():
            pass
        os.close(self._fd)
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])

    def _read(self) -> bool:
        try:
            data = os.read(self._fd, 65536)
        except OSError:  # Linux says so when the other end is closed
            return False
        self.text += data.decode("utf-8", "replace")
        return bool(data)


def without_styles(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r", "")


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo terminals")
def test_the_tree_moves_and_its_last_state_stays(weft: Weft) -> None:
    weft.write(defs=DEFS)
    screen = Screen(weft, "job", "execute", "nightly")
    # While it runs: the copy that waits is seen running, with its latest line.
    screen.wait_for("printed by two")
    screen.wait_for(r"\[two\].{0,40}running.{0,60}printed by two")
    (weft.folder / "go").touch()
    assert screen.finish() == 1
    assert "\x1b[?25l" in screen.text, "the cursor is hidden while the tree moves"
    assert screen.text.rindex("\x1b[?25h") > screen.text.rindex("\x1b[?25l")
    last = without_styles(screen.text[screen.text.rindex("\x1b[?25h") :])
    rows = [line.split() for line in last.splitlines()]
    assert ["├─", "✓", "split", "succeeded"] in [row[:4] for row in rows]
    assert ["│", "├─", "✓", "[one]", "succeeded"] in [row[:5] for row in rows]
    assert ["│", "└─", "✓", "[two]", "succeeded"] in [row[:5] for row in rows]
    assert ["✗", "show", "failed"] in [row[:3] for row in rows]
    assert "4 of 4" in last
    assert "next" in last
    everything = without_styles(screen.text)
    assert "double[two] | printed by two" in everything
    assert f"defs.py:{WRONG_LINE}: ValueError: no more than 6" in everything


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo terminals")
def test_no_color_takes_the_colours_away_and_leaves_the_tree(weft: Weft) -> None:
    weft.write(defs=DEFS)
    (weft.folder / "go").touch()
    screen = Screen(weft, "job", "execute", "nightly", NO_COLOR="1")
    assert screen.finish() == 1
    assert "├─ ✓ split" in screen.text
    assert re.findall(r"\x1b\[(?:3[0-7]|9[0-7])m", screen.text) == []


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo terminals")
@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"CI": "true"}])
def test_a_terminal_that_cannot_move_gets_plain_lines(weft: Weft, environment: dict[str, str]) -> None:
    weft.write(defs=DEFS)
    (weft.folder / "go").touch()
    screen = Screen(weft, "job", "execute", "nightly", **environment)
    assert screen.finish() == 1
    assert "\x1b" not in screen.text
    assert "inner.double[two]  succeeded" in screen.text
