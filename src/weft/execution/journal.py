"""The journal of a worker: an append-only file in which events stand before anybody acts on them.

An `append` that has returned survives the death of the process, whatever kills it: the bytes were handed to the kernel by ``write``. (Not
the death of the machine: see ``docs/design/durability.md``.) A journal is locked for as long as its writer lives, see
`weft.execution.file_lock`; `weft.execution.shipping` brings its events to storage, `weft.execution.orphans` finds those of dead writers.

The file, named ``<run id>.<source>.journal``::

    file    = "weftjrnl" version:u32 frame(header) frame(event)*
    frame   = length:u32 crc32:u32 payload        little-endian; both numbers are about the payload
    payload = msgpack of a JournalHeader or of an Event

Reading rests on one fact: a killed writer leaves a prefix of what it wrote, a power cut may also leave zeros. So a broken frame with no
whole frame behind it is the torn end of the file and ends the reading without an error, while a broken frame with a whole one behind it
is damage, which is never passed over in silence.
"""

from __future__ import annotations

import mmap
import os
import struct
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

import msgspec
from msgspec import Struct

from weft.clock import SYSTEM_CLOCK, Clock
from weft.errors import InternalError, StorageError
from weft.execution.file_lock import LockedFile, close_in_children
from weft.ids import check_run_id
from weft.model.codec import Decoder, encode
from weft.model.events import EVENT_DECODER, WORKER_SOURCE, Event, EventBody
from weft.processes.machine import boot_id, host
from weft.processes.tree import identify

MAGIC = b"weftjrnl"
VERSION = 1
SUFFIX = ".journal"

_VERSION = struct.Struct("<I")
_FRAME = struct.Struct("<II")
_START = len(MAGIC) + _VERSION.size
# How an encoded event goes on after the byte that opens its map: its first field is always there. Finds frames behind damage.
_EVENT_BEGINS = b"\xa6run_id"
_CHUNK_BYTES = 1 << 20

Listener = Callable[[Event], None]
"""Called with each event once it is in the journal, in the thread that wrote it. What it raises goes to the caller of `append`."""

Sink = Callable[[Sequence[Event]], None]
"""Takes events in the order of the journal. Called with the journal locked: quick, and without appending."""


class Journal(Protocol):
    """Where one writer of one run puts its events.

    Laws: numbers count from 1 in the order of writing; listeners see every event after it is written; any thread may append.
    """

    @property
    def run_id(self) -> str: ...
    @property
    def source(self) -> int: ...

    def append(self, body: EventBody, step_key: str | None = None) -> Event:
        """Write one event, numbered and dated here.

        Raises:
            StorageError: it could not be written. The event did not happen.
        """
        ...

    def batch(self) -> AbstractContextManager[None]:
        """While open, events appended by this thread are written together, at the latest when it closes."""
        ...

    def subscribe(self, listener: Listener) -> None:
        """Have `listener` called with every event from now on."""
        ...


class JournalHeader(Struct, frozen=True, kw_only=True):
    """Whose journal it is."""

    run_id: str
    source: int
    pid: int
    # Seconds since the epoch, UTC.
    created_at: float
    # With the pid, the identity of the process: where, since which boot, and when it began in ticks of the kernel. Empty in journals of older versions.
    host: str = ""
    boot_id: str = ""
    started_at_ticks: int = 0


_HEADER_DECODER: Decoder[JournalHeader] = Decoder(JournalHeader)


def journal_path(folder: Path, run_id: str, source: int) -> Path:
    """Where the journal of a writer stands."""
    return folder / f"{check_run_id(run_id)}.{source:d}{SUFFIX}"


