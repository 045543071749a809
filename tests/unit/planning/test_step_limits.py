"""Limits of steps by tag, and the time that an attempt may take."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, strategies as st

from weft.model.plan import RunPlan, StepPlan
from weft.planning.run_machine import RunMachine, StepSucceeded
from weft.planning.step_limits import StepLimits, TagLimit, tag_limits, timeout_of


@pytest.mark.parametrize(
    ("declared", "tags", "seconds"),
    [
        (None, {}, None),
        (3.0, {}, 3.0),
        (3.0, {"weft/max_runtime": "9"}, 3.0),
        (None, {"weft/max_runtime": "9"}, 9.0),
        (None, {"dagster/max_runtime": "9"}, 9.0),
        (None, {"dagster/max_runtime_seconds": "1.5"}, 1.5),
        (None, {"weft/max_runtime": "long"}, None),
        (None, {"weft/max_runtime": "0"}, None),
        (None, {"weft/max_runtime": "inf"}, None),
    ],
)
def test_the_time_of_an_attempt_is_declared_or_a_tag(
    declared: float | None, tags: dict[str, str], seconds: float | None
) -> None:
    assert timeout_of(StepPlan(key="a", op_name="a", tags=tags, timeout_seconds=declared)) == seconds


VALUES = st.sampled_from(["x", "y"])
STEPS = st.lists(
    st.builds(
        lambda tags, pool: (tags, pool),
        st.dictionaries(st.sampled_from(["database", "team"]), VALUES, max_size=2),
        st.sampled_from([None, "narrow"]),
    ),
    min_size=1,
    max_size=12,
)
LIMITS = st.lists(
    st.builds(
        TagLimit,
        key=st.sampled_from(["database", "team"]),
        limit=st.integers(1, 3),
        value=st.none() | VALUES,
        per_value=st.just(False),
    )
    | st.builds(TagLimit, key=st.sampled_from(["database", "team"]), limit=st.integers(1, 3), per_value=st.just(True)),
    max_size=3,
)


@given(steps=STEPS, limits=LIMITS, slots=st.integers(1, 4), data=st.data())
def test_no_limit_is_exceeded_and_no_step_is_forgotten(
    steps: list[tuple[dict[str, str], str | None]], limits: list[TagLimit], slots: int, data: Any
) -> None:
    plan = RunPlan(
        job_name="job",
        steps=tuple(
            StepPlan(key=f"s{place}", op_name="op", tags=tags, pool=pool) for place, (tags, pool) in enumerate(steps)
        ),
    )
    by_key = {step.key: step for step in plan.steps}
    own = StepLimits(limits)
    machine = RunMachine(plan, lane_of=own.lane_of)
    machine.start()
    while machine.result is None:
        while len(machine.running) < slots:
            starts = machine.take_ready(1, closed=own.closed(set()))
            if not starts:
                break
            assert own.has_room(starts[0].step)
            own.started(starts[0].step)
        running = [by_key[key] for key in machine.running]
        assert running, "nothing runs, and something is left"
        for limit in limits:
            values = Counter(step.tags[limit.key] for step in running if limit.key in step.tags)
            if limit.per_value:
                assert all(count <= limit.limit for count in values.values())
            elif limit.value is not None:
                assert values[limit.value] <= limit.limit
            else:
                assert sum(values.values()) <= limit.limit
        ended = data.draw(st.sampled_from(machine.running))
        own.ended(by_key[ended])
        machine.handle(StepSucceeded(ended))


def test_lanes_of_a_full_pool_are_closed_and_others_are_not() -> None:
    own = StepLimits()
    narrow = own.lane_of(StepPlan(key="a", op_name="a", pool="narrow"))
    wide = own.lane_of(StepPlan(key="b", op_name="b", pool="wide"))
    assert own.lane_of(StepPlan(key="c", op_name="c")) is None
    assert own.closed({"narrow"}) == {narrow}
    assert wide not in own.closed({"narrow"})


def test_limits_have_three_forms() -> None:
    configured = [
        {"key": "a", "limit": 1},
        {"key": "a", "limit": 1, "value": "x"},
        {"key": "a", "limit": 1, "value": {"applyLimitPerUniqueValue": True}},
    ]
    assert tag_limits(configured) == (
        TagLimit(key="a", limit=1),
        TagLimit(key="a", limit=1, value="x"),
        TagLimit(key="a", limit=1, per_value=True),
    )
    assert tag_limits(None) == ()


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"limit": True}, {"limit": 1, "value": 3}, {"limit": 1, "value": {}}])
def test_other_forms_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="'a'"):
        tag_limits([{"key": "a", **wrong}])
