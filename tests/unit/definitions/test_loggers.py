"""Lines of a run's log go to the loggers of its job, besides its events."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from weft import (
    ConfigError,
    DefinitionError,
    Definitions,
    InitLoggerContext,
    InitResourceContext,
    JsonLogFormatter,
    LoggerDefinition,
    OpExecutionContext,
    build_init_logger_context,
    colored_console_logger,
    default_loggers,
    get_weft_logger,
    job,
    json_console_logger,
    logger,
    op,
    resource,
)


class Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def kept() -> Iterator[Kept]:
    yield Kept()


def keeping(kept: Kept) -> LoggerDefinition:
    @logger(config_schema={"level": str})
    def to_list(context: InitLoggerContext) -> logging.Logger:
        made = logging.Logger(f"kept {context.run_id}")
        made.setLevel(context.logger_config["level"])
        made.addHandler(kept)
        return made

    return to_list


@resource
def till(context: InitResourceContext) -> str:
    context.log.info("opening the till")
    return "till"


@op(required_resource_keys={"till"})
def count(context: OpExecutionContext) -> None:
    context.log.debug("not wanted")
    context.log.warning("only %s left", 3, extra={"shop": "north"})


def test_lines_of_steps_and_resources_reach_the_logger(kept: Kept) -> None:
    @job(resource_defs={"till": till}, logger_defs={"list": keeping(kept)})
    def counting() -> None:
        count()

    result = counting.execute_in_process({"loggers": {"list": {"config": {"level": "INFO"}}}})
    assert [record.getMessage() for record in kept.records] == ["opening the till", "only 3 left"]
    warning = vars(kept.records[1])
    assert (warning["shop"], warning["step_key"], warning["run_id"]) == ("north", "count", result.run_id)
    lines = [event for event in result.all_events if event.type == "LOG_MESSAGE"]
    assert [event.message for event in lines] == ["opening the till", "not wanted", "only 3 left"]


def test_a_logger_that_needs_configuration_is_used_where_it_gets_some(kept: Kept) -> None:
    @job(resource_defs={"till": till}, logger_defs={"list": keeping(kept)})
    def counting() -> None:
        count()

    assert counting.execute_in_process().success
    assert kept.records == []
    with pytest.raises(ConfigError, match="lvel"):
        counting.execute_in_process({"loggers": {"list": {"config": {"lvel": "INFO"}}}})


def test_loggers_of_the_definitions_serve_jobs_without_any(kept: Kept) -> None:
    @job(resource_defs={"till": till})
    def counting() -> None:
        count()

    defs = Definitions(jobs=[counting], loggers={"list": keeping(kept).configured({"level": "WARNING"})})
    defs.get_job_def("counting").execute_in_process()
    assert [record.getMessage() for record in kept.records] == ["only 3 left"]


def test_the_console_is_there_for_those_who_ask(capsys: pytest.CaptureFixture[str]) -> None:
    @job(resource_defs={"till": till})
    def counting() -> None:
        count()

    counting.execute_in_process({"loggers": {"console": {"config": {"log_level": "DEBUG", "name": "shop"}}}})
    assert "shop - DEBUG - not wanted" in capsys.readouterr().err
    counting.execute_in_process()
    assert "not wanted" not in capsys.readouterr().err


def test_json_lines_carry_the_fields_of_the_record() -> None:
    record = logging.LogRecord("shop", logging.INFO, "", 0, "%s left", (3,), None)
    record.run_id = "r1"
    record.created = 0.0
    assert json.loads(JsonLogFormatter().format(record)) == {
        "time": "1970-01-01T00:00:00Z",
        "level": "INFO",
        "logger": "shop",
        "message": "3 left",
        "run_id": "r1",
    }


def test_loggers_can_be_made_in_tests() -> None:
    assert colored_console_logger().level == logging.INFO
    context = build_init_logger_context({"log_level": "ERROR"}, logger_def=json_console_logger)
    assert json_console_logger(context).level == logging.ERROR
    assert list(default_loggers()) == ["console"]
    assert get_weft_logger("shop").name == "weft.user.shop"


def test_what_is_no_logger_is_refused() -> None:
    @logger
    def wrong() -> logging.Logger:
        return "logger"  # type: ignore[return-value]

    with pytest.raises(DefinitionError) as made:
        wrong()
    assert made.value.code == "WEFT-D485"
    with pytest.raises(DefinitionError) as given:
        Definitions(loggers={"console": logging.getLogger()}).resolve()
    assert given.value.code == "WEFT-D486"
