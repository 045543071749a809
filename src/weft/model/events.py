"""Everything that happens in a run, as typed values.

An `Event` is an envelope (which run, which writer, which number, when, which step) around one body. Bodies are a closed tagged
union: the tag is the public event type, such as ``STEP_START``, and never changes its meaning, because logs outlive releases.

``(run_id, source, seq)`` identifies an event for ever: delivering it twice stores it once. A `source` is one journal, that is one
writer; `seq` counts its events from 1. The control plane writes as source 0, the worker of a run as source 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, TypeAlias

from msgspec import Struct

from weft.model.codec import Decoder
from weft.model.failure import ErrorInfo
from weft.model.keys import AssetCheckKey, AssetKey
from weft.model.metadata import AnyMetadataValue
from weft.model.run import FailureReason
from weft.model.severity import AssetCheckSeverity
from weft.model.step import LogRange

CONTROL_SOURCE = 0
WORKER_SOURCE = 1


class Body(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """Base of all event bodies.

    Events are values within values, so no cycle goes through them: the garbage collector need not look at them, of which a run keeps many.
    """

    @property
    def type(self) -> str:
        """The public event type."""
        tag = self.__struct_config__.tag
        return tag if isinstance(tag, str) else type(self).__name__


# --- the run ---------------------------------------------------------------------------------------------------------


class RunEnqueued(Body, frozen=True, tag="RUN_ENQUEUED"):
    """The run waits in the queue."""


class RunDequeued(Body, frozen=True, tag="RUN_DEQUEUED"):
    """The queue let the run go."""


class RunStarting(Body, frozen=True, tag="RUN_STARTING"):
    """A launcher was asked for a worker: the first, or another that goes on where one was lost."""

    # The fencing token of the worker.
    worker: int = 1
    launcher: str = ""


class RunStarted(Body, frozen=True, tag="RUN_START"):
    """The worker began."""

    pid: int | None = None
    host: str | None = None


class RunSucceeded(Body, frozen=True, tag="RUN_SUCCESS"):
    """Every step succeeded or was skipped."""


class RunFailed(Body, frozen=True, tag="RUN_FAILURE"):
    """The run ended without success; `failed_steps` in the order in which they failed."""

    reason: FailureReason
    message: str = ""
    failed_steps: tuple[str, ...] = ()
    error: ErrorInfo | None = None
    # How its worker ended, where that is why: the code of `exit`, or the signal.
    exit_code: int | None = None
    signal: int | None = None
    peak_memory_bytes: int | None = None
    memory_limit_bytes: int | None = None


class RunCanceling(Body, frozen=True, tag="RUN_CANCELING"):
    """Somebody asked for the end of the run."""

    message: str = ""
    # Whether it is to end without teardown.
    is_forced: bool = False


class RunCanceled(Body, frozen=True, tag="RUN_CANCELED"):
    """The run was ended before it was done."""

    message: str = ""


# --- steps -----------------------------------------------------------------------------------------------------------


class StepStarted(Body, frozen=True, tag="STEP_START"):
    """An attempt began."""

    attempt: int = 1


class InputLoaded(Body, frozen=True, tag="LOADED_INPUT"):
    """An I/O manager loaded an input."""

    input_name: str
    manager_key: str
    # The stored output it came from, where it came from a step.
    upstream_run_id: str | None = None
    upstream_step_key: str | None = None
    upstream_output: str | None = None
    metadata: Mapping[str, AnyMetadataValue] = {}


class StepInputChecked(Body, frozen=True, tag="STEP_INPUT"):
    """An input value was checked against the declared type."""

    input_name: str
    type_name: str
    passed: bool = True
    description: str | None = None


class StepOutput(Body, frozen=True, tag="STEP_OUTPUT"):
    """The step yielded an output."""

    output_name: str
    mapping_key: str | None = None
    type_name: str | None = None
    passed: bool = True
    metadata: Mapping[str, AnyMetadataValue] = {}


class OutputHandled(Body, frozen=True, tag="HANDLED_OUTPUT"):
    """An I/O manager stored an output."""

    output_name: str
    manager_key: str
    mapping_key: str | None = None
    metadata: Mapping[str, AnyMetadataValue] = {}


class StepSucceeded(Body, frozen=True, tag="STEP_SUCCESS"):
    """The attempt did all it should. Its outputs are stored; the step is found successful from now on."""

    cpu_seconds: float = 0.0
    peak_memory_bytes: int = 0
    logs: LogRange | None = None
    # Where the step did not run because its result exists: the run that made it, and why it may be used.
    reused_from: str | None = None
    reason: str | None = None


class UserFailureData(Struct, frozen=True, gc=False):
    """What the user said when raising `Failure`."""

    description: str | None
    metadata: Mapping[str, AnyMetadataValue]
    label: str = "intentional-failure"


class StepFailed(Body, frozen=True, tag="STEP_FAILURE"):
    """The attempt failed and no other follows."""

    error: ErrorInfo
    cpu_seconds: float = 0.0
    peak_memory_bytes: int = 0
    logs: LogRange | None = None

    @property
    def user_failure_data(self) -> UserFailureData | None:
        """What the user said, where the step raised `Failure` (or an exception of that kind with metadata); else None."""
        if self.error.class_name != "weft.Failure" and not self.error.metadata:
            return None
        return UserFailureData(self.error.message or None, self.error.metadata)


class StepUpForRetry(Body, frozen=True, tag="STEP_UP_FOR_RETRY"):
    """The attempt failed; another follows after the delay."""

    error: ErrorInfo | None = None
    delay_seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_memory_bytes: int = 0
    logs: LogRange | None = None


class StepRestarted(Body, frozen=True, tag="STEP_RESTARTED"):
    """Another attempt began; `attempt` is 2 for the first retry."""

    attempt: int


class StepSkipped(Body, frozen=True, tag="STEP_SKIPPED"):
    """The step does not run, or its code found nothing to do. `reason` in words; `causes` are the steps it follows from."""

    reason: str
    causes: tuple[str, ...] = ()
    # Of the attempt that asked for it, where there was one.
    cpu_seconds: float = 0.0
    peak_memory_bytes: int = 0
    logs: LogRange | None = None


class OutputSkipped(Body, frozen=True, tag="OUTPUT_SKIPPED"):
    """The step's code left out one of its outputs, and said why."""

    output_name: str
    reason: str
    asset_key: AssetKey | None = None


