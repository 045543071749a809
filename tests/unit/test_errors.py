"""Errors: one form for all, facts as attributes, several problems at once, the nearest name for a typo."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given, strategies as st

from weft import errors
from weft.errors import (
    ConfigError,
    DefinitionError,
    InternalError,
    Problem,
    StepFailedError,
    WeftError,
    did_you_mean,
    nearest,
    some_of,
)

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, WeftError)]


def test_the_text_is_what_happened_then_the_facts_then_the_fix() -> None:
    error = DefinitionError(
        'Asset "b" depends on "a", which is not defined.',
        code="WEFT-D014",
        facts={"declared in": "shop.py:3", "known assets": ["x", "y"]},
        fix="add it",
    )
    assert str(error).splitlines() == [
        'WEFT-D014  Asset "b" depends on "a", which is not defined.',
        "  declared in   shop.py:3",
        "  known assets  x, y",
        "  fix           add it",
    ]


def test_labels_are_aligned_and_long_facts_are_indented() -> None:
    text = str(Problem("WEFT-D001", "no.", facts={"a much longer label": "one\ntwo", "b": 3}, fix="four\nfive"))
    assert text.splitlines() == [
        "WEFT-D001  no.",
        "  a much longer label  one",
        "                       two",
        "  b                    3",
        "  fix                  four",
        "                       five",
    ]


def test_facts_are_attributes_as_well_as_text() -> None:
    error = ConfigError("wrong", facts={"path": ("ops", "clean")}, fix="mend it")
    assert error.facts == {"path": ("ops", "clean")}
    assert (error.what, error.fix, error.code) == ("wrong", "mend it", "WEFT-C001")


def test_an_error_without_facts_is_one_line() -> None:
    assert str(WeftError("what", code="WEFT-D001")) == "WEFT-D001  what"


def test_several_problems_are_told_at_once() -> None:
    problems = [Problem("WEFT-D014", "first."), Problem("WEFT-D039", "second.", fix="mend")]
    error = DefinitionError.from_problems(problems)
    assert isinstance(error, DefinitionError)
    assert error.code == "WEFT-D014"
    assert str(error).splitlines() == [
        "2 problems were found:",
        "",
        "WEFT-D014  first.",
        "",
        "WEFT-D039  second.",
        "  fix           mend",
    ]


def test_one_problem_of_many_looks_like_a_single_one() -> None:
    assert str(DefinitionError.from_problems([Problem("WEFT-D014", "only.")])) == "WEFT-D014  only."


def test_no_problem_is_no_error() -> None:
    with pytest.raises(InternalError):
        DefinitionError.from_problems([])


def test_an_internal_error_asks_for_a_report() -> None:
    assert "report it" in str(InternalError("impossible"))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_errors_travel_between_processes(kind: type[WeftError]) -> None:
    error = kind("what", facts={"a": [1]})
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert str(again) == str(error)
    assert again.facts == error.facts


def test_what_a_subclass_adds_travels_too() -> None:
    error = StepFailedError("it failed")
    error.step_key = "clean"
    assert pickle.loads(pickle.dumps(error)).step_key == "clean"


@given(st.lists(st.text(min_size=1, max_size=6), unique=True, max_size=30))
def test_a_short_list_of_names_says_how_many_are_left_out(names: list[str]) -> None:
    text = some_of(names)
    if len(names) > 8:
        assert text.endswith(f" and {len(names) - 8} more")
    else:
        assert text == (", ".join(names) or "(none)")


def test_the_nearest_name_is_offered_for_a_typo_only() -> None:
    assert nearest("ordres", ["orders", "customers"]) == ["orders"]
    assert nearest("zzz", ["orders", "customers"]) == []
    assert did_you_mean("ordres", ["orders"], "add it") == 'did you mean "orders"? Otherwise add it'
    assert did_you_mean("zzz", ["orders"], "add it") == "add it"


@given(st.lists(st.text("abc_", min_size=1, max_size=8), min_size=1, max_size=10))
def test_a_known_name_is_nearest_to_itself(names: list[str]) -> None:
    assert nearest(names[0], names)[0] == names[0]
