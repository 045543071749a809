"""``weft list``: what is defined, and which component types there are."""

from __future__ import annotations

from pathlib import Path

import click

from weft.cli.columns import aligned
from weft.cli.documents import json_text
from weft.cli.lazy_group import Commands
from weft.cli.options import TargetOptions, json_option, target_options, verbose_option
from weft.definitions.tick_source import ANONYMOUS_JOB_PREFIX


@click.group("list", cls=Commands)
def list_() -> None:
    """List definitions and component types."""


@list_.command("defs")
@target_options
@json_option
@verbose_option
def defs(target: TargetOptions, as_json: bool) -> None:
    """List everything that is defined, by kind."""
    repository = target.load().repository
    document = {
        "assets": [node.key.to_user_string() for node in repository.graph if not node.is_stub],
        "asset_checks": [key.to_user_string() for key in repository.graph.checks],
        "jobs": [name for name in repository.jobs if not name.startswith(ANONYMOUS_JOB_PREFIX)],
        "schedules": list(repository.schedules),
        "sensors": list(repository.sensors),
        "resources": list(repository.resource_defs),
    }
    if as_json:
        click.echo(json_text(document))
        return
    for kind, names in document.items():
        for name in sorted(names):
            click.echo(f"{kind.removesuffix('s'):<12}  {name}")


@list_.command("components")
@json_option
@verbose_option
def components(as_json: bool) -> None:
    """List the component types that documents of this project can name."""
    from weft.components.project import find_project
    from weft.components.tree import ComponentTree
    from weft.components.types import known_types
    from weft.errors import LoadError

    try:
        project = ComponentTree(find_project(Path.cwd())).project
    except LoadError:
        project = None  # outside a project: those that are installed
    found = known_types(project)
    if as_json:
        document = [
            {
                "type": one.name,
                "summary": one.summary,
                "owners": list(one.cls.get_spec().owners),
                "tags": list(one.cls.get_spec().tags),
            }
            for one in found
        ]
        click.echo(json_text({"components": document}))
        return
    for line in aligned([(one.name, one.summary) for one in found]):
        click.echo(line)