class StepCanceled(Body, frozen=True, tag="STEP_CANCELED"):
    """The step was interrupted, or never started because the run was cancelled."""

    cpu_seconds: float = 0.0
    peak_memory_bytes: int = 0
    logs: LogRange | None = None


# --- resources, hooks, logs ------------------------------------------------------------------------------------------


class ResourceInitStarted(Body, frozen=True, tag="RESOURCE_INIT_STARTED"):
    """Resources are being set up, in this order."""

    resource_keys: tuple[str, ...]


class ResourceInitSucceeded(Body, frozen=True, tag="RESOURCE_INIT_SUCCESS"):
    """All resources are up; seconds by resource."""

    seconds: Mapping[str, float]


class ResourceInitFailed(Body, frozen=True, tag="RESOURCE_INIT_FAILURE"):
    """A resource could not be set up."""

    resource_key: str
    error: ErrorInfo


class HookCompleted(Body, frozen=True, tag="HOOK_COMPLETED"):
    """A hook ran."""

    hook_name: str


class HookErrored(Body, frozen=True, tag="HOOK_ERRORED"):
    """A hook raised. The step's result stands."""

    hook_name: str
    error: ErrorInfo


class HookSkipped(Body, frozen=True, tag="HOOK_SKIPPED"):
    """A hook had nothing to do."""

    hook_name: str


class LogMessage(Body, frozen=True, tag="LOG_MESSAGE"):
    """A line of ``context.log`` or of a managed logger. `level` is the number of the standard library."""

    message: str
    level: int
    logger: str = "weft"
    fields: Mapping[str, Any] = {}
    error: ErrorInfo | None = None


class EngineEvent(Body, frozen=True, tag="ENGINE_EVENT"):
    """Something about the machinery that a reader of the log may want to know."""

    message: str
    metadata: Mapping[str, AnyMetadataValue] = {}
    error: ErrorInfo | None = None


class LogsCaptured(Body, frozen=True, tag="LOGS_CAPTURED"):
    """From here on, stdout and stderr of this process go to the capture file `file_key`."""

    file_key: str


# --- assets ----------------------------------------------------------------------------------------------------------


class AssetMaterialized(Body, frozen=True, tag="ASSET_MATERIALIZATION"):
    """An asset, or one partition of it, was made."""

    asset_key: AssetKey
    partition: str | None = None
    description: str | None = None
    metadata: Mapping[str, AnyMetadataValue] = {}
    tags: Mapping[str, str] = {}
    data_version: str | None = None
    code_version: str | None = None
    # Upstream key (user string) to the data version that was read.
    input_data_versions: Mapping[str, str] = {}
    # Whether an I/O manager stored a value with it.
    has_value: bool = False

    # The name that existing code reads.
    materialization = property(lambda self: self)


