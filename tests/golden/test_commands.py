"""What commands print after a mistake, word by word, exit code included.

Each file in ``commands`` is a project, ``shop.py``; run as a program it runs commands on itself. Beside it stands what is seen then.
``WEFT_UPDATE_GOLDEN=1 pytest tests/golden`` writes these texts anew: read the difference as a puzzled user before you keep it. A text names a code, a
place or a name, and a fix, and is short.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.golden.playback import OUTPUT, PROGRAM

ROOT = Path(__file__).resolve().parents[2]
CASES = Path(__file__).with_name("commands")
NAMES = sorted(path.stem for path in CASES.glob("*.py"))
UPDATE = os.environ.get("WEFT_UPDATE_GOLDEN") == "1"
MOST_LINES = 14

# The user's own exception is theirs: no code of weft belongs there.
OWN_EXCEPTIONS = {"step_raises", "failure_with_metadata"}

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="cases are played in forks")

# A code and all that stands further in below it.
PROBLEM = re.compile(r"^( *)WEFT-[A-Z]\d{3}  .*(?:\n\1  .*)*", re.MULTILINE)
NAME = re.compile(r"\w\.(py|yaml|ipynb)\b|\"[^\"]+\"|'[^']+'|/\w+|--\w+|<project>|<run id>|^  selected  ", re.MULTILINE)
VARYING = [
    (re.compile(r"\b\d\d:\d\d:\d\d\b"), "<clock>"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"), "<run id>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?"), "<time>"),
    # Columns are as wide as their widest figure.
    (re.compile(r" +\d+(\.\d+)? ?(us|µs|ms|s)\b"), " <duration>"),
    (re.compile(r" at 0x[0-9a-f]+"), " at 0x..."),
    (re.compile(r"\S*/bin/python[\d.]*"), "<python>"),
    (re.compile(r"\(\d+ frames? of weft folded\)"), "(<n> frames of weft folded)"),
    (re.compile(r"\bpid \d+"), "pid <pid>"),
    (re.compile(r"\bprocess \d+"), "process <pid>"),
]


class Player:
    """The process that plays cases."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.golden.playback"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def play(self, folder: Path, environment: dict[str, str]) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"folder": str(folder), "environment": environment}) + "\n")
        self._process.stdin.flush()
        return int(json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        self._process.communicate(timeout=30)


@pytest.fixture(scope="module")
def player() -> Iterator[Player]:
    player = Player()
    yield player
    player.close()


def shown(player: Player, name: str, tmp_path: Path) -> str:
    """What the program of a case shows, without what differs from run to run."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / PROGRAM).write_text((CASES / f"{name}.py").read_text("utf-8"), "utf-8")
    environment = {
        "HOME": str(tmp_path),
        "PATH": os.environ.get("PATH", ""),
        "WEFT_HOME": str(folder / "home"),
        "LANG": "C.UTF-8",
        "COLUMNS": "120",
        "TZ": "UTC",
    }
    player.play(folder, environment)
    text = (folder / OUTPUT).read_text("utf-8")
    for place, word in (
        (folder, "<project>"),
        (tmp_path, "<tmp>"),
        (ROOT / "src" / "weft", "<weft>"),
        (ROOT, "<root>"),
    ):
        text = text.replace(str(place), word)
    for pattern, word in VARYING:
        text = pattern.sub(word, text)
    return "\n".join(line.rstrip() for line in text.splitlines()).strip() + "\n"


@pytest.mark.parametrize("name", NAMES)
def test_a_mistake_is_told_in_the_words_that_were_read(name: str, player: Player, tmp_path: Path) -> None:
    text = shown(player, name, tmp_path)
    stored = CASES / f"{name}.txt"
    if UPDATE:
        stored.write_text(text, "utf-8")
    assert stored.exists(), f"no text is stored yet; write it with WEFT_UPDATE_GOLDEN=1. It is:\n{text}"
    assert text == stored.read_text("utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_a_text_names_a_code_a_place_or_name_and_a_fix_and_is_short(name: str) -> None:
    text = (CASES / f"{name}.txt").read_text("utf-8")
    assert "WEFT-Z" not in text, "an internal error is no answer to a mistake"
    problems = [found[0] for found in PROBLEM.finditer(text)]
    if name in OWN_EXCEPTIONS:
        assert problems == []
        assert f"{PROGRAM}:" in text
        return
    assert problems, "no code"
    for problem in problems:
        assert NAME.search(problem), "neither a place nor a name"
        assert re.search(r"^ +fix  ", problem, re.MULTILINE), "no fix"
        assert len(problem.splitlines()) <= MOST_LINES, "too long to be read"


def test_every_text_belongs_to_a_case() -> None:
    assert sorted(path.stem for path in CASES.glob("*.txt")) == NAMES


def test_every_case_says_which_mistake_it_is() -> None:
    silent = [name for name in NAMES if not (CASES / f"{name}.py").read_text("utf-8").startswith('"""')]
    assert silent == []
