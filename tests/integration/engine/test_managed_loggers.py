"""Lines of loggers of the standard library become lines of the log of the run."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any

import pytest

from weft import (
    Instance,
    asset,
    get_weft_logger,
    job,
    materialize,
    multiprocess_executor,
    op,
    resource,
)
from weft.execution.managed_loggers import managed_loggers
from weft.model.events import LogMessage

logger = get_weft_logger("shop")


def lines(result: Any) -> list[tuple[str | None, str, int, str]]:
    """Step, message, level and logger of each line of the log."""
    return [
        (event.step_key, event.body.message, event.body.level, event.body.logger)
        for event in result.all_events
        if isinstance(event.body, LogMessage)
    ]


def home(tmp_path: Path, text: str) -> Path:
    (tmp_path / "weft.yaml").write_text(text)
    return tmp_path


def test_lines_of_our_logger_belong_to_their_step() -> None:
    @asset
    def orders() -> None:
        logger.info("read %s rows", 3)

    @asset(deps=[orders])
    def report() -> None:
        get_weft_logger().debug("made", extra={"rows": 3, "at": Path("x")})

    result = materialize([orders, report])

    assert lines(result) == [
        ("orders", "read 3 rows", logging.INFO, "weft.user.shop"),
        ("report", "made", logging.DEBUG, "weft.user"),
    ]
    [*_, last] = [event.body for event in result.all_events if isinstance(event.body, LogMessage)]
    assert last.fields == {"rows": 3, "at": repr(Path("x"))}


def test_an_exception_comes_with_its_line() -> None:
    @asset
    def orders() -> None:
        try:
            raise ValueError("no rows")
        except ValueError:
            logger.exception("could not read")

    [body] = [event.body for event in materialize([orders]).all_events if isinstance(event.body, LogMessage)]

    assert body.error is not None
    assert (body.message, body.error.class_name) == ("could not read", "ValueError")


def test_lines_of_resources_belong_to_the_run() -> None:
    @resource
    def connection() -> int:
        logger.warning("connecting")
        return 1

    @op(required_resource_keys={"connection"})
    def reads() -> None:
        logger.warning("reading")

    @job(resource_defs={"connection": connection})
    def reading() -> None:
        reads()

    found = [(step, message) for step, message, *_ in lines(reading.execute_in_process())]

    assert found == [(None, "connecting"), ("reads", "reading")]


def test_threads_of_a_step_write_to_it() -> None:
    @asset
    def orders() -> None:
        thread = threading.Thread(target=lambda: logger.info("from a thread"))
        thread.start()
        thread.join()

    assert ("orders", "from a thread", logging.INFO, "weft.user.shop") in lines(materialize([orders]))


def test_a_run_inside_a_step_has_its_own_lines() -> None:
    inner: list[Any] = []

    @asset
    def small() -> None:
        logger.info("inner")

    @asset
    def large() -> None:
        logger.info("before")
        inner.append(materialize([small]))
        logger.info("after")

    outer = materialize([large])

    assert [message for _, message, *_ in lines(outer)] == ["before", "after"]
    assert [message for _, message, *_ in lines(inner[0])] == ["inner"]


def test_loggers_that_the_settings_name_are_taken_in(tmp_path: Path) -> None:
    @asset
    def orders() -> None:
        logging.getLogger("shop.tables").info("taken in")
        logging.getLogger("other").error("not")

    with Instance.at(home(tmp_path, "logs: {managed_loggers: [shop]}\n")) as instance:
        found = lines(materialize([orders], instance=instance))

    assert found == [("orders", "taken in", logging.INFO, "shop.tables")]


def test_a_line_on_its_way_through_several_of_them_counts_once(tmp_path: Path) -> None:
    @asset
    def orders(context: Any) -> None:
        logging.getLogger("shop.tables").warning("once")
        context.log.info("of the context")

    with Instance.at(home(tmp_path, "logs: {managed_loggers: [root, shop, shop.tables]}\n")) as instance:
        found = lines(materialize([orders], instance=instance))

    assert [(step, message) for step, message, *_ in found] == [("orders", "once"), ("orders", "of the context")]


def test_lines_below_the_level_are_dropped(tmp_path: Path) -> None:
    @asset
    def orders(context: Any) -> None:
        for write in (context.log, logger):
            write.info("low")
            write.warning("high")

    with Instance.at(home(tmp_path, "logs: {level: warning}\n")) as instance:
        found = lines(materialize([orders], instance=instance))

    assert [message for _, message, *_ in found] == ["high", "high"]


def test_a_line_that_cannot_be_made_disturbs_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    alone = logging.getLogger("alone")
    alone.propagate = False  # the test runner would take it as a failure

    @asset
    def orders() -> None:
        alone.info("%s and %s", *[1])
        alone.info("goes on")

    with Instance.at(home(tmp_path, "logs: {managed_loggers: [alone], capture: false}\n")) as instance:
        result = materialize([orders], instance=instance)

    assert result.success
    assert [message for _, message, *_ in lines(result)] == ["goes on"]
    assert "not enough arguments" in capsys.readouterr().err


def test_steps_in_processes_of_their_own_write_to_their_run(tmp_path: Path) -> None:
    with Instance.at(tmp_path) as instance:
        result = in_processes.execute_in_process(instance=instance)
        stored = [
            (one.event.step_key, one.event.body.message)
            for one in instance.events.read(result.run_id)
            if isinstance(one.event.body, LogMessage)
        ]
    assert ("logs_a_line", "from a step") in stored


@op
def logs_a_line() -> None:
    logger.info("from a step")


@job(executor_def=multiprocess_executor)
def in_processes() -> None:
    logs_a_line()


def test_loggers_are_as_they_were_afterwards() -> None:
    before = [(one.level, list(one.handlers)) for one in (logging.root, logging.getLogger("weft.user"))]
    with pytest.raises(RuntimeError), managed_loggers(["root", "shop"], logging.DEBUG):
        assert logging.root.level == logging.DEBUG
        with managed_loggers(["root"], logging.ERROR):
            assert logging.root.level == logging.DEBUG
        raise RuntimeError
    assert [(one.level, list(one.handlers)) for one in (logging.root, logging.getLogger("weft.user"))] == before
