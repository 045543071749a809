"""What a control plane uses holds data only: nothing there unpickles, evaluates, or imports by a name that comes from data."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "weft"
FILES = [
    *(path for name in ("model", "planning", "storage", "logs") for path in sorted((PACKAGE / name).rglob("*.py"))),
    *(PACKAGE / name for name in ("clock.py", "errors.py", "ids.py", "config/run_config.py", "config/validation.py")),
]
MODULES = frozenset({"cloudpickle", "dill", "importlib", "marshal", "pickle", "runpy", "shelve", "subprocess"})
CALLS = frozenset({"__import__", "compile", "eval", "exec"})


def found_in(tree: ast.AST) -> list[str]:
    found = []
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
            found.append(f"line {node.lineno}: {node.func.id}()")
        found += [f"line {node.lineno}: {name}" for name in names if name.partition(".")[0] in MODULES]  # type: ignore[attr-defined]  # both kinds of import have one
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_is_unpickled_evaluated_or_imported_by_name(path: Path) -> None:
    assert found_in(ast.parse(path.read_text("utf-8"))) == []


def test_the_check_finds_what_it_looks_for() -> None:
    source = "import pickle\nfrom importlib import import_module\neval('1')\n"
    assert len(found_in(ast.parse(source))) == 3
