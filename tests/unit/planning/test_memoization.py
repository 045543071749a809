"""Versions of steps: what they depend on, and what they leave out of a plan."""

from __future__ import annotations

from typing import Any

from hypothesis import given, strategies as st

from weft.model.keys import AssetKey
from weft.model.plan import (
    FromAsset,
    FromConfig,
    FromMany,
    FromOutput,
    FromValue,
    InputSource,
    OutputRef,
    RunPlan,
    StepInput,
    StepOutputPlan,
    StepPlan,
)
from weft.planning.memoization import step_versions, with_results


def step(key: str, *sources: InputSource, version: str | None = "1", **output: Any) -> StepPlan:
    return StepPlan(
        key=key,
        op_name=key,
        code_version=version,
        inputs=tuple(StepInput(name=f"in{number}", source=source) for number, source in enumerate(sources)),
        outputs=(StepOutputPlan(name="result", **output),),
    )


def out(key: str) -> FromOutput:
    return FromOutput(OutputRef(key, "result"))


def versions(*steps: StepPlan, **settings: str) -> dict[str, str]:
    return step_versions(RunPlan(job_name="j", steps=steps), settings)


def test_a_version_changes_with_everything_the_result_depends_on() -> None:
    base = versions(step("a"), step("b", out("a")))
    assert base == versions(step("a"), step("b", out("a")))
    assert base["b"] != versions(step("a", version="2"), step("b", out("a")))["b"]
    assert base["b"] != versions(step("a"), step("b", out("a"), version="2"))["b"]
    assert base["b"] != versions(step("a"), step("b", out("a")), a="limit: 3")["b"]
    assert base["a"] == versions(step("a"), step("b", out("a")), b="limit: 3")["a"]


def test_what_cannot_be_told_has_no_version_nor_has_what_reads_from_it() -> None:
    for source in (FromValue("x"), FromAsset(AssetKey("x"))):
        assert versions(step("a", source), step("b", out("a"))) == {}
    assert versions(step("a", version=None), step("b", out("a"))) == {}
    assert versions(step("a", is_dynamic=True)) == {}
    assert versions(step("a", is_required=False)) == {}
    assert set(versions(step("a", FromConfig(("ops", "a", "inputs", "in0"))))) == {"a"}


def test_what_is_left_out_is_read_from_the_run_that_has_it() -> None:
    plan = RunPlan(job_name="j", steps=(step("a"), step("b", out("a")), step("c", FromMany((out("a"), out("b"))))))
    changed = with_results(plan, {"a": "r1"})
    assert changed.selected == ("b", "c")
    assert changed.steps[1].inputs[0].source == FromOutput(OutputRef("a", "result", run_id="r1"))
    assert changed.steps[2].inputs[0].source == FromMany((FromOutput(OutputRef("a", "result", run_id="r1")), out("b")))
    assert with_results(plan, {}) is plan


@given(st.lists(st.integers(0, 3), min_size=1, max_size=8), st.integers(0, 7))
def test_a_change_of_code_changes_exactly_what_is_at_and_below_it(parents: list[int], changed: int) -> None:
    def plan(version_of_changed: str) -> tuple[StepPlan, ...]:
        steps = []
        for number, offset in enumerate(parents):
            sources = [out(f"s{number - offset}")] if 0 < offset <= number else []
            version = version_of_changed if number == changed else "1"
            steps.append(step(f"s{number}", *sources, version=version))
        return tuple(steps)

    before, after = versions(*plan("1")), versions(*plan("2"))
    below = {f"s{changed}"}
    for number, offset in enumerate(parents):
        if 0 < offset <= number and f"s{number - offset}" in below:
            below.add(f"s{number}")
    assert {key for key in before if before[key] != after[key]} == below & before.keys()
