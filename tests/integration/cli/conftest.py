"""The real command, run as a process in a folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any, NamedTuple

import pytest

WEFT = Path(sys.executable).parent / "weft"


class Done(NamedTuple):
    """A command that has ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)

    @property
    def json_lines(self) -> list[Any]:
        return [json.loads(line) for line in self.stdout.splitlines()]


class Weft:
    """Calls ``weft`` in `folder`; the instance is in the folder, too."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def environment(self, **changes: str) -> dict[str, str]:
        """As a user has it: nothing of this machine or of the test runner."""
        hidden = ("WEFT", "CI", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "PYTEST", "PYTHONPATH")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
        return {**kept, "TERM": "xterm-256color", "LANG": "C.UTF-8", "PYTHONUTF8": "1", **changes}

    def __call__(self, *arguments: str, code: int | None = 0, environment: Mapping[str, str] | None = None) -> Done:
        """Run a command to its end; `code` is what it must end with (None: anything)."""
        done = subprocess.run(
            [WEFT, *arguments],
            cwd=self.folder,
            env=self.environment(**(environment or {})),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        result = Done(done.returncode, done.stdout, done.stderr)
        assert code is None or result.code == code, f"exit code {result.code}\n{result.stdout}\n{result.stderr}"
        return result

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command; its stdout is a pipe."""
        return subprocess.Popen(
            [WEFT, *arguments],
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def write(self, **files: str) -> None:
        """Write Python files by the name of their module, such as ``defs=...``."""
        for name, text in files.items():
            (self.folder / f"{name}.py").write_text(dedent(text), "utf-8")

    def latest_run(self) -> dict[str, Any]:
        """The newest run."""
        run: dict[str, Any] = self("run", "list", "--limit", "1", "--json").json["runs"][0]
        return run


@pytest.fixture
def weft(tmp_path: Path) -> Weft:
    """A folder with a project file that names ``defs.py``."""
    (tmp_path / "pyproject.toml").write_text('[tool.weft]\nfile = "defs.py"\n', "utf-8")
    return Weft(tmp_path)


@pytest.fixture
def bare_weft(tmp_path: Path) -> Weft:
    """An empty folder."""
    return Weft(tmp_path)


@pytest.fixture
def wait_for() -> Callable[[subprocess.Popen[str], str], str]:
    """Reads the output of a process up to a line with a text; returns all that was read."""

    def wait(process: subprocess.Popen[str], text: str) -> str:
        assert process.stdout is not None
        seen = ""
        for line in process.stdout:
            seen += line
            if text in line:
                return seen
        raise AssertionError(f"{text!r} never came:\n{seen}\n{process.stderr.read() if process.stderr else ''}")

    return wait
