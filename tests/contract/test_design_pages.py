"""Design pages that describe something in the source say the same as the source."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from weft.model.run import FailureReason, RunStatus
from weft.model.step import StepStatus
from weft.planning.run_states import TRANSITIONS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
DESIGN = ROOT / "docs" / "design"
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("changelog.d/*.md"), *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
FRAGMENT = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\.(added|changed|fixed|removed)\.md")


def read(page: str) -> str:
    return (DESIGN / page).read_text("utf-8")


def diagrams(page: str) -> list[set[tuple[str, str]]]:
    """The arrows of each state diagram of the page."""
    blocks = re.findall(r"```mermaid\n(.*?)```", read(page), flags=re.DOTALL)
    return [set(re.findall(r"^\s*(\S+) --> (\S+)$", block, flags=re.MULTILINE)) for block in blocks]


def table_rows(text: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip().strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("| ")
    ]


def test_the_diagram_of_runs_draws_the_table_of_transitions() -> None:
    arrows = diagrams("run-states.md")[0]
    inner = {(source, target) for source, target in arrows if "[*]" not in (source, target)}
    assert inner == {(state.value, target.value) for state, targets in TRANSITIONS.items() for target in targets}
    assert {source for source, target in arrows if target == "[*]"} == {s.value for s in RunStatus if s.is_finished}


def test_the_table_of_run_states_lists_where_each_may_step() -> None:
    written = {
        row[0].strip("`"): set(re.findall(r"`(\w+)`", row[3]))
        for row in table_rows(read("run-states.md"))
        if len(row) == 4 and row[0].startswith("`")
    }
    assert written == {state.value: {target.value for target in targets} for state, targets in TRANSITIONS.items()}


def test_the_diagram_of_steps_has_every_state_and_ends_where_steps_end() -> None:
    arrows = diagrams("run-states.md")[1]
    assert {name for arrow in arrows for name in arrow} - {"[*]"} == {status.value for status in StepStatus}
    assert {source for source, target in arrows if target == "[*]"} == {s.value for s in StepStatus if s.is_finished}
    assert {source for source, target in arrows if target != "[*]"} & {
        s.value for s in StepStatus if s.is_finished
    } == set()


def test_every_reason_of_a_failed_run_is_explained() -> None:
    explained = {row[0].strip("`") for row in table_rows(read("run-states.md")) if len(row) == 2} - {"reason", "---"}
    assert explained == {reason.value for reason in FailureReason}


def test_every_dependency_is_justified_and_nothing_else_is() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    groups = project["dependency-groups"].values()
    needed = [
        *project["project"]["dependencies"],
        *(item for group in groups for item in group if isinstance(item, str)),
    ]
    names = {re.match(r"[A-Za-z0-9_.\-]+", requirement)[0] for requirement in needed}
    rows = table_rows(read("dependencies.md"))
    assert {row[0].strip("`") for row in rows} - {"library", "---"} == names
    assert [row[0] for row in rows if len(row) != 4 or not all(row)] == []


def test_the_architecture_page_says_rightly_which_packages_are_there() -> None:
    said = {
        row[0].strip("`"): row[2]
        for row in table_rows(read("architecture.md"))
        if len(row) == 3 and row[0].startswith("`weft")
    }
    there = {"weft"} | {
        f"weft.{path.stem}"
        for path in (ROOT / "src" / "weft").iterdir()
        if not path.name.startswith("_") and (path.suffix == ".py" or any(path.rglob("*.py")))
    }
    assert {name for name, state in said.items() if state == "here"} == there
    assert set(said.values()) <= {"here", "planned"}


def test_decisions_are_numbered_without_gaps_and_listed() -> None:
    decisions = sorted(path.name for path in DESIGN.glob("[0-9]*.md"))
    assert [name[:4] for name in decisions] == [f"{number:04}" for number in range(1, len(decisions) + 1)]
    overview = read("architecture.md")
    assert [name for name in decisions if f"]({name})" not in overview] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    targets = [target for target in LINK.findall(page.read_text("utf-8")) if "://" not in target]
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_fragments_of_the_changelog_are_named_for_their_kind() -> None:
    names = [path.name for path in (ROOT / "changelog.d").iterdir() if path.name != "README.md"]
    assert [name for name in names if not FRAGMENT.fullmatch(name)] == []
