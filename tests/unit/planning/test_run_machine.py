from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence

import pytest
from hypothesis import given, settings, strategies as st

from weft.errors import InternalError
from weft.model.keys import AssetCheckKey, AssetKey
from weft.model.plan import (
    BlockedBy,
    EdgeRule,
    FromAbsent,
    FromAsset,
    FromCollected,
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
    upstream_refs,
)
from weft.model.retry import RetryPolicy
from weft.model.run import FailureReason, RunStatus
from weft.model.severity import AssetCheckSeverity
from weft.model.step import StepStatus
from weft.planning.retries import RetryAsked
from weft.planning.run_machine import (
    CancelRequested,
    CancelStep,
    CheckEvaluated,
    FailStep,
    FinishRun,
    Instruction,
    OutputLeftOut,
    OutputProduced,
    RetryDue,
    RetryLater,
    RunAborted,
    RunMachine,
    SkipAsked,
    SkipStep,
    StartStep,
    StepFailed,
    StepInterrupted,
    StepSucceeded,
    Stimulus,
)

S = StepStatus


def ref(text: str) -> OutputRef:
    """``step`` or ``step.output``."""
    key, _, name = text.partition(".")
    return OutputRef(key, name or "result")


def out(text: str) -> FromOutput:
    return FromOutput(ref(text))


def many(*texts: str) -> FromMany:
    return FromMany(tuple(out(text) for text in texts))


def collected(text: str) -> FromCollected:
    return FromCollected(ref(text))


def step(
    key: str,
    *sources: str | InputSource,
    rule: EdgeRule = EdgeRule.ALL_SUCCEEDED,
    rules: Sequence[EdgeRule] = (),
    outputs: Sequence[str] = ("result",),
    dynamic: Sequence[str] = (),
    fan_out: Sequence[str] = (),
    blocked_by: Sequence[BlockedBy] = (),
    retries: int | None = None,
    tags: Mapping[str, str] | None = None,
    pool: str | None = None,
) -> StepPlan:
    return StepPlan(
        key=key,
        op_name=key,
        inputs=tuple(
            StepInput(
                name=f"in{place}",
                source=out(source) if isinstance(source, str) else source,
                rule=rules[place] if rules else rule,
            )
            for place, source in enumerate(sources)
        ),
        outputs=tuple(
            StepOutputPlan(name=name, is_dynamic=name in dynamic) for name in dict.fromkeys([*outputs, *dynamic])
        ),
        fan_out=tuple(map(ref, fan_out)),
        blocked_by=tuple(blocked_by),
        retry_policy=None if retries is None else RetryPolicy(max_retries=retries, delay=1.0),
        tags=tags or {},
        pool=pool,
    )


def plan(*steps: StepPlan, selected: Sequence[str] | None = None) -> RunPlan:
    return RunPlan(job_name="job", steps=steps, selected=None if selected is None else tuple(selected))


class Driven:
    """A machine with the notes of an executor that runs one step after the other.

    `behave` maps the key of a step to what each of its attempts does: a list of output names, ``name[key]`` for dynamic ones; or
    ``"fail"``, ``"interrupt"``. Steps that are not named yield all their plain outputs.
    """

    def __init__(
        self, run_plan: RunPlan, behave: Mapping[str, str | Sequence[str]] | None = None, **options: object
    ) -> None:
        self.machine = RunMachine(run_plan, **options)  # type: ignore[arg-type]
        self.behave = dict(behave or {})
        self.started: list[str] = []
        self.starts: dict[str, StepPlan] = {}
        self.skips: dict[str, SkipStep] = {}
        self.instructions: list[Instruction] = []
        self.note(self.machine.start())

    def note(self, instructions: Iterable[Instruction]) -> list[Instruction]:
        noted = list(instructions)
        for instruction in noted:
            if isinstance(instruction, SkipStep):
                assert instruction.step_key not in self.skips
                self.skips[instruction.step_key] = instruction
        self.instructions += noted
        return noted

    def tell(self, stimulus: Stimulus) -> list[Instruction]:
        return self.note(self.machine.handle(stimulus))

    def take(self, limit: int | None = 1) -> list[StartStep]:
        starts = self.machine.take_ready(limit)
        for start in starts:
            self.started.append(start.step.key)
            self.starts[start.step.key] = start.step
        return starts

    def succeed(self, key: str, outputs: Sequence[str] = ("result",)) -> list[Instruction]:
        for name in outputs:
            output, _, mapping_key = name.rstrip("]").partition("[")
            self.tell(OutputProduced(key, output, mapping_key or None))
        return self.tell(StepSucceeded(key))

    def run(self) -> Driven:
        while not self.machine.is_finished:
            starts = self.take()
            assert starts, f"stuck: {self.machine.statuses()}"
            [start] = starts
            key = start.step.key
            does = self.behave.get(key, [one.name for one in start.step.outputs if not one.is_dynamic])
            if does == "fail":
                for instruction in self.tell(StepFailed(key, "boom")):
                    if isinstance(instruction, RetryLater):
                        self.tell(RetryDue(key))
            elif does == "interrupt":
                self.tell(StepInterrupted(key))
            else:
                self.succeed(key, does)
        return self

    @property
    def statuses(self) -> dict[str, StepStatus]:
        return self.machine.statuses()

    @property
    def result(self) -> FinishRun:
        assert self.machine.result is not None
        return self.machine.result


def sources_of(step_plan: StepPlan) -> list[InputSource]:
    return [item.source for item in step_plan.inputs]


# --- plain runs ------------------------------------------------------------------------------------------------------


def test_a_chain_runs_in_order_and_succeeds() -> None:
    run = Driven(plan(step("a"), step("b", "a"), step("c", "b"))).run()
    assert run.started == ["a", "b", "c"]
    assert run.result == FinishRun(RunStatus.SUCCESS)
    assert run.instructions == [run.result]


def test_a_run_without_steps_succeeds_at_once() -> None:
    assert RunMachine(plan()).start() == [FinishRun(RunStatus.SUCCESS)]


def test_only_selected_steps_run() -> None:
    stored = FromOutput(OutputRef("a", "result", run_id="parent"))
    run = Driven(plan(step("a"), step("b", stored), step("c", "b"), selected=["b", "c"])).run()
    assert run.started == ["b", "c"]
    assert "a" not in run.statuses


def test_a_step_starts_exactly_as_planned_when_all_its_sources_are_there() -> None:
    steps = (step("a"), step("b", "a", many("a", "a"), FromAsset(AssetKey("x"))))
    run = Driven(plan(*steps)).run()
    assert run.starts["b"] is steps[1]


def test_an_output_counts_only_once_its_step_succeeded() -> None:
    run = Driven(plan(step("a"), step("b", "a")))
    run.take()
    run.tell(OutputProduced("a", "result"))
    assert run.take() == []
    run.tell(StepSucceeded("a"))
    assert [start.step.key for start in run.take()] == ["b"]


