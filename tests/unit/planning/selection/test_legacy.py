from __future__ import annotations

import pytest

from weft.errors import SelectionError
from weft.model.keys import AssetKey
from weft.model.selection import All, Downstream, Keys, Or, Upstream
from weft.planning.selection.legacy import Clause, clauses, expression_of, parse_clauses


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("foo", [Clause("foo")]),
        ("*foo", [Clause("foo", up=None)]),
        ("foo*", [Clause("foo", down=None)]),
        ("*foo*", [Clause("foo", up=None, down=None)]),
        ("+foo", [Clause("foo", up=1)]),
        ("++foo", [Clause("foo", up=2)]),
        ("foo+", [Clause("foo", down=1)]),
        ("++foo+++", [Clause("foo", up=2, down=3)]),
        ("*", [Clause("")]),
        ("a, b+  *c", [Clause("a"), Clause("b", down=1), Clause("c", up=None)]),
        (" prepare.clean[eu]? ", [Clause("prepare.clean[eu]?")]),
        ("shop/orders-2024", [Clause("shop/orders-2024")]),
        ("123+", [Clause("123", down=1)]),
    ],
)
def test_old_clauses_are_read(text: str, expected: list[Clause]) -> None:
    assert clauses(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a and b",
        "not a",
        "a or b",
        "key:a",
        '"a"',
        "(a)",
        "sinks(a)",
        "2+a",
        "a+1",
        "1+a+1",
        "a*b*c+d",
        "tag=b",
        "+",
    ],
)
def test_what_is_not_of_the_old_syntax_is_left_to_the_new_one(text: str) -> None:
    assert clauses(text) is None


def test_a_text_that_must_be_old_but_is_not_is_an_error() -> None:
    with pytest.raises(SelectionError) as caught:
        parse_clauses("a and (b)")
    assert str(caught.value) == (
        'WEFT-S012  "a and (b)" is not a list of names.\n'
        '  expected      names with * or + around them, such as "*clean", "clean+" or "a, b"\n'
        "  fix           write one name or several, separated by commas"
    )


def test_clauses_become_expressions() -> None:
    a, b = Keys((AssetKey("a"),)), Keys((AssetKey(["x", "b"]),))
    assert expression_of(clauses("a") or []) == a
    assert expression_of(clauses("*a") or []) == Upstream(a)
    assert expression_of(clauses("a++") or []) == Downstream(a, 2)
    assert expression_of(clauses("+a*") or []) == Or((Upstream(a, 1), Downstream(a)))
    assert expression_of(clauses("a, x/b") or []) == Or((a, b))
    assert expression_of(clauses("*") or [], include_external=True) == All(include_external=True)
