from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set as AbstractSet
from functools import reduce

import pytest
from hypothesis import given, settings, strategies as st

from weft.errors import SelectionError
from weft.model.assets import AssetCheckNode, AssetDependency, AssetGraph, AssetNode
from weft.model.keys import AssetCheckKey, AssetKey
from weft.model.metadata import AnyMetadataValue, TableColumn, TableSchema, TableSchemaMetadataValue, TextMetadataValue
from weft.model.selection import (
    All,
    And,
    Attribute,
    Checks,
    ChecksOf,
    Difference,
    Downstream,
    External,
    Groups,
    KeyGlob,
    KeyPrefix,
    Keys,
    KeySubstring,
    Kind,
    Materializable,
    Not,
    Or,
    Owner,
    RequiredNeighbours,
    Roots,
    Selection,
    Sinks,
    Tag,
    Text,
    Upstream,
    WithoutChecks,
)
from weft.planning.selection import Selector, parse, resolve, select, to_string


def key(name: str) -> AssetKey:
    return AssetKey.from_user_string(name)


def keys(*names: str) -> Keys:
    return Keys(tuple(map(key, names)))


def asset(
    name: str,
    deps: Sequence[str] = (),
    *,
    external: bool = False,
    unit: str | None = None,
    group: str = "default",
    tags: Mapping[str, str] | None = None,
    kinds: Sequence[str] = (),
    owners: Sequence[str] = (),
    metadata: Mapping[str, AnyMetadataValue] | None = None,
) -> AssetNode:
    return AssetNode(
        key=key(name),
        deps=tuple(AssetDependency(key(dep)) for dep in deps),
        op_name=None if external else name,
        compute_unit=unit,
        group_name=group,
        tags=tags or {},
        kinds=tuple(kinds),
        owners=tuple(owners),
        metadata=metadata or {},
    )


def check(text: str) -> AssetCheckKey:
    name, _, check_name = text.partition(":")
    return AssetCheckKey(key(name), check_name)


SCHEMA = TableSchemaMetadataValue(TableSchema((TableColumn("id"), TableColumn("email", tags={"pii": "yes"}))))

# source (external) -> raw/orders -> clean -> total -> report
#                      raw/users  -> clean   multi_a, multi_b (one unit) <- total
GRAPH = AssetGraph(
    [
        asset("source", external=True, group="outside", kinds=["s3"]),
        asset("raw/orders", ["source"], group="raw", kinds=["python"], tags={"tier": "1", "pii": ""}),
        asset(
            "raw/users",
            group="raw",
            kinds=["python", "s3"],
            owners=["team:data"],
            metadata={"weft/column_schema": SCHEMA},
        ),
        asset(
            "clean",
            ["raw/orders", "raw/users"],
            tags={"tier": "2"},
            metadata={"dagster/table_name": TextMetadataValue("db.clean")},
        ),
        asset("total", ["clean"], owners=["me@example.com"]),
        asset("multi_a", ["total"], unit="multi"),
        asset("multi_b", ["total"], unit="multi"),
        asset("report", ["total", "unknown"]),
    ],
    [AssetCheckNode(key=check(text)) for text in ("clean:ok", "clean:fresh", "total:ok", "source:ok")],
)
MADE = {"raw/orders", "raw/users", "clean", "total", "multi_a", "multi_b", "report"}


def names(found: Iterable[AssetKey]) -> set[str]:
    return {one.to_user_string() for one in found}


def picked(text: str) -> set[str]:
    return names(resolve(text, GRAPH))