def test_outputs_of_a_failed_attempt_do_not_count() -> None:
    run = Driven(plan(step("a", outputs=("x", "y"), retries=1), step("b", "a.x"), step("c", "a.y")))
    run.take()
    run.tell(OutputProduced("a", "x"))
    run.tell(StepFailed("a"))
    run.tell(RetryDue("a"))
    run.take()
    run.succeed("a", ["y"])
    run.run()
    assert run.statuses == {"a": S.SUCCEEDED, "b": S.SKIPPED, "c": S.SUCCEEDED}


def test_a_failed_step_skips_everything_below_it_and_nothing_else() -> None:
    run = Driven(
        plan(step("a"), step("b", "a"), step("c", "b"), step("other"), step("both", "c", "other")), {"a": "fail"}
    ).run()
    assert run.started == ["a", "other"]
    assert run.skips["b"] == SkipStep("b", 'step "a" failed', ("a",), by_failure=True)
    assert run.skips["c"] == SkipStep("c", 'step "b" was skipped (step "a" failed)', ("b",), by_failure=True)
    assert run.skips["both"].causes == ("c",)
    assert run.result == FinishRun(RunStatus.FAILURE, FailureReason.STEP_FAILED, 'step "a" failed', ("a",))


def test_an_output_that_is_not_yielded_skips_what_needs_it() -> None:
    run = Driven(
        plan(step("branch", outputs=("yes", "no")), step("a", "branch.yes"), step("b", "branch.no"), step("c", "b")),
        {"branch": ["yes"]},
    ).run()
    assert run.started == ["branch", "a"]
    assert run.skips["b"] == SkipStep("b", 'step "branch" did not yield output "no"', ("branch",))
    assert run.skips["c"].reason == 'step "b" was skipped (step "branch" did not yield output "no")'
    assert run.result.status is RunStatus.SUCCESS


def test_a_skip_names_all_its_causes_and_the_first_in_words() -> None:
    run = Driven(plan(step("a"), step("b"), step("c", "a", "b")), {"a": "fail", "b": "fail"}).run()
    assert run.skips["c"] == SkipStep("c", 'step "a" failed, and 1 more', ("a", "b"), by_failure=True)
    assert run.result.message == "2 steps failed: a, b"


def test_a_failure_comes_before_a_branch_among_the_causes_of_a_skip() -> None:
    run = Driven(plan(step("a"), step("b"), step("c", "a", "b")), {"a": [], "b": "fail"}).run()
    assert run.skips["c"].causes == ("b", "a")
    assert run.skips["c"].by_failure


# --- lists -----------------------------------------------------------------------------------------------------------


def test_a_list_holds_only_what_was_produced_when_the_rest_was_skipped() -> None:
    run = Driven(
        plan(
            step("branch", outputs=("x", "y")), step("a", "branch.x"), step("b", "branch.y"), step("c", many("a", "b"))
        ),
        {"branch": ["y"]},
    ).run()
    assert sources_of(run.starts["c"]) == [many("b")]


def test_a_list_of_nothing_but_skipped_sources_is_skipped() -> None:
    run = Driven(plan(step("a"), step("b"), step("c", many("a", "b"))), {"a": [], "b": []}).run()
    assert run.statuses["c"] is S.SKIPPED
    assert not run.skips["c"].by_failure


def test_a_failure_never_shortens_a_list() -> None:
    run = Driven(plan(step("a"), step("mid", "a"), step("b"), step("c", many("mid", "b"))), {"a": "fail"}).run()
    assert run.skips["c"] == SkipStep("c", 'step "mid" was skipped (step "a" failed)', ("mid",), by_failure=True)


def test_a_list_may_hold_what_no_step_makes() -> None:
    source = FromMany((FromAsset(AssetKey("x")), out("a")))
    run = Driven(plan(step("a"), step("b", source)), {"a": []}).run()
    assert sources_of(run.starts["b"]) == [FromMany((FromAsset(AssetKey("x")),))]


# --- the truth table -------------------------------------------------------------------------------------------------

OUTCOMES = ("succeeded", "failed", "skipped", "not yielded", "canceled", "skipped by failure")
RUN, SKIP, DEFAULT = "runs", "is skipped", "runs with the default"
TABLE: dict[EdgeRule, dict[str, str]] = {
    EdgeRule.ALL_SUCCEEDED: dict.fromkeys(OUTCOMES, SKIP) | {"succeeded": RUN},
    EdgeRule.ANY_SUCCEEDED: dict.fromkeys(OUTCOMES, SKIP) | {"succeeded": RUN},
    EdgeRule.ALL_DONE: dict.fromkeys(OUTCOMES, DEFAULT) | {"succeeded": RUN},
    EdgeRule.OPTIONAL: dict.fromkeys(OUTCOMES, SKIP) | {"succeeded": RUN, "skipped": DEFAULT, "not yielded": DEFAULT},
}


def after(outcome: str, *below: StepPlan) -> Driven:
    """A run in which step ``up`` ends with `outcome`."""
    behave: dict[str, str | Sequence[str]] = {
        "succeeded": ["result"],
        "failed": "fail",
        "skipped": ["result"],
        "not yielded": [],
        "canceled": "interrupt",
        "skipped by failure": ["result"],
    }
    above: dict[str, str | Sequence[str]] = {"skipped": [], "skipped by failure": "fail"}
    return Driven(
        plan(step("above"), step("up", "above"), *below),
        {"up": behave[outcome], "above": above.get(outcome, ["result"])},
    ).run()


@pytest.mark.parametrize(("rule", "outcome"), list(itertools.product(EdgeRule, OUTCOMES)))
def test_truth_table_of_one_input(rule: EdgeRule, outcome: str) -> None:
    run = after(outcome, step("down", "up", rule=rule))
    expected = TABLE[rule][outcome]
    if expected == SKIP:
        assert run.statuses["down"] is S.SKIPPED
        assert run.skips["down"].by_failure is (outcome in ("failed", "canceled", "skipped by failure"))
    else:
        assert run.statuses["down"] is S.SUCCEEDED
        assert sources_of(run.starts["down"]) == [out("up") if expected == RUN else FromDefault()]


@pytest.mark.parametrize(("rule", "outcome"), list(itertools.product(EdgeRule, OUTCOMES)))
def test_truth_table_of_order(rule: EdgeRule, outcome: str) -> None:
    order = OrderOnly((ref("up"),))
    run = after(outcome, step("down", order, rule=rule))
    assert (run.statuses["down"] is S.SKIPPED) is (TABLE[rule][outcome] == SKIP)
    if "down" in run.starts:
        assert sources_of(run.starts["down"]) == [order]


