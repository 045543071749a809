from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, note, settings, strategies as st
from msgspec.structs import replace

from weft.errors import SelectionError
from weft.model.keys import AssetCheckKey, AssetKey
from weft.model.plan import (
    BlockedBy,
    EdgeRule,
    FromAsset,
    FromCollected,
    FromConfig,
    FromDefault,
    FromMany,
    FromOutput,
    InputSource,
    OrderOnly,
    OutputRef,
    RunPlan,
    StepInput,
    StepOutputPlan,
    StepPlan,
)
from weft.model.run import RunStatus
from weft.model.step import Step, StepStatus
from weft.planning.reexecution import ReexecutionStrategy, plan_reexecution
from weft.planning.run_machine import (
    CheckEvaluated,
    OutputProduced,
    RunMachine,
    SkipAsked,
    SkipStep,
    StepFailed,
    StepInterrupted,
    StepSucceeded,
)

FROM_FAILURE, SELECTED = ReexecutionStrategy.FROM_FAILURE, ReexecutionStrategy.SELECTED
CHECK = AssetCheckKey("orders", "ok")


def ref(text: str, run_id: str | None = None) -> OutputRef:
    key, _, name = text.partition(".")
    return OutputRef(key, name or "result", run_id=run_id)


def out(text: str, run_id: str | None = None) -> FromOutput:
    return FromOutput(ref(text, run_id))


def many(*texts: str) -> FromMany:
    return FromMany(tuple(map(out, texts)))


def step(
    key: str,
    *sources: str | InputSource,
    rule: EdgeRule = EdgeRule.ALL_SUCCEEDED,
    rules: Sequence[EdgeRule] = (),
    outputs: Sequence[str] = ("result",),
    dynamic: Sequence[str] = (),
    fan_out: Sequence[str] = (),
    blocked_by: str | None = None,
    assets: Sequence[str | None] = (),
) -> StepPlan:
    return StepPlan(
        key=key,
        op_name=key,
        inputs=tuple(
            StepInput(
                name=f"in{place}",
                source=out(source) if isinstance(source, str) else source,
                rule=rules[place] if rules else rule,
                asset_key=AssetKey(assets[place] or "") if assets and assets[place] else None,
            )
            for place, source in enumerate(sources)
        ),
        outputs=tuple(
            StepOutputPlan(name=name, is_dynamic=name in dynamic) for name in dict.fromkeys([*outputs, *dynamic])
        ),
        fan_out=tuple(map(ref, fan_out)),
        blocked_by=(BlockedBy(blocked_by, CHECK),) if blocked_by else (),
    )


def plan(*steps: StepPlan) -> RunPlan:
    return RunPlan(job_name="job", steps=steps)


Values = dict[tuple[str, str, str, str | None], Any]
"""Run, step, output and mapping key to what was stored."""