def checks_of(expression: Selection) -> set[str]:
    return {one.to_user_string() for one in select(expression, GRAPH)[1]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("*", MADE),
        ("* or is:external", {*MADE, "source", "unknown"}),
        ("clean", {"clean"}),
        ('key:"raw/*"', {"raw/orders", "raw/users"}),
        ("key:*o*r*", {"raw/orders", "raw/users", "source", "report"} - {"raw/users"}),
        ('key_prefix:"raw"', {"raw/orders", "raw/users"}),
        ("key_substring:mul", {"multi_a", "multi_b"}),
        ("group:raw", {"raw/orders", "raw/users"}),
        ("group:*a*", {"raw/orders", "raw/users", "clean", "total", "multi_a", "multi_b", "report"}),
        ("group:<null>", MADE - {"raw/orders", "raw/users"}),
        ("kind:s3", {"raw/users"}),
        ("kind:<null> and not +total", {"multi_a", "multi_b", "report"}),
        ("tag:tier", {"raw/orders", "clean"}),
        ("tag:tier=1", {"raw/orders"}),
        ("tag:pii=<null>", {"raw/orders"}),
        ("tag:<null> and raw/*", {"raw/users"}),
        ("owner:team:data", {"raw/users"}),
        ("owner:<null> and (clean or total)", {"clean"}),
        ("is:external", {"source", "unknown"}),
        ("is:materializable", MADE),
        ("column:email", {"raw/users"}),
        ("column_tag:pii=yes", {"raw/users"}),
        ("table_name:db.clean", {"clean"}),
        # walks
        ("*clean", {"source", "raw/orders", "raw/users", "clean"}),
        ("+clean", {"raw/orders", "raw/users", "clean"}),
        ("++clean", {"source", "raw/orders", "raw/users", "clean"}),
        ('+key:"clean"', {"source", "raw/orders", "raw/users", "clean"}),
        ("1+clean", {"raw/orders", "raw/users", "clean"}),
        ("0+clean", {"clean"}),
        ("clean+", {"clean", "total"}),
        ("clean*", {"clean", "total", "multi_a", "multi_b", "report"}),
        ('key:"clean"+', {"clean", "total", "multi_a", "multi_b", "report"}),
        ("1+clean+1", {"raw/orders", "raw/users", "clean", "total"}),
        ("clean, total+", {"clean", "total", "multi_a", "multi_b", "report"}),
        # sets
        ("group:raw and kind:s3", {"raw/users"}),
        ("not group:raw", MADE - {"raw/orders", "raw/users"}),
        ("sinks(*)", {"multi_a", "multi_b", "report"}),
        ("roots(*)", {"raw/orders", "raw/users"}),
        ("roots(clean or multi_a)", {"clean", "multi_a"}),
        ("sinks(clean or multi_a)", {"clean", "multi_a"}),
        ('external(+key:"report")', {"source", "unknown"}),
        ("required_neighbours(multi_a)", {"multi_a", "multi_b"}),
    ],
)
def test_texts_select_assets(text: str, expected: set[str]) -> None:
    assert picked(text) == expected


def test_everything_may_cover_external_assets() -> None:
    selector = Selector(GRAPH)
    assert names(selector.resolve("*", include_external=True)) == {*MADE, "source", "unknown"}
    assert names(selector.resolve("kind:s3", include_external=True)) == {"source", "raw/users"}
    assert names(selector.resolve("not group:raw", include_external=True)) >= {"source", "unknown"}


def test_a_run_leaves_out_what_nothing_computes() -> None:
    assets, checks = select(Text("*clean"), GRAPH)
    assert names(assets) == {"raw/orders", "raw/users", "clean"}
    assert checks == {check("clean:ok"), check("clean:fresh")}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (keys("clean"), {"clean:ok", "clean:fresh"}),
        (All(), {"clean:ok", "clean:fresh", "total:ok", "source:ok"}),
        (WithoutChecks(All()), set()),
        (ChecksOf(keys("clean", "source")), {"clean:ok", "clean:fresh", "source:ok"}),
        (Checks((check("total:ok"),)), {"total:ok"}),
        (Difference(keys("clean", "total"), Checks((check("clean:ok"),))), {"clean:fresh", "total:ok"}),
        (Difference(All(), keys("clean")), {"total:ok", "source:ok"}),
        (Or((WithoutChecks(keys("clean")), Checks((check("total:ok"),)))), {"total:ok"}),
        (And((All(), keys("clean"))), {"clean:ok", "clean:fresh"}),
        (Not(keys("clean")), {"total:ok", "source:ok"}),
        (Downstream(keys("clean"), 1), {"clean:ok", "clean:fresh", "total:ok"}),
    ],
)
def test_checks_come_along_with_their_assets_unless_told_otherwise(expression: Selection, expected: set[str]) -> None:
    assert checks_of(expression) == expected


