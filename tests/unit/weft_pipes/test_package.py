"""The package as a whole: it has no dependencies, and its page is true."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import weft_pipes

FOLDER = Path(weft_pipes.__file__).parent


def test_it_imports_nothing_but_the_standard_library() -> None:
    imported = set()
    for file in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {name.name.partition(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(str(node.module).partition(".")[0])

    assert imported - sys.stdlib_module_names == {"weft_pipes"}


def test_it_is_written_in_the_syntax_of_the_oldest_python_that_it_promises() -> None:
    for file in FOLDER.glob("*.py"):
        ast.parse(file.read_text("utf-8"), feature_version=(3, 8))


def test_every_public_name_is_there() -> None:
    assert all(hasattr(weft_pipes, name) for name in weft_pipes.__all__)


def test_the_example_of_its_page_runs_outside_of_an_orchestrator() -> None:
    page = (FOLDER.parents[1] / "README.md").read_text("utf-8")
    [example] = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)

    done = subprocess.run(
        [sys.executable, "-c", example],
        cwd=FOLDER.parent,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "not started by an orchestrator" in done.stderr
    assert done.returncode == 0, done.stderr