class Executed:
    """A run that was carried out: how each step ended, and what it stored.

    The value of an output is made of its name and the values of the inputs, so two runs that store equal values did the same work.

    `behave` maps the key of a step to ``"fail"``, ``"interrupt"``, ``"skip"``, ``"blocks"`` (its check fails), or a list of what it yields
    (``name``, ``name[key]``); other steps yield all their plain outputs and pass their checks. Dynamic outputs are described by `fans`.
    """

    def __init__(
        self,
        run_plan: RunPlan,
        run_id: str = "r1",
        behave: Mapping[str, str | Sequence[str]] | None = None,
        *,
        values: Values | None = None,
    ) -> None:
        self.plan = run_plan
        self.run_id = run_id
        self.values: Values = values if values is not None else {}
        self.started: list[str] = []
        self.starts: dict[str, StepPlan] = {}
        self.steps: dict[str, Step] = {}
        machine = RunMachine(run_plan)
        self._skips(machine.start())
        while not machine.is_finished:
            [start] = machine.take_ready(1)
            self._run(machine, start.step, (behave or {}).get(start.step.key))
        assert machine.result is not None
        self.status = machine.result.status
        self.statuses = machine.statuses()

    def _run(self, machine: RunMachine, one: StepPlan, does: str | Sequence[str] | None) -> None:
        key = one.key
        self.started.append(key)
        self.starts[key] = one
        inputs = tuple(self._load(item.source) for item in one.inputs)
        if does in ("fail", "interrupt"):
            self._skips(machine.handle(StepFailed(key) if does == "fail" else StepInterrupted(key)))
            status = StepStatus.FAILED if does == "fail" else StepStatus.CANCELED
            self.steps[key] = Step(run_id=self.run_id, key=key, status=status, started_at=1.0)
            return
        if does == "skip":
            self._skips(machine.handle(SkipAsked(key, "nothing to do")))
            self.steps[key] = replace(self.steps[key], started_at=1.0)
            return
        yields = [one.name for one in one.outputs] if does is None or isinstance(does, str) else does
        outputs: dict[str, tuple[str, ...]] = {}
        for text in yields:
            name, _, mapping_key = text.rstrip("]").partition("[")
            if one.output(name).is_dynamic and not mapping_key:
                continue
            self.values[self.run_id, key, name, mapping_key or None] = (one.op_name, text, inputs)
            outputs[name] = (*outputs.get(name, ()), *([mapping_key] if mapping_key else []))
            machine.handle(OutputProduced(key, name, mapping_key or None))
        machine.handle(CheckEvaluated(key, CHECK, does != "blocks"))
        self._skips(machine.handle(StepSucceeded(key)))
        self.steps[key] = Step(
            run_id=self.run_id, key=key, status=StepStatus.SUCCEEDED, started_at=1.0, outputs=outputs
        )

    def _skips(self, instructions: Iterable[object]) -> None:
        for one in instructions:
            if isinstance(one, SkipStep):
                self.steps[one.step_key] = Step(
                    run_id=self.run_id, key=one.step_key, status=StepStatus.SKIPPED, skip_reason=one.reason
                )

    def _load(self, source: InputSource) -> Any:
        if isinstance(source, FromOutput):
            at = source.ref
            return self.values[at.run_id or self.run_id, at.step_key, at.output_name, at.mapping_key]
        if isinstance(source, FromMany):
            return tuple(self._load(one) for one in source.sources)
        return "ordered" if isinstance(source, OrderOnly) else source

    def again(
        self,
        behave: Mapping[str, str | Sequence[str]] | None = None,
        strategy: ReexecutionStrategy = FROM_FAILURE,
        selection: Sequence[str] | None = None,
        run_id: str = "r2",
        failed_checks: set[AssetCheckKey] | None = None,
    ) -> Executed:
        new = plan_reexecution(
            self.plan,
            list(self.steps.values()),
            self.run_id,
            strategy=strategy,
            selection=selection,
            failed_checks=failed_checks,
        )
        return Executed(new, run_id, behave, values=self.values)

    def latest(self) -> dict[tuple[str, str, str | None], Any]:
        """What is stored now, by the latest run that stored it."""
        found: dict[tuple[str, str, str | None], Any] = {}
        for run_id in sorted({run_id for run_id, *_ in self.values}):
            for (run, key, name, mapping_key), value in self.values.items():
                if run == run_id:
                    found[key, name, mapping_key] = value
        return found


def source_of(executed: Executed, key: str, place: int = 0) -> InputSource:
    """Where an input of a step came from when it started."""
    return executed.starts[key].inputs[place].source


# --- from the failure ------------------------------------------------------------------------------------------------


def test_only_what_failed_and_what_is_below_it_runs_again() -> None:
    first = Executed(
        plan(step("a"), step("b", "a"), step("c", "b"), step("d", "a"), step("e", "c", "d")), behave={"b": "fail"}
    )
    assert first.started == ["a", "b", "d"]
    second = first.again()
    assert second.started == ["b", "c", "e"]
    assert source_of(second, "b") == out("a", "r1")
    assert source_of(second, "e", 0) == out("c")
    assert source_of(second, "e", 1) == out("d", "r1")
    assert second.status is RunStatus.SUCCESS
    assert second.plan.selected == ("b", "c", "e")


def test_a_cancelled_step_and_one_that_never_ran_run_again() -> None:
    first = Executed(plan(step("a"), step("b", "a"), step("c", "a")), behave={"b": "interrupt"})
    del first.steps["c"]
    assert first.again().started == ["b", "c"]


