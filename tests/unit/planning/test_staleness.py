from __future__ import annotations

from typing import Any

from hypothesis import given, settings, strategies as st

from weft.model.asset_state import AssetState, EventPointer
from weft.model.assets import AssetDependency, AssetGraph, AssetNode
from weft.model.keys import AssetKey
from weft.planning.staleness import StaleCause, StaleCauseKind, StalenessRows, StaleStatus, staleness
from weft.planning.versions import seen_through


class World:
    """Assets without partitions, and what was made of them."""

    def __init__(self, *nodes: AssetNode) -> None:
        self.graph = AssetGraph(nodes)
        self.states: dict[AssetKey, AssetState] = {}
        self.clock = 0

    def make(self, key: str, version: str | None = None) -> None:
        """Make an asset from what is there now."""
        self.clock += 1
        asset_key = AssetKey(key)
        node = self.graph[asset_key]
        inputs = {}
        for upstream in upstreams(self.graph, asset_key):
            state = self.states.get(upstream)
            if state is not None and state.latest_materialization is not None:
                inputs[upstream.to_user_string()] = state.latest_materialization.data_version or ""
        pointer = EventPointer(
            event_id=self.clock,
            run_id="r",
            time=0.0,
            data_version=version or f"{key}@{self.clock}",
            code_version=node.code_version,
            input_data_versions=inputs,
        )
        self.states[asset_key] = AssetState(id=0, key=asset_key, latest_materialization=pointer)

    def redeclare(self, *nodes: AssetNode) -> None:
        self.graph = AssetGraph(nodes)

    def status(self) -> dict[str, StaleStatus]:
        return {key.to_user_string(): one.status for key, one in self.look().items()}

    def causes(self, key: str) -> list[StaleCause]:
        return list(self.look()[AssetKey(key)].causes)

    def look(self) -> Any:
        rows = StalenessRows(
            graph=self.graph,
            state_of=self.states.get,
            partitions_of=lambda key: {},
            partition_count_of=lambda key: None,
            upstream_partitions=lambda key, partition, upstream: None,
        )
        return staleness(rows, [node.key for node in self.graph])


def upstreams(graph: AssetGraph, key: AssetKey) -> list[AssetKey]:
    return list(dict.fromkeys(root for up in graph.upstream(key) for root in seen_through(graph, up)))


def node(key: str, *deps: str, code: str | None = None, virtual: bool = False) -> AssetNode:
    return AssetNode(
        key=AssetKey(key),
        deps=tuple(AssetDependency(AssetKey(dep)) for dep in deps),
        code_version=code,
        op_name=None if virtual else key,
        is_virtual=virtual,
    )


MISSING, STALE, FRESH = StaleStatus.MISSING, StaleStatus.STALE, StaleStatus.FRESH


def test_what_was_never_made_is_missing_and_what_was_just_made_is_fresh() -> None:
    world = World(node("a"), node("b", "a"))
    world.make("a")

    assert world.status() == {"a": FRESH, "b": MISSING}


def test_another_code_version_is_a_cause_and_what_is_below_is_stale_too() -> None:
    world = World(node("a", code="1"), node("b", "a"))
    world.make("a")
    world.make("b")
    world.redeclare(node("a", code="2"), node("b", "a"))

    assert world.status() == {"a": STALE, "b": STALE}
    assert world.causes("a") == [StaleCause(kind=StaleCauseKind.CODE, old="1", new="2")]
    [cause] = world.causes("b")
    assert (cause.kind, cause.upstream) == (StaleCauseKind.DEPENDENCIES, AssetKey("a"))


def test_new_data_upstream_is_a_cause_with_both_versions() -> None:
    world = World(node("a"), node("b", "a"))
    world.make("a", "v1")
    world.make("b")
    world.make("a", "v2")

    assert world.causes("b") == [StaleCause(kind=StaleCauseKind.DATA, upstream=AssetKey("a"), old="v1", new="v2")]


def test_the_same_data_made_again_is_no_cause() -> None:
    world = World(node("a"), node("b", "a"))
    world.make("a", "v1")
    world.make("b")
    world.make("a", "v1")

    assert world.status() == {"a": FRESH, "b": FRESH}


def test_an_upstream_that_was_added_or_removed_is_a_cause() -> None:
    world = World(node("a"), node("b"), node("c", "a"))
    for key in "abc":
        world.make(key, f"{key}1")
    world.redeclare(node("a"), node("b"), node("c", "b"))

    assert world.causes("c") == [
        StaleCause(kind=StaleCauseKind.DEPENDENCIES, upstream=AssetKey("b"), new="b1"),
        StaleCause(kind=StaleCauseKind.DEPENDENCIES, upstream=AssetKey("a"), old="a1"),
    ]


def test_a_virtual_asset_is_looked_through() -> None:
    world = World(node("a"), node("view", "a", virtual=True), node("c", "view"))
    world.make("a", "v1")
    world.make("c")
    assert world.status() == {"a": FRESH, "c": FRESH}

    world.make("a", "v2")

    assert world.causes("c") == [StaleCause(kind=StaleCauseKind.DATA, upstream=AssetKey("a"), old="v1", new="v2")]


def test_a_long_chain_is_walked_without_recursion() -> None:
    world = World(node("n0"), *(node(f"n{number}", f"n{number - 1}") for number in range(1, 3000)))
    for number in range(3000):
        world.make(f"n{number}")
    world.make("n0", "other")

    assert world.status()["n2999"] is STALE


def naive(world: World, key: AssetKey) -> StaleStatus:
    state = world.states.get(key)
    if state is None or state.latest_materialization is None:
        return MISSING
    latest = state.latest_materialization
    above = upstreams(world.graph, key)
    now = {
        up.to_user_string(): there.latest_materialization.data_version
        for up in above
        if (there := world.states.get(up)) is not None and there.latest_materialization is not None
    }
    code = world.graph[key].code_version
    if now != dict(latest.input_data_versions) or (code is not None and code != latest.code_version):
        return STALE
    return STALE if any(naive(world, up) is STALE for up in above) else FRESH


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_the_walk_agrees_with_the_definition(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 7))

    def declare() -> list[AssetNode]:
        nodes = []
        for number in range(count):
            deps = [f"n{up}" for up in range(number) if data.draw(st.integers(0, 2)) == 0]
            code = data.draw(st.sampled_from([None, "1", "2"]))
            nodes.append(node(f"n{number}", *deps, code=code, virtual=bool(deps) and data.draw(st.integers(0, 4)) == 0))
        return nodes

    world = World(*declare())
    for _ in range(data.draw(st.integers(0, 12))):
        number = data.draw(st.integers(0, count - 1))
        if not world.graph[AssetKey(f"n{number}")].is_virtual:
            world.make(f"n{number}", data.draw(st.sampled_from([None, "same"])))
        elif data.draw(st.booleans()):
            world.redeclare(*declare())
    real = [one for one in world.graph if not one.is_virtual]

    assert {key: one.status for key, one in world.look().items()} == {one.key: naive(world, one.key) for one in real}
