"""The steps of a run as rows of a tree: graphs with their steps, steps with the copies that a dynamic output made. Pure.

Where the rows do not fit, the ones that matter now are kept: what runs, what failed, what ended last, what comes next.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from weft.cli.progress.run_view import RunView, StepView
from weft.cli.progress.status_words import STEP_LOOKS
from weft.model.step import StepStatus


class Row(NamedTuple):
    """One line. `step` is None for a graph, and for a step that was copied; `note` then says how far it is."""

    guide: str
    label: str
    step: StepView | None
    note: str = ""


class _Node:
    __slots__ = ("children", "label", "step")

    def __init__(self, label: str) -> None:
        self.label = label
        self.step: StepView | None = None
        self.children: dict[str, _Node] = {}


def tree_rows(view: RunView, *, most: int | None = None) -> list[Row]:
    """The rows to show, at most `most` of them."""
    rows = list(_walk(_tree(view).children.values()))
    if most is None or len(rows) <= most:
        return rows
    return _most_important(list(view.in_order()), max(1, most - 1))


def counts_text(counts: Counter[StepStatus]) -> str:
    """``3 succeeded, 1 failed, 2 waiting``."""
    words: Counter[str] = Counter()
    for status, count in counts.items():
        words[STEP_LOOKS[status].word] += count
    order = dict.fromkeys(look.word for look in STEP_LOOKS.values())
    return ", ".join(f"{words[word]} {word}" for word in [*list(order)[1:], "waiting"] if words[word])


def _tree(view: RunView) -> _Node:
    root = _Node("")
    for step in view.in_order():
        template, bracket, copy = step.key.partition("[")
        node = root
        for part in template.split("."):
            node = node.children.setdefault(part, _Node(part))
        if bracket:
            node = node.children.setdefault(bracket + copy, _Node(bracket + copy))
        node.step = step
    return root


def _walk(nodes: Iterable[_Node], indent: str | None = None) -> Iterator[Row]:
    """The rows of `nodes` and of what is below them. `indent` is None at the top: the steps of a plain job are a list, without guides."""
    siblings = list(nodes)
    for place, node in enumerate(siblings):
        is_last = place == len(siblings) - 1
        below = _steps_below(node) if node.step is None else []
        done = sum(step.status.is_finished for step in below)
        note = f"{done} of {len(below)}" if below else ""
        if indent is None:
            yield Row("", node.label, node.step, note)
            yield from _walk(node.children.values(), "")
        else:
            yield Row(indent + ("└─ " if is_last else "├─ "), node.label, node.step, note)
            yield from _walk(node.children.values(), indent + ("   " if is_last else "│  "))


def _steps_below(node: _Node) -> list[StepView]:
    own = [node.step] if node.step is not None else []
    return own + [step for child in node.children.values() for step in _steps_below(child)]


def _most_important(steps: list[StepView], most: int) -> list[Row]:
    place = {step.key: number for number, step in enumerate(steps)}
    chosen: dict[str, StepView] = {}

    def take(group: Iterable[StepView]) -> None:
        for step in group:
            if len(chosen) >= most:
                return
            chosen.setdefault(step.key, step)

    def with_status(*statuses: StepStatus) -> list[StepView]:
        return [step for step in steps if step.status in statuses]

    take(with_status(StepStatus.RUNNING, StepStatus.UP_FOR_RETRY))
    take(with_status(StepStatus.FAILED))
    waiting = with_status(StepStatus.PENDING, StepStatus.READY)
    ended = sorted((step for step in steps if step.ended_at is not None), key=lambda step: -(step.ended_at or 0.0))
    # Some of what comes next stays in sight, however much has ended.
    take(ended[: max(0, most - len(chosen) - min(len(waiting), most // 3))])
    take(waiting)
    take(ended)
    take(steps)
    rows = [Row("", step.key, step) for step in sorted(chosen.values(), key=lambda step: place[step.key])]
    hidden = Counter(step.status for step in steps if step.key not in chosen)
    return [*rows, Row("", f"and {sum(hidden.values())} more", None, counts_text(hidden))]