class AssetObserved(Body, frozen=True, tag="ASSET_OBSERVATION"):
    """Something was seen about an asset without making it."""

    asset_key: AssetKey
    partition: str | None = None
    description: str | None = None
    metadata: Mapping[str, AnyMetadataValue] = {}
    tags: Mapping[str, str] = {}
    data_version: str | None = None

    # The name that existing code reads.
    asset_observation = property(lambda self: self)


class AssetFailedToMaterialize(Body, frozen=True, tag="ASSET_FAILED_TO_MATERIALIZE"):
    """An asset that the run should have made was not made."""

    asset_key: AssetKey
    partition: str | None = None
    # failed, upstream_failed, canceled, skipped
    reason: str = "failed"


class AssetCheckEvaluated(Body, frozen=True, tag="ASSET_CHECK_EVALUATION"):
    """A check gave its answer."""

    check_key: AssetCheckKey
    passed: bool
    severity: AssetCheckSeverity = AssetCheckSeverity.ERROR
    blocking: bool = False
    description: str | None = None
    metadata: Mapping[str, AnyMetadataValue] = {}
    partition: str | None = None


EventBody: TypeAlias = (
    RunEnqueued
    | RunDequeued
    | RunStarting
    | RunStarted
    | RunSucceeded
    | RunFailed
    | RunCanceling
    | RunCanceled
    | StepStarted
    | InputLoaded
    | StepInputChecked
    | StepOutput
    | OutputHandled
    | StepSucceeded
    | StepFailed
    | StepUpForRetry
    | StepRestarted
    | StepSkipped
    | OutputSkipped
    | StepCanceled
    | ResourceInitStarted
    | ResourceInitSucceeded
    | ResourceInitFailed
    | HookCompleted
    | HookErrored
    | HookSkipped
    | LogMessage
    | EngineEvent
    | LogsCaptured
    | AssetMaterialized
    | AssetObserved
    | AssetFailedToMaterialize
    | AssetCheckEvaluated
)
"""Every body, as one tagged union for the codec."""

AssetEventBody: TypeAlias = AssetMaterialized | AssetObserved | AssetCheckEvaluated
"""What may be said of an asset without a run."""

NO_RUN = ""
"""The run id of events that no run gave."""


