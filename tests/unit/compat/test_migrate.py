"""Existing code becomes code of weft: imports, names and keywords, followed by what they are bound to."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from weft.compat.dagster.migrate import migrated


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("import dagster as dg\ndg.asset\n", "import weft as dg\ndg.asset\n"),
        ("import dagster as dg\ndg.DagsterInstance.get()\n", "import weft as dg\ndg.Instance.get()\n"),
        ("import dagster\n@dagster.asset\ndef a(): ...\n", "import weft\n@weft.asset\ndef a(): ...\n"),
        ("from dagster import asset, op\n", "from weft import asset, op\n"),
        (
            "from dagster import (\n    asset,  # why\n    op,\n)\n",
            "from weft import (\n    asset,  # why\n    op,\n)\n",
        ),
        (
            "from dagster import DagsterInstance\ni = DagsterInstance.get()\n",
            "from weft import Instance\ni = Instance.get()\n",
        ),
        (
            "from dagster import DagsterRun\nRun = 1\nr: DagsterRun\n",
            "from weft import Run as DagsterRun\nRun = 1\nr: DagsterRun\n",
        ),
        ("from dagster import DagsterRun as R\nr: R\n", "from weft import Run as R\nr: R\n"),
        ("from dagster._core.definitions import AssetKey\n", "from weft import AssetKey\n"),
        ("from dagster import List, asset\n", "from typing import List\nfrom weft import asset\n"),
        ("from dagster import solid\n", "from weft.compat.legacy import solid\n"),
        ("from dagster import In\nIn(dagster_type=int)\n", "from weft import In\nIn(value_type=int)\n"),
        ("from dagster_duckdb import DuckDBResource\n", "from weft.integrations.duckdb import DuckDBResource\n"),
        # What only looks like it.
        (
            "def f(dagster):\n    return dagster.DagsterInstance\n",
            "def f(dagster):\n    return dagster.DagsterInstance\n",
        ),
        (
            "from elsewhere import DagsterRun\nDagsterRun()\n# dagster\n",
            "from elsewhere import DagsterRun\nDagsterRun()\n# dagster\n",
        ),
        ("from .dagster import asset\n", "from .dagster import asset\n"),
        ('tags = {"dagster/priority": "1"}\n', 'tags = {"dagster/priority": "1"}\n'),
    ],
)
def test_a_file_is_rewritten(before: str, after: str) -> None:
    found = migrated(before)
    assert found.text == after
    assert found.remarks == ()
    ast.parse(found.text)


def test_what_has_no_counterpart_stays_and_is_remarked() -> None:
    found = migrated("import dagster\nfrom dagster import MetadataEntry, asset\n\ndagster.StepLauncher\ndagster.op\n")
    assert found.text == (
        "import weft, dagster\nfrom dagster import MetadataEntry\nfrom weft import asset\n\ndagster.StepLauncher\nweft.op\n"
    )
    assert [(one.line, one.text.split(":")[0]) for one in found.remarks] == [(2, "MetadataEntry"), (4, "StepLauncher")]


def test_a_second_rewriting_changes_nothing() -> None:
    once = migrated("from dagster import DagsterInstance, List\nx: List = DagsterInstance\n").text
    assert migrated(once).text == once


def weft(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = Path(sys.executable).parent / "weft"
    return subprocess.run([command, *arguments], cwd=folder, capture_output=True, text=True, check=False)


def test_the_command_shows_a_diff_and_writes_when_told(tmp_path: Path) -> None:
    file = tmp_path / "shop.py"
    file.write_text("from dagster import asset\n")
    (tmp_path / "broken.py").write_text("def dagster(:\n")
    shown = weft("migrate", ".", folder=tmp_path)
    assert "-from dagster import asset\n+from weft import asset" in shown.stdout
    assert "broken.py" in shown.stderr
    assert "1 file would change" in shown.stderr
    assert file.read_text() == "from dagster import asset\n"
    said = json.loads(weft("migrate", "--write", "--json", "shop.py", folder=tmp_path).stdout)
    assert said == {"written": True, "files": [{"file": "shop.py", "changed": True, "remarks": []}]}
    assert file.read_text() == "from weft import asset\n"
    gone = weft("migrate", "nothing", folder=tmp_path)
    assert gone.returncode == 2
    assert "WEFT-U070" in gone.stderr


def test_the_command_leaves_what_is_linked_from_elsewhere_alone(tmp_path: Path) -> None:
    text = "from dagster import asset\n"
    elsewhere, project = tmp_path / "elsewhere", tmp_path / "project"
    for folder in (elsewhere, project, project / "folder.py"):
        folder.mkdir()
    (elsewhere / "library.py").write_text(text)
    (project / "own.py").write_text(text)
    (project / "linked.py").symlink_to(elsewhere / "library.py")
    (project / "linked").symlink_to(elsewhere)
    (project / "gone.py").symlink_to(tmp_path / "nothing.py")
    said = json.loads(weft("migrate", "--write", "--json", "project", folder=tmp_path).stdout)
    assert [one["file"] for one in said["files"]] == ["project/own.py"]
    assert (elsewhere / "library.py").read_text() == text
    assert (project / "linked.py").is_symlink()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from dagster import DagsterInstance\n__all__ = ['DagsterInstance']\n",
         "from weft import Instance as DagsterInstance\n__all__ = ['DagsterInstance']\n"),
        ("from dagster import DagsterInstance\ndef f(x: 'DagsterInstance | None'): return DagsterInstance\n",
         "from weft import Instance as DagsterInstance\ndef f(x: 'DagsterInstance | None'): return DagsterInstance\n"),
        ("import dagster as dg\ndef f(x: 'dg.DagsterInstance'): pass\n",
         "import weft as dg\ndef f(x: 'dg.Instance'): pass\n"),
        ("from dagster import *\n@asset\ndef a(): return DagsterInstance.get()\n",
         "from weft import Instance as DagsterInstance, asset\n@asset\ndef a(): return DagsterInstance.get()\n"),
    ],
)  # fmt: skip
def test_names_in_texts_and_behind_a_star_go_on_to_mean_the_same(before: str, after: str) -> None:
    assert migrated(before).text == after


def test_texts_that_name_the_package_and_star_imports_are_remarked() -> None:
    found = migrated(
        'from dagster import *\nload("dagster.DagsterInstance")\nRunsFilter(tags={"dagster/partition": "a"})\n'
    )

    assert [remark.line for remark in found.remarks] == [1, 2]


def test_filters_that_translated_their_arguments_are_remarked() -> None:
    [remark] = migrated("from dagster import RunsFilter\nRunsFilter(statuses=[])\n").remarks

    assert (remark.line, "tuples" in remark.text) == (2, True)


def test_the_command_keeps_the_encoding_that_a_file_declares(tmp_path: Path) -> None:
    file = tmp_path / "old.py"
    file.write_bytes(b'# -*- coding: latin-1 -*-\r\nfrom dagster import asset\r\nx = "\xe9"\r\n')
    weft("migrate", "--write", "old.py", folder=tmp_path)

    assert file.read_bytes() == b'# -*- coding: latin-1 -*-\r\nfrom weft import asset\r\nx = "\xe9"\r\n'


def test_a_star_import_for_others_stays() -> None:
    found = migrated("from dagster import *\n")

    assert found.text == "from dagster import *\n"
    assert len(found.remarks) == 1
