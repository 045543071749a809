"""One evaluation of a schedule or sensor: call the user's function with its context, read what it says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from weft.execution.ticks.contexts import ScheduleEvaluationContext, TickContext
from weft.execution.ticks.outcome import Answer, TickEvaluation, check_run_keys, check_targets
from weft.model.partitions.definitions import partition_loading_context

if TYPE_CHECKING:
    from weft.definitions.schedules import ScheduleDefinition
    from weft.definitions.tick_source import TickSource


def evaluate_schedule(schedule: ScheduleDefinition, context: ScheduleEvaluationContext) -> TickEvaluation:
    """See `ScheduleDefinition.evaluate_tick`. Inside it, "now" for partitions definitions is the time of the tick."""
    if context.has_repository:
        schedule = schedule.bound_to(context.repository_def)
    source = f'schedule "{schedule.name}"'
    answer = Answer(source)
    scheduled_at = context.scheduled_execution_time if context.has_scheduled_execution_time else None
    with tick_of(schedule, context), partition_loading_context(scheduled_at, dynamic_partitions_of(context)):
        answer.take(schedule.requests(context), takes_config=True, takes_result=False)
        requests = answer.run_requests
        tags = schedule.run_tags(context) if requests else {}
    check_targets(source, requests, schedule.job_names)
    check_run_keys(source, requests)
    return TickEvaluation(
        run_requests=tuple([request.with_tags(tags) for request in requests]),
        skip_message=answer.skip_message or (None if requests else f"{source} asked for nothing"),
        log_lines=tuple(context.log_lines),
    )


@contextmanager
def tick_of(source: TickSource, context: TickContext) -> Iterator[None]:
    """What is set up for the function of `source` is torn down when it has ended."""
    context.bind(source)
    try:
        yield
    finally:
        context.close()


def dynamic_partitions_of(context: TickContext) -> Any:
    """The store of dynamic partition keys, where the context has an instance."""
    return getattr(context.instance, "dynamic_partitions", None) if context.has_instance else None