class Event(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One thing that happened in one run.

    Order within a source is `seq`; the order across sources is the order of arrival in the log (`StoredEvent.id`).
    """

    run_id: str
    seq: int
    # Seconds since the epoch, UTC.
    time: float
    body: EventBody
    source: int = WORKER_SOURCE
    step_key: str | None = None

    @property
    def type(self) -> str:
        """The public event type, such as ``STEP_START``."""
        return self.body.type

    # The name that existing code reads.
    event_type = type
    event_type_value = type

    @property
    def asset_key(self) -> AssetKey | None:
        """The asset that the event is about, if any."""
        if isinstance(self.body, AssetCheckEvaluated):
            return self.body.check_key.asset_key
        return getattr(self.body, "asset_key", None)

    @property
    def partition(self) -> str | None:
        """The partition that the event is about, if any."""
        return getattr(self.body, "partition", None)

    @property
    def message(self) -> str | None:
        """What the event says for people: why a run failed, the line of a log."""
        return getattr(self.body, "message", None) or None

    @property
    def timestamp(self) -> float:
        """When it happened, in seconds since the epoch."""
        return self.time

    @property
    def asset_materialization(self) -> AssetMaterialized | None:
        """What was made, where the event is a materialisation."""
        return self.body if isinstance(self.body, AssetMaterialized) else None

    @property
    def asset_observation(self) -> AssetObserved | None:
        """What was seen, where the event is an observation."""
        return self.body if isinstance(self.body, AssetObserved) else None

    @property
    def asset_check_evaluation(self) -> AssetCheckEvaluated | None:
        """The answer of a check, where the event is one."""
        return self.body if isinstance(self.body, AssetCheckEvaluated) else None

    # The names that existing code reads.
    dagster_event = property(lambda self: self)
    event_specific_data = property(lambda self: self.body)
    step_materialization_data = event_specific_data
    step_output_data = event_specific_data
    step_failure_data = event_specific_data
    materialization = asset_materialization

    @property
    def user_message(self) -> str:
        """The text of a log line; empty for other events."""
        return self.body.message if isinstance(self.body, LogMessage) else ""

    @property
    def skip_reason(self) -> str | None:
        """Why a step was skipped, where the event says that one was."""
        return self.body.reason if isinstance(self.body, StepSkipped) else None

    @property
    def is_step_success(self) -> bool:
        """Whether a step succeeded."""
        return isinstance(self.body, StepSucceeded)

    @property
    def is_step_failure(self) -> bool:
        """Whether a step failed."""
        return isinstance(self.body, StepFailed)

    @property
    def is_failure(self) -> bool:
        """Whether something failed: a step or the run."""
        return isinstance(self.body, (StepFailed, RunFailed))

    @property
    def is_step_skipped(self) -> bool:
        """Whether a step was skipped."""
        return isinstance(self.body, StepSkipped)

    @property
    def is_step_start(self) -> bool:
        """Whether a step started."""
        return isinstance(self.body, StepStarted)

    @property
    def is_successful_output(self) -> bool:
        """Whether a step gave an output."""
        return isinstance(self.body, StepOutput)

    @property
    def is_step_materialization(self) -> bool:
        """Whether an asset was made."""
        return isinstance(self.body, AssetMaterialized)


class StoredEvent(Struct, frozen=True, gc=False, kw_only=True):
    """An event with its place in the log; ids grow in the order of arrival."""

    id: int
    event: Event

    @property
    def run_id(self) -> str:
        """The run that the event belongs to."""
        return self.event.run_id

    @property
    def timestamp(self) -> float:
        """When it happened, in seconds since the epoch."""
        return self.event.time

    @property
    def asset_key(self) -> AssetKey | None:
        """The asset that the event is about, if any."""
        return self.event.asset_key

    @property
    def partition(self) -> str | None:
        """The partition that the event is about, if any."""
        return self.event.partition

    @property
    def asset_materialization(self) -> AssetMaterialized | None:
        """What it says of an asset that was made; None for other events."""
        return self.event.body if isinstance(self.event.body, AssetMaterialized) else None

    # The names that existing code reads.
    storage_id = property(lambda self: self.id)
    partition_key = partition
    dagster_event = property(lambda self: self.event)
    event_log_entry = property(lambda self: self)

    @property
    def asset_observation(self) -> AssetObserved | None:
        """What was seen, where the event is an observation."""
        return self.event.asset_observation


EVENT_DECODER: Decoder[Event] = Decoder(Event)
BODY_DECODER: Decoder[EventBody] = Decoder(EventBody)
EVENT_TYPES: tuple[str, ...] = tuple(kind.__struct_config__.tag for kind in EventBody.__args__)
"""Every public event type."""


class EventType(str, Enum):
    """The types of events by name. A member is equal to its text, as `Event.type` gives it."""

    RUN_ENQUEUED = "RUN_ENQUEUED"
    RUN_DEQUEUED = "RUN_DEQUEUED"
    RUN_STARTING = "RUN_STARTING"
    RUN_START = "RUN_START"
    RUN_SUCCESS = "RUN_SUCCESS"
    RUN_FAILURE = "RUN_FAILURE"
    RUN_CANCELING = "RUN_CANCELING"
    RUN_CANCELED = "RUN_CANCELED"
    STEP_START = "STEP_START"
    LOADED_INPUT = "LOADED_INPUT"
    STEP_INPUT = "STEP_INPUT"
    STEP_OUTPUT = "STEP_OUTPUT"
    HANDLED_OUTPUT = "HANDLED_OUTPUT"
    STEP_SUCCESS = "STEP_SUCCESS"
    STEP_FAILURE = "STEP_FAILURE"
    STEP_UP_FOR_RETRY = "STEP_UP_FOR_RETRY"
    STEP_RESTARTED = "STEP_RESTARTED"
    STEP_SKIPPED = "STEP_SKIPPED"
    OUTPUT_SKIPPED = "OUTPUT_SKIPPED"
    STEP_CANCELED = "STEP_CANCELED"
    RESOURCE_INIT_STARTED = "RESOURCE_INIT_STARTED"
    RESOURCE_INIT_SUCCESS = "RESOURCE_INIT_SUCCESS"
    RESOURCE_INIT_FAILURE = "RESOURCE_INIT_FAILURE"
    HOOK_COMPLETED = "HOOK_COMPLETED"
    HOOK_ERRORED = "HOOK_ERRORED"
    HOOK_SKIPPED = "HOOK_SKIPPED"
    LOG_MESSAGE = "LOG_MESSAGE"
    ENGINE_EVENT = "ENGINE_EVENT"
    LOGS_CAPTURED = "LOGS_CAPTURED"
    ASSET_MATERIALIZATION = "ASSET_MATERIALIZATION"
    ASSET_OBSERVATION = "ASSET_OBSERVATION"
    ASSET_FAILED_TO_MATERIALIZE = "ASSET_FAILED_TO_MATERIALIZE"
    ASSET_CHECK_EVALUATION = "ASSET_CHECK_EVALUATION"