@pytest.mark.parametrize(("rule", "outcome"), list(itertools.product(EdgeRule, OUTCOMES)))
def test_truth_table_of_a_list_with_another_source(rule: EdgeRule, outcome: str) -> None:
    run = after(outcome, step("other"), step("down", many("up", "other"), rule=rule))
    if outcome == "succeeded":
        expected = many("up", "other")
    elif rule in (EdgeRule.ALL_SUCCEEDED, EdgeRule.OPTIONAL) and outcome not in ("skipped", "not yielded"):
        expected = None
    else:
        expected = many("other")
    assert (sources_of(run.starts["down"]) if "down" in run.starts else [None]) == [expected]


@pytest.mark.parametrize(("rule", "outcome"), list(itertools.product(EdgeRule, OUTCOMES)))
def test_truth_table_of_a_list_of_one(rule: EdgeRule, outcome: str) -> None:
    run = after(outcome, step("down", many("up"), rule=rule))
    expected = {RUN: many("up"), SKIP: None, DEFAULT: FromMany(())}[TABLE[rule][outcome]]
    assert (sources_of(run.starts["down"]) if "down" in run.starts else [None]) == [expected]


@pytest.mark.parametrize("rule", EdgeRule)
def test_what_was_absent_in_an_earlier_run_counts_as_not_yielded(rule: EdgeRule) -> None:
    gone = FromAbsent("old", "result")
    run = Driven(plan(step("a"), step("b", gone, rule=rule), step("c", FromMany((gone, out("a"))), rule=rule))).run()
    assert (run.statuses["b"] is S.SKIPPED) is (TABLE[rule]["not yielded"] == SKIP)
    if "b" in run.skips:
        text = 'output "result" of step "old" was absent in the run that is repeated'
        assert run.skips["b"] == SkipStep("b", text, ("old",))
    assert sources_of(run.starts["c"]) == [many("a")]


def test_inputs_with_any_succeeded_form_one_group() -> None:
    steps = (step("a"), step("b"), step("c", "a", "b", rule=EdgeRule.ANY_SUCCEEDED))
    run = Driven(plan(*steps), {"a": "fail"}).run()
    assert sources_of(run.starts["c"]) == [FromDefault(), out("b")]
    run = Driven(plan(*steps), {"a": "fail", "b": []}).run()
    assert run.statuses["c"] is S.SKIPPED


def test_any_succeeded_waits_for_all_its_sources() -> None:
    run = Driven(plan(step("a"), step("b"), step("c", "a", "b", rule=EdgeRule.ANY_SUCCEEDED)))
    run.take(2)
    run.succeed("a")
    assert run.take() == []
    run.succeed("b")
    assert [start.step.key for start in run.take()] == ["c"]


def test_an_order_only_input_that_waits_for_nothing_is_no_source() -> None:
    steps = (step("a"), step("b", "a", OrderOnly(()), rule=EdgeRule.ANY_SUCCEEDED))
    assert Driven(plan(*steps), {"a": "fail"}).run().statuses["b"] is S.SKIPPED


def test_the_rules_of_several_inputs_all_hold() -> None:
    steps = (
        step("a"),
        step("b"),
        step("c", "a", "b", rules=[EdgeRule.ALL_DONE, EdgeRule.ALL_SUCCEEDED]),
    )
    assert Driven(plan(*steps), {"a": "fail"}).run().statuses["c"] is S.SUCCEEDED
    assert Driven(plan(*steps), {"b": "fail"}).run().statuses["c"] is S.SKIPPED


# --- blocking checks -------------------------------------------------------------------------------------------------

CHECK = AssetCheckKey("orders", "not_empty")
GUARDED = (step("orders"), step("check", "orders"), step("down", "orders", blocked_by=[BlockedBy("check", CHECK)]))


def checked(*answers: CheckEvaluated, then: Stimulus | None = None) -> Driven:
    run = Driven(plan(*GUARDED))
    run.take()
    run.succeed("orders")
    run.take()
    for answer in answers:
        run.tell(answer)
    run.tell(OutputProduced("check", "result"))
    run.tell(then or StepSucceeded("check"))
    return run.run()


def test_a_guarded_step_runs_after_its_check_passed() -> None:
    run = checked(CheckEvaluated("check", CHECK, True))
    assert run.started == ["orders", "check", "down"]
    assert run.result.status is RunStatus.SUCCESS


def test_a_warning_lets_a_guarded_step_run() -> None:
    run = checked(CheckEvaluated("check", CHECK, False, AssetCheckSeverity.WARN))
    assert run.statuses["down"] is S.SUCCEEDED


def test_a_failed_blocking_check_skips_what_it_guards_and_fails_the_run() -> None:
    run = checked(CheckEvaluated("check", CHECK, False))
    text = 'blocking check "orders:not_empty" failed'
    assert run.skips["down"] == SkipStep("down", text, ("check",), by_failure=True)
    assert run.result == FinishRun(
        RunStatus.FAILURE, FailureReason.CHECK_FAILED, "blocking checks did not pass: orders:not_empty"
    )


@pytest.mark.parametrize("order", [(True, False), (False, True)])
def test_of_several_answers_the_worst_counts(order: tuple[bool, bool]) -> None:
    run = checked(*(CheckEvaluated("check", CHECK, passed) for passed in order))
    assert run.statuses["down"] is S.SKIPPED


def test_a_blocking_check_without_an_answer_blocks() -> None:
    run = checked()
    assert run.skips["down"].reason == 'blocking check "orders:not_empty" gave no answer'
    assert run.result.reason is FailureReason.CHECK_FAILED


def test_a_blocking_check_whose_step_failed_blocks() -> None:
    run = checked(CheckEvaluated("check", CHECK, True), then=StepFailed("check"))
    assert run.skips["down"].reason == 'blocking check "orders:not_empty" gave no answer: step "check" failed'
    assert run.result.reason is FailureReason.STEP_FAILED


def test_the_answers_of_a_failed_attempt_do_not_count() -> None:
    guarded = (
        step("check", retries=1),
        step("down", blocked_by=[BlockedBy("check", CHECK)]),
    )
    run = Driven(plan(*guarded))
    run.take()
    run.tell(CheckEvaluated("check", CHECK, False))
    run.tell(StepFailed("check"))
    run.tell(RetryDue("check"))
    run.take()
    run.tell(CheckEvaluated("check", CHECK, True))
    run.succeed("check")
    assert run.run().statuses["down"] is S.SUCCEEDED


