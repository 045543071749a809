"""Event pointers as bytes: an array in msgpack, a third of the size of the struct with its field names."""

from __future__ import annotations

from weft.model.asset_state import EventPointer
from weft.model.codec import Decoder, encode

# Fields are only ever added at the end, with the decoder taking the older, shorter form as well.
_DECODER: Decoder[
    tuple[int, str, float, str | None, str | None, str | None, str | None, dict[str, str], dict[str, str]]
] = Decoder(tuple[int, str, float, str | None, str | None, str | None, str | None, dict[str, str], dict[str, str]])


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
        )
    )


def pointer_from_bytes(data: bytes) -> EventPointer:
    """The pointer that `pointer_to_bytes` wrote."""
    event_id, run_id, time, step_key, partition, data_version, code_version, inputs, tags = _DECODER.decode(data)
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
    )


def optional_pointer(data: bytes | None) -> EventPointer | None:
    """The pointer of a column that may be NULL."""
    return None if data is None else pointer_from_bytes(data)
