"""Reading captured output back, step by step, as text.

A step is a range of bytes in the files of its run. What lies between the ranges was printed outside of steps: by resources, by hooks, while the run began.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from typing import NamedTuple, cast

from weft.logs.capture import Stream
from weft.logs.store import MOST_BYTES, ComputeLogStore
from weft.model.run import Run
from weft.model.step import LogRange, Step


class Chunk(NamedTuple):
    """Some text of one stream. `step_key` is None for what was printed outside of steps."""

    step_key: str | None
    stream: Stream
    text: str


class _Piece(NamedTuple):
    step_key: str | None
    file_key: str
    start: int
    end: int


def captured_chunks(
    store: ComputeLogStore, run: Run, steps: Sequence[Step], streams: Sequence[str], *, whole: bool
) -> Iterator[Chunk]:
    """What `steps` printed, step by step, in the order of their output.

    Args:
        store: where it is kept.
        run: the run.
        steps: whose output to read.
        streams: ``stdout``, ``stderr``, or both.
        whole: also what was printed outside of steps, and by a step that never ended.
    """
    ranges = [(step.key, one) for step in steps for one in step.logs]
    by_stream = {
        stream: _pieces(store, run, ranges, stream, whole=whole) for stream in cast("Sequence[Stream]", streams)
    }
    if len(by_stream) == 1:
        for stream, pieces in by_stream.items():
            yield from (chunk for piece in pieces for chunk in _read(store, run, piece, stream))
        return
    # Both streams of a step stand together; the order between them is not known.
    keys = dict.fromkeys(piece.step_key for pieces in by_stream.values() for piece in pieces)
    for key in keys:
        for stream, pieces in by_stream.items():
            for piece in pieces:
                if piece.step_key == key:
                    yield from _read(store, run, piece, stream)


def _pieces(
    store: ComputeLogStore, run: Run, ranges: Sequence[tuple[str, LogRange]], stream: Stream, *, whole: bool
) -> list[_Piece]:
    pieces = [_Piece(key, one.file_key, *_bounds(one, stream)) for key, one in ranges]
    pieces = sorted((one for one in pieces if one.end > one.start), key=lambda one: (one.file_key, one.start))
    if not whole:
        return pieces
    filled: list[_Piece] = []
    for captured in store.files(run.id):
        position = 0
        size = captured.stdout_bytes if stream == "stdout" else captured.stderr_bytes
        for piece in [one for one in pieces if one.file_key == captured.file_key]:
            if piece.start > position:
                filled.append(_Piece(None, captured.file_key, position, piece.start))
            filled.append(piece)
            position = max(position, piece.end)
        if size > position:
            filled.append(_Piece(None, captured.file_key, position, size))
    return filled


def _bounds(one: LogRange, stream: Stream) -> tuple[int, int]:
    return (one.stdout_start, one.stdout_end) if stream == "stdout" else (one.stderr_start, one.stderr_end)


def _read(store: ComputeLogStore, run: Run, piece: _Piece, stream: Stream) -> Iterator[Chunk]:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    position = piece.start
    while position < piece.end:
        data = store.read(run.id, piece.file_key, stream, position, min(piece.end, position + MOST_BYTES))
        if not data:
            break  # the file was shortened, or is gone
        position += len(data)
        text = decoder.decode(data, final=position >= piece.end)
        if text:
            yield Chunk(piece.step_key, stream, text)
