"""The page of the command line says what the commands are: each command has its section, each option and each field its mention."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from weft.cli.documents import (
    CheckAnswers,
    asset_details_document,
    asset_document,
    error_document,
    run_details_document,
)
from weft.cli.exit_codes import __doc__ as exit_code_table
from weft.cli.main import COMMANDS
from weft.model.assets import AssetCheckNode, AssetGraph, AssetNode
from weft.model.events import AssetCheckEvaluated, AssetMaterialized
from weft.model.failure import ErrorInfo
from weft.model.keys import AssetCheckKey, AssetKey
from weft.model.run import Run, RunStatus
from weft.model.step import Step, StepStatus

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "cli.md").read_text("utf-8")


def commands() -> Iterator[tuple[str, click.Command]]:
    for entry in COMMANDS:
        command = getattr(importlib.import_module(entry.module), entry.attribute)
        yield from with_inner(f"weft {entry.name}", command)


def with_inner(path: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from with_inner(f"{path} {name}", inner)


def section(title: str) -> str:
    found = re.search(rf"^(#+) {re.escape(title)}$(.*?)(?=^#|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"there is no section {title}"
    return found[2]


@pytest.mark.parametrize(("path", "command"), list(commands()), ids=[path for path, _ in commands()])
def test_every_command_has_its_section_and_every_option_its_mention(path: str, command: click.Command) -> None:
    section(path)
    # Shared options stand in the section for all commands; those of runs where assets are made.
    text = section(path) + section("weft asset materialize") + PAGE[: PAGE.index("## weft init")]
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert [name for name in parameter.opts if name not in text] == []


def test_every_exit_code_is_on_the_page() -> None:
    codes = re.findall(r"^(\d+) ", exit_code_table or "", re.MULTILINE)
    assert codes == re.findall(r"^\| (\d+) \|", section("Exit codes"), re.MULTILINE)


def test_every_field_is_on_the_page() -> None:
    key = AssetKey("a")
    error = ErrorInfo(message="", class_name="E")
    details = run_details_document(
        Run(id="r", job_name="j", status=RunStatus.FAILURE, created_at=0.0, error=error),
        [Step(run_id="r", key="s", status=StepStatus.FAILED)],
        [AssetMaterialized(asset_key=key)],
        [AssetCheckEvaluated(check_key=AssetCheckKey(key, "c"), passed=True)],
        None,
    )
    graph = AssetGraph([AssetNode(key=key)])
    checks = [CheckAnswers(AssetCheckNode(key=AssetCheckKey(key, "c")), ())]
    asset = asset_details_document(asset_document(graph[key], graph, None), None, None, None, checks)
    shapes = {
        "Run": details.keys() - {"steps", "materializations", "check_results", "logs"},
        "Run with details": details["steps"][0].keys() | details["check_results"][0].keys() | {"steps", "logs"},
        "Materialisation": details["materializations"][0].keys(),
        "Asset": asset_document(graph[key], graph, None).keys(),
        "weft asset show": (asset.keys() - asset_document(graph[key], graph, None).keys())
        | asset["check_states"][0].keys(),
        "Error": (error_document(error) or {}).keys(),
    }
    missing = {
        title: sorted(name for name in fields if f"`{name}`" not in section(title)) for title, fields in shapes.items()
    }
    assert {title: names for title, names in missing.items() if names} == {}
