"""The asset graph: its order, its edges, its stubs, and the path of a cycle."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from weft.model.assets import AssetCheckNode, AssetDependency, AssetGraph, AssetGraphCycle, AssetNode
from weft.model.keys import AssetCheckKey, AssetKey


def node(name: str, *deps: str, op: str | None = "op") -> AssetNode:
    return AssetNode(
        key=AssetKey(name), deps=tuple(AssetDependency(AssetKey(dep)) for dep in deps), op_name=name if op else None
    )


def names(keys: tuple[AssetKey, ...]) -> list[str]:
    return [key.to_user_string() for key in keys]


EDGES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30)


@given(EDGES)
def test_each_key_comes_after_its_upstream_keys(edges: list[tuple[int, int]]) -> None:
    below = {str(n): [str(low) for low, high in edges if high == n and low < n] for n in range(10)}
    graph = AssetGraph(node(name, *deps) for name, deps in reversed(below.items()))
    place = {key: number for number, key in enumerate(graph.keys)}
    assert len(place) == len(graph) == 10
    for name, deps in below.items():
        assert set(graph.upstream(AssetKey(name))) == set(map(AssetKey, deps))
        for dep in deps:
            assert place[AssetKey(dep)] < place[AssetKey(name)]
            assert AssetKey(name) in graph.downstream(AssetKey(dep))


@given(EDGES)
def test_the_path_of_a_cycle_follows_edges_and_closes(edges: list[tuple[int, int]]) -> None:
    below = {n: {low for low, high in edges if high == n and low != n} for n in range(10)}
    nodes = [node(str(n), *map(str, deps)) for n, deps in below.items()]
    try:
        AssetGraph(nodes)
    except AssetGraphCycle as cycle:
        path = [int(key.to_user_string()) for key in cycle.path]
        assert path[0] == path[-1]
        assert len(set(path)) == len(path) - 1 > 1
        for upstream, downstream in zip(path, path[1:], strict=False):
            assert upstream in below[downstream]
        assert str(cycle) == " -> ".join(map(str, path))
    else:
        done: set[int] = set()
        while len(done) < 10:  # every node can be reached from below, so there is no cycle
            ready = {n for n, deps in below.items() if deps <= done} - done
            assert ready
            done |= ready


def test_a_key_that_is_only_named_becomes_an_external_stub() -> None:
    graph = AssetGraph([node("total", "orders")])
    stub = graph[AssetKey("orders")]
    assert stub.is_stub
    assert stub.is_external
    assert not stub.is_materializable
    assert names(graph.keys) == ["orders", "total"]
    assert names(graph.materializable_keys) == ["total"]


def test_an_asset_may_read_itself_without_a_cycle() -> None:
    graph = AssetGraph([node("balance", "balance", "orders"), node("orders")])
    assert names(graph.keys) == ["orders", "balance"]
    assert names(graph.upstream(AssetKey("balance"))) == ["balance", "orders"]
    assert names(graph.downstream(AssetKey("balance"))) == []


def test_a_dependency_that_is_named_twice_is_one_edge() -> None:
    graph = AssetGraph([node("total", "orders", "orders"), node("orders")])
    assert names(graph.upstream(AssetKey("total"))) == ["orders"]
    assert names(graph.downstream(AssetKey("orders"))) == ["total"]


def test_equal_definitions_are_ordered_equally() -> None:
    nodes = [node("d", "b", "c"), node("b", "a"), node("c", "a"), node("a")]
    assert names(AssetGraph(nodes).keys) == names(AssetGraph(list(nodes)).keys) == ["a", "b", "c", "d"]


def test_what_is_not_there_is_said_in_the_usual_ways() -> None:
    graph = AssetGraph([node("orders")])
    unknown = AssetKey("unknown")
    assert unknown not in graph
    assert "orders" not in graph
    assert graph.get(unknown) is None
    assert graph.checks_of(unknown) == ()
    for ask in (graph.upstream, graph.downstream, graph.__getitem__):
        with pytest.raises(KeyError):
            ask(unknown)


def test_checks_are_found_by_their_asset_in_order() -> None:
    keys = [AssetCheckKey("orders", name) for name in ("second", "first")]
    graph = AssetGraph([node("orders")], [AssetCheckNode(key=key) for key in keys])
    assert list(graph.checks) == keys
    assert graph.checks_of(AssetKey("orders")) == tuple(keys)


def test_an_observed_asset_is_not_materialised() -> None:
    observed = AssetNode(key=AssetKey("feed"), op_name="feed", is_observable=True)
    assert not observed.is_external
    assert not observed.is_materializable
