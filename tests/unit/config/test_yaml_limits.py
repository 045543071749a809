"""YAML is read as `yaml.safe_load` does, within limits."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
import yaml
from hypothesis import given, strategies as st

from weft.config import yaml_limits
from weft.config.yaml_limits import MOST_LEVELS, TooLarge, load_yaml

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.dates(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_what_was_written_is_read(value: Any) -> None:
    assert load_yaml(yaml.safe_dump(value)) == value


def test_aliases_merges_and_dates_are_understood() -> None:
    text = "base: &base {day: 2024-01-02, n: [1]}\nmore: {<<: *base, n: 2}\n"
    day = datetime.date(2024, 1, 2)
    assert load_yaml(text) == {"base": {"day": day, "n": [1]}, "more": {"day": day, "n": 2}}
    assert load_yaml("") is None


def test_values_count_at_every_place_of_an_alias(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_limits, "MOST_VALUES", 12)
    assert load_yaml("[&a [1, 2], *a, *a, 5]") == [[1, 2], [1, 2], [1, 2], 5]  # 3 * 3 + 2
    with pytest.raises(TooLarge, match="too many values"):
        load_yaml("[&a [1, 2], *a, *a, *a]")


@pytest.mark.parametrize(
    "text",
    [
        "[" * (MOST_LEVELS + 1) + "]" * (MOST_LEVELS + 1),
        "- " * 50_000 + "a",
        "\n".join(["a0: &a0 [1]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, MOST_LEVELS))]),
    ],
)
def test_deep_texts_are_refused(text: str) -> None:
    with pytest.raises(TooLarge, match="nested too deeply"):
        load_yaml(text)


def test_a_value_inside_itself_is_refused() -> None:
    with pytest.raises(TooLarge, match="inside that value"):
        load_yaml("a: &a [*a]")


def test_levels_up_to_the_limit_are_read() -> None:
    assert load_yaml("[" * MOST_LEVELS + "]" * MOST_LEVELS) is not None


@pytest.mark.parametrize("text", ["a: [1", "a: !!python/name:os.system x", "day: 2024-13-45", "n: " + "1" * 5000])
def test_what_is_no_plain_yaml_is_an_error_of_yaml(text: str) -> None:
    with pytest.raises(yaml.YAMLError):
        load_yaml(text)
