"""What is known of a run while it goes on: a fold over its events. No clock, no terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from weft.model.events import (
    AssetCheckEvaluated,
    AssetMaterialized,
    Event,
    LogMessage,
    RunCanceled,
    RunFailed,
    RunStarted,
    RunSucceeded,
    StepCanceled,
    StepFailed,
    StepRestarted,
    StepSkipped,
    StepStarted,
    StepSucceeded,
    StepUpForRetry,
)
from weft.model.failure import ErrorInfo
from weft.model.keys import AssetKey
from weft.model.metadata import IntMetadataValue, Metadata
from weft.model.plan import RunPlan
from weft.model.run import Run, RunStatus
from weft.model.step import StepStatus

ROW_COUNT_LABELS = ("weft/row_count", "dagster/row_count")
"""Metadata that says how many rows were made."""


def row_count(metadata: Metadata) -> int | None:
    """The number of rows that metadata tells, or None."""
    for label in ROW_COUNT_LABELS:
        value = metadata.get(label)
        if isinstance(value, IntMetadataValue):
            return value.number
    return None


class StepView:
    """One step as it is shown."""

    __slots__ = (
        "attempt",
        "ended_at",
        "error",
        "has_output",
        "key",
        "last_line",
        "partitions",
        "reason",
        "rows",
        "started_at",
        "status",
    )

    def __init__(self, key: str) -> None:
        self.key = key
        self.status = StepStatus.PENDING
        self.attempt = 1
        # Seconds since the epoch, of the latest attempt.
        self.started_at: float | None = None
        self.ended_at: float | None = None
        # The latest line of its log.
        self.last_line = ""
        self.error: ErrorInfo | None = None
        # Whether it printed something that was kept.
        self.has_output = False
        # Why it was skipped.
        self.reason = ""
        # What it made so far.
        self.rows: int | None = None
        self.partitions: list[str] = []

    def seconds(self, now: float) -> float | None:
        """How long the latest attempt took, or has been going on at `now`."""
        if self.started_at is None:
            return None
        return (self.ended_at if self.ended_at is not None else now) - self.started_at

    @property
    def partition_text(self) -> str:
        """The partition that it made, or how many."""
        if len(self.partitions) > 1:
            return f"{len(self.partitions)} partitions"
        return self.partitions[0] if self.partitions else ""


class RunView:
    """A run as it is shown. `handle` is called with every event, in order.

    Attributes:
        steps: key to step, those of the plan first; the copies that a dynamic output makes come with their first event.
    """

    def __init__(self, run: Run, plan: RunPlan) -> None:
        self.run = run
        selected = set(plan.selected) if plan.selected is not None else None
        self.steps: dict[str, StepView] = {
            step.key: StepView(step.key) for step in plan.steps if selected is None or step.key in selected
        }
        self._copies: dict[str, list[str]] = {}
        self.status = run.status
        self.message = ""
        self.error: ErrorInfo | None = None
        self.started_at: float | None = None
        self.ended_at: float | None = None
        self.materializations: list[AssetMaterialized] = []
        self.checks: list[AssetCheckEvaluated] = []

    def in_order(self) -> Iterator[StepView]:
        """Every step in the order of the plan; in place of a step that was copied, its copies."""
        for key, step in self.steps.items():
            if "[" in key:
                continue
            copies = self._copies.get(key)
            if copies is None:
                yield step
            else:
                yield from (self.steps[copy] for copy in copies)

    def counts(self) -> Counter[StepStatus]:
        """How many steps are in each state."""
        return Counter(step.status for step in self.in_order())

    def seconds(self, now: float) -> float | None:
        """How long the run took, or has been going on at `now`."""
        if self.started_at is None:
            return None
        return (self.ended_at if self.ended_at is not None else now) - self.started_at

    def assets_made(self) -> dict[AssetKey, list[AssetMaterialized]]:
        """Asset to what was made of it, in order."""
        made: dict[AssetKey, list[AssetMaterialized]] = {}
        for one in self.materializations:
            made.setdefault(one.asset_key, []).append(one)
        return made

    def handle(self, event: Event) -> StepView | None:
        """Take an event in. Returns the step whose state it changed, or None."""
        body = event.body
        if event.step_key is None:
            self._handle_run(event)
            return None
        step = self._step(event.step_key)
        if isinstance(body, LogMessage):
            step.last_line = body.message
            return None
        if isinstance(body, AssetMaterialized):
            self.materializations.append(body)
            self._note_made(step, body)
            return None
        if isinstance(body, AssetCheckEvaluated):
            self.checks.append(body)
            return None
        return step if self._change(step, event) else None

    def note_output(self, step_key: str, lines: Sequence[str]) -> None:
        """A step printed lines."""
        step = self.steps.get(step_key)
        latest = next((line for line in reversed(lines) if line.strip()), None)
        if step is not None and latest is not None:
            step.last_line = latest.strip()

    def running(self) -> list[StepView]:
        """The steps that run now."""
        return [step for step in self.in_order() if step.status is StepStatus.RUNNING]

    def _handle_run(self, event: Event) -> None:
        body = event.body
        if isinstance(body, RunStarted):
            self.status, self.started_at = RunStatus.STARTED, event.time
        elif isinstance(body, RunSucceeded):
            self.status, self.ended_at = RunStatus.SUCCESS, event.time
        elif isinstance(body, RunFailed):
            self.status, self.ended_at = RunStatus.FAILURE, event.time
            self.message, self.error = body.message, body.error
        elif isinstance(body, RunCanceled):
            self.status, self.ended_at = RunStatus.CANCELED, event.time
            self.message = body.message

    def _step(self, key: str) -> StepView:
        step = self.steps.get(key)
        if step is None:
            step = self.steps[key] = StepView(key)
            template = key.partition("[")[0]
            if template != key:
                self._copies.setdefault(template, []).append(key)
                self.steps.setdefault(template, StepView(template))
        return step

    def _change(self, step: StepView, event: Event) -> bool:
        body = event.body
        if isinstance(body, (StepStarted, StepRestarted)):
            step.status, step.attempt = StepStatus.RUNNING, body.attempt
            step.started_at, step.ended_at = event.time, None
        elif isinstance(body, StepSucceeded):
            step.status, step.ended_at, step.error = StepStatus.SUCCEEDED, event.time, None
        elif isinstance(body, StepFailed):
            step.status, step.ended_at, step.error = StepStatus.FAILED, event.time, body.error
        elif isinstance(body, StepUpForRetry):
            step.status, step.ended_at, step.error = StepStatus.UP_FOR_RETRY, event.time, body.error
        elif isinstance(body, StepSkipped):
            step.status, step.reason = StepStatus.SKIPPED, body.reason
            step.ended_at = event.time if step.started_at is not None else None
        elif isinstance(body, StepCanceled):
            step.status = StepStatus.CANCELED
            step.ended_at = event.time if step.started_at is not None else None
        else:
            return False
        step.has_output = step.has_output or getattr(body, "logs", None) is not None
        return True

    @staticmethod
    def _note_made(step: StepView, made: AssetMaterialized) -> None:
        rows = row_count(made.metadata)
        if rows is not None:
            step.rows = (step.rows or 0) + rows
        if made.partition is not None:
            step.partitions.append(made.partition)
