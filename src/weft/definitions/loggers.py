"""Loggers that users attach to jobs: standard loggers that get every line of a run's log, besides its events."""

from __future__ import annotations

import inspect
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, overload

from msgspec import UNSET

from weft.config.mapping import configured_field
from weft.config.schema import Any as AnyConfig, ConfigSchema, Field, Noneable
from weft.config.validation import declared, validate
from weft.definitions.decorated import check_decorated, decorated_description
from weft.definitions.names import check_mapping
from weft.errors import DefinitionError

_COLOURS = {logging.DEBUG: "34", logging.WARNING: "33", logging.ERROR: "31", logging.CRITICAL: "1;31"}
_STANDARD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class InitLoggerContext:
    """What the function of a logger sees.

    Args:
        logger_config: its configuration: validated, defaults applied, environment variables read.
        logger_def: its definition.
        job_def: the job; None outside a run.
        run_id: the id of the run; None outside one.
    """

    __slots__ = ("job_def", "logger_config", "logger_def", "run_id")

    def __init__(
        self,
        logger_config: Any = None,
        logger_def: LoggerDefinition | None = None,
        job_def: Any = None,
        run_id: str | None = None,
    ) -> None:
        self.logger_config = logger_config
        self.logger_def = logger_def
        self.job_def = job_def
        self.run_id = run_id


class LoggerDefinition:
    """How to make a logger of the standard library.

    Args:
        logger_fn: from an `InitLoggerContext` to a ``logging.Logger``; it may take nothing.
        config_schema: what may be configured; None: anything.
        description: for the reader.
    """

    def __init__(
        self,
        logger_fn: Callable[..., logging.Logger],
        config_schema: ConfigSchema | None = None,
        description: str | None = None,
    ) -> None:
        check_decorated(logger_fn, "logger")
        self.logger_fn = logger_fn
        self.config_schema: Field = (
            Field(AnyConfig, is_required=False) if config_schema is None else declared(config_schema)
        )
        self.description = decorated_description(logger_fn, description)

    def made(self, context: InitLoggerContext) -> logging.Logger:
        """The logger.

        Raises:
            DefinitionError: (WEFT-D485) the function gave something else.
        """
        takes = bool(inspect.signature(self.logger_fn).parameters)
        found = self.logger_fn(context) if takes else self.logger_fn()
        if not isinstance(found, logging.Logger):
            raise DefinitionError(
                "the function of a logger gave something else.",
                code="WEFT-D485",
                facts={"function": getattr(self.logger_fn, "__qualname__", "?"), "found": type(found).__name__},
                fix="return a logging.Logger",
            )
        return found

    def configured(
        self, config_or_config_fn: Any, config_schema: ConfigSchema | None = None, description: str | None = None
    ) -> LoggerDefinition:
        """The logger with its configuration given, or computed from other configuration (of the schema `config_schema`).

        Raises:
            ConfigError: the configuration does not fit the schema.
        """
        field = configured_field(self.config_schema, config_or_config_fn, config_schema)
        return LoggerDefinition(self.logger_fn, field, description or self.description)

    def __call__(self, context: InitLoggerContext | None = None) -> logging.Logger:
        """The logger, for tests; with its default configuration where no context is given."""
        if context is None:
            context = build_init_logger_context(logger_def=self)
        return self.made(context)

    def __repr__(self) -> str:
        return f"LoggerDefinition({getattr(self.logger_fn, '__name__', '?')!r})"


def build_init_logger_context(
    logger_config: Any = None,
    job_def: Any = None,
    *,
    logger_def: LoggerDefinition | None = None,
    run_id: str | None = None,
) -> InitLoggerContext:
    """A context for making a logger in tests. The configuration is checked where the definition is given."""
    if logger_def is not None:
        given = UNSET if logger_config is None else logger_config
        checked = validate(logger_def.config_schema, given, path=("config",), environ=os.environ)
        value = checked.resolve(os.environ, path=("config",)).value
        logger_config = None if value is UNSET else value
    return InitLoggerContext(logger_config, logger_def, job_def, run_id)


