"""What one evaluation of a schedule or sensor asks for, as one plain value, read from what user code returned or yielded.

The value is all that leaves the process of the user's code: whoever evaluated commits it in one transaction, cursor included, or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from weft.config.run_config import RunConfig
from weft.definitions.results import AssetCheckResult
from weft.definitions.run_requests import (
    RunRequest,
    SensorResult,
    SkipReason,
)
from weft.errors import DefinitionError, TickError, did_you_mean, some_of
from weft.execution.contexts import event_body
from weft.model.events import AssetCheckEvaluated, AssetMaterialized, AssetObserved, LogMessage
from weft.model.keys import AssetCheckKey
from weft.model.partitions.definitions import AddDynamicPartitionsRequest, DeleteDynamicPartitionsRequest


class TickEvaluation(Struct, frozen=True, kw_only=True):
    """What a schedule or sensor asks for at one tick."""

    run_requests: tuple[RunRequest, ...] = ()
    # Why nothing is asked for, for people; None where something is.
    skip_message: str | None = None
    # The cursor from now on; None for none. Always what the tick began with where nothing set another.
    cursor: str | None = None
    # In the order in which they are to be carried out, before the runs are made.
    dynamic_partitions_requests: tuple[AddDynamicPartitionsRequest | DeleteDynamicPartitionsRequest, ...] = ()
    # What to report about assets without a run.
    asset_events: tuple[AssetMaterialized | AssetObserved | AssetCheckEvaluated, ...] = ()
    # The lines of ``context.log``, in order.
    log_lines: tuple[LogMessage, ...] = ()
    # Runs to which a sensor of runs has reacted.
    reacted_to_run_ids: tuple[str, ...] = ()


class Answer:
    """What user code said, sorted. `source` is the schedule or sensor, for messages, such as ``sensor "files"``."""

    __slots__ = ("_source", "requests", "result", "skip_reasons")

    def __init__(self, source: str) -> None:
        self._source = source
        self.requests: list[RunRequest] = []
        self.skip_reasons: list[SkipReason] = []
        self.result: SensorResult | None = None

    def take(self, given: Any, *, takes_config: bool = False, takes_result: bool = True) -> None:
        """Add what a function returned, or all that a generator yields.

        Args:
            given: what came back.
            takes_config: a dict or `RunConfig` is the configuration of a run.
            takes_result: a `SensorResult` may be among it.

        Raises:
            TickError: (WEFT-K001) it is nothing that can be asked for; (WEFT-K002) a `SensorResult` beside something else; (WEFT-K003) a reason to
                skip beside something else.
        """
        if takes_config and isinstance(given, (Mapping, RunConfig)):
            given = RunRequest(run_config=given)
        for item in _items(given):
            if isinstance(item, RunRequest):
                self.requests.append(item)
            elif isinstance(item, SkipReason):
                self.skip_reasons.append(item)
            elif isinstance(item, SensorResult) and takes_result:
                self._take_result(item)
            elif item is not None:
                raise self._nonsense(item, takes_result=takes_result)
        self._check()

    def join(self, other: Answer) -> None:
        """Add what another call said; several reactions of one evaluation are one answer. Reasons to skip are dropped beside anything else."""
        self.requests.extend(other.run_requests)
        if not self.requests and self.result is None:
            self.skip_reasons = other.skip_reasons or self.skip_reasons
        else:
            self.skip_reasons = []
        result = other.result
        if result is not None and (result.dynamic_partitions_requests or result.asset_events or self.result):
            before = self.result or SensorResult()
            self.result = SensorResult(
                run_requests=self.requests,
                dynamic_partitions_requests=[
                    *before.dynamic_partitions_requests,
                    *result.dynamic_partitions_requests,
                ],
                asset_events=[*before.asset_events, *result.asset_events],
            )
        elif self.result is not None:
            self.result.run_requests = tuple(self.requests)

    def _take_result(self, result: SensorResult) -> None:
        if self.result is not None:
            raise self._mixed_result()
        self.result = result

    def _check(self) -> None:
        if self.result is not None and (self.requests or self.skip_reasons):
            raise self._mixed_result()
        if self.skip_reasons and (self.requests or len(self.skip_reasons) > 1):
            raise TickError(
                f"{self._source} gave a SkipReason beside something else.",
                code="WEFT-K003",
                facts={"run requests": len(self.requests), "skip reasons": len(self.skip_reasons)},
                fix="give one SkipReason, or run requests",
            )

    def _mixed_result(self) -> TickError:
        return TickError(
            f"{self._source} gave a SensorResult beside something else.",
            code="WEFT-K002",
            facts={"run requests": len(self.requests), "skip reasons": len(self.skip_reasons)},
            fix="put everything into one SensorResult, and return it",
        )

    def _nonsense(self, item: object, *, takes_result: bool) -> TickError:
        kind = type(item)
        expected = "RunRequest, SkipReason, SensorResult" if takes_result else "RunRequest, SkipReason, a configuration"
        is_class = isinstance(item, type)
        return TickError(
            f"{self._source} gave something that cannot be asked for.",
            facts={
                "found": f"the class {item.__name__} itself"  # type: ignore[attr-defined]  # it is a class
                if is_class
                else f"{kind.__name__} {item!r:.80}",
                "expected": f"{expected}, or nothing",
            },
            fix="make an object of it" if is_class else f"{expected.split(', ', maxsplit=1)[0]}(...) asks for a run",
        )

    @property
    def run_requests(self) -> tuple[RunRequest, ...]:
        """The runs asked for, in order."""
        return tuple(self.requests) if self.result is None else self.result.run_requests

    @property
    def skip_message(self) -> str | None:
        """Why nothing is asked for, where user code says so."""
        if self.result is not None:
            return self.result.skip_reason.skip_message if self.result.skip_reason is not None else None
        return self.skip_reasons[0].skip_message if self.skip_reasons else None


def check_targets(source: str, requests: Iterable[RunRequest], job_names: tuple[str, ...]) -> None:
    """Refuse requests for which there is no job, or not exactly one.

    Raises:
        TickError: (WEFT-K004) there is no job at all; (WEFT-K005) there are several and none is named; (WEFT-K006) another one is named.
    """
    for request in requests:
        if request.job_name is not None and job_names and request.job_name not in job_names:
            raise TickError(
                f'{source} asked for a run of "{request.job_name}", which it does not target.',
                code="WEFT-K006",
                facts={"targets": some_of(job_names)},
                fix=did_you_mean(request.job_name, job_names, "add the job to its targets"),
            )
        if not job_names and request.job_name is None:
            raise TickError(
                f"{source} asked for a run, but targets nothing that could run.",
                code="WEFT-K004",
                facts={"run key": request.run_key or "(none)"},
                fix="give it job=..., jobs=[...] or target=...",
            )
        if len(job_names) > 1 and request.job_name is None:
            raise TickError(
                f"{source} asked for a run without saying of which of its jobs.",
                code="WEFT-K005",
                facts={"jobs": some_of(job_names), "run key": request.run_key or "(none)"},
                fix=f'RunRequest(job_name="{job_names[0]}", ...)',
            )


def check_run_keys(source: str, requests: tuple[RunRequest, ...]) -> None:
    """Refuse several requests of one tick of a schedule that could not be told apart when the tick is taken up again after a crash.

    Raises:
        TickError: (WEFT-K008) two have the same key, or one has none.
    """
    keys = [request.run_key for request in requests]
    if len(keys) > 1 and (None in keys or len(set(keys)) < len(keys)):
        twice = next((key for key in keys if keys.count(key) > 1), None)
        raise TickError(
            f"{source} asked for several runs whose keys do not tell them apart.",
            code="WEFT-K008",
            facts={"run keys": ", ".join(key or "(none)" for key in keys[:8]), "twice": twice or "(none)"},
            fix="give each request a run_key of its own",
        )


def asset_event_body(event: Any) -> AssetMaterialized | AssetObserved | AssetCheckEvaluated:
    """The event of something that a sensor reports.

    Raises:
        DefinitionError: (WEFT-D466) the answer of a check does not say of which.
    """
    if not isinstance(event, AssetCheckResult):
        return event_body(event)
    if event.asset_key is None or event.check_name is None:
        raise DefinitionError(
            "a sensor reports the answer of a check without saying of which.",
            code="WEFT-D466",
            facts={"asset": event.asset_key or "(none)", "check": event.check_name or "(none)"},
            fix="AssetCheckResult(asset_key=..., check_name=..., passed=...)",
        )
    return AssetCheckEvaluated(
        check_key=AssetCheckKey(event.asset_key, event.check_name),
        passed=event.passed,
        severity=event.severity,
        description=event.description,
        metadata=event.metadata,
    )


def _items(given: Any) -> Iterable[Any]:
    if isinstance(given, (list, tuple, Iterator)):
        return given
    return (given,)
