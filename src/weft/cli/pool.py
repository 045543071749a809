"""``weft pool``: list, show, set."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from weft.cli.columns import aligned
from weft.cli.documents import json_text
from weft.cli.lazy_group import Commands
from weft.cli.options import home_option, json_option, open_instance, verbose_option
from weft.cli.quantities import duration_text
from weft.cli.terminal import Terminal
from weft.errors import UsageError, did_you_mean
from weft.execution.slots import POOLS_TOPIC
from weft.model.live import Pool, PoolSlot
from weft.runs.worker import QUEUE_TOPIC

MOST_SLOTS = 1_000_000_000
"""Of a pool: databases store the number in 32 bits."""


@click.group(cls=Commands)
def pool() -> None:
    """Look at pools and set their limits.

    A pool is a name with a limit: so many steps that name it run at a time, over all runs.
    """


@pool.command("list")
@home_option
@json_option
@verbose_option
def list_command(home: str | None, as_json: bool) -> None:
    """List the pools that have a limit, or are used now."""
    instance = open_instance(home)
    pools = instance.pools.list()
    default = instance.settings.pools.default_limit
    if as_json:
        click.echo(json_text({"default_limit": default, "pools": [_document(one, default) for one in pools]}))
        return
    rows = [[one.name, _limit_text(one, default), str(len(one.holders)), str(len(one.waiters))] for one in pools]
    if not rows:
        click.echo(f"no pool has a limit or is used; those that have none get {_default_text(default)}")
        return
    for line in aligned(
        rows, header=["POOL", "LIMIT", "IN USE", "WAITING"], right=(1, 2, 3), terminal=Terminal(sys.stdout)
    ):
        click.echo(line)


@pool.command("show")
@click.argument("name", metavar="NAME")
@home_option
@json_option
@verbose_option
def show_command(name: str, home: str | None, as_json: bool) -> None:
    """Show who holds the slots of a pool, and who waits for one."""
    instance = open_instance(home)
    found = instance.pools.get(name)
    default = instance.settings.pools.default_limit
    if found is None:
        known = [one.name for one in instance.pools.list()]
        raise UsageError(
            f'the pool "{name}" has no limit, and nothing uses it.',
            code="WEFT-U085",
            facts={"pools": known},
            fix=did_you_mean(name, known, f"set a limit: weft pool set {name} 3"),
        )
    if as_json:
        click.echo(json_text(_document(found, default)))
        return
    click.echo(
        f"{found.name}: {len(found.holders)} in use, {len(found.waiters)} waiting, limit {_limit_text(found, default)}"
    )
    now = instance.clock.wall()
    rows = [*_rows("holds", found.holders, now), *_rows("waits", found.waiters, now)]
    header = ["", "FOR", "PRIORITY", "RUN", "STEP"]
    for line in aligned(rows, header=header, right=(1, 2), indent="  ", terminal=Terminal(sys.stdout)) if rows else ():
        click.echo(line)


@pool.command("set")
@click.argument("name", metavar="NAME")
@click.argument("limit", metavar="LIMIT")
@home_option
@json_option
@verbose_option
def set_command(name: str, limit: str, home: str | None, as_json: bool) -> None:
    """Set how many slots a pool has: a number, or "default" for what the settings say of pools.

    Slots that are taken stay taken where there are fewer than before; 0 lets nobody in.
    """
    if not name.strip():
        raise UsageError("a pool has a name.", code="WEFT-U087", fix="write it: weft pool set NAME LIMIT")
    number = None if limit.lower() == "default" else _number(limit)
    instance = open_instance(home)
    instance.pools.set_limit(name, number)
    # Runs may have waited for it, and steps.
    instance.wakeups.notify(QUEUE_TOPIC)
    instance.wakeups.notify(POOLS_TOPIC)
    default = instance.settings.pools.default_limit
    found = instance.pools.get(name) or Pool(name=name, limit=None)
    if as_json:
        click.echo(json_text(_document(found, default)))
    else:
        click.echo(f"the limit of {name} is {_limit_text(found, default)}")


def _number(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = -1
    if not 0 <= number <= MOST_SLOTS:
        raise UsageError(
            f'"{text}" is no limit of a pool.',
            code="WEFT-U086",
            fix=f'write a whole number from 0 to {MOST_SLOTS}, or "default"',
        )
    return number


def _limit_text(found: Pool, default: int | None) -> str:
    return str(found.limit) if found.limit is not None else f"{_default_text(default)} (default)"


def _default_text(default: int | None) -> str:
    return "no limit" if default is None else str(default)


def _rows(what: str, slots: Sequence[PoolSlot], now: float) -> list[list[str]]:
    return [[what, duration_text(now - one.since), str(one.priority), one.run_id, one.step_key] for one in slots]


def _document(found: Pool, default: int | None) -> dict[str, object]:
    return {
        "name": found.name,
        "limit": found.limit if found.limit is not None else default,
        "is_default": found.limit is None,
        "holders": [_slot(one) for one in found.holders],
        "waiters": [_slot(one) for one in found.waiters],
    }


def _slot(one: PoolSlot) -> dict[str, object]:
    return {"run": one.run_id, "step": one.step_key, "since": one.since, "priority": one.priority}
