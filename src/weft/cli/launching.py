"""Putting a run into the queue, and, where that is wanted, waiting for its end or following it."""

from __future__ import annotations

import sys
from typing import Any

import click

from weft.cli.documents import json_text, run_document
from weft.cli.exit_codes import FAILED, SUCCESS, TERMINATED
from weft.cli.options import LaunchOptions, TargetOptions
from weft.cli.progress.display import ProgressDisplay
from weft.cli.progress.summary import summary_lines
from weft.cli.run_details import failure_text
from weft.cli.running import hints_for, places_of
from weft.cli.terminal import Terminal
from weft.daemon.presence import is_served
from weft.errors import RunNotFoundError, UsageError
from weft.instance import Instance
from weft.model.live import RequestKey
from weft.model.run import Run, RunStatus
from weft.runs.prepare import PreparedRun
from weft.runs.submit import submit_run
from weft.runs.worker import QUEUE_TOPIC

REQUEST_SCOPE = "cli"
POLL_SECONDS = 1.0
FOLLOW_SECONDS = 0.1


def put_into_queue(
    prepared: PreparedRun,
    instance: Instance,
    target: TargetOptions,
    launch: LaunchOptions,
    *,
    home: str | None,
    as_json: bool,
    verbose: bool,
) -> int:
    """Submit, say which run it is, and do what `launch` asks for; returns the exit code.

    With `as_json` stdout gets the document of the run, times in seconds since the epoch, as it is at the end of the command.
    """
    if launch.request_key is not None and not launch.request_key.strip():
        raise UsageError(
            "the key of the request is empty.",
            code="WEFT-U088",
            fix="write what tells this request from others, or leave --request-key out",
        )
    key = RequestKey(scope=REQUEST_SCOPE, key=launch.request_key) if launch.request_key is not None else None
    submitted = submit_run(prepared.run, prepared.plan, instance, origin=target.origin(), request_key=key)
    run = _get(instance, submitted.run_id)
    if not as_json:
        _say(run, submitted.is_new, instance, hint=hints_for(home, target).instance)
    code = SUCCESS
    if launch.wait:
        run = _followed(run, instance, target, home, verbose) if launch.follow and not as_json else ended(run, instance)
        code = _exit_code(run.status)
        if not as_json and not launch.follow:
            click.echo(f"run {run.id} {run.status.value.lower()}")
            if why := failure_text(instance, run):
                click.echo(f"  {why}")
    if as_json:
        click.echo(json_text(_document(run, submitted.is_new)))
    return code


def _say(run: Run, is_new: bool, instance: Instance, *, hint: str) -> None:
    if is_new:
        click.echo(f"run {run.id} waits in the queue")
    else:
        click.echo(f"run {run.id} was made for this request before ({run.status.value.lower()})")
    if not is_served(instance):
        click.echo(f"no daemon is alive that would let it go: start one with: weft daemon run{hint}", err=True)


def _document(run: Run, is_new: bool) -> dict[str, Any]:
    times = {"created_at": run.created_at, "started_at": run.started_at, "ended_at": run.ended_at}
    return {**run_document(run), **times, "is_new": is_new}


def _get(instance: Instance, run_id: str) -> Run:
    run = instance.runs.get(run_id)
    if run is None:
        raise RunNotFoundError(f'the run "{run_id}" was deleted.', fix="launch it again")
    return run


def ended(run: Run, instance: Instance) -> Run:
    """The run, once it is over."""
    listener = instance.wakeups.listen(QUEUE_TOPIC)
    try:
        while not run.is_finished:
            listener.wait(POLL_SECONDS)
            run = _get(instance, run.id)
    finally:
        listener.close()
    return run


def _followed(run: Run, instance: Instance, target: TargetOptions, home: str | None, verbose: bool) -> Run:
    """Show the events of a run that goes on elsewhere, as they come."""
    plan = instance.runs.plan(run.id)
    if plan is None:
        raise RunNotFoundError(f'the run "{run.id}" was deleted.', fix="launch it again")
    listener = instance.wakeups.listen(QUEUE_TOPIC)
    display = ProgressDisplay(run, plan, instance.logs, sys.stdout, verbose=verbose, now=instance.clock.wall)
    try:
        with display:
            after = 0
            while True:
                run = _get(instance, run.id)  # before the events: what is over now has no others
                while page := instance.events.read(run.id, after_id=after):
                    for stored in page:
                        display.listener(stored.event)
                    after = page[-1].id
                if run.is_finished:
                    break
                listener.wait(FOLLOW_SECONDS)
    finally:
        listener.close()
    terminal = Terminal(sys.stdout)
    lines = summary_lines(
        display.view,
        places_of(instance, run.id),
        hints_for(home, target),
        terminal,
        below_tree=terminal.is_interactive,
        verbose=verbose,
    )
    click.echo("\n".join(lines))
    return run


def _exit_code(status: RunStatus) -> int:
    if status is RunStatus.SUCCESS:
        return SUCCESS
    return TERMINATED if status is RunStatus.CANCELED else FAILED
