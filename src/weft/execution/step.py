"""One attempt of one step: where the user's function is called.

The attempt reads like its specification in `execute_attempt`: note the start, load the inputs, call the function, handle what it gives, note the
end. Whether a failed attempt is retried is not decided here but by the run machine.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Generator, Mapping
from typing import Any

from msgspec import Struct

from weft.definitions.results import Failure, RetryRequested, Skip
from weft.definitions.run_target import RunTarget
from weft.definitions.scoped_resources import ScopedResources
from weft.definitions.signature import FunctionSignature
from weft.execution.contexts import (
    AssetCheckExecutionContext,
    AssetExecutionContext,
    ExecutionContext,
    OpExecutionContext,
)
from weft.execution.hooks import run_hooks
from weft.execution.inputs import load_inputs
from weft.execution.interruption import ExecutionInterrupted, StepTimedOut
from weft.execution.managed_loggers import lines_of
from weft.execution.outputs import OutputHandler
from weft.execution.reuse import Reused, find_reusable
from weft.execution.run_context import RunContext
from weft.execution.step_config import step_config
from weft.execution.usage import UsageMeter
from weft.model.events import StepOutput, StepRestarted, StepStarted, StepSucceeded as StepSucceededEvent
from weft.model.failure import ErrorInfo
from weft.model.plan import StepPlan, upstream_refs
from weft.model.retry import class_name
from weft.model.run import FailureReason
from weft.model.step import LogRange
from weft.planning.retries import RetryAsked
from weft.planning.run_machine import OutputProduced, SkipAsked, StepFailed, StepInterrupted, StepSucceeded, Stimulus
from weft.planning.step_limits import timeout_of

NO_RESOURCES = ScopedResources({}, owner="a function that gives a value of a resource")
"""What the context has while resources are being set up for the step."""


class StepUsage(Struct, frozen=True):
    """What an attempt cost, and where its captured output stands."""

    cpu_seconds: float
    peak_memory_bytes: int
    logs: LogRange | None


class AttemptResult:
    """How an attempt ended.

    `stimuli` is what the run machine has to know, the end of the step last. Where it failed, `error` and `exception` say why; the run loop
    records the failure once the machine has decided what follows.
    """

    __slots__ = ("context", "error", "exception", "step", "stimuli", "usage")

    def __init__(
        self,
        step: StepPlan,
        stimuli: list[Stimulus],
        usage: StepUsage,
        *,
        error: ErrorInfo | None = None,
        exception: BaseException | None = None,
        context: ExecutionContext | None = None,
    ) -> None:
        self.step = step
        self.stimuli = stimuli
        self.usage = usage
        self.error = error
        self.exception = exception
        # For the hooks of a failed step; None where not even the context could be made.
        self.context = context


def execute_attempt(run_context: RunContext, step: StepPlan, attempt: int, meter: UsageMeter) -> AttemptResult:
    """Run one attempt of a step. Never raises for what the user's code does."""
    with lines_of(run_context.record, step.key):
        return _execute_attempt(run_context, step, attempt, meter)


