"""A run with everything that is stored of it, for the pages that show it. States come from the tables of state, not from the log."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from weft.cli.documents import Document, run_details_document
from weft.instance import Instance
from weft.model.events import AssetCheckEvaluated, AssetMaterialized, RunFailed, StoredEvent
from weft.model.plan import RunPlan
from weft.model.run import Run
from weft.model.step import Step, StepStatus

_MADE = ("ASSET_MATERIALIZATION", "ASSET_CHECK_EVALUATION")
_PAGE = 1000


class RunDetails(Struct, frozen=True, kw_only=True):
    """One run. `steps` has those that never began as well, in the order of the plan."""

    run: Run
    steps: tuple[Step, ...]
    materializations: tuple[AssetMaterialized, ...]
    checks: tuple[AssetCheckEvaluated, ...]
    # Why it failed, in words; empty unless it did.
    failure: str
    # The folder of its captured output.
    logs: str | None

    def document(self) -> Document:
        """What ``--json`` prints."""
        return run_details_document(self.run, self.steps, self.materializations, self.checks, self.logs)


def load_run_details(instance: Instance, run: Run) -> RunDetails:
    """Read all of it."""
    bodies = [stored.event.body for stored in events_of(instance, run.id, types=_MADE)]
    logs = instance.home / "logs" / run.id if instance.home is not None else None
    return RunDetails(
        run=run,
        steps=tuple(_in_order_of_plan(run, instance.runs.plan(run.id), instance.runs.steps(run.id))),
        materializations=tuple(body for body in bodies if isinstance(body, AssetMaterialized)),
        checks=tuple(body for body in bodies if isinstance(body, AssetCheckEvaluated)),
        failure=failure_text(instance, run),
        logs=str(logs) if logs is not None and logs.is_dir() else None,
    )


def failure_text(instance: Instance, run: Run) -> str:
    """Why a run failed, in words; empty where it did not."""
    if run.failure_reason is None:
        return ""
    bodies = [stored.event.body for stored in events_of(instance, run.id, types=("RUN_FAILURE",))]
    return next((body.message for body in reversed(bodies) if isinstance(body, RunFailed)), "")


def events_of(
    instance: Instance, run_id: str, *, types: tuple[str, ...] | None = None, step_key: str | None = None
) -> Iterator[StoredEvent]:
    """The events of a run in the order of arrival, read page by page."""
    after = 0
    while page := instance.events.read(run_id, after_id=after, types=types, step_key=step_key, limit=_PAGE):
        yield from page
        after = page[-1].id


def _in_order_of_plan(run: Run, plan: RunPlan | None, stored: tuple[Step, ...]) -> Iterator[Step]:
    """Steps as planned; in place of a step that was copied by a dynamic output, its copies in the order of their first event."""
    by_template: dict[str, list[Step]] = {}
    for step in stored:
        by_template.setdefault(step.key.partition("[")[0], []).append(step)
    selected = set(plan.selected) if plan is not None and plan.selected is not None else None
    for planned in plan.steps if plan is not None else ():
        found = by_template.pop(planned.key, None)
        if found is not None:
            yield from found
        elif selected is None or planned.key in selected:
            yield Step(run_id=run.id, key=planned.key, status=StepStatus.PENDING)
    for rest in by_template.values():
        yield from rest
