"""``weft daemon``: run, status."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import click

from weft.cli.columns import aligned
from weft.cli.documents import json_text
from weft.cli.exit_codes import FAILED, SUCCESS
from weft.cli.lazy_group import Commands
from weft.cli.options import home_option, json_option, open_instance, verbose_option
from weft.cli.quantities import duration_text
from weft.cli.terminal import Terminal
from weft.daemon.presence import PREFIX, seems_alive
from weft.errors import StorageError, UsageError

HOME_SECONDS = 2.0
"""A daemon whose folder was deleted finds out within this time."""


@click.group(cls=Commands)
def daemon() -> None:
    """Let queued runs go, watch runs, repeat failed ones.

    Any number of daemons may serve an instance. Runs that have begun go on when a daemon ends.
    """


@daemon.command("run")
@home_option
@verbose_option
@click.pass_obj
def run_command(settings: Any, home: str | None) -> int:
    """Serve the instance until SIGTERM, SIGHUP or Ctrl-C."""
    from weft.daemon.daemon import Daemon
    from weft.storage.sqlite import FILE_NAME

    logging.basicConfig(
        stream=sys.stderr,
        level=logging.DEBUG if settings.verbose else logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    instance = open_instance(home)
    if instance.home is None:
        raise UsageError(
            "an instance in memory has nothing that a daemon could serve.",
            code="WEFT-U032",
            fix="name a folder: --home FOLDER, or export WEFT_HOME=FOLDER",
        )
    stopping = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # `nohup` ignores it, and means it
        signal.signal(signal.SIGHUP, stop)
    serving = Daemon(instance, instance.home)
    folder = os.open(instance.home, os.O_RDONLY)  # kept open, so that no other folder gets its number
    # Storage keeps this one open. It must not be opened and closed here: SQLite would lose its locks.
    database = instance.home / FILE_NAME if instance.settings.storage.url is None else None
    known = database.stat() if database is not None else None
    is_there = True
    with serving:
        click.echo(f"daemon {serving.id} serves {instance.home}")
        sys.stdout.flush()
        while is_there and not stopping.wait(HOME_SECONDS):
            is_there = _is_at(instance.home, os.fstat(folder)) and (
                database is None or known is None or _is_at(database, known)
            )
        if is_there:
            click.echo("ending; runs that have begun go on")
    if is_there:
        return SUCCESS
    raise StorageError(
        "the folder of the instance or its database was deleted, or another one is in its place.",
        code="WEFT-T057",
        facts={"home": str(instance.home)},
        fix="start the daemon again, for what is there now",
    )


def _is_at(path: Path, known: os.stat_result) -> bool:
    """Whether what is at that path is what was known there."""
    try:
        return os.path.samestat(path.stat(), known)
    except (FileNotFoundError, NotADirectoryError):
        return False


@daemon.command("status")
@home_option
@json_option
@verbose_option
def status_command(home: str | None, as_json: bool) -> int:
    """List the daemons of the instance. Exit code 1 if none is alive."""
    instance = open_instance(home)
    now = instance.clock.wall()
    leases = [lease for lease in instance.leases.list(PREFIX) if lease.holder is not None]
    daemons = [
        {
            "id": lease.name.removeprefix(PREFIX),
            "is_alive": seems_alive(lease, now),
            "started_at": lease.acquired_at,
            "heard_at": lease.beat_at,
        }
        for lease in leases
    ]
    any_alive = any(one["is_alive"] for one in daemons)
    if as_json:
        click.echo(json_text({"daemons": daemons}))
        return SUCCESS if any_alive else FAILED
    rows = [
        [
            lease.name.removeprefix(PREFIX),
            "alive" if seems_alive(lease, now) else "silent",
            f"{duration_text(max(0.0, now - lease.acquired_at))} ago",
            f"{duration_text(max(0.0, now - lease.beat_at))} ago",
        ]
        for lease in leases
    ]
    for line in aligned(rows, header=["DAEMON", "STATUS", "STARTED", "HEARD"], terminal=Terminal(sys.stdout)):
        click.echo(line)
    if not any_alive:
        click.echo("No daemon is alive. Start one with: weft daemon run")
    return SUCCESS if any_alive else FAILED