def test_checks_alone_select_no_assets() -> None:
    assert select(ChecksOf(All()), GRAPH)[0] == frozenset()
    assert select(Difference(keys("clean"), ChecksOf(keys("clean"))), GRAPH) == ({key("clean")}, frozenset())


def test_walks_without_their_start() -> None:
    selector = Selector(GRAPH)
    assert names(selector.assets(Upstream(keys("clean"), 1, include_self=False))) == {"raw/orders", "raw/users"}
    assert names(selector.assets(External(Upstream(keys("raw/orders"), 1, include_self=False)))) == {"source"}
    assert names(selector.assets(Downstream(keys("clean", "total"), 1, include_self=False))) == {
        "multi_a",
        "multi_b",
        "report",
    }


def test_an_asset_that_reads_its_own_past_is_still_a_root_and_a_sink() -> None:
    graph = AssetGraph([asset("a", ["a"])])
    assert names(resolve("roots(*)", graph)) == names(resolve("sinks(*)", graph)) == {"a"}
    assert names(resolve("*a*", graph)) == {"a"}


def test_long_chains_of_unions_and_differences_are_evaluated_without_recursion() -> None:
    graph = AssetGraph([asset(f"a{n}") for n in range(3000)])
    union: Selection = reduce(lambda left, right: Or((left, right)), [keys(f"a{n}") for n in range(3000)])
    assert len(Selector(graph).assets(union)) == 3000
    rest: Selection = reduce(Difference, [keys(f"a{n}") for n in range(2000)], All())
    assert len(Selector(graph).assets(rest)) == 1000


# --- errors ----------------------------------------------------------------------------------------------------------


def problem(text: str) -> SelectionError:
    with pytest.raises(SelectionError) as caught:
        resolve(text, GRAPH)
    return caught.value


def test_an_unknown_asset_names_the_nearest() -> None:
    assert str(problem("totel and *")) == (
        'WEFT-S002  there is no asset "totel".\n'
        "  known assets  total\n"
        '  fix           did you mean "total"? To match part of a name, write key:"*part*"'
    )
    assert problem("orders").facts == {"known assets": "raw/orders"}
    assert problem("zzz").fix == 'To match part of a name, write key:"*part*"'
    assert problem("zzz, yyy").what == 'there is no asset "zzz".'
    with pytest.raises(SelectionError) as caught:
        select(keys("zzz", "yyy"), GRAPH)
    assert caught.value.what == "there are no assets zzz, yyy."


def test_a_pattern_that_matches_nothing_is_an_error() -> None:
    error = problem("key:rax*")
    assert (error.code, error.what) == ("WEFT-S003", 'no asset matches "rax*".')


def test_an_unknown_group_names_the_known_ones() -> None:
    assert str(problem("group:row")) == (
        'WEFT-S004  there is no group "row".\n'
        "  known groups  default, outside, raw\n"
        '  fix           did you mean "raw"? Otherwise use one of the known groups'
    )
    assert problem("group:z*").what == 'no group matches "z*".'


def test_a_selection_of_nothing_is_an_error() -> None:
    error = problem("kind:dbt")
    assert (error.code, error.facts["selection"]) == ("WEFT-S008", "kind:dbt")
    assert select(Kind("dbt"), GRAPH) == (frozenset(), frozenset())