def test_steps_skipped_when_the_run_was_aborted_run_again() -> None:
    first = Executed(plan(step("a"), step("b", "a")))
    first.steps["b"] = Step(run_id="r1", key="b", status=StepStatus.SKIPPED, skip_reason="the run was aborted")
    assert first.again().started == ["b"]


def test_what_came_from_an_older_run_still_does() -> None:
    first = Executed(plan(step("a"), step("b", "a"), step("c", "a", "b")), behave={"b": "fail"})
    second = first.again({"c": "fail"})
    third = second.again(run_id="r3")
    assert third.started == ["c"]
    assert [source_of(third, "c", place) for place in (0, 1)] == [out("a", "r1"), out("b", "r2")]


def test_a_branch_that_was_not_taken_stays_untaken() -> None:
    first = Executed(
        plan(
            step("branch", outputs=("x", "y")),
            step("left", "branch.x"),
            step("right", "branch.y"),
            step("below", "right"),
            step("join", many("left", "right")),
            step("maybe", "left", "right", rule=EdgeRule.OPTIONAL),
            step("other", "left"),
        ),
        behave={"branch": ["x"], "other": "fail", "join": "fail", "maybe": "fail"},
    )
    second = first.again()
    assert second.started == ["join", "maybe", "other"]
    assert source_of(second, "join") == FromMany((out("left", "r1"),))
    assert source_of(second, "maybe", 1) == FromDefault()
    assert second.status is RunStatus.SUCCESS


def test_a_step_that_skipped_itself_stays_skipped() -> None:
    run_plan = plan(
        step("a"),
        step("b", "a"),
        step("c", "b"),
        step("d", "b", rule=EdgeRule.OPTIONAL),
        step("e", "d", "a"),
        step("f"),
    )
    first = Executed(run_plan, behave={"b": "skip", "d": "fail", "f": "fail"})

    again = first.again()

    assert again.started == ["d", "e", "f"]
    assert source_of(again, "d") == FromDefault()


def test_a_step_that_skipped_itself_runs_again_below_one_that_does() -> None:
    first = Executed(
        plan(step("a"), step("b"), step("c", "a", "b", rule=EdgeRule.ALL_DONE)), behave={"b": "fail", "c": "skip"}
    )

    assert first.again().started == ["b", "c"]


def test_a_branch_is_decided_anew_when_the_step_that_decides_runs_again() -> None:
    steps = plan(
        step("src"), step("branch", "src", outputs=("x", "y")), step("left", "branch.x"), step("right", "branch.y")
    )
    first = Executed(steps, behave={"branch": ["x"], "left": "fail"})
    assert first.again().started == ["left"]
    first = Executed(steps, behave={"branch": "fail"})
    second = first.again({"branch": ["y"]})
    assert second.started == ["branch", "right"]
    assert second.statuses["left"] is StepStatus.SKIPPED


def test_order_only_inputs_wait_for_what_runs_again_only() -> None:
    first = Executed(plan(step("a"), step("b"), step("c", OrderOnly((ref("a"), ref("b"))))), behave={"b": "fail"})
    second = first.again()
    assert second.started == ["b", "c"]
    assert source_of(second, "c") == OrderOnly((ref("a", "r1"), ref("b")))


def test_any_succeeded_does_without_what_was_absent() -> None:
    first = Executed(
        plan(step("a"), step("b"), step("c", "a", "b", rule=EdgeRule.ANY_SUCCEEDED)), behave={"a": [], "c": "fail"}
    )
    second = first.again()
    assert second.started == ["c"]
    assert [source_of(second, "c", place) for place in (0, 1)] == [FromDefault(), out("b", "r1")]


def test_a_run_without_failures_has_nothing_to_run_again() -> None:
    first = Executed(plan(step("a"), step("b", "a")))
    with pytest.raises(SelectionError) as caught:
        first.again()
    assert str(caught.value) == (
        "WEFT-S016  there is nothing to run again.\n"
        "  run           r1\n"
        "  fix           name steps that should run again, or run all of them again"
    )