def test_a_blocking_check_inside_a_fan_out_guards_for_all_copies() -> None:
    steps = (
        step("src", outputs=(), dynamic=("out",)),
        step("check", "src.out", fan_out=["src.out"]),
        step("down", blocked_by=[BlockedBy("check", CHECK)]),
    )
    for answers, expected in (((True, True), S.SUCCEEDED), ((True, False), S.SKIPPED)):
        run = Driven(plan(*steps))
        run.take()
        run.succeed("src", ["out[a]", "out[b]"])
        run.take(2)
        for key, passed in zip("ab", answers, strict=True):
            run.tell(CheckEvaluated(f"check[{key}]", CHECK, passed))
            run.succeed(f"check[{key}]")
        assert run.run().statuses["down"] is expected
    assert Driven(plan(*steps), {"src": []}).run().statuses["down"] is S.SUCCEEDED


# --- retries ---------------------------------------------------------------------------------------------------------


def test_a_failed_attempt_is_retried_by_the_policy_until_it_is_used_up() -> None:
    run = Driven(plan(step("a", retries=2), step("b", "a")), {"a": "fail"}).run()
    assert run.started == ["a", "a", "a"]
    assert run.instructions[:2] == [RetryLater("a", 2, 1.0), RetryLater("a", 3, 1.0)]
    assert FailStep("a") in run.instructions
    assert run.machine.attempt("a") == 3


def test_a_retried_step_that_succeeds_counts_as_succeeded() -> None:
    run = Driven(plan(step("a", retries=1), step("b", "a")))
    run.take()
    assert run.tell(StepFailed("a")) == [RetryLater("a", 2, 1.0)]
    assert run.machine.status("a") is S.UP_FOR_RETRY
    assert run.take() == []
    assert run.tell(RetryDue("a")) == []
    [start] = run.take()
    assert (start.step.key, start.attempt) == ("a", 2)
    run.succeed("a")
    assert run.run().result.status is RunStatus.SUCCESS


def test_code_may_ask_for_a_retry_without_a_policy() -> None:
    run = Driven(plan(step("a")))
    run.take()
    asked = RetryAsked(max_retries=1, seconds_to_wait=7.0)
    assert run.tell(StepFailed("a", retry=asked)) == [RetryLater("a", 2, 7.0)]
    run.tell(RetryDue("a"))
    run.take()
    assert run.tell(StepFailed("a", retry=asked))[0] == FailStep("a")


def test_a_failure_that_allows_no_retries_is_final() -> None:
    run = Driven(plan(step("a", retries=5)))
    run.take()
    assert run.tell(StepFailed("a", allow_retries=False))[0] == FailStep("a")


def test_retries_can_be_turned_off_for_the_whole_run() -> None:
    run = Driven(plan(step("a", retries=5)), {"a": "fail"}, retries_enabled=False).run()
    assert run.started == ["a"]


# --- cancel and abort ------------------------------------------------------------------------------------------------


def test_cancel_stops_running_steps_and_cancels_the_rest() -> None:
    run = Driven(plan(step("a"), step("b", "a"), step("c"), step("d"), step("e", retries=1)))
    run.take(1)
    run.succeed("a")
    run.take(2)
    assert run.machine.running == ("b", "c")
    assert run.tell(CancelRequested()) == [
        CancelStep("b", is_running=True),
        CancelStep("c", is_running=True),
        CancelStep("d", is_running=False),
        CancelStep("e", is_running=False),
    ]
    assert not run.machine.is_finished
    assert run.take() == []
    assert run.tell(StepInterrupted("b")) == []
    assert run.succeed("c") == [FinishRun(RunStatus.CANCELED, None, "the run was cancelled")]
    assert run.statuses == {"a": S.SUCCEEDED, "b": S.CANCELED, "c": S.SUCCEEDED, "d": S.CANCELED, "e": S.CANCELED}


def test_a_step_that_fails_while_it_is_being_cancelled_is_not_retried() -> None:
    run = Driven(plan(step("a", retries=5)))
    run.take()
    run.tell(CancelRequested())
    assert run.tell(StepFailed("a")) == [
        FailStep("a"),
        FinishRun(RunStatus.CANCELED, None, "the run was cancelled", ("a",)),
    ]


def test_cancel_while_a_step_waits_for_its_retry_ends_the_run() -> None:
    run = Driven(plan(step("a", retries=5)))
    run.take()
    run.tell(StepFailed("a"))
    assert run.tell(CancelRequested())[0] == CancelStep("a", is_running=False)
    assert run.result.status is RunStatus.CANCELED
    assert run.tell(RetryDue("a")) == []


def test_cancel_before_the_start_cancels_everything() -> None:
    machine = RunMachine(plan(step("a"), step("b", "a")))
    assert machine.handle(CancelRequested())[-1] == FinishRun(RunStatus.CANCELED, None, "the run was cancelled")
    assert machine.start() == []
    assert machine.take_ready() == []


def test_cancel_covers_templates_that_have_not_fanned_out() -> None:
    run = Driven(plan(step("src", dynamic=("out",)), step("m", "src.out", fan_out=["src.out"])))
    run.take()
    assert CancelStep("m", is_running=False) in run.tell(CancelRequested())
    run.succeed("src", ["out[a]", "result"])
    assert run.statuses == {"src": S.SUCCEEDED, "m": S.CANCELED}
    assert run.result.status is RunStatus.CANCELED


def test_a_step_that_is_interrupted_by_itself_cancels_the_run_at_the_end() -> None:
    run = Driven(plan(step("a"), step("b", "a"), step("c")), {"a": "interrupt"}).run()
    assert run.skips["b"] == SkipStep("b", 'step "a" was interrupted', ("a",), by_failure=True)
    assert run.statuses["c"] is S.SUCCEEDED
    assert run.result == FinishRun(RunStatus.CANCELED, None, "steps were interrupted: a")


def test_an_aborted_run_starts_nothing_more_and_lets_running_steps_end() -> None:
    run = Driven(plan(step("a"), step("b", "a"), step("c"), step("d", retries=1)))
    run.take(3)
    run.tell(StepFailed("d"))
    aborted = run.tell(RunAborted(FailureReason.RESOURCE_FAILED, "the database is gone"))
    assert aborted == [
        SkipStep("b", "the run was aborted: the database is gone", (), by_failure=True),
        FailStep("d"),
    ]
    run.succeed("a")
    assert run.take() == []
    assert run.succeed("c") == [
        FinishRun(RunStatus.FAILURE, FailureReason.RESOURCE_FAILED, "the database is gone", ("d",))
    ]


def test_an_aborted_run_that_is_then_cancelled_still_says_what_broke_it() -> None:
    run = Driven(plan(step("a")))
    run.take()
    run.tell(RunAborted(FailureReason.INTERNAL, "the executor broke"))
    assert run.tell(CancelRequested()) == [CancelStep("a", is_running=True)]
    run.tell(StepInterrupted("a"))
    assert run.result.reason is FailureReason.INTERNAL


