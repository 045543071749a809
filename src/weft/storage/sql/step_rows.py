"""Steps as rows of the table `steps`."""

from __future__ import annotations

from weft.model.codec import Decoder, encode
from weft.model.failure import ErrorInfo
from weft.model.step import LogRange, Step
from weft.storage.sql.codes import STEP_STATUS_CODES, STEP_STATUS_OF
from weft.storage.sql.database import Row
from weft.storage.sql.tables import steps

_Details = tuple[dict[str, tuple[str, ...]], tuple[LogRange, ...], ErrorInfo | None, str | None]
_DETAILS: Decoder[_Details] = Decoder(_Details)

STEP_COLUMNS = (
    steps.c.id,
    steps.c.key,
    steps.c.status,
    steps.c.attempt,
    steps.c.started_at,
    steps.c.ended_at,
    steps.c.cpu_seconds,
    steps.c.peak_memory_bytes,
    steps.c.details,
)
"""What `step_from_row` needs, in order. A row whose status is NULL has no state."""

STATE_COLUMNS = tuple(column.name for column in STEP_COLUMNS[2:])
"""The columns that `step_state` gives, in order."""


def step_state(step: Step) -> Row:
    """The values of `STATE_COLUMNS`."""
    has_details = step.outputs or step.logs or step.error is not None or step.skip_reason is not None
    return (
        STEP_STATUS_CODES[step.status],
        step.attempt,
        step.started_at,
        step.ended_at,
        step.cpu_seconds,
        step.peak_memory_bytes,
        encode((step.outputs, step.logs, step.error, step.skip_reason)) if has_details else None,
    )


def step_from_row(run_id: str, row: Row) -> Step:
    """The step of a row of `STEP_COLUMNS`."""
    _, key, status, attempt, started_at, ended_at, cpu_seconds, peak_memory_bytes, details = row
    if details is None:
        return Step(
            run_id=run_id,
            key=key,
            status=STEP_STATUS_OF[status],
            attempt=attempt,
            started_at=started_at,
            ended_at=ended_at,
            cpu_seconds=cpu_seconds,
            peak_memory_bytes=peak_memory_bytes,
        )
    outputs, logs, error, skip_reason = _DETAILS.decode(details)
    return Step(
        run_id=run_id,
        key=key,
        status=STEP_STATUS_OF[status],
        attempt=attempt,
        started_at=started_at,
        ended_at=ended_at,
        cpu_seconds=cpu_seconds,
        peak_memory_bytes=peak_memory_bytes,
        logs=logs,
        error=error,
        skip_reason=skip_reason,
        outputs=outputs,
    )
