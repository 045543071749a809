"""``weft queue``: list, explain."""

from __future__ import annotations

import sys

import click

from weft.cli.columns import aligned
from weft.cli.documents import json_text
from weft.cli.lazy_group import Commands
from weft.cli.options import home_option, json_option, open_instance, verbose_option
from weft.cli.quantities import count_text, duration_text, local_time_text
from weft.cli.run_ids import find_run
from weft.cli.terminal import Terminal
from weft.daemon.presence import is_served
from weft.instance import Instance
from weft.model.live import LiveRun
from weft.planning.queueing import Waiting, explain
from weft.runs.submit import queue_limits

# How far an explanation counts who is in front.
_MOST_AHEAD = 1000


@click.group(cls=Commands)
def queue() -> None:
    """Look at the runs that wait, and why they wait."""


@queue.command("list")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="How many, the next first.")
@home_option
@json_option
@verbose_option
def list_command(limit: int, home: str | None, as_json: bool) -> None:
    """List the runs that wait, in the order of their going, with what each waits for."""
    instance = open_instance(home)
    waiting = instance.queue.queued(limit=limit)
    active = len(instance.queue.active())
    most = instance.settings.queue.max_concurrent_runs
    told = _explained(instance, waiting)
    if as_json:
        runs = [_document(live, why) for live, why in zip(waiting, told, strict=True)]
        click.echo(json_text({"max_concurrent_runs": most, "active": active, "runs": runs}))
        return
    click.echo(f"{count_text(active, 'run')} going on" + ("" if most is None else f", of at most {most}"))
    now = instance.clock.wall()
    rows = [
        [
            live.run_id,
            str(live.priority),
            duration_text(now - live.enqueued_at),
            why.reasons[0] + (f" (and {len(why.reasons) - 1} more)" if len(why.reasons) > 1 else ""),
        ]
        for live, why in zip(waiting, told, strict=True)
    ]
    header = ["RUN", "PRIORITY", "FOR", "WAITS BECAUSE"]
    for line in aligned(rows, header=header, right=(1, 2), terminal=Terminal(sys.stdout)) if rows else ():
        click.echo(line)
    if not rows:
        click.echo("no run waits")


@queue.command("explain")
@click.argument("run_id", metavar="RUN_ID")
@home_option
@json_option
@verbose_option
def explain_command(run_id: str, home: str | None, as_json: bool) -> None:
    """Say why a run waits, with all that holds it back."""
    instance = open_instance(home)
    run = find_run(instance.runs, run_id)
    live = instance.queue.get(run.id)
    if live is None or not live.is_queued:
        if as_json:
            click.echo(json_text({"id": run.id, "is_queued": False, "status": run.status.value}))
        else:
            click.echo(f"run {run.id} does not wait: it is {run.status.value.lower()}")
        return
    ahead = [other.run_id for other in instance.queue.queued(limit=_MOST_AHEAD)]
    place = ahead.index(run.id) if run.id in ahead else None
    why = explain(
        live,
        instance.queue.view(),
        queue_limits(instance.settings),
        ahead=place,
        has_daemon=is_served(instance),
    )
    if as_json:
        click.echo(json_text(_document(live, why)))
        return
    position = f"number {why.position}" if why.position is not None else f"behind {_MOST_AHEAD} others"
    click.echo(
        f"run {run.id} waits since {local_time_text(live.enqueued_at)}, {position} in the queue, priority {live.priority}"
    )
    for reason in why.reasons:
        click.echo(f"  {reason}")


def _explained(instance: Instance, waiting: tuple[LiveRun, ...]) -> list[Waiting]:
    """Why each of the first runs of the queue waits, from one look at it."""
    if not waiting:
        return []
    view, limits, has_daemon = instance.queue.view(), queue_limits(instance.settings), is_served(instance)
    return [explain(live, view, limits, ahead=place, has_daemon=has_daemon) for place, live in enumerate(waiting)]


def _document(live: LiveRun, why: Waiting) -> dict[str, object]:
    return {
        "id": live.run_id,
        "is_queued": True,
        "position": why.position,
        "priority": live.priority,
        "enqueued_at": live.enqueued_at,
        "reasons": list(why.reasons),
    }
