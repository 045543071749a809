"""``weft run``: list, show, logs, events, cancel, retry, delete."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import click

from weft.cli.captured_output import captured_chunks
from weft.cli.columns import aligned
from weft.cli.documents import event_document, json_text, run_document
from weft.cli.lazy_group import Commands
from weft.cli.options import (
    TargetOptions,
    home_option,
    json_option,
    open_instance,
    parse_tags,
    target_options,
    verbose_option,
)
from weft.cli.progress.error_text import error_lines
from weft.cli.progress.lines import subject_name
from weft.cli.progress.status_words import BROKEN_OFF, RUN_LOOKS, STEP_LOOKS
from weft.cli.progress.summary import check_lines
from weft.cli.quantities import bytes_text, count_text, duration_text, local_time_text
from weft.cli.run_details import RunDetails, events_of, load_run_details
from weft.cli.run_ids import find_run
from weft.cli.terminal import Terminal
from weft.errors import UsageError, did_you_mean, some_of
from weft.model.events import EVENT_TYPES, StoredEvent
from weft.model.keys import AssetKey
from weft.model.run import Run, RunFilter, RunStatus
from weft.model.step import StepStatus


@click.group(cls=Commands)
def run() -> None:
    """Look at runs, cancel them, repeat them, delete them.

    A run is named by its id, or by the beginning of it where only one run has an id that begins so.
    """


# --- list ------------------------------------------------------------------------------------------------------------


@run.command("list")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many, newest first.")
@click.option(
    "--status",
    "statuses",
    multiple=True,
    type=click.Choice([status.value for status in RunStatus], case_sensitive=False),
    help="Only runs in this state; may be given several times.",
)
@click.option("--job", metavar="NAME", help="Only runs of this job.")
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="Only runs with this tag.")
@click.option("--asset", metavar="KEY", help="Only runs that make this asset.")
@home_option
@json_option
@verbose_option
def list_command(
    limit: int,
    statuses: Sequence[str],
    job: str | None,
    tags: Sequence[str],
    asset: str | None,
    home: str | None,
    as_json: bool,
) -> None:
    """List runs, newest first."""
    wanted = RunFilter(
        job_name=job,
        statuses=tuple(RunStatus(status) for status in statuses) or None,
        tags=parse_tags(tags),
        asset_key=AssetKey.from_user_string(asset) if asset is not None else None,
    )
    instance = open_instance(home)
    runs = list(_runs(instance.runs.list, wanted, limit))
    if as_json:
        click.echo(json_text({"runs": [run_document(one) for one in runs]}))
        return
    terminal = Terminal(sys.stdout)
    rows = [
        [
            one.id,
            RUN_LOOKS[one.status].word,
            local_time_text(one.created_at),
            duration_text(one.ended_at - one.started_at) if one.ended_at and one.started_at else "",
            one.partition_key or "...".join(one.partition_range or ()),
            subject_name(one.job_name),
        ]
        for one in runs
    ]
    header = ["RUN", "STATUS", "CREATED", "DURATION", "PARTITION", "OF"]
    for line in aligned(rows, header=header, right=(3,), terminal=terminal):
        click.echo(line)
    if not rows:
        click.echo("There are no such runs.")


def _runs(read: Callable[..., Any], wanted: RunFilter, limit: int) -> Iterator[Run]:
    cursor: str | None = None
    while limit > 0:
        page = read(wanted, limit=min(limit, 200), cursor=cursor)
        yield from page.items
        limit -= len(page.items)
        cursor = page.cursor
        if cursor is None:
            return


# --- show ------------------------------------------------------------------------------------------------------------


@run.command("show")
@click.argument("run_id")
@home_option
@json_option
@verbose_option
@click.pass_obj
def show(settings: Any, run_id: str, home: str | None, as_json: bool) -> None:
    """Show a run: how it went, its steps, what it made, why it failed."""
    instance = open_instance(home)
    details = load_run_details(instance, find_run(instance.runs, run_id))
    if as_json:
        click.echo(json_text(details.document()))
        return
    for line in _show_lines(details, Terminal(sys.stdout), verbose=settings.verbose):
        click.echo(line)


def _show_lines(details: RunDetails, terminal: Terminal, *, verbose: bool) -> Iterator[str]:
    one = details.run
    look = RUN_LOOKS[one.status]
    yield terminal.style(f"{look.mark(terminal)} run {one.id} {look.word}", look.colour, bold=True)
    seconds = one.ended_at - one.started_at if one.ended_at and one.started_at else None
    facts = [
        ("of", subject_name(one.job_name)),
        ("created", local_time_text(one.created_at)),
        ("started", local_time_text(one.started_at)),
        ("ended", local_time_text(one.ended_at)),
        ("duration", duration_text(seconds)),
        ("partition", one.partition_key or "...".join(one.partition_range or ())),
        ("ops", ", ".join(one.op_selection or ())),
        ("tags", ", ".join(f"{key}={value}" for key, value in one.tags.items())),
        ("repeats", one.parent_run_id or ""),
        ("logs", details.logs or ""),
    ]
    yield from aligned([fact for fact in facts if fact[1]], indent="  ")
    if one.failure_reason is not None:
        yield ""
        yield terminal.style(f"failed: {one.failure_reason.value.replace('_', ' ')}", "red", bold=True)
        if details.failure:
            yield f"  {details.failure}"
        if one.error is not None:
            yield from (f"  {line}".rstrip() for line in error_lines(one.error, own_frames=verbose))
    yield from _step_lines(details, terminal)
    yield from _made_lines(details, terminal)
    yield from check_lines(details.checks, terminal)
    for step in details.steps:
        if step.error is not None and step.status is StepStatus.FAILED:
            yield ""
            yield terminal.style(f"{step.key} failed", "red", bold=True)
            yield from (f"  {line}".rstrip() for line in error_lines(step.error, own_frames=verbose))


def _step_lines(details: RunDetails, terminal: Terminal) -> Iterator[str]:
    if not details.steps:
        return
    yield ""
    looks = [
        BROKEN_OFF if details.run.is_finished and step.status is StepStatus.RUNNING else STEP_LOOKS[step.status]
        for step in details.steps
    ]
    rows = [
        [
            f"{look.mark(terminal)} {step.key}",
            look.word,
            str(step.attempt) if step.started_at is not None else "",
            duration_text(step.duration_seconds),
            duration_text(step.cpu_seconds) if step.cpu_seconds else "",
            bytes_text(step.peak_memory_bytes) if step.peak_memory_bytes else "",
            step.skip_reason or "",
        ]
        for step, look in zip(details.steps, looks, strict=True)
    ]
    header = ["STEP", "STATUS", "ATTEMPT", "DURATION", "CPU", "PEAK MEMORY", ""]
    yield from aligned(rows, header=header, right=(2, 3, 4, 5), terminal=terminal)


def _made_lines(details: RunDetails, terminal: Terminal) -> Iterator[str]:
    counts: dict[AssetKey, int] = {}
    for made in details.materializations:
        counts[made.asset_key] = counts.get(made.asset_key, 0) + (made.partition is not None)
    if counts:
        yield ""
        yield terminal.style(f"made {count_text(len(counts), 'asset')}", bold=True)
        rows = [
            [key.to_user_string(), count_text(number, "partition") if number else ""] for key, number in counts.items()
        ]
        yield from aligned(rows, indent="  ", terminal=terminal)


# --- logs ------------------------------------------------------------------------------------------------------------


@run.command("logs")
@click.argument("run_id")
@click.option("--step", "step_key", metavar="KEY", help="Only what this step printed.")
@click.option(
    "--stream",
    type=click.Choice(["stdout", "stderr", "both"]),
    default="both",
    show_default=True,
    help="Which of the two streams.",
)
@home_option
@json_option
@verbose_option
def logs(run_id: str, step_key: str | None, stream: str, home: str | None, as_json: bool) -> None:
    """Print what the steps of a run wrote to stdout and stderr. (What they logged is in: weft run events.)"""
    instance = open_instance(home)
    details = load_run_details(instance, find_run(instance.runs, run_id))
    known = [step.key for step in details.steps]
    if step_key is not None and step_key not in known:
        raise UsageError(
            f'the run has no step "{step_key}".',
            code="WEFT-U016",
            facts={"run": details.run.id, "steps": some_of(known)},
            fix=did_you_mean(step_key, known, "see: weft run show"),
        )
    wanted = ("stdout", "stderr") if stream == "both" else (stream,)
    shown = None
    for chunk in captured_chunks(instance.logs, details.run, details.steps, wanted, step_key=step_key):
        if as_json:
            document = {"step": chunk.step_key, "stream": chunk.stream, "text": chunk.text}
            click.echo(json_text(document, indent=False))
            continue
        head = (chunk.step_key, chunk.stream)
        if head != shown and (step_key is None or stream == "both"):
            click.echo(f"--- {chunk.step_key or 'outside of steps'}, {chunk.stream} ---")
        shown = head
        click.echo(chunk.text, nl=False)
    if shown is None and not as_json:
        click.echo("Nothing was printed.", err=True)


# --- events ----------------------------------------------------------------------------------------------------------


@run.command("events")
@click.argument("run_id")
@click.option("--type", "types", multiple=True, metavar="TYPE", help="Only events of this type, such as STEP_FAILURE.")
@click.option("--step", "step_key", metavar="KEY", help="Only events of this step.")
@home_option
@json_option
@verbose_option
@click.pass_obj
def events(
    settings: Any, run_id: str, types: Sequence[str], step_key: str | None, home: str | None, as_json: bool
) -> None:
    """Print the events of a run in the order of their arrival."""
    wanted = tuple(one.upper() for one in types)
    for one in wanted:
        if one not in EVENT_TYPES:
            raise UsageError(
                f'there is no type of event "{one}".',
                code="WEFT-U017",
                facts={"types": ", ".join(EVENT_TYPES)},
                fix=did_you_mean(one, EVENT_TYPES, "use one of the types above"),
            )
    instance = open_instance(home)
    found = find_run(instance.runs, run_id)
    for stored in events_of(instance, found.id, types=wanted or None, step_key=step_key):
        if as_json:
            click.echo(json_text(event_document(stored), indent=False))
        else:
            click.echo("\n".join(_event_lines(stored, verbose=settings.verbose)))


def _event_lines(stored: StoredEvent, *, verbose: bool) -> Iterator[str]:
    from weft.cli.event_text import event_text

    event = stored.event
    parts = [local_time_text(event.time), f"{event.type:<24}", event.step_key or "-", event_text(event.body)]
    first, *rest = "  ".join(parts).rstrip().splitlines()
    yield first
    yield from (f"    {line}" for line in rest)
    error = getattr(event.body, "error", None)
    if error is not None:
        yield from (f"    {line}".rstrip() for line in error_lines(error, own_frames=verbose))


# --- cancel, retry, delete -------------------------------------------------------------------------------------------


@run.command("cancel")
@click.argument("run_id")
@click.option("--force", is_flag=True, help="Without teardown: kill its worker and everything that it started.")
@click.option("--wait", is_flag=True, help="Wait until the run has ended.")
@home_option
@json_option
@verbose_option
def cancel(run_id: str, force: bool, wait: bool, home: str | None, as_json: bool) -> None:
    """End a run: its steps are interrupted and resources torn down; a run that waits leaves the queue."""
    from weft.cli.launching import ended
    from weft.runs.cancel import CancelOutcome, cancel_run

    instance = open_instance(home)
    found = find_run(instance.runs, run_id)
    outcome = cancel_run(found.id, instance, is_forced=force, message="cancelled by a user")
    now = instance.runs.get(found.id) or found
    if wait and not now.is_finished:
        now = ended(now, instance)
    if as_json:
        click.echo(json_text({"outcome": outcome.value, "run": run_document(now)}))
    elif outcome is CancelOutcome.WAS_OVER:
        click.echo(f"run {now.id} was over: {now.status.value.lower()}")
    elif now.is_finished:
        click.echo(f"run {now.id} {now.status.value.lower()}")
    else:
        click.echo(f"run {now.id} was asked to end")


@run.command("retry")
@click.argument("run_id")
@click.option(
    "--from-failure",
    "mode",
    flag_value="from_failure",
    default="from_failure",
    help="Only what did not succeed, using what the run stored before. This is the default.",
)
@click.option("--all", "mode", flag_value="all", help="Everything that it ran.")
@click.option(
    "--select",
    "selection",
    multiple=True,
    metavar="STEPS",
    help='These steps, such as "clean" or "clean*" (with all that follows); separated by commas, or given several times.',
)
@target_options
@home_option
@json_option
@verbose_option
@click.pass_obj
def retry(
    settings: Any,
    run_id: str,
    mode: str,
    selection: Sequence[str],
    target: TargetOptions,
    home: str | None,
    as_json: bool,
) -> int:
    """Repeat a run as a new one, with the same configuration, tags and partition."""
    from weft.cli.running import carry_out, hints_for
    from weft.planning.reexecution import ReexecutionStrategy
    from weft.runs.retry import RetryRequest, prepare_retry

    steps = tuple(part.strip() for text in selection for part in text.split(",") if part.strip())
    instance = open_instance(home)
    parent = find_run(instance.runs, run_id)
    loaded = target.load()
    strategy = ReexecutionStrategy.SELECTED if steps else ReexecutionStrategy(mode)
    request = RetryRequest(strategy=strategy, steps=steps)
    prepared = prepare_retry(parent.id, request, loaded.repository, instance)
    return carry_out(
        prepared, instance, target=target, as_json=as_json, verbose=settings.verbose, hints=hints_for(home, target)
    )


@run.command("delete")
@click.argument("run_id")
@click.option("--force", is_flag=True, help="Also a run that has not ended.")
@home_option
@json_option
@verbose_option
def delete(run_id: str, force: bool, home: str | None, as_json: bool) -> None:
    """Delete a run with its events and captured output. What it made stays, and so does the state of its assets."""
    from weft.runs.delete import delete_run

    instance = open_instance(home)
    found = find_run(instance.runs, run_id)
    delete_run(found.id, instance, force=force)
    click.echo(json_text({"deleted": found.id}) if as_json else f"deleted run {found.id}")
