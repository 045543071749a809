"""Imports go down only: the contract in ``.importlinter``, and proof that it catches what it should.

The linter reads source, it imports nothing. Because it cannot tell an import inside a function from one at the top of a module, the
laziness of the named exceptions (the façades) is checked here by reading the syntax tree.
"""

from __future__ import annotations

import ast
import configparser
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"
CONTRACT = ROOT / ".importlinter"

# What the façades reach up to.
ABOVE_DEFINITIONS = ("weft.execution", "weft.logs", "weft.runs", "weft.instance", "weft.cli", "weft.planning")

LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(sys.argv[1], no_cache=True, no_logo=True))"


def lint(source: Path) -> subprocess.CompletedProcess[str]:
    """Check the package ``weft`` below `source` against the contract of this repository."""
    return subprocess.run(
        [sys.executable, "-c", LINT, str(CONTRACT)],
        cwd=source,
        env={**os.environ, "PYTHONPATH": str(source), "NO_COLOR": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def contract(name: str, option: str) -> str:
    settings = configparser.ConfigParser()
    settings.read_string(CONTRACT.read_text("utf-8"))
    return settings[f"importlinter:contract:{name}"][option]


def package(folder: Path, modules: dict[str, str]) -> Path:
    """A package ``weft`` of these modules (dotted name below weft to source) beside those that the contract names one by one."""
    sources = {"errors": "", "instance": "", "storage.ports": "", "storage.sqlite": ""}
    sources |= {"storage.sql.tables": "", "storage.migrations.env": "", **modules}
    for importer, imported in re.findall(r"weft\.(\S+) -> weft\.(\S+)", contract("layers", "ignore_imports")):
        sources[importer] = f"{sources.get(importer, '')}\ndef facade():\n    import weft.{imported}"
        sources.setdefault(imported, "")
    for name, text in sources.items():
        file = folder.joinpath("weft", *name.split(".")).with_suffix(".py")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    for inner in (folder / "weft", *(path for path in (folder / "weft").rglob("*") if path.is_dir())):
        (inner / "__init__.py").touch()
    return folder


def modules() -> Iterator[tuple[str, ast.Module]]:
    for file in sorted(SOURCE.joinpath("weft").rglob("*.py")):
        parts = file.relative_to(SOURCE).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), ast.parse(file.read_text("utf-8"))


def imported_names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imports_on_load(node: ast.AST) -> Iterator[str]:
    """Names that loading the module imports: outside functions and outside ``if TYPE_CHECKING``."""
    for child in ast.iter_child_nodes(node):
        yield from imported_names(child)
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield from imports_on_load(child)


def is_in(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == one or name.startswith(one + ".") for one in packages)


def test_the_package_keeps_the_contract() -> None:
    result = lint(SOURCE)
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_package_that_keeps_the_layers_passes(tmp_path: Path) -> None:
    result = lint(
        package(
            tmp_path,
            {
                "model.run": "import weft.errors",
                "planning.queueing": "import weft.model.run",
                "storage.sql.runs": "import weft.storage.ports, weft.planning.queueing",
                "execution.step": "import weft.storage.ports, weft.planning.queueing, weft.logs.capture",
                "logs.capture": "import weft.model.run",
                "runs.in_process": "import weft.execution.step, weft.storage.memory",
                "storage.memory": "import weft.storage.ports",
                "instance": "import weft.storage.sql.runs, weft.execution.step",
                "cli.run": "import weft.instance",
            },
        )
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("errors", "model.run"),
        ("model.run", "planning.queueing"),
        ("config.schema", "definitions.job"),
        ("planning.queueing", "definitions.job"),
        ("definitions.job", "planning.queueing"),
        ("definitions.job", "runs.create"),
        ("planning.queueing", "storage.ports"),
        ("storage.ports", "storage.sql.runs"),
        ("storage.sql.runs", "storage.sqlite"),
        ("storage.sql.runs", "execution.step"),
        ("execution.step", "storage.sql.runs"),
        ("execution.step", "runs.create"),
        ("runs.create", "storage.sqlite"),
        ("storage.memory", "definitions.job"),
        ("logs.capture", "execution.step"),
        ("logs.capture", "storage.sqlite"),
        ("storage.memory", "logs.capture"),
        ("runs.create", "instance"),
        ("instance", "daemon.scheduler"),
        ("daemon.scheduler", "cli.run"),
        ("web.app", "cli.run"),
    ],
)
def test_an_import_that_goes_up_or_sideways_is_caught(tmp_path: Path, importer: str, imported: str) -> None:
    result = lint(package(tmp_path, {imported: "", importer: f"def late():\n    import weft.{imported}"}))
    assert result.returncode == 1, result.stdout + result.stderr
    assert f"weft.{importer} -> weft.{imported}" in result.stdout


def test_a_way_around_through_a_module_between_is_caught(tmp_path: Path) -> None:
    result = lint(
        package(tmp_path, {"model.run": "import weft.ids", "ids": "import weft.runs.create", "runs.create": ""})
    )
    assert result.returncode == 1, result.stdout + result.stderr


@pytest.mark.parametrize("newcomer", ["helpers", "storage.oracle"])
def test_a_package_without_a_place_in_the_contract_is_caught(tmp_path: Path, newcomer: str) -> None:
    result = lint(package(tmp_path, {newcomer: ""}))
    assert result.returncode == 1, result.stdout + result.stderr
    assert f"- weft.{newcomer}" in result.stdout


def test_storage_modules_with_a_place_in_storage_have_one_among_all_layers() -> None:
    # `storage` as a whole cannot be a layer of the first contract: its ports are further down than the rest.
    inner = set(re.findall(r"\((\w+)", contract("storage", "layers")))
    outer = set(re.findall(r"storage\.(\w+)", contract("layers", "layers")))
    assert inner == outer


def test_facades_of_definitions_import_upwards_only_when_called() -> None:
    found = {
        name: [target for target in imports_on_load(tree) if is_in(target, ABOVE_DEFINITIONS)]
        for name, tree in modules()
        if is_in(name, ("weft.definitions",))
    }
    assert found, "there is no package weft.definitions to look at"
    assert {name: targets for name, targets in found.items() if targets} == {}


def test_no_module_imports_the_public_facade() -> None:
    # `import weft.x` is fine; `from weft import asset` inside the package would make every module depend on all others.
    submodules = {name.removeprefix("weft.") for name, _ in modules()}
    found = [
        f"{name}: from weft import {alias.name}"
        for name, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "weft" and node.level == 0
        for alias in node.names
        if alias.name not in submodules
    ]
    assert found == []


def test_imports_are_absolute() -> None:
    # One form, so that a search for a module's name finds all who use it; the checks above rely on it.
    found = [
        f"{name}:{node.lineno}"
        for name, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level > 0
    ]
    assert found == []
