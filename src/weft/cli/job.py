"""``weft job``: list, print, execute, launch."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any

import click

from weft.cli.columns import aligned
from weft.cli.documents import Document, json_text
from weft.cli.lazy_group import Commands
from weft.cli.options import (
    LaunchOptions,
    RunOptions,
    TargetOptions,
    home_of,
    home_option,
    json_option,
    launch_options,
    open_instance,
    run_options,
    target_options,
    verbose_option,
)
from weft.cli.quantities import count_text
from weft.cli.terminal import Terminal
from weft.codeserver.loader import LoadedTarget
from weft.definitions.job import AssetJobDefinition, JobDefinition
from weft.definitions.tick_source import ANONYMOUS_JOB_PREFIX
from weft.errors import UsageError
from weft.model.plan import (
    FromAsset,
    FromCollected,
    FromConfig,
    FromDefault,
    FromMany,
    FromOutput,
    FromValue,
    InputSource,
    OrderOnly,
    OutputRef,
    StepInput,
    StepPlan,
)
from weft.runs.check import plan_job

AnyJob = JobDefinition | AssetJobDefinition


@click.group(cls=Commands)
def job() -> None:
    """List, print, execute and launch jobs."""


@job.command("list")
@target_options
@json_option
@verbose_option
def list_command(target: TargetOptions, as_json: bool) -> None:
    """List the jobs of the definitions."""
    loaded = target.load()
    jobs = loaded.repository.jobs.values()
    documents = [_job_document(loaded, one) for one in jobs if not one.name.startswith(ANONYMOUS_JOB_PREFIX)]
    if as_json:
        click.echo(json_text({"jobs": documents}))
        return
    rows = [
        [
            document["name"],
            document["kind"],
            str(len(document["steps"])),
            document["partitions"] or "",
            (document["description"] or "").partition("\n")[0],
        ]
        for document in documents
    ]
    terminal = Terminal(sys.stdout)
    header = ["JOB", "KIND", "STEPS", "PARTITIONS", "DESCRIPTION"]
    for line in aligned(rows, header=header, right=(2,), terminal=terminal):
        click.echo(line)
    if not rows:
        click.echo("There are no jobs.")


@job.command("print")
@click.argument("name", required=False)
@click.option("-j", "--job", "job_name", metavar="NAME", help="The job; the same as the argument.")
@target_options
@json_option
@verbose_option
@click.pass_obj
def print_command(settings: Any, name: str | None, job_name: str | None, target: TargetOptions, as_json: bool) -> None:
    """Print the steps of a job, each with what it needs. With -v also resources, outputs, retries and tags."""
    loaded = target.load()
    found = loaded.definitions.get_job_def(_the_name(name, job_name))
    if as_json:
        click.echo(json_text(_job_document(loaded, found)))
        return
    for line in _print_lines(loaded, found, verbose=settings.verbose):
        click.echo(line)


@job.command("execute")
@click.argument("name", required=False)
@click.option("-j", "--job", "job_name", metavar="NAME", help="The job; the same as the argument.")
@click.option(
    "-o",
    "--op-selection",
    "op_selection",
    multiple=True,
    metavar="SELECTION",
    help='Ops to run, such as "clean", "*clean" (with what it needs), "clean+"; separated by commas, or given several times.',
)
@run_options
@target_options
@home_option
@json_option
@verbose_option
@click.pass_obj
def execute(
    settings: Any,
    name: str | None,
    job_name: str | None,
    op_selection: Sequence[str],
    options: RunOptions,
    target: TargetOptions,
    home: str | None,
    as_json: bool,
) -> int:
    """Execute a job in this process, and wait for its end."""
    from weft.cli.preparing import prepare_job_run
    from weft.cli.running import carry_out, hints_for

    wanted = _the_name(name, job_name)
    folder = home_of(home)
    loaded = target.load()
    instance = open_instance(folder)
    ops = [part.strip() for text in op_selection for part in text.split(",") if part.strip()]
    prepared = prepare_job_run(loaded, wanted, options, instance, op_selection=ops)
    return carry_out(
        prepared, instance, target=target, as_json=as_json, verbose=settings.verbose, hints=hints_for(home, target)
    )


@job.command("launch")
@click.argument("name", required=False)
@click.option("-j", "--job", "job_name", metavar="NAME", help="The job; the same as the argument.")
@click.option(
    "-o",
    "--op-selection",
    "op_selection",
    multiple=True,
    metavar="SELECTION",
    help="Ops to run, as `weft job execute` takes them.",
)
@launch_options
@run_options
@target_options
@home_option
@json_option
@verbose_option
@click.pass_obj
def launch_command(
    settings: Any,
    name: str | None,
    job_name: str | None,
    op_selection: Sequence[str],
    launch: LaunchOptions,
    options: RunOptions,
    target: TargetOptions,
    home: str | None,
    as_json: bool,
) -> int:
    """Put a run of a job into the queue, and return."""
    from weft.cli.launching import put_into_queue
    from weft.cli.preparing import prepare_job_run

    wanted = _the_name(name, job_name)
    folder = home_of(home)
    loaded = target.load()
    instance = open_instance(folder)
    ops = [part.strip() for text in op_selection for part in text.split(",") if part.strip()]
    prepared = prepare_job_run(loaded, wanted, options, instance, op_selection=ops)
    return put_into_queue(prepared, instance, target, launch, home=home, as_json=as_json, verbose=settings.verbose)


def _the_name(argument: str | None, option: str | None) -> str:
    if (argument is None) == (option is None):
        raise UsageError(
            "no job is named." if argument is None else "two jobs are named.",
            code="WEFT-U015",
            fix="name one: weft job execute NAME, or -j NAME (see: weft job list)",
        )
    return argument if argument is not None else option or ""


# --- what is shown ---------------------------------------------------------------------------------------------------


def _job_document(loaded: LoadedTarget, found: AnyJob) -> Document:
    return {
        "name": found.name,
        "kind": "ops" if isinstance(found, JobDefinition) else "assets",
        "description": found.description,
        "tags": dict(found.run_tags),
        "owners": list(found.owners),
        "partitions": found.partitions_def.describe() if found.partitions_def is not None else None,
        "declared_at": found.declared_at,
        "steps": [_step_document(step) for step in plan_job(found, loaded.repository).steps],
    }


def _step_document(step: StepPlan) -> Document:
    return {
        "key": step.key,
        "op": step.op_name,
        "inputs": [{"name": one.name, "from": _source_text(one)} for one in step.inputs],
        "outputs": [
            {
                "name": one.name,
                "asset": one.asset_key.to_user_string() if one.asset_key is not None else None,
                "check": one.check_key.to_user_string() if one.check_key is not None else None,
                "io_manager": None if one.is_nothing else one.io_manager_key,
                "is_dynamic": one.is_dynamic,
                "is_required": one.is_required,
            }
            for one in step.outputs
        ],
        "resources": list(step.resource_keys),
        "max_retries": step.retry_policy.max_retries if step.retry_policy is not None else 0,
        "tags": dict(step.tags),
        "pool": step.pool,
    }


def _print_lines(loaded: LoadedTarget, found: AnyJob, *, verbose: bool) -> Iterator[str]:
    terminal = Terminal(sys.stdout)
    document = _job_document(loaded, found)
    yield f"{terminal.style('job ' + found.name, bold=True)}  {count_text(len(document['steps']), 'step')}"
    if found.description:
        yield from (f"  {line}".rstrip() for line in found.description.splitlines())
    if document["partitions"]:
        yield f"  partitions: {document['partitions']}"
    for step in document["steps"]:
        yield ""
        made = [one["asset"] or f"check {one['check']}" for one in step["outputs"] if one["asset"] or one["check"]]
        yield terminal.style(step["key"], bold=True) + (f"  makes {', '.join(made)}" if made else "")
        yield from aligned([[one["name"], "<-", one["from"]] for one in step["inputs"]], indent="    ")
        if verbose:
            yield from aligned(list(_verbose_rows(step)), indent="    ")


def _verbose_rows(step: Document) -> Iterator[list[str]]:
    for one in step["outputs"]:
        marks = [
            mark for mark, holds in (("dynamic", one["is_dynamic"]), ("optional", not one["is_required"])) if holds
        ]
        stored = f"stored by {one['io_manager']}" if one["io_manager"] else "not stored"
        yield ["output", f"{one['name']}: {', '.join([stored, *marks])}"]
    if step["resources"]:
        yield ["resources", ", ".join(step["resources"])]
    if step["max_retries"]:
        yield ["retries", str(step["max_retries"])]
    if step["pool"]:
        yield ["pool", step["pool"]]
    if step["tags"]:
        yield ["tags", ", ".join(f"{key}={value}" for key, value in step["tags"].items())]


def _source_text(step_input: StepInput) -> str:
    return _text(step_input.source, step_input)


def _text(source: InputSource, step_input: StepInput) -> str:
    if isinstance(source, FromOutput):
        return _ref(source.ref)
    if isinstance(source, FromCollected):
        return f"all of {_ref(source.ref)}"
    if isinstance(source, FromMany):
        return ", ".join(_text(one, step_input) for one in source.sources)
    if isinstance(source, FromAsset):
        return f"asset {source.asset_key.to_user_string()}"
    if isinstance(source, FromConfig):
        return f"configuration {'.'.join(source.path)}"
    if isinstance(source, FromValue):
        return f"value {source.name}"
    if isinstance(source, FromDefault):
        return "its default"
    assert isinstance(source, OrderOnly)
    if not source.refs and step_input.asset_key is not None:
        return f"after asset {step_input.asset_key.to_user_string()}"
    return f"after {', '.join(_ref(ref) for ref in source.refs)}"


def _ref(ref: OutputRef) -> str:
    return ref.step_key if ref.output_name == "result" else f"{ref.step_key}.{ref.output_name}"
