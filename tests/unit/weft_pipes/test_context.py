"""What a program sees of its step, and what it is refused."""

from __future__ import annotations

import json
import os
import signal
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from weft_pipes import (
    PipesContext,
    PipesError,
    PipesMappingParamsLoader,
    PipesMessageWriter,
    PipesMessageWriterChannel,
    encode_param,
    open_weft_pipes,
)

DATA: dict[str, Any] = {
    "asset_keys": ["shop/orders"],
    "code_version_by_asset_key": {"shop/orders": "v1"},
    "provenance_by_asset_key": {
        "shop/orders": {"code_version": "v0", "input_data_versions": {"raw": "a"}, "is_user_provided": False}
    },
    "partition_key": "2026-01-01",
    "partition_key_range": {"start": "2026-01-01", "end": "2026-01-01"},
    "partition_time_window": {"start": "2026-01-01T00:00:00+00:00", "end": "2026-01-02T00:00:00+00:00"},
    "run_id": "r1",
    "job_name": "nightly",
    "retry_number": 2,
    "extras": {"limit": 5},
}


class Kept(PipesMessageWriter, PipesMessageWriterChannel):
    """A transport of one's own: a list."""

    def __init__(self) -> None:
        self.messages: list[Mapping[str, Any]] = []
        self.during = lambda: None

    @contextmanager
    def open(self, params: Mapping[str, Any]) -> Iterator[PipesMessageWriterChannel]:
        yield self

    def write_message(self, message: Mapping[str, Any]) -> None:
        during, self.during = self.during, lambda: None
        during()
        self.messages.append(message)

    def get_opened_extras(self) -> Mapping[str, Any]:
        return {"log": "/var/log/x"}

    def of(self, method: str) -> list[Mapping[str, Any]]:
        return [message["params"] for message in self.messages if message["method"] == method]


@contextmanager
def opened(**changes: Any) -> Iterator[tuple[PipesContext, Kept]]:
    writer = Kept()
    params = PipesMappingParamsLoader(
        {
            "DAGSTER_PIPES_CONTEXT": encode_param({"data": {**DATA, **changes}}),
            "DAGSTER_PIPES_MESSAGES": encode_param({}),
        }
    )
    with open_weft_pipes(message_writer=writer, params_loader=params) as context:
        yield context, writer


def test_the_context_says_what_the_step_is() -> None:
    with opened() as (context, _):
        assert context.is_connected
        assert context.is_asset_step
        assert context.asset_key == "shop/orders"
        assert context.code_version == "v1"
        assert context.provenance == DATA["provenance_by_asset_key"]["shop/orders"]
        assert context.is_partition_step
        assert context.partition_key == "2026-01-01"
        assert context.partition_key_range == {"start": "2026-01-01", "end": "2026-01-01"}
        assert context.partition_time_window["start"] == "2026-01-01T00:00:00+00:00"
        assert (context.run_id, context.job_name, context.retry_number) == ("r1", "nightly", 2)
        assert context.get_extra("limit") == 5


def test_what_is_not_defined_for_the_step_raises_with_the_reason() -> None:
    with opened(asset_keys=None, partition_key=None, partition_key_range=None, partition_time_window=None) as (
        context,
        _,
    ):
        assert not context.is_asset_step
        assert not context.is_partition_step
        for name in ("asset_key", "asset_keys", "partition_key", "partition_key_range", "partition_time_window"):
            with pytest.raises(PipesError, match="not defined: the step has no"):
                getattr(context, name)
        with pytest.raises(PipesError, match='no extra "size"; there are: limit'):
            context.get_extra("size")


def test_messages_are_numbered_from_opened_to_closed() -> None:
    with opened() as (context, writer):
        context.log.info("making %s", "orders")
        context.report_asset_materialization({"rows": 3, "note": {"type": "md", "raw_value": "*x*"}}, data_version="d")
        context.report_asset_check("not_empty", True, "WARN")
        context.report_custom_message([1, {"a": None}])
        context.log_external_stream("stderr", "oh\n")
    assert [message["weft_seq"] for message in writer.messages] == list(range(1, 8))
    assert len({message["weft_writer"] for message in writer.messages}) == 1
    assert {message["__dagster_pipes_version"] for message in writer.messages} == {"0.1"}
    assert [message["method"] for message in writer.messages] == [
        "opened",
        "log",
        "report_asset_materialization",
        "report_asset_check",
        "report_custom_message",
        "log_external_stream",
        "closed",
    ]
    assert writer.of("opened") == [{"extras": {"log": "/var/log/x"}}]
    assert writer.of("log") == [{"message": "making orders", "level": "INFO"}]
    assert writer.of("report_asset_materialization") == [
        {
            "asset_key": "shop/orders",
            "data_version": "d",
            "metadata": {
                "rows": {"raw_value": 3, "type": "__infer__"},
                "note": {"type": "md", "raw_value": "*x*"},
            },
        }
    ]
    assert writer.of("closed") == [{}]


def test_an_exception_is_told_with_its_causes() -> None:
    with pytest.raises(RuntimeError), opened() as (_, writer):
        try:
            raise KeyError("inner")
        except KeyError as error:
            raise RuntimeError("outer") from error
    exception = writer.of("closed")[0]["exception"]
    assert exception.keys() == {"message", "stack", "name", "cause", "context"}
    assert exception["name"] == "RuntimeError"
    assert exception["message"] == "RuntimeError: outer\n"
    assert "test_context.py" in exception["stack"][-1]
    assert exception["cause"]["name"] == "KeyError"
    assert exception["context"] is None
    json.dumps(exception)


