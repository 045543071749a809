"""The parity page says what is there."""

from __future__ import annotations

from pathlib import Path

import pytest

import weft
from weft.compat.dagster import names, resolve, state_of
from weft.compat.dagster.adapters import RENAMED_ARGUMENTS
from weft.compat.dagster.catalogue import AREAS, INSTEAD, LATER, RENAMED
from weft.compat.dagster.parity_page import page

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "parity.md"


def test_the_page_is_what_the_catalogue_says() -> None:
    assert PAGE.read_text("utf-8") == page(), (
        "make it anew: python -m weft.compat.dagster.parity_page > docs/reference/parity.md"
    )


@pytest.mark.parametrize(
    "name", [name for name in names() if state_of(name) in ("same", "renamed", "legacy") and name != "__version__"]
)
def test_a_name_that_is_here_can_be_imported(name: str) -> None:
    assert resolve(name) is not None


def test_no_name_is_missing_without_a_reason() -> None:
    assert [name for name in names() if state_of(name) == "missing"] == []


def test_every_table_is_about_names_of_the_catalogue() -> None:
    known = set(names())
    assert set(RENAMED) <= known
    assert set(INSTEAD) <= known
    assert set(LATER) <= known
    assert set(RENAMED_ARGUMENTS) <= known
    every = [name for area in AREAS.values() for name in area]
    assert len(every) == len(set(every))


def test_what_is_planned_is_not_there_already() -> None:
    assert not set(LATER) & set(weft.__all__)
    assert not set(INSTEAD) & set(weft.__all__)
