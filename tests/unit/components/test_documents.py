"""YAML documents: what cannot be read is a problem with its place, whatever the file holds."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from weft.components import documents
from weft.components.documents import MOST_LEVELS, parse_documents

FILE = Path("defs.yaml")


@pytest.mark.parametrize(
    "text",
    [
        "[" * 50_000,
        "[" * 50_000 + "]" * 50_000,
        "{a: " * 50_000,
        "- " * 50_000 + "a",
        "-\t" * 50_000 + "a",
        "? " * 50_000 + "a",
        "\n".join(f"{' ' * level}a:" for level in range(2_000)),
        "'[' : " + "[" * 50_000,
        "]" * 50_000 + "[" * 50_000,
    ],
)
def test_a_file_that_is_nested_deeply_is_refused_and_does_not_end_the_process(text: str) -> None:
    found, problems = parse_documents(text, FILE)
    assert not found
    assert [problem.code for problem in problems] in (["WEFT-L022"], ["WEFT-L021"])


def test_levels_up_to_the_limit_are_read() -> None:
    found, problems = parse_documents("[" * MOST_LEVELS + "]" * MOST_LEVELS, FILE)
    assert (len(found), problems) == (1, [])
    assert parse_documents("[" * (MOST_LEVELS + 1) + "]" * (MOST_LEVELS + 1), FILE)[1][0].code == "WEFT-L022"


def test_aliases_that_multiply_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MOST_VALUES", 1_000)
    lines = ["a0: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    assert [problem.code for problem in parse_documents("\n".join(lines), FILE)[1]] == ["WEFT-L022"]
    assert [problem.code for problem in parse_documents("a: &a [*a]", FILE)[1]] == ["WEFT-L022"]
    chain = ["a0: &a0 [1]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 40))]
    monkeypatch.setattr(documents, "MOST_LEVELS", 30)
    assert [problem.code for problem in parse_documents("\n".join(chain), FILE)[1]] == ["WEFT-L022"]


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.system", "!!python/name:os.system", "!own"])
def test_tags_make_no_objects(tag: str) -> None:
    found, problems = parse_documents(f"a: {tag} 'ls'", FILE)
    assert [problem.code for problem in problems] == ["WEFT-L023"]
    assert [document.value for document in found] == [{"a": None}]


@given(st.text(alphabet="[]{}-?:&*!|>'\"#,ab \n\t", max_size=60))
def test_any_text_gives_values_or_problems(text: str) -> None:
    found, problems = parse_documents(text, FILE)
    assert all(problem.fix for problem in problems)
    assert all(document.place().line >= 1 for document in found)
