"""Every example loads, and its demonstration prints what it is about."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
WEFT = Path(sys.executable).parent / "weft"

SAID = {
    "automation": ["08:00 request model ['2024-02-29']", "08:00 request morning_report []"],
    "configuration": ["rows in the database: 8"],
    "dynamic_graphs": ["words: {'one': 1, 'three': 1, 'two': 3}", "'the file is empty'"],
    "existing_code": ["made: ['numbers', 'summary']"],
    "external_processes": ["report_of_the_shell: 3 orders, 32.5"],
    "partitions": ["9 partitions of 540 are of that day", "total of the day:", "a week: 2024-01-01 to 2024-01-08"],
}


@pytest.fixture
def example(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of an example, so that nothing is left in the repository."""
    ignored = shutil.ignore_patterns("__pycache__", ".weft", "output")
    return Path(shutil.copytree(EXAMPLES / request.param, tmp_path / request.param, ignore=ignored))


def run(*command: str | Path, folder: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("WEFT", "PYTEST"))}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("example", sorted(SAID), indirect=True)
def test_a_demonstration_says_what_it_is_about(example: Path) -> None:
    printed = run(sys.executable, "demo.py", folder=example)
    for line in SAID[example.name]:
        assert line in printed


@pytest.mark.parametrize("example", [*sorted(SAID), "testing"], indirect=True)
def test_its_definitions_hold_together(example: Path) -> None:
    run(WEFT, "check", "-f", "definitions.py", folder=example)


@pytest.mark.parametrize("example", ["testing"], indirect=True)
def test_the_tests_of_an_example_pass(example: Path) -> None:
    assert "5 passed" in run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", ".", folder=example)


def test_every_example_is_tested() -> None:
    folders = {path.name for path in EXAMPLES.iterdir() if (path / "definitions.py").is_file()}
    assert folders == {*SAID, "testing"}