# --- late and impossible stimuli -------------------------------------------------------------------------------------


def test_late_stimuli_are_ignored_and_noted() -> None:
    run = Driven(plan(step("a"), step("b"))).run()
    late: list[Stimulus] = [
        StepFailed("a"),
        OutputProduced("a", "result"),
        StepSucceeded("b"),
        CancelRequested(),
        RunAborted(FailureReason.LOST),
        RetryDue("a"),
        StepInterrupted("a"),
    ]
    before = run.statuses
    assert [run.tell(one) for one in late] == [[]] * len(late)
    assert [one.stimulus for one in run.machine.ignored] == late
    assert run.machine.ignored_count == len(late)
    assert run.statuses == before
    assert run.result.status is RunStatus.SUCCESS


def test_a_late_result_of_an_earlier_attempt_is_ignored() -> None:
    run = Driven(plan(step("a", retries=1)))
    run.take()
    run.tell(StepFailed("a"))
    assert run.tell(StepSucceeded("a")) == []
    assert run.machine.status("a") is S.UP_FOR_RETRY
    run.tell(RetryDue("a"))
    assert run.tell(StepSucceeded("a")) == []
    assert run.machine.status("a") is S.READY


@pytest.mark.parametrize(
    "stimulus",
    [
        StepSucceeded("nobody"),
        OutputProduced("a", "nothing"),
        OutputProduced("a", "result", "key"),
        OutputProduced("a", "many"),
        StepSucceeded("b"),
        RetryDue("b"),
    ],
)
def test_an_impossible_stimulus_is_an_internal_error(stimulus: Stimulus) -> None:
    run = Driven(plan(step("a", dynamic=("many",)), step("b", "a")))
    run.take()
    with pytest.raises(InternalError):
        run.machine.handle(stimulus)


@pytest.mark.parametrize(
    "steps",
    [
        [step("a"), step("a")],
        [step("b", "a"), step("a")],
        [step("a"), step("b", "a.other")],
        [step("b", "gone")],
        [step("a"), step("b", blocked_by=[BlockedBy("gone", CHECK)])],
        [step("a", dynamic=("d",)), step("b", "a.d")],
        [step("a"), step("b", "a", fan_out=["a.result"])],
        [step("a", dynamic=("d",)), step("m", "a.d", fan_out=["a.d"]), step("b", "m")],
        [step("a", dynamic=("d",)), step("m", "a.d", fan_out=["a.d"]), step("b", many("m"))],
    ],
)
def test_a_plan_that_contradicts_itself_is_an_internal_error(steps: list[StepPlan]) -> None:
    with pytest.raises(InternalError):
        RunMachine(plan(*steps))


def test_a_machine_is_started_once() -> None:
    machine = RunMachine(plan(step("a")))
    machine.start()
    with pytest.raises(InternalError):
        machine.start()


# --- order -----------------------------------------------------------------------------------------------------------


def test_ready_steps_start_by_priority_then_in_the_order_of_the_plan() -> None:
    run = Driven(
        plan(
            step("a"),
            step("b", tags={"weft/priority": "-1"}),
            step("c", tags={"dagster/priority": "5"}),
            step("d", tags={"weft/priority": "high"}),
            step("e", tags={"weft/priority": "+5"}),
        )
    ).run()
    assert run.started == ["c", "e", "a", "d", "b"]


def test_no_more_steps_are_handed_out_than_asked_for() -> None:
    run = Driven(plan(*(step(f"s{n}") for n in range(5))))
    assert [start.step.key for start in run.take(2)] == ["s0", "s1"]
    assert run.machine.counts.running == 2
    assert [start.step.key for start in run.take(None)] == ["s2", "s3", "s4"]
    assert run.take(None) == []


def test_steps_of_a_closed_lane_wait() -> None:
    run = Driven(plan(step("a", pool="db"), step("b"), step("c", pool="db")))
    assert [start.step.key for start in run.machine.take_ready(closed={"db"})] == ["b"]
    assert run.machine.has_ready
    assert [start.step.key for start in run.machine.take_ready(1)] == ["a"]
    assert [start.step.key for start in run.machine.take_ready()] == ["c"]


def test_counts_follow_the_states() -> None:
    run = Driven(plan(step("a", retries=1), step("b", "a"), step("c"), step("d"), step("e", "d")))
    run.take(3)
    run.tell(StepFailed("a"))
    run.succeed("d", [])
    counts = run.machine.counts
    assert (counts.pending, counts.running, counts.up_for_retry, counts.succeeded, counts.skipped) == (1, 1, 1, 1, 1)
    run.tell(RetryDue("a"))
    assert run.machine.counts.ready == 1


# --- dynamic steps ---------------------------------------------------------------------------------------------------

FAN = (
    step("src", outputs=(), dynamic=("out",)),
    step("m", "src.out", fan_out=["src.out"]),
    step("c", collected("m")),
)


def test_copies_are_made_for_each_mapping_key_when_the_producer_succeeded() -> None:
    run = Driven(plan(*FAN))
    run.take()
    run.tell(OutputProduced("src", "out", "b"))
    run.tell(OutputProduced("src", "out", "a"))
    assert run.take() == []
    run.tell(StepSucceeded("src"))
    run.run()
    assert run.started == ["src", "m[b]", "m[a]", "c"]
    b = OutputRef("src", "out", "b")
    assert run.starts["m[b]"].inputs[0].source == FromOutput(b)
    assert run.starts["m[b]"].fan_out == (b,)
    assert sources_of(run.starts["c"]) == [many("m[b]", "m[a]")]
    assert "m" not in run.statuses


def test_an_empty_fan_out_has_no_copies_and_collects_an_empty_list() -> None:
    run = Driven(plan(*FAN), {"src": []}).run()
    assert run.skips["m"] == SkipStep("m", 'dynamic output "out" of step "src" is empty', ("src",))
    assert sources_of(run.starts["c"]) == [FromMany(())]
    assert run.result.status is RunStatus.SUCCESS


def test_a_failed_producer_skips_the_fan_out_and_what_collects_it() -> None:
    run = Driven(plan(*FAN), {"src": "fail"}).run()
    assert run.statuses == {"src": S.FAILED, "m": S.SKIPPED, "c": S.SKIPPED}
    assert run.skips["c"].reason == 'step "m" was skipped (step "src" failed)'


def test_a_failed_copy_keeps_the_list_from_being_collected() -> None:
    run = Driven(plan(*FAN), {"src": ["out[a]", "out[b]"], "m[a]": "fail"}).run()
    assert run.statuses["m[b]"] is S.SUCCEEDED
    assert run.skips["c"].causes == ("m[a]",)


