"""``weft components``: schemas for editors, and the state of components that keep one."""

from __future__ import annotations

from pathlib import Path

import click

from weft.cli.documents import json_text
from weft.cli.lazy_group import Commands
from weft.cli.options import json_option, verbose_option
from weft.components.component import ComponentLoadContext
from weft.components.project import find_project
from weft.components.schema import document_schema
from weft.components.state import DefsStateStorage, StateBackedComponent, state_storage
from weft.components.tree import ComponentTree
from weft.components.types import FoundType, known_types
from weft.errors import LoadError, did_you_mean, some_of


@click.group("components", cls=Commands)
def components() -> None:
    """Schemas and state of components."""


@components.command("schema")
@click.argument("type_name", metavar="[TYPE]", required=False)
@verbose_option
def schema(type_name: str | None) -> None:
    """Print the JSON schema of defs.yaml, for editors: of one component type, or of all."""
    found = types_here()
    if type_name is not None:
        one = type_named(type_name, found)
        click.echo(json_text(document_schema(one.name, one.cls)))
        return
    # Each schema keeps its own definitions: names may be used twice.
    choices = [{"$id": f"weft:{one.name}", **document_schema(one.name, one.cls)} for one in found]
    click.echo(json_text({"anyOf": choices}))


@components.command("refresh-state")
@click.option("--key", "keys", multiple=True, metavar="KEY", help="Only this state; may be repeated.")
@json_option
@verbose_option
def refresh_state(keys: tuple[str, ...], as_json: bool) -> None:
    """Look outside again for components that keep a state, and keep what was seen."""
    tree = ComponentTree.for_project(Path.cwd())
    tree.get_all_components()  # reports what is wrong
    storage = state_storage(tree.project.root)
    wanted: dict[str, tuple[StateBackedComponent, ComponentLoadContext]] = {}
    for declared in tree.all_declared():
        if isinstance(declared.component, StateBackedComponent):
            key = declared.component.get_defs_state_config(declared.context).key
            wanted.setdefault(key, (declared.component, declared.context))
    unknown = [key for key in keys if key not in wanted]
    if unknown:
        raise LoadError(
            f'no component keeps a state under "{unknown[0]}".',
            code="WEFT-L026",
            facts={"keys": some_of(wanted)},
            fix=did_you_mean(unknown[0], wanted, "leave --key out to refresh all"),
        )
    done = {key: _refreshed(*wanted[key], storage) for key in wanted if not keys or key in keys}
    if as_json:
        click.echo(json_text({"states": [{"key": key, "version": version} for key, version in done.items()]}))
        return
    for key, version in done.items():
        click.echo(f"{key}  version {version}")
    if not done:
        click.echo("no component keeps a state")


def _refreshed(component: StateBackedComponent, context: ComponentLoadContext, storage: DefsStateStorage) -> str:
    return component.refresh_state(context, storage)


def types_here() -> list[FoundType]:
    """The component types of the project, or the installed ones outside of one."""
    try:
        project = ComponentTree(find_project(Path.cwd())).project
    except LoadError:
        return known_types(None)
    return known_types(project)


def type_named(name: str, found: list[FoundType]) -> FoundType:
    """The type of that name; the class alone is enough where only one has it."""
    fitting = [one for one in found if one.name == name] or [
        one for one in found if one.name.rpartition(".")[2] == name
    ]
    if len(fitting) == 1:
        return fitting[0]
    names = [one.name for one in found]
    raise LoadError(
        f'there is no component type "{name}".' if not fitting else f'several component types are named "{name}".',
        code="WEFT-L027",
        facts={"component types": some_of(names)},
        fix=did_you_mean(name, names, "weft list components shows all"),
    )
