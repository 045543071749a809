from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.unit.components.sandbox import project

from weft.cli.main import run


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    tree = project(tmp_path, a_py="from weft import asset\n@asset\ndef orders(): ...\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WEFT_HOME", str(tmp_path / "home"))
    return tree.project.defs_folder


@pytest.mark.parametrize("kind", ["asset", "multi_asset", "job", "schedule", "sensor", "resources"])
def test_what_is_begun_loads_as_it_is(kind: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["scaffold", "defs", kind, f"inner/{kind}_one"]) == 0
    assert run(["list", "defs"]) == 0
    assert f"{kind}_one" in capsys.readouterr().out
    assert run(["scaffold", "defs", kind, f"inner/{kind}_one"]) == 2
    assert "WEFT-L059" in capsys.readouterr().err


def test_a_component_type_is_begun_listed_used_and_checked(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["scaffold", "component", "DailyExport"]) == 0
    name = f"{here.parent.name}.components.daily_export.DailyExport"
    assert run(["list", "components", "--json"]) == 0
    assert name in capsys.readouterr().out
    assert run(["scaffold", "defs", name, "exports"]) == 0
    assert run(["scaffold", "defs", "DailyExport", "other", "--format", "python"]) == 0
    text = (here / "exports" / "defs.yaml").read_text()
    schema = here / "exports" / text.splitlines()[0].partition("$schema=")[2]
    assert json.loads(schema.read_text())["properties"]["type"] == {"const": name}
    assert run(["check", "yaml"]) == 0
    assert run(["check"]) == 0
    capsys.readouterr()
    assert run(["components", "schema", "DailyExprt"]) == 2
    assert "WEFT-L027" in capsys.readouterr().err


def test_documents_are_checked_with_what_they_require(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "s").mkdir()
    (here / "s" / "defs.yaml").write_text(
        "type: weft.PythonScriptComponent\n"
        "attributes: {execution: {path: \"{{ env('WEFT_A', 'x') }}\"}}\nrequirements: {env: [WEFT_B]}\n"
    )
    assert run(["check", "yaml", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["documents"] == 1
    assert run(["check", "yaml", "--validate-requirements", str(here / "s"), "--json"]) == 2
    codes = [problem["code"] for problem in json.loads(capsys.readouterr().out)["problems"]]
    assert codes == ["WEFT-L028", "WEFT-L029"]


def test_states_are_refreshed_by_key(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tests.unit.components.test_state import WAREHOUSE

    (here / "w").mkdir()
    (here / "w" / "w.py").write_text(WAREHOUSE)
    (here / "w" / "defs.yaml").write_text("type: .w.Warehouse\nattributes: {tables: [t]}\n")
    assert run(["components", "refresh-state", "--key", "Warehouse[w]", "--json"]) == 0
    assert [state["key"] for state in json.loads(capsys.readouterr().out)["states"]] == ["Warehouse[w]"]
    assert run(["list", "defs"]) == 0
    assert "t" in capsys.readouterr().out.split()
    assert run(["components", "refresh-state", "--key", "Warehouse"]) == 2


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["scaffold", "component", "a-b"], "WEFT-D588"),
        (["scaffold", "defs", "asset", "../../x"], "WEFT-D589"),
        (["scaffold", "defs", "asset", "a-b"], "WEFT-D590"),
        (["scaffold", "defs", "weft.PythonScriptComponent", "x", "--params", "{"], "WEFT-D591"),
        (["scaffold", "defs", "weft.PythonScriptComponent", "x", "--params", "[]"], "WEFT-D592"),
    ],
)
def test_wrong_uses_are_told(arguments: list[str], code: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    assert code in capsys.readouterr().err


def test_a_layout_of_another_tool_is_understood(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = here.parent.parent
    (root / "pyproject.toml").write_text(f'[tool.dg.project]\nroot_module = "{here.parent.name}"\n')
    assert run(["list", "defs"]) == 0
    assert "orders" in capsys.readouterr().out