def test_an_unknown_check_is_an_error() -> None:
    with pytest.raises(SelectionError) as caught:
        select(Checks((check("clean:okay"),)), GRAPH)
    assert caught.value.code == "WEFT-S009"
    assert caught.value.fix == 'did you mean "clean:ok"? Otherwise use one of the known checks'


def test_an_attribute_that_needs_facts_says_so_where_there_are_none() -> None:
    assert problem("status:failed").code == "WEFT-S007"


def test_names_that_do_not_exist_can_be_allowed() -> None:
    selector = Selector(GRAPH, allow_missing=True)
    assert names(selector.resolve("zzz or clean")) == {"clean"}
    assert selector.resolve("group:zzz or key:z*z or check:a:b") == frozenset()


class Facts:
    def keys_with(self, attribute: str, value: str | None) -> AbstractSet[AssetKey] | None:
        return {
            ("status", "failed"): {key("clean"), key("gone")},
            ("column", "seen"): {key("total")},
            ("column", "email"): {key("total")},
            ("column", None): {key("clean"), key("raw/users")},
        }.get((attribute, value))


def test_facts_answer_what_the_graph_cannot_and_add_to_what_it_can() -> None:
    selector = Selector(GRAPH, Facts())
    assert names(selector.resolve("status:failed")) == {"clean"}
    assert names(selector.resolve("column:seen")) == {"total"}
    assert names(selector.resolve("column:email")) == {"raw/users", "total"}
    assert names(selector.resolve("column:<null>")) == {"clean"}
    with pytest.raises(SelectionError):
        selector.resolve("status:unheard")


def test_unknown_and_external_keys_can_be_named() -> None:
    assert picked("source or unknown") == {"source", "unknown"}
    assert select(keys("source"), GRAPH) == (frozenset(), frozenset())


# --- against the plainest reading ------------------------------------------------------------------------------------


SIZE = 7
NAMED = st.sampled_from([key(f"a{n}") for n in range(SIZE)])


@st.composite
def graphs(draw: st.DrawFn) -> AssetGraph:
    nodes = []
    for place in range(SIZE):
        above = [f"a{n}" for n in range(place)]
        deps = draw(st.lists(st.sampled_from(above), max_size=3, unique=True)) if above else []
        nodes.append(
            asset(
                f"a{place}",
                deps,
                external=draw(st.integers(0, 4)) == 0,
                group="g" if place in (0, 3) else "h",
                kinds=draw(st.sampled_from([(), ("k",), ("k", "l")])),
                tags=draw(st.sampled_from([{}, {"t": ""}, {"t": "1", "u": ""}])),
                unit=draw(st.sampled_from([None, None, "m"])),
            )
        )
    return AssetGraph(nodes, [AssetCheckNode(key=check(f"a{n}:c")) for n in range(0, SIZE, 2)])


def expressions(external: st.SearchStrategy[bool]) -> st.SearchStrategy[Selection]:
    leaves = st.one_of(
        st.builds(All, external),
        st.lists(NAMED, min_size=1, max_size=3).map(lambda some: Keys(tuple(some))),
        st.sampled_from([KeyGlob("a*"), KeyPrefix((("a1",), ("a2",))), KeySubstring("3")]),
        st.builds(Groups, st.sampled_from([("g",), ("h",), ("g", "h")]), external),
        st.builds(Kind, st.sampled_from(["k", "l", None]), external),
        st.builds(Tag, st.sampled_from(["t", "u"]), st.sampled_from([None, "", "1"]), external),
        st.builds(Owner, st.none(), external),
        st.just(Attribute("tag", None)),
    )

    def more(children: st.SearchStrategy[Selection]) -> st.SearchStrategy[Selection]:
        several = st.lists(children, min_size=1, max_size=3).map(tuple)
        depth = st.none() | st.integers(0, 3)
        return st.one_of(
            several.map(And),
            several.map(Or),
            st.builds(Not, children, external),
            st.builds(Difference, children, children),
            st.builds(Upstream, children, depth, st.booleans()),
            st.builds(Downstream, children, depth, st.booleans()),
            *(children.map(kind) for kind in (Sinks, Roots, Materializable, External, RequiredNeighbours)),
        )

    return st.recursive(leaves, more, max_leaves=6)


