"""What can be asked through a gateway: the methods of the ports, with their own signatures as the schema."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec
from msgspec import Raw, Struct

from weft.errors import RunNotFoundError, StorageError, UsageError, WeftError
from weft.model.codec import Decoder, encode
from weft.storage.ports import (
    AssetStore,
    CheckStore,
    DynamicPartitionStore,
    EventLog,
    History,
    KeyValue,
    LeaseStore,
    PoolStore,
    RunQueue,
    RunStore,
    SnapshotStore,
)

PORTS: Mapping[str, type] = {
    "runs": RunStore,
    "events": EventLog,
    "assets": AssetStore,
    "checks": CheckStore,
    "dynamic_partitions": DynamicPartitionStore,
    "snapshots": SnapshotStore,
    "keyvalue": KeyValue,
    "queue": RunQueue,
    "leases": LeaseStore,
    "pools": PoolStore,
    "history": History,
}

NOT_OFFERED = frozenset({"queue.dequeue", "queue.relane"})
"""They take functions, and are for daemons only."""

NOTIFY = "wakeups.notify"
"""The one call that is none of a port's: its argument is a topic."""


class Request(Struct, frozen=True, array_like=True):
    """A call: ``port.method`` and its arguments, encoded."""

    call: str
    arguments: Raw


class Answer(Struct, frozen=True, tag="answer"):
    """What the method gave."""

    value: Raw


class Failure(Struct, frozen=True, tag="failure", kw_only=True):
    """What the method raised. Facts are text."""

    kind: str
    code: str
    what: str
    facts: Mapping[str, str] = {}
    fix: str | None = None
    may_pass: bool = False


REQUEST_DECODER: Decoder[Request] = Decoder(Request)
REPLY_DECODER: Decoder[Answer | Failure] = Decoder(Answer | Failure)

_KINDS: Mapping[str, type[WeftError]] = {kind.__name__: kind for kind in (StorageError, RunNotFoundError, UsageError)}


class Call:
    """One method of a port, with what encodes its arguments and its result."""

    def __init__(self, name: str, method: Any) -> None:
        self.name = name
        hints = typing.get_type_hints(method)
        self._signature = inspect.Signature(
            [one for one in inspect.signature(method).parameters.values() if one.name != "self"]
        )
        fields: list[Any] = []
        for parameter in self._signature.parameters.values():
            hint = hints[parameter.name]
            fields.append(
                (parameter.name, hint)
                if parameter.default is inspect.Parameter.empty
                else (parameter.name, hint, parameter.default)
            )
        self._arguments = msgspec.defstruct(f"Arguments of {name}", fields, kw_only=True, frozen=True)
        self._argument_decoder: Decoder[Any] = Decoder(self._arguments)
        self._result_decoder: Decoder[Any] = Decoder(hints["return"])

    def encode_arguments(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bytes:
        """The arguments of a call, as a caller gives them.

        Raises:
            TypeError: they do not fit the signature.
        """
        return encode(self._signature.bind(*args, **kwargs).arguments)

    def decode_arguments(self, data: Raw) -> dict[str, Any]:
        """The arguments, checked against the types of the port.

        Raises:
            msgspec.DecodeError: they do not fit.
        """
        given = self._argument_decoder.decode(bytes(data))
        return {name: getattr(given, name) for name in self._arguments.__struct_fields__}

    def decode_result(self, data: Raw) -> Any:
        """What the method gave."""
        return self._result_decoder.decode(bytes(data))


@cache
def call_named(name: str) -> Call | None:
    """The call ``port.method``, or None where nothing of that name is offered."""
    port, _, method = name.partition(".")
    kind = PORTS.get(port)
    if kind is None or name in NOT_OFFERED or method.startswith("_"):
        return None
    found = vars(kind).get(method)
    return Call(name, found) if callable(found) else None


def all_calls() -> list[str]:
    """The names of everything that is offered."""
    return [
        f"{port}.{method}"
        for port, kind in PORTS.items()
        for method in vars(kind)
        if call_named(f"{port}.{method}") is not None
    ]


def failure_of(error: WeftError) -> Failure:
    """An error, for the other side."""
    return Failure(
        kind=type(error).__name__,
        code=error.code,
        what=error.what,
        facts={label: str(value) for label, value in error.facts.items()},
        fix=error.fix,
        may_pass=getattr(error, "may_pass", False),
    )


def raised_by(failure: Failure) -> WeftError:
    """The error that a failure stands for."""
    kind = _KINDS.get(failure.kind, StorageError)
    error = kind(failure.what, code=failure.code, facts=dict(failure.facts), fix=failure.fix)
    if isinstance(error, StorageError):
        error.may_pass = failure.may_pass
    return error
