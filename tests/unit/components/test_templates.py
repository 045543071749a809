from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from weft import EnvVar
from weft.components.templates import Environment, Lazy, TemplateError, UnsetVariable, fill


class Thing:
    value = 3

    def double(self, number: int, *, plus: int = 0) -> int:
        return 2 * number + plus


SCOPE: dict[str, Any] = {"env": Environment(), "thing": Thing(), "names": ["a", "b"], "table": {"k": "v"}, "word": "w"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("{{ thing.value }}", 3),
        ("  {{ thing.value }}\n", 3),
        ("{{ thing.double(4, plus=-1) }}", 7),
        ("{{ names }}", ["a", "b"]),
        ("{{ names[1] }}", "b"),
        ("{{ table.k }}{{ table['k'] }}", "vv"),
        ("{{ word + '_' ~ 'x' }}", "w_x"),
        ("a{{ 1 + 2 }}b", "a3b"),
        ("{{ [1, 'x', true, none] }}", [1, "x", True, None]),
        ("{{ '}}' }}", "}}"),
        ('{{ "\\"q\\"" }}', '"q"'),
        ("{{ (word) }}", "w"),
        ("{{ 1.5 }}", 1.5),
        ("x{{ none }}y", "xy"),
    ],
)
def test_a_template_keeps_the_type_of_a_single_expression_and_joins_others(text: str, value: object) -> None:
    assert fill(text, SCOPE) == value


@pytest.mark.parametrize(
    "text",
    ["{{ }}", "{{ a.b }}", "{{ thing.", "{{ thing..x }}", "{{ thing._x }}", "{{ word() }}", "{{ names[7] }}", "{{ 1 1 }}",
     "{% for x in y %}", "{{ word | upper }}", "{{ f(1 2) }}", "{{ [1 2] }}", "{{ thing.nothing }}"],
)  # fmt: skip
def test_what_cannot_be_read_is_told(text: str) -> None:
    with pytest.raises(TemplateError) as error:
        fill(text, SCOPE)
    assert error.value.fix


def test_a_variable_stays_a_reference_where_it_is_the_whole_and_is_read_in_a_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WEFT_X", "secret")
    assert fill("{{ env.WEFT_X }}", SCOPE) == EnvVar("WEFT_X")
    assert fill("{{ env('WEFT_X') }}", SCOPE) == EnvVar("WEFT_X")
    assert fill("{{ env('WEFT_Y', 'none') }}", SCOPE) == "none"
    assert fill("pre_{{ env.WEFT_X }}", SCOPE) == "pre_secret"
    with pytest.raises(UnsetVariable):
        fill("pre_{{ env.WEFT_Y }}", SCOPE)


@pytest.mark.parametrize(
    "text",
    [
        "{{ name._private }}",
        "{{ name.__class__ }}",
        '{{ "{0.__class__}".format(name) }}',
        '{{ "{a.__class__}".format_map(name) }}',
        '{{ ("{0.__class__}" + "").format(name) }}',
        "{{ env.X.format(name) }}",
    ],
)
def test_what_is_private_cannot_be_reached(text: str) -> None:
    with pytest.raises(TemplateError):
        fill(text, {"name": "shop", "env": Environment()})


@pytest.mark.parametrize("text", ["(" * 5_000 + "1" + ")" * 5_000, "[" * 5_000, "a" + ".b" * 5_000, "1" + "+1" * 5_000])
def test_an_endless_expression_is_refused(text: str) -> None:
    with pytest.raises(TemplateError):
        fill("{{ " + text + " }}", {})


def test_a_lazy_value_is_made_once_and_only_when_it_is_named() -> None:
    made: list[int] = []
    scope = {"slow": Lazy(lambda: made.append(1) or len(made))}
    assert fill("x", scope) == "x"
    assert made == []
    assert fill("{{ slow }}", scope) == fill("{{ slow }}", scope) == 1


@given(st.text())
def test_any_text_is_filled_in_or_refused_with_a_fix(text: str) -> None:
    try:
        value = fill(text, {})
    except TemplateError as error:
        assert error.fix
    else:
        assert "{{" in text or value == text


@given(st.text(alphabet=st.characters(exclude_characters="\\'\"", exclude_categories=["Cs"])))
def test_a_quoted_text_means_itself(text: str) -> None:
    assert fill("{{ '" + text + "' }}", {}) == text
