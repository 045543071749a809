"""The loggers of a run: every line of its log goes to them too, as records of the standard library, without secrets."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from weft.definitions.loggers import InitLoggerContext, LoggerDefinition
from weft.execution.managed_loggers import RECORDED_FIELD
from weft.execution.run_context import EventRecorder
from weft.model.events import Event, EventBody, LogMessage
from weft.model.run import Run


def make_loggers(
    definitions: Mapping[str, LoggerDefinition], configs: Mapping[str, Any], run: Run
) -> tuple[logging.Logger, ...]:
    """The loggers of a run; those of `definitions` that `configs` names, in the order of their definition."""
    return tuple(
        definition.made(InitLoggerContext(configs[name], definition, run_id=run.id))
        for name, definition in definitions.items()
        if name in configs
    )


class LoggedRecorder:
    """Records events, and hands lines of the log to loggers once they are recorded. What a logger raises disturbs nobody."""

    def __init__(self, recorder: EventRecorder, loggers: Sequence[logging.Logger], run: Run) -> None:
        self._recorder = recorder
        self._loggers = loggers
        self._run = run

    def append(self, body: EventBody, step_key: str | None = None) -> Event:
        """See `EventRecorder.append`."""
        event = self._recorder.append(body, step_key)
        if isinstance(event.body, LogMessage):
            for logger in self._loggers:
                if logger.isEnabledFor(event.body.level):
                    logger.handle(self._record(logger, event.body, event))
        return event

    def _record(self, logger: logging.Logger, line: LogMessage, event: Event) -> logging.LogRecord:
        text = line.message if line.error is None else f"{line.message}\n{line.error.to_string()}"
        record = logging.LogRecord(logger.name, line.level, "", 0, text, None, None)
        record.created = event.time
        known = vars(record)
        extra = {key: value for key, value in line.fields.items() if key not in known}
        facts = {"run_id": self._run.id, "job_name": self._run.job_name, "step_key": event.step_key}
        record.__dict__.update(extra, **facts, **{RECORDED_FIELD: True})
        return record
