from __future__ import annotations

import re

import pytest
from hypothesis import given, settings, strategies as st

from weft.errors import SelectionError
from weft.model.keys import AssetCheckKey, AssetKey
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
from weft.planning.selection.syntax import FACT_ATTRIBUTES, matcher, parse, to_string


def named(*names: str) -> Keys:
    return Keys(tuple(map(AssetKey.from_user_string, names)))


A, B, C = named("a"), named("b"), named("c")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # operands
        ('key:"a"', A),
        ("key:a", A),
        ('"a"', A),
        ("'a b'", Keys((AssetKey("a b"),))),
        ('key:"shop/orders"', Keys((AssetKey(["shop", "orders"]),))),
        (r'key:"a\\/b"', Keys((AssetKey("a/b"),))),
        (r'key:"say \"x\""', Keys((AssetKey('say "x"'),))),
        ('key:"raw_*"', KeyGlob("raw_*")),
        ('"raw_*"', KeyGlob("raw_*")),
        (r'key:"a\\*b"', Keys((AssetKey("a*b"),))),
        ('key:"*"', All()),
        ('key_substring:"ord"', KeySubstring("ord")),
        ('key_prefix:"shop/raw"', KeyPrefix((("shop", "raw"),))),
        ('tag:"a"', Tag("a")),
        ('tag:"a"="b"', Tag("a", "b")),
        ("tag:a=b", Tag("a", "b")),
        ("tag:a=<null>", Tag("a", "")),
        ("tag:<null>", Attribute("tag", None)),
        ("owner:team:data", Owner("team:data")),
        ('owner:"me@example.com"', Owner("me@example.com")),
        ("owner:<null>", Owner(None)),
        ("group:sales", Groups(("sales",))),
        ("group:<null>", Groups(("default",))),
        ("kind:dbt", Kind("dbt")),
        ("kind:<null>", Kind(None)),
        ("is:external", External(All(include_external=True))),
        ("is:Materializable", Materializable(All(include_external=True))),
        ("code_location:shop", Attribute("code_location", "shop")),
        ('column:"id"', Attribute("column", "id")),
        ("status:<null>", Attribute("status", None)),
        ('check:"shop/orders:ok"', Checks((AssetCheckKey(["shop", "orders"], "ok"),))),
        # joins
        ("a and b", And((A, B))),
        ("a AND b Or c", Or((And((A, B)), C))),
        ("a or b and c", Or((A, And((B, C))))),
        ("(a or b) and c", And((Or((A, B)), C))),
        ("a and b and c", And((A, B, C))),
        ("a and (b and c)", And((A, And((B, C))))),
        ("not key:a", Not(A)),
        ("not not key:a", Not(Not(A))),
        ("NOT a and b", And((Not(A), B))),
        ("not (a and b)", Not(And((A, B)))),
        ("(a)", A),
        ("((a))", A),
        # functions
        ("sinks(a or b)", Sinks(Or((A, B)))),
        ("ROOTS( * )", Roots(All())),
        ("sinks(roots(a))", Sinks(Roots(A))),
        # walks
        ('+key:"a"', Upstream(A)),
        ('key:"a"+', Downstream(A)),
        ("2+a", Upstream(A, 2)),
        ("a+2", Downstream(A, 2)),
        ("1+a+1", Or((Upstream(A, 1), Downstream(A, 1)))),
        ('+key:"a"+', Or((Upstream(A), Downstream(A)))),
        ("+(a or b)", Upstream(Or((A, B)))),
        ("+sinks(a)", Upstream(Sinks(A))),
        ("not +a and b+", And((Not(Upstream(A)), Downstream(B)))),
        ("+(+a or b)", Upstream(Or((Upstream(A), B)))),
        ("2 + (a or b) + 3", Or((Upstream(Or((A, B)), 2), Downstream(Or((A, B)), 3)))),
        ("kind:dbt+", Downstream(Kind("dbt"))),
        ("group:a+1", Downstream(Groups(("a",)), 1)),
        # the old syntax
        ("a", A),
        ("*a", Upstream(A)),
        ("+a", Upstream(A, 1)),
        ("a++, b", Or((Downstream(A, 2), B))),
        ("*", All()),
    ],
)
def test_texts_are_read(text: str, expected: Selection) -> None:
    assert parse(text) == expected


