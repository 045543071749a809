"""Code that imports another package's name gets weft, where that package is not installed; and only there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = """
import dagster as dg
from dagster import AssetKey, Definitions, DagsterInstance, asset, define_asset_job
from dagster._core.definitions.asset_spec import AssetSpec


@asset
def orders():
    return [1, 2]


@dg.asset(deps=[orders])
def total(context: dg.AssetExecutionContext) -> int:
    context.log.info("adding")
    return 3


defs = Definitions(assets=[orders, total], jobs=[define_asset_job("all_of_it")])
"""


def python(code: str, folder: Path, *, path: Path | None = None) -> str:
    """What a fresh interpreter prints."""
    import os

    environment = {**os.environ, "WEFT_HOME": str(folder / "home")}
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(PROJECT)
    return tmp_path


def test_existing_code_runs_after_one_import(project: Path) -> None:
    code = (
        "import weft.compat.dagster.auto, shop, dagster; "
        "result = dagster.materialize([shop.orders, shop.total], instance=dagster.DagsterInstance.ephemeral()); "
        "print(result.success, result.asset_value('total'), type(shop.orders).__module__.split('.')[0])"
    )
    assert python(code, project) == "True 3 weft"


def test_the_command_line_loads_existing_code(project: Path) -> None:
    weft = Path(sys.executable).parent / "weft"
    done = subprocess.run(
        [weft, "asset", "materialize", "-f", "shop.py", "--select", "*"],
        check=False,
        cwd=project,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_real_package_wins(project: Path) -> None:
    real = project / "site" / "dagster"
    real.mkdir(parents=True)
    (real / "__init__.py").write_text("asset = 'the real one'")
    code = "import weft.compat.dagster.auto; from dagster import asset; print(asset)"
    assert python(code, project, path=project / "site") == "the real one"
    code = "import weft.compat.dagster.auto, importlib.util; import dagster; print(importlib.util.find_spec('dagster._core'))"
    assert python(code, project, path=project / "site") == "None"


def test_without_it_the_name_is_not_there(project: Path) -> None:
    code = "import weft, importlib.util; print(importlib.util.find_spec('dagster'))"
    assert python(code, project) == "None"


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("from dagster import assett", "did you mean 'asset'?"),
        ("from dagster import MetadataEntry", 'write metadata={"label": value}'),
        ("from dagster import StepLauncher", "start the process outside"),
        ("import dagster; dagster.assett", "did you mean 'asset'?"),
        ("from dagster import Zebra", "the parity page"),
    ],
)
def test_a_name_that_is_not_here_says_what_to_use(project: Path, statement: str, said: str) -> None:
    code = f"""
import weft.compat.dagster.auto
try:
    exec({statement!r})
except (ImportError, AttributeError) as error:
    print(type(error).__name__, error)
"""
    printed = python(code, project)
    assert said in printed
    assert printed.startswith("AttributeError" if statement.startswith("import") else "ImportError")


def test_errors_are_caught_by_the_names_that_existing_code_uses(project: Path) -> None:
    code = """
import weft.compat.dagster.auto
from dagster import DagsterInvalidDefinitionError, DagsterInvariantViolationError, asset, multi_asset
try:
    @asset(name="not a name")
    def bad(): ...
except DagsterInvalidDefinitionError as error:
    print("caught")
try:
    raise DagsterInvariantViolationError("mine")
except DagsterInvariantViolationError as error:
    print(str(error))
"""
    assert python(code, project).splitlines()[0] == "caught"


def test_every_public_name_is_in_the_list(project: Path) -> None:
    code = "import weft.compat.dagster.auto; from dagster import *; print(asset.__name__, Definitions.__name__)"
    assert python(code, project) == "asset Definitions"


def test_a_project_names_the_plugin_for_its_tests(project: Path) -> None:
    (project / "conftest.py").write_text('pytest_plugins = ["weft.compat.dagster.pytest_plugin"]\n')
    (project / "test_shop.py").write_text("import shop\n\n\ndef test_it():\n    assert shop.orders() == [1, 2]\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_shop.py"]
    done = subprocess.run(command, check=False, cwd=project, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
