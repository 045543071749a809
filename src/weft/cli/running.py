"""Carrying a prepared run out in this process: shown while it goes on, summed up at its end, its result as an exit code."""

from __future__ import annotations

import shlex
import sys

import click
from msgspec.structs import replace

from weft.cli.documents import json_text
from weft.cli.exit_codes import FAILED, INTERRUPTED, SUCCESS, TERMINATED
from weft.cli.options import TargetOptions
from weft.cli.progress.display import ProgressDisplay
from weft.cli.progress.summary import Hints, Places, summary_lines
from weft.cli.run_details import load_run_details
from weft.cli.terminal import Terminal
from weft.instance import Instance
from weft.model.run import RunStatus
from weft.runs.execute import execute_run
from weft.runs.prepare import PreparedRun


def carry_out(
    prepared: PreparedRun,
    instance: Instance,
    *,
    target: TargetOptions,
    as_json: bool,
    verbose: bool,
    hints: Hints,
) -> int:
    """Run, show, sum up; returns the exit code. `target` says where other processes find the code.

    Progress and summary go to stdout. With `as_json` they go to stderr, and stdout gets one document: that of ``weft run show --json``.
    """
    prepared.run = replace(prepared.run, origin=target.origin())
    stream = sys.stderr if as_json else sys.stdout
    display = ProgressDisplay(
        prepared.run, prepared.plan, instance.logs, stream, verbose=verbose, now=instance.clock.wall
    )
    with display:
        outcome = execute_run(prepared, instance, listeners=[display.listener])
    terminal = Terminal(stream)
    lines = summary_lines(
        display.view,
        places_of(instance, prepared.run.id),
        hints,
        terminal,
        below_tree=terminal.is_interactive,
        verbose=verbose,
    )
    stream.write("\n".join(lines) + "\n")
    if as_json:
        click.echo(json_text(load_run_details(instance, outcome.run).document()))
    return _exit_code(outcome.run.status, display.view.message)


def _exit_code(status: RunStatus, message: str) -> int:
    if status is RunStatus.SUCCESS:
        return SUCCESS
    if status is RunStatus.CANCELED:
        return TERMINATED if message.startswith("SIGTERM") else INTERRUPTED
    return FAILED


def hints_for(home: str | None, target: TargetOptions) -> Hints:
    """What the commands that a summary offers need: the options that this one was given."""
    return Hints(instance=f" --home {shlex.quote(home)}" if home is not None else "", target=target.as_text())


def places_of(instance: Instance, run_id: str) -> Places:
    """Where the results of a run are. What is not there (nothing was stored, nothing was printed) is left out."""
    if instance.home is None:
        return Places()
    outputs, logs = instance.home / "storage", instance.home / "logs" / run_id
    return Places(
        outputs=str(outputs) if outputs.is_dir() and any(outputs.iterdir()) else None,
        logs=str(logs) if logs.is_dir() else None,
    )
