"""Where definitions are: what pyproject.toml may say, and what is wrong with what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from weft.codeserver.target import FileTarget, ModuleTarget, find_project_target
from weft.errors import LoadError


def project(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(text, "utf-8")
    return folder


def refused(folder: Path) -> LoadError:
    with pytest.raises(LoadError) as caught:
        find_project_target(folder)
    return caught.value


def test_a_module_is_looked_up_from_the_folder_of_the_project(tmp_path: Path) -> None:
    folder = project(tmp_path / "shop", '[tool.weft]\nmodule = "shop.definitions"\nattribute = "defs"')
    target = ModuleTarget(module="shop.definitions", attribute="defs", working_directory=folder)
    assert find_project_target(folder) == target
    assert str(target) == "shop.definitions:defs"


def test_a_file_and_a_working_directory_are_relative_to_the_project(tmp_path: Path) -> None:
    folder = project(tmp_path / "shop", '[tool.weft]\nfile = "code/defs.py"\nworking_directory = "code"')
    target = find_project_target(folder)
    assert target == FileTarget(file=folder / "code/defs.py", working_directory=folder / "code")
    assert str(target) == str(folder / "code/defs.py")


def test_the_project_is_found_from_a_folder_inside_it_past_projects_that_are_not_for_weft(tmp_path: Path) -> None:
    outer = project(tmp_path, '[tool.weft]\nmodule = "outer"')
    inner = project(tmp_path / "library", '[project]\nname = "library"')
    (inner / "deep").mkdir()
    assert find_project_target(inner / "deep") == ModuleTarget(module="outer", working_directory=outer)


def test_the_nearest_project_for_weft_wins(tmp_path: Path) -> None:
    project(tmp_path, '[tool.weft]\nmodule = "outer"')
    inner = project(tmp_path / "inner", '[tool.weft]\nmodule = "inner"')
    assert find_project_target(inner) == ModuleTarget(module="inner", working_directory=inner)


def test_a_project_written_for_dagster_is_understood(tmp_path: Path) -> None:
    folder = project(tmp_path, '[tool.dagster]\nmodule_name = "shop"\ncode_location_name = "shop"')
    assert find_project_target(folder) == ModuleTarget(module="shop", working_directory=folder)


def test_without_a_project_both_ways_to_name_one_are_offered(tmp_path: Path) -> None:
    project(tmp_path, '[tool.other]\nmodule = "x"')
    error = refused(tmp_path)
    assert error.code == "WEFT-L008"
    assert str(tmp_path / "pyproject.toml") in str(error.facts["without it"])
    assert "-f FILE" in str(error.fix)
    assert "weft init" in str(error.fix)


def test_a_file_that_is_not_toml_is_named_with_the_place(tmp_path: Path) -> None:
    error = refused(project(tmp_path, "[tool.weft\nmodule = 1"))
    assert error.code == "WEFT-L009"
    assert error.facts["file"] == str(tmp_path / "pyproject.toml")
    assert "line 1" in str(error.facts["why"])


@pytest.mark.parametrize(
    ("table", "sentences"),
    [
        ("[tool.weft]", ["[tool.weft] names neither a module nor a file."]),
        ('[tool.weft]\nmodule = "a"\nfile = "b.py"', ["[tool.weft] names both a module and a file."]),
        (
            '[tool.weft]\nmodul = "a"\nfile = 1',
            ['"modul" is not a setting of [tool.weft].', '"file" is 1, not a text.'],
        ),
        ('[tool.weft]\nmodule = ""', ["\"module\" is '', not a text."]),
        ('[tool]\nweft = "shop"', ["tool.weft is not a table."]),
    ],
)
def test_every_problem_of_the_table_is_reported(tmp_path: Path, table: str, sentences: list[str]) -> None:
    error = refused(project(tmp_path, table))
    assert [problem.what for problem in error.problems] == sentences
    assert {problem.code for problem in error.problems} == {"WEFT-L010"}


def test_a_misspelt_setting_gets_its_nearest_name(tmp_path: Path) -> None:
    assert 'did you mean "module"?' in str(refused(project(tmp_path, '[tool.weft]\nmodul = "a"')).fix)
