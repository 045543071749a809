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
from weft.model.step import LogRange, Step, StepStatus


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
    store: ComputeLogStore, run: Run, steps: Sequence[Step], streams: Sequence[str], *, step_key: str | None = None
) -> Iterator[Chunk]:
    """What a run printed.

    What stands behind the last range belongs to the step that never ended, where exactly one did not: it runs, or its process was killed.

    Args:
        store: where it is kept.
        run: the run.
        steps: all its steps, in the order in which to read them.
        streams: ``stdout``, ``stderr``, or both.
        step_key: only what this step printed.
    """
    by_stream = {stream: _pieces(store, run, steps, stream) for stream in cast("Sequence[Stream]", streams)}
    if step_key is not None:
        by_stream = {
            stream: [piece for piece in pieces if piece.step_key == step_key] for stream, pieces in by_stream.items()
        }
    if len(by_stream) == 1:
        for stream, pieces in by_stream.items():
            yield from (chunk for piece in pieces for chunk in _read(store, run, piece, stream))
        return
    # Both streams of a step stand together; the order between them is not known.
    for key in (None, *(step.key for step in steps)):
        for stream, pieces in by_stream.items():
            for piece in pieces:
                if piece.step_key == key:
                    yield from _read(store, run, piece, stream)


def _pieces(store: ComputeLogStore, run: Run, steps: Sequence[Step], stream: Stream) -> list[_Piece]:
    """Every byte of the stream, in order: the ranges of steps, and what lies between and behind them."""
    unended = [step.key for step in steps if step.status is StepStatus.RUNNING]
    last = unended[0] if len(unended) == 1 else None
    ranges = [_Piece(step.key, one.file_key, *_bounds(one, stream)) for step in steps for one in step.logs]
    found: list[_Piece] = []
    for captured in store.files(run.id):
        position = 0
        size = captured.stdout_bytes if stream == "stdout" else captured.stderr_bytes
        for piece in sorted((one for one in ranges if one.file_key == captured.file_key), key=lambda one: one.start):
            if piece.start > position:
                found.append(_Piece(None, captured.file_key, position, piece.start))
            if piece.end > piece.start:
                found.append(piece)
            position = max(position, piece.end)
        if size > position:
            found.append(_Piece(last, captured.file_key, position, size))
    return found


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
