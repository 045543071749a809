"""``weft check``: everything that can be wrong with definitions, in one pass."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import click

from weft.cli.documents import Document, json_text, problem_document
from weft.cli.exit_codes import SUCCESS, exit_code_of
from weft.cli.lazy_group import Commands
from weft.cli.options import TargetOptions, json_option, target_options, verbose_option
from weft.cli.quantities import count_text
from weft.cli.terminal import Terminal
from weft.codeserver.loader import LoadedTarget
from weft.definitions.tick_source import ANONYMOUS_JOB_PREFIX
from weft.errors import DefinitionError, WeftError
from weft.execution.io_managers.memory import InMemoryIOManager
from weft.runs.check import check_definitions


@click.group("check", cls=Commands, invoke_without_command=True)
@target_options
@json_option
@verbose_option
@click.pass_context
def check(ctx: click.Context, target: TargetOptions, as_json: bool) -> int:
    """Check definitions: everything that can be wrong, in one pass.

    Loads them, connects every asset, plans every job, evaluates every selection, puts resources in order and validates the configuration that jobs
    bring. Nothing is run, and no environment variable is read, but those that documents of components need.
    """
    return SUCCESS if ctx.invoked_subcommand is not None else _check(target, as_json)


@check.command("yaml")
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path), metavar="[PATHS]...")
@click.option("--validate-requirements", is_flag=True, help="Also check the environment variables that they declare.")
@json_option
@verbose_option
def yaml(paths: tuple[Path, ...], validate_requirements: bool, as_json: bool) -> int:
    """Check the documents of components (defs.yaml): their form, types and attributes. No definitions are built."""
    from weft.components.checking import check_documents

    try:
        count = check_documents(Path.cwd(), paths, requirements=validate_requirements)
    except WeftError as error:
        if not as_json:
            raise
        click.echo(
            json_text({"ok": False, "documents": None, "problems": [problem_document(one) for one in error.problems]})
        )
        return exit_code_of(error)
    if as_json:
        click.echo(json_text({"ok": True, "documents": count, "problems": []}))
    else:
        click.echo(
            f"{Terminal(sys.stdout).style('no problems', 'green', bold=True)} in {count_text(count, 'document')}"
        )
    return SUCCESS


def _check(target: TargetOptions, as_json: bool) -> int:
    try:
        loaded = target.load()
        problems = check_definitions(loaded.repository, {"io_manager": InMemoryIOManager()})
        if problems:
            raise DefinitionError.from_problems(problems)
    except WeftError as error:
        if not as_json:
            raise
        click.echo(json_text(_document(None, error)))
        return exit_code_of(error)
    if as_json:
        click.echo(json_text(_document(loaded, None)))
        return SUCCESS
    terminal = Terminal(sys.stdout)
    counts = _counts(loaded)
    words = ", ".join(
        count_text(counts[name], singular)
        for name, singular in (
            ("assets", "asset"),
            ("external_assets", "external asset"),
            ("checks", "check"),
            ("jobs", "job"),
            ("schedules", "schedule"),
            ("sensors", "sensor"),
            ("resources", "resource"),
        )
        if counts[name] or name == "assets"
    )
    click.echo(f"{terminal.style('no problems', 'green', bold=True)} in {loaded.place}: {words}")
    return SUCCESS


def _document(loaded: LoadedTarget | None, error: WeftError | None) -> Document:
    return {
        "ok": error is None,
        "place": loaded.place if loaded is not None else None,
        "counts": _counts(loaded) if loaded is not None else None,
        "problems": [problem_document(problem) for problem in error.problems] if error is not None else [],
    }


def _counts(loaded: LoadedTarget) -> dict[str, Any]:
    repository = loaded.repository
    kinds = Counter(
        "stubs" if node.is_stub else "external_assets" if node.is_external else "assets" for node in repository.graph
    )
    return {
        "assets": kinds["assets"],
        "external_assets": kinds["external_assets"],
        "checks": len(repository.graph.checks),
        "jobs": sum(not name.startswith(ANONYMOUS_JOB_PREFIX) for name in repository.jobs),
        "schedules": len(repository.schedules),
        "sensors": len(repository.sensors),
        "resources": len(repository.resource_defs),
    }
