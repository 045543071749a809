r"""The old selection syntax, for assets and for ops: a list of names with marks for what is around them.

::

    orders          that one
    *orders         and everything above it          orders*   and everything below it
    +orders         and one level above              orders+   and one level below
    ++orders        and two levels above             *orders*  both ways

A list is separated by commas or blanks and means everything that any of its clauses selects. ``*`` alone means all. Names are exact: a
name may contain ``. [ ] ? / -`` and the like, but no quotes, colons or parentheses; those, and the words ``and``, ``or``, ``not``, make
a text one of the new syntax (`weft.planning.selection.syntax`).
"""

from __future__ import annotations

import re

from msgspec import Struct

from weft.errors import SelectionError
from weft.model.keys import AssetKey
from weft.model.selection import All, Downstream, Keys, Or, Selection, Upstream

KEYWORDS = frozenset({"and", "or", "not"})

_CLAUSE = re.compile(r"""(?P<up>\*?\+*)(?P<name>[^\s,*+():"'=<>]+)(?P<down>\+*\*?)""")
_SEPARATOR = re.compile(r"[\s,]+")


class Clause(Struct, frozen=True):
    """One name and how many levels around it: 0 none, None all. An empty name means everything."""

    name: str
    up: int | None = 0
    down: int | None = 0


def clauses(text: str) -> list[Clause] | None:
    """The clauses of `text`, or None where it is not of this syntax (or empty)."""
    found: list[Clause] = []
    for part in _SEPARATOR.split(text.strip()):
        if part == "*":
            found.append(Clause(""))
            continue
        match = _CLAUSE.fullmatch(part)
        if match is None or match["name"].lower() in KEYWORDS:
            return None
        found.append(Clause(match["name"], _depth(match["up"]), _depth(match["down"])))
    return found


def parse_clauses(text: str) -> list[Clause]:
    """The clauses of `text`, which must be of this syntax.

    Raises:
        SelectionError: (WEFT-S012) it is not.
    """
    found = clauses(text)
    if found is None:
        raise SelectionError(
            f'"{text}" is not a list of names.',
            code="WEFT-S012",
            facts={"expected": 'names with * or + around them, such as "*clean", "clean+" or "a, b"'},
            fix="write one name or several, separated by commas",
        )
    return found


def expression_of(found: list[Clause], *, include_external: bool = False) -> Selection:
    """The expression that the clauses mean."""
    parts = tuple(_expression(clause, include_external) for clause in found)
    return parts[0] if len(parts) == 1 else Or(parts)


def _expression(clause: Clause, include_external: bool) -> Selection:
    if not clause.name:
        return All(include_external)
    base = Keys((AssetKey.from_user_string(clause.name),))
    if clause.up == 0 and clause.down == 0:
        return base
    if clause.down == 0:
        return Upstream(base, clause.up)
    if clause.up == 0:
        return Downstream(base, clause.down)
    return Or((Upstream(base, clause.up), Downstream(base, clause.down)))


def _depth(marks: str) -> int | None:
    return None if "*" in marks else len(marks)
