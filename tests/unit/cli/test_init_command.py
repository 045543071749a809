"""The starter project: names, and texts that fit together."""

from __future__ import annotations

import ast
import keyword
import sys

import pytest
from hypothesis import given, strategies as st

from weft.cli.init_command import package_name, starter_files


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("shop", "shop"),
        ("My Shop!", "my_shop"),
        ("2024-report", "project_2024_report"),
        ("json", "json_project"),
        ("weft", "weft_project"),
        ("tests", "tests_project"),
        ("class", "class_project"),
        ("日本", "project"),
        ("", "project"),
    ],
)
def test_a_project_gets_a_package_that_hides_nothing(name: str, package: str) -> None:
    assert package_name(name) == package


@given(st.text(max_size=20))
def test_every_name_gives_a_package_that_can_be_imported(name: str) -> None:
    package = package_name(name)
    assert package.isidentifier()
    assert not keyword.iskeyword(package)
    assert package not in sys.stdlib_module_names


def test_the_files_are_python_and_name_the_package() -> None:
    files = starter_files("My Shop")
    assert {"pyproject.toml", "README.md", ".gitignore", "my_shop/definitions.py"} <= set(files)
    assert 'module = "my_shop.definitions"' in files["pyproject.toml"]
    for path, text in files.items():
        assert "__package__" not in path + text
        assert "__project__" not in path + text
        if path.endswith(".py"):
            assert ast.get_docstring(ast.parse(text))
