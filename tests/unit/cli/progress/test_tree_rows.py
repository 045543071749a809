"""The tree as rows, and which of them are kept where they do not all fit."""

from __future__ import annotations

from hypothesis import given, strategies as st
from tests.unit.cli.progress.events_of_runs import Happenings, a_plan, a_run, an_error

from weft.cli.progress.run_view import RunView
from weft.cli.progress.tree_rows import counts_text, tree_rows
from weft.model.events import EventBody, StepFailed, StepStarted, StepSucceeded
from weft.model.step import StepStatus


def drawn(view: RunView, most: int | None = None) -> list[str]:
    return [f"{row.guide}{row.label}{f' ({row.note})' if row.note else ''}" for row in tree_rows(view, most=most)]


def view_of(*keys: str) -> tuple[RunView, Happenings]:
    return RunView(a_run(), a_plan(*keys)), Happenings()


def test_a_plain_job_is_a_list() -> None:
    view, _ = view_of("a", "b")
    assert drawn(view) == ["a", "b"]


def test_graphs_and_copies_are_branches() -> None:
    view, happens = view_of("numbers", "inner.split", "inner.double", "inner.deep.total", "show")
    view.handle(happens(StepStarted(), "inner.double[one]"))
    view.handle(happens(StepSucceeded(), "inner.double[one]"))
    view.handle(happens(StepStarted(), "inner.double[two]"))
    assert drawn(view) == [
        "numbers",
        "inner (1 of 4)",
        "├─ split",
        "├─ double (1 of 2)",
        "│  ├─ [one]",
        "│  └─ [two]",
        "└─ deep (0 of 1)",
        "   └─ total",
        "show",
    ]


def test_what_matters_now_is_kept_where_space_is_short() -> None:
    keys = [f"step_{number:02}" for number in range(50)]
    view, happens = view_of(*keys)
    for key in keys[:30]:
        view.handle(happens(StepStarted(), key))
        view.handle(happens(StepFailed(error=an_error()) if key == "step_03" else StepSucceeded(), key))
    view.handle(happens(StepStarted(), "step_30"))
    assert drawn(view, most=8) == [
        "step_03",
        "step_27",
        "step_28",
        "step_29",
        "step_30",
        "step_31",
        "step_32",
        "and 43 more (26 succeeded, 17 waiting)",
    ]


def test_counts_are_in_the_order_of_importance() -> None:
    view, happens = view_of("a", "b", "c", "d")
    view.handle(happens(StepStarted(), "b"))
    view.handle(happens(StepStarted(), "c"))
    view.handle(happens(StepSucceeded(), "c"))
    assert counts_text(view.counts()) == "1 running, 1 succeeded, 2 waiting"


names = st.lists(st.text("ab", min_size=1, max_size=2), min_size=1, max_size=3).map(".".join)
bodies = st.sampled_from([StepStarted(), StepSucceeded(), StepFailed(error=an_error())])


@given(
    st.lists(names, unique=True, max_size=12),
    st.lists(st.tuples(st.integers(0, 20), bodies, st.sampled_from(["", "[x]", "[y]"])), max_size=30),
    st.integers(1, 15),
)
def test_every_step_has_one_row_and_no_more_rows_than_asked_for(
    keys: list[str], happened: list[tuple[int, EventBody, str]], most: int
) -> None:
    view, happens = view_of(*keys)
    for number, body, copy in happened:
        if number < len(keys):
            view.handle(happens(body, keys[number] + copy))
    rows = tree_rows(view)
    assert sorted(row.step.key for row in rows if row.step is not None) == sorted(step.key for step in view.in_order())
    fitting = tree_rows(view, most=most)
    assert len(fitting) <= max(2, most)
    shown = [row.step for row in fitting if row.step is not None]
    if len(shown) < len(list(view.in_order())):
        running = [step for step in view.in_order() if step.status is StepStatus.RUNNING]
        assert all(step in shown for step in running) or all(step.status is StepStatus.RUNNING for step in shown)
