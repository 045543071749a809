"""The wire: what one side encodes the other decodes, and messages are found in any stream."""

from __future__ import annotations

import json

import dagster_pipes
import pytest
from hypothesis import given, strategies as st

import weft_pipes
from weft.pipes.protocol import (
    MalformedMessage,
    decode_line,
    decode_lines,
    decode_param,
    encode_param,
    split_stream_line,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
SIDES = [(encode_param, decode_param), (dagster_pipes.encode_param, dagster_pipes.decode_param)]
SIDES.append((weft_pipes.encode_param, weft_pipes.decode_param))


@given(JSON)
def test_a_parameter_of_any_side_is_read_by_every_side(value: object) -> None:
    for encode, _ in SIDES:
        for _, decode in SIDES:
            assert decode(encode(value)) == value


@given(st.text())
def test_what_is_no_parameter_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        decode_param(text)
    with pytest.raises(weft_pipes.PipesError):
        weft_pipes.decode_param(text)


def line(method: str = "log", **params: object) -> bytes:
    return json.dumps({"__dagster_pipes_version": "0.1", "method": method, "params": params}).encode()


@given(st.lists(JSON, max_size=5))
def test_lines_read_together_are_those_read_alone(payloads: list[object]) -> None:
    lines = [line(payload=payload) for payload in payloads]

    together = decode_lines(b"".join(one + b"\n" for one in lines))

    assert together is None or together == [decode_line(one) for one in lines]


def test_numbers_and_texts_beyond_the_standard_are_understood() -> None:
    found = decode_line(
        b'{"__dagster_pipes_version": "0.1", "method": "log", "params": {"a": NaN, "b": "\\ud800", "c": "\xff"}}'
    )

    assert found.params is not None
    assert str(found.params["a"]) == "nan"
    assert found.params["b"] == "\\ud800"
    assert found.params["c"] == "\\xff"


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b'{"method": "log"}', b'{"__dagster_pipes_version": "0.1"}', b"[" * 100_000]
)
def test_what_is_no_message_is_refused(text: bytes) -> None:
    with pytest.raises(MalformedMessage):
        decode_line(text)


@given(st.binary(max_size=50))
def test_a_line_is_divided_without_loss(text: bytes) -> None:
    for whole in (text, text + line(message="x"), line(message="x") + text, line(message="x")):
        assert b"".join(split_stream_line(whole)) == whole


@given(st.binary(max_size=50))
def test_a_message_is_found_behind_text_that_has_no_end(text: bytes) -> None:
    message = line(message="x")

    assert split_stream_line(text + message + b"\n") == (text, message + b"\n") or not text.strip()


@pytest.mark.parametrize(
    "text",
    [
        b"plain\n",
        b'{"a": 1}\n',
        b'"__dagster_pipes_version"\n',
        b'{"x": "__dagster_pipes_version"}\n',
        b'{"__dagster_pipes_version": \n',
    ],
)
def test_what_only_looks_like_a_message_stays_text(text: bytes) -> None:
    assert split_stream_line(text) == (text, b"")
