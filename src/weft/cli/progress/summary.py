"""What is said when a run has ended: what was made, what the checks answered, where everything is, what to do next."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Sequence

from msgspec import Struct

from weft.cli.columns import aligned
from weft.cli.progress.error_text import error_lines
from weft.cli.progress.run_view import RunView, StepView, row_count
from weft.cli.progress.status_words import RUN_LOOKS, STEP_LOOKS
from weft.cli.progress.tree_rows import counts_text
from weft.cli.quantities import count_text, duration_text
from weft.cli.terminal import Terminal
from weft.model.events import AssetCheckEvaluated, AssetMaterialized
from weft.model.keys import AssetKey
from weft.model.run import RunStatus

_MOST_ASSETS = 40
_MOST_STEPS = 60
_MOST_CHECKS = 20


class Places(Struct, frozen=True, kw_only=True):
    """Where the results of a run are."""

    # Values that the instance's own I/O manager stored.
    outputs: str | None = None
    # Captured output.
    logs: str | None = None


class Hints(Struct, frozen=True, kw_only=True):
    """How the commands that are offered are written: options to put behind them, each after a space; or nothing."""

    # For a command that needs the instance: `` --home FOLDER``.
    instance: str = ""
    # For a command that needs the definitions as well: `` -f FILE``.
    target: str = ""


def summary_lines(
    view: RunView, places: Places, hints: Hints, terminal: Terminal, *, below_tree: bool, verbose: bool = False
) -> Iterator[str]:
    """The summary.

    Args:
        view: the run, ended.
        places: where things are.
        hints: how the commands that are offered are written.
        terminal: what it is written to.
        below_tree: a tree stands above that shows the state of the run and of each step; otherwise they are said here.
        verbose: show the frames of weft in an error of the run.
    """
    now = view.ended_at or 0.0
    if not below_tree:
        look = RUN_LOOKS[view.status]
        head = f"{look.mark(terminal)} run {view.run.id} {look.word} in {duration_text(view.seconds(now))}"
        yield f"{terminal.style(head, look.colour, bold=True)}: {counts_text(view.counts()) or 'no steps'}"
    if view.message and view.status is not RunStatus.SUCCESS:
        yield f"  {view.message}"
    if view.error is not None:
        yield from (f"  {line}".rstrip() for line in error_lines(view.error, own_frames=verbose))
    if not below_tree:
        yield from _step_lines(list(view.in_order()), now, terminal)
    yield from _asset_lines(view.assets_made(), terminal)
    yield from check_lines(view.checks, terminal)
    yield ""
    rows = []
    if places.outputs is not None:
        rows.append(("outputs", places.outputs))
    if places.logs is not None:
        rows.append(("logs", places.logs))
    for place, command in enumerate(next_commands(view, hints)):
        rows.append(("next" if place == 0 else "", command))
    yield from aligned(rows)


def next_commands(view: RunView, hints: Hints) -> list[str]:
    """What a reader is likely to type next."""
    run_id = view.run.id
    commands = [f"weft run show {run_id}{hints.instance}"]
    failed = next((step.key for step in view.in_order() if step.error is not None and step.has_output), None)
    if failed is not None:
        commands.append(f"weft run logs {run_id} --step {shlex.quote(failed)}{hints.instance}")
    if view.status is RunStatus.SUCCESS:
        made = list(view.assets_made())
        if made:
            key = shlex.quote(made[-1].to_user_string())
            commands.append(f"weft asset show {key}{hints.target}{hints.instance}")
    else:
        commands.append(f"weft run retry {run_id}{hints.target}{hints.instance}")
    return commands


def check_lines(checks: Sequence[AssetCheckEvaluated], terminal: Terminal) -> Iterator[str]:
    """How many checks passed, and each that did not."""
    if not checks:
        return
    failed = [check for check in checks if not check.passed]
    passed = len(checks) - len(failed)
    yield ""
    text = f"checks: {passed} passed" + (f", {len(failed)} did not pass" if failed else "")
    yield terminal.style(text, bold=True)
    rows = [
        [
            check.check_key.to_user_string(),
            check.partition or "",
            check.severity.value + (", blocking" if check.blocking else ""),
            check.description or "",
        ]
        for check in failed[:_MOST_CHECKS]
    ]
    yield from aligned(rows, indent="  ", terminal=terminal)
    if len(failed) > _MOST_CHECKS:
        yield f"  and {len(failed) - _MOST_CHECKS} more"


def _asset_lines(made: dict[AssetKey, list[AssetMaterialized]], terminal: Terminal) -> Iterator[str]:
    if not made:
        return
    yield ""
    yield terminal.style(f"made {count_text(len(made), 'asset')}", bold=True)
    rows = []
    for key, materializations in list(made.items())[:_MOST_ASSETS]:
        counts = [count for one in materializations if (count := row_count(one.metadata)) is not None]
        partitions = [one.partition for one in materializations if one.partition is not None]
        of = partitions[0] if len(partitions) == 1 else f"{len(partitions)} partitions" if partitions else ""
        rows.append([key.to_user_string(), count_text(sum(counts), "row") if counts else "", of])
    yield from aligned(rows, right=(1,), indent="  ", terminal=terminal)
    if len(made) > _MOST_ASSETS:
        yield f"  and {len(made) - _MOST_ASSETS} more"


def _step_lines(steps: list[StepView], now: float, terminal: Terminal) -> Iterator[str]:
    if not steps:
        return
    yield ""
    yield terminal.style("steps", bold=True)
    shown = steps
    if len(steps) > _MOST_STEPS:
        # The slowest are the ones to look at; the others are in the run's page.
        longest = sorted(steps, key=lambda step: -(step.seconds(now) or 0.0))[:_MOST_STEPS]
        keys = {step.key for step in longest}
        shown = [step for step in steps if step.key in keys]
    rows = [
        [
            step.key,
            STEP_LOOKS[step.status].word,
            duration_text(step.seconds(now)),
            f"attempt {step.attempt}" if step.attempt > 1 else "",
        ]
        for step in shown
    ]
    yield from aligned(rows, right=(2,), indent="  ", terminal=terminal)
    if len(shown) < len(steps):
        hidden = Counter(step.status for step in steps if step not in shown)
        yield f"  and {len(steps) - len(shown)} quicker ones: {counts_text(hidden)}"
