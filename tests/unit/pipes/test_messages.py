"""What messages do, whatever brought them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from weft import AssetExecutionContext, PipesMessageReader, asset, materialize
from weft.model.events import EngineEvent, LogMessage
from weft.pipes.messages import PipesMessageHandler
from weft.pipes.metadata import KINDS


class Nowhere(PipesMessageReader):
    @contextmanager
    def read_messages(self, handler: PipesMessageHandler) -> Iterator[dict[str, Any]]:
        yield {}

    def no_messages_debug_text(self) -> str:
        return "nowhere"


def handled(do: Callable[[PipesMessageHandler], Any]) -> tuple[Any, list[LogMessage], list[EngineEvent]]:
    """What `do` gives with the handler of a step, the lines of its log and the events of the machinery."""
    found: list[Any] = []

    @asset
    def made(context: AssetExecutionContext) -> None:
        found.append(do(PipesMessageHandler(context, Nowhere())))

    bodies = [event.body for event in materialize([made]).all_events]
    return (
        found[0],
        [body for body in bodies if isinstance(body, LogMessage)],
        [body for body in bodies if isinstance(body, EngineEvent)],
    )


def message(method: str, seq: int | None = None, **params: Any) -> dict[str, Any]:
    numbered = {} if seq is None else {"weft_writer": "w", "weft_seq": seq}
    return {"__dagster_pipes_version": "0.1", "method": method, "params": params, **numbered}


@settings(max_examples=25)
@given(st.lists(st.integers(1, 12), max_size=40))
def test_numbered_messages_count_once_and_in_order_however_often_they_are_sent(starts: list[int]) -> None:
    """A writer that resumes sends again from some number on that was not acknowledged."""

    def do(handler: PipesMessageHandler) -> list[Any]:
        for start in starts:
            first = min(start, handler.last_seq("w") + 1)
            for seq in range(first, 13):
                handler.handle_message(message("report_custom_message", seq, payload=seq))
        return handler.custom_messages()

    payloads, logs, _ = handled(do)

    assert payloads == (list(range(1, 13)) if starts else [])
    assert not [line for line in logs if "WEFT-" in line.message]


def test_a_number_that_is_missing_is_an_error_in_the_log() -> None:
    _, logs, _ = handled(lambda handler: [handler.handle_message(message("opened", seq)) for seq in (1, 4)])

    [line] = [line for line in logs if line.level == logging.ERROR]
    assert "WEFT-X207" in line.message
    assert "2 messages" in line.message


def test_a_message_after_the_end_counts_with_a_warning() -> None:
    def do(handler: PipesMessageHandler) -> list[Any]:
        handler.handle_message(message("opened"))
        handler.handle_message(message("closed"))
        handler.handle_message(message("report_custom_message", payload=1))
        return handler.custom_messages()

    payloads, logs, _ = handled(do)

    assert payloads == [1]
    assert ["WEFT-X204" in line.message for line in logs if line.level == logging.WARNING] == [True]


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"])
def test_a_line_of_the_log_keeps_its_level(level: str) -> None:
    _, logs, _ = handled(lambda handler: handler.handle_message(message("log", message="x", level=level)))

    assert [(line.message, logging.getLevelName(line.level)) for line in logs] == [("x", level)]


def test_an_exception_is_shown_with_its_causes_as_deep_as_they_go() -> None:
    given: dict[str, Any] | None = None
    for number in range(200):
        stack = ['  File "a.py", line 3, in f\n    g()\n', "at g (b.js:7)"]
        given = {"message": f"m{number}", "stack": stack, "name": "Boom", "cause": given, "context": None}

    _, _, engine = handled(lambda handler: handler.handle_message(message("closed", exception=given)))

    error = engine[-1].error
    assert error is not None
    assert (error.class_name, error.message) == ("Boom", "m199")
    assert (error.frames[0].file, error.frames[0].line, error.frames[0].function) == ("a.py", 3, "f")
    assert "b.js:7" in str(error.frames[1])
    assert error.cause is not None


VALUES: dict[str, Any] = {
    "__infer__": {"a": 1},
    "text": "x",
    "url": "https://example.com",
    "path": "/a",
    "notebook": "/a.ipynb",
    "json": [1, {"a": None}],
    "md": "*x*",
    "float": 1.5,
    "int": 3,
    "bool": True,
    "timestamp": 1.5,
    "dagster_run": "01a1",
    "asset": "shop/orders",
    "null": None,
    "table": {"records": [{"a": 1}], "schema": [{"name": "a", "type": "int"}]},
    "table_schema": {"columns": [{"name": "a", "type": "int", "description": "x", "constraints": {"nullable": False}}]},
    "table_column_lineage": {"deps_by_column": {"a": [{"asset_key": "raw", "column_name": "b"}]}},
}


def test_every_type_of_metadata_is_tried_here() -> None:
    assert VALUES.keys() == KINDS.keys()


@pytest.mark.parametrize("kind", VALUES)
def test_metadata_of_every_type_is_kept(kind: str) -> None:
    value = {"type": kind, "raw_value": VALUES[kind]}

    def do(handler: PipesMessageHandler) -> Any:
        handler.handle_message(
            message("report_asset_materialization", asset_key="made", data_version=None, metadata={"x": value})
        )
        return handler.results()[0].metadata["x"]

    found, logs, _ = handled(do)

    assert found is not None
    assert not [line for line in logs if "WEFT-" in line.message]


def test_metadata_of_an_unknown_type_is_kept_as_it_looks() -> None:
    def do(handler: PipesMessageHandler) -> Any:
        value = {"type": "colour", "raw_value": "blue"}
        handler.handle_message(message("report_asset_materialization", asset_key="made", metadata={"x": value}))
        return handler.results()[0].metadata["x"].value

    found, logs, _ = handled(do)

    assert found == "blue"
    assert ["WEFT-X208" in line.message for line in logs if line.level == logging.WARNING] == [True]