def test_copies_that_were_skipped_are_left_out_of_the_list() -> None:
    run = Driven(plan(*FAN), {"src": ["out[a]", "out[b]"], "m[a]": []}).run()
    assert sources_of(run.starts["c"]) == [many("m[b]")]
    run = Driven(plan(*FAN), {"src": ["out[a]", "out[b]"], "m[a]": [], "m[b]": []}).run()
    assert run.statuses["c"] is S.SKIPPED


def test_a_dynamic_output_can_be_collected_directly() -> None:
    run = Driven(plan(FAN[0], step("c", collected("src.out"))), {"src": ["out[x]", "out[y]"]}).run()
    expected = FromMany(tuple(FromOutput(OutputRef("src", "out", key)) for key in "xy"))
    assert sources_of(run.starts["c"]) == [expected]
    run = Driven(plan(FAN[0], step("c", collected("src.out"))), {"src": []}).run()
    assert sources_of(run.starts["c"]) == [FromMany(())]


def test_a_fan_in_list_may_hold_a_collected_fan_out_in_its_place() -> None:
    source = FromMany((out("first"), collected("m"), out("last")))
    run = Driven(plan(step("first"), *FAN[:2], step("last"), step("c", source)), {"src": ["out[a]", "out[b]"]}).run()
    assert sources_of(run.starts["c"]) == [many("first", "m[a]", "m[b]", "last")]


def test_chains_inside_a_fan_out_run_copy_by_copy() -> None:
    run = Driven(
        plan(FAN[0], step("plain"), FAN[1], step("n", "m", "plain", "src.out", fan_out=["src.out"])),
        {"src": ["out[a]", "out[b]"], "m[a]": "fail"},
    ).run()
    assert run.skips["n[a]"].causes == ("m[a]",)
    assert sources_of(run.starts["n[b]"]) == [out("m[b]"), out("plain"), FromOutput(OutputRef("src", "out", "b"))]


def test_the_rules_hold_for_copies_too() -> None:
    run = Driven(
        plan(*FAN[:2], step("n", "m", fan_out=["src.out"], rule=EdgeRule.ALL_DONE)),
        {"src": ["out[a]", "out[b]"], "m[a]": "fail"},
    ).run()
    assert sources_of(run.starts["n[a]"]) == [FromDefault()]
    assert sources_of(run.starts["n[b]"]) == [out("m[b]")]
    assert run.starts["n[a]"].key == "n[a]"


def test_copies_are_retried_on_their_own() -> None:
    run = Driven(
        plan(FAN[0], step("m", "src.out", fan_out=["src.out"], retries=1)),
        {"src": ["out[a]", "out[b]"], "m[a]": "fail"},
    ).run()
    assert run.started == ["src", "m[a]", "m[a]", "m[b]"]


def test_a_step_outside_can_wait_for_all_copies_in_order_only() -> None:
    steps = (*FAN[:2], step("c", OrderOnly((ref("m"), ref("src.out")))))
    run = Driven(plan(*steps), {"src": ["out[a]", "out[b]"]}).run()
    assert run.started[-1] == "c"
    assert Driven(plan(*steps), {"src": []}).run().statuses["c"] is S.SUCCEEDED
    assert Driven(plan(*steps), {"src": ["out[a]"], "m[a]": "fail"}).run().statuses["c"] is S.SKIPPED


NESTED = (
    step("src", outputs=(), dynamic=("out",)),
    step("sub", "src.out", outputs=(), dynamic=("out",), fan_out=["src.out"]),
    step("leaf", "sub.out", "src.out", fan_out=["src.out", "sub.out"]),
    step("inner", collected("leaf"), fan_out=["src.out"]),
    step("outer", collected("inner"), collected("leaf")),
)


def test_fan_outs_nest_and_are_collected_at_every_level() -> None:
    run = Driven(
        plan(*NESTED), {"src": ["out[eu]", "out[us]"], "sub[eu]": ["out[1]", "out[2]"], "sub[us]": ["out[1]"]}
    ).run()
    assert run.result.status is RunStatus.SUCCESS
    eu, one = OutputRef("src", "out", "eu"), OutputRef("sub[eu]", "out", "1")
    assert run.starts["leaf[eu][1]"].fan_out == (eu, one)
    assert sources_of(run.starts["leaf[eu][1]"]) == [FromOutput(one), FromOutput(eu)]
    assert sources_of(run.starts["inner[eu]"]) == [many("leaf[eu][1]", "leaf[eu][2]")]
    assert sources_of(run.starts["outer"]) == [
        many("inner[eu]", "inner[us]"),
        many("leaf[eu][1]", "leaf[eu][2]", "leaf[us][1]"),
    ]


def test_an_inner_fan_out_that_is_empty_leaves_the_others_alone() -> None:
    run = Driven(plan(*NESTED), {"src": ["out[eu]", "out[us]"], "sub[eu]": [], "sub[us]": ["out[1]"]}).run()
    assert run.skips["leaf[eu]"].reason == 'dynamic output "out" of step "sub[eu]" is empty'
    assert sources_of(run.starts["inner[eu]"]) == [FromMany(())]
    assert sources_of(run.starts["outer"])[1] == many("leaf[us][1]")


def test_a_failure_in_an_inner_fan_out_stays_in_its_branch_until_it_is_collected() -> None:
    run = Driven(plan(*NESTED), {"src": ["out[eu]", "out[us]"], "sub[eu]": "fail", "sub[us]": ["out[1]"]}).run()
    assert run.statuses["leaf[eu]"] is S.SKIPPED
    assert run.statuses["inner[eu]"] is S.SKIPPED
    assert run.statuses["inner[us]"] is S.SUCCEEDED
    assert run.skips["outer"].causes == ("inner[eu]", "leaf[eu]")


def test_a_dynamic_output_of_a_mapped_step_can_be_collected_directly() -> None:
    run = Driven(
        plan(*NESTED[:2], step("all", collected("sub.out"))),
        {"src": ["out[eu]", "out[us]"], "sub[eu]": ["out[1]", "out[2]"], "sub[us]": []},
    ).run()
    expected = FromMany(tuple(FromOutput(OutputRef("sub[eu]", "out", key)) for key in "12"))
    assert sources_of(run.starts["all"]) == [expected]