def _execute_attempt(run_context: RunContext, step: StepPlan, attempt: int, meter: UsageMeter) -> AttemptResult:
    key = step.key
    marks = run_context.capture.mark() if run_context.capture is not None else None
    meter.start()
    run_context.record(start_event(attempt), key)
    context: ExecutionContext | None = None
    try:
        if run_context.may_reuse and attempt == 1 and (reused := find_reusable(run_context, step)) is not None:
            return _reused(run_context, step, reused, _usage(run_context, meter, marks))
        context = attempt_context(run_context, step, attempt)
        handler = OutputHandler(run_context, context)
        values = load_inputs(run_context, context)
        try:
            _compute(run_context, context, values, handler)
        except Skip as skip:
            handler.skipped(skip)
        reason = handler.finish()
    except ExecutionInterrupted as interrupted:
        return AttemptResult(step, [StepInterrupted(key)], _usage(run_context, meter, marks), exception=interrupted)
    except KeyboardInterrupt as interrupted:
        run_context.interruption.requested = True
        return AttemptResult(step, [StepInterrupted(key)], _usage(run_context, meter, marks), exception=interrupted)
    except BaseException as exception:  # noqa: BLE001  # whatever the user's code raises fails its step: SystemExit, CancelledError...
        return failed_attempt(step, exception, context, _usage(run_context, meter, marks))
    finally:
        if run_context.resources.step_keys:
            run_context.resources.close_step()
    usage = _usage(run_context, meter, marks)
    if reason is not None:
        return AttemptResult(step, [SkipAsked(key, reason)], usage, context=context)
    run_context.record(
        StepSucceededEvent(cpu_seconds=usage.cpu_seconds, peak_memory_bytes=usage.peak_memory_bytes, logs=usage.logs),
        key,
    )
    hooks = run_context.target.body(key).hooks
    if hooks:
        run_hooks(run_context, context, hooks, on="success", values=handler.values)
    handler.stimuli.append(StepSucceeded(key))
    return AttemptResult(step, handler.stimuli, usage, context=context)


def start_event(attempt: int) -> StepStarted | StepRestarted:
    """What is recorded of an attempt that begins."""
    return StepStarted() if attempt == 1 else StepRestarted(attempt=attempt)


def _reused(run_context: RunContext, step: StepPlan, reused: Reused, usage: StepUsage) -> AttemptResult:
    """The step counts as succeeded with the outputs that are there already."""
    stimuli: list[Stimulus] = []
    for output in step.outputs:
        run_context.record(StepOutput(output_name=output.name), step.key)
        stimuli.append(OutputProduced(step.key, output.name))
    run_context.record(
        StepSucceededEvent(
            cpu_seconds=usage.cpu_seconds,
            peak_memory_bytes=usage.peak_memory_bytes,
            logs=usage.logs,
            reused_from=reused.run_id,
            reason=reused.reason,
        ),
        step.key,
    )
    return AttemptResult(step, [*stimuli, StepSucceeded(step.key)], usage)


def attempt_context(run_context: RunContext, step: StepPlan, attempt: int) -> ExecutionContext:
    """The context of an attempt, with the resources that are set up for it alone."""
    op = run_context.target.body(step.key).op
    definition = run_context.definition_of_step(step.key)
    if definition is None:
        kind: type[ExecutionContext] = OpExecutionContext
    elif definition.specs_by_output:
        kind = AssetExecutionContext
    else:
        kind = AssetCheckExecutionContext
    context = kind(
        run_context,
        step,
        op,
        resources=NO_RESOURCES
        if run_context.resources.step_keys
        else run_context.resources_for(op.required_resource_keys),
        op_config=step_config(run_context, step.key, op) if op.config_schema is not None else None,
        attempt=attempt,
    )
    if run_context.resources.step_keys:
        run_context.resources.open_for_step(needed_resources(run_context.target, step), context)
        context.take_resources(run_context.resources_for(op.required_resource_keys))
    return context


def needed_resources(target: RunTarget, step: StepPlan) -> set[str]:
    """The keys of what the step reads, what stores its outputs and what loads its inputs."""
    op = target.body(step.key).op
    keys = {*op.required_resource_keys, *(output.io_manager_key for output in step.outputs)}
    for item in step.inputs:
        declared = op.ins.get(item.name)
        if declared is not None and declared.input_manager_key is not None:
            keys.add(declared.input_manager_key)
        elif item.asset_key is not None:
            keys.add(target.io_manager_key_of(item.asset_key))
        else:
            keys.update(
                target.body(ref.step_key).op.outs[ref.output_name].io_manager_key for ref in upstream_refs(item.source)
            )
    return keys


