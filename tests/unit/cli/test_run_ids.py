"""Finding the run that is meant."""

from __future__ import annotations

import pytest

from weft.cli.run_ids import find_run
from weft.errors import RunNotFoundError, UsageError
from weft.model.plan import RunPlan
from weft.model.run import Run, RunStatus
from weft.storage.memory import MemoryStorage
from weft.storage.ports import RunStore


def stored(*ids: str) -> RunStore:
    runs = MemoryStorage().runs
    for number, id in enumerate(ids):
        run = Run(id=id, job_name="nightly", status=RunStatus.SUCCESS, created_at=float(number))
        runs.create(run, RunPlan(job_name="nightly", steps=()))
    return runs


def test_an_id_or_its_beginning_is_enough() -> None:
    runs = stored("abc-1", "abc-2", "abd-3")
    assert find_run(runs, "abc-1").id == "abc-1"
    assert find_run(runs, "abd").id == "abd-3"


def test_a_whole_id_wins_over_those_that_begin_so() -> None:
    assert find_run(stored("abc", "abc-2"), "abc").id == "abc"


def test_several_that_begin_so_are_named() -> None:
    with pytest.raises(UsageError, match="WEFT-U018") as caught:
        find_run(stored("abc-1", "abc-2"), "abc")
    assert caught.value.facts["runs"] == "abc-2, abc-1"


def test_none_that_begins_so_is_not_found() -> None:
    with pytest.raises(RunNotFoundError, match='no run "x"'):
        find_run(stored("abc-1"), "x")


def test_old_runs_are_found_behind_many_new_ones() -> None:
    runs = stored("old", *(f"new-{number}" for number in range(1200)))
    assert find_run(runs, "ol").id == "old"


@pytest.mark.parametrize("text", ["../x", "", "a b", "-x"])
def test_what_cannot_be_an_id_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="WEFT-U010"):
        find_run(stored(), text)