def test_all_runs_the_plan_as_it_is() -> None:
    first = Executed(plan(step("a"), step("b", "a")), behave={"a": "fail"})
    assert plan_reexecution(first.plan, [], "r1", strategy=ReexecutionStrategy.ALL) is first.plan


# --- blocking checks -------------------------------------------------------------------------------------------------

GUARDED = plan(
    step("orders"), step("check", "orders"), step("down", "orders", blocked_by="check"), step("last", "down")
)


def test_what_a_failed_check_kept_back_runs_again_with_the_check() -> None:
    first = Executed(GUARDED, behave={"check": "blocks"})
    assert first.statuses["down"] is StepStatus.SKIPPED
    for failed in (None, {CHECK}):
        second = first.again(failed_checks=failed)
        assert second.started == ["check", "down", "last"]
        assert second.plan.steps[2].blocked_by == (BlockedBy("check", CHECK),)


def test_a_check_that_let_pass_does_not_run_again() -> None:
    second = Executed(GUARDED, behave={"down": "fail"}).again()
    assert second.started == ["down", "last"]
    assert next(one for one in second.plan.steps if one.key == "down").blocked_by == ()


def test_a_check_that_passed_does_not_run_again_where_that_is_known() -> None:
    first = Executed(GUARDED)
    for key in ("down", "last"):
        first.steps[key] = Step(run_id="r1", key=key, status=StepStatus.CANCELED)
    assert first.again(failed_checks=set()).started == ["down", "last"]
    assert first.again(run_id="r3").started == ["check", "down", "last"]


def test_a_check_without_an_answer_runs_again() -> None:
    first = Executed(GUARDED)
    reason = 'blocking check "orders:ok" gave no answer'
    first.steps["down"] = Step(run_id="r1", key="down", status=StepStatus.SKIPPED, skip_reason=reason)
    first.steps["last"] = Step(run_id="r1", key="last", status=StepStatus.SKIPPED, skip_reason="...")
    assert first.again(failed_checks=set()).started == ["check", "down", "last"]


# --- fan-outs --------------------------------------------------------------------------------------------------------

FAN = plan(
    step("src", outputs=(), dynamic=("out",)),
    step("m", "src.out", fan_out=["src.out"]),
    step("n", "m", fan_out=["src.out"]),
    step("c", FromCollected(ref("n"))),
)
KEYS = {"src": ["out[a]", "out[b]", "out[x]"]}


def test_only_the_copies_that_failed_run_again() -> None:
    first = Executed(FAN, behave={**KEYS, "m[b]": "fail"})
    second = first.again()
    assert second.started == ["m[b]", "n[b]", "c"]
    b = OutputRef("src", "out", "b", "r1")
    assert source_of(second, "m[b]") == FromOutput(b)
    assert next(one for one in second.plan.steps if one.key == "n[b]").fan_out == (b,)
    assert source_of(second, "c") == FromMany((out("n[a]", "r1"), out("n[b]"), out("n[x]", "r1")))


def test_a_copy_that_fails_again_runs_again_alone() -> None:
    first = Executed(FAN, behave={**KEYS, "m[a]": "fail", "m[b]": "fail"})
    second = first.again({"m[b]": "fail"})
    third = second.again(run_id="r3")
    assert third.started == ["m[b]", "n[b]", "c"]
    assert source_of(third, "c") == FromMany((out("n[a]", "r2"), out("n[b]"), out("n[x]", "r1")))


def test_the_whole_fan_out_runs_again_with_the_step_that_yields_it() -> None:
    first = Executed(FAN, behave={"src": "fail"})
    second = first.again({"src": ["out[new]"]})
    assert second.started == ["src", "m[new]", "n[new]", "c"]
    assert second.plan.steps == FAN.steps


def test_copies_that_were_skipped_by_choice_stay_skipped() -> None:
    first = Executed(FAN, behave={**KEYS, "m[a]": [], "c": "fail"})
    second = first.again()
    assert second.started == ["c"]
    assert source_of(second, "c") == FromMany((out("n[b]", "r1"), out("n[x]", "r1")))


