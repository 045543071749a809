"""Evaluating a condition for sets of partitions is the same as evaluating it for each partition alone."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from hypothesis import given, settings, strategies as st

import weft
from weft import AutomationCondition as When
from weft.model import automation as nodes
from weft.model.keys import AssetKey
from weft.planning.automation.state import AutomationCursor

START = datetime(2024, 1, 4, 6, tzinfo=timezone.utc)
DAYS = weft.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-01-07")
UP, DOWN = AssetKey("up"), AssetKey("down")

LEAVES = st.sampled_from(
    [
        When.missing(),
        When.newly_updated(),
        When.newly_requested(),
        When.initial_evaluation(),
        When.in_latest_time_window(),
        When.in_latest_time_window(timedelta(days=2)),
        When.cron_tick_passed("0 */12 * * *"),
    ]
)


def wider(inner: st.SearchStrategy[When]) -> st.SearchStrategy[When]:
    return st.one_of(
        st.tuples(inner, inner).map(lambda two: two[0] & two[1]),
        st.tuples(inner, inner).map(lambda two: two[0] | two[1]),
        st.tuples(inner, inner).map(lambda two: two[0].since(two[1])),
        inner.map(lambda one: ~one),
        inner.map(When.newly_true),
        inner.map(When.any_deps_match),
        inner.map(When.all_deps_match),
        inner.map(lambda one: one.with_label("x")),
    )


CONDITIONS = st.recursive(LEAVES, wider, max_leaves=6)
KEYS = [f"2024-01-0{day}" for day in range(1, 7)]
# Between two evaluations: hours that pass, and what is made meanwhile.
ROUNDS = st.lists(
    st.tuples(st.integers(0, 30), st.lists(st.tuples(st.sampled_from([UP, DOWN]), st.sampled_from(KEYS)), max_size=3)),
    min_size=1,
    max_size=5,
)


class Oracle:
    """Each node for each partition, by the words of its documentation. What it remembers it keeps for every partition of every asset."""

    def __init__(self, condition: nodes.Condition) -> None:
        self.condition = condition
        self.remembered: dict[tuple[Any, ...], bool] = {}
        self.made: set[tuple[AssetKey, str]] = set()
        self.new: set[tuple[AssetKey, str]] = set()
        self.requested: set[str] = set()
        self.is_initial = True
        self.previous: datetime | None = None

    def evaluate(self, now: datetime) -> set[str]:
        self.now = now
        self.keys = list(DAYS.get_partition_keys(current_time=now))
        # Memory is written once an evaluation is over; every node is asked for every partition, as nothing may be missed.
        self.next: dict[tuple[Any, ...], bool] = {}
        found = {key for key in self.keys if self.holds(self.condition, DOWN, key, "0")}
        self.remembered, self.requested, self.new = self.next, found, set()
        self.is_initial, self.previous = False, now
        return found

    def holds(self, node: nodes.Condition, asset: AssetKey, key: str, path: str) -> bool:
        below = [
            self.holds(child, asset, key, f"{path}.{number}")
            for number, child in enumerate(nodes.children_of(node))
            if not isinstance(node, nodes.DepsMatch)
        ]
        match node:
            case nodes.Missing():
                # Of an external asset without any record nothing is known; here both are made by functions.
                return (asset, key) not in self.made
            case nodes.NewlyUpdated():
                return self.previous is not None and (asset, key) in self.new
            case nodes.NewlyRequested():
                return asset == DOWN and key in self.requested
            case nodes.InitialEvaluation():
                return self.is_initial
            case nodes.InLatestTimeWindow(lookback_seconds=lookback):
                latest = self.keys.index(self.keys[-1])
                windows = 1 if lookback is None else int(lookback // 86_400)
                return self.keys.index(key) > latest - windows
            case nodes.CronTickPassed():
                return self.previous is not None and any(
                    self.previous < self.now.replace(hour=0, minute=0) + timedelta(hours=12 * tick) <= self.now
                    for tick in range(-4, 3)
                )
            case nodes.And():
                return all(below)
            case nodes.Or():
                return any(below)
            case nodes.Not():
                return not below[0]
            case nodes.Labelled():
                return below[0]
            case nodes.NewlyTrue():
                place = (asset, key, path)
                self.next[place] = below[0]
                return below[0] and not self.remembered.get(place, False)
            case nodes.Since():
                place = (asset, key, path)
                trigger, reset = below
                held = (self.remembered.get(place, False) or trigger) and not reset
                self.next[place] = held
                return held
            case nodes.DepsMatch():
                ups = [UP] if asset == DOWN else []
                matching = [self.holds(node.child, up, key, f"{path}[{up.to_user_string()}]") for up in ups]
                return all(matching) if node.require_all else any(matching)
        raise AssertionError(node)


@settings(max_examples=150)
@given(CONDITIONS, ROUNDS)
def test_sets_and_single_partitions_agree(
    condition: When, rounds: list[tuple[int, list[tuple[AssetKey, str]]]]
) -> None:
    @weft.asset(partitions_def=DAYS)
    def up() -> None: ...

    @weft.asset(partitions_def=DAYS, deps=[up], automation_condition=condition)
    def down() -> None: ...

    defs = weft.Definitions([up, down])
    oracle = Oracle(condition.expression)
    now, cursor = START, None
    with weft.Instance.ephemeral() as instance:
        for hours, made in [(0, []), *rounds]:
            now += timedelta(hours=hours, minutes=1)
            for asset, key in made:
                instance.report_runless_asset_event(weft.AssetMaterialization(asset, partition=key))
                oracle.made.add((asset, key))
                oracle.new.add((asset, key))
            result = weft.evaluate_automation_conditions(defs, instance, evaluation_time=now, cursor=cursor)
            cursor = AutomationCursor.from_bytes(result.cursor.to_bytes())
            assert result.get_requested_partitions(DOWN) == oracle.evaluate(now)
