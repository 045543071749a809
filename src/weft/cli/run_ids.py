"""Finding the run that a user means: by its id, or by the beginning of it."""

from __future__ import annotations

from weft.errors import RunNotFoundError, UsageError, some_of
from weft.ids import check_run_id
from weft.model.run import Run
from weft.storage.ports import RunStore

_PAGE = 500


def find_run(runs: RunStore, text: str) -> Run:
    """The run with that id, or the only one whose id begins so.

    Raises:
        UsageError: (WEFT-U010) it is not an id; (WEFT-U018) several runs have ids that begin so.
        RunNotFoundError: none has.
    """
    wanted = check_run_id(text)
    exact = runs.get(wanted)
    if exact is not None:
        return exact
    found: list[Run] = []
    cursor: str | None = None
    while True:
        page = runs.list(limit=_PAGE, cursor=cursor)
        found += [run for run in page.items if run.id.startswith(wanted)]
        cursor = page.cursor
        if cursor is None:
            break
    if not found:
        raise RunNotFoundError(f'there is no run "{text}".', fix="list the runs with: weft run list")
    if len(found) > 1:
        raise UsageError(
            f'the ids of {len(found)} runs begin with "{text}".',
            code="WEFT-U018",
            facts={"runs": some_of(run.id for run in found)},
            fix="write more of the id",
        )
    return found[0]
