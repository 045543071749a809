"""Events in a few words each, for people. Errors are shown by the caller."""

from __future__ import annotations

import logging

from weft.cli.progress.run_view import row_count
from weft.cli.quantities import bytes_text, count_text, duration_text
from weft.model.events import (
    AssetCheckEvaluated,
    AssetFailedToMaterialize,
    AssetMaterialized,
    AssetObserved,
    EngineEvent,
    EventBody,
    HookCompleted,
    HookErrored,
    HookSkipped,
    InputLoaded,
    LogMessage,
    LogsCaptured,
    OutputHandled,
    OutputSkipped,
    ResourceInitFailed,
    ResourceInitStarted,
    ResourceInitSucceeded,
    RunCanceled,
    RunCanceling,
    RunFailed,
    RunStarted,
    StepInputChecked,
    StepOutput,
    StepRestarted,
    StepSkipped,
    StepSucceeded,
    StepUpForRetry,
)


def event_text(body: EventBody) -> str:
    """What happened, without what the type and the step already say; may be empty."""
    match body:
        case RunStarted():
            return f"process {body.pid} on {body.host}" if body.pid is not None else ""
        case RunFailed():
            return body.message or body.reason.value.replace("_", " ")
        case RunCanceling() | RunCanceled() | EngineEvent():
            return body.message
        case LogMessage():
            return f"{logging.getLevelName(body.level)} {body.message}"
        case StepSucceeded() if body.reused_from is not None:
            return body.reason or f"result of run {body.reused_from}"
        case StepSucceeded():
            return f"CPU {duration_text(body.cpu_seconds)}, peak memory {bytes_text(body.peak_memory_bytes)}"
        case StepRestarted():
            return f"attempt {body.attempt}"
        case StepUpForRetry():
            return f"again in {duration_text(body.delay_seconds)}"
        case StepSkipped():
            return body.reason
        case OutputSkipped():
            return f"{body.output_name}: {body.reason}"
        case InputLoaded():
            return f"{body.input_name} by {body.manager_key}"
        case StepInputChecked():
            return f"{body.input_name}: {body.type_name}{'' if body.passed else ' (does not fit)'}"
        case StepOutput() | OutputHandled():
            copy = f"[{body.mapping_key}]" if body.mapping_key is not None else ""
            how = f" by {body.manager_key}" if isinstance(body, OutputHandled) else ""
            return f"{body.output_name}{copy}{how}"
        case ResourceInitStarted():
            return ", ".join(body.resource_keys)
        case ResourceInitSucceeded():
            return ", ".join(f"{key} in {duration_text(seconds)}" for key, seconds in body.seconds.items())
        case ResourceInitFailed():
            return body.resource_key
        case HookCompleted() | HookErrored() | HookSkipped():
            return body.hook_name
        case LogsCaptured():
            return body.file_key
        case AssetMaterialized():
            rows = row_count(body.metadata)
            return _joined(_named(body), count_text(rows, "row") if rows is not None else "", body.description or "")
        case AssetObserved():
            return _joined(_named(body), body.description or "")
        case AssetFailedToMaterialize():
            return _joined(_named(body), body.reason)
        case AssetCheckEvaluated():
            answer = "passed" if body.passed else f"did not pass ({body.severity.value})"
            return _joined(body.check_key.to_user_string(), body.partition or "", answer, body.description or "")
        case _:
            return ""


def _named(body: AssetMaterialized | AssetObserved | AssetFailedToMaterialize) -> str:
    key = body.asset_key.to_user_string()
    return f"{key} [{body.partition}]" if body.partition is not None else key


def _joined(*parts: str) -> str:
    return "  ".join(part for part in parts if part)
