"""Chunks in a store: each once, in order, whatever fails."""

from __future__ import annotations

import json
import os
import threading
from typing import Any

import pytest
from hypothesis import given, strategies as st

from weft_pipes import PipesBlobStoreMessageWriterChannel, PipesError


class Store(PipesBlobStoreMessageWriterChannel):
    """Fails as it is told; what fails may have arrived all the same."""

    def __init__(self, failures: list[str], interval: float = 3600) -> None:
        super().__init__(interval=interval)
        self.failures = failures
        self.chunks: dict[int, str] = {}
        self.uploaded = threading.Event()

    def upload_messages_chunk(self, payload: str, index: int) -> None:
        failure = self.failures.pop(0) if self.failures else ""
        if failure != "lost":
            self.chunks[index] = payload
        if failure:
            raise OSError(failure)
        self.uploaded.set()

    def numbers(self) -> list[int]:
        assert list(self.chunks) == list(range(1, len(self.chunks) + 1))
        return [json.loads(line)["n"] for chunk in self.chunks.values() for line in chunk.split("\n")]


@given(st.lists(st.sampled_from(["", "lost", "arrived"]), max_size=4))
def test_what_fails_is_uploaded_again_before_anything_later(failures: list[str]) -> None:
    store = Store(list(failures))
    for number in range(6):
        store.write_message({"n": number})
        try:
            store.upload()
        except OSError:
            continue
    while store._payload is not None or store._lines:
        store.upload()

    assert store.numbers() == list(range(6))


def test_messages_are_uploaded_while_the_program_runs(capfd: Any) -> None:
    store = Store(["lost"], interval=0.01)
    with store.buffered_upload_loop():
        store.write_message({"n": 0})
        assert store.uploaded.wait(10)
        store.write_message({"n": 1})

    assert store.numbers() == [0, 1]
    assert "trying again: lost" in capfd.readouterr().err


def test_the_last_upload_is_tried_several_times_and_then_fails() -> None:
    store = Store(["lost"] * 3)
    with store.buffered_upload_loop():
        store.write_message({"n": 0})
    assert store.numbers() == [0]


def test_a_forked_child_is_refused() -> None:
    store = Store([])
    child = os.fork()
    if child == 0:
        store.after_fork()
        try:
            store.write_message({"n": 0})
        except PipesError:
            os._exit(7)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_the_interval_is_that_of_the_writer() -> None:
    with pytest.raises(TypeError):
        PipesBlobStoreMessageWriterChannel(interval=1)  # type: ignore[abstract]  # it does not say how to upload
