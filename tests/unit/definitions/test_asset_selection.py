"""The builder of selections: what it takes, and the expressions that it makes."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.definitions.refusal import refused

from weft.definitions.asset_checks import asset_check
from weft.definitions.asset_selection import AssetSelection
from weft.definitions.asset_spec import AssetCheckSpec, AssetSpec
from weft.definitions.assets import asset, multi_asset
from weft.model import selection as nodes
from weft.model.codec import Decoder, encode
from weft.model.keys import AssetCheckKey, AssetKey


@asset(key_prefix="shop")
def orders() -> None: ...


@multi_asset(specs=[AssetSpec("left"), AssetSpec("right")])
def both() -> None: ...


@asset_check(asset=orders)
def fine() -> bool:
    return True


ORDERS = AssetKey(["shop", "orders"])
FINE = AssetCheckKey(ORDERS, "fine")
KEYS = nodes.Keys((ORDERS,))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (orders, KEYS),
        (ORDERS, KEYS),
        ([orders, "shop/orders"], KEYS),
        ([AssetSpec("shop/orders")], KEYS),
        (AssetSpec("shop/orders"), KEYS),
        (both, nodes.Keys((AssetKey("left"), AssetKey("right")))),
        ("+orders", nodes.Text("+orders")),
        (["+orders"], nodes.Text("+orders")),
        (["a", "b+"], nodes.Or((nodes.Text("a"), nodes.Text("b+")))),
        ({"b", "a"}, nodes.Or((nodes.Text("a"), nodes.Text("b")))),
        (FINE, nodes.Checks((FINE,))),
        (fine, nodes.Checks((FINE,))),
        ([fine, orders], nodes.Or((KEYS, nodes.Checks((FINE,))))),
        ([AssetCheckSpec("fine", asset=orders)], nodes.Checks((FINE,))),
        ([], nodes.Keys(())),
        (AssetSelection.all(), nodes.All()),
    ],
)
def test_a_selection_is_made_of_anything_that_names_assets(value: Any, expected: nodes.Selection) -> None:
    assert AssetSelection.of(value).expression == expected


@pytest.mark.parametrize("value", [3, None, object(), {"a": 1}, orders.op.fn])
def test_what_is_no_selection_is_refused(value: Any) -> None:
    with refused("WEFT-S001", "is not a selection"):
        AssetSelection.of(value)


def test_a_list_of_something_else_names_no_asset() -> None:
    with refused("WEFT-D013"):
        AssetSelection.of([3])


S = AssetSelection
EXPRESSIONS: list[tuple[AssetSelection, nodes.Selection]] = [
    (S.all(), nodes.All()),
    (S.all(include_sources=True), nodes.All(True)),
    (S.assets(orders), KEYS),
    (S.keys("shop/orders"), KEYS),
    (S.key_prefixes("shop", ["a", "b"]), nodes.KeyPrefix((("shop",), ("a", "b")))),
    (S.key_substring("ord"), nodes.KeySubstring("ord")),
    (S.groups("a", "b"), nodes.Groups(("a", "b"))),
    (S.tag("a", "b"), nodes.Tag("a", "b")),
    (S.tag_string("a=b"), nodes.Tag("a", "b")),
    (S.tag_string("a"), nodes.Tag("a")),
    (S.kind(None), nodes.Kind(None)),
    (S.owner("team:x"), nodes.Owner("team:x")),
    (S.checks(fine, FINE), nodes.Checks((FINE, FINE))),
    (S.checks_for_assets(orders), nodes.ChecksOf(KEYS)),
    (S.all_asset_checks(), nodes.ChecksOf(nodes.All(include_external=True))),
    (S.from_string("a*"), nodes.Text("a*")),
    (S.assets(orders).upstream(2, include_self=False), nodes.Upstream(KEYS, 2, include_self=False)),
    (S.assets(orders).downstream(), nodes.Downstream(KEYS)),
    (S.assets(orders).sinks(), nodes.Sinks(KEYS)),
    (S.assets(orders).roots(), nodes.Roots(KEYS)),
    (S.assets(orders).materializable(), nodes.Materializable(KEYS)),
    (S.assets(orders).required_multi_asset_neighbors(), nodes.RequiredNeighbours(KEYS)),
    (S.assets(orders).without_checks(), nodes.WithoutChecks(KEYS)),
    (S.assets(orders).upstream_source_assets(), nodes.External(nodes.Upstream(KEYS, 1, include_self=False))),
    (S.all() | S.groups("a"), nodes.Or((nodes.All(), nodes.Groups(("a",))))),
    (S.all() & S.groups("a"), nodes.And((nodes.All(), nodes.Groups(("a",))))),
    (S.all() - S.groups("a"), nodes.Difference(nodes.All(), nodes.Groups(("a",)))),
    (~S.groups("a"), nodes.Not(nodes.Groups(("a",)))),
]


@pytest.mark.parametrize(("made", "expected"), EXPRESSIONS)
def test_each_method_makes_its_expression_which_can_be_sent(made: AssetSelection, expected: nodes.Selection) -> None:
    assert made.expression == expected
    assert Decoder(nodes.Selection).decode(encode(expected)) == expected
    assert made == AssetSelection(expected)
    assert hash(made) == hash(AssetSelection(expected))


def test_selections_combine_with_anything_that_is_one() -> None:
    assert (S.all() - "shop/*").expression == nodes.Difference(nodes.All(), nodes.Text("shop/*"))
    assert (S.all() & [orders]).expression == nodes.And((nodes.All(), KEYS))
    with refused("WEFT-S001"):
        _ = S.all() | 3


def test_names_are_strings() -> None:
    with refused("WEFT-S001", "several as several arguments"):
        S.groups(["a", "b"])  # type: ignore[arg-type]  # the point of the test
    with refused("WEFT-S001"):
        S.key_prefixes([1])  # type: ignore[list-item]  # the point of the test
    with refused("WEFT-S001", "asset_check"):
        S.checks("fine")
