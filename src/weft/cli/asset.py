"""``weft asset``: list, show, tell what is stale, materialise, launch."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any

import click

from weft.cli.columns import aligned
from weft.cli.documents import (
    CheckAnswers,
    asset_details_document,
    asset_document,
    json_text,
    staleness_document,
)
from weft.cli.lazy_group import Commands
from weft.cli.metadata_text import metadata_lines
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
from weft.cli.quantities import count_text, local_time_text
from weft.cli.terminal import Terminal
from weft.codeserver.loader import LoadedTarget
from weft.errors import UsageError, did_you_mean, some_of
from weft.instance import Instance
from weft.model.asset_state import AssetCheckState, AssetState
from weft.model.assets import AssetNode
from weft.model.events import AssetMaterialized, StoredEvent
from weft.model.keys import AssetCheckKey, AssetKey
from weft.planning.selection import Selector
from weft.planning.staleness import Staleness

_SELECT_HELP = 'What to select, such as "orders", "*orders" (with all that it is made from), "group:raw", "*".'


@click.group(cls=Commands)
def asset() -> None:
    """List, show, materialise and launch assets."""


@asset.command("list")
@click.option("--select", "selection", multiple=True, metavar="SELECTION", help=_SELECT_HELP)
@target_options
@json_option
@verbose_option
def list_command(selection: Sequence[str], target: TargetOptions, as_json: bool) -> None:
    """List the assets of the definitions."""
    loaded = target.load()
    graph = loaded.repository.graph
    wanted = _selected(loaded, selection) if selection else [node for node in graph if not node.is_stub]
    if as_json:
        click.echo(json_text({"assets": [asset_document(node, graph, _partitions(loaded, node)) for node in wanted]}))
        return
    terminal = Terminal(sys.stdout)
    rows = [
        [
            node.key.to_user_string(),
            node.group_name,
            "external" if node.is_external else ", ".join(node.kinds),
            str(len(graph.upstream(node.key)) or ""),
            str(len(graph.checks_of(node.key)) or ""),
            _partitions(loaded, node) or "",
            _first_line(node.description),
        ]
        for node in wanted
    ]
    header = ["ASSET", "GROUP", "KIND", "DEPS", "CHECKS", "PARTITIONS", "DESCRIPTION"]
    for line in aligned(rows, header=header, right=(3, 4), terminal=terminal):
        click.echo(line)
    if not rows:
        click.echo("There are no assets.")


@asset.command("show")
@click.argument("key")
@target_options
@home_option
@json_option
@verbose_option
def show(key: str, target: TargetOptions, home: str | None, as_json: bool) -> None:
    """Show an asset: what it is, what was last made of it, what its checks say."""
    folder = home_of(home)
    loaded = target.load()
    node = _node(loaded, key)
    instance = open_instance(folder)
    state = instance.assets.get(node.key)
    latest = _latest(instance, state)
    counts = instance.assets.partition_counts(node.key) if node.partitions is not None else None
    checks = _checks(loaded, instance, node)
    if as_json:
        declared = asset_document(node, loaded.repository.graph, _partitions(loaded, node))
        click.echo(json_text(asset_details_document(declared, state, latest, counts, checks)))
        return
    for line in _show_lines(loaded, node, state, latest, counts, checks):
        click.echo(line)


@asset.command("status")
@click.option("--select", "selection", multiple=True, metavar="SELECTION", help=_SELECT_HELP)
@target_options
@home_option
@json_option
@verbose_option
def status(selection: Sequence[str], target: TargetOptions, home: str | None, as_json: bool) -> None:
    """Show which assets are missing, stale or fresh, and why."""
    from weft.runs.staleness import asset_staleness

    folder = home_of(home)
    loaded = target.load()
    wanted = [node.key for node in _selected(loaded, selection)] if selection else None
    everything = asset_staleness(loaded.repository, open_instance(folder))
    found = [one for key, one in everything.items() if wanted is None or key in wanted]
    if as_json:
        click.echo(json_text({"assets": [staleness_document(one) for one in found]}))
        return
    rows = [[one.key.to_user_string(), one.status.value, _counts_text(one), _causes_text(one)] for one in found]
    for line in aligned(rows, header=["ASSET", "STATUS", "PARTITIONS", "CAUSES"], terminal=Terminal(sys.stdout)):
        click.echo(line)
    if not rows:
        click.echo("There are no assets that can be made.")


def _counts_text(one: Staleness) -> str:
    counts = [
        ("stale", len(one.stale_partitions)),
        ("fresh", len(one.fresh_partitions)),
        ("missing", one.missing_count),
    ]
    return ", ".join(f"{count} {what}" for what, count in counts if count)


def _causes_text(one: Staleness) -> str:
    texts = []
    for cause in one.causes:
        about = f" {cause.upstream.to_user_string()}" if cause.upstream is not None else ""
        change = "" if cause.old == cause.new else f" ({_short(cause.old)} -> {_short(cause.new)})"
        texts.append(f"{cause.kind.value.lower()}{about}{change}")
    return some_of(dict.fromkeys(texts)) if texts else ""


def _short(version: str | None) -> str:
    return "none" if version is None else version if len(version) <= 12 else f"{version[:8]}..."


@asset.command("materialize")
@click.option("--select", "selection", multiple=True, required=True, metavar="SELECTION", help=_SELECT_HELP)
@run_options
@target_options
@home_option
@json_option
@verbose_option
@click.pass_obj
def materialize(
    settings: Any,
    selection: Sequence[str],
    options: RunOptions,
    target: TargetOptions,
    home: str | None,
    as_json: bool,
) -> int:
    """Make assets, in the order of their dependencies, and evaluate their checks."""
    from weft.cli.preparing import prepare_asset_run
    from weft.cli.running import carry_out, hints_for

    folder = home_of(home)
    loaded = target.load()
    instance = open_instance(folder)
    prepared = prepare_asset_run(loaded, selection, options, instance)
    return carry_out(
        prepared, instance, target=target, as_json=as_json, verbose=settings.verbose, hints=hints_for(home, target)
    )


@asset.command("launch")
@click.option("--select", "selection", multiple=True, required=True, metavar="SELECTION", help=_SELECT_HELP)
@launch_options
@run_options
@target_options
@home_option
@json_option
@verbose_option
@click.pass_obj
def launch_command(
    settings: Any,
    selection: Sequence[str],
    launch: LaunchOptions,
    options: RunOptions,
    target: TargetOptions,
    home: str | None,
    as_json: bool,
) -> int:
    """Put a run that makes assets into the queue, and return."""
    from weft.cli.launching import put_into_queue
    from weft.cli.preparing import prepare_asset_run

    folder = home_of(home)
    loaded = target.load()
    instance = open_instance(folder)
    prepared = prepare_asset_run(loaded, selection, options, instance)
    return put_into_queue(prepared, instance, target, launch, home=home, as_json=as_json, verbose=settings.verbose)


# --- what is shown ---------------------------------------------------------------------------------------------------


def _selected(loaded: LoadedTarget, selection: Sequence[str]) -> list[AssetNode]:
    graph = loaded.repository.graph
    selector = Selector(graph)
    keys = {key for text in selection for key in selector.resolve(text, include_external=True)}
    return [node for node in graph if node.key in keys]


def _partitions(loaded: LoadedTarget, node: AssetNode) -> str | None:
    spec = loaded.repository.spec(node.key)
    return spec.partitions_def.describe() if spec is not None and spec.partitions_def is not None else None


def _node(loaded: LoadedTarget, key: str) -> AssetNode:
    wanted = AssetKey.from_user_string(key)
    node = loaded.repository.graph.get(wanted)
    if node is None:
        known = [one.to_user_string() for one in loaded.repository.graph.keys]
        raise UsageError(
            f'there is no asset "{key}" in {loaded.place}.',
            code="WEFT-U014",
            facts={"assets": some_of(known)},
            fix=did_you_mean(key, known, "see: weft asset list"),
        )
    return node


def _latest(instance: Instance, state: AssetState | None) -> StoredEvent | None:
    pointer = state.latest_materialization if state is not None else None
    return instance.events.get(pointer.event_id) if pointer is not None else None


def _checks(loaded: LoadedTarget, instance: Instance, node: AssetNode) -> list[CheckAnswers]:
    graph = loaded.repository.graph
    answers: dict[AssetCheckKey, list[AssetCheckState]] = {key: [] for key in graph.checks_of(node.key)}
    for answer in instance.checks.of_assets([node.key]):
        if answer.key in answers:
            answers[answer.key].append(answer)
    return [CheckAnswers(graph.checks[key], tuple(given)) for key, given in answers.items()]


def _show_lines(
    loaded: LoadedTarget,
    node: AssetNode,
    state: AssetState | None,
    latest: StoredEvent | None,
    counts: Any,
    checks: Sequence[CheckAnswers],
) -> Iterator[str]:
    terminal = Terminal(sys.stdout)
    graph = loaded.repository.graph
    yield terminal.style(node.key.to_user_string(), bold=True)
    if node.description:
        yield from (f"  {line}".rstrip() for line in node.description.splitlines())
    yield ""
    facts = [
        ("group", node.group_name),
        ("kinds", ", ".join(node.kinds)),
        ("owners", ", ".join(node.owners)),
        ("tags", ", ".join(f"{name}={value}" if value else name for name, value in node.tags.items())),
        ("made by", "nothing here: it is external" if node.is_external else node.op_name or ""),
        ("upstream", ", ".join(key.to_user_string() for key in graph.upstream(node.key))),
        ("downstream", ", ".join(key.to_user_string() for key in graph.downstream(node.key))),
        ("partitions", _partitions(loaded, node) or ""),
        ("code version", node.code_version or ""),
        ("declared in", node.declared_at or ""),
    ]
    yield from aligned([fact for fact in facts if fact[1]])
    if node.metadata:
        yield from metadata_lines(node.metadata, terminal)
    yield ""
    yield terminal.style("latest materialisation", bold=True)
    yield from _latest_lines(state, latest, counts, terminal)
    if checks:
        yield ""
        yield terminal.style("checks", bold=True)
        yield from aligned([_check_row(check) for check in checks], indent="  ", terminal=terminal)


def _latest_lines(
    state: AssetState | None, latest: StoredEvent | None, counts: Any, terminal: Terminal
) -> Iterator[str]:
    if state is None or state.latest_materialization is None:
        yield "  never"
        return
    pointer = state.latest_materialization
    facts = [
        ("time", local_time_text(pointer.time)),
        ("run", pointer.run_id),
        ("step", pointer.step_key or ""),
        ("partition", pointer.partition or ""),
        ("data version", pointer.data_version or ""),
        ("made", count_text(state.materialization_count, "time")),
    ]
    if counts is not None:
        stated = ", ".join(f"{count:,} {status.lower()}" for status, count in sorted(counts.items()) if count)
        facts.append(("partitions", stated))
    yield from aligned([fact for fact in facts if fact[1]], indent="  ")
    body = latest.event.body if latest is not None else None
    if isinstance(body, AssetMaterialized):
        if body.description:
            yield f"  {body.description}"
        if body.metadata:
            yield "  metadata"
            yield from metadata_lines(body.metadata, terminal, indent="    ")


def _check_row(check: CheckAnswers) -> list[str]:
    node, answer = check.node, check.latest
    if answer is None:
        stated = "never evaluated"
    elif node.partitions is not None:
        stated = f"passed in {check.passed_count} of {count_text(len(check.answers), 'partition')}"
    elif answer.passed:
        stated = "passed"
    else:
        stated = f"did not pass ({answer.severity.value})"
    blocking = "blocking" if node.blocking else ""
    at = local_time_text(answer.latest.time) if answer is not None else ""
    return [node.key.name, stated, at, blocking, _first_line(node.description)]


def _first_line(text: str | None) -> str:
    return text.strip().splitlines()[0] if text and text.strip() else ""
