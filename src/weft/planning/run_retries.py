"""Whether a run that failed is repeated, and how. Pure.

The tags of the run decide, else the settings of the instance: ``weft/max_retries`` (how often a chain of runs is repeated), ``weft/retry_strategy``
(``FROM_FAILURE`` or ``ALL_STEPS``), ``weft/retry_on_asset_or_op_failure`` (``false``: only where the worker failed, not where a step did). Each repeated run has the
tag ``weft/retry_number``.
"""

from __future__ import annotations

from msgspec import Struct

from weft.model.run import FailureReason, Run, RunStatus
from weft.planning.reexecution import ReexecutionStrategy

MAX_RETRIES_TAG = "weft/max_retries"
STRATEGY_TAG = "weft/retry_strategy"
ON_STEP_FAILURE_TAG = "weft/retry_on_asset_or_op_failure"
RETRY_NUMBER_TAG = "weft/retry_number"

_BY_STEPS = frozenset({FailureReason.STEP_FAILED, FailureReason.CHECK_FAILED})
_NEVER = frozenset({FailureReason.CONFIG})
"""Nothing would be different the next time."""

_STRATEGIES = {
    "FROM_FAILURE": ReexecutionStrategy.FROM_FAILURE,
    "FROM_ASSET_FAILURE": ReexecutionStrategy.FROM_FAILURE,
    "ALL_STEPS": ReexecutionStrategy.ALL,
    # As this run's own tag says it.
    ReexecutionStrategy.FROM_FAILURE.value: ReexecutionStrategy.FROM_FAILURE,
    ReexecutionStrategy.ALL.value: ReexecutionStrategy.ALL,
}


class RunRetryRules(Struct, frozen=True, kw_only=True):
    """What holds for runs whose tags say nothing."""

    max_retries: int = 0
    strategy: ReexecutionStrategy = ReexecutionStrategy.FROM_FAILURE
    on_step_failure: bool = True


class RunRetry(Struct, frozen=True, kw_only=True):
    """How a run is repeated; `number` counts from 1 along the chain."""

    number: int
    strategy: ReexecutionStrategy


def strategy_named(name: str) -> ReexecutionStrategy:
    """The strategy of a name as settings and tags write it; an unknown one is that of the default."""
    return _STRATEGIES.get(name, ReexecutionStrategy.FROM_FAILURE)


def next_run_retry(run: Run, rules: RunRetryRules) -> RunRetry | None:
    """How the run is repeated, or None where it is not."""
    if run.status is not RunStatus.FAILURE or run.failure_reason in _NEVER:
        return None
    tags = run.tags
    most = _count(tags.get(MAX_RETRIES_TAG), rules.max_retries)
    number = _count(tags.get(RETRY_NUMBER_TAG), 0) + 1
    if number > most:
        return None
    on_step_failure = tags.get(ON_STEP_FAILURE_TAG, str(rules.on_step_failure)).lower() != "false"
    if not on_step_failure and run.failure_reason in _BY_STEPS:
        return None
    named = tags.get(STRATEGY_TAG)
    return RunRetry(number=number, strategy=rules.strategy if named is None else strategy_named(named))


def _count(text: str | None, default: int) -> int:
    try:
        return default if text is None else max(0, int(text))
    except ValueError:
        return default