class FileJournal:
    """A journal in a file of its own, locked until `close` or the death of the process.

    A forked child cannot append to the journal of its parent; it makes its own, with a source of its own. Code that runs in the middle of an
    `append` of the same thread (a signal handler) may append too; its event then stands before the one that was interrupted.

    Args:
        folder: an existing folder on a local file system.
        run_id: the run.
        source: which writer of the run this is; no other may have the same.
        clock: dates the events.

    Raises:
        StorageError: (WEFT-T051) the file cannot be made, or there is one already.
    """

    def __init__(self, folder: Path, run_id: str, source: int = WORKER_SOURCE, clock: Clock = SYSTEM_CLOCK) -> None:
        self.run_id = run_id
        self.source = source
        self.path = journal_path(folder, run_id, source)
        self._wall = clock.wall
        self._lock = threading.RLock()
        self._last_seq = 0
        self._listeners: tuple[Listener, ...] = ()
        self._sink: Sink | None = None
        # What a batch has not written yet; the thread whose batch it is.
        self._events: list[Event] = []
        self._frames: list[bytes] = []
        self._batching_thread: int | None = None
        process = identify(os.getpid())
        header = JournalHeader(
            run_id=run_id,
            source=source,
            pid=process.pid,
            created_at=clock.wall(),
            host=host(),
            boot_id=boot_id(),
            started_at_ticks=process.started_at_ticks,
        )
        try:
            self._file = LockedFile.create(self.path)
            try:
                os.write(self._file.fd, MAGIC + _VERSION.pack(VERSION) + _frame(header))
            except BaseException:
                self._file.delete()
                raise
        except OSError as error:
            exists = isinstance(error, FileExistsError)
            raise StorageError(
                "The journal of a worker cannot be made.",
                code="WEFT-T051",
                facts={"file": str(self.path), "why": "it is there already" if exists else _reason(error)},
                fix="give each writer of a run a source of its own; left-over journals are recovered when an instance is opened"
                if exists
                else "see that the folder exists, is writable and has space",
            ) from error
        close_in_children(self)

    @property
    def last_seq(self) -> int:
        """The number of the last event, 0 before the first."""
        return self._last_seq

    def append(self, body: EventBody, step_key: str | None = None) -> Event:
        """See `Journal.append`.

        Raises:
            StorageError: (WEFT-T052) it could not be written: the disk is full, or the journal is closed.
        """
        with self._lock:
            # The number is taken before the write: if a signal ends this call at any point, no later event gets it again.
            seq = self._last_seq + 1
            event = Event(
                run_id=self.run_id, seq=seq, time=self._wall(), body=body, source=self.source, step_key=step_key
            )
            payload = encode(event)
            frame = _FRAME.pack(len(payload), zlib.crc32(payload)) + payload
            self._last_seq = seq
            if self._batching_thread is None:
                try:
                    self._write(frame)
                except StorageError:
                    self._give_back((event,))
                    raise
                if self._sink is not None:
                    self._sink((event,))
                written: Sequence[Event] = (event,)
            else:
                self._events.append(event)
                self._frames.append(frame)
                if self._batching_thread == threading.get_ident():
                    return event
                # Another thread has a batch open. This event must be safe on return, and nothing may overtake.
                try:
                    written = self._write_batch()
                except StorageError:
                    del self._events[-1], self._frames[-1]
                    self._give_back((event,))
                    raise
        for listener in self._listeners:
            for each in written:
                listener(each)
        return event

    @contextmanager
    def batch(self) -> Iterator[None]:
        """See `Journal.batch`. A batch inside a batch, or beside that of another thread, writes each event at once.

        Raises:
            StorageError: (WEFT-T052) on closing: none of the events that were not written yet happened.
        """
        with self._lock:
            owns = self._batching_thread is None
            if owns:
                self._batching_thread = threading.get_ident()
        try:
            yield
        finally:
            if owns:
                with self._lock:
                    self._batching_thread = None
                    try:
                        written = self._write_batch()
                    except StorageError:
                        self._give_back(self._events)
                        raise
                    finally:
                        self._events, self._frames = [], []
                for listener in self._listeners:
                    for each in written:
                        listener(each)

    def subscribe(self, listener: Listener) -> None:
        """See `Journal.subscribe`."""
        self._listeners = (*self._listeners, listener)

    def connect(self, sink: Sink) -> None:
        """Hand every event from now on to `sink`, in the order of the file. There is one sink."""
        with self._lock:
            if self._sink is not None:
                raise InternalError("a journal was given a second sink", facts={"journal": str(self.path)})
            self._sink = sink

    def paused(self) -> AbstractContextManager[object]:
        """While open, no other thread appends."""
        return self._lock

    @property
    def end(self) -> int:
        """The position behind the last whole frame, for `replay`."""
        with self._lock:
            return os.fstat(self._file.fd).st_size

    def replay(self, position: int, limit: int) -> tuple[list[Event], int]:
        """Up to `limit` events from `position` on, and the position behind them."""
        frames = _Frames(self._file.fd, self.path, position)
        return frames.read(limit), frames.position

    def close(self) -> None:
        """Let go of the lock. The file stays, for whoever finds it."""
        self._file.close()

    def discard(self) -> None:
        """Delete the file: all its events are stored, and nobody needs to know that its writer has ended."""
        self._file.delete()

    def abandon(self) -> None:
        """See `weft.execution.file_lock.LeftInChild`."""
        self._file.abandon()
        self._lock = threading.RLock()
        self._sink = None

    def _write_batch(self) -> Sequence[Event]:
        events, frames = self._events, self._frames
        if not events:
            return ()
        self._write(b"".join(frames))
        self._events, self._frames = [], []
        if self._sink is not None:
            self._sink(events)
        return events

    def _give_back(self, events: Sequence[Event]) -> None:
        """Use the numbers of events that did not happen for the next ones, unless others have followed already."""
        if events and events[-1].seq == self._last_seq:
            self._last_seq = events[0].seq - 1

    def _write(self, data: bytes) -> None:
        """All of `data` or nothing: half a frame would make damage of what follows."""
        fd, size, written = self._file.fd, len(data), 0
        try:
            written = os.write(fd, data)
            while written < size:  # a disk that is nearly full takes a part
                written += os.write(fd, data[written:])
        except BaseException as error:
            if written:
                os.ftruncate(fd, os.fstat(fd).st_size - written)
            if not isinstance(error, OSError):
                raise
            raise StorageError(
                "An event could not be written to the journal of the worker.",
                code="WEFT-T052",
                facts={
                    "file": str(self.path),
                    "why": _reason(error)
                    if self._file.is_open
                    else "the journal is closed, or belongs to the parent process",
                },
                fix="make space on the disk; events that were written before are safe",
            ) from error