def inner(node: And) -> list[Selection]:
    return [one for child in node.children for one in (inner(child) if isinstance(child, And) else [child])]


def meaning(node: Selection, graph: AssetGraph) -> set[AssetKey]:
    """What an expression selects, asset by asset, with no index and no care for speed."""
    everything = set(graph.keys)

    def covered(include_external: bool) -> set[AssetKey]:
        return everything if include_external else {one for one in everything if graph[one].is_materializable}

    def near(one: AssetKey, up: bool) -> set[AssetKey]:
        return {other for other in everything if (other in graph.upstream(one) if up else one in graph.upstream(other))}

    match node:
        case All():
            return covered(node.include_external)
        case Keys():
            return set(node.keys)
        case KeyGlob():
            return {one for one in everything if one.to_user_string().startswith(node.pattern[:-1])}
        case KeyPrefix():
            return {one for one in covered(False) if one.parts in node.prefixes}
        case KeySubstring():
            return {one for one in covered(False) if node.text in one.to_user_string()}
        case Groups():
            return {one for one in covered(node.include_external) if graph[one].group_name in node.names}
        case Kind():
            kinds = {one: graph[one].kinds for one in covered(node.include_external)}
            return {one for one, has in kinds.items() if (node.name in has if node.name is not None else not has)}
        case Tag():
            tags = {one: graph[one].tags for one in covered(node.include_external)}
            return {one for one, has in tags.items() if node.key in has and node.value in (None, has[node.key])}
        case Owner():
            return covered(node.include_external)
        case Attribute():
            return {one for one in everything if not graph[one].tags}
        case And():
            # Seen from an And, those of an And within it are its own; a negation takes away from the rest.
            flat = inner(node)
            wanted = [meaning(one, graph) for one in flat if not isinstance(one, Not)]
            if not wanted:
                return set.intersection(*(meaning(one, graph) for one in flat))
            unwanted = [meaning(one.child, graph) for one in flat if isinstance(one, Not)]
            return set.intersection(*wanted).difference(*unwanted)
        case Or():
            return set.union(*(meaning(child, graph) for child in node.children))
        case Not():
            return covered(node.include_external) - meaning(node.child, graph)
        case Difference():
            return meaning(node.left, graph) - meaning(node.right, graph)
        case Upstream() | Downstream():
            start = meaning(node.child, graph)
            found = set(start)
            for _ in range(len(everything) if node.depth is None else node.depth):
                found |= {other for one in found for other in near(one, isinstance(node, Upstream))}
            return found if node.include_self else found - start
        case Sinks() | Roots():
            among = meaning(node.child, graph)
            return {one for one in among if not (near(one, isinstance(node, Roots)) & among) - {one}}
        case Materializable():
            return {one for one in meaning(node.child, graph) if graph[one].is_materializable}
        case External():
            return {one for one in meaning(node.child, graph) if graph[one].is_external}
        case RequiredNeighbours():
            found = meaning(node.child, graph)
            units = {graph[one].compute_unit for one in found} - {None}
            return found | {one for one in everything if graph[one].compute_unit in units}
    raise AssertionError(node)


@settings(max_examples=150, deadline=None)
@given(expression=expressions(st.booleans()), graph=graphs())
def test_every_expression_selects_what_its_plainest_reading_selects(expression: Selection, graph: AssetGraph) -> None:
    assert Selector(graph).assets(expression) == meaning(expression, graph)


@settings(max_examples=150, deadline=None)
@given(expression=expressions(st.just(False)), graph=graphs())
def test_a_printed_expression_selects_the_same(expression: Selection, graph: AssetGraph) -> None:
    selector = Selector(graph)
    assert selector.assets(parse(to_string(expression))) == selector.assets(expression)
