"""A run that a process carries out itself ends in time, too."""

from __future__ import annotations

import time

import pytest

from weft import Instance, job, op
from weft.model.run import FailureReason, Run, RunStatus
from weft.runs.execute import execute_run
from weft.runs.prepare import RunSettings, prepare_job
from weft.runs.runtime_limit import longest_runtime


@op
def waits() -> None:
    time.sleep(60)


@job(tags={"weft/max_runtime": "0.2"})
def endless() -> None:
    waits()


@op
def quick() -> None:
    pass


@job(tags={"weft/max_runtime": "60"})
def short() -> None:
    quick()


def test_a_run_of_this_process_ends_when_its_time_is_over() -> None:
    with Instance.ephemeral() as instance:
        prepared = prepare_job(
            endless, RunSettings(), clock=instance.clock, default_resources=instance.default_resources
        )
        run = execute_run(prepared, instance).run
    assert (run.status, run.failure_reason) == (RunStatus.FAILURE, FailureReason.TIMED_OUT)


def test_a_run_that_is_quick_enough_is_left_alone() -> None:
    assert short.execute_in_process().success


@pytest.mark.parametrize(
    ("tag", "default", "expected"),
    [
        (None, None, None),
        (None, 5.0, 5.0),
        ("7", 5.0, 7.0),
        ("0", 5.0, None),
        ("soon", 5.0, 5.0),
        ("-1", None, None),
        ("2.5", None, 2.5),
    ],
)
def test_the_tag_of_a_run_goes_before_the_setting(
    tag: str | None, default: float | None, expected: float | None
) -> None:
    tags = {} if tag is None else {"weft/max_runtime": tag}
    run = Run(id="a", job_name="j", status=RunStatus.STARTED, created_at=0.0, tags=tags)
    assert longest_runtime(run, default) == expected
