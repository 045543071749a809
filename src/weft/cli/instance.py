"""``weft instance``: info, migrate."""

from __future__ import annotations

from pathlib import Path

import click

from weft._version import __version__
from weft.cli.columns import aligned
from weft.cli.documents import json_text
from weft.cli.lazy_group import Commands
from weft.cli.options import home_option, json_option, open_instance, verbose_option


@click.group(cls=Commands)
def instance() -> None:
    """Look at the instance and migrate its storage."""


@instance.command("info")
@home_option
@json_option
@verbose_option
def info(home: str | None, as_json: bool) -> None:
    """Show where the instance is, what it stores in, and how many runs it has."""
    opened = open_instance(home)
    facts = dict(opened.describe())
    runs = opened.runs.count()
    if as_json:
        document = {name.replace(" ", "_"): fact for name, fact in facts.items()}
        click.echo(json_text({"weft": __version__, **document, "runs": runs}))
        return
    for line in aligned([("weft", __version__), *facts.items(), ("runs", str(runs))]):
        click.echo(line)


@instance.command("migrate")
@home_option
@json_option
@verbose_option
def migrate(home: str | None, as_json: bool) -> None:
    """Bring the storage to the newest schema. Stop everything that uses the instance first, and make a backup."""
    from weft.instance import find_home
    from weft.storage.migrations.upgrade import migrate as upgrade

    folder = Path(home).expanduser().resolve() if home is not None else find_home()
    done = upgrade(folder)
    if as_json:
        document = {"home": str(folder), "from": done.from_revision, "to": done.to_revision}
        click.echo(json_text(document))
    elif done.from_revision == done.to_revision:
        click.echo(f"{folder} has the newest schema already: {done.to_revision}")
    else:
        click.echo(f"migrated {folder} from {done.from_revision or 'nothing'} to {done.to_revision}")