def test_an_empty_fan_out_stays_empty() -> None:
    first = Executed(FAN, behave={"src": [], "c": "fail"})
    second = first.again()
    assert second.started == ["c"]
    assert source_of(second, "c") == FromMany(())


NESTED = plan(
    step("src", outputs=(), dynamic=("out",)),
    step("sub", "src.out", outputs=(), dynamic=("out",), fan_out=["src.out"]),
    step("leaf", "sub.out", "src.out", fan_out=["src.out", "sub.out"]),
    step("inner", FromCollected(ref("leaf")), fan_out=["src.out"]),
    step("outer", FromCollected(ref("inner")), FromCollected(ref("leaf")), FromCollected(ref("sub.out"))),
)
NESTED_KEYS = {
    "src": ["out[eu]", "out[us]", "out[none]"],
    "sub[eu]": ["out[1]", "out[2]"],
    "sub[us]": ["out[1]"],
    "sub[none]": [],
}


def test_one_branch_of_nested_fan_outs_runs_again() -> None:
    first = Executed(NESTED, behave={**NESTED_KEYS, "leaf[eu][2]": "fail"})
    second = first.again()
    assert second.started == ["leaf[eu][2]", "inner[eu]", "outer"]
    assert source_of(second, "inner[eu]") == FromMany((out("leaf[eu][1]", "r1"), out("leaf[eu][2]")))
    assert source_of(second, "outer", 0) == FromMany(
        (out("inner[eu]"), out("inner[us]", "r1"), out("inner[none]", "r1"))
    )
    assert second.status is RunStatus.SUCCESS


def test_a_nested_fan_out_whose_keys_are_not_known_stays_a_template() -> None:
    first = Executed(NESTED, behave={**NESTED_KEYS, "sub[eu]": "fail"})
    second = first.again({"sub[eu]": ["out[7]", "out[8]"]})
    assert second.started == ["sub[eu]", "leaf[eu][7]", "leaf[eu][8]", "inner[eu]", "outer"]
    assert source_of(second, "outer", 1) == FromMany((out("leaf[eu][7]"), out("leaf[eu][8]"), out("leaf[us][1]", "r1")))
    assert second.values["r2", "outer", "result", None][2][2] == (
        ("sub", "out[7]", (("src", "out[eu]", ()),)),
        ("sub", "out[8]", (("src", "out[eu]", ()),)),
        ("sub", "out[1]", (("src", "out[us]", ()),)),
    )


# --- selected steps --------------------------------------------------------------------------------------------------

CHAIN = plan(step("a"), step("b", "a"), step("c", "b"), step("d", "c"))


@pytest.mark.parametrize(
    ("selection", "expected"),
    [(["b"], "b"), (["b+"], "b c"), (["*c"], "a b c"), (["b*"], "b c d"), (["a, d"], "a d"), (["*"], "a b c d")],
)
def test_named_steps_run_again_and_no_others(selection: list[str], expected: str) -> None:
    second = Executed(CHAIN).again(strategy=SELECTED, selection=selection)
    assert second.started == expected.split()


def test_a_named_step_reads_what_the_parent_stored() -> None:
    second = Executed(CHAIN).again(strategy=SELECTED, selection=["d", "b"])
    assert source_of(second, "b") == out("a", "r1")
    assert source_of(second, "d") == out("c", "r1")


def test_a_named_step_that_needs_a_failed_one_is_an_error() -> None:
    first = Executed(CHAIN, behave={"b": "fail"})
    with pytest.raises(SelectionError) as caught:
        first.again(strategy=SELECTED, selection=["c+"])
    assert str(caught.value) == (
        'WEFT-S015  "c" cannot run again alone: it needs outputs that run r1 does not have.\n'
        "  without outputs  b\n"
        "  fix              run b again too, or everything from the failure"
    )


def test_an_asset_is_loaded_from_storage_where_the_parent_did_not_make_it() -> None:
    loads = step("b", "a", OrderOnly((ref("x"),)), assets=["a", "x"])
    first = Executed(plan(step("a"), step("x"), loads), behave={"a": "fail", "x": "fail"})
    second = first.again(strategy=SELECTED, selection=["b"])
    assert source_of(second, "b", 0) == FromAsset(AssetKey("a"))
    assert source_of(second, "b", 1) == OrderOnly(())
    assert second.started == ["b"]


