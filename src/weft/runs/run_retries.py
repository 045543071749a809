"""Repeating runs that failed: from the log of events, once for each failure, whoever and how many do it."""

from __future__ import annotations

import logging

from weft.config.instance_settings import InstanceSettings
from weft.errors import RunNotFoundError, SelectionError, StorageError
from weft.model.events import EngineEvent
from weft.model.live import RequestKey
from weft.model.run import Run
from weft.planning.run_retries import RETRY_NUMBER_TAG, RunRetry, RunRetryRules, next_run_retry, strategy_named
from weft.runs.environment import RunEnvironment
from weft.runs.retry import RetryRequest, new_retry
from weft.runs.submit import submit_run

_LOG = logging.getLogger("weft.retries")

_CURSOR = "run_retries/cursor"
_FAILURE = ("RUN_FAILURE",)
_PAGE = 100


def retry_failed_runs(environment: RunEnvironment) -> list[str]:
    """Look at the failures since the last time, and put the runs that follow into the queue. Returns their ids.

    The first time only notes where the log ends: what failed before anybody watched is left alone.

    Raises:
        StorageError: storage is away; nothing is lost, the next call begins at the same place.
    """
    given = environment.keyvalue.get(_CURSOR)
    if given is None:
        environment.keyvalue.compare_and_set(_CURSOR, expected=None, value=str(environment.events.latest_id()))
        return []
    made: list[str] = []
    after = int(given)
    while page := environment.events.of_types(_FAILURE, after_id=after, limit=_PAGE):
        for stored in page:
            new = _retried(stored.event.run_id, environment)
            if new is not None:
                made.append(new)
        before, after = after, page[-1].id
        # Another daemon may be ahead, which changes nothing: each retry has a key of its own.
        environment.keyvalue.compare_and_set(_CURSOR, expected=str(before), value=str(after))
    return made


def _retried(run_id: str, environment: RunEnvironment) -> str | None:
    """The run that follows, if any. One that cannot be repeated must not keep all others from it."""
    try:
        run = environment.runs.get(run_id)
        return None if run is None else _retry(run, environment)
    except (StorageError, OSError) as error:
        if getattr(error, "may_pass", True):
            raise
        _LOG.exception("Run %s cannot be repeated.", run_id)
    except Exception:  # noqa: BLE001  # see above
        _LOG.exception("Run %s cannot be repeated.", run_id)
    return None


def _retry(run: Run, environment: RunEnvironment) -> str | None:
    rules = retry_rules(environment.settings)
    if run.origin is None or (retry := next_run_retry(run, rules)) is None:
        return None  # the process that made it is gone, and with it the code
    try:
        new, plan = new_retry(run.id, _request(retry), environment)
    except (RunNotFoundError, SelectionError):
        return None  # deleted meanwhile, or nothing is left to repeat
    key = RequestKey(scope="retry", key=run.id)
    submitted = submit_run(new, plan, environment, request_key=key)
    if not submitted.is_new:
        return None
    environment.runs.add_tags(run.id, {"weft/will_retry": "true", "weft/auto_retry_run_id": new.id})
    environment.events.announce(
        new.id, [EngineEvent(message=f"retry {retry.number} of run {run.id}")], at=environment.clock.wall()
    )
    return new.id


def _request(retry: RunRetry) -> RetryRequest:
    return RetryRequest(strategy=retry.strategy, tags={RETRY_NUMBER_TAG: str(retry.number)})


def retry_rules(settings: InstanceSettings) -> RunRetryRules:
    """The rules that the settings of an instance make."""
    retries = settings.retries
    return RunRetryRules(
        max_retries=retries.max_retries,
        strategy=strategy_named(retries.strategy),
        on_step_failure=retries.on_step_failure,
    )
