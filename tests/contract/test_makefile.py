"""The recipes of the Makefile name only what is there, and every target that the documents name is one."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
TARGETS = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)[1].split()
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")]
# A path of the repository in a command: with a slash, and no option, variable or pattern.
PATH = re.compile(r"(?<![\w./*$=-])((?:\.ci|\.venv|benchmarks|docs|examples|src|tests)/[\w./-]*\w)")
SCRIPTS = sorted(path for path in (ROOT / ".ci").iterdir() if path.suffix != ".txt")

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="GNU make is not installed")


def recipe(target: str) -> str:
    """The commands of a target, not run."""
    done = subprocess.run(
        ["make", "--no-print-directory", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("target", ["demo", "test", "check", "bench"])
def test_recipes_name_only_what_exists(target: str) -> None:
    commands = recipe(target)
    named = set(PATH.findall(commands))

    assert named, commands
    assert [path for path in sorted(named) if not is_there(path)] == []


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_scripts_name_only_what_exists(script: Path) -> None:
    lines = [line for line in script.read_text("utf-8").splitlines() if not line.lstrip().startswith("#")]
    named = set(PATH.findall("\n".join(lines)))

    assert [path for path in sorted(named) if not is_there(path) and not path.startswith(".venv/")] == []


def is_there(path: str) -> bool:
    # The environment that the tests run in need not be that of the Makefile.
    if path.startswith(".venv/bin/"):
        return (Path(sys.executable).parent / Path(path).name).exists()
    return (ROOT / path).exists()


@pytest.mark.parametrize("target", ["demo", "test", "check", "bench"])
def test_recipes_install_groups_that_are_declared(target: str) -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]

    [groups] = re.findall(r"^\.ci/environment (.*)$", recipe(target), re.MULTILINE)

    assert set(groups.split()) <= declared.keys()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_documents_name_only_targets_that_exist(page: Path) -> None:
    named = re.findall(r"(?:^|`)make ([a-z]+)", page.read_text("utf-8"), re.MULTILINE)

    assert [target for target in named if target not in TARGETS] == []


def test_every_target_is_explained() -> None:
    explained = re.findall(r"^#   make (\w+) ", MAKEFILE, re.MULTILINE)

    assert sorted([*explained, "help"]) == sorted(TARGETS)