class MemoryJournal:
    """A journal that is a list: `events`. For tests, and where nothing has to outlive the process."""

    def __init__(self, run_id: str, source: int = WORKER_SOURCE, clock: Clock = SYSTEM_CLOCK) -> None:
        self.run_id = run_id
        self.source = source
        self.events: list[Event] = []
        self._wall = clock.wall
        self._lock = threading.RLock()
        self._listeners: tuple[Listener, ...] = ()

    def append(self, body: EventBody, step_key: str | None = None) -> Event:
        """See `Journal.append`."""
        with self._lock:
            event = Event(
                run_id=self.run_id,
                seq=len(self.events) + 1,
                time=self._wall(),
                body=body,
                source=self.source,
                step_key=step_key,
            )
            self.events.append(event)
        for listener in self._listeners:
            listener(event)
        return event

    @contextmanager
    def batch(self) -> Iterator[None]:
        """See `Journal.batch`. There is nothing to gain, so every event is written at once."""
        yield

    def subscribe(self, listener: Listener) -> None:
        """See `Journal.subscribe`."""
        self._listeners = (*self._listeners, listener)


class JournalReader:
    """Reads the journal in an open file, from its header on. Closes nothing.

    Raises:
        StorageError: (WEFT-T053) it is not a journal; (WEFT-T054) another version of weft wrote it.
    """

    def __init__(self, fd: int, path: Path) -> None:
        self._fd = fd
        self._path = path
        start = os.pread(fd, _START, 0)
        whole = MAGIC + _VERSION.pack(VERSION)
        self._frames = _Frames(fd, path, _START)
        self.header: JournalHeader | None = None
        """None where the writer died before it had written it."""
        if start == whole:
            payload = self._frames.next_payload()
            if payload is not None:
                self.header = _HEADER_DECODER.decode(payload)
        elif start.startswith(MAGIC) and len(start) == _START:
            raise _other_version(path, f"format {_VERSION.unpack(start[len(MAGIC) :])[0]}, not {VERSION}")
        elif not whole.startswith(start) and start.strip(b"\0"):
            raise _damaged(path, 0, "it does not begin as a journal")

    def read(self, limit: int) -> list[Event]:
        """The next events, at most `limit`; empty at the end.

        Raises:
            StorageError: (WEFT-T053) a frame is broken that is not the torn end; (WEFT-T054) another version of weft wrote it.
        """
        if self.header is None:
            return []
        events = self._frames.read(limit)
        if not events:
            self._check_end()
        return events

    def _check_end(self) -> None:
        """The reading stopped here. Fine at the end of the file and before a torn frame, not before whole ones."""
        stop, size = self._frames.position, os.fstat(self._fd).st_size
        if stop == size:
            return
        with mmap.mmap(self._fd, size, access=mmap.ACCESS_READ) as content:
            found = content.find(_EVENT_BEGINS, stop)
            while found >= 0:
                start = found - 1 - _FRAME.size
                if start > stop:
                    length, checksum = _FRAME.unpack_from(content, start)
                    payload = content[found - 1 : found - 1 + length]
                    if len(payload) == length and zlib.crc32(payload) == checksum:
                        raise _damaged(self._path, stop, f"a whole record follows at byte {start}")
                found = content.find(_EVENT_BEGINS, found + 1)


