"""The parity page of the documentation, made from the catalogue: ``python -m weft.compat.dagster.parity_page > docs/reference/parity.md``."""

from __future__ import annotations

import sys

from weft.compat.dagster import VERSION, advice, names, state_of
from weft.compat.dagster.catalogue import AREAS, RENAMED

_HEAD = f"""# Parity: the names of existing code

Every public name of the {VERSION} release of the package whose programming model weft follows, and what it is here. With the import compatibility
(`docs/howto/existing-code.md`) the names of the first column work as they are; in new code, use those of the second.

This page is generated from `weft.compat.dagster.catalogue`; a test keeps it true.
"""

_WORDS = {
    "same": "here",
    "renamed": "here, by another name",
    "legacy": "here, in `weft.compat.legacy`",
    "instead": "something else does it",
    "later": "planned",
    "missing": "missing",
}


def page() -> str:
    """The page as Markdown."""
    every = names()
    states = {name: state_of(name) for name in every}
    counted = [(word, sum(state == key for state in states.values())) for key, word in _WORDS.items()]
    lines = [_HEAD, "| state | names |", "| --- | --- |"]
    lines += [f"| {word} | {count} |" for word, count in counted if count]
    for area, area_names in AREAS.items():
        lines += ["", f"## {area}", "", "| name | in weft | |", "| --- | --- | --- |"]
        for name in area_names:
            state = states[name]
            here = {"same": f"`{name}`", "renamed": f"`{RENAMED.get(name)}`", "legacy": "`weft.compat.legacy`"}.get(
                state, ""
            )
            said = advice(name) if state in ("instead", "later") else "missing" if state == "missing" else ""
            lines.append(f"| `{name}` | {here} | {said} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
