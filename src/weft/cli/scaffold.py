"""``weft scaffold``: the first form of a component type, of a component, or of a definition in Python."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from weft.cli.components import type_named, types_here
from weft.cli.lazy_group import Commands
from weft.cli.options import verbose_option
from weft.components.documents import shown
from weft.components.project import find_project
from weft.components.scaffold import (
    DEFINITIONS,
    ScaffoldRequest,
    component_source,
    definition_source,
    scaffolder_of,
    snake_case,
    write_new,
)
from weft.errors import DefinitionError


@click.group("scaffold", cls=Commands)
def scaffold() -> None:
    """Begin a component type, a component, or a definition."""


@scaffold.command("component")
@click.argument("name")
@click.option("--model/--no-model", "with_model", default=True, help="Whether it takes attributes.")
@verbose_option
def component(name: str, with_model: bool) -> None:
    """Write a component type into the package "components" of the project."""
    if not name.isidentifier():
        raise DefinitionError(
            f'"{name}" is no name of a class.', code="WEFT-D588", fix="write it as in Python: DailyExport"
        )
    project = find_project(Path.cwd())
    package = project.components_folder
    if not (package / "__init__.py").exists():
        write_new(package / "__init__.py", "")
    file = package / f"{snake_case(name)}.py"
    write_new(file, component_source(name, with_model=with_model))
    click.echo(f"made {shown(file)}")
    click.echo(f"type: {project.components_module}.{file.stem}.{name}")


@scaffold.command("defs")
@click.argument("type_name", metavar="TYPE")
@click.argument("path")
@click.option("--format", "form", type=click.Choice(["yaml", "python"]), default="yaml", help="Of a component.")
@click.option("--params", metavar="JSON", help="What the scaffolder of the type takes; attributes by default.")
@verbose_option
def defs(type_name: str, path: str, form: str, params: str | None) -> None:
    """Begin a definition at PATH, from the folder of definitions.

    TYPE is asset, multi_asset, asset_check, job, schedule, sensor, resources, or a component type.
    """
    project = find_project(Path.cwd())
    place = project.defs_folder / path
    if not place.resolve().is_relative_to(project.defs_folder):
        raise DefinitionError(
            f"{path} is not below the folder of definitions.",
            code="WEFT-D589",
            facts={"folder of definitions": str(project.defs_folder)},
            fix="name a path in it",
        )
    if type_name in DEFINITIONS:
        file = place if place.suffix == ".py" else place.with_suffix(".py")
        if not file.stem.isidentifier():
            raise DefinitionError(
                f'"{file.stem}" is no name of a module.', code="WEFT-D590", fix="use letters, digits and _"
            )
        write_new(file, definition_source(type_name, file.stem))
        click.echo(f"made {shown(file)}")
        return
    found = type_named(type_name, types_here())
    request = ScaffoldRequest(
        type_name=found.name,
        target_path=place,
        scaffold_format=form,
        project_root=project.root,
        params=_params(params),
        component_type=found.cls,
    )
    scaffolder_of(found.cls).scaffold(request)
    click.echo(f"made {shown(place)}")


def _params(text: str | None) -> dict[str, Any]:
    try:
        found = json.loads(text) if text else {}
    except json.JSONDecodeError as error:
        raise DefinitionError(
            "--params is not JSON.",
            code="WEFT-D591",
            facts={"why": str(error)},
            fix="""write: --params '{"name": "value"}'""",
        ) from error
    if not isinstance(found, dict):
        raise DefinitionError(
            "--params is not an object.", code="WEFT-D592", fix="""write: --params '{"name": "value"}'"""
        )
    return found