def _compute(
    run_context: RunContext, context: ExecutionContext, values: Mapping[str, Any], handler: OutputHandler
) -> None:
    op = context.op_def
    args, kwargs = call_arguments(op.signature, context, context.op_config, context.resources, values)
    interruption = run_context.interruption
    interruption.enter_user_code()
    try:
        result = op.fn(*args, **kwargs)
        if inspect.iscoroutine(result):
            import asyncio

            result = asyncio.run(result)
    finally:
        interruption.leave_user_code()
    if timeout_of(context.step) is not None:
        interruption.check()  # where nothing could interrupt the function
    if inspect.isgenerator(result):
        _each(run_context, result, handler)
    elif inspect.isasyncgen(result):
        _each(run_context, _drain(result), handler)
    else:
        handler.returned(result)


def call_arguments(
    signature: FunctionSignature, context: Any, config: Any, resources: Any, values: Mapping[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    """The positional and keyword arguments for the user's function."""
    args = [context] if signature.context is not None else []
    kwargs = dict(values)
    if signature.config is not None:
        kwargs[signature.config] = config
    for name in signature.resources:
        kwargs[name] = getattr(resources, name)
    return args, kwargs


def _each(run_context: RunContext, generator: Generator[Any, Any, Any], handler: OutputHandler) -> None:
    """Hand over everything that a generator yields, then what it returns, if anything. What it holds is let go of whatever happens."""
    try:
        _hand_over(run_context, generator, handler)
    finally:
        generator.close()  # where an output was refused, it stands at its yield


def _hand_over(run_context: RunContext, generator: Generator[Any, Any, Any], handler: OutputHandler) -> None:
    interruption = run_context.interruption
    while True:
        interruption.enter_user_code()
        try:
            item = next(generator)
        except StopIteration as stop:
            if stop.value is not None:
                handler.returned(stop.value)
            return
        finally:
            interruption.leave_user_code()
        handler.yielded(item)
        if handler.is_over:
            return


def _drain(generator: AsyncIterator[Any]) -> Generator[Any, None, None]:
    """An asynchronous generator as a plain one, on an event loop of its own."""
    import asyncio

    loop = asyncio.new_event_loop()
    try:
        while True:
            try:
                yield loop.run_until_complete(_next(generator))
            except StopAsyncIteration:
                return
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


async def _next(generator: AsyncIterator[Any]) -> Any:
    return await generator.__anext__()


def _usage(run_context: RunContext, meter: UsageMeter, marks: tuple[int, int] | None) -> StepUsage:
    cpu_seconds, peak = meter.stop()
    logs = None
    capture = run_context.capture
    if capture is not None and marks is not None:
        out, err = capture.mark()
        if (out, err) != marks:
            logs = LogRange(capture.file_key, marks[0], out, marks[1], err)
    return StepUsage(cpu_seconds, peak, logs)


def failed_attempt(
    step: StepPlan, exception: BaseException, context: ExecutionContext | None, usage: StepUsage
) -> AttemptResult:
    """What an attempt that `exception` has ended comes to."""
    error = ErrorInfo.from_exception(exception)
    retry: RetryAsked | None = None
    allow_retries = True
    exit_reason: FailureReason | None = None
    kind = type(exception)
    if isinstance(exception, RetryRequested):
        retry = RetryAsked(max_retries=exception.max_retries, seconds_to_wait=exception.seconds_to_wait)
        if exception.__cause__ is not None:
            error = ErrorInfo.from_exception(exception.__cause__)
            kind = type(exception.__cause__)
    elif isinstance(exception, StepTimedOut):
        exit_reason = FailureReason.TIMED_OUT
    elif isinstance(exception, Failure):
        allow_retries = exception.allow_retries
        error = _with_metadata(error, exception)
    stimulus = StepFailed(
        step.key,
        message=error.summary(),
        retry=retry,
        allow_retries=allow_retries,
        classes=tuple([class_name(one) for one in kind.__mro__ if issubclass(one, BaseException)]),
        exit_reason=exit_reason,
    )
    return AttemptResult(step, [stimulus], usage, error=error, exception=exception, context=context)


def _with_metadata(error: ErrorInfo, failure: Failure) -> ErrorInfo:
    import msgspec

    return msgspec.structs.replace(error, metadata=failure.metadata)