def test_everything_may_cover_external_assets() -> None:
    assert parse("* and not group:a", include_external=True) == And(
        (All(True), Not(Groups(("a",), include_external=True), include_external=True))
    )


@pytest.mark.parametrize(
    ("text", "what", "place"),
    [
        ("", "the selection is empty.", 0),
        ("a and", "a selection is missing at the end.", 5),
        ("a and or b", 'a selection is missing before "or".', 6),
        ("(a or b", "a parenthesis is never closed.", 0),
        ("(a b)", '"b" is not expected here.', 3),
        ("a) or b", '")" is not expected here.', 1),
        ('key:"a', "a quote is never closed.", 4),
        ("a and key:", "a value is missing.", 10),
        ("a < b", '"<" cannot be read.', 2),
        ("tag:a=", "a value is missing.", 6),
        ("key:<null>", "key: needs a value.", 4),
        ('key:"a//b"', '"a//b" is not an asset key.', 4),
        ("is:odd", "is:odd is unknown.", 3),
        ("check:orders", "orders is not a check.", 6),
        ("key:a key:b", '"key" is not expected here.', 6),
        ("= and a", '"=" is not expected here.', 0),
    ],
)
def test_a_text_that_cannot_be_read_shows_the_place(text: str, what: str, place: int) -> None:
    with pytest.raises(SelectionError) as caught:
        parse(text)
    assert caught.value.code == "WEFT-S005"
    assert caught.value.what == what
    assert caught.value.facts["selection"] == f"{text}\n{' ' * place}^"
    assert caught.value.fix


def test_an_error_in_a_long_text_shows_its_line() -> None:
    with pytest.raises(SelectionError) as caught:
        parse("group:a\n  and and b")
    assert caught.value.facts["selection"] == "  and and b\n      ^"


def test_an_unknown_attribute_names_the_nearest() -> None:
    with pytest.raises(SelectionError) as caught:
        parse("a and gruop:x")
    assert str(caught.value) == (
        'WEFT-S006  "gruop" is not an attribute of selections.\n'
        "  selection     a and gruop:x\n"
        "                      ^\n"
        "  known         automation_type, changed_in_branch, check, code_location, column, column_tag, group, is, job, key, "
        "key_prefix, key_substring, kind, owner, partitions, schedule, sensor, status, table_name, tag\n"
        '  fix           did you mean "group"? Otherwise use one of the known attributes'
    )


def test_an_unknown_function_names_the_nearest() -> None:
    with pytest.raises(SelectionError) as caught:
        parse("sink(a)")
    assert caught.value.code == "WEFT-S006"
    assert caught.value.fix == 'did you mean "sinks"? Otherwise use one of the known functions'


