"""Runs whose worker is gone are found whatever the death left of its journal."""

from __future__ import annotations

from pathlib import Path

import pytest

from weft import Definitions, Instance, RunStatus, SelectionError, job, op
from weft.execution.shipping import ShippedJournal
from weft.model.events import RunStarted, StepOutput, StepStarted, StepSucceeded
from weft.model.plan import RunPlan
from weft.model.run import FailureReason, Run
from weft.runs.execute import execute_run
from weft.runs.prepare import RunSettings, prepare_job
from weft.runs.recover import recover_lost_runs
from weft.runs.retry import RetryRequest, prepare_retry


@pytest.mark.parametrize("left", [b"", b"weft", None])
def test_a_run_is_finished_as_lost_whatever_is_left_of_its_journal(left: bytes | None, tmp_path: Path) -> None:
    with Instance.at(tmp_path) as instance:
        instance.runs.create(
            Run(id="r1", job_name="j", status=RunStatus.STARTING, created_at=1.0), RunPlan(job_name="j", steps=())
        )
        journal = ShippedJournal(tmp_path / "journals", "r1", instance.events)
        journal.append(RunStarted())
        journal.close()
        if left is not None:
            (tmp_path / "journals" / "r1.1.journal").write_bytes(left)
        assert recover_lost_runs(instance) == ["r1"]
        assert recover_lost_runs(instance) == []
        run = instance.runs.get("r1")
        assert run is not None
        assert run.status is RunStatus.FAILURE
        assert run.failure_reason is FailureReason.LOST
        assert list((tmp_path / "journals").iterdir()) == []


def test_a_run_that_was_killed_behind_its_last_step_is_completed_by_a_retry(tmp_path: Path) -> None:
    @op
    def only() -> int:
        return 1

    @job
    def one() -> None:
        only()

    with Instance.at(tmp_path) as instance:
        request = RunSettings(run_id="r1")
        prepared = prepare_job(one, request, clock=instance.clock, default_resources=instance.default_resources)
        instance.runs.create(prepared.run, prepared.plan)
        journal = ShippedJournal(tmp_path / "journals", "r1", instance.events)
        journal.append(RunStarted())
        journal.append(StepStarted(), "only")
        journal.append(StepOutput(output_name="result"), "only")
        journal.append(StepSucceeded(), "only")
        journal.close()
        assert recover_lost_runs(instance) == ["r1"]

        retry = prepare_retry("r1", RetryRequest(run_id="r2"), Definitions(jobs=[one]).resolve(), instance)
        assert execute_run(retry, instance).run.status is RunStatus.SUCCESS
        assert not instance.runs.steps("r2")
        with pytest.raises(SelectionError, match="WEFT-S016"):
            prepare_retry("r2", RetryRequest(), Definitions(jobs=[one]).resolve(), instance)