def test_leaving_by_exit_is_no_exception() -> None:
    with pytest.raises(SystemExit), opened() as (_, writer):
        raise SystemExit(0)
    assert writer.of("closed") == [{}]


def test_after_the_end_nothing_is_written() -> None:
    with opened() as (context, writer):
        context.close()
        context.close()
        assert context.is_closed
        with pytest.raises(PipesError, match="closed"):
            context.report_custom_message(1)
    assert [message["method"] for message in writer.messages] == ["opened", "closed"]


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (lambda c: c.report_asset_materialization(asset_key="other"), "none of the assets"),
        (lambda c: c.report_asset_materialization({"x": {"a": 1}}), "exactly these two keys"),
        (lambda c: c.report_asset_materialization({"x": {"type": "colour", "raw_value": 1}}), "unknown type 'colour'"),
        (lambda c: c.report_asset_materialization({"x": object()}), "not JSON"),
        (lambda c: c.report_asset_materialization({1: 2}), "labels of metadata are texts"),
        (lambda c: c.report_asset_materialization([1]), "metadata is a dict"),
        (lambda c: c.report_asset_materialization(data_version=7), "a data version is a text"),
        (lambda c: c.report_asset_check("ok", 1), "passed is True or False"),
        (lambda c: c.report_asset_check("ok", True, "BAD"), "WARN or ERROR"),
        (lambda c: c.report_asset_check(7, True), "name of a check"),
        (lambda c: c.report_custom_message({1, 2}), "not JSON"),
        (lambda c: c.log_external_stream("stdlog", "x"), "stdout or stderr"),
    ],
)
def test_what_cannot_be_sent_is_refused_before_it_has_a_number(report: Any, words: str) -> None:
    with opened() as (context, writer):
        with pytest.raises(PipesError, match=words):
            report(context)
        context.report_asset_materialization()
        with pytest.raises(PipesError, match="reported already"):
            context.report_asset_materialization()
    assert [message["weft_seq"] for message in writer.messages] == [1, 2, 3]


def test_a_signal_handler_may_report_while_a_message_is_written() -> None:
    """Its message comes after the one that it interrupted: numbers stay in the order of writing."""
    with opened() as (context, writer):
        before = signal.signal(signal.SIGUSR1, lambda *_: context.report_custom_message("from the handler"))
        try:
            writer.during = lambda: signal.raise_signal(signal.SIGUSR1)
            context.report_custom_message("interrupted")
        finally:
            signal.signal(signal.SIGUSR1, before)
    assert [params["payload"] for params in writer.of("report_custom_message")] == ["interrupted", "from the handler"]
    assert [message["weft_seq"] for message in writer.messages] == [1, 2, 3, 4]


def test_threads_may_report_together() -> None:
    with opened() as (context, writer):
        threads = [
            threading.Thread(target=lambda: [context.report_custom_message(1) for _ in range(200)]) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [message["weft_seq"] for message in writer.messages] == list(range(1, 803))


def test_a_forked_child_is_a_writer_of_its_own_and_does_not_close(tmp_path: Path) -> None:
    path = tmp_path / "messages"
    params = PipesMappingParamsLoader(
        {
            "DAGSTER_PIPES_CONTEXT": encode_param({"data": DATA}),
            "DAGSTER_PIPES_MESSAGES": encode_param({"path": str(path)}),
        }
    )
    with open_weft_pipes(params_loader=params) as context:
        child = os.fork()
        if child == 0:
            context.log.info("from the child")
            context.close()
            os._exit(0)
        os.waitpid(child, 0)
    messages = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(message["method"], message["weft_seq"]) for message in messages] == [
        ("opened", 1),
        ("log", 1),
        ("closed", 2),
    ]
    assert messages[0]["weft_writer"] == messages[2]["weft_writer"] != messages[1]["weft_writer"]


def test_opening_again_gives_the_same_context_until_it_is_closed() -> None:
    with opened() as (context, writer):
        assert open_weft_pipes() is context
    with opened() as (other, _):
        assert other is not context
    assert len(writer.of("opened")) == 1


def test_outside_of_an_orchestrator_calls_do_nothing_with_a_warning() -> None:
    with pytest.warns(UserWarning, match="not started by an orchestrator"):
        context = open_weft_pipes(
            params_loader=PipesMappingParamsLoader({}), outside={"partition_key": "2026-01-01", "extras": {"limit": 1}}
        )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not context.is_connected
        assert context.partition_key == "2026-01-01"
        assert context.get_extra("limit") == 1
        context.log.info("nobody hears it")
        context.report_asset_materialization({"rows": 1})
        context.report_asset_check("ok", True, asset_key="any")
        context.close()
    assert context.is_closed


def test_one_of_two_parameters_is_an_error() -> None:
    params = PipesMappingParamsLoader({"DAGSTER_PIPES_CONTEXT": encode_param({"data": DATA})})
    with pytest.raises(PipesError, match="DAGSTER_PIPES_MESSAGES is missing"):
        open_weft_pipes(params_loader=params)
