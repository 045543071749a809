"""Codes of errors are stable and documented: each means one thing, is raised at one place, and has its row in the reference."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from weft import errors

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "weft"
PAGE = ROOT / "docs" / "reference" / "errors.md"
CODE = re.compile(r"WEFT-[A-Z]\d{3}")

# Raised at several places on purpose: the code, and why one place is not enough.
SEVERAL_PLACES: dict[str, str] = {
    "WEFT-C003": "all configuration is missing, or a part of it",
    "WEFT-D010": "unreadable parameters and *args are found at different moments of one parse",
    "WEFT-D012": "AssetIn and @asset both take a key or its parts",
    "WEFT-D013": "one asset is expected: none was named, or several",
    "WEFT-D016": "inputs are declared on ops and on assets",
    "WEFT-D062": "map and collect both need a dynamic output",
    "WEFT-D073": "what is no plain function: a definition, a value, a class",
    "WEFT-I008": "a direct call lacks configuration, or a resource",
    "WEFT-I016": "there is no single partition key: the run has none, or a range",
    "WEFT-I020": "results are asked for the values of nodes and of assets",
    "WEFT-P001": "the default of PartitionError, named where a key is looked up",
    "WEFT-S001": "the default of SelectionError, named where the class is made",
    "WEFT-T007": "the folder and the file in it are made at different places",
    "WEFT-X004": "several outputs and dynamic outputs are told apart before the value is looked at",
    "WEFT-X005": "a check may return the wrong thing, or nothing",
    "WEFT-X006": "steps and I/O managers both yield events",
    "WEFT-X020": "the default of TypeCheckError, named where an input is checked",
    "WEFT-Z001": "a bare WeftError counts as internal, like InternalError",
}


def trees() -> Iterator[tuple[Path, ast.Module]]:
    for file in sorted(PACKAGE.rglob("*.py")):
        yield file.relative_to(ROOT), ast.parse(file.read_text("utf-8"))


def places() -> dict[str, list[str]]:
    """Each code with the places in the source that give it to an error: not prose, not comparisons, not sets of codes to look for."""
    found: dict[str, list[str]] = defaultdict(list)
    for file, tree in trees():
        for parent in ast.walk(tree):
            if isinstance(parent, (ast.Compare, ast.Set, ast.Tuple, ast.List, ast.MatchValue)):
                continue
            for node in ast.iter_child_nodes(parent):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
                    found[node.value].append(f"{file}:{node.lineno}")
    return dict(found)


def rows() -> dict[str, list[str]]:
    """Each code of the reference page with the other cells of its row."""
    found: dict[str, list[str]] = {}
    for line in PAGE.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and CODE.fullmatch(cells[0].strip("`")):
            code = cells[0].strip("`")
            assert code not in found, f"{code} has two rows"
            found[code] = cells[1:]
    return found


def error_classes() -> dict[str, type[errors.WeftError]]:
    return {
        name: value
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.WeftError)
    }


def test_every_code_is_described_and_every_described_code_exists() -> None:
    used, described = set(places()), set(rows())
    assert used, "no code was found in the source"
    assert {"not described": sorted(used - described), "not used": sorted(described - used)} == {
        "not described": [],
        "not used": [],
    }


def test_every_description_says_what_happened_and_how_to_fix_it() -> None:
    thin = [code for code, cells in rows().items() if len(cells) != 2 or min(map(len, cells)) < 10]
    assert thin == []


def test_a_code_is_given_at_one_place() -> None:
    several = {code: where for code, where in places().items() if len(where) > 1}
    assert {code: where for code, where in several.items() if code not in SEVERAL_PLACES} == {}
    assert sorted(SEVERAL_PLACES.keys() - several.keys()) == [], "listed as an exception without being one"


def test_a_code_named_in_prose_exists() -> None:
    known = set(places())
    unknown = {
        str(file.relative_to(ROOT)): missing
        for file in (*PACKAGE.rglob("*.py"), *ROOT.glob("docs/**/*.md"))
        if (missing := sorted(set(CODE.findall(file.read_text("utf-8"))) - known))
    }
    assert unknown == {}


def test_the_letter_of_a_code_is_that_of_the_class_which_carries_it() -> None:
    letters = {name: kind.default_code[5] for name, kind in error_classes().items()}
    checked, wrong = 0, []
    for file, tree in trees():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            for keyword in node.keywords:
                value = getattr(keyword.value, "value", None)
                if keyword.arg == "code" and name in letters and isinstance(value, str):
                    checked += 1
                    if value[5:6] != letters[name]:
                        wrong.append(f"{file}:{node.lineno}: {name} with {value}")
    assert checked, "no error with a code of its own was found"
    assert wrong == []


def test_default_codes_are_unlike() -> None:
    codes = [vars(kind).get("default_code") for name, kind in error_classes().items() if name != "WeftError"]
    assert None not in codes
    assert len(codes) == len(set(codes))
