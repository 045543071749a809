"""Hooks are called directly, with a context that no run stands behind."""

from __future__ import annotations

from typing import Any

from weft import (
    AssetCheckEvaluation,
    AssetKey,
    HookContext,
    HookExecutionResult,
    Instance,
    build_hook_context,
    failure_hook,
    op,
    success_hook,
)


@op
def load() -> int:
    return 1


def test_a_hook_sees_what_the_context_was_built_with() -> None:
    sent = []

    @failure_hook(required_resource_keys={"mail"})
    def notify(context: HookContext) -> HookExecutionResult:
        context.resources.mail(f"{context.hook_name}: {context.op.name} of {context.job_name}: {context.op_exception}")
        return HookExecutionResult(context.hook_name)

    context = build_hook_context({"mail": sent.append}, load, job_name="nightly", op_exception=ValueError("no rows"))
    assert notify(context).is_skipped is False
    assert sent == ["notify: load of nightly: no rows"]


def test_a_hook_that_reads_outputs() -> None:
    @success_hook
    def double(context: HookContext) -> Any:
        return 2 * context.op_output_values["result"]

    assert double(build_hook_context(op_output_values={"result": 4})) == 8


def test_an_answer_from_outside_is_recorded() -> None:
    instance = Instance.ephemeral()
    instance.report_runless_asset_event(AssetCheckEvaluation("orders", "fresh", True, {"rows": 3}))
    evaluation = AssetCheckEvaluation(AssetKey("orders"), "fresh", False)
    assert evaluation.to_body().check_key == evaluation.asset_check_key
