"""Deleting a run: what is recorded of it goes, what it made stays."""

from __future__ import annotations

from weft.errors import UsageError
from weft.ids import check_run_id
from weft.runs.environment import RunEnvironment
from weft.storage.failures import run_not_found


def delete_run(run_id: str, environment: RunEnvironment, *, force: bool = False) -> None:
    """Remove a run with its plan, steps and events, its captured output, and what is left of its journals.

    The state of assets and the stored values stay. The record goes last, so that a deletion that was interrupted can be repeated.

    Args:
        run_id: the run.
        environment: where it is recorded.
        force: also a run that has not ended. Its worker, if there is one, goes on, and what it reports is lost.

    Raises:
        RunNotFoundError: there is no such run.
        UsageError: (WEFT-U010) that is no run id; (WEFT-U019) the run has not ended, and `force` is not set.
    """
    # The id becomes a pattern for names of files below.
    run = environment.runs.get(check_run_id(run_id))
    if run is None:
        raise run_not_found(run_id)
    if not run.is_finished and not force:
        raise UsageError(
            f"the run {run_id} has not ended.",
            code="WEFT-U019",
            facts={"status": run.status.value},
            fix=f"wait for its end, or end it: weft run cancel {run_id}; --force deletes it all the same",
        )
    environment.logs.delete(run_id)
    if environment.journal_folder is not None:
        for journal in environment.journal_folder.glob(f"{run_id}.*"):
            journal.unlink(missing_ok=True)
    environment.runs.delete(run_id)
