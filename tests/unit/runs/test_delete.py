"""Deleting runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from weft import AssetKey, Instance, RunNotFoundError, RunStatus, asset, materialize
from weft.errors import UsageError
from weft.model.plan import RunPlan
from weft.model.run import Run
from weft.runs.delete import delete_run
from weft.runs.environment import RunEnvironment


def test_the_record_goes_and_what_was_made_stays(tmp_path: Path) -> None:
    @asset
    def orders() -> list[int]:
        print("printed")
        return [1]

    with Instance.at(tmp_path) as instance:
        run_id = materialize([orders], instance=instance).run_id
        other = materialize([orders], instance=instance).run_id
        (tmp_path / "journals" / f"{run_id}.2.journal.damaged").touch()
        delete_run(run_id, instance)
        assert instance.runs.get(run_id) is None
        assert instance.events.read(run_id) == ()
        assert instance.logs.files(run_id) == ()
        assert list((tmp_path / "journals").iterdir()) == []
        assert instance.assets.get(AssetKey("orders")) is not None
        assert (tmp_path / "storage").exists()
        assert instance.runs.get(other) is not None
        assert instance.logs.files(other) != ()
        with pytest.raises(RunNotFoundError):
            delete_run(run_id, instance)


def test_a_run_that_has_not_ended_needs_force() -> None:
    environment = RunEnvironment.in_memory()
    run = Run(id="going-on", job_name="nightly", status=RunStatus.STARTED, created_at=0.0)
    environment.runs.create(run, RunPlan(job_name="nightly", steps=()))
    with pytest.raises(UsageError, match="WEFT-U019") as caught:
        delete_run("going-on", environment)
    assert caught.value.facts["status"] == "STARTED"
    assert environment.runs.get("going-on") is not None
    delete_run("going-on", environment, force=True)
    assert environment.runs.get("going-on") is None