@pytest.mark.parametrize("text", ["(" * 5000 + "a" + ")" * 5000, "not " * 5000 + "key:a", "sinks(" * 5000])
def test_a_text_that_is_nested_too_deeply_is_an_error(text: str) -> None:
    with pytest.raises(SelectionError) as caught:
        parse(text)
    assert caught.value.what == "the selection is nested too deeply."


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (A, 'key:"a"'),
        (And((A, Or((B, C)))), 'key:"a" and (key:"b" or key:"c")'),
        (Not(And((A, B))), 'not (key:"a" and key:"b")'),
        (Upstream(Or((A, B)), 2), '2+(key:"a" or key:"b")'),
        (Upstream(Downstream(A)), '+(key:"a"+)'),
        (Upstream(Not(A)), '+(not key:"a")'),
        (Difference(A, Or((B, C))), 'key:"a" and not (key:"b" or key:"c")'),
        (Upstream(A, include_self=False), '+key:"a" and not key:"a"'),
        (named("a", "b"), 'key:"a" or key:"b"'),
        (And((named("a", "b"), C)), '(key:"a" or key:"b") and key:"c"'),
        (Sinks(Or((A, B))), 'sinks(key:"a" or key:"b")'),
        (Tag("k", "v"), 'tag:"k"="v"'),
        (Tag("k", ""), 'tag:"k"=<null>'),
        (Kind(None), "kind:<null>"),
        (External(All(include_external=True)), "is:external"),
        (External(A), 'external(key:"a")'),
        (ChecksOf(A), 'checks_of(key:"a")'),
        (Text("*a"), '+key:"a"'),
        (Or(()), "* and not *"),
        (Or((A,)), 'key:"a"'),
    ],
)
def test_expressions_are_printed(expression: Selection, text: str) -> None:
    assert to_string(expression) == text


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6) | st.sampled_from(
    ["a", "a b", 'say "x"', "back\\slash", "and", "not", "<null>", "x*y", "*", "a=b", "a:b", "1", "+", "\\*", "'"]
)
PARTS = st.lists(TEXTS, min_size=1, max_size=2).map(tuple)
KEYS = PARTS.map(AssetKey)
LEAVES = st.one_of(
    st.just(All()),
    KEYS.map(lambda key: Keys((key,))),
    st.sampled_from(["a*", "*b", "a/*/b", "x\\*y*"]).map(KeyGlob),
    TEXTS.map(KeySubstring),
    PARTS.map(lambda parts: KeyPrefix((parts,))),
    TEXTS.map(lambda name: Groups((name,))),
    st.builds(Tag, TEXTS, st.none() | TEXTS | st.just("")),
    st.builds(Kind, st.none() | TEXTS),
    st.builds(Owner, st.none() | TEXTS),
    st.builds(Attribute, st.sampled_from(sorted(FACT_ATTRIBUTES)), st.none() | TEXTS),
    st.just(Attribute("tag", None)),
    st.builds(AssetCheckKey, KEYS, st.sampled_from(["ok", "is it so"])).map(lambda key: Checks((key,))),
    st.sampled_from([External(All(include_external=True)), Materializable(All(include_external=True))]),
)


def nodes(children: st.SearchStrategy[Selection]) -> st.SearchStrategy[Selection]:
    several = st.lists(children, min_size=2, max_size=3).map(tuple)
    depth = st.none() | st.integers(0, 12)
    return st.one_of(
        several.map(And),
        several.map(Or),
        children.map(Not),
        st.builds(Upstream, children, depth),
        st.builds(Downstream, children, depth),
        *(children.map(kind) for kind in (Sinks, Roots, RequiredNeighbours, ChecksOf, WithoutChecks)),
    )


@settings(max_examples=400, deadline=None)
@given(st.recursive(LEAVES, nodes, max_leaves=12))
def test_every_expression_prints_to_a_text_that_parses_back_equal(expression: Selection) -> None:
    assert parse(to_string(expression)) == expression


@given(st.text(max_size=30) | st.text(alphabet='ab*+()":=<>, andort\\1', max_size=30))
def test_no_text_raises_anything_but_a_selection_error(text: str) -> None:
    try:
        expression = parse(text)
    except SelectionError as error:
        assert error.code in ("WEFT-S005", "WEFT-S006")
    else:
        assert parse(to_string(expression)) == parse(to_string(parse(to_string(expression))))


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("a*", "abc", True),
        ("a*", "xabc", False),
        ("*c", "a/b/c", True),
        ("a*c*", "abcd", True),
        ("a.c", "abc", False),
        (r"a\*c", "a*c", True),
        (r"a\*c", "abc", False),
        (r"a\/*", r"a\/b", True),
        (r"a\\*", r"a\\b", True),
    ],
)
def test_patterns_match_whole_texts(pattern: str, text: str, expected: bool) -> None:
    assert bool(matcher(pattern)(text)) is expected


@given(st.text("ab*", max_size=6), st.text("ab", max_size=8))
def test_a_pattern_means_what_the_expression_with_any_text_for_stars_means(pattern: str, text: str) -> None:
    expected = re.fullmatch(pattern.replace("*", ".*"), text) is not None
    assert matcher(pattern)(text) is expected


def test_a_pattern_of_many_stars_does_not_try_all_their_places() -> None:
    assert not matcher("*a" * 1000 + "*b")("a" * 100_000)


@pytest.mark.parametrize("text", ["9" * 5000 + "+a and b", "(a)+" + "9" * 5000])
def test_a_number_of_levels_beyond_any_graph_is_refused(text: str) -> None:
    with pytest.raises(SelectionError, match="no graph has that many levels"):
        parse(text)