def test_a_step_of_an_older_run_can_be_named() -> None:
    first = Executed(CHAIN, behave={"c": "fail"})
    second = first.again()
    third = second.again(strategy=SELECTED, selection=["b+"], run_id="r3")
    assert third.started == ["b", "c"]
    assert source_of(third, "b") == out("a", "r1")
    assert source_of(third, "c") == out("b")


def test_an_unknown_name_is_an_error() -> None:
    for name in ("bb", "m[zzz]", "zzz[a]"):
        with pytest.raises(SelectionError) as caught:
            Executed(FAN, behave=KEYS).again(strategy=SELECTED, selection=[name])
        assert caught.value.code == "WEFT-S013"
    with pytest.raises(SelectionError):
        Executed(CHAIN).again(strategy=SELECTED, selection=[])


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (["m[b]"], "m[b]"),
        (["m[b]*"], "m[b] n[b] c"),
        (["m"], "m[a] m[b] m[x]"),
        (["m[a]", "n[b]"], "m[a] n[b]"),
        (["c"], "c"),
        (["src"], "src"),
        (["src", "c"], "src c"),
        (["src+"], "src m[new]"),
    ],
)
def test_copies_can_be_named(selection: list[str], expected: str) -> None:
    second = Executed(FAN, behave=KEYS).again({"src": ["out[new]"]}, strategy=SELECTED, selection=selection)
    assert second.started == expected.split()


def test_a_name_with_some_mapping_keys_means_all_copies_below_them() -> None:
    second = Executed(NESTED, behave=NESTED_KEYS).again(strategy=SELECTED, selection=["leaf[eu]"])
    assert second.started == ["leaf[eu][1]", "leaf[eu][2]"]
    second = Executed(NESTED, behave=NESTED_KEYS).again(strategy=SELECTED, selection=["leaf[eu][1]+"])
    assert second.started == ["leaf[eu][1]", "inner[eu]", "outer"]


def test_copies_whose_keys_are_not_known_cannot_be_named_alone() -> None:
    with pytest.raises(SelectionError) as caught:
        Executed(FAN, behave={"src": "fail"}).again(strategy=SELECTED, selection=["m"])
    assert caught.value.code == "WEFT-S015"


# --- the law: a finished run equals one that never failed ---------------------------------------------------------------


