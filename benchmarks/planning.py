"""Decisions over 10,000 steps: what the run machine costs for each step, and what it costs to plan a run and its repetition.

The time of the machine is everything that it is asked for while a run goes on (hand out, output, success), after its construction. Stimuli are
made by the benchmark and count as well.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from harness import measure

from weft.model.assets import AssetDependency, AssetGraph, AssetNode
from weft.model.keys import AssetKey
from weft.model.plan import (
    ComputeUnit,
    FromAsset,
    FromCollected,
    FromOutput,
    InputSource,
    OutputRef,
    RunPlan,
    StepInput,
    StepOutputPlan,
    StepPlan,
)
from weft.model.step import Step, StepStatus
from weft.planning.reexecution import ReexecutionStrategy, plan_reexecution
from weft.planning.run_machine import OutputProduced, RunMachine, StepSucceeded
from weft.planning.run_plan import plan_assets

STEPS = 10_000
KEYS = tuple(f"k{number}" for number in range(STEPS))
DYNAMIC = OutputRef("source", "result")


def step(key: str, *sources: InputSource, dynamic: bool = False, fan_out: tuple[OutputRef, ...] = ()) -> StepPlan:
    return StepPlan(
        key=key,
        op_name=key,
        inputs=tuple(StepInput(name=f"in{place}", source=source) for place, source in enumerate(sources)),
        outputs=(StepOutputPlan(name="result", is_dynamic=dynamic),),
        fan_out=fan_out,
    )


def out(key: str) -> FromOutput:
    return FromOutput(OutputRef(key, "result"))


def plan(steps: Sequence[StepPlan]) -> RunPlan:
    return RunPlan(job_name="job", steps=tuple(steps))


CHAIN = plan([step("s0"), *(step(f"s{n}", out(f"s{n - 1}")) for n in range(1, STEPS))])
WIDE = plan(
    [
        step("source"),
        *(step(f"s{n}", out("source")) for n in range(STEPS)),
        step("end", *(out(f"s{n}") for n in range(STEPS))),
    ]
)
COPIES = plan(
    [
        step("source", dynamic=True),
        step("copy", FromOutput(DYNAMIC), fan_out=(DYNAMIC,)),
        step("end", FromCollected(OutputRef("copy", "result"))),
    ]
)


def microseconds_per_step(run_plan: RunPlan, at_once: int) -> float:
    """Drive a machine through a run in which everything succeeds."""
    machine = RunMachine(run_plan)
    dynamic = {one.key for one in run_plan.steps if one.outputs[0].is_dynamic}
    count = 0
    started = time.perf_counter()
    machine.start()
    while not machine.is_finished:
        for start in machine.take_ready(at_once):
            key = start.step.key
            for mapping_key in KEYS if key in dynamic else (None,):
                machine.handle(OutputProduced(key, "result", mapping_key))
            machine.handle(StepSucceeded(key))
            count += 1
    return 1e6 * (time.perf_counter() - started) / count


def build_assets() -> tuple[list[ComputeUnit], AssetGraph]:
    """Assets with up to three dependencies each, one unit for each asset."""
    keys = [AssetKey(f"asset_{number}") for number in range(STEPS)]
    units, nodes = [], []
    for number, key in enumerate(keys):
        above = [keys[place] for place in sorted({number - 1, number // 2, number // 3}) if 0 <= place < number]
        inputs = tuple(StepInput(name=f"in{n}", source=FromAsset(one), asset_key=one) for n, one in enumerate(above))
        name = key.parts[0]
        outputs = (StepOutputPlan(name="result", asset_key=key),)
        one = StepPlan(key=name, op_name=name, inputs=inputs, outputs=outputs)
        units.append(ComputeUnit(name=name, steps=(one,), asset_keys=(key,)))
        nodes.append(AssetNode(key=key, deps=tuple(map(AssetDependency, above)), op_name=name))
    return units, AssetGraph(nodes)


def ended(key: str, *mapping_keys: str, failed: bool = False) -> Step:
    return Step(
        run_id="parent",
        key=key,
        status=StepStatus.FAILED if failed else StepStatus.SUCCEEDED,
        started_at=1.0,
        outputs={} if failed else {"result": mapping_keys},
    )


if __name__ == "__main__":
    for name, run_plan in (("chain", CHAIN), ("wide", WIDE), ("copies", COPIES)):
        measure(
            f"run_machine_{name}", lambda one=run_plan: microseconds_per_step(one, 4), unit="us per step", budget=10
        )
        measure(f"run_machine_{name}_construction", lambda one=run_plan: RunMachine(one) and None, unit="s")
    units, graph = build_assets()
    everything = frozenset(graph.keys)
    measure(
        "plan_assets", lambda: plan_assets(units, graph, assets=everything, checks=frozenset(), job_name="job") and None
    )
    parent = [ended("source", *KEYS), *(ended(f"copy[{key}]", failed=key == "k77") for key in KEYS)]
    measure(
        "plan_reexecution_of_one_copy",
        lambda: plan_reexecution(COPIES, parent, "parent", strategy=ReexecutionStrategy.FROM_FAILURE) and None,
    )