@overload
def logger(config_schema: Callable[..., logging.Logger], /) -> LoggerDefinition: ...
@overload
def logger(
    config_schema: ConfigSchema | None = None, description: str | None = None
) -> Callable[[Callable[..., logging.Logger]], LoggerDefinition]: ...
def logger(
    config_schema: Any = None, description: str | None = None
) -> LoggerDefinition | Callable[[Callable[..., logging.Logger]], LoggerDefinition]:
    """Make a function that gives a ``logging.Logger`` a logger of jobs.

    >>> @logger(config_schema={"path": str})
    ... def to_file(context):
    ...     found = logging.getLogger("shop")
    ...     found.addHandler(logging.FileHandler(context.logger_config["path"]))
    ...     return found
    """
    if callable(config_schema) and not isinstance(config_schema, type):
        return LoggerDefinition(config_schema)

    def make(fn: Callable[..., logging.Logger]) -> LoggerDefinition:
        return LoggerDefinition(fn, config_schema, description)

    return make


class JsonLogFormatter(logging.Formatter):
    """One JSON object for each line: time, level, name, message, and the extra fields of the record."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update((key, value) for key, value in vars(record).items() if key not in _STANDARD_FIELDS)
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class _ColouredFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        colour = _COLOURS.get(record.levelno)
        return f"\x1b[{colour}m{text}\x1b[0m" if colour is not None else text


_CONSOLE: Mapping[str, Any] = {
    "log_level": Field(str, default_value="INFO", description="lines below this level are dropped"),
    "name": Field(Noneable(str), default_value="weft", description="the name of the logger"),
}


def _console(context: InitLoggerContext, formatter: logging.Formatter) -> logging.Logger:
    config = context.logger_config or {}
    # Not registered under its name: loggers of several runs must not share handlers.
    found = logging.Logger(config.get("name") or "weft")
    found.setLevel(str(config.get("log_level", "INFO")).upper())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    found.addHandler(handler)
    return found


@logger(_CONSOLE, "Lines with colours on stderr.")
def colored_console_logger(context: InitLoggerContext) -> logging.Logger:
    """Lines with colours on stderr."""
    return _console(context, _ColouredFormatter("%(asctime)s - %(name)s - %(levelname)s - %(message)s"))


@logger(_CONSOLE, "One JSON object for each line on stderr.")
def json_console_logger(context: InitLoggerContext) -> logging.Logger:
    """One JSON object for each line on stderr."""
    return _console(context, JsonLogFormatter())


def default_loggers() -> dict[str, LoggerDefinition]:
    """The loggers of jobs that bring none, where they are asked for by run configuration."""
    return {"console": colored_console_logger}


def default_system_loggers() -> list[tuple[LoggerDefinition, dict[str, Any]]]:
    """The same, each with its configuration."""
    return [(colored_console_logger, {"name": "weft", "log_level": "DEBUG"})]


def get_weft_logger(name: str | None = None) -> logging.Logger:
    """A logger of the standard library below ``weft``, for code that has no context."""
    return logging.getLogger("weft.user" if name is None else f"weft.user.{name}")


def check_loggers(values: Any, where: str) -> dict[str, LoggerDefinition]:
    """`values` as loggers by name.

    Raises:
        DefinitionError: (WEFT-D486) something is no logger.
    """
    given: dict[str, Any] = check_mapping(values, "loggers", where)
    for name, value in given.items():
        if not isinstance(value, LoggerDefinition):
            raise DefinitionError(
                f'the logger "{name}" of {where} is not a LoggerDefinition.',
                code="WEFT-D486",
                facts={"found": type(value).__name__},
                fix="decorate the function that makes it with @logger",
            )
    return given
