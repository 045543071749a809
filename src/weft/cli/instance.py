"""``weft instance``: info, migrate, config."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from weft._version import __version__
from weft.cli.columns import aligned
from weft.cli.documents import json_text
from weft.cli.lazy_group import Commands
from weft.cli.options import home_option, json_option, open_instance, verbose_option
from weft.cli.terminal import Terminal
from weft.config.instance_settings import settings_files


@click.group(cls=Commands)
def instance() -> None:
    """Look at the instance and its settings, migrate its storage."""


@instance.command("info")
@home_option
@json_option
@verbose_option
def info(home: str | None, as_json: bool) -> None:
    """Show where the instance is, what it stores in, and how many runs it has."""
    opened = open_instance(home)
    facts = dict(opened.describe())
    files = settings_files(opened.home) if opened.home is not None else []
    facts["settings"] = str(files[0]) if files else "none"
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
    from weft.storage.migrations.upgrade import migrate_address

    folder = Path(home).expanduser().resolve() if home is not None else find_home()
    address = None
    if settings_files(folder):
        from weft.config.instance_file import find_settings

        address = find_settings(folder).settings.storage.url
    done = migrate_address(folder if address is None else address, base=folder)
    if as_json:
        document = {"home": str(folder), "from": done.from_revision, "to": done.to_revision}
        click.echo(json_text(document))
    elif done.from_revision == done.to_revision:
        click.echo(f"{folder} has the newest schema already: {done.to_revision}")
    else:
        click.echo(f"migrated {folder} from {done.from_revision or 'nothing'} to {done.to_revision}")


@instance.command("copy")
@click.option(
    "--to",
    "address",
    required=True,
    envvar="WEFT_COPY_TO",
    metavar="ADDRESS",
    help="Where to: an empty database. It holds a password? Give it in the environment, as WEFT_COPY_TO.",
)
@click.option("--force", is_flag=True, help="Also while runs are going on; they end as lost in the copy.")
@home_option
@json_option
@verbose_option
def copy(address: str, force: bool, home: str | None, as_json: bool) -> None:
    """Copy the storage to another database: runs, events, assets, all with their ids.

    Stop everything that uses the instance first. A copy that was interrupted goes on when it is asked for again. Captured output and stored values are
    files, and stay where they are.
    """
    from weft.storage.copying import copy_storage
    from weft.storage.opening import open_storage

    shows_progress = Terminal(sys.stderr).is_interactive and not as_json

    def show(table: str, rows: int) -> None:
        click.echo(f"\r{table}: {rows} rows\x1b[K", err=True, nl=False)

    opened = open_instance(home)
    target = open_storage(address)
    try:
        done = copy_storage(opened.storage, target, force=force, progress=show if shows_progress else None)
        place = target.describe()["place"]
    finally:
        target.close()
        if shows_progress:
            click.echo("\r\x1b[K", err=True, nl=False)
    rows = sum(done.rows.values())
    if as_json:
        click.echo(json_text({"to": place, "rows": dict(done.rows), "resumed": done.is_resumed}))
        return
    click.echo(f"copied {rows} rows of {len(done.rows)} tables to {place}, and counted them")
    click.echo("to use it, name its address in the settings: storage: {url: ...}")


@instance.group("config", cls=Commands)
def config() -> None:
    """Settings of the instance."""


@config.command("explain")
@home_option
@json_option
@verbose_option
def explain(home: str | None, as_json: bool) -> None:
    """Show every setting, its value and where that comes from, secrets hidden. Nothing is opened.

    Of a dagster.yaml it also shows what became of each of its settings.
    """
    from weft.config.instance_file import find_settings
    from weft.instance import find_home

    folder = Path(home).expanduser().resolve() if home is not None else find_home()
    found = find_settings(folder)
    shown = list(found.shown())
    if as_json:
        document = {
            "home": str(folder),
            "file": None if found.file is None else str(found.file),
            "passed_over": None if found.passed_over is None else str(found.passed_over),
            "settings": {one.path: {"value": one.value, "from": one.origin} for one in shown},
            "notes": [
                {"setting": note.path, "at": note.where, "becomes": note.becomes, "why": note.why or None}
                for note in found.notes
            ],
        }
        click.echo(json_text(document))
        return
    terminal = Terminal(sys.stdout)
    click.echo(f"home      {folder}")
    click.echo(f"settings  {found.file or 'no file: the defaults hold'}")
    if found.passed_over is not None:
        click.echo(f"not read  {found.passed_over}")
    click.echo("")
    rows = [[one.path, _value_text(one.value), one.origin] for one in shown]
    for line in aligned(rows, header=["SETTING", "VALUE", "FROM"], terminal=terminal):
        click.echo(line)
    if found.notes:
        click.echo("")
        notes = [[note.where, note.path, note.becomes or f"passed over: {note.why}"] for note in found.notes]
        for line in aligned(notes, header=["AT", "IN THE FILE", "HERE"], terminal=terminal):
            click.echo(line)


def _value_text(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json_text(value, indent=False) if isinstance(value, (list, dict)) else str(value).lower()