def test_a_step_planned_with_known_mapping_keys_is_mapped_over_the_levels_that_are_left() -> None:
    eu = OutputRef("src", "out", "eu", run_id="parent")
    sub, leaf, inner = (
        StepPlan(
            key=f"{key}[eu]",
            op_name=key,
            inputs=tuple(StepInput(name=f"in{n}", source=source) for n, source in enumerate(sources)),
            outputs=(StepOutputPlan(name=name, is_dynamic=name == "out"),),
            fan_out=(eu, *map(ref, levels)),
        )
        for key, sources, name, levels in (
            ("sub", [FromOutput(eu)], "out", []),
            ("leaf", [out("sub[eu].out"), FromOutput(eu)], "result", ["sub[eu].out"]),
            ("inner", [collected("leaf[eu]")], "result", []),
        )
    )
    run = Driven(plan(sub, leaf, inner), {"sub[eu]": ["out[1]", "out[2]"]}).run()
    one = OutputRef("sub[eu]", "out", "1")
    assert run.started == ["sub[eu]", "leaf[eu][1]", "leaf[eu][2]", "inner[eu]"]
    assert run.starts["sub[eu]"] is sub
    assert run.starts["leaf[eu][1]"].fan_out == (eu, one)
    assert sources_of(run.starts["leaf[eu][1]"]) == [FromOutput(one), FromOutput(eu)]
    assert sources_of(run.starts["inner[eu]"]) == [many("leaf[eu][1]", "leaf[eu][2]")]


@pytest.mark.parametrize("first", ["x", "y"])
def test_two_fan_outs_side_by_side_multiply(first: str) -> None:
    steps = (
        step("x", outputs=(), dynamic=("out",)),
        step("y", outputs=(), dynamic=("out",)),
        step("my", "y.out", fan_out=["y.out"]),
        step("xy", "x.out", "my", fan_out=["x.out", "y.out"]),
        step("per_x", collected("xy"), fan_out=["x.out"]),
    )
    run = Driven(plan(*steps))
    run.take(2)
    run.succeed(first, ["out[1]", "out[2]"])
    run.succeed("y" if first == "x" else "x", ["out[1]", "out[2]"])
    run.run()
    assert sources_of(run.starts["xy[1][2]"]) == [FromOutput(OutputRef("x", "out", "1")), out("my[2]")]
    assert sources_of(run.starts["per_x[2]"]) == [many("xy[2][1]", "xy[2][2]")]
    assert run.result.status is RunStatus.SUCCESS


def test_a_second_fan_out_may_follow_a_collected_one() -> None:
    steps = (
        *FAN[:2],
        step("again", collected("m"), outputs=(), dynamic=("out",)),
        step("n", "again.out", fan_out=["again.out"]),
    )
    run = Driven(plan(*steps), {"src": ["out[a]"], "again": ["out[x]", "out[y]"]}).run()
    assert run.started == ["src", "m[a]", "again", "n[x]", "n[y]"]


def test_three_levels_of_fan_out_with_skips_make_every_copy_once() -> None:
    behave: dict[str, str | Sequence[str]] = {"l0": [f"out[{i}]" for i in range(5)]}
    for i in range(5):
        behave[f"l1[{i}]"] = [f"out[{j}]" for j in range(4)]
        for j in range(4):
            behave[f"l2[{i}][{j}]"] = [f"out[{k}]" for k in range(3)]
            behave[f"l3[{i}][{j}][0]"] = []
    run = Driven(
        plan(
            step("l0", outputs=(), dynamic=("out",)),
            step("l1", "l0.out", outputs=(), dynamic=("out",), fan_out=["l0.out"]),
            step("l2", "l1.out", outputs=(), dynamic=("out",), fan_out=["l0.out", "l1.out"]),
            step("l3", "l2.out", fan_out=["l0.out", "l1.out", "l2.out"]),
            step("end", collected("l3")),
        ),
        behave,
    ).run()
    expected = [f"l3[{i}][{j}][{k}]" for i in range(5) for j in range(4) for k in (1, 2)]
    assert sources_of(run.starts["end"]) == [many(*expected)]
    assert len(run.started) == len(set(run.started)) == 1 + 5 + 20 + 60 + 1


# --- laws over random graphs -----------------------------------------------------------------------------------------

ENDS = ("ok", "ok", "ok", "partial", "fail", "interrupt", "flaky")


@st.composite
def random_plans(draw: st.DrawFn) -> tuple[RunPlan, dict[str, str]]:
    """A random graph of steps with two outputs each, and how each step behaves."""
    steps: list[StepPlan] = []
    for index in range(draw(st.integers(1, 9))):
        above = [f"s{n}.{name}" for n in range(index) for name in ("x", "y")]
        sources: list[InputSource] = []
        for _ in range(draw(st.integers(0, 3)) if above else 0):
            chosen = draw(st.lists(st.sampled_from(above), min_size=1, max_size=3, unique=True))
            kind = draw(st.sampled_from(["one", "many", "order"]))
            sources.append(
                out(chosen[0])
                if kind == "one"
                else many(*chosen)
                if kind == "many"
                else OrderOnly(tuple(map(ref, chosen)))
            )
        steps.append(
            step(
                f"s{index}",
                *sources,
                rules=[draw(st.sampled_from(EdgeRule)) for _ in sources],
                outputs=("x", "y"),
                retries=draw(st.sampled_from([None, 1, 2])),
                tags={"weft/priority": str(draw(st.integers(-2, 2)))},
            )
        )
    return plan(*steps), {one.key: draw(st.sampled_from(ENDS)) for one in steps}


def expected_states(run_plan: RunPlan, ends: Mapping[str, str]) -> dict[str, tuple[StepStatus, bool]]:
    """The table of rules, written down a second time and without any bookkeeping: state, and whether a skip is by failure."""
    states: dict[str, tuple[StepStatus, bool]] = {}

    def outcome(one: OutputRef) -> str:
        status, by_failure = states[one.step_key]
        if status is S.SUCCEEDED:
            return "produced" if one.output_name == "x" or ends[one.step_key] != "partial" else "absent"
        return "broken" if by_failure or status is not S.SKIPPED else "absent"

    for one in run_plan.steps:
        broken = absent = False
        any_rule, any_seen = [], False
        for item in one.inputs:
            seen = [outcome(source) for source in upstream_refs(item.source)]
            if item.rule is EdgeRule.ANY_SUCCEEDED:
                any_seen = True
                any_rule += seen
            if item.rule in (EdgeRule.ALL_SUCCEEDED, EdgeRule.OPTIONAL):
                broken = broken or "broken" in seen
            if item.rule is EdgeRule.ALL_SUCCEEDED:
                if isinstance(item.source, FromMany):
                    absent = absent or "produced" not in seen
                else:
                    absent = absent or "absent" in seen
        if any_seen and "produced" not in any_rule:
            absent = True
            broken = broken or "broken" in any_rule
        end = ends[one.key]
        retries = one.retry_policy.max_retries if one.retry_policy else 0
        if broken or absent:
            states[one.key] = (S.SKIPPED, broken)
        elif end == "fail" or (end == "flaky" and not retries):
            states[one.key] = (S.FAILED, False)
        else:
            states[one.key] = (S.CANCELED if end == "interrupt" else S.SUCCEEDED, False)
    return states


