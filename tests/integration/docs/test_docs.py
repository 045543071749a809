"""Everything that the documentation shows works: each block of each page is run, in order, in a fresh folder."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.integration.docs.page import Reader

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/tutorial/**/*.md"), *ROOT.glob("docs/howto/**/*.md")])
# What must run, found without the parser that runs it.
MARKED = re.compile(r"^ *```(?:python|console)\b|^ *```(?:yaml|toml|json|text)\s*\n *# file:", flags=re.MULTILINE)


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


# The page that needs a server, and the variable by which it is told the address of an empty database.
DATABASE_PAGE, DATABASE_VARIABLE = "docs/howto/databases.md", "SHOP_DATABASE"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_does_what_it_says(
    page: Path, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name_of(page) == DATABASE_PAGE:
        monkeypatch.setenv(DATABASE_VARIABLE, request.getfixturevalue("new_postgres_database"))
    text = page.read_text("utf-8")
    folder = tmp_path / "page"
    folder.mkdir()

    with Reader(folder) as reader:
        done = reader.follow(text)

    assert done == len(MARKED.findall(text))
    assert done > 0, "a page of how to do something shows something that runs"
