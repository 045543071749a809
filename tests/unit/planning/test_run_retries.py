"""Whether a run that failed is repeated."""

from __future__ import annotations

import pytest

from weft.model.run import FailureReason, Run, RunStatus
from weft.planning.reexecution import ReexecutionStrategy
from weft.planning.run_retries import RunRetry, RunRetryRules, next_run_retry

FROM_FAILURE, ALL = ReexecutionStrategy.FROM_FAILURE, ReexecutionStrategy.ALL


def failed(reason: FailureReason = FailureReason.STEP_FAILED, **tags: str) -> Run:
    return Run(
        id="a",
        job_name="nightly",
        status=RunStatus.FAILURE,
        created_at=0.0,
        failure_reason=reason,
        tags={f"weft/{key}": value for key, value in tags.items()},
    )


TWICE = RunRetryRules(max_retries=2)

CASES = [
    (failed(), RunRetryRules(), None),
    (failed(), TWICE, RunRetry(number=1, strategy=FROM_FAILURE)),
    (failed(retry_number="1"), TWICE, RunRetry(number=2, strategy=FROM_FAILURE)),
    (failed(retry_number="2"), TWICE, None),
    (failed(max_retries="1"), RunRetryRules(), RunRetry(number=1, strategy=FROM_FAILURE)),
    (failed(max_retries="0"), TWICE, None),
    (failed(max_retries="many"), TWICE, RunRetry(number=1, strategy=FROM_FAILURE)),
    (failed(max_retries="-3"), TWICE, None),
    (failed(retry_strategy="ALL_STEPS"), TWICE, RunRetry(number=1, strategy=ALL)),
    (
        failed(retry_strategy="FROM_FAILURE"),
        RunRetryRules(max_retries=1, strategy=ALL),
        RunRetry(number=1, strategy=FROM_FAILURE),
    ),
    (failed(retry_strategy="FROM_ASSET_FAILURE"), TWICE, RunRetry(number=1, strategy=FROM_FAILURE)),
    (failed(), RunRetryRules(max_retries=1, strategy=ALL), RunRetry(number=1, strategy=ALL)),
    (failed(retry_strategy="all"), TWICE, RunRetry(number=1, strategy=ALL)),
    (failed(), RunRetryRules(max_retries=1, on_step_failure=False), None),
    (failed(FailureReason.CHECK_FAILED), RunRetryRules(max_retries=1, on_step_failure=False), None),
    (
        failed(FailureReason.SIGNALED),
        RunRetryRules(max_retries=1, on_step_failure=False),
        RunRetry(number=1, strategy=FROM_FAILURE),
    ),
    (failed(retry_on_asset_or_op_failure="false"), TWICE, None),
    (
        failed(retry_on_asset_or_op_failure="true"),
        RunRetryRules(max_retries=1, on_step_failure=False),
        RunRetry(number=1, strategy=FROM_FAILURE),
    ),
    (
        failed(FailureReason.LOST, retry_on_asset_or_op_failure="false"),
        TWICE,
        RunRetry(number=1, strategy=FROM_FAILURE),
    ),
    (failed(FailureReason.OUT_OF_MEMORY), TWICE, RunRetry(number=1, strategy=FROM_FAILURE)),
    (failed(FailureReason.TIMED_OUT), TWICE, RunRetry(number=1, strategy=FROM_FAILURE)),
    (failed(FailureReason.START_FAILED), TWICE, RunRetry(number=1, strategy=FROM_FAILURE)),
    (failed(FailureReason.CONFIG), TWICE, None),
]


@pytest.mark.parametrize(("run", "rules", "expected"), CASES)
def test_the_tags_of_the_run_decide_then_the_settings(
    run: Run, rules: RunRetryRules, expected: RunRetry | None
) -> None:
    assert next_run_retry(run, rules) == expected


@pytest.mark.parametrize("status", [one for one in RunStatus if one is not RunStatus.FAILURE])
def test_only_a_failed_run_is_repeated(status: RunStatus) -> None:
    assert next_run_retry(Run(id="a", job_name="j", status=status, created_at=0.0), TWICE) is None
