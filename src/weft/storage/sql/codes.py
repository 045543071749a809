"""The small integers that stand in the database for names that are repeated by the million.

A number never changes its meaning and is never used again: logs outlive releases. New names get the next free number.
"""

from __future__ import annotations

from weft.model.asset_state import PartitionStatus
from weft.model.step import StepStatus

FIRST_ROUTINE_CODE = 100
"""Numbers from here on are the events of which every step writes some. The index by type leaves them out: it would be most of its size, and
its six growing ends most of what a commit writes. A reader that follows one of them walks the log, where the next is never far."""

EVENT_CODES: dict[str, int] = {
    "RUN_ENQUEUED": 1,
    "RUN_DEQUEUED": 2,
    "RUN_STARTING": 3,
    "RUN_START": 4,
    "RUN_SUCCESS": 5,
    "RUN_FAILURE": 6,
    "RUN_CANCELING": 7,
    "RUN_CANCELED": 8,
    "STEP_FAILURE": 20,
    "STEP_UP_FOR_RETRY": 21,
    "STEP_RESTARTED": 22,
    "STEP_SKIPPED": 23,
    "STEP_CANCELED": 24,
    "OUTPUT_SKIPPED": 25,
    "RESOURCE_INIT_STARTED": 40,
    "RESOURCE_INIT_SUCCESS": 41,
    "RESOURCE_INIT_FAILURE": 42,
    "HOOK_COMPLETED": 43,
    "HOOK_ERRORED": 44,
    "HOOK_SKIPPED": 45,
    "ENGINE_EVENT": 46,
    "LOGS_CAPTURED": 47,
    "ASSET_MATERIALIZATION": 60,
    "ASSET_OBSERVATION": 61,
    "ASSET_FAILED_TO_MATERIALIZE": 62,
    "ASSET_CHECK_EVALUATION": 63,
    "STEP_START": 100,
    "LOADED_INPUT": 101,
    "STEP_INPUT": 102,
    "STEP_OUTPUT": 103,
    "HANDLED_OUTPUT": 104,
    "STEP_SUCCESS": 105,
    "LOG_MESSAGE": 106,
}
"""Public event type to number. Numbers to 127 take one byte."""

ASSET_EVENT_TYPES = (
    "ASSET_MATERIALIZATION",
    "ASSET_OBSERVATION",
    "ASSET_FAILED_TO_MATERIALIZE",
    "ASSET_CHECK_EVALUATION",
)
"""The types that are about an asset."""

ASSET_CODES = frozenset(EVENT_CODES[type] for type in ASSET_EVENT_TYPES)

STEP_STATUS_CODES: dict[StepStatus, int] = {
    StepStatus.PENDING: 0,
    StepStatus.READY: 1,
    StepStatus.RUNNING: 2,
    StepStatus.UP_FOR_RETRY: 3,
    StepStatus.SUCCEEDED: 4,
    StepStatus.FAILED: 5,
    StepStatus.SKIPPED: 6,
    StepStatus.CANCELED: 7,
}

PARTITION_STATUS_CODES: dict[PartitionStatus, int] = {
    PartitionStatus.MATERIALIZED: 1,
    PartitionStatus.FAILED: 2,
    PartitionStatus.IN_PROGRESS: 3,
}

STEP_STATUS_OF = {code: status for status, code in STEP_STATUS_CODES.items()}
PARTITION_STATUS_OF = {code: status for status, code in PARTITION_STATUS_CODES.items()}
