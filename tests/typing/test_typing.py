"""What type checkers say of users' code: nothing of what is right, and something at every line that is wrong.

Decorators keep the signature of what they decorate, settings are checked by name and type. `good` holds programs that must pass; in `bad` each wrong line
ends in ``# error: <fragment of the message>``, and no other line may be reported.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

_EXPECTED = re.compile(r"# error: (.+)$")
_REPORTED = re.compile(r"^(.+?):(\d+): error: (.+)$")

FOLLOWS_FROM_ANOTHER = "Untyped decorator makes function"
"""What mypy adds to a line whose decorator it has refused already."""


def _mypy(folder: str, cache: Path) -> subprocess.CompletedProcess[str]:
    """One process for all files of a folder, with the settings of the project but not its list of packages."""
    settings = cache / "mypy.ini"
    settings.write_text("[mypy]\nstrict = True\npython_version = 3.10\n")
    return subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", settings, "--cache-dir", cache, "--no-error-summary"]
        + [str(file.relative_to(ROOT)) for file in sorted((HERE / folder).glob("*.py"))],
        cwd=ROOT,
        env={**os.environ, "MYPYPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(autouse=True)
def _is_there() -> None:
    pytest.importorskip("mypy")


def test_right_programs_are_accepted(tmp_path: Path) -> None:
    answer = _mypy("good", tmp_path)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_every_mistake_is_reported_at_its_line_and_nothing_else(tmp_path: Path) -> None:
    expected = {
        (str(file.relative_to(ROOT)), number): found[1].strip()
        for file in sorted((HERE / "bad").glob("*.py"))
        for number, line in enumerate(file.read_text().splitlines(), start=1)
        if (found := _EXPECTED.search(line))
    }
    answer = _mypy("bad", tmp_path)
    reported: dict[tuple[str, int], list[str]] = {}
    for line in answer.stdout.splitlines():
        found = _REPORTED.match(line)
        if found and FOLLOWS_FROM_ANOTHER not in found[3]:
            reported.setdefault((found[1], int(found[2])), []).append(found[3])
    assert expected, "there is nothing to check"
    assert reported.keys() == expected.keys(), answer.stdout + answer.stderr
    for place, fragment in expected.items():
        assert any(fragment in text for text in reported[place]), (place, fragment, reported[place])


EXAMPLES = ("automation", "configuration", "dynamic_graphs", "partitions", "testing")
"""Projects whose every line is typed as users would type it."""


@pytest.mark.parametrize("example", EXAMPLES)
def test_mypy_accepts_the_example(example: str, tmp_path: Path) -> None:
    settings = tmp_path / "mypy.ini"
    settings.write_text("[mypy]\nstrict = True\npython_version = 3.10\nignore_missing_imports = True\n")
    answer = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", settings, "--cache-dir", tmp_path, "."],
        cwd=ROOT / "examples" / example,
        env={**os.environ, "MYPYPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_pyright_accepts_the_examples_and_the_right_programs(tmp_path: Path) -> None:
    pytest.importorskip("basedpyright", reason="basedpyright is not installed")
    checked = [*(ROOT / "examples" / example for example in EXAMPLES), HERE / "good"]
    settings = {
        "typeCheckingMode": "standard",
        "pythonVersion": "3.10",
        "include": [str(folder) for folder in checked],
        "extraPaths": [str(ROOT / "src")],
        # Each example is a project of its own.
        "executionEnvironments": [{"root": str(folder), "extraPaths": [str(ROOT / "src")]} for folder in checked],
    }
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    answer = subprocess.run(
        [
            sys.executable,
            "-m",
            "basedpyright",
            "--project",
            tmp_path / "pyrightconfig.json",
            "--pythonpath",
            sys.executable,
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
