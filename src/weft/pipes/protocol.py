"""The wire: names of variables, how their values are encoded, and the envelope of a message.

Both sides are versioned by one constant that has never changed. The other side may be a program of any age in any language, so reading is
lenient where nothing is lost by it: unknown fields are ignored, and numbers that JSON does not know (``NaN``) are understood.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Mapping
from typing import Any, TypeAlias, TypedDict

import msgspec
from msgspec import Struct

from weft.errors import InvocationError

PROTOCOL_VERSION = "0.1"
VERSION_FIELD = "__dagster_pipes_version"

CONTEXT_VARIABLE = "DAGSTER_PIPES_CONTEXT"
MESSAGES_VARIABLE = "DAGSTER_PIPES_MESSAGES"
CONTEXT_ARGUMENT = "--dagster-pipes-context"
MESSAGES_ARGUMENT = "--dagster-pipes-messages"

INCLUDE_STDIO = "include_stdio_in_messages"
COMPOSITE_WRITERS = "dagster_pipes_composite_writers"

PipesParams: TypeAlias = Mapping[str, Any]
"""What one side tells the other of where to read or write; JSON."""


class PipesLaunchedData(TypedDict, total=False):
    """What a client knows once the program runs, for readers that need it: where its log is, under which id it runs."""

    extras: Mapping[str, Any]


class PipesOpenedData(TypedDict, total=False):
    """What the program says when it opens the channel."""

    extras: Mapping[str, Any]


class PipesMessage(Struct, frozen=True, gc=False):
    """One line of the channel.

    `writer` and `seq` are an addition of ours, ignored by others: who wrote it, and which of its messages it is, from 1. With them a message that
    is sent again after a broken connection is recognised.
    """

    version: str = msgspec.field(name=VERSION_FIELD)
    method: str
    params: dict[str, Any] | None = None
    writer: str | None = msgspec.field(name="weft_writer", default=None)
    seq: int | None = msgspec.field(name="weft_seq", default=None)

    @property
    def given(self) -> dict[str, Any]:
        """The parameters; empty where there are none."""
        return self.params or {}


class MalformedMessage(Exception):  # not an error that users see: it becomes a line of the log
    """A line that is no message; the text says why."""


_LINE = msgspec.json.Decoder(PipesMessage)


def json_text(value: Any) -> str:
    """A value that an external process is handed, as JSON.

    Raises:
        InvocationError: (WEFT-I200) JSON cannot carry it.
    """
    try:
        return json.dumps(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvocationError(
            "what is handed to an external process must be JSON.",
            code="WEFT-I200",
            facts={"why": str(error)},
            fix="give extras of strings, numbers, bools, lists and dicts; turn dates and paths into text",
        ) from error


def encode_param(value: Any) -> str:
    """A value as the text of a variable or argument: JSON, compressed, in base64.

    Raises:
        InvocationError: (WEFT-I200) JSON cannot carry it.
    """
    return base64.b64encode(zlib.compress(json_text(value).encode())).decode("ascii")


def decode_param(text: str) -> Any:
    """The value in a text that `encode_param` (of either side) made.

    Raises:
        ValueError: it is no such text.
    """
    try:
        return json.loads(zlib.decompress(base64.b64decode(text, validate=True)))
    except (binascii.Error, zlib.error) as error:
        raise ValueError(f"not a parameter of Pipes: {error}") from error


def decode_lines(data: bytes) -> list[PipesMessage] | None:
    """All messages of a number of whole lines at once, which is several times as fast; None where one of them needs a closer look."""
    try:
        found: list[PipesMessage] = _LINE.decode_lines(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return found


def decode_line(line: bytes | str) -> PipesMessage:
    """The message in one line.

    Raises:
        MalformedMessage: it is none.
    """
    try:
        return _LINE.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _decode_leniently(line)


def message_of(given: Any) -> PipesMessage:
    """A message from what a reader of the user's own hands over: a mapping as decoded from JSON.

    Raises:
        MalformedMessage: it is none.
    """
    if isinstance(given, PipesMessage):
        return given
    try:
        return msgspec.convert(given, PipesMessage)
    except msgspec.ValidationError as error:
        raise MalformedMessage(str(error)) from error


def split_stream_line(line: bytes) -> tuple[bytes, bytes]:
    """A line of a stream that carries other text as well: the text, and the message; either may be empty.

    A message is a line of its own, a JSON object with the field of the version. One that begins behind text whose line was not ended is found as well.
    """
    if VERSION_FIELD.encode() not in line:
        return line, b""
    if _is_message(line):
        return b"", line
    start = line.find(_USUAL_START, 1)
    if start > 0 and _is_message(line[start:]):
        return line[:start], line[start:]
    return line, b""


# How every known writer begins a message.
_USUAL_START = b'{"' + VERSION_FIELD.encode() + b'"'


def _is_message(line: bytes) -> bool:
    text = line.strip()
    if not text.startswith(b"{") or not text.endswith(b"}"):
        return False
    try:
        found = json.loads(text.decode("utf-8", "backslashreplace"))
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and VERSION_FIELD in found


def _decode_leniently(line: bytes | str) -> PipesMessage:
    """As JSON is written by languages whose writers know more than the standard: NaN, halves of surrogate pairs, other bytes than UTF-8."""
    text = line if isinstance(line, str) else line.decode("utf-8", "surrogateescape")
    try:
        clean = _storable(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise MalformedMessage(f"it is no JSON ({error})") from error
    if not isinstance(clean, dict):
        raise MalformedMessage(f"it is JSON, but {type(clean).__name__} in place of an object")
    if VERSION_FIELD not in clean:
        raise MalformedMessage(f"it has no field {VERSION_FIELD}")
    return message_of(clean)


def _storable(value: Any) -> Any:
    """The value, where its texts are Unicode; what is not in them is shown as what it is: ``\\xff``, ``\\ud800``."""
    if isinstance(value, str):
        if value.isascii():
            return value
        try:
            return value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        except UnicodeEncodeError:
            return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, dict):
        return {_storable(key): _storable(item) for key, item in value.items()}
    return value
