"""Cursors of paged lists: opaque outside, checked when they come back.

A cursor is the place of the last item of a page, tagged with the list it belongs to. It comes back from URLs and clients, so it is
decoded with a type: a damaged cursor, or one of another list, is an error of its own and never a wrong page.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any, Generic, TypeVar

import msgspec

from weft.errors import StorageError
from weft.model.codec import Decoder, encode

T = TypeVar("T")


class CursorCodec(Generic[T]):
    """Writes and reads the cursors of one list; `kind` is the type of a place in it."""

    __slots__ = ("_decoder", "_name")

    def __init__(self, name: str, kind: type[T] | Any) -> None:
        self._name = name
        self._decoder: Decoder[tuple[str, T]] = Decoder(tuple[str, kind])  # type: ignore[valid-type]  # made at run time

    def write(self, place: T) -> str:
        """`place` as a cursor: letters, digits, ``-`` and ``_``."""
        return urlsafe_b64encode(encode((self._name, place))).rstrip(b"=").decode("ascii")

    def read(self, cursor: str) -> T:
        """The place that `write` made into `cursor`.

        Raises:
            StorageError: (WEFT-T012) it is damaged or belongs to another list.
        """
        try:
            data = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
            name, place = self._decoder.decode(data)
        except (UnicodeEncodeError, UnicodeDecodeError, binascii.Error, msgspec.DecodeError) as error:
            raise bad_cursor(cursor, f"a cursor of {self._name}") from error
        if name != self._name:
            raise bad_cursor(cursor, f"a cursor of {self._name}")
        return place


def bad_cursor(cursor: str, expected: str) -> StorageError:
    """The error for a cursor that does not belong to the list it is used with."""
    return StorageError(
        "the cursor does not belong to this list.",
        code="WEFT-T012",
        facts={"cursor": cursor if len(cursor) <= 120 else cursor[:117] + "...", "expected": expected},
        fix="start again from the first page, without a cursor",
    )


RUN_CURSOR: CursorCodec[tuple[float, int]] = CursorCodec("runs", tuple[float, int])
"""Time of creation, then the order of storing among runs created at the same instant."""

CHANGE_CURSOR: CursorCodec[tuple[float, int]] = CursorCodec("changes", tuple[float, int])
"""Time of the last change of a run, then the order of storing."""

ASSET_CURSOR: CursorCodec[tuple[str, ...]] = CursorCodec("assets", tuple[str, ...])
"""The parts of the key."""

PARTITION_CURSOR: CursorCodec[str] = CursorCodec("partitions", str)
"""The partition key."""
