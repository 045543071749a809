"""Encoding of model values: msgpack, one codec for storage, journal and wire.

msgspec encodes structs natively; the few hand-written value classes (`AssetKey`, `AssetCheckKey`) go through the hooks here.
Decoding validates: a value of the wrong shape raises ``msgspec.ValidationError``, never yields a half-built object.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec

from weft.errors import DefinitionError
from weft.model.keys import AssetCheckKey, AssetKey

T = TypeVar("T")


def _to_builtin(value: Any) -> Any:
    if isinstance(value, AssetKey):
        return value.parts
    if isinstance(value, AssetCheckKey):
        return (*value.asset_key.parts, value.name)
    if isinstance(value, str):  # of a subclass: keys of several dimensions, text of numpy
        return str.__str__(value)
    raise NotImplementedError(f"{type(value).__name__} is not a model value")


def _from_builtin(kind: type, value: Any) -> Any:
    try:
        if kind is AssetKey:
            return AssetKey(value)
        if kind is AssetCheckKey:
            *path, name = value
            return AssetCheckKey(AssetKey(path), name)
    except DefinitionError as error:
        raise ValueError(error.what) from error  # what msgspec takes for a failed validation
    raise NotImplementedError(f"{kind.__name__} is not a model value")


_ENCODER = msgspec.msgpack.Encoder(enc_hook=_to_builtin)


def encode(value: Any) -> bytes:
    """`value` as msgpack."""
    return _ENCODER.encode(value)


class Decoder(Generic[T]):
    """Decodes msgpack to one type; make it once, use it often. (Building one takes far longer than a decode.)"""

    __slots__ = ("_decoder", "_kind")

    def __init__(self, kind: type[T] | Any) -> None:
        self._kind = kind
        self._decoder: msgspec.msgpack.Decoder[T] | None = None

    def decode(self, data: bytes) -> T:
        """The value that `data` encodes.

        Raises:
            msgspec.ValidationError: `data` is msgpack of another shape.
            msgspec.DecodeError: `data` is not msgpack.
        """
        if self._decoder is None:  # built on first use: keeps it off the import path
            self._decoder = msgspec.msgpack.Decoder(self._kind, dec_hook=_from_builtin)
        return self._decoder.decode(data)

    def build(self) -> None:
        """Build it now: before a fork, so that no child has to."""
        if self._decoder is None:
            self._decoder = msgspec.msgpack.Decoder(self._kind, dec_hook=_from_builtin)


def to_json(value: Any) -> bytes:
    """`value` as JSON, for people and programs outside."""
    return msgspec.json.encode(value, enc_hook=_to_builtin)


def to_builtins(value: Any) -> Any:
    """`value` as dicts, lists and scalars that JSON can carry."""
    return msgspec.to_builtins(value, enc_hook=_to_builtin)


def from_builtins(data: Any, kind: type[T]) -> T:
    """The value of a type that `to_builtins` gave as `data`.

    Raises:
        msgspec.ValidationError: `data` is of another shape.
    """
    return msgspec.convert(data, kind, dec_hook=_from_builtin)
