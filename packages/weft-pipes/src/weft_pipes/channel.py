"""Where messages go: the contract that every writer and its channel keep.

Laws: `write_message` is called by one thread at a time, with messages numbered from 1 without gaps; what it has returned from survives the death of
the process, unless the channel says otherwise; a channel that broke writes again what may have been lost, in order, and the numbers tell the
orchestrator what it had already.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

VERSION_FIELD = "__dagster_pipes_version"
PROTOCOL_VERSION = "0.1"
# Additions of weft, which others ignore.
WRITER_FIELD = "weft_writer"
SEQ_FIELD = "weft_seq"


class PipesMessageWriterChannel(ABC):
    """An open channel."""

    @abstractmethod
    def write_message(self, message: Mapping[str, Any]) -> None:
        """Write one message, as it is to be in JSON."""

    def after_fork(self) -> None:  # noqa: B027  # most channels share what they have with the parent
        """The process is a forked child: what belongs to the parent must not be used by both."""


class PipesMessageWriter(ABC):
    """Opens the channel that the orchestrator asks for. Subclass it for a transport of your own."""

    @abstractmethod
    def open(self, params: Mapping[str, Any]) -> AbstractContextManager[PipesMessageWriterChannel]:
        """While open, messages can be written; when it closes, all of them are on their way."""

    def get_opened_extras(self) -> Mapping[str, Any]:
        """What the orchestrator is told when the channel opens, such as where the log of the program is."""
        return {}


def message_of(method: str, params: Mapping[str, Any] | None, writer: str, seq: int) -> Mapping[str, Any]:
    """A message in its envelope."""
    return {
        VERSION_FIELD: PROTOCOL_VERSION,
        "method": method,
        "params": params,
        WRITER_FIELD: writer,
        SEQ_FIELD: seq,
    }


# Written as often as there are messages, so made once; no spaces, which are a tenth of a message.
_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


def line_of(message: Mapping[str, Any]) -> bytes:
    """A message as the line that is written."""
    return f"{_encode(message)}\n".encode("ascii")