@st.composite
def histories(draw: st.DrawFn) -> tuple[RunPlan, dict[str, Any], list[set[str]]]:
    """A plan with branches, rules, a blocking check and nested fan-outs; how its steps behave; which steps fail in which attempt."""
    steps: list[StepPlan] = []
    behave: dict[str, Any] = {}
    names: list[str] = []

    def grow(count: int, sources: list[str], fan_out: Sequence[str], prefix: str) -> None:
        for number in range(count):
            key = f"{prefix}{number}"
            chosen = draw(st.lists(st.sampled_from(sources), max_size=3)) if sources else []
            inputs: list[InputSource] = []
            for source in chosen:
                kind = draw(st.sampled_from(["one", "one", "many", "order"]))
                inputs.append(
                    out(source)
                    if kind == "one"
                    else FromMany((out(source), FromConfig(("x",))))
                    if kind == "many" and draw(st.booleans())
                    else many(source)
                    if kind == "many"
                    else OrderOnly((ref(source),))
                )
            rules = [draw(st.sampled_from([*EdgeRule, *[EdgeRule.ALL_SUCCEEDED] * 4])) for _ in inputs]
            steps.append(step(key, *inputs, rules=rules, outputs=("result", "other"), fan_out=fan_out))
            if (odds := draw(st.integers(0, 5))) < 2:
                behave[key] = ["result"] if odds else "skip"
            sources = [*sources, key, f"{key}.other"]
            names.append(key)

    grow(draw(st.integers(0, 3)), [], [], "top")
    before = [text for one in steps for text in (one.key, f"{one.key}.other")]
    steps.append(step("src", *(before[:1]), outputs=("result",), dynamic=("out",)))
    behave["src"] = ["result", *(f"out[{key}]" for key in "ab"[: draw(st.integers(0, 2))])]
    names.append("src")
    first = len(steps)
    grow(draw(st.integers(1, 2)), ["src.out", "src", *before], ["src.out"], "mid")
    mids = [text for one in steps[first:] for text in (one.key, f"{one.key}.other")]
    steps.append(step("sub", "src.out", outputs=("result",), dynamic=("out",), fan_out=["src.out"]))
    for key in "ab":
        behave[f"sub[{key}]"] = ["result", *(f"out[{n}]" for n in range(draw(st.integers(0, 2))))]
    second = len(steps)
    grow(draw(st.integers(1, 2)), ["sub.out", "src.out", *mids], ["src.out", "sub.out"], "low")
    lows = [one.key for one in steps[second:]]
    steps.append(step("inner", FromCollected(ref(lows[0])), fan_out=["src.out"]))
    steps.append(
        step(
            "end",
            FromCollected(ref("inner")),
            FromCollected(ref(draw(st.sampled_from(lows)))),
            FromMany((*(out(text) for text in before[:1]), FromCollected(ref(mids[0])))),
            OrderOnly((ref("sub.out"),)),
            rules=[draw(st.sampled_from(EdgeRule)) for _ in range(4)],
        )
    )
    steps.append(step("check", *before[:1]))
    steps.append(step("down", *before[:1], blocked_by="check"))
    steps.append(step("last", "down", "end", rule=draw(st.sampled_from(EdgeRule))))
    everything = [
        *(
            key
            for key in (*names, "check", "down", "end", "last")
            if key.startswith(("top", "src", "check", "d", "e", "la"))
        ),
        *(f"{key}[{k}]" for key in ("mid0", "mid1", "sub", "inner") for k in "ab"),
        *(f"{key}[{k}][{n}]" for key in ("low0", "low1") for k in "ab" for n in (0, 1)),
    ]
    for key in ("mid0", "mid1"):
        behave.update({f"{key}[{k}]": behave[key] for k in "ab" if key in behave})
    for key in ("low0", "low1"):
        behave.update({f"{key}[{k}][{n}]": behave[key] for k in "ab" for n in (0, 1) if key in behave})
    failures = draw(st.lists(st.sets(st.sampled_from(everything), min_size=1, max_size=4), min_size=1, max_size=3))
    return plan(*steps), behave, failures


@settings(max_examples=200, deadline=None)
@given(history=histories(), interrupts=st.booleans())
def test_a_run_that_was_repeated_from_its_failures_equals_one_that_never_failed(
    history: tuple[RunPlan, dict[str, Any], list[set[str]]], interrupts: bool
) -> None:
    run_plan, behave, failures = history
    clean = Executed(run_plan, "r0", behave)
    assert clean.status is RunStatus.SUCCESS
    bad = "interrupt" if interrupts else "fail"
    rules = {item.rule for one in run_plan.steps for item in one.inputs}
    lenient = bool(rules & {EdgeRule.ANY_SUCCEEDED, EdgeRule.ALL_DONE})  # steps may succeed below a failure

    def failing(keys: set[str]) -> dict[str, Any]:
        return {**behave, **{key: "blocks" if key == "check" else bad for key in keys}}

    run = Executed(run_plan, "r1", failing(failures[0]))
    succeeded = {key for key, one in run.steps.items() if one.status is StepStatus.SUCCEEDED}
    number = 1
    for broken in [*failures[1:], set()]:
        if run.status is RunStatus.SUCCESS:
            break
        number += 1
        run = run.again(failing(broken), run_id=f"r{number}")
        if not lenient:
            repeated = succeeded & set(run.started)
            assert repeated <= {"check"}, "what succeeded, and is below no failure, does not run again"
        succeeded |= {key for key, one in run.steps.items() if one.status is StepStatus.SUCCEEDED}
    note(f"skipped in the end: { {key: one.skip_reason for key, one in run.steps.items() if one.skip_reason} }")
    assert run.status is RunStatus.SUCCESS
    assert run.latest() == clean.latest()
