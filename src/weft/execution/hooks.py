"""Calling the hooks of a step. Whatever a hook does, the result of the step stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from weft.definitions.hooks import HookDefinition
from weft.execution.contexts import ExecutionContext, HookContext
from weft.execution.run_context import RunContext
from weft.model.events import HookCompleted, HookErrored, HookSkipped
from weft.model.failure import ErrorInfo


def run_hooks(
    run_context: RunContext,
    context: ExecutionContext,
    hooks: Iterable[HookDefinition],
    *,
    on: str,
    values: Mapping[str, Any] | None = None,
    exception: BaseException | None = None,
) -> None:
    """Call the hooks for a step that ended with `on` ("success" or "failure"), in the order of their names.

    None is called once the run was asked to end; one that is interrupted is recorded as failed, and the run loop does the rest.
    """
    interruption = run_context.interruption
    for hook in hooks:
        if hook.on != on:
            continue
        if interruption.requested:
            return
        hook_context = HookContext(context, hook, op_exception=exception, op_output_values=values)
        try:
            with interruption.user_code():
                result = hook.fn(hook_context)
        except BaseException as error:  # noqa: BLE001  # a hook may raise anything; it is recorded
            if isinstance(error, KeyboardInterrupt):
                interruption.requested = True
            run_context.record(
                HookErrored(hook_name=hook.name, error=ErrorInfo.from_exception(error)), context.step.key
            )
            continue
        skipped = getattr(result, "is_skipped", False)
        body = HookSkipped(hook_name=hook.name) if skipped else HookCompleted(hook_name=hook.name)
        run_context.record(body, context.step.key)