def read_journal(path: Path) -> tuple[JournalHeader | None, list[Event]]:
    """The header and all events of a journal. The header is None where the writer died before it had written it.

    Raises:
        FileNotFoundError: there is no such file.
        StorageError: (WEFT-T053) it is not a journal, or is damaged before its end; (WEFT-T054) another version of weft wrote it.
    """
    with path.open("rb") as file:
        reader = JournalReader(file.fileno(), path)
        events: list[Event] = []
        while batch := reader.read(1000):
            events += batch
        return reader.header, events


class _Frames:
    """Walks over frames from a position on; `position` is behind the last whole one that was read."""

    __slots__ = ("_chunk", "_chunk_start", "_fd", "_path", "position")

    def __init__(self, fd: int, path: Path, position: int) -> None:
        self._fd = fd
        self._path = path
        self._chunk = b""
        self._chunk_start = position
        self.position = position

    def read(self, limit: int) -> list[Event]:
        """Whole events, at most `limit`. Stops before a broken frame, as at the end."""
        events: list[Event] = []
        while len(events) < limit and (payload := self.next_payload()) is not None:
            try:
                events.append(EVENT_DECODER.decode(payload))
            except msgspec.DecodeError as error:  # its checksum is right, so it was written like this
                raise _other_version(self._path, str(error)) from error
        return events

    def next_payload(self) -> bytes | None:
        """What the next frame holds; None where there is no whole frame."""
        head = self._bytes(self.position, _FRAME.size)
        if len(head) < _FRAME.size:
            return None
        length, checksum = _FRAME.unpack(head)
        payload = self._bytes(self.position + _FRAME.size, length)
        # An empty payload is what zeros look like.
        if not length or len(payload) < length or zlib.crc32(payload) != checksum:
            return None
        self.position += _FRAME.size + length
        return payload

    def _bytes(self, start: int, count: int) -> bytes:
        """`count` bytes from `start`, fewer at the end of the file."""
        offset = start - self._chunk_start
        found = self._chunk[offset : offset + count]
        if len(found) < count:
            # A broken length must not ask for more memory than there are bytes.
            count = min(count, max(0, os.fstat(self._fd).st_size - start))
            self._chunk = os.pread(self._fd, max(count, _CHUNK_BYTES), start)
            self._chunk_start = start
            found = self._chunk[:count]
        return found


def _frame(value: object) -> bytes:
    payload = encode(value)
    return _FRAME.pack(len(payload), zlib.crc32(payload)) + payload


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _damaged(path: Path, position: int, why: str) -> StorageError:
    return StorageError(
        "The journal of a worker is damaged.",
        code="WEFT-T053",
        facts={"file": str(path), "from byte": position, "why": why},
        fix="check the disk; the events before the damage can be read, those behind it are not trusted",
    )


def _other_version(path: Path, why: str) -> StorageError:
    return StorageError(
        "The journal of a worker was written by another version of weft.",
        code="WEFT-T054",
        facts={"file": str(path), "found": why},
        fix="open the instance once with the version of weft that wrote it",
    )