def drive(
    run_plan: RunPlan,
    ends: Mapping[str, str],
    choose: Callable[[int], int],
    check_start: Callable[[RunMachine, StartStep], None],
    cancel_after: int | None = None,
) -> RunMachine:
    """Run with up to three steps at a time, which end in the order that `choose` says."""
    machine = RunMachine(run_plan)
    todo: list[Instruction] = machine.start()
    working: list[StartStep] = []
    retrying: list[str] = []
    told = 0

    def tell(stimulus: Stimulus) -> None:
        nonlocal told
        told += 1
        todo.extend(machine.handle(stimulus))
        if told == cancel_after:
            todo.extend(machine.handle(CancelRequested()))

    while not machine.is_finished:
        retrying += [one.step_key for one in todo if isinstance(one, RetryLater)]
        todo.clear()
        starts = machine.take_ready(3 - len(working))
        for start in starts:
            check_start(machine, start)
        working += starts
        events = len(working) + len(retrying)
        assert events, f"stuck: {machine.statuses()}"
        pick = choose(events)
        if pick >= len(working):
            tell(RetryDue(retrying.pop(pick - len(working))))
            continue
        start = working.pop(pick)
        key, end = start.step.key, ends[start.step.key]
        tell(OutputProduced(key, "x"))
        if end == "fail" or (end == "flaky" and start.attempt == 1):
            tell(StepFailed(key))
        elif end == "interrupt":
            tell(StepInterrupted(key))
        else:
            if end != "partial":
                tell(OutputProduced(key, "y"))
            tell(StepSucceeded(key))
    return machine


@settings(max_examples=300, deadline=None)
@given(case=random_plans(), data=st.data())
def test_every_run_ends_as_the_rules_say_whatever_the_order_of_events(
    case: tuple[RunPlan, dict[str, str]], data: st.DataObject
) -> None:
    run_plan, ends = case
    starts: dict[str, int] = {}
    policies = {one.key: one.retry_policy for one in run_plan.steps}

    def check_start(machine: RunMachine, start: StartStep) -> None:
        key = start.step.key
        starts[key] = starts.get(key, 0) + 1
        assert start.attempt == starts[key]
        policy = policies[key]
        assert start.attempt <= 1 + (policy.max_retries if policy else 0)
        for item in start.step.inputs:
            for one in upstream_refs(item.source):
                status = machine.status(one.step_key)
                assert status is not None
                assert status.is_finished
                if not isinstance(item.source, OrderOnly):
                    assert status is S.SUCCEEDED
                    assert one.output_name == "x" or ends[one.step_key] != "partial"

    machine = drive(run_plan, ends, lambda n: data.draw(st.integers(0, n - 1)), check_start)
    expected = expected_states(run_plan, ends)
    assert machine.statuses() == {key: status for key, (status, _) in expected.items()}
    assert set(starts) == {key for key, (status, _) in expected.items() if status is not S.SKIPPED}
    result = machine.result
    assert result is not None
    statuses = {status for status, _ in expected.values()}
    if S.FAILED in statuses:
        assert (result.status, result.reason) == (RunStatus.FAILURE, FailureReason.STEP_FAILED)
    else:
        assert result.status is (RunStatus.CANCELED if S.CANCELED in statuses else RunStatus.SUCCESS)
    assert set(result.failed_steps) == {key for key, (status, _) in expected.items() if status is S.FAILED}
    counts = machine.counts
    assert counts.pending == counts.ready == counts.running == counts.up_for_retry == 0
    for stimulus in (StepFailed("s0"), StepSucceeded("s0"), CancelRequested(), RetryDue("s0")):
        assert machine.handle(stimulus) == []
    assert machine.take_ready() == []


@settings(max_examples=150, deadline=None)
@given(case=random_plans(), cancel_after=st.integers(1, 12), data=st.data())
def test_a_cancelled_run_always_ends_with_every_step_ended(
    case: tuple[RunPlan, dict[str, str]], cancel_after: int, data: st.DataObject
) -> None:
    run_plan, ends = case
    closed: list[bool] = []

    def check_start(machine: RunMachine, start: StartStep) -> None:
        closed.append(machine.is_closing)

    machine = drive(run_plan, ends, lambda n: data.draw(st.integers(0, n - 1)), check_start, cancel_after)
    assert not any(closed)
    assert all(status.is_finished for status in machine.statuses().values())
    if machine.is_closing:
        assert machine.result is not None
        assert machine.result.status is RunStatus.CANCELED
    counts = machine.counts
    assert counts.succeeded + counts.failed + counts.skipped + counts.canceled == len(run_plan.steps)


# --- steps that skip themselves ----------------------------------------------------------------------------------------


def test_a_step_that_asks_to_be_skipped_ends_without_what_it_yielded() -> None:
    driven = Driven(plan(step("a"), step("b", "a"), step("c", "a", rule=EdgeRule.OPTIONAL)))
    driven.take()
    driven.tell(OutputProduced("a", "result"))

    assert driven.tell(SkipAsked("a", "nothing new")) == [
        SkipStep("a", "nothing new"),
        SkipStep("b", 'step "a" was skipped (nothing new)', ("a",)),
    ]

    driven.run()
    assert driven.starts["c"].inputs[0].source == FromDefault()
    assert driven.result.status is RunStatus.SUCCESS
    assert driven.machine.counts.skipped == 2


def test_the_reason_for_which_an_output_was_left_out_is_told_below() -> None:
    driven = Driven(plan(step("a", outputs=["x", "y"]), step("b", "a.x"), step("c", "a.y")))
    driven.take()
    driven.tell(OutputProduced("a", "x"))
    driven.tell(OutputLeftOut("a", "y", "no y today"))

    assert driven.tell(StepSucceeded("a")) == [
        SkipStep("c", 'step "a" left out output "y" (no y today)', ("a",)),
    ]
    assert driven.run().started == ["a", "b"]


def test_what_an_attempt_left_out_does_not_outlive_it() -> None:
    driven = Driven(plan(step("a", outputs=["x", "y"], retries=1), step("c", "a.y")))
    driven.take()
    driven.tell(OutputLeftOut("a", "y", "no y today"))
    driven.tell(StepFailed("a", "boom"))
    driven.tell(RetryDue("a"))
    driven.take()

    assert driven.succeed("a", ["x"])[0] == SkipStep("c", 'step "a" did not yield output "y"', ("a",))


def test_a_skip_that_comes_too_late_is_ignored() -> None:
    driven = Driven(plan(step("a"), step("b"))).run()

    assert driven.tell(SkipAsked("a", "late")) == []
    assert driven.machine.ignored_count == 1


def test_a_left_out_output_that_the_plan_does_not_have_is_a_mistake_of_the_caller() -> None:
    driven = Driven(plan(step("a")))
    driven.take()

    with pytest.raises(InternalError):
        driven.tell(OutputLeftOut("a", "other", "why"))
