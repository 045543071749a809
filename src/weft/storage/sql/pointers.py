"""Event pointers as bytes: an array in msgpack, a third of the size of the struct with its field names."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import ValidationError

from weft.model.asset_state import EventPointer
from weft.model.codec import Decoder, encode

# Fields are only ever added at the end, with the decoder taking the older, shorter form as well.
_Short: TypeAlias = tuple[
    int, str, float, str | None, str | None, str | None, str | None, dict[str, str], dict[str, str]
]
_Fields: TypeAlias = tuple[
    int, str, float, str | None, str | None, str | None, str | None, dict[str, str], dict[str, str], bool
]
_DECODER: Decoder[_Fields] = Decoder(_Fields)
_SHORT_DECODER: Decoder[_Short] = Decoder(_Short)


def pointer_to_bytes(pointer: EventPointer) -> bytes:
    """`pointer` as it is stored."""
    return encode(
        (
            pointer.event_id,
            pointer.run_id,
            pointer.time,
            pointer.step_key,
            pointer.partition,
            pointer.data_version,
            pointer.code_version,
            pointer.input_data_versions,
            pointer.tags,
            pointer.has_value,
        )
    )


def pointer_from_bytes(data: bytes) -> EventPointer:
    """The pointer that `pointer_to_bytes` wrote."""
    event_id, run_id, time, step_key, partition, data_version, code_version, inputs, tags, has_value = _decoded(data)
    return EventPointer(
        event_id=event_id,
        run_id=run_id,
        time=time,
        step_key=step_key,
        partition=partition,
        data_version=data_version,
        code_version=code_version,
        input_data_versions=inputs,
        tags=tags,
        has_value=has_value,
    )


def _decoded(data: bytes) -> _Fields:
    try:
        return _DECODER.decode(data)
    except ValidationError:  # written before values were noted
        return (*_SHORT_DECODER.decode(data), False)


def optional_pointer(data: bytes | None) -> EventPointer | None:
    """The pointer of a column that may be NULL."""
    return None if data is None else pointer_from_bytes(data)
