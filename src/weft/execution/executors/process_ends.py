"""What is said of attempts whose process has ended them: by its exit code, a signal, a lack of memory or of time."""

from __future__ import annotations

import signal

from weft.errors import ExecutionError
from weft.execution.step import StepUsage
from weft.model.compute import ComputeResources, bytes_text
from weft.model.plan import StepPlan
from weft.model.run import FailureReason
from weft.planning.step_limits import timeout_of, timeout_text
from weft.processes.specs import Exited


def process_error(
    step: StepPlan, reason: FailureReason, exited: Exited | None, usage: StepUsage, why: str = ""
) -> ExecutionError:
    """Why an attempt failed, where it is not an exception that failed it."""
    limit = ComputeResources.of_tags(step.tags).memory_bytes
    peak = bytes_text(usage.peak_memory_bytes)
    facts: dict[str, object] = {}
    if usage.peak_memory_bytes:
        facts["peak memory"] = peak
    if limit is not None:
        facts["memory limit"] = bytes_text(limit)
    if usage.cpu_seconds:
        facts["CPU time"] = f"{usage.cpu_seconds:.2f} s"
    if reason is FailureReason.TIMED_OUT:
        return ExecutionError(
            f"{timeout_text(step.key, timeout_of(step) or 0.0)}.",
            code="WEFT-X302",
            facts=facts,
            fix="give it more time (timeout_seconds=...), or less to do",
        )
    if reason is FailureReason.OUT_OF_MEMORY:
        of = f"of the {bytes_text(limit)} that it may have" if limit is not None else "when the machine had no more"
        return ExecutionError(
            f'step "{step.key}" ran out of memory: peak {peak} {of}.',
            code="WEFT-X303",
            facts={**facts, **({"why": why} if why else {})},
            fix="give it more memory, or less data at once; fewer steps at once (max_concurrent) leave more for each",
        )
    if reason is FailureReason.START_FAILED:
        return ExecutionError(
            f'no process could be started for step "{step.key}".',
            code="WEFT-X304",
            facts={"why": why, **facts},
            fix="see whether the machine has processes and memory left, and whether the code still loads",
        )
    if reason is FailureReason.SIGNALED and exited is not None and exited.signal is not None:
        return ExecutionError(
            f'the process of step "{step.key}" {ending_text(exited)}.',
            code="WEFT-X305",
            facts=facts,
            fix="its captured stderr has the traceback where native code has crashed; otherwise somebody has killed it",
        )
    ending = ending_text(exited) if exited is not None else "ended"
    return ExecutionError(
        f'the process of step "{step.key}" {ending} before it had said how the step ended.',
        code="WEFT-X306",
        facts=facts,
        fix="code in steps must return or raise; os._exit ends the process at once",
    )


def ending_text(exited: Exited) -> str:
    """How a process has ended, as the end of a sentence about it."""
    if exited.signal is None:
        return f"ended with exit code {exited.exit_code}"
    try:
        name = signal.Signals(exited.signal).name
    except ValueError:
        name = f"signal {exited.signal}"
    return f"was ended by {name}"


def reason_of(exited: Exited) -> FailureReason:
    """Why an attempt failed whose process ended so."""
    if exited.oom:
        return FailureReason.OUT_OF_MEMORY
    return FailureReason.EXITED if exited.signal is None else FailureReason.SIGNALED
